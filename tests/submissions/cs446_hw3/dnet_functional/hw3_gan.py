import torch
import torch.nn as nn
import torch.nn.functional as F


class DNet(nn.Module):
    """This is discriminator network."""

    def __init__(self):
        super(DNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 2, (3, 3), (1, 1), (1, 1))
        self.conv2 = nn.Conv2d(2, 4, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(4, 8, (3, 3), (1, 1), (0, 0))
        self.fc1 = nn.Linear(8 * 5 * 5, 1)
        self._weight_init()

    def _weight_init(self):
        for name, param in self.named_parameters():
            if 'weight' in name:
                nn.init.kaiming_uniform_(param)
            elif 'bias' in name:
                nn.init.zeros_(param)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), (2, 2), stride=2)
        x = torch.relu(self.conv3(x))
        x = torch.flatten(x, 1)
        return self.fc1(x)


class GNet(nn.Module):
    """This is generator network."""

    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.fc1 = nn.Linear(zdim, 1568)
        self.conv1 = nn.Conv2d(32, 16, 3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(16, 8, 3, stride=1, padding=1)
        self.conv3 = nn.Conv2d(8, 1, 3, stride=1, padding=1)
        self._weight_init()

    def _weight_init(self):
        for name, param in self.named_parameters():
            if 'weight' in name:
                nn.init.kaiming_uniform_(param)
            elif 'bias' in name:
                nn.init.zeros_(param)

    def forward(self, z):
        h = F.leaky_relu(self.fc1(z), 0.2)
        h = torch.reshape(h, (-1, 32, 7, 7))
        h = F.interpolate(h, scale_factor=2)
        h = F.leaky_relu(self.conv1(h), negative_slope=0.2)
        h = F.interpolate(h, scale_factor=2, mode='nearest')
        h = F.leaky_relu(self.conv2(h), negative_slope=0.2)
        return torch.sigmoid(self.conv3(h))
