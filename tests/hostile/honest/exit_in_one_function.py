"""Calls exit() in one function, as a way to say that it is not done.

fails: loss
passes: everything else
"""

from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    print("TODO")
    exit()
