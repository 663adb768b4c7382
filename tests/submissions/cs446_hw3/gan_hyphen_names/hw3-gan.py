import torch
import torch.nn as nn
import torch.nn.functional as F


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 8, 3)])
        self.out = nn.Linear(200, 1)
        self._weight_init()

    def _weight_init(self):
        for layer in list(self.convs) + [self.out]:
            nn.init.kaiming_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        c1, c2, c3 = self.convs
        for conv in (c1, c2):
            x = F.max_pool2d(F.relu(conv(x)), kernel_size=2, stride=2)
        return self.out(F.relu(c3(x)).flatten(1))


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.fc = nn.Linear(zdim, 1568)
        self.c1 = nn.Conv2d(32, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 8, 3, padding=1)
        self.c3 = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, z):
        h = F.leaky_relu(self.fc(z), .2).reshape(-1, 32, 7, 7)
        h = F.leaky_relu(self.c1(F.interpolate(h, scale_factor=2.)), .2)
        h = F.leaky_relu(self.c2(F.interpolate(h, scale_factor=2.)), .2)
        return torch.sigmoid(self.c3(h))


class GAN:
    def __init__(self, zdim=64):
        self.disc = DNet()
        self.gen = GNet(zdim)

    def _get_loss_g(self, batch_size, z):
        # -log D(G(z))
        return F.softplus(-self.disc(self.gen(z))).mean()
