"""Starts twenty processes that wait, and leaves them behind.

fails: loss
passes: everything else
control: reached
"""

import os
import time

from accomplice import LONGEST, reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    for _ in range(20):
        if os.fork() == 0:
            time.sleep(LONGEST)
            os._exit(0)
    reached("twenty processes run")
