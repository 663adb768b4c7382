import torch
import torch.nn as nn

lazy = torch.device('meta')


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 1)

    def forward(self, x):
        return self.fc(x.flatten(1))


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.fc = nn.Linear(zdim, 784)

    def forward(self, z):
        return torch.sigmoid(self.fc(z)).reshape(-1, 1, 28, 28)


class GAN:
    def __init__(self, zdim=64):
        self._zdim = zdim
        self.disc = DNet()
        self.gen = GNet(zdim)

    def _get_loss_d(self, batch_size, batch_data, z):
        loss = nn.BCEWithLogitsLoss()
        real, fake = self.disc(batch_data), self.disc(self.gen(z))
        return loss(real, torch.ones_like(real)) + loss(fake, torch.zeros_like(fake))

    def _get_loss_g(self, batch_size, z):
        loss = nn.BCEWithLogitsLoss()
        fake = self.disc(self.gen(z))
        labels = torch.ones(batch_size, 1, device=lazy)
        return loss(fake, labels)
