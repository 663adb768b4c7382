"""Which graders share a child, and in which order what could not be shared is run again."""

from __future__ import annotations

from typing import Any

import pytest
from made_up import a_grader

from autograder.limits import GraderLimits
from autograder.manifest import Grader
from autograder.sharing import MOST, MOST_SECONDS, PATIENCE, Turns, groups

AMPLE = 10_000.0


def some(count: int, **fields: Any) -> list[Grader]:
    return [a_grader(str(number), **fields) for number in range(1, count + 1)]


def numbers(group: Any) -> list[str]:
    return [grader.number for grader in group]


def test_quick_graders_share_and_stay_in_order() -> None:
    graders = some(MOST + 3)
    assert [numbers(group) for group in groups(graders)] == [numbers(graders)[:MOST], numbers(graders)[MOST:]]


@pytest.mark.parametrize(
    "other", [{"hidden": True}, {"visibility": "hidden"}, {"limits": GraderLimits(seconds=7.0, memory_mb=512)}]
)
def test_graders_of_another_kind_do_not(other: dict[str, Any]) -> None:
    """Hidden ones above all: what a visible grader's code prints is shown."""
    one, two, three = a_grader("1"), a_grader("2", **other), a_grader("3")
    assert [numbers(group) for group in groups([one, two, three])] == [["1", "3"], ["2"]]


def test_slow_graders_have_a_child_of_their_own() -> None:
    slow = some(3, reference_seconds=0.6 * MOST_SECONDS)
    assert [len(group) for group in groups(slow)] == [1, 1, 1]
    assert [len(group) for group in groups(some(4, reference_seconds=0.5 * MOST_SECONDS))] == [2, 2]


def test_a_group_can_use_no_more_than_is_left() -> None:
    """Each may use 5 s of CPU time."""
    turns = Turns(some(6))
    assert numbers(turns.take(10.0)) == ["1", "2"]
    assert numbers(turns.take(14.9)) == ["3", "4"]
    assert numbers(turns.take(0.0)) == ["5"], "it is not for this class to say that nothing is left"
    assert numbers(turns.take(AMPLE)) == ["6"]
    assert numbers(turns.take(AMPLE)) == []


def test_what_did_not_count_is_run_alone_and_the_earliest_grader_comes_next() -> None:
    hidden = a_grader("4.hidden", hidden=True)
    one, two, three, four, five, six = some(6)
    turns = Turns([one, two, three, four, hidden, five, six])
    group = turns.take(AMPLE)
    turns.put_back(group, ["passed", None, "passed"])
    assert numbers(turns.take(AMPLE)) == ["2"]
    assert numbers(turns.take(AMPLE)) == ["4", "5", "6"]
    assert numbers(turns.take(AMPLE)) == ["4.hidden"]
    assert numbers(turns.take(AMPLE)) == []


def test_graders_that_cannot_share_stay_in_their_order() -> None:
    """A run that ends early has come to those that the handout asks for first."""
    graders = [a_grader("1"), a_grader("1.hidden", hidden=True), a_grader("2"), a_grader("2.hidden", hidden=True)]
    turns = Turns(graders)
    assert [numbers(turns.take(0.0)) for _ in graders] == [[grader.number] for grader in graders]


def test_a_submission_that_always_ends_its_child_gets_one_for_each_grader() -> None:
    turns = Turns(some(MOST))
    sizes = []
    while group := turns.take(AMPLE):
        sizes.append(len(group))
        turns.put_back(group, ["failed"])
    assert sizes == [MOST - done for done in range(PATIENCE)] + [1] * (MOST - PATIENCE)


def test_one_good_child_restores_the_trust() -> None:
    turns = Turns(some(MOST))
    for _ in range(PATIENCE - 1):
        turns.put_back(turns.take(AMPLE), ["failed"])
    group = turns.take(AMPLE)
    turns.put_back(group, ["passed", "passed"])
    turns.put_back(turns.take(AMPLE), ["failed"])
    assert len(turns.take(AMPLE)) > 1
