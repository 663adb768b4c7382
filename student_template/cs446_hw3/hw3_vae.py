"""Homework 3, problem 2: a variational auto-encoder on MNIST.

The model: a prior p(z) = N(0, I) over z of 2 dimensions, a decoder p(x|z) of 784 independent Bernoulli variables, and
an encoder q(z|x) = N(mu, sigma_square I). Encoder and decoder are trained by maximising the evidence lower bound.
Source: Kingma and Welling, "Auto-Encoding Variational Bayes", 2014 (arXiv:1312.6114).

Run it: python hw3_vae.py        (--help lists the options; data is read from ./data, or downloaded into it)
"""

import argparse
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn, optim

from hw3_utils import array_to_image, batch_indices, concat_images, load_mnist


class Encoder(nn.Module):
    """q(z|x): a tanh hidden layer, then one linear layer for the mean and one for the logarithm of the variance."""

    def __init__(self, latent_dimension: int, hidden_units: int, data_dimension: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_log_sigma_square = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance of q(z|x).

        x: [batch, data_dimension]
        Returns (mu, sigma_square), both [batch, latent_dimension].
        """
        hidden = torch.tanh(self.fc1(x))
        mu = self.fc2_mu(hidden)
        sigma_square = torch.exp(self.fc2_log_sigma_square(hidden))
        return mu, sigma_square


class Decoder(nn.Module):
    """p(x|z): the probability of each pixel to be 1 (problem 2.a)."""

    def __init__(self, latent_dimension: int, hidden_units: int, data_dimension: int) -> None:
        super().__init__()
        # YOUR CODE HERE
        raise NotImplementedError("Decoder.__init__")

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Probabilities p of the Bernoulli distribution over the pixels.

        z: [batch, latent_dimension]
        Returns [batch, data_dimension], in 0..1.
        """
        # YOUR CODE HERE
        raise NotImplementedError("Decoder.forward")


class VAE:
    """The auto-encoder, its training and its pictures.

    args: the options of `parse_args`.
    Attributes besides these: train_images [N, 784] float32 in 0..1, train_labels [N, 10] one-hot, encoder, decoder.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.latent_dimension: int = args.latent_dimension
        self.hidden_units: int = args.hidden_units
        self.data_dimension: int = args.data_dimension
        self.resume_training: bool = args.resume_training
        self.batch_size: int = args.batch_size
        self.num_epoches: int = args.num_epoches
        self.e_path: str = args.e_path
        self.d_path: str = args.d_path

        _, train_images, train_labels, _, _ = load_mnist()
        self.train_images = torch.from_numpy(train_images)  # (N, 784)
        self.train_labels = torch.from_numpy(train_labels)  # (N, 10)

        self.encoder = Encoder(self.latent_dimension, self.hidden_units, self.data_dimension)
        self.decoder = Decoder(self.latent_dimension, self.hidden_units, self.data_dimension)
        if self.resume_training:
            self.encoder.load_state_dict(torch.load(self.e_path, weights_only=True))
            self.decoder.load_state_dict(torch.load(self.d_path, weights_only=True))

    @staticmethod
    def sample_diagonal_gaussian(mu: torch.Tensor, sigma_square: torch.Tensor) -> torch.Tensor:
        """One sample of N(mu, sigma_square I) per row, through which gradients reach mu and sigma_square (2.b.iii).

        mu, sigma_square: [batch, latent_dimension]; sigma_square is the variance.
        Returns [batch, latent_dimension].
        Source: the reparametrisation trick, Kingma and Welling, section 2.4.
        """
        # YOUR CODE HERE
        raise NotImplementedError("VAE.sample_diagonal_gaussian")

    @staticmethod
    def sample_Bernoulli(p: torch.Tensor) -> torch.Tensor:
        """One sample of independent Bernoulli variables: 1 with probability p, else 0 (2.b.iv).

        p: [batch, data_dimension], in 0..1
        Returns [batch, data_dimension], zeros and ones of p's dtype.
        """
        # YOUR CODE HERE
        raise NotImplementedError("VAE.sample_Bernoulli")

    @staticmethod
    def logpdf_diagonal_gaussian(z: torch.Tensor, mu: torch.Tensor, sigma_square: torch.Tensor) -> torch.Tensor:
        """log N(z | mu, sigma_square I), summed over the dimensions of z (2.b.i).

        z, mu, sigma_square: [batch, latent_dimension]; sigma_square is the variance.
        Returns [batch].
        """
        # YOUR CODE HERE
        raise NotImplementedError("VAE.logpdf_diagonal_gaussian")

    @staticmethod
    def logpdf_bernoulli(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
        """log Ber(x | p), summed over the pixels (2.b.ii).

        x, p: [batch, data_dimension], in 0..1
        Returns [batch]. A pixel adds 0 where p is exactly x (both 0 or both 1). Where x is impossible (p = 0 and x = 1,
        or p = 1 and x = 0) it adds -100: logarithms are held there, as in torch.nn.functional.binary_cross_entropy.
        """
        # YOUR CODE HERE
        raise NotImplementedError("VAE.logpdf_bernoulli")

    def sample_z(self, mu: torch.Tensor, sigma_square: torch.Tensor) -> torch.Tensor:
        """One sample z of q(z|x) per image: [batch, latent_dimension]."""
        return self.sample_diagonal_gaussian(mu, sigma_square)

    def elbo_loss(
        self,
        sampled_z: torch.Tensor,
        mu: torch.Tensor,
        sigma_square: torch.Tensor,
        x: torch.Tensor,
        p: torch.Tensor,
    ) -> torch.Tensor:
        """The ELBO of Eq. 2 with one sample of z, mean over the batch (2.c): training maximises it.

        E_q[ log p(x|z) + log p(z) - log q(z|x) ]

        sampled_z: [batch, latent_dimension], drawn from q(z|x) = N(mu, sigma_square I)
        mu, sigma_square: [batch, latent_dimension]
        x, p: [batch, data_dimension], the images and the decoder's probabilities for sampled_z
        Returns a scalar, in nats per image.
        """
        # YOUR CODE HERE
        raise NotImplementedError("VAE.elbo_loss")

    def train(self) -> None:
        """Train encoder and decoder for `num_epoches` with Adam, and save both (2.d)."""
        optimizer = optim.Adam([*self.encoder.parameters(), *self.decoder.parameters()])
        num_batches = math.ceil(len(self.train_images) / self.batch_size)
        elbos: list[float] = []

        for i in range(self.num_epoches * num_batches):
            x_minibatch = self.train_images[batch_indices(i, num_batches, self.batch_size)]  # (batch, 784)

            # One step of Adam on this minibatch; append its ELBO, as a float, to `elbos`.
            # YOUR CODE HERE
            raise NotImplementedError("VAE.train")

            epoch, batches_left = divmod(i + 1, num_batches)
            if batches_left == 0 and (epoch == 1 or epoch % 10 == 0):
                mean_elbo = sum(elbos[-num_batches:]) / num_batches
                print(f"epoch {epoch:3d}: mean ELBO of its minibatches {mean_elbo:.3f}", flush=True)

        torch.save(self.encoder.state_dict(), self.e_path)
        torch.save(self.decoder.state_dict(), self.d_path)

    def training_elbo(self) -> float:
        """The ELBO over the whole training set, with one sample of z per image, in nats per image."""
        with torch.no_grad():
            mu, sigma_square = self.encoder(self.train_images)
            sampled_z = self.sample_z(mu, sigma_square)
            elbo = self.elbo_loss(sampled_z, mu, sigma_square, self.train_images, self.decoder(sampled_z))
        return elbo.item()

    def visualize_data_space(self) -> None:
        """Draw 10 samples of the prior as p(x|z) and as a sample x of it: 10 rows, 2 columns (2.e.i).

        Writes data_space.png.
        """
        # YOUR CODE HERE
        raise NotImplementedError("VAE.visualize_data_space")

    def visualize_latent_space(self) -> None:
        """Scatter plot of the mean of q(z|x) of every training image, coloured by class (2.e.ii).

        Writes latent_space.png.
        """
        # YOUR CODE HERE
        raise NotImplementedError("VAE.visualize_latent_space")

    @staticmethod
    def interpolate_mu(mua: torch.Tensor, mub: torch.Tensor, alpha: float = 0.5) -> torch.Tensor:
        """Linear interpolation between two mean vectors: mua at alpha = 0, mub at alpha = 1 (2.e.iii).

        mua, mub: of the same shape; alpha: in 0..1
        """
        # YOUR CODE HERE
        raise NotImplementedError("VAE.interpolate_mu")

    def visualize_inter_class_interpolation(self) -> None:
        """Draw p(x|z_alpha) for alpha = 0, 0.1, ..., 1 between 3 pairs of images of different classes (2.e.iii).

        One row per pair, one column per alpha: 3 rows, 11 columns. Writes interpolation.png.
        """
        # YOUR CODE HERE
        raise NotImplementedError("VAE.visualize_inter_class_interpolation")


def parse_args() -> argparse.Namespace:
    """Options of the command line, with the homework's values as defaults."""
    parser = argparse.ArgumentParser(description="Train a VAE on MNIST and draw its figures.")
    parser.add_argument("--e_path", default="./e_params.pkl", help="where the encoder's parameters are kept")
    parser.add_argument("--d_path", default="./d_params.pkl", help="where the decoder's parameters are kept")
    parser.add_argument("--hidden_units", type=int, default=500, help="units of each hidden layer")
    parser.add_argument("--latent_dimension", type=int, default=2, help="dimensions of z")
    parser.add_argument("--data_dimension", type=int, default=784, help="pixels of an image")
    parser.add_argument("--resume_training", action="store_true", help="start from the parameters at e_path and d_path")
    parser.add_argument("--seed", type=int, default=1, help="random seed")
    parser.add_argument("--num_epoches", type=int, default=200, help="passes over the training set")
    parser.add_argument("--batch_size", type=int, default=100, help="images per minibatch")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    torch.manual_seed(args.seed)
    vae = VAE(args)
    vae.train()
    print(f"ELBO over the whole training set: {vae.training_elbo():.3f}")
    vae.visualize_data_space()
    vae.visualize_latent_space()
    vae.visualize_inter_class_interpolation()


if __name__ == "__main__":
    main()
