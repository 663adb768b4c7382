"""Downloads data when the network is made and cannot do without: that costs the network, and nothing else.

fails: critic
passes: everything else
"""

import urllib.request

from solution import Critic as Honest
from solution import descend, energy, estimate, loss, nearest, noise  # noqa: F401


class Critic(Honest):
    def __init__(self):
        super().__init__()
        urllib.request.urlretrieve("http://127.0.0.1:9/mnist.gz", "mnist.gz")
