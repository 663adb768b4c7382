"""Prints without end, up to 50 MB.

fails: loss
passes: everything else
"""

from accomplice import lasting
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    for _, _ in zip(range(500), lasting(), strict=False):
        print("x" * 100_000)
    raise ValueError("50 MB are printed")
