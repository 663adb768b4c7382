"""Every hostile and honest submission at every level that this machine offers, and the control that the test can fail.

The submissions are run by `python tests/hostile`, all levels at the same time in processes of its own, once for all
tests. Where they are all run as root, each third of them (in the order of their names: 1st, 4th, 7th ...) is run as an
ordinary user. `make hostile`, or `HOSTILE_EVERY=1 pytest tests/hostile`, runs all of them at both levels. The control
is complete in any case. See corpus.py for what a submission is, and worker.py for what counts as a breach.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from corpus import CATEGORIES, KINDS, Case, hand_in, read_case, read_cases
from guarded_homework import GRADERS, SOLUTION
from planted import PATTERN, Planted
from runner import LEVELS, TABLE, Level, Report, cases_at, complaints, describe, not_shown, table
from worker import Found, name_of, verdicts

from autograder.gradescope import Results, TestCase

HERE = Path(__file__).resolve().parent
CASES = {case.id: case for case in read_cases()}
PROTECTED = [level for level in LEVELS if level.protected]
CONTROL = next(level for level in LEVELS if not level.protected)
RUN_SECONDS = 1200
EVERY = int(os.environ.get("HOSTILE_EVERY", "3"))
RUN = [(level, case.id) for level in PROTECTED for case in cases_at(level, list(CASES.values()), EVERY)]

pytestmark = pytest.mark.timeout(RUN_SECONDS)


@pytest.fixture(scope="session")
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """What each level showed; the table of it is printed at the end."""
    file = tmp_path_factory.mktemp("hostile") / "reports.json"
    log = file.with_suffix(".log")
    with log.open("wb") as output:
        subprocess.run(
            [sys.executable, str(HERE), "--verbose", "--every", str(EVERY), "--json", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=RUN_SECONDS - 60,
            check=False,
        )
    if not file.exists():
        pytest.fail(f"the run broke off:\n{log.read_text(errors='replace')[-3000:]}")
    found = msgspec.json.decode(file.read_bytes(), type=list[Report])
    request.config.stash[TABLE] = table(found)
    return {report.level: report for report in found}


def report_of(level: Level, reports: dict[str, Report]) -> Report:
    report = reports[level.name]
    if report.skipped:
        pytest.skip(report.skipped)
    return report


@pytest.mark.parametrize(("level", "case"), RUN, ids=[f"{level.name}-{case}" for level, case in RUN])
def test_nothing_is_read_forged_or_lost(level: Level, case: str, reports: dict[str, Report]) -> None:
    found = {found.case: found for found in report_of(level, reports).found}[case]
    assert not found.breached, describe(found)
    assert found.kept == found.deserved == len(CASES[case].deserved())


def test_every_submission_is_run_at_a_protected_level(reports: dict[str, Report]) -> None:
    """Also where one of the levels turns out not to be had."""
    found = [one for level in PROTECTED for one in reports[level.name].found]
    assert {one.case for one in found} == set(CASES), [report.skipped for report in reports.values()]
    assert not [describe(one) for one in found if one.breached]


def test_a_sample_is_taken_at_the_second_of_two_levels_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    cases, (root, user) = list(CASES.values()), PROTECTED
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cases_at(root, cases, 3) == cases_at(user, cases, 1) == cases
    third = cases_at(user, cases, 3)
    assert len(cases) / 3 <= len(third) < len(cases) / 3 + 1
    assert {case.category for case in third} == set(CATEGORIES)
    assert cases_at(CONTROL, cases, 3) == cases_at(CONTROL, cases, 1)
    assert {case.id for case in cases if case.breaches} <= {case.id for case in cases_at(CONTROL, cases, 3)}
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cases_at(user, cases, 3) == cases


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.breaches], ids=lambda case: case.id)
def test_the_control_shows_the_breach(case: Case, reports: dict[str, Report]) -> None:
    """Where isolation is off the same file does get something: so its test can fail."""
    assert not not_shown(report_of(CONTROL, reports), [case])


@pytest.mark.parametrize("kind", KINDS)
def test_the_control_shows_breaches_of_every_kind(kind: str, reports: dict[str, Report]) -> None:
    assert any(getattr(found, kind) for found in report_of(CONTROL, reports).found if CASES[found.case].hostile)


def test_the_control_keeps_what_is_honest(reports: dict[str, Report]) -> None:
    """So a breach is the work of a hostile submission, not of the run."""
    assert not not_shown(report_of(CONTROL, reports), [case for case in CASES.values() if not case.hostile])


# --- the corpus -----------------------------------------------------------------------------------------------------


def test_there_are_enough_of_each() -> None:
    count = {category: sum(case.category == category for case in CASES.values()) for category in CATEGORIES}
    assert sum(count[category] for category in ("read", "forge", "deny")) >= 60
    assert count["honest"] >= 18
    assert min(count.values()) >= 15


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_case_says_what_it_is_for(case: Case, tmp_path: Path) -> None:
    assert set(case.verdicts) == set(GRADERS)
    assert case.purpose[0].isupper()
    hand_in(case, tmp_path, {"accomplice": "", "answers": ""})
    assert any(path.suffix in (".py", ".ipynb") for path in tmp_path.rglob("*"))
    assert case.hostile or not case.breaches


def test_purposes_differ() -> None:
    assert len({case.purpose for case in CASES.values()}) == len(CASES)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("passes: everything", "purpose"),
        ("A word.\n\npasses: energy", "not every grader"),
        ("A word.\n\npasses: everything\nfails: everything else", "not every grader"),
        ("A word.\n\nfails: entropy\npasses: everything else", "no grader 'entropy'"),
        ("A word.\n\nfails: energy\nfails: loss", "two lines"),
        ("A word.\n\nfails: energy\npasses: everything else\ncontrol: chaos", "breaches are of the kinds"),
    ],
)
def test_a_docstring_that_leaves_something_open_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "case.py").write_text(f'"""{text}\n"""\n')
    with pytest.raises(ValueError, match=complaint):
        read_case(tmp_path / "case.py", "read")


def test_verdicts_of_both_halves_and_of_one(tmp_path: Path) -> None:
    (tmp_path / "case.py").write_text('"""A word.\n\nfails: energy, loss.hidden\npasses: everything else\n"""\n')
    failing = [
        name for name, verdict in read_case(tmp_path / "case.py", "read").verdicts.items() if verdict == "failed"
    ]
    assert failing == ["energy.visible", "energy.hidden", "loss.hidden"]


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.hostile], ids=lambda case: case.id)
def test_a_hostile_case_is_graded_by_what_it_attacks_and_by_others(case: Case) -> None:
    failing = {name for name, verdict in case.verdicts.items() if verdict == "failed"}
    assert failing <= set(case.graded())
    passing = set(GRADERS) - failing
    assert len(case.deserved()) >= min(3, len(passing))


# --- the judge ------------------------------------------------------------------------------------------------------


def results_of(points: dict[str, float], verdict: dict[str, str], **more: object) -> Results:
    """results.json with these points and verdicts; each grader is worth 2 points, and passed unless told otherwise."""
    tests = tuple(
        TestCase(
            score=points.get(name, 2.0),
            max_score=2.0,
            name="",
            number="",
            output="",
            extra_data={
                "id": f"test_guarded.test_{name.removesuffix('.visible')}",
                "verdict": verdict.get(name, "passed"),
            },
        )
        for name in GRADERS
    )
    given = {"score": sum(test.score for test in tests), "output": "", "tests": tests, **more}
    return Results(**given)  # type: ignore[arg-type]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """One that must fail the loss, and is graded by all graders."""
    (tmp_path / "case.py").write_text('"""A word.\n\nfails: loss\npasses: everything else\n"""\n')
    return read_case(tmp_path / "case.py", "honest")


FAILED = {"loss.visible": 0.0, "loss.hidden": 0.0}
VERDICTS = dict.fromkeys(FAILED, "failed")


def test_what_is_deserved_is_no_breach(case: Case) -> None:
    assert verdicts(case, results_of(FAILED, VERDICTS)) == ([], [], len(GRADERS) - 2)


def test_points_for_what_must_fail_are_undeserved(case: Case) -> None:
    undeserved, lost, _ = verdicts(case, results_of({"loss.hidden": 0.0, "loss.visible": 0.5}, VERDICTS))
    assert (undeserved, lost) == (["loss.visible: 0.5 points"], [])


def test_a_sum_that_is_none_is_undeserved(case: Case) -> None:
    assert verdicts(case, results_of(FAILED, VERDICTS, score=100.0))[0]


@pytest.mark.parametrize("verdict", ["faulty", "not reached", "failed"])
def test_an_honest_grader_that_gives_nothing_is_lost(case: Case, verdict: str) -> None:
    points, told = {**FAILED, "noise.hidden": 0.0}, {**VERDICTS, "noise.hidden": verdict}
    _, lost, kept = verdicts(case, results_of(points, told))
    assert len(lost) == 1
    assert kept == len(GRADERS) - 3


def test_a_hostile_grader_that_is_faulty_is_lost(case: Case) -> None:
    """A submission that can make the grader look broken can ask for its points by hand."""
    assert verdicts(case, results_of(FAILED, {**VERDICTS, "loss.visible": "faulty"}))[1]


def test_without_results_all_is_lost(case: Case) -> None:
    undeserved, lost, kept = verdicts(case, None)
    assert (undeserved, len(lost), kept) == ([], len(GRADERS), 0)


def test_names_of_graders() -> None:
    ids = ("test_guarded.test_loss", "test_guarded.test_loss.hidden", "test_guarded.test_private")
    assert tuple(map(name_of, ids)) == ("loss.visible", "loss.hidden", "private")


def test_planted_tokens_are_found_wherever_they_turn_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = "SECRET-" + "ab" * 16
    monkeypatch.setenv("GRADING_KEY", token)
    planted = Planted.in_this_process()
    (tmp_path / "root" / "source" / "expectations" / "observations").mkdir(parents=True)
    planted.in_tree(tmp_path / "root", tmp_path / "others")
    assert len(set(planted.places.values())) == len(planted.places) == 7
    assert planted.found_in([f"x{token}y"]) == {"the environment"}
    assert planted.found_in(["SECRET-" + "00" * 16]) == set()
    texts = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert len(planted.found_in(texts)) == 4
    assert all(PATTERN.fullmatch(one) for one in planted.places.values())


# --- the table ------------------------------------------------------------------------------------------------------

KEPT = Found(case="honest/right", kept=15, deserved=15)
LEAK = Found(case="read/parents_memory", leaks=("the memory (printed)",), kept=12, deserved=12)


def test_a_breach_at_a_protected_level_is_a_complaint() -> None:
    assert complaints([Report(level="user", found=(KEPT,))], []) == []
    assert len(complaints([Report(level="user", found=(KEPT, LEAK))], [])) == 1


def test_a_control_that_does_not_show_its_breach_is_a_complaint() -> None:
    user, case = Report(level="user", found=(KEPT,)), CASES["read/parents_memory"]
    shown = Found(case=case.id, leaks=("the memory (printed)",))
    assert complaints([user, Report(level="control", found=(shown,))], [case]) == []
    assert len(complaints([user, Report(level="control", found=(Found(case=case.id),))], [case])) == 1


def test_a_control_that_costs_an_honest_point_is_a_complaint() -> None:
    case, lost = CASES["honest/right"], Found(case="honest/right", lost=("loss.hidden: failed",))
    assert not_shown(Report(level="control", found=(lost,)), [case])
    assert not not_shown(Report(level="control", found=(KEPT,)), [case])


def test_that_nothing_was_run_is_a_complaint() -> None:
    assert complaints([Report(level="root", skipped="not root"), Report(level="user", skipped="no Landlock")], [])


def test_the_table_counts_submissions_and_names_what_was_not_run() -> None:
    text = table([Report(level="user", found=(KEPT, LEAK)), Report(level="root", skipped="only root can")])
    row = next(line for line in text.splitlines() if line.strip().startswith("read"))
    assert row.split() == ["read", "1", "0", "1", "0", "0", "0", "0", "12", "of", "12"]
    assert "not run: only root can" in text


def test_the_solution_that_is_laid_beside_is_no_template() -> None:
    assert "SOLUTION" not in SOLUTION
    assert "return 0.5 * x.square()" in SOLUTION
