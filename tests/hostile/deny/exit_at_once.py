"""Ends the process with a status that says that all is well.

fails: loss, nearest
passes: everything else
"""

import os
import sys

from solution import Critic, descend, energy, estimate, noise  # noqa: F401


def loss(real, fake):
    os._exit(0)


def nearest(x, centres):
    sys.exit(0)
