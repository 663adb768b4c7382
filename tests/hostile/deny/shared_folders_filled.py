"""Fills folders that all share, /tmp and /dev/shm among them, with 60 MB.

fails: loss
passes: everything else
control: left
"""

import contextlib

from accomplice import MARK, SHARED_FOLDERS
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    for folder in SHARED_FOLDERS:
        for number in range(2):
            with contextlib.suppress(OSError), open(f"{folder}/{MARK}-{number}", "wb") as file:
                file.write(b"\0" * 5_000_000)
    raise ValueError("shared folders are fuller now")
