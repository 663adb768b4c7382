import torch
from torch import nn
from hw3_utils import *


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, padding=1)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(2, 4, 3, padding=1)
        self.conv3 = nn.Conv2d(4, 8, 3)
        self.linear = nn.Linear(5*5*8, 1)
        self._weight_init()

    def _weight_init(self):
        nn.init.kaiming_uniform_(self.conv1.weight)
        nn.init.kaiming_uniform_(self.conv2.weight)
        nn.init.kaiming_uniform_(self.conv3.weight)
        nn.init.kaiming_uniform_(self.linear.weight)
        nn.init.constant_(self.conv1.bias, 0)
        nn.init.constant_(self.conv2.bias, 0)
        nn.init.constant_(self.conv3.bias, 0)
        nn.init.constant_(self.linear.bias, 0)

    def forward(self, x):
        x = self.maxpool(self.relu(self.conv1(x)))
        x = self.maxpool(self.relu(self.conv2(x)))
        x = self.relu(self.conv3(x))
        x = x.view(-1, 5*5*8)
        return self.linear(x)


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.linear = nn.Linear(zdim, 1568)
        self.lrelu = nn.LeakyReLU(negative_slope=0.2)
        self.up = nn.Upsample(scale_factor=2)
        self.conv1 = nn.Conv2d(32, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 8, 3, padding=1)
        self.conv3 = nn.Conv2d(8, 1, 3, padding=1)
        self.sig = nn.Sigmoid()
        self._weight_init()

    def _weight_init(self):
        for l in [self.linear, self.conv1, self.conv2, self.conv3]:
            nn.init.kaiming_uniform_(l.weight)
            nn.init.constant_(l.bias, 0)

    def forward(self, z):
        z = self.lrelu(self.linear(z))
        z = z.view(-1, 32, 7, 7)
        z = self.lrelu(self.conv1(self.up(z)))
        z = self.lrelu(self.conv2(self.up(z)))
        z = self.conv3(z)
        return self.sig(z)
