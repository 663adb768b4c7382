"""CS 446 HW3, problem 4."""
from __future__ import annotations

from typing import Iterator

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Uniform
from torch.utils.data import DataLoader
from torchvision.transforms import Normalize
from torchvision.utils import make_grid, save_image

from hw3_utils import BASE_URL, GANDataset, download

SLOPE = 0.2


class KaimingModule(nn.Module):
    """Layers with weights are initialised alike in both networks."""

    def _weight_init(self) -> None:
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Conv2d)):
                nn.init.kaiming_uniform_(module.weight)
                nn.init.zeros_(module.bias)


class DNet(KaimingModule):
    """This is discriminator network."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(
            {
                "down1": nn.Sequential(nn.Conv2d(1, 2, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2)),
                "down2": nn.Sequential(nn.Conv2d(2, 4, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2)),
                "last": nn.Sequential(nn.Conv2d(4, 8, 3, 1, 0), nn.ReLU()),
                "logit": nn.Sequential(nn.Flatten(), nn.Linear(8 * 5 * 5, 1)),
            }
        )
        self._weight_init()

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages.values():
            x = stage(x)
        return x


class GNet(KaimingModule):
    """This is generator network."""

    def __init__(self, zdim: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Linear(zdim, 32 * 7 * 7), nn.LeakyReLU(SLOPE), nn.Unflatten(-1, (32, 7, 7)))
        self.grow = nn.Sequential(*self._grow(32, 16), *self._grow(16, 8))
        self.paint = nn.Sequential(nn.Conv2d(8, 1, 3, padding=1), nn.Sigmoid())
        self._weight_init()

    @staticmethod
    def _grow(n_in: int, n_out: int) -> Iterator[nn.Module]:
        yield nn.UpsamplingNearest2d(scale_factor=2)
        yield nn.Conv2d(n_in, n_out, kernel_size=3, padding="same")
        yield nn.LeakyReLU(SLOPE)

    def forward(self, z: Tensor) -> Tensor:
        return self.paint(self.grow(self.project(z)))


class GAN:
    def __init__(self, zdim: int = 64) -> None:
        torch.manual_seed(2)
        self._dev = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(zdim).to(self._dev)

    def _get_loss_d(self, batch_size: int, batch_data: Tensor, z: Tensor) -> Tensor:
        real = Bernoulli(logits=self.disc(batch_data))
        fake = Bernoulli(logits=self.disc(self.gen(z).detach()))
        return -(real.log_prob(torch.ones_like(real.logits)).mean() + fake.log_prob(torch.zeros_like(fake.logits)).mean())

    def _get_loss_g(self, batch_size: int, z: Tensor) -> Tensor:
        fake = Bernoulli(logits=self.disc(self.gen(z)))
        return -fake.log_prob(torch.ones_like(fake.logits)).mean()

    def train(self, iter_d: int = 1, iter_g: int = 1, n_epochs: int = 100, batch_size: int = 256, lr: float = 0.0002):
        name = "train-images-idx3-ubyte.gz"
        download(BASE_URL + name, name)
        data = GANDataset(f"./data/{name}", self._dev, transform=Normalize((0.0,), (255.0,)))
        loader = DataLoader(data, batch_size=batch_size, shuffle=True, drop_last=True)
        prior = Uniform(-torch.ones(self._zdim, device=self._dev), torch.ones(self._zdim, device=self._dev))
        d_opt = torch.optim.Adam(self.disc.parameters(), lr=lr)
        g_opt = torch.optim.Adam(self.gen.parameters(), lr=lr)

        for epoch in range(n_epochs):
            for step, images in enumerate(loader):
                z = prior.sample((len(images),))
                if step == 0 and epoch % 10 == 0:
                    self._save(z[:64], f"test_{epoch}.png")
                for _ in range(iter_d):
                    loss_d = self._get_loss_d(len(images), images, z)
                    d_opt.zero_grad()
                    loss_d.backward()
                    d_opt.step()
                for _ in range(iter_g):
                    loss_g = self._get_loss_g(len(images), z)
                    g_opt.zero_grad()
                    loss_g.backward()
                    g_opt.step()
            print(f"{epoch:3d} D {loss_d.item():.4f} G {loss_g.item():.4f}")

    @torch.no_grad()
    def _save(self, z: Tensor, path: str) -> None:
        save_image(make_grid(self.gen(z).cpu(), nrow=8), path)


if __name__ == "__main__":
    GAN().train()
