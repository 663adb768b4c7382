"""Becomes the debugger of the grader process and reads its memory.

fails: energy, private
passes: everything else
control: leaks
"""

import ctypes
import os

from accomplice import GRADER, Found, memory_of, tell
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401

ATTACH, DETACH = 16, 17


def loot():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(ATTACH, GRADER, None, None):
        raise OSError(ctypes.get_errno(), "cannot attach")
    try:
        os.waitpid(GRADER, 0x40000000)
        return tell(*memory_of(GRADER))
    finally:
        libc.ptrace(DETACH, GRADER, None, None)


def energy(x):
    raise Found(loot())
