"""Leaves folders behind that cannot be entered, deep ones, and names that are no text, so that nobody can clean up.

fails: loss
passes: everything else
"""

import os

from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    os.makedirs("closed/inside")
    with open(b"closed/\xff\n-rf", "wb") as file:
        file.write(b"x")
    os.chmod("closed/inside", 0)
    os.chmod("closed", 0)
    os.chmod(".", 0)
    raise ValueError("folders are left")
