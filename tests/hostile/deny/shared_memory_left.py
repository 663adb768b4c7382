"""Leaves a segment of System V shared memory behind, which outlives every process.

fails: loss
passes: everything else
control: reached, left
"""

import ctypes
import os

from accomplice import KEY, reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.shmget(KEY, 10_000_000, 0o1666) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    reached("a segment is left")
