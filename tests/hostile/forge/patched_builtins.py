"""Replaces builtins by ones that agree: isinstance, abs, len, all, open, sorted.

fails: energy, loss, nearest, private
passes: everything else
"""

import builtins

import torch
from solution import Critic, descend, estimate, noise  # noqa: F401


def energy(x):
    builtins.abs = builtins.round = lambda *_, **__: 0
    builtins.all = builtins.any = builtins.bool = lambda *_, **__: True
    return torch.zeros(len(x))


def loss(real, fake):
    builtins.isinstance = builtins.hasattr = lambda *_, **__: True
    return torch.zeros(())


def nearest(x, centres):
    builtins.len = lambda *_, **__: 0
    builtins.sorted = builtins.open = lambda *_, **__: None
    return [0] * 40
