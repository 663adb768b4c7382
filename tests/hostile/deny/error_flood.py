"""Writes to the error output without end, up to 50 MB, without line ends and not in UTF-8.

fails: loss
passes: everything else
"""

import os

from accomplice import lasting
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    for _, _ in zip(range(500), lasting(), strict=False):
        os.write(2, b"\xff\x00\x1b" * 33_000)
    raise ValueError("50 MB are written")
