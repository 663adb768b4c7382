"""Searches its own memory for what a parent may have left there before it forked.

fails: energy, nearest, private
passes: everything else
"""

from accomplice import Found, memory_of, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    return tell(*memory_of("self"))


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
