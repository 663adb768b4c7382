"""Sends more than a reply may have, by hand and as values.

fails: energy, noise, private
passes: everything else
"""

import contextlib
import os

import torch
from accomplice import lasting
from solution import Critic, descend, estimate, loss, nearest  # noqa: F401


def energy(x):
    with contextlib.suppress(OSError):
        for _ in lasting(10):
            os.write(3, b"OBS1" + b"\x7f" * 1_000_000)
    os._exit(0)


def noise(n, sigma_square):
    return torch.randn(1_000_000)
