"""CS 446 HW3, problem 2. Everything probabilistic is left to torch.distributions."""
from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Tuple

import numpy as np
import torch
from matplotlib import pyplot as plt
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Independent, Normal

import hw3_utils

N_CLASSES = 10


def diagonal_gaussian(mu: Tensor, sigma_square: Tensor) -> Distribution:
    return Independent(Normal(mu, sigma_square.sqrt(), validate_args=False), 1, validate_args=False)


def pixelwise_bernoulli(p: Tensor) -> Distribution:
    return Independent(Bernoulli(probs=p, validate_args=False), 1, validate_args=False)


class Encoder(nn.Module):
    def __init__(self, latent_dimension: int, hidden_units: int, data_dimension: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        hidden = torch.tanh(self.fc1(x))
        return self.fc2_mu(hidden), torch.exp(self.fc2_sigma(hidden))


class Decoder(nn.Sequential):
    def __init__(self, latent_dimension: int, hidden_units: int, data_dimension: int) -> None:
        super().__init__(
            nn.Linear(latent_dimension, hidden_units),
            nn.Tanh(),
            nn.Linear(hidden_units, data_dimension),
            nn.Sigmoid(),
        )


@dataclass(frozen=True)
class Mnist:
    images: Tensor
    labels: Tensor

    @classmethod
    def training_set(cls) -> "Mnist":
        _, images, one_hot, _, _ = hw3_utils.load_mnist()
        return cls(torch.as_tensor(images), torch.as_tensor(one_hot).argmax(dim=1))


class VAE:
    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.data = Mnist.training_set()
        sizes = (args.latent_dimension, args.hidden_units, args.data_dimension)
        self.encoder, self.decoder = Encoder(*sizes), Decoder(*sizes)
        if args.resume_training:
            self.encoder.load_state_dict(torch.load(args.e_path))
            self.decoder.load_state_dict(torch.load(args.d_path))

    @property
    def train_images(self) -> Tensor:
        return self.data.images

    @property
    def train_labels(self) -> Tensor:
        return nn.functional.one_hot(self.data.labels, N_CLASSES)

    @staticmethod
    def sample_diagonal_gaussian(mu: Tensor, sigma_square: Tensor) -> Tensor:
        return diagonal_gaussian(mu, sigma_square).rsample()

    @staticmethod
    def sample_Bernoulli(p: Tensor) -> Tensor:
        return pixelwise_bernoulli(p).sample()

    @staticmethod
    def logpdf_diagonal_gaussian(z: Tensor, mu: Tensor, sigma_square: Tensor) -> Tensor:
        return diagonal_gaussian(mu, sigma_square).log_prob(z)

    @staticmethod
    def logpdf_bernoulli(x: Tensor, p: Tensor) -> Tensor:
        # Bernoulli clamps its probabilities to [eps, 1 - eps], so p = 0 and p = 1 are fine.
        return pixelwise_bernoulli(p).log_prob(x)

    def sample_z(self, mu: Tensor, sigma_square: Tensor) -> Tensor:
        return self.sample_diagonal_gaussian(mu, sigma_square)

    def elbo_loss(self, sampled_z: Tensor, mu: Tensor, sigma_square: Tensor, x: Tensor, p: Tensor) -> Tensor:
        log_q = self.logpdf_diagonal_gaussian(sampled_z, mu, sigma_square)
        log_prior = self.logpdf_diagonal_gaussian(sampled_z, torch.zeros_like(mu), torch.ones_like(mu))
        log_likelihood = self.logpdf_bernoulli(x, p)
        return (log_likelihood + log_prior - log_q).mean()

    def train(self) -> None:
        networks = nn.ModuleList([self.encoder, self.decoder])
        optimizer = torch.optim.Adam(networks.parameters())
        n_batches = -(-len(self.train_images) // self.args.batch_size)
        for epoch in range(self.args.num_epoches):
            running = 0.0
            for b in range(n_batches):
                x = self.train_images[hw3_utils.batch_indices(b, n_batches, self.args.batch_size)]
                q = self.encoder(x)
                z = self.sample_z(*q)
                elbo = self.elbo_loss(z, *q, x, self.decoder(z))
                optimizer.zero_grad(set_to_none=True)
                elbo.neg().backward()
                optimizer.step()
                running += elbo.detach().item()
            if epoch % 20 == 0:
                print(f"epoch {epoch}: {running / n_batches:.2f}")
        torch.save(self.encoder.state_dict(), self.args.e_path)
        torch.save(self.decoder.state_dict(), self.args.d_path)

    @torch.no_grad()
    def visualize_data_space(self) -> None:
        shape = (10, self.args.latent_dimension)
        z = self.sample_diagonal_gaussian(torch.zeros(shape), torch.ones(shape))
        p = self.decoder(z)
        x = self.sample_Bernoulli(p)
        tiles = [hw3_utils.array_to_image(v.numpy()) for pair in torch.stack([p, x], dim=1) for v in pair]
        self._save_mosaic(tiles, 10, 2, "data_space.png")

    @torch.no_grad()
    def visualize_latent_space(self) -> None:
        mu, _ = self.encoder(self.train_images)
        figure, axes = plt.subplots(figsize=(8, 8))
        points = axes.scatter(mu[:, 0].numpy(), mu[:, 1].numpy(), c=self.data.labels.numpy(), cmap="tab10", s=3)
        axes.legend(*points.legend_elements(), title="digit")
        figure.savefig("latent_space.png")
        plt.close(figure)

    @staticmethod
    def interpolate_mu(mua: Tensor, mub: Tensor, alpha: float = 0.5) -> Tensor:
        return mua + alpha * (mub - mua)

    @torch.no_grad()
    def visualize_inter_class_interpolation(self) -> None:
        tiles = []
        classes = torch.randperm(N_CLASSES)[:6].reshape(3, 2)
        for first, second in classes.tolist():
            mua, mub = (self._some_mean(label) for label in (first, second))
            for alpha in np.linspace(0.0, 1.0, 11):
                z = self.interpolate_mu(mua, mub, float(alpha))
                tiles.append(hw3_utils.array_to_image(self.decoder(z).numpy()))
        self._save_mosaic(tiles, 3, 11, "interpolation.png")

    def _some_mean(self, label: int) -> Tensor:
        candidates = (self.data.labels == label).nonzero().flatten()
        chosen = candidates[torch.randint(len(candidates), (1,))]
        return self.encoder(self.train_images[chosen])[0]  # [1, 2]

    @staticmethod
    def _save_mosaic(tiles, rows: int, columns: int, name: str) -> None:
        plt.imsave(Path(name), hw3_utils.concat_images(tiles, rows, columns), cmap="gray", vmin=0, vmax=1)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    for name, default in (
        ("e_path", "./e_params.pkl"),
        ("d_path", "./d_params.pkl"),
        ("hidden_units", 500),
        ("latent_dimension", 2),
        ("data_dimension", 784),
        ("seed", 1),
        ("num_epoches", 200),
        ("batch_size", 100),
    ):
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--resume_training", action=argparse.BooleanOptionalAction, default=False)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    torch.manual_seed(args.seed)
    vae = VAE(args)
    vae.train()
    vae.visualize_data_space()
    vae.visualize_latent_space()
    vae.visualize_inter_class_interpolation()


if __name__ == "__main__":
    main()
