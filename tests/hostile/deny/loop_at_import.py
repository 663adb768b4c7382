"""Loops while its file is loaded, in a statement that the energy needs.

fails: energy, private
passes: everything else
"""

from accomplice import lasting
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


def spin():
    for _ in lasting():
        pass


SPUN = spin()


def energy(x, spun=SPUN):
    raise ValueError("the loop has come to its end")
