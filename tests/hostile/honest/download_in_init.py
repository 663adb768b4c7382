"""Tries to download data when the network is made, and does without where that fails.

passes: everything
"""

import urllib.request

from solution import Critic as Honest
from solution import descend, energy, estimate, loss, nearest, noise  # noqa: F401


class Critic(Honest):
    def __init__(self):
        super().__init__()
        try:
            urllib.request.urlretrieve("http://127.0.0.1:9/mnist.gz", "mnist.gz")
        except OSError as error:
            print("no data:", error)
