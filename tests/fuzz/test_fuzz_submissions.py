"""Whatever is handed in: a valid results.json, graders passed or failed, no more points than by hand, and an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from bounded import ends_within
from handed import Handed
from hypothesis import given, settings
from hypothesis import strategies as st
from mutated_packages import NAME, zip_of
from mutated_submissions import KINDS
from submission_seeds import RIGHT, SCRIPTS, notebook_bytes, notebook_of
from submission_trial import SubmissionTrial

from autograder.judging import Judgement, judge
from autograder.notebooks import without_magics
from autograder.sandbox.runner import Sandbox

SECONDS = 100  # for what takes some tenths of a second, and four limits of one second each at most

from_seed = st.randoms(use_true_random=False)


@pytest.fixture(scope="session")
def submission_trial(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Iterator[SubmissionTrial]:
    """The tiny homework."""
    trial = SubmissionTrial(tmp_path_factory.mktemp("submissions"), sandbox)
    yield trial
    trial.close()


# --- the properties -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_submission_gets_a_result_and_what_it_deserves(submission_trial: SubmissionTrial, kind: str) -> None:
    @settings(settings.get_profile("fuzz"), max_examples=10)
    @given(from_seed)
    def whatever_is_handed_in(rng: Random) -> None:
        handed = KINDS[kind](rng)
        with ends_within(SECONDS):
            assert submission_trial.complaints(handed) == []

    whatever_is_handed_in()


SHAPES: dict[str, Callable[[str], dict[str, bytes]]] = {
    "script": lambda text: {NAME: text.encode()},
    "notebook": lambda text: {"tiny_energy.ipynb": notebook_bytes(notebook_of(text))},
    "old notebook": lambda text: {"tiny_energy.ipynb": notebook_bytes(notebook_of(text, 3))},
    "zip": lambda text: {"tiny_energy.zip": zip_of({"hand-in/tiny-energy.py": text.encode()})},
}


@pytest.mark.parametrize(("name", "shape"), [*((name, "script") for name in SCRIPTS), *(("messy", x) for x in SHAPES)])
def test_what_is_not_mutated_earns_the_same_by_hand(submission_trial: SubmissionTrial, name: str, shape: str) -> None:
    """By hand there is neither more nor less: the bound is no looser than it has to be."""
    files = SHAPES[shape](SCRIPTS[name])
    assert submission_trial.complaints(Handed(files)) == []
    by_hand = submission_trial.by_hand.points(files.items())
    assert submission_trial.scores() == {number: by_hand.get(number, 0.0) for number in submission_trial.scores()}


def test_a_judge_that_is_too_generous_is_found_out(
    submission_trial: SubmissionTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: half of the points too much are seen."""

    def generous(*arguments: Any) -> Judgement:
        judgement = judge(*arguments)
        return Judgement(judgement.feedback, max(0.5, judgement.credit), judgement.shows)

    monkeypatch.setattr("autograder.grading.judge", generous)
    for name in ("over the batch", "variance for deviation", "template"):
        wrong = submission_trial.complaints(Handed({NAME: SCRIPTS[name].encode()}))
        assert any("by hand" in text for text in wrong), name
    assert submission_trial.complaints(Handed({NAME: RIGHT.encode()})) == []


# --- found by fuzzing, and by looking ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "/", "//", "."])
def test_a_zip_with_an_entry_that_has_no_name_is_graded(submission_trial: SubmissionTrial, name: str) -> None:
    """Its place was looked at (`filename[-1]`) before its name: an IndexError, and no grader was reached."""
    handed = Handed({"tiny_energy.zip": zip_of({NAME: RIGHT.encode(), name: b"x"})})
    assert submission_trial.complaints(handed) == []
    assert sum(submission_trial.scores().values()) == 10


LONG_LINES = {
    "blanks": " " * 300_000 + "x",
    "a gap": "a" + " " * 300_000 + "b",
    "names": "a, " * 100_000 + "b",
    "tabs": "\t" * 300_000 + "x ! y",
    "no name": " " * 300_000 + "= !ls",
}


@pytest.mark.parametrize("line", LONG_LINES.values(), ids=list(LONG_LINES))
def test_a_long_line_is_searched_for_magics_in_linear_time(line: str) -> None:
    """A line of 1600 blanks took 3 s, one of 3200 took 24 s: with a file of 2 MB, grading had no end."""
    with ends_within(20):
        without_magics(f"%matplotlib inline\n{line}\n")
