"""Forks in every process that it has forked, up to sixteen, each in a session of its own.

fails: loss
passes: everything else
control: reached
"""

import os
import time

from accomplice import LONGEST, reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    forked = False
    for _ in range(4):
        if os.fork() == 0:
            forked = True
            os.setsid()
    if forked:
        time.sleep(LONGEST)
        os._exit(0)
    reached("sixteen processes run")
