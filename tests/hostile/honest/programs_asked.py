"""Asks other programs about the machine, and goes on without where there are none.

passes: everything
"""

import multiprocessing
import platform
import subprocess

import solution
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    try:
        print(subprocess.run(["nvidia-smi"], capture_output=True, check=False).stdout)
    except OSError as error:
        print("no GPU:", error)
    print(platform.node(), multiprocessing.cpu_count())
    return solution.loss(real, fake)
