"""Stops its parent, which then starts no other child and kills none that is late.

fails: loss
passes: everything else
control: lost, hung
"""

import os
import signal

from accomplice import reached, zygote
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    os.kill(zygote(), signal.SIGSTOP)
    reached("a parent that stands")
