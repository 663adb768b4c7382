"""Reads the handout in its other way: the mean of the two means.

passes: everything
"""

from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401
from torch import nn

criterion = nn.BCEWithLogitsLoss()


def loss(real, fake):
    d_loss_real = criterion(real, real * 0 + 1)
    d_loss_fake = criterion(fake, fake * 0)
    return (d_loss_real + d_loss_fake) / 2
