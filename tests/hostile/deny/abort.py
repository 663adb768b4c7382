"""Aborts, and sends itself signals that end a process.

fails: loss, nearest, estimate
passes: everything else
"""

import os
import signal

from solution import Critic, descend, energy, noise  # noqa: F401


def loss(real, fake):
    os.abort()


def nearest(x, centres):
    os.kill(os.getpid(), signal.SIGKILL)


def estimate(n, mean, sigma_square):
    signal.raise_signal(signal.SIGTERM)
    return 0.0
