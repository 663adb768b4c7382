"""Name the simple relation between an expected array and another: a factor, an offset, an axis.

Where a wrong answer is no known misconception, such a relation still tells its author where to look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from autograder.observation import Array

# A relation must hold to this relative tolerance. It is looser than a grader's own, because it only
# chooses words, and tighter than the difference between any two factors of the list.
RTOL = 2e-4
NEAR = 1e-3
CLOSE = "Yours is within 0.1 % of the expected value"


def relation(expected: Array, actual: Array) -> str:
    """A sentence that says how `actual` follows from `expected`, or "" where none of ours holds."""
    if expected.dtype.kind not in "fiu" or actual.dtype.kind not in "fiu" or not expected.size or not actual.size:
        return ""
    wanted, got = _without_equal_infinities(expected.astype(np.float64), actual.astype(np.float64))
    if not wanted.size or not (np.isfinite(wanted).all() and np.isfinite(got).all()):
        return ""
    if _agrees(wanted, got, NEAR):
        return f"{CLOSE}: look for a rounded constant, an epsilon or a loss of precision."
    rules = _same_shape(wanted, got) if wanted.shape == got.shape else _other_shape(wanted, got)
    return next((words for candidate, words in rules if _agrees(candidate(), got)), "")


def _without_equal_infinities(wanted: Array, got: Array) -> tuple[Array, Array]:
    """Both without the places where both have the same infinity, flat if there are any."""
    if wanted.shape != got.shape:
        return wanted, got
    same = np.isinf(wanted) & (wanted == got)
    return (wanted[~same], got[~same]) if same.any() else (wanted, got)


def _agrees(candidate: Array, got: Array, rtol: float = RTOL) -> bool:
    if candidate.shape != got.shape or not np.isfinite(candidate).all():
        return False
    scale = float(np.abs(got).max())
    return bool(np.allclose(candidate, got, rtol=rtol, atol=1e-4 * scale)) and scale > 0


Rule = tuple[Callable[[], Array], str]


def _same_shape(wanted: Array, got: Array) -> Iterator[Rule]:
    yield lambda: -wanted, "Yours is the expected value with the opposite sign."
    for factor, words in _factors(wanted):
        yield lambda factor=factor: wanted * factor, f"Yours is {words} the expected value."  # type: ignore[misc]
        yield (
            lambda factor=factor: -wanted * factor,  # type: ignore[misc]
            f"Yours is {words} the expected value, and has the opposite sign.",
        )
    if wanted.size > 1:
        offset = float(np.median(got - wanted))
        yield lambda: wanted + offset, f"Yours is the expected value plus the constant {offset:.4g}."
        with np.errstate(all="ignore"):  # a student's numbers may be as large as they like
            ratio = float(np.median(got / np.where(wanted == 0, np.nan, wanted))) if (wanted != 0).all() else math.nan
        yield lambda: wanted * ratio, f"Yours is the expected value times the constant {ratio:.4g}."
    with np.errstate(all="ignore"):
        yield lambda: np.sqrt(wanted), "Yours is the square root of the expected value."
        yield lambda: np.square(wanted), "Yours is the square of the expected value."
        yield lambda: np.exp(wanted), "Yours is the exponential of the expected value: take the logarithm."
        yield lambda: np.log(wanted), "Yours is the logarithm of the expected value."
        yield lambda: 1 / (1 + np.exp(-wanted)), "Yours is the sigmoid of the expected value: one sigmoid too many."
        yield lambda: np.log(wanted / (1 - wanted)), "Yours lacks the final sigmoid."
        yield lambda: 1 - wanted, "Yours is 1 minus the expected value."
    if wanted.ndim and len(wanted) > 1:
        yield lambda: wanted[::-1], "The values are right, but in the reverse order along the first axis."
        yield lambda: _aligned(wanted, got), "The values are right, but in another order along the first axis."
    if wanted.ndim == 2 and wanted.shape[0] == wanted.shape[1]:
        yield lambda: wanted.T, "Rows and columns are swapped: yours is the transpose of the expected value."


def _factors(wanted: Array) -> Iterator[tuple[float, str]]:
    yield 0.5, "half"
    yield 2.0, "twice"
    yield 1 / math.log(2), "1/ln 2 times (a logarithm to base 2 in place of the natural one?)"
    yield 1 / math.log(10), "1/ln 10 times (a logarithm to base 10 in place of the natural one?)"
    for axis, size in enumerate(wanted.shape):
        if size > 2:
            yield float(size), f"{size} times (a sum over axis {axis} in place of a mean?)"
            yield 1 / size, f"1/{size} of (a mean over axis {axis} in place of a sum?)"


def _other_shape(wanted: Array, got: Array) -> Iterator[Rule]:
    if wanted.size == got.size:
        words = f"The values are right, but the shape is {show_shape(got)} where {show_shape(wanted)} is asked for."
        yield lambda: wanted.reshape(got.shape), words
        if wanted.ndim == got.ndim and wanted.ndim > 1:
            yield lambda: wanted.T, "The axes are swapped: yours is the transpose of the expected value."
    if got.size == 1:
        yield (
            lambda: np.full(got.shape, wanted.sum()),
            "Yours is the sum of all; one value per element is asked for.",
        )
        yield (
            lambda: np.full(got.shape, wanted.mean()),
            "Yours is the mean of all; one value per element is asked for.",
        )
    if got.ndim == wanted.ndim + 1 and got.shape[: wanted.ndim] == wanted.shape:
        collapsed_sum, collapsed_mean = got.sum(axis=-1), got.mean(axis=-1)
        if _agrees(collapsed_sum, wanted):
            yield lambda: got, "The last axis is not summed over yet."
        if _agrees(collapsed_mean, wanted):
            yield lambda: got, "The last axis is not averaged over yet."
    if got.shape == (wanted.size, wanted.size) and _agrees(wanted.reshape(-1), np.diagonal(got)):
        yield (
            lambda: got,
            "Two values of shapes [N] and [N, 1] were broadcast to [N, N]: bring both to one shape before they meet.",
        )


def _aligned(wanted: Array, got: Array) -> Array:
    """`wanted` with its rows in the order in which `got` has them, as far as sorting can tell."""
    rows, others = wanted.reshape(len(wanted), -1), got.reshape(len(got), -1)
    order = np.empty(len(rows), dtype=np.intp)
    order[np.lexsort(others.T[::-1])] = np.lexsort(rows.T[::-1])
    return wanted[order]


def show_shape(array: Array) -> str:
    """A shape as a student reads it: [16, 1], or "a single number"."""
    return f"[{', '.join(map(str, array.shape))}]" if array.ndim else "a single number"
