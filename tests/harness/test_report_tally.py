"""The arithmetic of the report: bins, quantiles, and what counts as complete."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.report.tally import MOST_BINS, bins, quantile


@given(
    st.floats(0.5, 10_000)
    .map(lambda points: round(points, 2))
    .flatmap(
        lambda points: st.tuples(
            st.just(points), st.lists(st.floats(0, points).map(lambda x: round(x, 2)), max_size=50)
        )
    )
)
def test_bins_cover_all_points_once(drawn: tuple[float, list[float]]) -> None:
    points, totals = drawn
    found = bins([total for total in totals if total <= points], points)
    assert found[0].start == 0
    assert found[-1].end >= points
    assert len(found) <= MOST_BINS
    assert all(before.end == after.start for before, after in itertools.pairwise(found))
    for index, one in enumerate(found):
        is_last = index == len(found) - 1
        inside = [total for total in totals if one.start <= total < one.end or (is_last and total == one.end)]
        assert one.count == len(inside)


@pytest.mark.parametrize(("points", "width"), [(100, 5), (150, 10), (10, 0.5), (20, 1), (7, 0.5), (1000, 50)])
def test_bins_are_round(points: float, width: float) -> None:
    assert bins([], points)[0].end == width


def test_a_score_above_all_points_has_its_bin() -> None:
    assert bins([12.0], 10.0)[-1].count == 1


@given(st.lists(st.floats(0, 10), min_size=1).map(sorted), st.floats(0.01, 1))
def test_quantile_is_reached_by_as_many_as_it_says(ordered: list[float], share: float) -> None:
    value = quantile(ordered, share)
    assert value in ordered
    assert sum(one <= value for one in ordered) >= math.floor(share * len(ordered))
