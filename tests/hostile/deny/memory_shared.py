"""Takes memory in shared mappings, which some limits do not count, up to 1 GB, and writes to it.

fails: loss
passes: everything else
"""

import mmap

from accomplice import reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    pieces = [mmap.mmap(-1, 100_000_000) for _ in range(10)]
    for piece in pieces:
        piece[::4096] = b"x" * len(piece[::4096])
    reached(f"{len(pieces)} pieces of 100 MB were to be had")
