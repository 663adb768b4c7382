"""Draws with NumPy, so that the network's input becomes float64 and its next product fails; only that is lost.

fails: critic
passes: everything else
"""

import numpy as np
import torch
from solution import Critic as Honest
from solution import descend, energy, estimate, loss, nearest, noise  # noqa: F401


class Critic(Honest):
    def forward(self, x):
        noisy = x + 0 * torch.from_numpy(np.random.randn(*x.shape))
        return self.out(torch.tanh(self.hidden(noisy))).squeeze(1)
