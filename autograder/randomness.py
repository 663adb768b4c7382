"""The seeded source of a grader's inputs, and the seeds of every generator in the child.

Torch is imported only when a tensor is asked for, so that seeds can be derived without it.
"""

from __future__ import annotations

import hashlib
import random
import sys
from typing import TYPE_CHECKING

import numpy as np
import numpy.random  # here, in the zygote, and not in every child: `np.random` imports it when it is first used
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor


def derive_seed(seed: int, *labels: str) -> int:
    """A 63-bit seed from `seed` and labels, the same on every machine and Python."""
    digest = hashlib.blake2b("\0".join((str(seed), *labels)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def seed_generators(seed: int) -> None:
    """Seed `random`, NumPy's global generator and, where it is loaded, torch's."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.default_generator.manual_seed(seed)  # torch.manual_seed seeds GPUs as well, and takes 5 ms to say so


class Inputs:
    """Draws a grader's inputs: torch CPU tensors from one NumPy PCG64 stream."""

    def __init__(self, seed: int) -> None:
        self.numpy = np.random.Generator(np.random.PCG64(seed))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """float32 tensor of `shape`, uniform in [low, high)."""
        values = np.asarray(self.numpy.uniform(low, high, shape), dtype=np.float32)
        below = np.nextafter(np.float32(high), np.float32(low))  # rounding to float32 can reach `high`
        return self._tensor(np.minimum(values, below))

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0) -> Tensor:
        """float32 tensor of `shape`, Gaussian with the given mean and standard deviation."""
        return self._tensor(np.asarray(self.numpy.normal(mean, std, shape), dtype=np.float32))

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """int64 tensor of `shape`, uniform in {low, ..., high - 1}."""
        return self._tensor(self.numpy.integers(low, high, shape, dtype=np.int64))

    def bernoulli(self, p: float, *shape: int) -> Tensor:
        """float32 tensor of `shape` of zeros and ones, one with probability `p`."""
        return self._tensor(np.asarray(self.numpy.random(shape) < p, dtype=np.float32))

    def permutation(self, n: int) -> Tensor:
        """int64 tensor of shape [n]: 0 ... n - 1 in random order."""
        return self._tensor(self.numpy.permutation(n).astype(np.int64))

    @staticmethod
    def _tensor(array: npt.ArrayLike) -> Tensor:
        import torch

        return torch.from_numpy(np.array(array))
