"""Reads the memory of the zygote and of the grader process through /proc/<pid>/mem.

fails: energy, nearest, private
passes: everything else
control: leaks
"""

from accomplice import Found, above, memory_of, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    return tell(*(piece for process in reversed(above()) for piece in memory_of(process)))


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
