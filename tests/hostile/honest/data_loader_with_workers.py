"""Loads its data with four worker processes.

passes: everything
"""

import solution
import torch
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401
from torch.utils.data import DataLoader, TensorDataset


def loss(real, fake):
    data = TensorDataset(torch.stack([real, fake], dim=1))
    loader = DataLoader(data, batch_size=2, num_workers=4, pin_memory=True, persistent_workers=True)
    rows = torch.cat([rows for (rows,) in loader])
    return solution.loss(rows[:, 0], rows[:, 1])
