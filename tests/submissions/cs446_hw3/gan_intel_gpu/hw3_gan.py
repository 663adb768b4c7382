import torch
import torch.nn as nn
import torch.nn.functional as F

# my laptop has an Arc card
DEVICE = 'xpu'


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, 1, 1)
        self.conv2 = nn.Conv2d(2, 4, 3, 1, 1)
        self.conv3 = nn.Conv2d(4, 8, 3, 1, 0)
        self.fc = nn.Linear(200, 1)
        self.to(DEVICE)

    def forward(self, x):
        x = x.to(DEVICE)
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(F.relu(self.conv3(x)).flatten(1))


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.fc = nn.Linear(zdim, 784)

    def forward(self, z):
        return torch.sigmoid(self.fc(z)).view(-1, 1, 28, 28)


class GAN:
    def __init__(self, zdim=64):
        self._dev = torch.device(DEVICE)
        self.disc = DNet().to(self._dev)
        self.gen = GNet(zdim).to(self._dev)

    def _get_loss_d(self, batch_size, batch_data, z):
        real = self.disc(batch_data)
        fake = self.disc(self.gen(z))
        one = torch.ones(batch_size, 1, device=DEVICE)
        zero = torch.zeros(batch_size, 1, device=DEVICE)
        return F.binary_cross_entropy_with_logits(real, one) + F.binary_cross_entropy_with_logits(fake, zero)

    def _get_loss_g(self, batch_size, z):
        fake = self.disc(self.gen(z))
        return F.binary_cross_entropy_with_logits(fake, torch.ones(batch_size, 1, device=DEVICE))
