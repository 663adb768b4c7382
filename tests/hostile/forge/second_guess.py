"""Answers otherwise where its process has been used before, so as to have two guesses at each grader.

fails: energy, private
passes: everything else
"""

import json

from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


def energy(x):
    used = getattr(json, "used", False)
    json.used = True
    return (0.5 if used else 1.0) * x.square().mean(dim=1)
