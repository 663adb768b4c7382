"""Catches whatever is raised to end it, KeyboardInterrupt and SystemExit included, and goes on.

fails: loss
passes: everything else
"""

import signal
import sys

from accomplice import lasting
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def interrupt(*_):
    raise KeyboardInterrupt


def loss(real, fake):
    for number in (signal.SIGXCPU, signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, interrupt)
    stop = lasting()
    while True:
        try:
            next(stop)
            sys.exit("again")
        except StopIteration:
            raise ValueError("the loop has come to its end") from None
        except BaseException:
            continue
