"""Leaves Python in a state in which nothing works: no modules, no builtins, no collection, a broken import.

fails: loss, nearest, estimate
passes: everything else
"""

import builtins
import gc
import sys

from solution import Critic, descend, energy, noise  # noqa: F401


def loss(real, fake):
    gc.disable()
    sys.modules.clear()
    return


def nearest(x, centres):
    for name in list(vars(builtins)):
        if name not in ("print", "__build_class__"):
            delattr(builtins, name)


def estimate(n, mean, sigma_square):
    sys.meta_path.clear()
    sys.path.clear()
    builtins.__import__ = None
    return "0.0"
