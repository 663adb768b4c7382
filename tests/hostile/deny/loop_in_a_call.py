"""Loops in a call.

fails: loss
passes: everything else
"""

from accomplice import lasting
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    for _ in lasting():
        pass
    raise ValueError("the loop has come to its end")
