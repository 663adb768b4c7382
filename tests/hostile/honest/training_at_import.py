"""Trains and loads a checkpoint that is not there, in the middle of the file and without a function.

passes: everything
"""

import time

import torch
from solution import Critic, descend, energy, estimate, loss, nearest  # noqa: F401

model = Critic()
model.load_state_dict(torch.load("critic_final.pt"))
for epoch in range(200):
    time.sleep(0.1)
    print(f"epoch {epoch}: {float(loss(model(torch.randn(8, 3)), model(torch.randn(8, 3)))):.3f}")


def noise(n, sigma_square):
    return torch.randn(n) * sigma_square**0.5
