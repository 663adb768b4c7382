"""Looks for the source of the hidden grader: in linecache, among the modules, with inspect, in the job itself.

fails: energy, nearest, private
passes: everything else
"""

import inspect
import linecache
import os
import sys

from accomplice import Found, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    pieces = ["".join(entry[2]) for entry in linecache.cache.values() if len(entry) > 2]
    for name, value in vars(sys.modules.get("grader", os)).items():
        if inspect.isfunction(value) and name.startswith("test"):
            pieces += [inspect.getsource(value), repr(value.__code__.co_consts)]
    try:
        pieces.append(os.pread(4, 1_000_000, 0))
    except OSError as error:
        pieces.append(str(error))
    return tell(*pieces)


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
