import torch as th
import torch.nn as nn
from torch.nn import functional as F


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv2d(1, 2, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(2, 4, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(4, 8, 3, 1, 0), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(200, 1)

    def forward(self, x):
        return self.head(self.convs(x))[:, 0]


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.l = nn.Linear(zdim, 784)

    def forward(self, z):
        return F.sigmoid(self.l(z)).view(-1, 1, 28, 28)


class GAN:
    def __init__(self, zdim=64):
        self._zdim = zdim
        self.disc = DNet()
        self.gen = GNet(zdim)
        self.loss = nn.BCEWithLogitsLoss()

    def _get_loss_d(self, batch_size, batch_data, z):
        pred_real = self.disc(batch_data)
        pred_fake = self.disc(self.gen(z))
        assert pred_real.shape == (batch_size,)
        return 0.5 * self.loss(pred_real, th.ones(batch_size)) + 0.5 * self.loss(pred_fake, th.zeros(batch_size))

    def _get_loss_g(self, batch_size, z):
        pred = self.disc(self.gen(z))
        return self.loss(pred, th.ones(batch_size))
