"""Closes every descriptor, that of the reply among them, and puts others in their place.

fails: loss, nearest
passes: everything else
"""

import contextlib
import os

from solution import Critic, descend, energy, estimate, noise  # noqa: F401


def loss(real, fake):
    for number in range(256):
        with contextlib.suppress(OSError):
            os.close(number)


def nearest(x, centres):
    os.dup2(1, 3)
    os.dup2(0, 1)
    return []
