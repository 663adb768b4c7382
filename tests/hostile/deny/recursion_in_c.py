"""Recurses for ever in C code: a tree that is deeper than any stack, printed and returned.

fails: loss, nearest
passes: everything else
"""

import sys

from solution import Critic, descend, energy, estimate, noise  # noqa: F401


def tree():
    root = []
    for _ in range(1_000_000):
        root = [root]
    return root


def loss(real, fake):
    sys.setrecursionlimit(10**8)
    return repr(tree())


def nearest(x, centres):
    return tree()
