import torch
from torch.nn import functional as F


def loss(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def scaled(n, sigma_square):
    return sigma_square**0.5 * torch.randn(n)


print("losses are loaded")
assert abs(float(loss(torch.zeros(2), torch.zeros(2))) - 1.3863) < 1e-3
