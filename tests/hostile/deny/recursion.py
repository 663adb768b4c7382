"""Recurses two million times, in Python, with the limit on recursion lifted.

fails: loss
passes: everything else
"""

import sys

from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def deeper(depth):
    return deeper(depth + 1) + 1 if depth < 2_000_000 else 0


def loss(real, fake):
    sys.setrecursionlimit(10**8)
    return deeper(0)
