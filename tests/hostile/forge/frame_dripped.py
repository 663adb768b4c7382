"""Sends a reply byte by byte, and never comes to its end.

fails: energy, private
passes: everything else
"""

import contextlib
import os
import time

from accomplice import lasting
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


def energy(x):
    with contextlib.suppress(OSError):
        for _ in lasting():
            os.write(3, b"O")
            time.sleep(0.05)
    os._exit(0)
