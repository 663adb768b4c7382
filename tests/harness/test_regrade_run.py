"""A class is graded once: what runs again is what has changed, and what is interrupted goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from made_up import LentSandbox
from made_up_class import SOLUTION, CrewHere, read_class, write_class
from tiny_homework import TinyHomework

from autograder.errors import UserError
from autograder.gradescope import read_results
from autograder.grading import Place, grade
from autograder.manifest import MANIFEST, Manifest, read_manifest, select
from autograder.regrade import books, looks, workers
from autograder.regrade.books import divide
from autograder.regrade.executors import LostWorkerError
from autograder.regrade.keys import this_environment
from autograder.regrade.run import Progress, Summary, Wishes, regrade
from autograder.regrade.workers import Batch
from autograder.sandbox.runner import Sandbox
from autograder.submission import find_submission

GRADERS = 2


@pytest.fixture
def here(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Batches are graded in this process, by the session's sandbox."""
    monkeypatch.setattr(workers, "Sandbox", lambda: _Replaceable(sandbox))
    monkeypatch.setattr(workers, "_state", workers._State())
    yield
    workers.close()


class _Replaceable(LentSandbox):
    """The session's sandbox, which stands for one that can be stopped and closed."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._stopped = ""

    def stop(self, why: str) -> None:
        self._stopped = why

    def close(self) -> None:
        self._stopped = self._stopped or "closed"

    def preload(self, modules: Any) -> None:
        if self._stopped:
            raise workers.SandboxError(self._stopped)
        self._sandbox.preload(modules)

    def run_in_turn(self, *arguments: Any) -> Any:
        if self._stopped:
            raise workers.SandboxError(self._stopped)
        return self._sandbox.run_in_turn(*arguments)


class Class:
    """Submissions to the tiny homework, graded as often as a test wants."""

    def __init__(self, tiny: TinyHomework, folder: Path, sandbox: Sandbox) -> None:
        self.tiny = tiny
        self.place = folder / "class"
        self.out = folder / "out"
        self.sandbox = sandbox
        self.crew: CrewHere | None = None

    @property
    def expectations(self) -> Path:
        return self.tiny.load().expectations

    def grade(
        self,
        before: Callable[[Batch], None] = lambda batch: None,
        progress: Callable[[Progress], None] = lambda progress: None,
        **wishes: Any,
    ) -> Summary:
        self.crew = CrewHere(self.sandbox)
        self.crew.before = before
        wished = Wishes(**{"report": False, **wishes})
        return regrade(self.tiny.load(), self.place, self.out, self.crew, wished, progress)

    @property
    def asked(self) -> list[str]:
        """The names of the graders that the last run had run, one for each submission."""
        assert self.crew is not None
        return sorted(grader.partition(".test_")[2] for _, grader in self.crew.asked)

    def change(self, change: Callable[[Manifest], Manifest]) -> None:
        """Have the manifest changed."""
        path = self.expectations / MANIFEST
        path.write_bytes(msgspec.json.encode(change(read_manifest(self.expectations))))

    def change_grader(self, number: str, **fields: Any) -> None:
        self.change(
            lambda manifest: msgspec.structs.replace(
                manifest,
                graders=tuple(
                    msgspec.structs.replace(grader, **fields) if grader.number == number else grader
                    for grader in manifest.graders
                ),
            )
        )


@pytest.fixture
def class_(recorded_tiny: TinyHomework, tmp_path: Path, sandbox: Sandbox, here: None) -> Class:
    """Three submissions: a right one, and ones with a mistake in `energy` each. Two graders: `energy` and `spread`."""
    class_ = Class(recorded_tiny, tmp_path, sandbox)
    class_.change(lambda manifest: select(manifest, [manifest.graders[0], manifest.graders[3]]))
    write_class(class_.place, 3)
    return class_


def files_of(out: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted((out / "results").iterdir())}


# --- what is run ------------------------------------------------------------------------------------------------------


def test_a_class(class_: Class) -> None:
    summary = class_.grade()
    assert (summary.handins, summary.done, summary.graded, summary.ran) == (3, 3, 3, 3 * GRADERS)
    assert summary.clean
    scores = {id: results["score"] for id, results in read_class(class_.out).items()}
    assert scores == {"student_000": 5, "student_001": 3.5, "student_002": 2}


def test_verdicts_are_those_of_a_submission_alone(class_: Class) -> None:
    class_.grade()
    manifest = read_manifest(class_.expectations)
    for folder in sorted(class_.place.iterdir()):
        submission = find_submission(folder, [file.wanted for file in manifest.files])
        alone = grade(manifest, Place.of(class_.expectations), submission, class_.sandbox, 1)
        expected = {result.number: (result.score, result.feedback.verdict) for result in alone}
        results = read_results(class_.out / "results" / f"{folder.name}.json")
        assert {test.number: (test.score, test.extra_data["verdict"]) for test in results.tests} == expected


def test_nothing_is_done_twice(class_: Class) -> None:
    class_.grade()
    before = files_of(class_.out)
    summary = class_.grade()
    assert (summary.graded, summary.unchanged, class_.asked) == (0, 3, [])
    assert files_of(class_.out) == before


def test_changed_points_run_nothing(class_: Class) -> None:
    class_.grade()
    class_.change_grader("1.a", weight=5.0, title="A new title")
    class_.grade()
    assert class_.asked == []
    results = read_class(class_.out)
    assert [results[id]["score"] for id in sorted(results)] == [7, 4.5, 2]  # half the points for half the credit
    assert results["student_000"]["tests"][0]["name"] == "A new title"


def test_a_changed_grader_runs_alone(class_: Class) -> None:
    class_.grade()
    before = read_class(class_.out)
    class_.change_grader("1.a", hide_errors="Something is wrong.")
    class_.grade()
    assert class_.asked == ["energy"] * 3
    after = read_class(class_.out)
    assert after["student_000"] == before["student_000"]
    assert "Something is wrong." in after["student_001"]["tests"][0]["output"]
    assert after["student_001"]["tests"][1:] == before["student_001"]["tests"][1:]
    class_.change_grader("1.a", hide_errors="")  # taken back: known from before
    class_.grade()
    assert class_.asked == []
    assert read_class(class_.out) == before


def test_a_changed_submission_runs_alone(class_: Class) -> None:
    class_.grade()
    before = files_of(class_.out)
    (class_.place / "student_001" / "tiny_energy.py").write_text(SOLUTION)
    summary = class_.grade()
    assert (summary.graded, summary.unchanged, len(class_.asked)) == (1, 2, GRADERS)
    after = files_of(class_.out)
    assert [name for name in before if before[name] != after[name]] == ["student_001.json"]
    assert read_class(class_.out)["student_001"]["score"] == 5


def test_twins_are_run_once(class_: Class) -> None:
    for name in ("twin", "another_twin"):
        shutil.copytree(class_.place / "student_000", class_.place / name)
    summary = class_.grade()
    assert (summary.handins, summary.done, len(class_.asked)) == (5, 5, 3 * GRADERS)
    results = read_class(class_.out)
    assert results["twin"]["tests"] == results["another_twin"]["tests"] == results["student_000"]["tests"]


def test_a_moved_class_is_known(class_: Class) -> None:
    class_.grade()
    class_.place = class_.place.rename(class_.place.with_name("moved"))
    assert class_.grade().graded == 0


def test_fresh_runs_all(class_: Class) -> None:
    class_.grade()
    before = read_class(class_.out)
    class_.grade(fresh=True)
    assert len(class_.asked) == 3 * GRADERS
    assert read_class(class_.out) == before


def test_what_looks_the_same_is_not_read_again(class_: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "RECENT_SECONDS", 0.0)
    read: list[Path] = []

    def read_again(place: Path, wanted: Any) -> Any:
        read.append(place)
        return find_submission(place, wanted)

    monkeypatch.setattr(books, "find_submission", read_again)
    class_.grade()
    assert len(read) == 3
    class_.grade()
    assert len(read) == 3
    path = class_.place / "student_001" / "tiny_energy.py"
    before, text = path.stat(), path.read_text()
    path.write_text(text.replace("STUDENT = 1", "STUDENT = 7"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as large and as old as before
    summary = class_.grade()
    assert (summary.graded, len(read)) == (1, 4)


def test_what_has_just_changed_or_is_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file.py").touch()
    assert looks.look_at(tmp_path / "a") is None
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looks, "RECENT_SECONDS", -60.0)
        assert looks.look_at(tmp_path / "a") is not None
        assert looks.look_at(tmp_path / "link") is None
        (tmp_path / "a" / "link").symlink_to(tmp_path / "elsewhere")
        assert looks.look_at(tmp_path / "a") is None
        assert looks.look_at(tmp_path / "missing") is None


# --- the files --------------------------------------------------------------------------------------------------------


def test_a_file_that_was_changed_is_written_again(class_: Class) -> None:
    class_.grade()
    before = read_class(class_.out)
    (class_.out / "results" / "student_000.json").write_text("{}")
    (class_.out / "results" / "student_001.json").unlink()
    summary = class_.grade()
    assert (summary.graded, summary.unchanged) == (0, 1)
    assert read_class(class_.out) == before


def test_results_of_who_is_gone_go(class_: Class) -> None:
    class_.grade()
    shutil.rmtree(class_.place / "student_001")
    (class_.out / "results" / "mine.txt").write_text("not ours")
    class_.grade()
    assert sorted(path.name for path in (class_.out / "results").iterdir()) == [
        "mine.txt",
        "student_000.json",
        "student_002.json",
    ]


def test_nothing_to_grade_is_no_score_of_zero(class_: Class) -> None:
    class_.grade()
    shutil.rmtree(class_.place / "student_001")
    (class_.place / "student_001").mkdir()
    summary = class_.grade()
    assert [handin.id for handin in summary.problems] == ["student_001"]
    assert not summary.clean
    assert not (class_.out / "results" / "student_001.json").exists()


def test_gradebooks_and_report(class_: Class) -> None:
    summary = class_.grade(report=True)
    assert summary.documents is not None
    assert summary.documents.index is not None
    written = {path: path.stat().st_mtime_ns for path in (*summary.documents.gradebooks, summary.documents.index)}
    assert class_.grade(report=True).documents == summary.documents
    assert {path: path.stat().st_mtime_ns for path in written} == written
    class_.change_grader("1.a", weight=5.0)
    compared = class_.grade(report=True, compare=class_.out / "grades.csv").documents
    assert compared is not None
    assert compared.compared is not None
    assert [(change.handin, change.difference) for change in compared.compared.gained] == [
        ("student_000", 2.0),
        ("student_001", 1.0),
    ]


def test_a_gradebook_that_is_none_is_told_before_anything_runs(class_: Class, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("a,b\n")
    with pytest.raises(UserError, match="no gradebook"):
        class_.grade(compare=tmp_path / "old.csv")
    assert class_.asked == []


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_faulty_is_not_kept(class_: Class) -> None:
    (path,) = class_.expectations.glob("observations/*spread.obs")
    content = path.read_bytes()
    path.write_bytes(b"damaged")
    summary = class_.grade()
    assert summary.incomplete == ("student_000", "student_001", "student_002")
    assert read_class(class_.out)["student_000"]["extra_data"]["faulty"] == ["test_tiny.test_spread"]
    assert class_.grade().incomplete  # it is tried again each time
    assert class_.asked == ["spread"] * 3
    path.write_bytes(content)
    assert class_.grade().clean
    assert class_.asked == ["spread"] * 3
    assert read_class(class_.out)["student_000"]["score"] == 5


def test_what_was_not_reached_is_tried_again(class_: Class) -> None:
    limits = read_manifest(class_.expectations).limits

    def allow(seconds: float) -> None:
        submission = msgspec.structs.replace(limits.submission, cpu_seconds=seconds)
        changed = msgspec.structs.replace(limits, submission=submission)
        class_.change(lambda manifest: msgspec.structs.replace(manifest, limits=changed))

    allow(1e-6)
    summary = class_.grade()
    assert "student_000" in summary.incomplete  # the last ones are divided into batches of one grader each
    reached = [
        len(results["tests"]) - len(results["extra_data"]["not_reached"]) for results in read_class(class_.out).values()
    ]
    assert sum(reached) >= 3  # the first grader of each
    allow(100)
    assert class_.grade().clean
    assert len(class_.asked) == 3 * GRADERS - sum(reached)


def test_a_worker_that_dies_costs_its_graders_alone(class_: Class) -> None:
    def die(batch: Batch) -> None:
        if "STUDENT = 1" in str(batch.submission):
            raise LostWorkerError("out of memory")

    summary = class_.grade(before=die)
    assert summary.incomplete == ("student_001",)
    results = read_class(class_.out)["student_001"]
    assert len(results["extra_data"]["faulty"]) == GRADERS
    assert "out of memory" in str(results["tests"][0]["extra_data"]["staff"])
    assert class_.grade().clean
    assert len(class_.asked) == GRADERS


def test_a_bug_in_a_worker_ends_the_run_and_loses_nothing(class_: Class) -> None:
    def break_(batch: Batch) -> None:
        if "STUDENT = 2" in str(batch.submission):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        class_.grade(before=break_)
    assert class_.grade().graded <= 2
    assert len(read_class(class_.out)) == 3


def test_a_worker_of_another_kind_is_refused(class_: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    here = workers.this_environment
    monkeypatch.setattr(workers, "this_environment", lambda level: msgspec.structs.replace(here(level), torch="0.1"))
    with pytest.raises(UserError, match="a worker differs from the coordinator: torch: "):
        class_.grade()


def test_a_sandbox_that_is_worn_out_is_replaced(class_: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def worn(sandbox: Sandbox = class_.sandbox) -> _Replaceable:
        made.append(_Replaceable(sandbox))
        if len(made) == 1:
            made[0].level  # noqa: B018 (it works until it is used)
            made[0].stop("the zygote has ended 10 times")
        return made[-1]

    monkeypatch.setattr(workers, "Sandbox", worn)
    assert class_.grade().clean
    assert len(made) == 2


def test_packed_files_grade_the_same(class_: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder.regrade.executors import _packed

    class_.grade()
    before = read_class(class_.out)
    monkeypatch.setattr(CrewHere, "share", lambda self, kit: _packed(kit))
    monkeypatch.setattr(workers, "_state", workers._State())
    class_.grade(fresh=True)
    assert read_class(class_.out) == before


# --- interruptions ----------------------------------------------------------------------------------------------------


def test_what_is_interrupted_goes_on(class_: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder.regrade import run

    undisturbed = Class(class_.tiny, class_.place.parent, class_.sandbox)
    undisturbed.out = class_.out.with_name("undisturbed")
    undisturbed.grade()
    stops: list[run.Stop] = []
    make = run.Stop
    monkeypatch.setattr(run, "Stop", lambda: stops.append(make()) or stops[-1])
    runs, asked = 0, 0
    while not (summary := class_.grade(before=lambda batch: setattr(stops[-1], "asked", len(class_.asked) > 1))).clean:
        assert summary.interrupted
        assert summary.documents is None
        runs += 1
        asked += len(class_.asked)
        assert runs < 20
    assert runs
    assert read_class(class_.out) == read_class(undisturbed.out)


# --- repeating --------------------------------------------------------------------------------------------------------

FLAKY = "\n\n_energy = energy\n\n\ndef energy(x):\n    import os\n    return _energy(x) * (os.urandom(1)[0] < 128)\n"


def test_verdicts_that_change_are_told(class_: Class) -> None:
    with (class_.place / "student_000" / "tiny_energy.py").open("a") as file:
        file.write(FLAKY)
    shutil.copytree(class_.place / "student_000", class_.place / "twin")
    summary = class_.grade(repeat=8)
    assert len(class_.asked) == 8 * 3 * GRADERS
    assert {flaky.handin for flaky in summary.flaky} == {"student_000", "twin"}
    assert {flaky.grader.partition("_energy")[0] for flaky in summary.flaky} == {"test_tiny.test"}
    for flaky in summary.flaky:
        assert set(flaky.verdicts) == {"passed (100%)", "failed (0%)"}
        assert len(flaky.verdicts) == 8
    assert not summary.clean
    assert summary.done == 4


def test_the_reference_is_not_flaky(class_: Class) -> None:
    summary = class_.grade(repeat=3)
    assert summary.flaky == ()
    assert summary.clean
    assert len(class_.asked) == 3 * 3 * GRADERS


# --- parts ------------------------------------------------------------------------------------------------------------


def test_parts_are_of_about_the_same_time(class_: Class) -> None:
    (grader, *_) = read_manifest(class_.expectations).graders
    graders = [msgspec.structs.replace(grader, id=str(i), reference_seconds=i / 10) for i in range(40)]
    assert divide(graders[:5]) == [graders[4::-1]]
    parts = divide(graders)
    assert sorted(int(each.id) for part in parts for each in part) == list(range(40))
    loads = [sum(each.reference_seconds for each in part) for part in parts]
    assert len(parts) == 16
    assert max(loads) < 1.2 * min(loads)
    assert [len(part) for part in divide(graders[:3], at_least=10)] == [1, 1, 1]


@pytest.mark.parametrize(("level", "danger"), [(1, True), (2, False)])
def test_what_isolation_leaves_open_is_told_before_anything_runs(class_: Class, level: int, danger: bool) -> None:
    """Once, of the workers; and an empty text where they are isolated."""
    crew = CrewHere(class_.sandbox)
    crew.environment = lambda: this_environment(level)  # type: ignore[method-assign]
    told: list[str] = []
    crew.before = lambda batch: told.append("a batch")
    with contextlib.suppress(UserError):  # these workers are not what they say
        regrade(class_.tiny.load(), class_.place, class_.out, crew, Wishes(report=False), warn=told.append)
    assert bool(told[0]) == danger
    assert told.count(told[0]) == 1
