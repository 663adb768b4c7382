"""Returns logits of shape [B, 1], and has a loss that expects them so: the network and the loss are lost, no more.

fails: critic, loss
passes: everything else
"""

from solution import Critic as Honest
from solution import descend, energy, estimate, nearest, noise  # noqa: F401
from torch.nn import functional as F


class Critic(Honest):
    def forward(self, x):
        return super().forward(x).unsqueeze(1)


def loss(real, fake):
    return F.softplus(-real[:, 0]).mean() + F.softplus(fake[:, 0]).mean()
