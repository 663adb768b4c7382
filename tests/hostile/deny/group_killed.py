"""Kills its process group and everything that it may send a signal to in it.

fails: loss
passes: everything else
"""

import os
import signal

from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    if os.getpgrp() == os.getpid():  # never the group of whoever started the tests
        os.killpg(0, signal.SIGKILL)
    raise ValueError("the group goes on")
