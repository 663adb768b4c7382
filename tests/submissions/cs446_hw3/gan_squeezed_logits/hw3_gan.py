from hw3_utils import BASE_URL, download, GANDataset

import torch
import torch.nn as nn
import torch.optim as optim


class DNet(nn.Module):
    """This is discriminator network."""

    def __init__(self):
        super(DNet, self).__init__()

        self.conv1 = nn.Conv2d(1, 2, 3, stride=1, padding=1)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2, stride=2)
        self.conv2 = nn.Conv2d(2, 4, 3, stride=1, padding=1)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2, stride=2)
        self.conv3 = nn.Conv2d(4, 8, 3, stride=1, padding=0)
        self.relu3 = nn.ReLU()
        self.linear = nn.Linear(8 * 5 * 5, 1)

        self._weight_init()

    def _weight_init(self):
        for m in self.children():
            if isinstance(m, nn.Conv2d) or isinstance(m, nn.Linear):
                nn.init.kaiming_uniform_(m.weight)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = self.relu3(self.conv3(x))
        x = x.view(x.size(0), -1)
        return self.linear(x).squeeze()


class GNet(nn.Module):
    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.linear = nn.Linear(zdim, 28 * 28)

    def forward(self, z):
        # WIP
        return torch.sigmoid(self.linear(z)).view(-1, 1, 28, 28)


class GAN:
    def __init__(self, zdim=64):
        torch.manual_seed(2)
        self._dev = torch.device("cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)
        self.bce = nn.BCEWithLogitsLoss()

    def _get_loss_d(self, batch_size, batch_data, z):
        real = self.disc(batch_data)
        fake = self.disc(self.gen(z))
        return self.bce(real, torch.ones(batch_size, 1)) + self.bce(fake, torch.zeros(batch_size, 1))

    def _get_loss_g(self, batch_size, z):
        return self.bce(self.disc(self.gen(z)), torch.ones(batch_size, 1))
