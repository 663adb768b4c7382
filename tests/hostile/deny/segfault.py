"""Reads from address zero.

fails: loss
passes: everything else
"""

import ctypes

from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    return ctypes.string_at(0)
