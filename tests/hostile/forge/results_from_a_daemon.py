"""Leaves a daemon, forked twice in a session of its own, that writes full marks after the grader has ended.

fails: energy, private
passes: everything else
"""

import contextlib
import os
import time

from accomplice import ROOT, lasting
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


def keep_writing():
    for _ in lasting(8):
        with contextlib.suppress(OSError), open(f"{ROOT}/results/results.json", "w") as file:
            file.write('{"score": 22, "tests": []}')
        time.sleep(0.005)


def energy(x):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 64)
            keep_writing()
        os._exit(0)
    raise ValueError("a daemon writes")
