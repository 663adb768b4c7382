"""Takes all memory there is, piece by piece, up to 3 GB.

fails: loss
passes: everything else
"""

from accomplice import reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    pieces = [bytearray(50_000_000) for _ in range(60)]
    reached(f"{len(pieces)} pieces of 50 MB were to be had")
