"""Becomes the debugger of its parent and leaves it standing.

fails: loss
passes: everything else
control: reached
"""

import ctypes

from accomplice import reached, zygote
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401

SEIZE, INTERRUPT = 0x4206, 0x4207


def loss(real, fake):
    libc = ctypes.CDLL(None, use_errno=True)
    for request in (SEIZE, INTERRUPT):
        if libc.ptrace(request, zygote(), None, None):
            raise OSError(ctypes.get_errno(), "the parent cannot be traced")
    reached("a parent that stands")
