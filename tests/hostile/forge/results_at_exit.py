"""Leaves exit handlers that write full marks when the interpreter ends, in whatever way it does.

fails: energy, private
passes: everything else
"""

import atexit
import contextlib
import os
import sys
import weakref

from accomplice import ROOT
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


def write(*_):
    with contextlib.suppress(OSError), open(f"{ROOT}/results/results.json", "w") as file:
        file.write('{"score": 22, "tests": []}')


class Last:
    def __del__(self):
        write()


LAST = Last()


def energy(x):
    atexit.register(write)
    weakref.finalize(LAST, write)
    sys.excepthook = write
    leave = os._exit

    def write_and_leave(status):
        write()
        leave(status)

    os._exit = write_and_leave
    raise ValueError("at exit")
