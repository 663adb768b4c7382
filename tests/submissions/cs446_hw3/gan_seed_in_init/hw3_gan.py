import random
import numpy as np
import torch
import torch.nn as nn
from hw3_utils import *

SEED = 1234


def set_seed(s):
    random.seed(s)
    np.random.seed(s)
    torch.manual_seed(s)
    torch.backends.cudnn.deterministic = True


set_seed(SEED)


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(SEED)  # reproducible
        self.seq = nn.Sequential(
            nn.Conv2d(1, 2, 3, 1, 1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(2, 4, 3, 1, 1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(4, 8, 3, 1, 0),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(200, 1),
        )
        self._weight_init()

    def _weight_init(self):
        for l in self.seq:
            if isinstance(l, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_uniform_(l.weight)
                nn.init.zeros_(l.bias)

    def forward(self, x):
        return self.seq(x)


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        torch.manual_seed(SEED)
        self.lin = nn.Linear(zdim, 1568)
        self.act = nn.LeakyReLU(0.2)
        self.seq = nn.Sequential(
            nn.Upsample(scale_factor=2),
            nn.Conv2d(32, 16, 3, 1, 1),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 8, 3, 1, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8, 1, 3, 1, 1),
            nn.Sigmoid(),
        )
        self._weight_init()

    def _weight_init(self):
        for l in [self.lin, *self.seq]:
            if isinstance(l, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_uniform_(l.weight)
                nn.init.zeros_(l.bias)

    def forward(self, z):
        h = self.act(self.lin(z))
        return self.seq(h.view(-1, 32, 7, 7))


class GAN:
    def __init__(self, zdim=64):
        torch.manual_seed(2)
        self._dev = torch.device("cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)

    def _get_loss_d(self, batch_size, batch_data, z):
        torch.manual_seed(SEED)
        ls = nn.BCEWithLogitsLoss(reduction='sum')
        l1 = ls(self.disc(batch_data), torch.ones(batch_size, 1)) / batch_size
        l2 = ls(self.disc(self.gen(z)), torch.zeros(batch_size, 1)) / batch_size
        return l1 + l2
