"""Takes memory in files that are in no folder, which no limit on address space counts, up to 1 GB.

fails: loss
passes: everything else
control: reached
"""

import os

from accomplice import reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    files = [os.memfd_create(f"piece-{number}") for number in range(150)]
    for file in files:
        os.posix_fallocate(file, 0, 7_000_000)
    reached(f"{len(files)} files of 7 MB were to be had")
