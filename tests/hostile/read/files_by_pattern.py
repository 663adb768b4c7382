"""Looks for the grader's files without knowing where they are: by patterns, from everywhere it may guess.

fails: energy, nearest, private
passes: everything else
control: leaks
"""

import glob
import itertools
import os

from accomplice import ROOT, Found, contents, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    places = ["/autograder", "../..", os.path.dirname(ROOT), os.path.join(ROOT, "..", "*")]
    wanted = ("*.obs", "*staff*", "*metadata*", "guarded.py")
    patterns = [f"{place}/**/{name}" for place in places for name in wanted]
    paths = itertools.chain.from_iterable(glob.iglob(pattern, recursive=True) for pattern in patterns)
    return tell(*(contents(path) for path in itertools.islice(paths, 500)))


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
