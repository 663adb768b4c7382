"""Has C code crash in one function.

fails: loss
passes: everything else
"""

import ctypes

from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    total = (ctypes.c_float * 1).from_address(8)
    return total[0]
