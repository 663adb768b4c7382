"""A run as Gradescope starts it: a folder with source, submission and results, from the zip of the tiny homework."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tiny_homework import REFERENCE, ROOT, TinyHomework

from autograder.bundle import build_gradescope_zip
from autograder.errors import UserError
from autograder.gradescope import ResultsFile
from autograder.gradescope_run import (
    closed_secrets,
    gradescope_root,
    read_metadata,
    run_data,
    run_on_gradescope,
    submission_notes,
    warm_up,
)
from autograder.manifest import read_manifest
from autograder.sandbox.runner import Sandbox
from autograder.slicing import Chunk
from autograder.submission import FoundFile, Problem, Submission, find_submission

SOLUTION = REFERENCE.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
SCHEMA = json.loads((ROOT / "autograder" / "schema" / "results.schema.json").read_text())
METADATA = {
    "id": 123456,
    "created_at": "2026-11-20T14:22:32.365935-08:00",
    "assignment": {"title": "Tiny"},
    "submission_method": "upload",
    "users": [{"email": "student@example.com", "name": "A Student"}],
}


@pytest.fixture
def root(recorded_tiny: TinyHomework, tmp_path: Path) -> Path:
    """What /autograder looks like when a submission is graded."""
    root = tmp_path / "autograder"
    for name in ("source", "submission", "results"):
        (root / name).mkdir(parents=True)
    build_gradescope_zip(recorded_tiny.load(), tmp_path / "tiny.zip")
    with zipfile.ZipFile(tmp_path / "tiny.zip") as archive:
        archive.extractall(root / "source")
    (root / "submission" / "tiny_energy.py").write_text(SOLUTION)
    (root / "submission_metadata.json").write_text(json.dumps(METADATA))
    return root


def results_of(root: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((root / "results" / "results.json").read_text())
    jsonschema.validate(results, SCHEMA)
    return results


# --- in this process ------------------------------------------------------------------------------------------------


def test_results_are_valid_from_the_start_and_after_every_grader(
    root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[dict[str, Any]] = []
    write = ResultsFile._write

    def watched(self: ResultsFile, *arguments: Any, **how: Any) -> None:
        write(self, *arguments, **how)
        states.append(results_of(root))

    monkeypatch.setattr(ResultsFile, "_write", watched)
    manifest, file = run_on_gradescope(root, sandbox)
    reached = [sum(test["extra_data"]["verdict"] != "not reached" for test in state["tests"]) for state in states]
    assert reached == [0, 1, 2, 3, 4, 4]
    assert all(len(state["tests"]) == 4 for state in states)
    assert [state["score"] for state in states][-1] == 10
    scores = [state["score"] for state in states]
    assert scores == sorted(scores)
    assert manifest.homework == "tiny"
    assert len(file.results) == 4


def test_what_a_run_tells(root: Path, sandbox: Sandbox) -> None:
    run_on_gradescope(root, sandbox)
    results = results_of(root)
    assert results["stdout_visibility"] == "hidden"
    assert results["execution_time"] > 0
    assert results["leaderboard"][0]["name"] == "spread_found"
    extra = results["extra_data"]
    assert extra["homework"] == "tiny"
    assert extra["submission"] == {name: METADATA[name] for name in ("id", "created_at", "submission_method")}
    assert "student@example.com" not in json.dumps(results)
    assert (extra["faulty"], extra["not_reached"]) == ([], [])
    tests = {test["number"]: test for test in results["tests"]}
    assert tests["1.a"]["status"] == "passed"
    assert tests["1.a.hidden"]["visibility"] == "after_published"
    assert "data:image/png;base64," in tests["1.a"]["output"]


def test_a_sandbox_that_is_given_is_used_and_stays_open(root: Path, sandbox: Sandbox) -> None:
    run_on_gradescope(root, sandbox)
    extra = results_of(root)["extra_data"]
    assert extra["isolation_level"] == sandbox.level
    assert set(extra["isolation_missing"]) == {layer.name for layer in sandbox.standing.layers if not layer.holds}
    run_on_gradescope(root, sandbox)
    assert results_of(root)["score"] == 10


def test_a_submission_with_nothing_in_it(root: Path, sandbox: Sandbox) -> None:
    (root / "submission" / "tiny_energy.py").unlink()
    run_on_gradescope(root, sandbox)
    results = results_of(root)
    assert results["score"] == 0
    assert {test["status"] for test in results["tests"]} == {"failed"}
    assert "tiny_energy.py" in results["tests"][0]["output"]


def test_a_misnamed_file_is_found_and_the_student_told(root: Path, sandbox: Sandbox) -> None:
    (root / "submission" / "tiny_energy.py").rename(root / "submission" / "tiny-energy.py")
    run_on_gradescope(root, sandbox)
    results = results_of(root)
    assert results["score"] == 10
    assert "tiny-energy.py" in results["output"]


def test_grading_that_breaks_off_leaves_what_there_was(
    root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = ResultsFile.record

    def break_off(self: ResultsFile, result: Any) -> None:
        if any(test.extra_data["verdict"] != "not reached" for test in self._assemble(10**6).tests):
            raise KeyboardInterrupt
        record(self, result)

    monkeypatch.setattr(ResultsFile, "record", break_off)
    with pytest.raises(KeyboardInterrupt):
        run_on_gradescope(root, sandbox)
    results = results_of(root)
    reached = [test for test in results["tests"] if test["extra_data"]["verdict"] != "not reached"]
    assert len(reached) == 1
    assert 0 < results["score"] < 10
    assert "Grading ended before it reached" in results["output"]


def test_a_damaged_zip_is_a_user_error(root: Path, sandbox: Sandbox) -> None:
    (root / "source" / "expectations" / "manifest.json").unlink()
    with pytest.raises(UserError, match="nothing is recorded here"):
        run_on_gradescope(root, sandbox)


def test_an_observation_that_is_damaged_costs_its_grader_alone(root: Path, sandbox: Sandbox) -> None:
    (root / "source" / "expectations" / "observations" / "test_tiny.test_noise.obs").write_bytes(b"x")
    run_on_gradescope(root, sandbox)
    results = results_of(root)
    assert results["score"] == 7
    assert results["extra_data"]["faulty"] == ["test_tiny.test_noise"]
    faulty = next(test for test in results["tests"] if test["number"] == "1.b")
    assert "status" not in faulty
    assert "your code is not to blame" in faulty["output"]


def test_a_submission_that_uses_up_its_time_keeps_its_verdicts(root: Path) -> None:
    path = root / "source" / "expectations" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["limits"]["submission"] = {"wall_seconds": 1140, "cpu_seconds": 1e-6}
    path.write_text(json.dumps(manifest))
    _, file = run_on_gradescope(root)
    results = results_of(root)
    verdicts = [test["extra_data"]["verdict"] for test in results["tests"]]
    assert set(verdicts) == {"passed", "not reached"}
    assert results["score"] > 0
    assert not file.complete
    assert "Why: the graders of a submission may use 1e-06 s of CPU time together" in results["output"]
    unreached = next(test for test in results["tests"] if test["extra_data"]["verdict"] == "not reached")
    assert "status" not in unreached
    assert "The slowest were: " in unreached["output"]


def test_a_bug_of_ours_is_told_and_raised(root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Submission:
        raise RuntimeError("a bug")

    monkeypatch.setattr("autograder.gradescope_run.find_submission", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        run_on_gradescope(root, sandbox)
    results = results_of(root)
    assert "Not reached: the autograder itself broke." in results["tests"][0]["output"]
    assert "not your fault" in results["tests"][0]["output"]
    assert "the autograder itself broke" in results["output"]


# --- secrets --------------------------------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_secrets_are_closed_before_anything_runs(root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = [root / "source" / "expectations", root / "submission", root / "results"]
    for folder in closed:
        folder.chmod(0o755)
    modes = []

    def look(*arguments: Any) -> Submission:
        modes.append([mode(folder) for folder in closed])
        modes.append([mode(root / "submission_metadata.json"), mode(root / "results" / "results.json")])
        return find_submission(*arguments)

    monkeypatch.setattr("autograder.gradescope_run.find_submission", look)
    run_on_gradescope(root, sandbox)
    assert modes == [[0o700] * 3, [0o600] * 2]
    assert mode(root / "results") == 0o755, "Gradescope may fetch the results as another user"
    assert mode(root / "results" / "results.json") == 0o644


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_cannot_enter_what_is_closed() -> None:
    code = "import os, sys; os.setgid(65534); os.setuid(65534); print(open(sys.argv[1]).read())"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        secrets = [root / "source" / "expectations" / "x", root / "submission" / "x", root / "results" / "x"]
        secrets.append(root / "submission_metadata.json")
        for path in secrets:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("a secret")
        os.chown(root / "submission", 65534, 65534)  # as who has unpacked it may be anyone

        def readable() -> list[bool]:
            commands = [["/usr/bin/env", "-i", sys.executable, "-c", code, str(path)] for path in secrets]
            done = [subprocess.run(command, capture_output=True, check=False) for command in commands]
            return [b"a secret" in each.stdout for each in done]

        if not all(readable()):
            pytest.skip("the other user cannot run this Python")
        with closed_secrets(root) as notes:
            assert notes == []
            assert readable() == [False] * 4


def test_what_cannot_be_closed_is_told_to_staff(
    root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    chmod = Path.chmod

    def refused(self: Path, wanted: int) -> None:
        if self.name == "expectations":
            raise PermissionError(1, "Operation not permitted")
        chmod(self, wanted)

    monkeypatch.setattr(Path, "chmod", refused)
    run_on_gradescope(root, sandbox)
    results = results_of(root)
    assert results["score"] == 10
    assert "expectations stays open" in results["extra_data"]["staff"][0]
    assert "expectations stays open" in capfd.readouterr().err
    assert "stays open" not in results["output"]


# --- by itself ------------------------------------------------------------------------------------------------------


def test_the_command_runs_from_the_unpacked_zip(root: Path) -> None:
    """With the zip's own package, isolated from the folder and the environment as run_autograder asks for it."""
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from autograder.cli import main; main(['run'])"
    environment = {"PATH": os.environ["PATH"], "AUTOGRADER_ROOT": str(root)}
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "-c", code, str(root / "source")],
        cwd=root / "source", env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1.a.hidden" in done.stdout  # staff's report
    results = results_of(root)
    assert results["score"] == 10
    assert not list((root / "results").glob(".*"))
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("lent_sandbox")
def test_warming_up_imports_what_graders_need(root: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    asked: list[set[str]] = []
    monkeypatch.setattr(sandbox, "preload", lambda modules: asked.append(set(modules)))
    monkeypatch.setattr("autograder.gradescope_run.PACKAGE", root / "source" / "autograder")
    manifest = read_manifest(root / "source" / "expectations")
    warm_up()
    assert asked == [{module for grader in manifest.graders for module in grader.preload}]


# --- parts ----------------------------------------------------------------------------------------------------------


def test_the_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AUTOGRADER_ROOT", raising=False)
    assert gradescope_root() == Path("/autograder")
    monkeypatch.setenv("AUTOGRADER_ROOT", str(tmp_path))
    assert gradescope_root() == tmp_path
    monkeypatch.setenv("AUTOGRADER_ROOT", "")
    assert gradescope_root() == Path("/autograder")


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"\xff\xfe", b'"text"', b"null", b"[" * 100_000])
def test_metadata_are_not_needed(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "submission_metadata.json").write_bytes(content)
    assert read_metadata(tmp_path) == {}


def test_metadata_that_are_there(tmp_path: Path, recorded_tiny: TinyHomework) -> None:
    (tmp_path / "submission_metadata.json").write_text(json.dumps(METADATA))
    assert read_metadata(tmp_path) == METADATA
    manifest = read_manifest(recorded_tiny.load().expectations)
    assert run_data(manifest, {})["submission"] == {}
    assert run_data(manifest, {})["recorded_with_torch"] == manifest.versions.torch


def test_notes_are_of_the_files_that_were_found() -> None:
    found = FoundFile("a", "a.py", (Chunk("a.py", ""),), notes=("Taken from a folder.",))
    assert submission_notes(Submission({"a": found, "b": Problem("b", "missing")})) == ["Taken from a folder."]


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    yield
    shutil.rmtree(tmp_path / "autograder", ignore_errors=True)
