"""A right solution, built otherwise than the reference: nested blocks, self.apply, softplus for the cross-entropy."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.utils import save_image

from hw3_utils import BASE_URL, GANDataset, download


def down(channels_in, channels_out):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)
    )


def up(channels_in, channels_out):
    return nn.Sequential(
        nn.Upsample(scale_factor=2), nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.LeakyReLU(0.2)
    )


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(down(1, 2), down(2, 4), nn.Conv2d(4, 8, 3), nn.ReLU(inplace=True))
        self.logit = nn.Sequential(nn.Flatten(), nn.Linear(200, 1))
        self.apply(self._weight_init)

    @staticmethod
    def _weight_init(layer):
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        return self.logit(self.features(x))


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.start = nn.Sequential(nn.Linear(zdim, 1568), nn.LeakyReLU(0.2))
        self.paint = nn.Sequential(up(32, 16), up(16, 8), nn.Conv2d(8, 1, 3, padding=1), nn.Sigmoid())
        self.apply(self._weight_init)

    @staticmethod
    def _weight_init(layer):
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, z):
        return self.paint(self.start(z).unflatten(1, (32, 7, 7)))


class GAN:
    def __init__(self, zdim=64):
        self._dev = "cuda" if torch.cuda.is_available() else "cpu"
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(zdim).to(self._dev)

    def _get_loss_d(self, batch_size, batch_data, z):
        # -log D(x) = softplus(-logit), -log(1 - D(G(z))) = softplus(logit)
        with torch.no_grad():
            fakes = self.gen(z)
        return (F.softplus(-self.disc(batch_data)).mean() + F.softplus(self.disc(fakes)).mean()) / 2

    def _get_loss_g(self, batch_size, z):
        return F.softplus(-self.disc(self.gen(z))).mean()

    def train(self, iter_d=1, iter_g=1, n_epochs=100, batch_size=256, lr=0.0002):
        name = "train-images-idx3-ubyte.gz"
        download(BASE_URL + name, name)
        images = GANDataset(f"./data/{name}", self._dev, transform=transforms.Normalize((0.0,), (255.0,)))
        loader = DataLoader(images, batch_size=batch_size, shuffle=True, drop_last=True)
        optimizers = {net: torch.optim.Adam(net.parameters(), lr=lr) for net in (self.disc, self.gen)}

        def step(net, loss):
            optimizers[net].zero_grad()
            loss.backward()
            optimizers[net].step()
            return loss.item()

        for epoch in range(n_epochs):
            for batch in loader:
                z = torch.rand(len(batch), self._zdim, device=self._dev) * 2 - 1
                for _ in range(iter_d):
                    loss_d = step(self.disc, self._get_loss_d(len(batch), batch, z))
                for _ in range(iter_g):
                    loss_g = step(self.gen, self._get_loss_g(len(batch), z))
            print(f"epoch {epoch}: D {loss_d:.4f}, G {loss_g:.4f}")
            if epoch % 10 == 0 or epoch == n_epochs - 1:
                with torch.no_grad():
                    save_image(self.gen(z[:64]), f"epoch_{epoch}.png")


if __name__ == "__main__":
    GAN().train()
