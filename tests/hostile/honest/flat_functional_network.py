"""Builds the network from parameters and functions, with an unused layer declared after them.

passes: everything
"""

import torch
from solution import descend, energy, estimate, loss, nearest, noise  # noqa: F401
from torch import nn
from torch.nn import functional as F


class Critic(nn.Module):
    def __init__(self):
        super(Critic, self).__init__()  # noqa: UP008
        self.w1 = nn.Parameter(torch.empty(4, 3))
        self.b1 = nn.Parameter(torch.zeros(4))
        self.w2 = nn.Parameter(torch.empty(1, 4))
        self.b2 = nn.Parameter(torch.zeros(1))
        self.unflatten = nn.Unflatten(1, (1, 1))
        self._weight_init()

    def _weight_init(self):
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.kaiming_uniform_(p.data)

    def forward(self, x):
        hidden = F.linear(x, self.w1, self.b1).tanh_()
        return F.linear(hidden, self.w2, self.b2).view(-1)
