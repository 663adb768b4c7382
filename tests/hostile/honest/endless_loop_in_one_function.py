"""Loops without end in one function: the step that would end it is forgotten.

fails: descend
passes: everything else
"""

import time

from solution import Critic, energy, estimate, loss, nearest, noise  # noqa: F401


def descend(weight, x, y, rate, steps):
    step, began = 0, time.monotonic()
    while step < steps and time.monotonic() < began + 20:
        weight = weight - rate * 2 * x.T @ (x @ weight - y) / len(x)
    return weight
