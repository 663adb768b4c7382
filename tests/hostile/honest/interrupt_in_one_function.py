"""Raises KeyboardInterrupt in one function, left over from a notebook.

fails: estimate
passes: everything else
"""

from solution import Critic, descend, energy, loss, nearest, noise  # noqa: F401


def estimate(n, mean, sigma_square):
    raise KeyboardInterrupt("stop here")
