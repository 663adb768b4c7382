"""A comparison finds every difference beyond the recorded tolerance, and none in what is the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_up import seen
from scipy import stats

from autograder.comparison import (
    FALSE_ALARM,
    ROUNDING,
    Difference,
    band,
    compare,
    is_close,
    ks_distance,
    ks_threshold,
    same_failure,
)
from autograder.observation import Failure, Header, Observation

Array = np.ndarray[Any, Any]

FLOATS = st.floats(-1e6, 1e6, width=32)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4)
FLOAT_ARRAYS = hnp.arrays(st.sampled_from([np.float32, np.float64]), SHAPES, elements=FLOATS)
WILD_ARRAYS = hnp.arrays(
    np.float32, SHAPES, elements=st.one_of(FLOATS, st.sampled_from([math.nan, math.inf, -math.inf]))
)


def aspect(expected: Observation, actual: Observation) -> str:
    """What differs, or "" for nothing; there is at most one difference."""
    differences = compare(expected, actual)
    assert len(differences) <= 1
    return differences[0].aspect if differences else ""


# --- close values ---------------------------------------------------------------------------------------------------


@given(st.one_of(WILD_ARRAYS, FLOAT_ARRAYS, hnp.arrays(st.sampled_from([np.int64, np.uint8, np.bool_]), SHAPES)))
def test_nothing_differs_from_itself(array: Array) -> None:
    assert compare(seen(array), seen(array.copy())) == ()
    assert compare(seen(array, kind="exact"), seen(array.copy(), kind="exact")) == ()


@given(FLOAT_ARRAYS, st.floats(1e-6, 1e-2), st.floats(1e-6, 1e-2), st.floats(1.01, 100), st.booleans(), st.data())
def test_any_change_beyond_the_tolerance_is_seen(
    array: Array, rtol: float, atol: float, excess: float, up: bool, data: st.DataObject
) -> None:
    wanted = array.astype(np.float64)
    spot = tuple(data.draw(st.integers(0, side - 1)) for side in wanted.shape)
    got = wanted.copy()
    got[spot] += (1 if up else -1) * excess * (atol + rtol * abs(wanted[spot]))
    assert aspect(seen(wanted, rtol=rtol, atol=atol), seen(got)) == "value"


@given(FLOAT_ARRAYS, st.floats(1e-6, 1e-2), st.floats(1e-6, 1e-2), st.floats(-0.99, 0.99))
def test_no_change_within_the_tolerance_is_seen(array: Array, rtol: float, atol: float, share: float) -> None:
    wanted = array.astype(np.float64)
    got = wanted + share * (atol + rtol * np.abs(wanted))
    assert aspect(seen(wanted, rtol=rtol, atol=atol), seen(got)) == ""


@given(FLOAT_ARRAYS)
def test_the_tolerance_of_the_observation_under_test_counts_for_nothing(array: Array) -> None:
    """It comes from a process that the student's code ran in."""
    got = array + 1
    assume((got != array).all())
    wanted = seen(array, rtol=0.0, atol=1e-9)
    assert aspect(wanted, seen(got, rtol=1e30, atol=1e30)) == "value"
    assert aspect(wanted, seen(got, kind="picture")) == "value"
    assert aspect(wanted, seen(got, kind="band", side="at_least")) == "value"


@given(WILD_ARRAYS, st.data())
def test_nan_matches_nan_alone_and_infinity_itself_alone(array: Array, data: st.DataObject) -> None:
    spot = tuple(data.draw(st.integers(0, side - 1)) for side in array.shape)
    wanted, got = array.copy(), array.copy()
    values = st.sampled_from([math.nan, math.inf, -math.inf, 0.0])
    wanted[spot], got[spot] = data.draw(values), data.draw(values)
    same = wanted[spot] == got[spot] or (np.isnan(wanted[spot]) and np.isnan(got[spot]))
    newly = math.isfinite(wanted[spot]) and not math.isfinite(got[spot])
    with np.errstate(all="raise"):
        found = aspect(seen(wanted, rtol=1e6, atol=1e6), seen(got))
    assert found == ("" if same else "not finite" if newly else "value")


@pytest.mark.parametrize(
    ("wanted", "got", "found"),
    [
        (np.zeros(3, np.float32), np.zeros(3, np.float64), ""),
        (np.zeros(3, np.float32), np.zeros(3, np.float16), ""),
        (np.zeros(3, np.float32), np.zeros(3, np.int64), "dtype"),
        (np.zeros(3, np.int64), np.zeros(3, np.float32), "dtype"),
        (np.zeros(3, np.int64), np.zeros(3, np.uint8), ""),
        (np.zeros(3, np.bool_), np.zeros(3, np.uint8), "dtype"),
        (np.zeros(3, np.bool_), np.zeros(3, np.float32), "dtype"),
        (np.zeros(3), np.zeros((3, 1)), "shape"),
        (np.zeros(3), np.zeros((1, 3)), "shape"),
        (np.zeros(3), np.zeros(4), "shape"),
        (np.zeros(()), np.zeros(1), "shape"),
        (np.zeros(1), np.zeros(()), "shape"),
        (np.zeros((0, 3)), np.zeros((0, 3)), ""),
        (np.zeros((0, 3)), np.zeros((0, 2**40)), "shape"),
    ],
)
def test_shape_and_kind_of_dtype_must_agree(wanted: Array, got: Array, found: str) -> None:
    assert aspect(seen(wanted), seen(got)) == found


def test_integers_are_compared_within_the_tolerance_too() -> None:
    wanted = np.array([1_000_000, 5])
    assert aspect(seen(wanted, rtol=1e-4), seen(wanted + np.array([99, 0]))) == ""
    assert aspect(seen(wanted, rtol=1e-4), seen(wanted + np.array([0, 1]))) == "value"
    assert aspect(seen(wanted, kind="exact"), seen(wanted + np.array([1, 0]), kind="exact")) == "value"


@given(FLOAT_ARRAYS)
def test_closeness_is_numpys(array: Array) -> None:
    assert is_close(array, array * (1 + 5e-6), 1e-5, 1e-12)
    assert is_close(array, array + 1.0, 0.0, 0.5) == bool(np.allclose(array + 1.0, array, 0.0, 0.5))


# --- exact values and other types -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "got", "found"),
    [
        ("[1]", "[1]", ""),
        ("[1]", "[1.0]", "exact"),
        ("[1]", "[true]", "exact"),
        ("[1]", "NoneType", "exact"),
        ("[1]", np.array([1]), "exact"),
        ("NoneType", "NoneType", ""),
        ("NoneType", "null", "type"),
        ("NoneType", np.zeros(1), "type"),
    ],
)
def test_exact_values_must_be_equal(wanted: object, got: object, found: str) -> None:
    assert aspect(seen(wanted, kind="exact"), seen(got, kind="exact")) == found


def test_an_array_is_no_text() -> None:
    (difference,) = compare(seen(np.zeros(2)), seen("[0, 0]"))
    assert difference.aspect == "type"
    assert difference.detail == "text [0, 0]"
    (difference,) = compare(seen("[0]", kind="exact"), seen(np.zeros(2, np.float32)))
    assert difference.detail == "float32 values"


def both(first: Observation, second: Observation) -> Observation:
    entries = (*first.entries, msgspec.structs.replace(second.entries[0], array="1", name="y"))
    return Observation(Header(entries=entries), {"0": first.arrays["0"], "1": second.arrays["0"]})


def test_every_entry_is_compared_in_the_recorded_order() -> None:
    wanted = both(seen(np.zeros(2)), seen(np.zeros(3)))
    got = both(seen(np.ones(2)), seen(np.ones(3)))
    assert [difference.entry.name for difference in compare(wanted, got) if difference.entry] == ["x", "y"]
    reordered = Observation(Header(entries=tuple(reversed(got.entries))), got.arrays)
    assert [difference.entry.name for difference in compare(wanted, reordered) if difference.entry] == ["x", "y"]


def test_what_was_not_observed_is_missing_and_what_is_more_is_ignored() -> None:
    wanted, less = both(seen(np.zeros(2)), seen(np.zeros(2))), seen(np.zeros(2))
    assert [difference.aspect for difference in compare(wanted, less)] == ["missing"]
    assert compare(less, wanted) == ()


@pytest.mark.parametrize("kind", ["picture", "leaderboard"])
def test_pictures_and_leaderboards_are_never_compared(kind: str) -> None:
    assert compare(seen(np.zeros((2, 2), np.uint8), kind=kind), seen()) == ()
    assert compare(seen(np.zeros((2, 2), np.uint8), kind=kind), seen(np.ones(3), kind=kind)) == ()


# --- failures -------------------------------------------------------------------------------------------------------


def raised(type: str = "ValueError", message: str = "no", kind: Any = "raised") -> Failure:
    return Failure(kind=kind, type=type, message=message)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (None, None, True),
        (None, raised(), False),
        (raised(), None, False),
        (raised(), raised(), True),
        (raised(), raised(type="TypeError"), False),
        (raised(), raised(kind="loading"), False),
        (raised(), raised(message="yes"), False),
        (raised(message="shape '[2, 3]' at 0x7f1a, 4.5"), raised(message="shape '[8]' at 0x33, 17"), True),
    ],
)
def test_failures_are_alike_but_for_numbers_and_names(
    first: Failure | None, second: Failure | None, same: bool
) -> None:
    assert same_failure(first, second) is same
    assert [d.aspect for d in compare(seen(failure=first), seen(failure=second))] == ([] if same else ["failure"])


def test_an_entry_that_a_failure_cut_off_is_not_reported_as_well() -> None:
    wanted = seen(np.zeros(2))
    assert [difference.aspect for difference in compare(wanted, seen(failure=raised()))] == ["failure"]


def test_a_misconception_that_fails_must_have_shown_the_same_before() -> None:
    wanted = seen(np.zeros(2), failure=raised())
    assert compare(wanted, seen(np.zeros(2), failure=raised())) == ()
    assert [d.aspect for d in compare(wanted, seen(np.ones(2), failure=raised()))] == ["value"]
    assert [d.aspect for d in compare(wanted, seen(failure=raised()))] == ["missing"]
    assert [d.aspect for d in compare(wanted, seen(np.zeros(2)))] == ["failure"]


# --- samples: the two-sample Kolmogorov-Smirnov test ----------------------------------------------------------------


@given(
    hnp.arrays(np.float64, st.integers(1, 30), elements=st.integers(-3, 3) | FLOATS),
    hnp.arrays(np.float64, st.integers(1, 30), elements=st.integers(-3, 3) | FLOATS),
)
def test_the_distance_is_scipys(first: Array, second: Array) -> None:
    with np.errstate(all="ignore"):  # scipy's p-value divides by zero for tiny samples
        expected = stats.ks_2samp(first, second, method="asymp").statistic
    assert ks_distance(first, second) == pytest.approx(expected)
    assert ks_distance(first, second) == ks_distance(second, first)


def test_the_distance_of_the_same_is_0_and_of_the_disjoint_1() -> None:
    assert ks_distance(np.arange(5.0), np.arange(5.0)[::-1]) == 0
    assert ks_distance(np.arange(5.0), np.arange(5.0) + 10) == 1


@pytest.mark.parametrize("false_alarm", [1e-6, 1e-3, 0.05])
def test_the_threshold_is_the_bound_solved_for_the_distance(false_alarm: float) -> None:
    n, m = 4000, 3000
    threshold = ks_threshold(n, m, false_alarm)
    assert 2 * math.exp(-2 * threshold**2 * n * m / (n + m)) == pytest.approx(false_alarm)
    # Kolmogorov's asymptotic tail is never above the bound
    assert stats.kstwobign.sf(threshold * math.sqrt(n * m / (n + m))) <= false_alarm


@pytest.mark.parametrize("draw", ["normal", "bernoulli"])
def test_the_false_alarm_rate_is_at_most_the_stated_one(draw: str) -> None:
    """2,000 pairs of samples at a rate of 2 %: more than 70 alarms have a chance below 1e-5 if the bound holds."""
    rng = np.random.default_rng(0)
    n, rate, pairs = 500, 0.02, 2000
    threshold = ks_threshold(n, n, rate)
    shape = (pairs, 2, n)
    samples = rng.normal(size=shape) if draw == "normal" else (rng.random(shape) < 0.3).astype(float)
    alarms = sum(ks_distance(first, second) > threshold for first, second in samples)
    most = 70
    assert stats.binom.sf(most, pairs, rate) < 1e-5
    assert alarms <= most
    assert draw == "bernoulli" or alarms > 5  # the bound is not idle for continuous draws


def draws(seed: int, n: int = 4000, coordinates: int = 1, scale: float = 1.0) -> Array:
    return scale * np.random.default_rng(seed).normal(size=(n, coordinates)).squeeze()


@pytest.mark.parametrize("coordinates", [1, 16])
def test_draws_of_one_distribution_show_no_difference(coordinates: int) -> None:
    for seed in range(1, 21):
        wanted, got = draws(0, coordinates=coordinates), draws(seed, coordinates=coordinates)
        assert aspect(seen(wanted, kind="samples"), seen(got)) == ""


@pytest.mark.parametrize(
    "got",
    [draws(1, scale=2), draws(1) + 0.3, np.abs(draws(1)), np.zeros(4000), draws(1) > 0],
    ids=["scaled", "shifted", "folded", "constant", "signs"],
)
def test_draws_of_another_distribution_are_seen(got: Array) -> None:
    assert aspect(seen(draws(0), kind="samples"), seen(got)) == "distribution"


def test_one_wrong_coordinate_of_sixteen_is_seen() -> None:
    got = draws(1, coordinates=16)
    got[:, 7] *= 1.4
    assert aspect(seen(draws(0, coordinates=16), kind="samples"), seen(got)) == "distribution"


@pytest.mark.parametrize(
    ("got", "found"),
    [
        (draws(1, n=2000), ""),
        (draws(1, n=9000), ""),
        (draws(1, n=1999), "shape"),
        (draws(1)[:, None], "shape"),
        (np.array(0.0), "shape"),
        (np.zeros(0), "shape"),
        (np.where(np.arange(4000) == 7, np.nan, draws(1)), "not finite"),
        (np.where(np.arange(4000) == 7, np.inf, draws(1)), "not finite"),
        (np.full(4000, np.nan), "not finite"),
    ],
)
def test_the_form_of_draws(got: Array, found: str) -> None:
    assert aspect(seen(draws(0), kind="samples"), seen(got)) == found


def test_draws_that_are_no_numbers_match_their_like_alone() -> None:
    """So that a misconception whose samples are NaN is found by its name."""
    nothing = seen(np.full(4000, np.nan), kind="samples")
    assert aspect(nothing, seen(np.full(4000, np.nan))) == ""
    assert aspect(nothing, seen(draws(0))) == "distribution"
    assert aspect(nothing, seen(np.where(np.arange(4000) < 2000, np.nan, draws(1)))) == "not finite"


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3), elements=FLOATS))
def test_any_array_can_stand_for_draws(array: Array) -> None:
    compare(seen(draws(0), kind="samples"), seen(array))
    differences = compare(seen(array, kind="samples"), seen(array))
    assert bool(differences) == (array.ndim == 0 or array.size == 0)  # which recording refuses


# --- bands ----------------------------------------------------------------------------------------------------------


def test_the_band_is_students_prediction_interval() -> None:
    rows = np.random.default_rng(0).normal(3, 2, size=20)
    lower, upper = band(rows, rows)
    scale = rows.std(ddof=1) * math.sqrt(1 + 1 / 20)
    expected = stats.t.interval(1 - FALSE_ALARM, df=19, loc=rows.mean(), scale=scale)
    assert (lower, upper) == pytest.approx(expected)
    assert (upper - rows.mean()) / rows.std(ddof=1) == pytest.approx(7.2, abs=0.3)  # "t is about 7"


def test_the_band_of_a_vector_shares_the_rate() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 4))
    lower, upper = band(rows, rows)
    for index in range(4):
        scale = rows[:, index].std(ddof=1) * math.sqrt(1 + 1 / 20)
        expected = stats.t.interval(1 - FALSE_ALARM / 4, df=19, loc=rows[:, index].mean(), scale=scale)
        assert (lower[index], upper[index]) == pytest.approx(expected)


def test_the_false_alarm_rate_of_a_band_by_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 bands at a rate of 1 %: the count of alarms is within 5 standard deviations of 200."""
    monkeypatch.setattr("autograder.comparison.FALSE_ALARM", 0.01)
    rng = np.random.default_rng(0)
    trials = 20_000
    rows, fresh = rng.normal(size=(trials, 20)), rng.normal(size=trials)
    quantile = stats.t.isf(0.005, 19)
    half = quantile * rows.std(axis=1, ddof=1) * math.sqrt(1 + 1 / 20)
    alarms = int((np.abs(fresh - rows.mean(axis=1)) > half).sum())
    assert abs(alarms - 200) < 5 * math.sqrt(trials * 0.01 * 0.99)
    for index in range(0, trials, 200):  # and `band` is that interval
        lower, upper = band(rows[index], rows[index])
        assert upper - lower == pytest.approx(2 * half[index])


def banded(values: Array, got: Array | float, side: str = "both") -> str:
    return aspect(seen(values, kind="band", side=side), seen(np.asarray(got)))


SPREAD = np.linspace(9, 11, 20)  # mean 10, standard deviation 0.62; the band reaches to about 10 ± 4.5


@pytest.mark.parametrize(
    ("got", "side", "found"),
    [
        (10.0, "both", ""),
        (14.0, "both", ""),
        (15.0, "both", "band"),
        (5.0, "both", "band"),
        (15.0, "at_least", ""),
        (5.0, "at_least", "band"),
        (15.0, "at_most", "band"),
        (5.0, "at_most", ""),
        (math.nan, "both", "not finite"),
        (math.inf, "at_least", "not finite"),
        (-math.inf, "at_most", "not finite"),
    ],
)
def test_a_number_must_lie_in_the_band_on_the_side_that_counts(got: float, side: str, found: str) -> None:
    assert banded(SPREAD, got, side) == found


def test_the_side_is_the_recorded_one() -> None:
    forged = seen(np.asarray(15.0), kind="band", side="at_least")
    assert aspect(seen(SPREAD, kind="band", side="both"), forged) == "band"


def test_the_shape_is_that_of_one_run() -> None:
    assert banded(SPREAD, np.array([10.0])) == "shape"
    assert banded(np.stack([SPREAD, SPREAD], axis=1), np.array([10.0, 10.0])) == ""
    assert banded(np.stack([SPREAD, SPREAD], axis=1), np.array([10.0, 15.0])) == "band"
    assert banded(np.stack([SPREAD, SPREAD], axis=1), 10.0) == "shape"


@given(st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-3), st.floats(-0.9, 0.9))
def test_a_number_that_no_seed_changes_still_has_room_for_rounding(value: float, share: float) -> None:
    rows = np.full(20, value)
    assert banded(rows, value) == ""
    assert banded(rows, value * (1 + share * ROUNDING)) == ""
    assert banded(rows, value * (1 + 3 * ROUNDING)) == "band"


def test_a_misconceptions_band_is_as_wide_as_the_references() -> None:
    """It was run once; how much it varies is taken from the reference."""
    reference = seen(SPREAD, kind="band")
    wrong = seen(np.array([50.0]), kind="band")

    def found(got: float) -> Mapping[str, bool]:
        differences: tuple[Difference, ...] = compare(wrong, seen(np.asarray(got)), reference)
        return {difference.aspect: True for difference in differences}

    assert found(53.0) == {}
    assert found(56.0) == {"band": True}
    assert compare(wrong, seen(np.asarray(53.0)))  # the negative control: alone it has rounding's width


def test_a_misconception_of_another_shape_or_without_numbers_matches_itself() -> None:
    reference = seen(np.stack([SPREAD] * 4, axis=1), kind="band")
    for wrong in (np.array([1.0, 2.0, 3.0]), np.asarray(7.0), np.array([math.nan, 1.0, 2.0, 3.0])):
        recorded = seen(wrong[None], kind="band")
        assert compare(recorded, seen(wrong), reference) == ()
        assert compare(recorded, seen(np.full(4, 10.0)), reference) != ()


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=1, max_dims=3, max_side=3), elements=FLOATS), WILD_ARRAYS)
def test_any_array_can_stand_in_a_band(rows: Array, got: Array) -> None:
    compare(seen(rows, kind="band"), seen(got))
    assert compare(seen(rows[:1], kind="band"), seen(rows[0])) == ()


@settings(max_examples=50)
@given(hnp.arrays(np.float64, st.tuples(st.integers(2, 8), st.integers(1, 3)), elements=st.floats(-1e3, 1e3)))
def test_the_reference_lies_in_its_own_band(rows: Array) -> None:
    lower, upper = band(rows, rows)
    assert (lower <= rows.mean(axis=0)).all()
    assert (rows.mean(axis=0) <= upper).all()
    assert compare(seen(rows, kind="band"), seen(rows.mean(axis=0))) == ()
