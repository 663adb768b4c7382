"""Rewrites the grader's own program, its manifest and what it starts next.

fails: energy, private
passes: everything else
control: left
"""

import contextlib
import os

from accomplice import ROOT
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


def energy(x):
    targets = ["source/run_autograder", "source/setup.sh", "source/expectations/manifest.json"]
    targets += [f"source/autograder/{name}.py" for name in ("judging", "comparison", "gradescope")]
    for target in targets:
        with contextlib.suppress(OSError), open(f"{ROOT}/{target}", "a") as file:
            file.write("\n# full marks\n")
    with contextlib.suppress(OSError):
        os.unlink(f"{ROOT}/source/requirements.txt")
    raise ValueError("rewritten")
