"""Leaves a daemon behind that keeps hold of the reply and the output, so that they never end.

fails: loss
passes: everything else
control: reached
"""

import os
import time

from accomplice import LONGEST, reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(LONGEST)
        os._exit(0)
    reached("a daemon waits")
