"""Writes a results.json with full marks over the grader's own.

fails: energy, private
passes: everything else
"""

import contextlib
import json

from accomplice import ROOT
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401

FORGED = json.dumps({"score": 22, "output": "", "tests": [{"score": 22, "max_score": 22, "name": "all"}]})


def energy(x):
    for folder in (f"{ROOT}/results", "/autograder/results", "results", "../results", "../../results"):
        with contextlib.suppress(OSError), open(f"{folder}/results.json", "w") as file:
            file.write(FORGED)
    raise ValueError("written")
