"""Puts a symbolic link in the place of the folder of results, so that the grader writes elsewhere.

fails: energy, private
passes: everything else
control: lost
"""

import contextlib
import os

from accomplice import MARK, ROOT
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


def energy(x):
    with contextlib.suppress(OSError):
        os.rename(f"{ROOT}/results", f"{ROOT}/{MARK}-results")
        os.symlink(os.getcwd(), f"{ROOT}/results")
    raise ValueError("linked")
