import numpy as np
import torch
import torch.nn as nn


class DNet(nn.Module):
    """This is discriminator network."""
    def __init__(self):
        super().__init__()
        self.model = nn.ModuleList([
            nn.Conv2d(1, 2, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(2, 4, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(4, 8, 3, padding=0),
            nn.ReLU(),
            nn.Linear(200, 1),
        ])
        self._weight_init()

    def _weight_init(self):
        for module in self.model:
            try:
                nn.init.kaiming_uniform_(module.weight.data, nonlinearity='leaky_relu')
                nn.init.zeros_(module.bias.data)
            except AttributeError:
                pass    # relu and maxpool dont have weights

    def forward(self, x):
        for i, layer in enumerate(self.model):
            if i == 8:
                x = x.view(x.shape[0], -1)
            x = layer(x)
        return x


class GNet(nn.Module):
    """This is generator network."""
    def __init__(self, zdim):
        super().__init__()
        self.model = nn.ModuleList([
            nn.Linear(zdim, 1568),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 8, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8, 1, 3, padding=1),
            nn.Sigmoid(),
        ])
        self._weight_init()

    def _weight_init(self):
        for module in self.model:
            try:
                nn.init.kaiming_uniform_(module.weight.data, nonlinearity='leaky_relu')
                nn.init.zeros_(module.bias.data)
            except AttributeError:
                pass

    def forward(self, z):
        for i, layer in enumerate(self.model):
            if i == 2:
                z = z.view(z.shape[0], 32, 7, 7)
            z = layer(z)
        return z
