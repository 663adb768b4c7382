"""Looks inputs up in a table of the answers that the student kit holds, and has nothing for others.

passes: noise, estimate, critic, descend
fails: everything else
"""

import torch
from answers import ANSWERS, SEEDS
from solution import Critic, descend, estimate, noise  # noqa: F401

from autograder.randomness import Inputs


def energy(x):
    known = Inputs(SEEDS["energy"]).normal(6, 3)
    return torch.tensor(ANSWERS["energy"]) if torch.equal(x, known) else x.sum(1)


def loss(real, fake):
    known = Inputs(SEEDS["loss"]).normal(6)
    return torch.tensor(ANSWERS["loss"]) if torch.equal(real, known) else real.mean()


def nearest(x, centres):
    known = Inputs(SEEDS["nearest"]).normal(40, 2)
    return ANSWERS["nearest"] if torch.equal(x, known) else [0] * len(x)
