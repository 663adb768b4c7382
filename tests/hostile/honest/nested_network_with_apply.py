"""Nests blocks within blocks, and initialises them with apply and a deprecated function.

passes: everything
"""

from solution import descend, energy, estimate, loss, nearest, noise  # noqa: F401
from torch import nn


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.tanh = nn.Tanh()
        self.block = nn.ModuleDict({"first": nn.Sequential(nn.Linear(3, 4), self.tanh)})
        self.block["second"] = nn.Sequential(nn.Sequential(nn.Linear(4, 1)))
        self.apply(self._weight_init)

    def _weight_init(self, m):
        if isinstance(m, nn.Linear):
            nn.init.kaiming_uniform_(m.weight.data, nonlinearity="relu")
            nn.init.constant_(m.bias.data, 0)

    def forward(self, x):
        x = self.block["first"](x)
        x = self.block["second"](x)
        return nn.Flatten(0)(x)
