"""Returns values without elements, of one element that would spread, and of other kinds.

fails: everything
"""

import torch


def energy(x):
    return torch.empty(0)


def noise(n, sigma_square):
    return torch.empty(0)


def estimate(n, mean, sigma_square):
    return torch.empty(0, 3)


class Critic(torch.nn.Module):
    def forward(self, x):
        return torch.zeros(1)


def loss(real, fake):
    return torch.empty(0, dtype=torch.bool)


def descend(weight, x, y, rate, steps):
    return torch.zeros((1,) * 30)


def nearest(x, centres):
    return []
