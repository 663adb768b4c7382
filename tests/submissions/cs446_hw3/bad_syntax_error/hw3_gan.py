import torch
import torch.nn as nn


class DNet(nn.Module):
    def __init__(self):
        super(DNet, self).__init__()
        # layer 1
        self.conv1 = nn.Conv2d(1, 2, 3, stride=1, padding=1
        self.conv2 = nn.Conv2d(2, 4, 3, stride=1, padding=1)
        self.conv3 = nn.Conv2d(4, 8, 3, stride=1, padding=0)
        self.linear = nn.Linear(200, 1)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.conv3(x))
        return self.linear(x.view(-1, 200))


class GAN:
    def __init__(self, zdim=64):
        self.disc = DNet()
