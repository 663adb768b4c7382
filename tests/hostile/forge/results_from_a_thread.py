"""Has a thread write full marks again and again while the grader goes on.

fails: energy, private
passes: everything else
"""

import contextlib
import threading
import time

from accomplice import ROOT, lasting
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


def keep_writing():
    for _ in lasting(2):
        with contextlib.suppress(OSError), open(f"{ROOT}/results/results.json", "w") as file:
            file.write('{"score": 22, "tests": []}')
        time.sleep(0.005)


def energy(x):
    threading.Thread(target=keep_writing, daemon=True).start()
    time.sleep(0.1)
    raise ValueError("a thread writes")
