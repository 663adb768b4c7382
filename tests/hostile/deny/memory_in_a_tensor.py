"""Asks torch for 3 GB at once, and for a matrix product of that size.

fails: loss, nearest
passes: everything else
"""

import torch
from accomplice import reached
from solution import Critic, descend, energy, estimate, noise  # noqa: F401


def loss(real, fake):
    reached(f"a sum of {float(torch.ones(800_000_000).sum()):g}")


def nearest(x, centres):
    reached(f"a product of {len(torch.ones(27_000, 1) @ torch.ones(1, 27_000))} rows")
