"""Ignores the signals that tell it to end, the one for CPU time among them, and goes on.

fails: loss
passes: everything else
"""

import contextlib
import signal

from accomplice import lasting
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    for _ in lasting():
        pass
    raise ValueError("the loop has come to its end")
