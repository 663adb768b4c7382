"""Writes a file of 100 MB, and keeps another one open that it has deleted.

fails: loss
passes: everything else
"""

import os

from accomplice import reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    for _ in range(2):
        with open("large", "wb") as file:
            for _ in range(50):
                file.write(b"\0" * 1_000_000)
            os.unlink("large")
    reached("files of 50 MB were written")
