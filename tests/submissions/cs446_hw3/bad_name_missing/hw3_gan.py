import torch
import torch.nn as nn
import torch.nn.functional as F


class Dnet(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 2, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(2, 4, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(4, 8, 3, 1, 0), nn.ReLU())
        self.out = nn.Linear(200, 1)

    def forward(self, x):
        return self.out(self.cnn(x).view(len(x), -1))


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.inp = nn.Linear(zdim, 1568)
        self.cnn = nn.Sequential(
            nn.Upsample(scale_factor=2), nn.Conv2d(32, 16, 3, 1, 1), nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2), nn.Conv2d(16, 8, 3, 1, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(8, 1, 3, 1, 1), nn.Sigmoid())

    def forward(self, z):
        return self.cnn(F.leaky_relu(self.inp(z), 0.2).view(len(z), 32, 7, 7))


class GAN:
    def __init__(self, zdim=64):
        self._zdim = zdim
        self.disc = Dnet()
        self.gen = GNet(zdim)
        self.loss = nn.BCEWithLogitsLoss()

    def _get_loss_d(self, batch_size, batch_data, z):
        r, f = self.disc(batch_data), self.disc(self.gen(z))
        return self.loss(r, torch.ones_like(r)) + self.loss(f, torch.zeros_like(f))

    def _get_g_loss(self, batch_size, z):
        f = self.disc(self.gen(z))
        return self.loss(f, torch.ones_like(f))
