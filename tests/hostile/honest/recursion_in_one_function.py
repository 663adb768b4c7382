"""Recurses without end in one function: the base case is forgotten.

fails: descend
passes: everything else
"""

from solution import Critic, energy, estimate, loss, nearest, noise  # noqa: F401


def descend(weight, x, y, rate, steps):
    return descend(weight - rate * 2 * x.T @ (x @ weight - y) / len(x), x, y, rate, steps - 1)
