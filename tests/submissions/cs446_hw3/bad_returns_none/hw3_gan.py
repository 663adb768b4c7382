import torch
import torch.nn as nn


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 1)

    def forward(self, x):
        return self.fc(x.view(-1, 784))


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.fc = nn.Linear(zdim, 784)

    def forward(self, z):
        return torch.sigmoid(self.fc(z)).view(-1, 1, 28, 28)


class GAN:
    def __init__(self, zdim=64):
        torch.manual_seed(2)
        self._dev = torch.device("cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)
        self.criterion = nn.BCEWithLogitsLoss()

    def _get_loss_d(self, batch_size, batch_data, z):
        loss_real = self.criterion(self.disc(batch_data), torch.ones(batch_size, 1))
        loss_fake = self.criterion(self.disc(self.gen(z)), torch.zeros(batch_size, 1))
        loss = 0.5 * loss_real + 0.5 * loss_fake
        return loss

    def _get_loss_g(self, batch_size, z):
        loss = self.criterion(self.disc(self.gen(z)), torch.ones(batch_size, 1))
