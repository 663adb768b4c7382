"""Everything right, on one page, without a word too many.

passes: everything
"""

import torch
import torch.nn as nn
import torch.nn.functional as F


def energy(x):
    return (x**2).mean(1) / 2


def noise(n, sigma_square):
    return torch.normal(0.0, sigma_square**0.5, (n,))


def estimate(n, mean, sigma_square):
    return (mean + sigma_square**0.5 * torch.randn(n)).mean().item()


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0))

    def forward(self, x):
        return self.layers(x)


def loss(real, fake):
    one, zero = torch.ones_like(real), torch.zeros_like(fake)
    return F.binary_cross_entropy_with_logits(real, one) + F.binary_cross_entropy_with_logits(fake, zero)


def descend(weight, x, y, rate, steps):
    weight = weight.clone().requires_grad_()
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(((x @ weight - y) ** 2).mean(), weight)
        weight = (weight - rate * gradient).detach().requires_grad_()
    return weight


def nearest(x, centres):
    return [int(((row - centres) ** 2).sum(1).argmin()) for row in x]
