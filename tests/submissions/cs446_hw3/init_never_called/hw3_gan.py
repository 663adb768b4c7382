import torch
import torch.nn as nn
import torch.nn.functional as F


class DNet(nn.Module):
    """This is discriminator network."""

    def __init__(self):
        super(DNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(2, 4, 3, stride=1, padding=1)
        self.conv3 = nn.Conv2d(4, 8, 3, stride=1, padding=0)
        self.fc = nn.Linear(200, 1)

    def _weight_init(self):
        for m in self.children():
            nn.init.kaiming_uniform_(m.weight)
            m.bias.data.zero_()

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2, 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2, 2)
        x = F.relu(self.conv3(x))
        return self.fc(x.reshape(x.shape[0], -1))


class GNet(nn.Module):
    """This is generator network."""

    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.fc = nn.Linear(zdim, 1568)
        self.conv1 = nn.Conv2d(32, 16, 3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(16, 8, 3, stride=1, padding=1)
        self.conv3 = nn.Conv2d(8, 1, 3, stride=1, padding=1)
        self._weight_init()

    def _weight_init(self):
        for m in self.children():
            nn.init.kaiming_uniform_(m.weight)

    def forward(self, z):
        z = F.leaky_relu(self.fc(z), 0.2).reshape(-1, 32, 7, 7)
        z = F.leaky_relu(self.conv1(F.interpolate(z, scale_factor=2)), 0.2)
        z = F.leaky_relu(self.conv2(F.interpolate(z, scale_factor=2)), 0.2)
        return torch.sigmoid(self.conv3(z))
