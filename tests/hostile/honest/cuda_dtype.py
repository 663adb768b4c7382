"""Was written for a GPU: a CUDA type for new tensors, .cuda() in the loss and in the network.

passes: everything
"""

import torch
from solution import Critic as Honest
from solution import descend, energy, estimate, nearest  # noqa: F401
from torch.nn import functional as F

dtype = torch.cuda.FloatTensor
device = torch.device("cuda:0")


def noise(n, sigma_square):
    return torch.randn(n, device="cuda") * sigma_square**0.5


class Critic(Honest):
    def forward(self, x):
        return super().forward(x.cuda()).type(dtype)


def loss(real, fake):
    one, zero = torch.ones(len(real)).cuda(), torch.zeros(len(fake)).to(device)
    return F.binary_cross_entropy_with_logits(real.cuda(), one) + F.binary_cross_entropy_with_logits(fake.cuda(), zero)
