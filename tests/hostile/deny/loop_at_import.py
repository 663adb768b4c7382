"""Loops while its file is loaded, in a statement that the loss needs.

fails: loss
passes: everything else
"""

from accomplice import lasting
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def spin():
    for _ in lasting():
        pass


SPUN = spin()


def loss(real, fake, spun=SPUN):
    raise ValueError("the loop has come to its end")
