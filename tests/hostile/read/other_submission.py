"""Copies from another student: reads the folder of another submission.

fails: energy, nearest, private
passes: everything else
control: leaks
"""

import glob
import os

from accomplice import OTHERS, Found, contents, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    beside = glob.glob(f"{os.path.dirname(OTHERS)}/*/*.py")
    return tell(contents(f"{OTHERS}/guarded.py"), *map(contents, beside))


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
