"""Waits without using any CPU time.

fails: loss
passes: everything else
"""

import time

from accomplice import LONGEST
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    time.sleep(LONGEST)
    raise ValueError("the wait is over")
