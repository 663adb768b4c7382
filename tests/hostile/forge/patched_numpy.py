"""Replaces NumPy's comparisons and the functions by which values become data.

fails: energy, loss, nearest, private
passes: everything else
"""

import numpy as np
import torch
from solution import Critic, descend, estimate, noise  # noqa: F401


def agree(*_, **__):
    return True


def energy(x):
    np.isclose = np.allclose = np.array_equal = np.all = np.testing.assert_allclose = agree
    return torch.zeros(len(x))


def loss(real, fake):
    np.array = np.asarray = lambda *_, **__: np.ndarray(())
    return torch.zeros(())


def nearest(x, centres):
    np.generic = np.ndarray = np.bool_ = np.integer = object
    return [0] * len(x)
