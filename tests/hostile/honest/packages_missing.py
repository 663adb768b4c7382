"""Imports packages that are not installed, and uses none of them for what is graded.

passes: everything
"""

import a_logger_of_my_own as log
import tensorboardX  # noqa: F401
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401
from torch.nn import functional as F
from wandb_of_nobody import init


def loss(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def show(values):
    init(project="critic")
    log.info(values)
