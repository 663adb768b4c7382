"""Compare an observation with a recorded one: nothing but the differences comes out.

Pure functions over NumPy arrays. The tolerances, sides and kinds are the recorded entry's, never
those of the observation under test, which comes from a process that the student's code ran in.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from autograder.observation import Array, Entry, Failure, Observation

# The chance that a right submission fails one `samples` or `band` entry.
FALSE_ALARM = 1e-6
# Another CPU's order of summation moves a float32 result by about 1e-6 of itself.
ROUNDING = 1e-5
NOT_COMPARED = ("picture", "leaderboard")

Aspect = Literal["failure", "missing", "type", "shape", "dtype", "not finite", "value", "exact", "distribution", "band"]


@dataclass(frozen=True, eq=False)
class Difference:
    """One way in which an observation is not the expected one.

    Attributes:
        aspect: what differs; "failure" where the grader did not reach its end.
        entry: the recorded entry, None for a failure.
        expected, actual: the values, where both are arrays; of draws the coordinate that differs most.
        detail: the actual value's type for "type", texts for "exact", the coordinate for "distribution".
        limits: lower and upper end of a band.
    """

    aspect: Aspect
    entry: Entry | None = None
    expected: Array | None = None
    actual: Array | None = None
    detail: str = ""
    limits: tuple[Array, Array] | None = None


def compare(expected: Observation, actual: Observation, reference: Observation | None = None) -> tuple[Difference, ...]:
    """The differences of `actual` from `expected`; none means the same behaviour.

    Args:
        expected: recorded, of the reference, a reading or a misconception.
        actual: of the submission.
        reference: where the width of bands is taken from; `expected` itself by default.
    """
    differences = []
    if not same_failure(expected.failure, actual.failure):
        differences.append(Difference("failure"))
    for entry in expected.entries:
        if entry.kind in NOT_COMPARED:
            continue
        other = actual.entry(entry.name)
        if other is None:
            if actual.failure is None or expected.failure is not None:
                differences.append(Difference("missing", entry))
            continue
        difference = _compare_entry(entry, expected, other, actual, reference or expected)
        if difference is not None:
            differences.append(difference)
    return tuple(differences)


def same_failure(expected: Failure | None, actual: Failure | None) -> bool:
    """Whether both ended alike: at their end, or with one kind, type and wording of exception."""
    if expected is None or actual is None:
        return expected is actual
    return (
        expected.kind == actual.kind
        and expected.type == actual.type
        and _wording(expected.message) == _wording(actual.message)
    )


def _wording(message: str) -> str:
    """A message without numbers and quoted names, which differ between equal mistakes. A None is another mistake."""
    return re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?|'(?!NoneType')[^']*'", "#", message)[:300]


def _compare_entry(
    entry: Entry, expected: Observation, other: Entry, actual: Observation, reference: Observation
) -> Difference | None:
    if entry.kind == "exact" and entry.text:
        return None if entry.text == other.text else Difference("exact", entry, detail=other.text or _type_of(other))
    if not entry.array:
        same = entry.opaque == other.opaque
        return None if same else Difference("type", entry, detail=_type_of(other))
    if not other.array:
        return Difference("type", entry, expected.value(entry), detail=_type_of(other))
    wanted, got = expected.value(entry), actual.value(other)
    if entry.kind == "samples":
        return _compare_samples(entry, wanted, got)
    if entry.kind == "band":
        return _compare_band(entry, wanted, got, reference)
    if wanted.shape != got.shape:
        return Difference("shape", entry, wanted, got)
    if _dtype_kind(wanted) != _dtype_kind(got):
        return Difference("dtype", entry, wanted, got, detail=other.dtype)
    if entry.kind == "exact":
        same = np.array_equal(wanted, got, equal_nan=wanted.dtype.kind == "f")
        return None if same else Difference("value", entry, wanted, got)
    if is_close(wanted, got, entry.rtol, entry.atol):
        return None
    finite = np.isfinite(got) | ~np.isfinite(wanted)
    return Difference("value" if finite.all() else "not finite", entry, wanted, got)


def is_close(wanted: Array, got: Array, rtol: float, atol: float) -> bool:
    """Whether |got - wanted| <= atol + rtol · |wanted| everywhere; NaN equals NaN, inf equals inf."""
    return bool(np.isclose(got.astype(np.float64), wanted.astype(np.float64), rtol, atol, equal_nan=True).all())


def _compare_samples(entry: Entry, wanted: Array, got: Array) -> Difference | None:
    if not wanted.size or wanted.ndim != got.ndim or not wanted.ndim or wanted.shape[1:] != got.shape[1:]:
        return Difference("shape", entry, wanted, got)
    if 2 * len(got) < len(wanted):
        return Difference("shape", entry, wanted, got)
    known, shown = np.isfinite(wanted), np.isfinite(got)
    if not (known.all() and shown.all()):
        same = not known.any() and not shown.any()  # a misconception whose draws are no numbers
        return None if same else Difference("distribution" if shown.all() else "not finite", entry, wanted, got)
    columns, others = wanted.reshape(len(wanted), -1).T, got.reshape(len(got), -1).T
    threshold = ks_threshold(len(wanted), len(got), FALSE_ALARM / len(columns))
    distances = [ks_distance(first, second) for first, second in zip(columns, others, strict=True)]
    worst = int(np.argmax(distances))
    if distances[worst] <= threshold:
        return None
    place = f"coordinate {worst + 1} of {len(columns)}" if len(columns) > 1 else ""
    return Difference("distribution", entry, columns[worst], others[worst], detail=place)


def ks_distance(first: Array, second: Array) -> float:
    """The two-sample Kolmogorov–Smirnov statistic: the largest gap between empirical distributions."""
    values, counts = np.unique(first, return_counts=True)
    others, other_counts = np.unique(second, return_counts=True)
    points = np.union1d(values, others)
    return float(np.abs(_below(values, counts, points) - _below(others, other_counts, points)).max())


def _below(values: Array, counts: Array, points: Array) -> Array:
    """The share of a sample, given as its sorted values and how often each occurs, that lies at or below each point."""
    shares = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    below: Array = shares[np.searchsorted(values, points, side="right")]
    return below


def ks_threshold(n: int, m: int, false_alarm: float) -> float:
    """The distance that two samples of one distribution exceed with at most this probability.

    From P(D > d) <= 2 exp(-2 d² nm / (n + m)); the bound holds for continuous and discrete
    distributions alike, exactly for n = m >= 458 (Wei and Dudley, Two-sample
    Dvoretzky–Kiefer–Wolfowitz inequalities, 2012) and asymptotically otherwise.
    """
    return math.sqrt(-math.log(false_alarm / 2) / 2 * (n + m) / (n * m))


def _compare_band(entry: Entry, wanted: Array, got: Array, reference: Observation) -> Difference | None:
    recorded = reference.entry(entry.name)
    spread = reference.value(recorded) if recorded is not None and recorded.array else wanted
    if got.shape != wanted.shape[1:]:
        return Difference("shape", entry, wanted[0], got)
    known, shown = np.isfinite(wanted).all(axis=0), np.isfinite(got)
    if (known != shown).any():
        return Difference("band" if shown.all() else "not finite", entry, wanted.mean(axis=0), got)
    lower, upper = band(spread if spread.shape[1:] == wanted.shape[1:] else wanted, centre=wanted)
    outside = np.zeros_like(shown)
    if entry.side != "at_most":
        outside |= got < lower
    if entry.side != "at_least":
        outside |= got > upper
    if not (outside & known).any():
        return None
    return Difference("band", entry, wanted.mean(axis=0), got, limits=(lower, upper))


def band(spread: Array, centre: Array) -> tuple[Array, Array]:
    """The prediction interval for one more draw, as (lower, upper).

    mean(centre) ± t · s · sqrt(1 + 1/n), with s the standard deviation of the n rows of `spread` and t
    Student's quantile with n - 1 degrees of freedom for `FALSE_ALARM`, shared by the vector's
    components. The rate holds for Gaussian spread; with 20 rows t is about 7. The interval is at least
    ± `ROUNDING` · |mean(centre)|: a number that does not depend on the seed still depends on the CPU.

    Args:
        spread: [n, ...], n >= 2 runs of the reference under different seeds.
        centre: [m, ...], m >= 1 runs of the behaviour that the band is for.
    """
    from scipy.special import stdtrit

    rows = spread.astype(np.float64)
    middle = np.asarray(centre.astype(np.float64).mean(axis=0))
    half = ROUNDING * np.abs(middle)
    count = len(rows)
    if count >= 2:
        components = max(1, int(np.prod(rows.shape[1:])))
        quantile = float(stdtrit(count - 1, 1 - FALSE_ALARM / (2 * components)))
        half = np.maximum(half, quantile * rows.std(axis=0, ddof=1) * math.sqrt(1 + 1 / count))
    return middle - half, middle + half


def _dtype_kind(array: Array) -> str:
    return "i" if array.dtype.kind == "u" else array.dtype.kind


def _type_of(entry: Entry) -> str:
    return entry.opaque or (f"text {entry.text}" if entry.text else f"{entry.dtype} values")
