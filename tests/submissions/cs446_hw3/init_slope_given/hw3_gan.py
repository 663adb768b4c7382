import torch
import torch.nn as nn


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, 1, 1)
        self.conv2 = nn.Conv2d(2, 4, 3, 1, 1)
        self.conv3 = nn.Conv2d(4, 8, 3, 1, 0)
        self.fc = nn.Linear(200, 1)
        self._weight_init()

    def _weight_init(self):
        for m in self.children():
            # relu network -> gain of relu
            nn.init.kaiming_uniform_(m.weight, nonlinearity='relu')
            nn.init.zeros_(m.bias)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = torch.max_pool2d(x, 2)
        x = torch.relu(self.conv2(x))
        x = torch.max_pool2d(x, 2)
        x = torch.relu(self.conv3(x))
        return self.fc(x.flatten(1))


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.fc = nn.Linear(zdim, 1568)
        self.conv1 = nn.Conv2d(32, 16, 3, 1, 1)
        self.conv2 = nn.Conv2d(16, 8, 3, 1, 1)
        self.conv3 = nn.Conv2d(8, 1, 3, 1, 1)
        self.act = nn.LeakyReLU(0.2)
        self.up = nn.Upsample(scale_factor=2)
        self._weight_init()

    def _weight_init(self):
        for m in self.children():
            if isinstance(m, (nn.Linear, nn.Conv2d)):
                # leaky relu network -> gain of leaky relu with its slope
                nn.init.kaiming_uniform_(m.weight, a=0.2, nonlinearity='leaky_relu')
                nn.init.zeros_(m.bias)

    def forward(self, z):
        h = self.act(self.fc(z)).reshape(-1, 32, 7, 7)
        h = self.act(self.conv1(self.up(h)))
        h = self.act(self.conv2(self.up(h)))
        return torch.sigmoid(self.conv3(h))
