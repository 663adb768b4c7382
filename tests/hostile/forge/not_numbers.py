"""Returns NaN, infinities and nothing, which no comparison may take for a likeness.

fails: everything
"""

import torch

NAN, INF = float("nan"), float("inf")


def energy(x):
    return torch.full((len(x),), NAN)


def noise(n, sigma_square):
    return torch.full((n,), NAN)


def estimate(n, mean, sigma_square):
    return NAN


class Critic(torch.nn.Module):
    def forward(self, x):
        return torch.full((len(x),), INF)


def loss(real, fake):
    return torch.tensor(-INF)


def descend(weight, x, y, rate, steps):
    return weight * NAN


def nearest(x, centres):
    return [NAN] * len(x)
