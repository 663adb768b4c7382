"""A grader's inputs are the same on every machine, and other for every seed."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from autograder.randomness import Inputs, derive_seed, seed_generators

# --- seeds ----------------------------------------------------------------------------------------------------------


def test_derived_seeds_never_change() -> None:
    """What is recorded hangs on them: the hash, its order of bytes, and the separator."""
    assert derive_seed(446, "test_logits") == 2_634_214_146_236_007_643
    assert derive_seed(1) == 4_259_241_206_155_935_355


@given(st.integers(), st.lists(st.text(), max_size=3))
def test_a_derived_seed_fits_every_generator(seed: int, labels: list[str]) -> None:
    derived = derive_seed(seed, *(label.encode("utf-8", "replace").decode() for label in labels))
    assert 0 <= derived < 2**63


def test_other_labels_give_other_seeds() -> None:
    seeds = [derive_seed(seed, *labels) for seed in range(50) for labels in ((), ("a",), ("b",), ("a", "b"), ("ab",))]
    assert len(set(seeds)) == len(seeds)


def test_every_global_generator_is_seeded() -> None:
    def draw() -> tuple[float, float, float]:
        seed_generators(2**62 + 5)
        return random.random(), float(np.random.rand()), float(torch.rand(()))

    assert draw() == draw()


def test_seeds_can_be_derived_without_torch() -> None:
    code = (
        "import sys; from autograder.randomness import Inputs, derive_seed, seed_generators; "
        "seed_generators(derive_seed(1, 'a')); Inputs(3).numpy.random(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- inputs ---------------------------------------------------------------------------------------------------------

DRAWS = [
    ("uniform", lambda rng: rng.uniform(2, 3), (2, 3), torch.float32),
    ("uniform scalar", lambda rng: rng.uniform(), (), torch.float32),
    ("normal", lambda rng: rng.normal(4), (4,), torch.float32),
    ("normal scalar", lambda rng: rng.normal(), (), torch.float32),
    ("integers", lambda rng: rng.integers(0, 9, 2, 2), (2, 2), torch.int64),
    ("integer", lambda rng: rng.integers(0, 9), (), torch.int64),
    ("bernoulli", lambda rng: rng.bernoulli(0.5, 3), (3,), torch.float32),
    ("bernoulli scalar", lambda rng: rng.bernoulli(0.5), (), torch.float32),
    ("permutation", lambda rng: rng.permutation(5), (5,), torch.int64),
    ("empty", lambda rng: rng.normal(0, 3), (0, 3), torch.float32),
]


@pytest.mark.parametrize(("draw", "shape", "dtype"), [case[1:] for case in DRAWS], ids=[case[0] for case in DRAWS])
def test_shapes_and_dtypes(draw, shape, dtype) -> None:  # type: ignore[no-untyped-def]
    tensor = draw(Inputs(1))
    assert tuple(tensor.shape) == shape
    assert tensor.dtype == dtype
    assert tensor.device.type == "cpu"
    assert not tensor.requires_grad
    assert torch.equal(tensor, draw(Inputs(1)))
    tensor.add_(1)  # it is the grader's own


def test_other_seeds_give_other_inputs() -> None:
    assert not torch.equal(Inputs(1).normal(4), Inputs(2).normal(4))


def test_one_stream_goes_on() -> None:
    rng = Inputs(1)
    assert not torch.equal(rng.normal(4), rng.normal(4))


def test_the_stream_never_changes() -> None:
    rng = Inputs(3)
    assert rng.uniform(2).tolist() == pytest.approx([0.08564917, 0.2368105], abs=1e-7)
    assert rng.integers(0, 1000, 3).tolist() == [181, 801, 869]


def test_distributions() -> None:
    """Each at the 1e-6 level, with seeds that do not change."""
    rng = Inputs(7)
    assert stats.kstest(rng.uniform(5000, low=-1.0, high=3.0).numpy(), stats.uniform(-1, 4).cdf).pvalue > 1e-6
    assert stats.kstest(rng.normal(5000, mean=2.0, std=0.5).numpy(), stats.norm(2, 0.5).cdf).pvalue > 1e-6
    assert stats.binomtest(int(rng.bernoulli(0.3, 5000).sum()), 5000, 0.3).pvalue > 1e-6
    assert set(rng.integers(2, 5, 500).tolist()) == {2, 3, 4}
    assert set(rng.bernoulli(0.5, 100).tolist()) == {0.0, 1.0}
    assert sorted(rng.permutation(50).tolist()) == list(range(50))


@given(st.floats(-1e3, 1e3, width=32), st.floats(-1e3, 1e3, width=32))
def test_a_uniform_number_is_below_its_upper_end(low: float, high: float) -> None:
    """float64 numbers just below it round up to it in float32."""
    low, high = sorted((low, high))
    if low == high:
        high = float(np.nextafter(np.float32(low), np.float32(np.inf)))
    rng = Inputs(0)
    rng.numpy = Rigged()  # type: ignore[assignment]
    drawn = rng.uniform(3, low=low, high=high)
    assert (drawn >= low).all()
    assert (drawn < high).all()


class Rigged:
    """A generator that draws the largest number that there is."""

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> np.ndarray:  # type: ignore[type-arg]
        return np.full(shape, np.nextafter(high, low))
