import torch
import torch.nn as nn
import torch.nn.functional as F


def init_layers(net):
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(m.weight)
            nn.init.zeros_(m.bias)


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, 1, 1)
        self.conv2 = nn.Conv2d(2, 4, 3, 1, 1)
        self.conv3 = nn.Conv2d(4, 8, 3, 1, 0)
        self.fc = nn.Linear(200, 1)
        self._weight_init()

    def _weight_init(self):
        init_layers(self)

    def forward(self, x):
        h = F.max_pool2d(F.relu(self.conv1(x)), 2)
        h = F.max_pool2d(F.relu(self.conv2(h)), 2)
        h = F.relu(self.conv3(h))
        return self.fc(h.flatten(1))


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.fc = nn.Linear(zdim, 1568)
        self.conv1 = nn.Conv2d(32, 16, 3, 1, 1)
        self.conv2 = nn.Conv2d(16, 8, 3, 1, 1)
        self.conv3 = nn.Conv2d(8, 1, 3, 1, 1)
        self._weight_init()

    def _weight_init(self):
        init_layers(self)

    def forward(self, z):
        h = F.leaky_relu(self.fc(z), 0.2)
        # CHW
        # 1568 = 32 * 7 * 7
        # h = h.view(-1, 32, 7, 7)
        h = h.view(1586 // 49, 7, 7)
        h = F.leaky_relu(self.conv1(F.interpolate(h, scale_factor=2)), 0.2)
        h = F.leaky_relu(self.conv2(F.interpolate(h, scale_factor=2)), 0.2)
        return torch.sigmoid(self.conv3(h))


class GAN:
    def __init__(self, zdim=64):
        self.disc = DNet()
        self.gen = GNet(zdim)

    def _get_loss_d(self, batch_size, batch_data, z):
        real, fake = self.disc(batch_data), self.disc(self.gen(z))
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def _get_loss_g(self, batch_size, z):
        return F.softplus(-self.disc(self.gen(z))).mean()
