"""Reads whatever lies in the grader's folder, expectations above all, by its path.

fails: energy, nearest, private
passes: everything else
control: leaks
"""

import os

from accomplice import ROOT, Found, contents, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    paths = [os.path.join(folder, file) for folder, _, files in os.walk(f"{ROOT}/source") for file in files]
    return tell(*(contents(path) for path in paths if "/autograder/" not in path.removeprefix(ROOT)))


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
