"""Fills its folder with two thousand files in deep folders, some of them named so that they are hard to remove.

fails: loss
passes: everything else
"""

import contextlib
import os
from pathlib import Path

from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    for number in range(1900):
        Path(f"{number}.txt").write_text("x")
    Path("-rf \n*").write_text("x")
    os.symlink("/", "root")
    for _ in range(60):
        with contextlib.suppress(OSError):
            Path("folder").mkdir()
            os.chdir("folder")
    os.chmod(".", 0)
    raise ValueError("two thousand files are there")
