"""Opens files until there are no more descriptors.

fails: loss
passes: everything else
"""

import os

from accomplice import reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(5000)]
    reached(f"{len(held)} files are open")
