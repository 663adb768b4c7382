import torch
import torch.nn as nn
import torch.nn.functional as F


class DNet(nn.Module):
    def __init__(self):
        super(DNet, self).__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, 2, 3, stride=1, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(2, 4, 3, stride=1, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(4, 8, 3, stride=1, padding=0),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(200, 1),
            nn.Sigmoid()
        )

    def forward(self, input):
        return self.main(input)


class GNet(nn.Module):
    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.main = nn.Sequential(nn.Linear(zdim, 784), nn.Sigmoid())

    def forward(self, z):
        return self.main(z).view(-1, 1, 28, 28)


real_label = 1.
fake_label = 0.


class GAN:
    def __init__(self, zdim=64):
        self._dev = torch.device("cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)
        self.criterion = nn.BCELoss()

    def _get_loss_d(self, batch_size, batch_data, z):
        label = torch.full((batch_size,), real_label, dtype=torch.float, device=self._dev)
        output = self.disc(batch_data).view(-1)
        errD_real = self.criterion(output, label)
        fake = self.gen(z)
        label = torch.full((batch_size,), fake_label, dtype=torch.float, device=self._dev)
        output = self.disc(fake.detach()).view(-1)
        errD_fake = self.criterion(output, label)
        errD = errD_real + errD_fake
        return errD

    def _get_loss_g(self, batch_size, z):
        label = torch.full((batch_size,), real_label, dtype=torch.float, device=self._dev)
        output = self.disc(self.gen(z)).view(-1)
        errG = self.criterion(output, label)
        return errG
