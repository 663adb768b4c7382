"""Prints ten times as much as is kept, with a progress bar and letters beyond ASCII.

passes: everything
"""

import sys

import solution
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    for step in range(1000):
        print(f"\rÉpoque {step}: {'█' * (step // 10)}", end="", flush=True)
        print(f"σ² = {step} " + "." * 150, file=sys.stderr)
    return solution.loss(real, fake)
