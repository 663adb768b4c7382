"""Samples with variance zero: a mistake that costs the two functions that sample.

fails: noise
passes: everything else
"""

import torch
from solution import Critic, descend, energy, estimate, loss, nearest  # noqa: F401


def noise(n, sigma_square):
    return torch.zeros(n)
