"""The verdict: reference and readings first, then misconceptions, then bare differences; and whose fault it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_up import a_grader, an_outcome, failed, seen, together

from autograder.judging import Judgement, judge, judge_observation
from autograder.manifest import GraderExpectations
from autograder.observation import Header, Observation
from autograder.variants import Variant

GRADER = a_grader("4.d.1")
TWIN = a_grader("4.d.1.hidden", hidden=True)
REFERENCE = Variant("reference", "reference")
READING = Variant("averaged", "reading", ("4.d",), says="The handout allows it.")
ELSEWHERE = Variant("averaged elsewhere", "reading", ("4.e",))
SIGN = Variant("sign wrong", "misconception", ("4.d.1",), says="Mind the sign.", credit=0.25)
RAISES = Variant("raises", "misconception", ("4.d.1",), says="It cannot work.")
VARIANTS = (REFERENCE, READING, ELSEWHERE, SIGN, RAISES)

RIGHT = np.array([1.0, 2.0, 3.0])
OTHER = np.array([5.0, 9.0, 1.0])
EXPECTED = GraderExpectations(
    {
        "reference": seen(RIGHT),
        "averaged": seen(RIGHT / 2),
        "averaged elsewhere": seen(RIGHT / 7),
        "sign wrong": seen(-RIGHT),
        "raises": seen(failure=failed("TypeError", "float(): 3")),
    }
)


def judged(observation: Observation, grader: Any = GRADER, expected: GraderExpectations = EXPECTED) -> Judgement:
    return judge(grader, VARIANTS, expected, an_outcome(observation=observation))


def test_the_reference_passes() -> None:
    judgement = judged(seen(RIGHT))
    assert judgement.feedback.verdict == "passed"
    assert (judgement.credit, judgement.shows) == (1.0, ("reference",))
    assert judgement.feedback.staff == ()


@pytest.mark.parametrize("grader", [GRADER, TWIN])
def test_a_reading_passes_with_full_credit_and_staff_are_told(grader: Any) -> None:
    judgement = judged(seen(RIGHT / 2), grader)
    assert judgement.feedback.verdict == "passed"
    assert (judgement.credit, judgement.shows) == (1.0, ("averaged",))
    assert judgement.feedback.staff == ("reading: averaged. The handout allows it.",)


def test_a_reading_counts_only_on_the_graders_that_it_names() -> None:
    judgement = judged(seen(RIGHT / 7))
    assert judgement.feedback.verdict == "failed"
    assert (judgement.credit, judgement.shows) == (0.0, ())


@pytest.mark.parametrize("grader", [GRADER, TWIN])
def test_a_misconception_is_named_and_earns_its_credit(grader: Any) -> None:
    judgement = judged(seen(-RIGHT), grader)
    assert judgement.feedback.verdict == "failed"
    assert judgement.feedback.headline == "Sign wrong."
    assert judgement.feedback.help == "Mind the sign."
    assert judgement.feedback.staff == ("misconception: sign wrong",)
    assert (judgement.credit, judgement.shows) == (0.25, ("sign wrong",))
    assert bool(judgement.feedback.actual) == (grader is GRADER)


def test_a_misconception_that_raises_is_named_too() -> None:
    judgement = judged(seen(failure=failed("TypeError", "float(): 4", line=99)))
    assert judgement.shows == ("raises",)
    assert judgement.feedback.help == "It cannot work."
    assert judgement.feedback.where.startswith("hw3_gan.py, line 99")


def test_another_exception_is_told_as_it_is() -> None:
    judgement = judged(seen(failure=failed("ValueError")))
    assert judgement.shows == ()
    assert judgement.feedback.headline == "`forward` raised ValueError."


def test_anything_else_is_a_bare_difference_from_the_accepted_behaviour_that_is_closest() -> None:
    judgement = judged(seen(OTHER))
    assert (judgement.credit, judgement.shows) == (0.0, ())
    assert judgement.feedback.headline == "`x` has other values."
    expected = GraderExpectations(
        {
            "reference": together(a=seen(np.float64(1)), b=seen(np.float64(2))),
            "averaged": together(a=seen(np.float64(10)), b=seen(np.float64(20))),
        }
    )
    near_the_reading = together(a=seen(np.float64(10)), b=seen(np.float64(99)))
    judgement = judged(near_the_reading, expected=expected)
    assert judgement.feedback.expected == "20"
    assert judgement.feedback.notes == ()


# --- two mistakes at once -------------------------------------------------------------------------------------------

TWO = GraderExpectations(
    {
        "reference": together(a=seen(np.float64(1)), b=seen(np.float64(2))),
        "sign wrong": together(a=seen(np.float64(-1)), b=seen(np.float64(2))),
        "raises": together(a=seen(np.float64(1)), b=seen(np.float64(7))),
    }
)


def test_two_misconceptions_that_explain_every_difference_are_both_named() -> None:
    judgement = judged(together(a=seen(np.float64(-1)), b=seen(np.float64(7))), expected=TWO)
    assert judgement.shows == ("sign wrong", "raises")
    assert judgement.feedback.headline == "Sign wrong. And: Raises."
    assert judgement.feedback.help == "Mind the sign. It cannot work."
    assert judgement.credit == 0.0


def test_one_of_them_may_explain_several_differences() -> None:
    three = GraderExpectations(
        {
            "reference": together(a=seen(np.float64(1)), b=seen(np.float64(2)), c=seen(np.float64(3))),
            "sign wrong": together(a=seen(np.float64(-1)), b=seen(np.float64(-2)), c=seen(np.float64(3))),
            "raises": together(a=seen(np.float64(1)), b=seen(np.float64(2)), c=seen(np.float64(7))),
        }
    )
    judgement = judged(together(a=seen(np.float64(-1)), b=seen(np.float64(-2)), c=seen(np.float64(7))), expected=three)
    assert judgement.shows == ("sign wrong", "raises")


def test_one_misconception_does_not_excuse_an_unknown_mistake() -> None:
    judgement = judged(together(a=seen(np.float64(-1)), b=seen(np.float64(55))), expected=TWO)
    assert judgement.shows == ()


def test_what_a_misconception_leaves_as_it_is_explains_nothing() -> None:
    """`b` is as in "sign wrong", but as in the reference too."""
    judgement = judged(together(a=seen(np.float64(55)), b=seen(np.float64(2))), expected=TWO)
    assert judgement.shows == ()


def test_parts_do_not_explain_an_exception() -> None:
    observation = together(a=seen(np.float64(-1)), b=seen(np.float64(7)))
    stopped = Observation(Header(entries=observation.entries, failure=failed()), observation.arrays)
    assert judged(stopped, expected=TWO).shows == ()


def test_of_two_misconceptions_that_look_alike_none_is_named() -> None:
    """A wrong name is worse than none; staff read both."""
    same = GraderExpectations({"reference": seen(RIGHT), "sign wrong": seen(-RIGHT), "raises": seen(-RIGHT)})
    judgement = judged(seen(-RIGHT), expected=same)
    assert judgement.shows == ()
    assert judgement.feedback.help == "Yours is the expected value with the opposite sign."
    assert judgement.feedback.staff[-1].endswith("something alike: sign wrong; raises")


# --- whose fault ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["time", "cpu", "signal", "exit", "no reply", "bad reply", "too much"])
def test_a_child_that_did_not_reply_is_the_students_fault(ending: str) -> None:
    judgement = judge(GRADER, VARIANTS, EXPECTED, an_outcome(ending, "SIGSEGV", output="a line"))
    assert judgement.feedback.verdict == "failed"
    assert judgement.credit == 0.0
    assert judgement.feedback.notes == ("The last line it printed: a line",)


def test_what_a_hidden_grader_printed_is_not_shown() -> None:
    judgement = judge(TWIN, VARIANTS, EXPECTED, an_outcome("time", "1 s", output="x = 0.123"))
    assert judgement.feedback.notes == ()


def test_a_child_that_failed_before_the_job_is_the_graders_fault() -> None:
    judgement = judge(GRADER, VARIANTS, EXPECTED, an_outcome("harness", "exit status 70", output="1\n2\n3\n4\n5\n6"))
    assert judgement.feedback.verdict == "faulty"
    assert judgement.credit == 0.0
    assert judgement.feedback.staff == ("The grader itself failed: exit status 70", "2", "3", "4", "5", "6")


def test_output_that_was_cut_is_told_where_it_may_matter() -> None:
    cut = replace(an_outcome("time", "1 s", output="a line"), output_was_cut=True)
    assert "more than the 64 KB" in judge(GRADER, VARIANTS, EXPECTED, cut).feedback.notes[-1]
    passed = replace(an_outcome(observation=seen(RIGHT)), output_was_cut=True)
    assert judge(GRADER, VARIANTS, EXPECTED, passed).feedback.notes == ()


def test_notes_of_the_child_go_to_staff() -> None:
    right = seen(RIGHT)
    observation = Observation(Header(entries=right.entries, notes=("ran on the CPU",)), right.arrays)
    assert judged(observation).feedback.staff == ("ran on the CPU",)


def test_nothing_observed_is_no_pass() -> None:
    judgement = judged(seen())
    assert judgement.feedback.verdict == "failed"
    assert judgement.feedback.headline == "The grader did not get to see `x`."


def test_an_observation_that_forges_tolerances_kinds_or_more_entries_does_not_pass() -> None:
    for forged in (
        seen(OTHER, rtol=1e30, atol=1e30),
        seen(OTHER, kind="picture"),
        seen(OTHER, kind="leaderboard"),
        seen("passed", kind="exact"),
        together(y=seen(RIGHT), reference=seen(RIGHT)),
    ):
        assert judge_observation(GRADER, VARIANTS, EXPECTED, forged).feedback.verdict == "failed"


def test_a_named_misconception_keeps_the_point_at_which_it_shows() -> None:
    points = ("mu = 0", "mu = 1", "mu = 2")
    other = seen(np.array([0.0]), name="y")
    expected = GraderExpectations(
        {
            "reference": together(x=seen(RIGHT, points=points), y=other),
            "sign wrong": together(x=seen(-RIGHT, points=points), y=seen(np.array([1.0]), name="y")),
        }
    )
    judgement = judged(expected.observations["sign wrong"], expected=expected)
    assert judgement.feedback.headline == "Sign wrong."
    assert (judgement.feedback.expected, judgement.feedback.actual) == ("1", "-1")
    assert judgement.feedback.notes == ("`x` is wrong at mu = 0, and at 2 of 2 other points.",)
    assert judged(expected.observations["sign wrong"], TWIN, expected).feedback.notes == ()


@pytest.mark.parametrize(
    ("name", "headline"),
    [("sign wrong", "Sign wrong."), ("σ not squared", "σ not squared."), ("p_data alone", "p_data alone.")],
)
def test_a_name_gets_a_capital_unless_it_begins_with_a_symbol(name: str, headline: str) -> None:
    variants = (REFERENCE, Variant(name, "misconception", ("4.d.1",), says="Mind it."))
    expected = GraderExpectations({"reference": seen(RIGHT), name: seen(-RIGHT)})
    judgement = judge(GRADER, variants, expected, an_outcome(observation=seen(-RIGHT)))
    assert judgement.feedback.headline == headline
