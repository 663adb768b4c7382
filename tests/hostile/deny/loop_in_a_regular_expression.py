"""Loops inside one call of C code, where no signal handler of Python's own runs.

fails: loss
passes: everything else
"""

import re

from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    re.match(r"(a|a)*$", "a" * 27 + "b")  # about 10 s
    raise ValueError("the loop has come to its end")
