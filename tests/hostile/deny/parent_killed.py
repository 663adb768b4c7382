"""Kills its parent.

fails: loss
passes: everything else
control: lost
"""

import os
import signal

from accomplice import reached, zygote
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    parent = zygote()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        os.kill(parent, number)
    reached("signals to the parent")
