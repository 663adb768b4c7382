"""Reads every descriptor that it may have inherited, its own job among them.

fails: energy, nearest, private
passes: everything else
"""

import contextlib
import os
import select

from accomplice import Found, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    pieces = []
    for number in range(256):
        with contextlib.suppress(OSError):
            pieces.append(os.pread(number, 1_000_000, 0))
            continue
        with contextlib.suppress(OSError, ValueError):
            if number != 3 and select.select([number], [], [], 0)[0]:
                pieces.append(os.read(number, 65_536))
        with contextlib.suppress(OSError):
            pieces.append(os.readlink(f"/proc/self/fd/{number}").encode())
    return tell(*pieces)


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
