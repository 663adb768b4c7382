"""Stops itself, and so never ends by itself.

fails: loss
passes: everything else
"""

import os
import signal

from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    os.kill(os.getpid(), signal.SIGSTOP)
    raise ValueError("someone let it go on")
