"""Walks the frames above it and every object there is, looking for what is expected.

fails: energy, nearest, private
passes: everything else
"""

import gc
import sys

from accomplice import Found, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    pieces, frame = [], sys._getframe()
    while frame is not None:
        pieces += [repr(value)[:20_000] for value in (*frame.f_locals.values(), frame.f_code.co_consts)]
        frame = frame.f_back
    texts = (piece for held in gc.get_objects() if type(held) in (list, dict, tuple) for piece in _texts(held))
    return tell(*pieces, *texts)


def _texts(held):
    values = held.values() if isinstance(held, dict) else held
    return [value for value in values if type(value) in (str, bytes) and 30 < len(value) < 20_000]


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
