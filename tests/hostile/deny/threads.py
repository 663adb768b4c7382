"""Starts a hundred threads, some of which calculate, and does not wait for them.

fails: loss
passes: everything else
"""

import threading
import time

from accomplice import lasting
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def spin():
    for _ in lasting():
        pass


def wait():
    time.sleep(20)


def loss(real, fake):
    for number in range(100):
        threading.Thread(target=spin if number < 4 else wait).start()
    raise ValueError("a hundred threads run")
