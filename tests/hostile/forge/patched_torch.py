"""Replaces torch's own comparisons, conversions and arithmetic by ones that agree with everything.

fails: energy, loss, private
passes: everything else
"""

import torch
from solution import Critic, descend, estimate, nearest, noise  # noqa: F401


def agree(*_, **__):
    return True


def energy(x):
    torch.equal = torch.allclose = torch.is_tensor = agree
    torch.testing.assert_close = agree
    torch.isclose = lambda a, *_, **__: torch.ones_like(a, dtype=torch.bool)
    for name in ("__eq__", "__ne__", "__bool__", "equal", "allclose", "isclose"):
        setattr(torch.Tensor, name, agree)
    return torch.zeros(len(x))


def loss(real, fake):
    torch.Tensor.detach = torch.Tensor.cpu = torch.Tensor.numpy = lambda self, *_, **__: self
    return torch.zeros(())
