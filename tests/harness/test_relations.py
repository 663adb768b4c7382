"""Each relation is named for a pair that was made for it, and none for a random pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.relations import relation, show_shape

Array = np.ndarray[Any, Any]

RNG = np.random.default_rng(7)
VECTOR = RNG.normal(size=6) + 3.0
TABLE = RNG.normal(size=(4, 5))
SQUARE = RNG.normal(size=(4, 4))
SHARES = RNG.uniform(0.1, 0.9, size=6)


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


PAIRS: list[tuple[str, Any, Any, str]] = [
    ("nearly the same", VECTOR, VECTOR * (1 + 3e-4), "within 0.1 %"),
    ("sign", TABLE, -TABLE, "opposite sign"),
    ("half", TABLE, TABLE / 2, "half the expected value."),
    ("twice", TABLE, TABLE * 2, "twice the expected value."),
    ("minus half", TABLE, -TABLE / 2, "half the expected value, and has the opposite sign"),
    ("log base 2", TABLE, TABLE / np.log(2), "base 2"),
    ("log base 10", TABLE, TABLE / np.log(10), "base 10"),
    ("sum for mean, axis 0", TABLE, TABLE * 4, "4 times (a sum over axis 0 in place of a mean?)"),
    ("sum for mean, axis 1", TABLE, TABLE * 5, "5 times (a sum over axis 1 in place of a mean?)"),
    ("mean for sum, axis 1", TABLE, TABLE / 5, "1/5 of (a mean over axis 1 in place of a sum?)"),
    ("constant offset", VECTOR, VECTOR - 0.918939, "plus the constant -0.9189"),
    ("constant offset of zeros", np.zeros(3), np.full(3, 0.25), "plus the constant 0.25"),
    ("constant factor", VECTOR, VECTOR * 0.3, "times the constant 0.3"),
    ("square root", VECTOR, np.sqrt(VECTOR), "square root"),
    ("square", VECTOR, VECTOR**2, "the square of"),
    ("exponential", VECTOR, np.exp(VECTOR), "take the logarithm"),
    ("logarithm", VECTOR, np.log(VECTOR), "the logarithm of"),
    ("sigmoid twice", TABLE, sigmoid(TABLE), "one sigmoid too many"),
    ("sigmoid missing", SHARES, np.log(SHARES / (1 - SHARES)), "lacks the final sigmoid"),
    ("complement", SHARES, 1 - SHARES, "1 minus"),
    ("reversed", VECTOR, VECTOR[::-1], "reverse order"),
    ("permuted", TABLE, TABLE[[2, 0, 3, 1]], "another order"),
    ("transposed, square", SQUARE, SQUARE.T, "transpose"),
    ("axis too many", VECTOR, VECTOR[:, None], "the shape is [6, 1] where [6] is asked for"),
    ("axis missing", VECTOR[:, None], VECTOR, "the shape is [6] where [6, 1] is asked for"),
    ("flattened", TABLE, TABLE.reshape(-1), "the shape is [20] where [4, 5] is asked for"),
    ("transposed", TABLE, TABLE.T, "transpose"),
    ("summed", VECTOR, np.array(VECTOR.sum()), "the sum of all"),
    ("averaged", VECTOR, np.array(VECTOR.mean()), "the mean of all"),
    ("averaged, kept", VECTOR, np.array([VECTOR.mean()]), "the mean of all"),
    ("not summed", TABLE.sum(axis=1), TABLE, "not summed over yet"),
    ("not averaged", TABLE.mean(axis=1), TABLE, "not averaged over yet"),
    ("broadcast", VECTOR**2, VECTOR[:, None] * VECTOR[None], "broadcast to [N, N]"),
    ("broadcast, column", VECTOR[:, None] ** 2, VECTOR[:, None] * VECTOR[None], "broadcast to [N, N]"),
    ("scalar half", np.array(0.7), np.array(0.35), "half"),
    ("integers", np.arange(4) + 1, 2 * (np.arange(4) + 1), "twice"),
]


@pytest.mark.parametrize(("expected", "actual", "words"), [pair[1:] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_relation_is_named(expected: Array, actual: Array, words: str, dtype: Any) -> None:
    kept = expected.dtype.kind == "i"
    first, second = (array if kept else array.astype(dtype) for array in (expected, actual))
    assert words in relation(first, second)


@pytest.mark.parametrize(
    "shapes",
    [((6,), (6,)), ((4, 5), (4, 5)), ((4, 4), (4, 4)), ((6,), (6, 1)), ((4, 5), (5, 4)), ((6,), ()), ((6,), (6, 6))],
)
def test_a_random_pair_has_no_relation(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    rng = np.random.default_rng(11)
    named = {relation(rng.normal(size=shapes[0]), rng.normal(size=shapes[1])) for _ in range(300)}
    assert named == {""}


def test_two_random_numbers_seldom_have_a_relation() -> None:
    """About twenty rules at a tolerance of 0.1 % each: a coincidence in fewer than one of fifty pairs."""
    rng = np.random.default_rng(12)
    named = sum(bool(relation(np.array(rng.normal()), np.array(rng.normal()))) for _ in range(500))
    assert named < 10


@pytest.mark.parametrize("change", [0.01, -0.01, 0.5])
def test_one_other_value_breaks_a_relation(change: float) -> None:
    for name, expected, actual, _ in PAIRS:
        if expected.size < 3 or actual.size < 3 or actual.dtype.kind == "i":
            continue
        other = np.array(actual, dtype=np.float64)
        other.flat[0] += change * np.abs(other).max()
        assert relation(expected, other) == "", name


def test_what_is_no_number_has_no_relation() -> None:
    assert relation(VECTOR, np.full(6, np.nan)) == ""
    assert relation(np.array([1.0, np.inf]), np.array([2.0, -np.inf])) == ""
    assert relation(np.array([True]), np.array([False])) == ""
    assert relation(np.zeros(0), np.zeros(0)) == ""
    assert relation(VECTOR, np.zeros(6)) == ""


NUMBERS = st.floats(width=32) | st.sampled_from([0.0, 1e-38, 3e38, float("nan"), float("inf")])
ANY = hnp.arrays(
    st.sampled_from([np.float32, np.float64]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements=NUMBERS,
)


@pytest.mark.filterwarnings("error")
@given(ANY, ANY)
def test_no_pair_of_arrays_raises_or_warns(expected: Array, actual: Array) -> None:
    assert isinstance(relation(expected, actual), str)


@pytest.mark.parametrize(
    ("shape", "shown"), [((), "a single number"), ((3,), "[3]"), ((16, 1), "[16, 1]"), ((0, 2), "[0, 2]")]
)
def test_shapes_as_a_student_reads_them(shape: tuple[int, ...], shown: str) -> None:
    assert show_shape(np.zeros(shape)) == shown


def test_infinities_that_are_right_do_not_hide_a_relation() -> None:
    wanted = np.array([1.0, np.inf, 3.0, -np.inf])
    assert "half the expected value" in relation(wanted, wanted / 2)
    assert relation(wanted, -wanted) == ""
    assert relation(np.array([np.inf]), np.array([np.inf])) == ""
