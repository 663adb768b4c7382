"""Homework 3, problem 4: a generative adversarial network on MNIST.

Source: Goodfellow et al., "Generative Adversarial Nets", 2014 (arXiv:1406.2661), with the generator's loss in its
non-saturating form (section 3 there).

Run it: python hw3_gan.py        (--help lists the options; data is read from ./data, or downloaded into it)
"""

import argparse

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.utils import save_image

from hw3_utils import BASE_URL, GANDataset, download


class DNet(nn.Module):
    """The discriminator of table 1 (problem 4.a)."""

    def __init__(self) -> None:
        super().__init__()
        # YOUR CODE HERE
        raise NotImplementedError("DNet.__init__")
        self._weight_init()

    def _weight_init(self) -> None:
        """Kaiming-uniform weights and zero biases in every layer that has them (4.c)."""
        # YOUR CODE HERE
        pass

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits: above 0 for images that look real.

        x: [batch, 1, 28, 28], in 0..1
        Returns [batch, 1].
        """
        # YOUR CODE HERE
        raise NotImplementedError("DNet.forward")


class GNet(nn.Module):
    """The generator of table 2 (problem 4.b).

    zdim: dimensions of the latent variable z
    """

    def __init__(self, zdim: int) -> None:
        super().__init__()
        # YOUR CODE HERE
        raise NotImplementedError("GNet.__init__")
        self._weight_init()

    def _weight_init(self) -> None:
        """Kaiming-uniform weights and zero biases in every layer that has them (4.c)."""
        # YOUR CODE HERE
        pass

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Images.

        z: [batch, zdim]
        Returns [batch, 1, 28, 28], in 0..1.
        """
        # YOUR CODE HERE
        raise NotImplementedError("GNet.forward")


class GAN:
    """Discriminator, generator, their losses and their training.

    zdim: dimensions of the latent variable z, whose entries are uniform in [-1, 1]
    """

    def __init__(self, zdim: int = 64) -> None:
        self._dev = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)

    def _get_loss_d(self, batch_size: int, batch_data: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The discriminator's loss, real term plus fake term, each a mean over the batch (4.d).

        -E_x[ log D(x) ] - E_z[ log(1 - D(G(z))) ], where D is the sigmoid of the discriminator's logit

        batch_data: [batch_size, 1, 28, 28], real images
        z: [batch_size, zdim]
        Returns a scalar. The generator counts as a constant here.
        """
        # YOUR CODE HERE
        raise NotImplementedError("GAN._get_loss_d")

    def _get_loss_g(self, batch_size: int, z: torch.Tensor) -> torch.Tensor:
        """The generator's loss in its non-saturating form, mean over the batch (4.e).

        -E_z[ log D(G(z)) ], where D is the sigmoid of the discriminator's logit

        z: [batch_size, zdim]
        Returns a scalar.
        """
        # YOUR CODE HERE
        raise NotImplementedError("GAN._get_loss_g")

    def _sample_z(self, count: int) -> torch.Tensor:
        """Latent variables, uniform in [-1, 1]: [count, zdim]."""
        return 2 * torch.rand(count, self._zdim, device=self._dev) - 1

    def train(
        self, iter_d: int = 1, iter_g: int = 1, n_epochs: int = 100, batch_size: int = 256, lr: float = 0.0002
    ) -> None:
        """Train both networks with Adam, and save 64 generated images every 10 epochs and after the last (4.f).

        iter_d, iter_g: steps of the discriminator and of the generator per minibatch
        The images are those of the same 64 z throughout; gan_000.png shows them before training.
        """
        name = "train-images-idx3-ubyte.gz"
        download(BASE_URL + name, name)
        # The dataset's grey values are 0..255: this transform divides them by 255.
        images = GANDataset(f"./data/{name}", self._dev, transform=transforms.Normalize((0.0,), (255.0,)))
        loader = DataLoader(images, batch_size=batch_size, shuffle=True, drop_last=True)
        optimizer_d = optim.Adam(self.disc.parameters(), lr=lr)
        optimizer_g = optim.Adam(self.gen.parameters(), lr=lr)
        shown_z = self._sample_z(64)
        self._save_images(shown_z, epoch=0)

        for epoch in range(1, n_epochs + 1):
            for batch_data in loader:
                z = self._sample_z(batch_size)
                for _ in range(iter_d):
                    optimizer_d.zero_grad()
                    loss_d = self._get_loss_d(batch_size, batch_data, z)
                    loss_d.backward()
                    optimizer_d.step()
                for _ in range(iter_g):
                    optimizer_g.zero_grad()
                    loss_g = self._get_loss_g(batch_size, z)
                    loss_g.backward()
                    optimizer_g.step()

            print(f"epoch {epoch:3d}: last loss of D {loss_d.item():.4f}, of G {loss_g.item():.4f}", flush=True)
            if epoch % 10 == 0 or epoch == n_epochs:
                self._save_images(shown_z, epoch)

    def _save_images(self, z: torch.Tensor, epoch: int) -> None:
        """Write the generator's images of z to gan_<epoch>.png, 8 in a row."""
        with torch.no_grad():
            save_image(self.gen(z), f"gan_{epoch:03d}.png", nrow=8)


def parse_args() -> argparse.Namespace:
    """Options of the command line, with the homework's values as defaults."""
    parser = argparse.ArgumentParser(description="Train a GAN on MNIST and save images during training.")
    parser.add_argument("--seed", type=int, default=2, help="random seed")
    parser.add_argument("--n_epochs", type=int, default=100, help="passes over the training set")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    torch.manual_seed(args.seed)
    GAN().train(n_epochs=args.n_epochs)


if __name__ == "__main__":
    main()
