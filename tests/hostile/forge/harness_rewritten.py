"""Rewrites the installed harness that grades, so that the next run gives full marks.

fails: energy, private
passes: everything else
"""

import contextlib
import os

from accomplice import reached
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401

import autograder.judging


def energy(x):
    for path in (autograder.judging.__file__, os.__file__):
        with contextlib.suppress(OSError), open(path, "r+b"):
            reached(f"{path}, open for writing")  # and nothing is written: it is the machine's own
    raise ValueError("rewritten")
