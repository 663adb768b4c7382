"""Grading submissions to the tiny homework: each grader by itself, and nothing that costs another its points."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from made_up import a_grader, an_outcome, failed, seen, together
from tiny_homework import REFERENCE, TinyHomework

from autograder.budget import Budget
from autograder.feedback import Feedback, GraderResult
from autograder.gradescope import EarlyEnd
from autograder.grading import (
    SECOND_ANSWER,
    Place,
    _leaderboard,
    _result,
    cores,
    grade,
    in_order,
    make_job,
    planned,
    submission_sources,
)
from autograder.judging import Judgement
from autograder.limits import SubmissionLimits
from autograder.manifest import Grader, read_expectations, read_manifest, select, write_expectations
from autograder.observation import Observation
from autograder.sandbox.runner import Ran, Sandbox, SandboxError
from autograder.slicing import Chunk
from autograder.submission import FoundFile, Problem, Submission, find_submission

SOLUTION = REFERENCE.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
Graded = Mapping[str, GraderResult]


@pytest.fixture
def graded(recorded_tiny: TinyHomework, sandbox: Sandbox, tmp_path: Path) -> Callable[..., Graded]:
    """Grades a text of tiny_energy.py; results by number."""
    homework = recorded_tiny.load()

    def run(text: str, **changes: Any) -> Graded:
        folder = tmp_path / "submission"
        folder.mkdir(exist_ok=True)
        (folder / "tiny_energy.py").write_text(text)
        manifest = msgspec.structs.replace(read_manifest(homework.expectations), **changes)
        submission = find_submission(folder, [file.wanted for file in manifest.files])
        results = grade(manifest, Place.of(homework.expectations), submission, sandbox, 2)
        return {result.number: result for result in results}

    return run


def verdicts(results: Graded) -> dict[str, str]:
    return {number: results[number].feedback.verdict for number in sorted(results)}


def scores(results: Graded) -> dict[str, float]:
    return {number: results[number].score for number in sorted(results)}


# --- submissions ----------------------------------------------------------------------------------------------------


def test_a_right_submission(graded: Callable[..., Graded]) -> None:
    results = graded(SOLUTION)
    assert set(verdicts(results).values()) == {"passed"}
    assert scores(results) == {"1.a": 3, "1.a.hidden": 2, "1.b": 3, "1.c": 2}
    energy = results["1.a"]
    assert (energy.title, energy.max_score, energy.tags) == ("energy is half the mean square.", 3, ("energy",))
    assert energy.extra["verdict"] == "passed"
    assert energy.extra["shows"] == ["reference"]
    assert energy.extra["ending"] == "replied"
    assert [picture.title for picture in energy.feedback.pictures] == ["The batch"]
    assert results["1.a.hidden"].feedback.pictures == ()
    assert 1 < results["1.c"].leaderboard["spread_found"] < 3
    assert results["1.a"].leaderboard == {}


def test_another_reading_of_the_handout(graded: Callable[..., Graded]) -> None:
    results = graded(SOLUTION.replace(".mean(dim=1)", ".sum(1)"))
    assert set(verdicts(results).values()) == {"passed"}
    assert results["1.a"].extra["shows"] == ["summed over the features"]


def test_a_misconception_earns_its_credit(graded: Callable[..., Graded]) -> None:
    results = graded(SOLUTION.replace("0.5 * x", "1 * x"))
    assert verdicts(results) == {"1.a": "failed", "1.a.hidden": "failed", "1.b": "passed", "1.c": "passed"}
    assert scores(results) == {"1.a": 1.5, "1.a.hidden": 1.0, "1.b": 3, "1.c": 2}
    assert results["1.a"].feedback.headline == "Factor one half forgotten."
    assert results["1.a"].feedback.help == "The energy has a factor of one half."
    assert results["1.a.hidden"].feedback.expected == ""


@pytest.mark.parametrize(
    ("broken", "headline"),
    [
        ("return None", "`energy` is None."),
        ("return x @ torch.ones(7)", "`energy` raised RuntimeError."),
        ("return torch.full((5,), float('nan'))", "`energy` is not finite: 5 of 5 values are NaN or infinite."),
        ("exit()", "Your code ended the program (exit()) in the middle of this grader."),
        ("import os; os._exit(1)", "Your code ended the Python process itself (exit status 1)."),
        ("import ctypes; ctypes.string_at(0)", "Your code crashed the Python interpreter (SIGSEGV)."),
        ("import os; os.abort()", "Your code crashed the Python interpreter (SIGABRT)."),
        ("return bytearray(2**40)", "Your code asked for more memory than a grader may use."),
        ("return torch.zeros(2**40)", "Your code asked for more memory than a grader may use."),
        ("return torch.zeros(3_900_000, 3)", "`energy` is of another type."),
        ("import pandas_of_another_world", "Your file imports a package that is not available here. "),
        ("return hidden_name", "`energy` raised NameError."),
    ],
)
def test_a_mistake_in_one_function_costs_that_function(
    graded: Callable[..., Graded], broken: str, headline: str
) -> None:
    results = graded(SOLUTION.replace("return 0.5 * x.square().mean(dim=1)", broken))
    assert verdicts(results) == {"1.a": "failed", "1.a.hidden": "failed", "1.b": "passed", "1.c": "passed"}
    assert results["1.a"].feedback.headline.startswith(headline)


def with_seconds(grader: Grader, seconds: float) -> Grader:
    return msgspec.structs.replace(grader, limits=msgspec.structs.replace(grader.limits, seconds=seconds))


def test_an_endless_loop_costs_that_function(graded: Callable[..., Graded], recorded_tiny: TinyHomework) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    hurried = [with_seconds(grader, 0.5) if grader.function == "test_energy" else grader for grader in manifest.graders]
    text = SOLUTION.replace("return 0.5 * x", "while True: pass\n    return 0.5 * x")
    results = graded(text, graders=tuple(hurried))
    assert verdicts(results) == {"1.a": "failed", "1.a.hidden": "failed", "1.b": "passed", "1.c": "passed"}
    assert results["1.a"].feedback.headline.startswith("Stopped after")


def test_a_submission_without_the_file(
    graded: Callable[..., Graded], recorded_tiny: TinyHomework, sandbox: Sandbox
) -> None:
    homework = recorded_tiny.load()
    manifest = read_manifest(homework.expectations)
    missing = Submission({"tiny_energy": Problem("tiny_energy", "There is no tiny_energy.py. Hand it in.")})
    results = list(grade(manifest, Place.of(homework.expectations), missing, sandbox))
    assert {result.feedback.headline for result in results} == {"There is no tiny_energy.py. Hand it in."}
    assert {result.score for result in results} == {0}
    assert {result.feedback.verdict for result in results} == {"failed"}


def test_text_that_no_utf8_holds_is_graded(recorded_tiny: TinyHomework, sandbox: Sandbox) -> None:
    """A notebook's JSON can hold lone surrogates."""
    homework = recorded_tiny.load()
    manifest = read_manifest(homework.expectations)
    found = FoundFile("tiny_energy", "tiny_energy.py", (Chunk("tiny_energy.py", SOLUTION + '\ntext = "\ud800"\n'),))
    results = list(grade(manifest, Place.of(homework.expectations), Submission({"tiny_energy": found}), sandbox))
    assert {result.feedback.verdict for result in results} == {"passed"}


# --- faults of ours -------------------------------------------------------------------------------------------------


def test_an_observation_that_is_missing_makes_one_grader_faulty(
    graded: Callable[..., Graded], recorded_tiny: TinyHomework
) -> None:
    (recorded_tiny.load().expectations / "observations" / "test_tiny.test_noise.obs").unlink()
    results = graded(SOLUTION)
    assert verdicts(results) == {"1.a": "passed", "1.a.hidden": "passed", "1.b": "faulty", "1.c": "passed"}
    assert results["1.b"].score == 0
    assert "cannot read what was recorded" in results["1.b"].feedback.staff[0]


def test_a_grader_that_has_changed_since_recording_is_faulty(
    graded: Callable[..., Graded], recorded_tiny: TinyHomework
) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    changed = [
        msgspec.structs.replace(grader, seed=grader.seed + 1) if grader.number == "1.b" else grader
        for grader in manifest.graders
    ]
    results = graded(SOLUTION, graders=tuple(changed))
    assert verdicts(results) == {"1.a": "passed", "1.a.hidden": "passed", "1.b": "faulty", "1.c": "passed"}
    assert "stale" in results["1.b"].feedback.staff[0]


def test_a_grader_that_cannot_be_loaded_is_faulty(graded: Callable[..., Graded], recorded_tiny: TinyHomework) -> None:
    folder = recorded_tiny.load().expectations
    manifest = read_manifest(folder)
    recorded = {grader.id: read_expectations(folder, grader) for grader in manifest.graders}
    broken = [
        msgspec.structs.replace(grader, function="no_such") if grader.number == "1.b" else grader
        for grader in manifest.graders
    ]
    write_expectations(folder, select(manifest, broken), recorded)
    results = graded(SOLUTION)
    assert verdicts(results) == {"1.a": "passed", "1.a.hidden": "passed", "1.b": "faulty", "1.c": "passed"}
    assert "The grader itself failed" in results["1.b"].feedback.staff[0]


class Broken:
    """A sandbox that is gone."""

    def preload(self, _: object) -> None: ...

    def run_in_turn(self, *_: object) -> Ran:
        raise SandboxError("the zygote is gone")


def test_a_sandbox_that_is_gone_makes_every_grader_faulty(recorded_tiny: TinyHomework) -> None:
    homework = recorded_tiny.load()
    manifest = read_manifest(homework.expectations)
    submission = Submission({"tiny_energy": FoundFile("tiny_energy", "x", (Chunk("x", SOLUTION),))})
    results = list(grade(manifest, Place.of(homework.expectations), submission, Broken()))  # type: ignore[arg-type]
    assert {result.feedback.verdict for result in results} == {"faulty"}
    assert all("the zygote is gone" in result.feedback.staff[0] for result in results)


def test_a_picture_that_cannot_be_encoded_makes_one_grader_faulty(
    graded: Callable[..., Graded], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("autograder.grading.encode_png", fail)
    assert verdicts(graded(SOLUTION)) == {"1.a": "faulty", "1.a.hidden": "passed", "1.b": "passed", "1.c": "passed"}


def test_what_a_submission_imports_is_imported_once_for_all_its_graders(
    graded: Callable[..., Graded], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    preloaded: set[str] = set()
    monkeypatch.setattr(sandbox, "preload", preloaded.update)
    graded(SOLUTION)
    assert preloaded == set()
    graded(f"import os, sympy\nfrom scipy import stats\n{SOLUTION}")
    assert preloaded == {"sympy", "scipy", "scipy.stats"}


# --- what all graders may use together ------------------------------------------------------------------------------


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """One that a test may stop."""
    with Sandbox() as own:
        yield own


Some = Callable[..., Iterator[GraderResult]]


@pytest.fixture
def some_graded(recorded_tiny: TinyHomework) -> Some:
    """Grades a text of tiny_energy.py one grader after another, within a budget."""
    homework = recorded_tiny.load()
    manifest = read_manifest(homework.expectations)

    def run(text: str, sandbox: Sandbox, budget: Budget, jobs: int = 1) -> Iterator[GraderResult]:
        submission = Submission({"tiny_energy": FoundFile("tiny_energy", "x", (Chunk("tiny_energy.py", text),))})
        return grade(manifest, Place.of(homework.expectations), submission, sandbox, jobs, budget)

    return run


ENDLESS = SOLUTION.replace("return sigma_square", "import time; time.sleep(10**6)\n    return sigma_square")


def test_who_waited_for_pytorchs_own_import_gets_a_second_chance(
    some_graded: Some, own_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that was ended on its time while an optimiser imported 900 modules runs again, with these imported."""
    runs: list[bool] = []
    run = own_sandbox.run_in_turn

    def slow_without(*arguments: Any) -> Ran:
        runs.append(own_sandbox.has({"torch._dynamo"}))
        return run(*arguments) if runs[-1] else Ran([an_outcome("cpu")], 0.0)

    monkeypatch.setattr(own_sandbox, "run_in_turn", slow_without)
    waiting = list(some_graded(f"from torch import optim\n{SOLUTION}", own_sandbox, Budget()))
    assert {result.feedback.verdict for result in waiting} == {"passed"}
    assert False in runs
    assert runs[-1]


def test_who_names_no_optimiser_gets_none(
    some_graded: Some, own_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endless loop is run once."""
    runs: list[int] = []

    def slow_always(*_: Any) -> Ran:
        runs.append(1)
        return Ran([an_outcome("cpu")], 0.0)

    monkeypatch.setattr(own_sandbox, "run_in_turn", slow_always)
    slow = list(some_graded(SOLUTION, own_sandbox, Budget()))
    assert {result.feedback.verdict for result in slow} == {"failed"}
    assert len(runs) == len(slow)


def test_a_budget_that_is_not_met_changes_nothing(some_graded: Some, sandbox: Sandbox) -> None:
    budget = Budget(SubmissionLimits())
    assert {result.feedback.verdict for result in some_graded(SOLUTION, sandbox, budget)} == {"passed"}
    assert budget.end is None


def test_no_grader_is_started_when_the_cpu_time_is_used_up(some_graded: Some, own_sandbox: Sandbox) -> None:
    budget = Budget(SubmissionLimits(cpu_seconds=1e-6))
    (first,) = some_graded(SOLUTION, own_sandbox, budget)
    assert first.feedback.verdict == "passed", "the one that used the last of it counts"
    assert budget.end is not None
    assert "may use 1e-06 s of CPU time together, and 0." in budget.end.reason
    assert "1 had ended by then" in budget.end.reason
    assert f"The slowest were: {first.number} (" in budget.end.help
    with pytest.raises(SandboxError, match="CPU time together"):
        own_sandbox.run(None, None, None)  # type: ignore[arg-type]


def test_running_graders_are_ended_when_the_time_is_over(
    some_graded: Some, own_sandbox: Sandbox, recorded_tiny: TinyHomework
) -> None:
    budget = Budget(SubmissionLimits(wall_seconds=6.0))
    results = {result.number: result for result in some_graded(ENDLESS, own_sandbox, budget, jobs=4)}
    assert {result.feedback.verdict for result in results.values()} <= {"passed"}
    assert not {"1.b", "1.c"} & results.keys()
    assert budget.end is not None
    assert "the graders of a submission may take 6 s together" in budget.end.reason
    assert "did not fail" in budget.end.help
    assert re.search(r"1\.[bc] \([\d.]+ s, and was not done\)", budget.end.help)


def test_a_stop_keeps_the_verdicts_so_far(some_graded: Some, own_sandbox: Sandbox) -> None:
    budget = Budget()
    reached = []
    for result in some_graded(SOLUTION, own_sandbox, budget):
        reached.append(result)
        if len(reached) == 2:
            budget.stop(EarlyEnd("the test is over"))
            budget.stop(EarlyEnd("a second reason"))
    assert 2 <= len(reached) < 4
    assert {result.feedback.verdict for result in reached} == {"passed"}
    assert budget.end is not None
    assert budget.end.reason == "the test is over"


def test_slow_graders_are_named_and_hidden_ones_are_not() -> None:
    budget = Budget(SubmissionLimits(wall_seconds=1e-9))
    for grader in (a_grader("1"), a_grader("2", hidden=True), a_grader("3"), a_grader("4"), a_grader("5")):
        assert budget.begin(grader)
    budget.finish(a_grader("3"))
    budget.look()
    assert budget.end is not None
    assert "1 had ended by then" in budget.end.reason
    assert budget.end.help.count("was not done") == 3
    assert "1 (" in budget.end.help
    assert "a hidden grader (" in budget.end.help
    assert "2 (" not in budget.end.help
    assert not budget.begin(a_grader("6"))


# --- one result -----------------------------------------------------------------------------------------------------


def resulted(
    observation: Observation | None,
    verdict: Any = "passed",
    hidden: bool = False,
    board: Mapping[str, float] | None = None,
    **grader: Any,
) -> GraderResult:
    outcome = an_outcome(observation=observation)
    judgement = Judgement(Feedback(verdict, "x", staff=("for staff",)), 1.0 if verdict == "passed" else 0.25)
    return _result(a_grader(hidden=hidden, **grader), judgement, outcome, 0.5, board or {})


def test_leaderboard_numbers() -> None:
    observation = together(
        one=seen(np.float32(0.5), "leaderboard"),
        array=seen(np.array([[2]]), "leaderboard"),
        many=seen(np.ones(2), "leaderboard"),
        none=seen("NoneType", "leaderboard"),
        compared=seen(np.float32(3)),
    )
    numbers = _leaderboard(observation, observation)
    assert numbers == {"one": 0.5, "array": 2.0}
    assert _leaderboard(observation, together(one=seen(1.0, "leaderboard"), array=seen(1.0))) == {"one": 0.5}
    assert _leaderboard(None, observation) == {}
    assert resulted(observation, board=numbers).leaderboard == numbers
    assert resulted(observation, "failed", board=numbers).leaderboard == {}


def test_pictures_of_every_form_that_a_reply_may_hold() -> None:
    pictures = {
        "grey": seen(np.zeros((4, 4), np.uint8), "picture"),
        "colour": seen(np.zeros((4, 4, 3), np.uint8), "picture"),
        "floats": seen(np.zeros((4, 4)), "picture"),
        "empty": seen(np.zeros((0, 4), np.uint8), "picture"),
        "flat": seen(np.zeros(4, np.uint8), "picture"),
        "deep": seen(np.zeros((2, 2, 3, 3), np.uint8), "picture"),
        "thin": seen(np.zeros((1, 200_000), np.uint8), "picture"),
        "text": seen("x", "picture"),
    }
    result = resulted(together(**pictures))
    assert [picture.title for picture in result.feedback.pictures] == ["grey", "colour", "thin"]
    assert resulted(together(**pictures), hidden=True).feedback.pictures == ()


def test_no_more_pictures_are_made_than_are_shown() -> None:
    many = together(**{f"p{index}": seen(np.zeros((2, 2), np.uint8), "picture") for index in range(20)})
    assert len(resulted(many).feedback.pictures) == 6


def test_hidden_errors_show_nothing_but_their_own_words() -> None:
    observation = Observation(
        together(p=seen(np.zeros((2, 2), np.uint8), "picture")).header, {"p": np.zeros((2, 2), np.uint8)}
    )
    observation = Observation(msgspec.structs.replace(observation.header, failure=failed()), observation.arrays)
    feedback = resulted(observation, "failed", hide_errors="Look again.").feedback
    assert feedback == Feedback("failed", "Look again.", staff=("x", "for staff"))
    assert resulted(observation, "passed", hide_errors="Look again.").feedback.verdict == "passed"


def test_the_place_of_an_exception_is_shown_beside_a_misconceptions_words() -> None:
    result = resulted(seen(failure=failed()), "failed")
    assert result.feedback.where == "hw3_gan.py, line 31, in forward: x = self.fc(x)"
    assert resulted(seen(failure=failed(frames=0)), "failed").feedback.where == ""
    assert resulted(seen(np.ones(1)), "failed").feedback.where == ""


def test_a_score_is_the_share_of_the_points() -> None:
    assert resulted(seen(), "failed", weight=3.0).score == 0.75
    assert resulted(seen(), "failed", weight=0.33).score == 0.08
    assert resulted(seen(), "passed", weight=0.33).score == 0.33


# --- parts ----------------------------------------------------------------------------------------------------------


def test_what_is_planned_is_what_is_reported(recorded_tiny: TinyHomework, graded: Callable[..., Graded]) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    results = graded(SOLUTION)
    assert [plan.number for plan in planned(manifest)] == ["1.a", "1.a.hidden", "1.b", "1.c"]
    assert [result.planned for result in in_order(manifest, results.values())] == planned(manifest)
    assert in_order(manifest, list(results.values())[::-1]) == in_order(manifest, results.values())


def test_a_job_has_one_graders_slice_and_no_more(recorded_tiny: TinyHomework) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    grader = manifest.graders[2]
    job = make_job(manifest, grader, {}, Path("/data"))
    text = msgspec.json.encode(job).decode()
    assert (job.id, job.seed, job.student_seed, job.data) == (grader.id, grader.seed, manifest.student_seed, "/data")
    assert "test_energy" not in text
    assert str(manifest.graders[1].seed) not in text
    assert make_job(manifest, grader, {}, Path("/data"), student_seed=9).student_seed == 9


def test_sources_are_of_the_files_that_were_found() -> None:
    found = FoundFile("a", "a.py", (Chunk("a.py", "x = 1"), Chunk("a.py[2]", "y = 2")))
    submission = Submission({"a": found, "b": Problem("b", "missing")})
    sources = submission_sources(submission)
    assert {name: [source.text for source in pieces] for name, pieces in sources.items()} == {"a": ["x = 1", "y = 2"]}


def test_data_are_the_recorded_ones_or_those_given(tmp_path: Path) -> None:
    assert Place.of(tmp_path).data == (tmp_path / "data").resolve()
    assert Place.of(tmp_path, Path("elsewhere")).data == Path("elsewhere").resolve()


def test_there_is_a_core() -> None:
    assert cores() >= 1


def test_grading_can_be_stopped_half_way(recorded_tiny: TinyHomework, sandbox: Sandbox) -> None:
    homework = recorded_tiny.load()
    manifest = read_manifest(homework.expectations)
    manifest = select(manifest, manifest.graders[:2])
    submission = Submission({"tiny_energy": FoundFile("tiny_energy", "x", (Chunk("x", SOLUTION),))})
    results = grade(manifest, Place.of(homework.expectations), submission, sandbox, 1)
    assert next(results).feedback.verdict == "passed"
    results.close()  # type: ignore[attr-defined]


# --- shared children ------------------------------------------------------------------------------------------------


def answers(first: str, later: str) -> str:
    """A solution whose noise is `first` in a process that is new, and `later` in one where it was called before."""
    body = f"""
    import json
    used, json.used = getattr(json, "used", False), True
    draws = torch.randn(n)
    return {later} * draws if used else {first} * draws
"""
    solution = SOLUTION.replace("return 0.5 * x", "import json; json.used = True; return 0.5 * x")
    return solution.replace("return sigma_square**0.5 * torch.randn(n)", body.strip())


def test_who_answers_otherwise_in_a_used_process_is_judged_in_a_new_one(
    graded: Callable[..., Graded], recorded_tiny: TinyHomework
) -> None:
    """1.c comes after 1.a in its child: its failure there does not count, but staff are told of it."""
    manifest = read_manifest(recorded_tiny.load().expectations)
    alike = tuple(
        msgspec.structs.replace(grader, limits=manifest.graders[0].limits, bands=False) for grader in manifest.graders
    )
    results = graded(answers("2.0", "9.0"), graders=alike)
    assert set(verdicts(results).values()) == {"passed"}
    told = {number for number, result in results.items() if SECOND_ANSWER in result.feedback.staff}
    assert told == {"1.b", "1.c"}
    honest = graded(SOLUTION, graders=alike)
    assert not any(SECOND_ANSWER in result.feedback.staff for result in honest.values())


def test_what_does_not_pass_in_a_shared_child_reads_as_it_does_alone(
    graded: Callable[..., Graded], recorded_tiny: TinyHomework
) -> None:
    """The message, and all else, of a wrong answer is that of a child of its own."""
    wrong = SOLUTION.replace("sigma_square**0.5", "sigma_square")
    shared = graded(wrong)
    graders = read_manifest(recorded_tiny.load().expectations).graders
    for grader in graders:
        alone = graded(wrong, graders=(grader,))[grader.number]
        assert shared[grader.number].feedback == alone.feedback
        assert shared[grader.number].score == alone.score
