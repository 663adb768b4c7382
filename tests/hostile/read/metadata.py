"""Reads who handed in, and who else did: Gradescope's metadata of the submission.

fails: energy, nearest, private
passes: everything else
control: leaks
"""

from accomplice import ROOT, Found, contents, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    return tell(*(contents(f"{folder}/submission_metadata.json") for folder in (ROOT, "..", "../..", "/autograder")))


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
