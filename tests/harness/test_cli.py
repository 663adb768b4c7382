"""The commands from outside: the whole way of a homework, and every error as what, where and what to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from tiny_homework import REFERENCE, ROOT, TinyHomework

from autograder.cli import main

SOLUTION = REFERENCE.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
SCHEMA = json.loads((ROOT / "autograder" / "schema" / "results.schema.json").read_text())
Command = Callable[..., Result]


@pytest.fixture
def command(lent_sandbox: object, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command in this process, with the session's sandbox."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object, ends_with: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == ends_with, result.output
        return result

    return run


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "tiny_energy.py").write_text(SOLUTION)
    return folder


# --- the whole way --------------------------------------------------------------------------------------------------


def test_from_a_reference_to_a_zip(
    tiny: TinyHomework, command: Command, submission: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tiny.project)
    shutil.rmtree(tiny.load().template)
    assert command("templates").stdout == "student_template/tiny\n"
    assert "NotImplementedError" in (tiny.load().template / "tiny_energy.py").read_text()

    recorded = command("record", "tiny", "-j", 2).stdout
    assert recorded.startswith("4 graders, 1 readings and 3 misconceptions recorded in ")
    assert recorded.endswith("build/tiny/expectations\n")

    validated = command("validate", "tiny").stdout
    assert validated.count("\nok    ") + validated.startswith("ok    ") == 10
    assert validated.endswith("10 of 10 rules hold\n")

    results = tmp_path / "out" / "results.json"
    graded = command("grade", "tiny", submission, "--results", results).stdout
    assert "10" in graded
    assert str(results) in graded
    written = json.loads(results.read_text())
    jsonschema.validate(written, SCHEMA)
    assert written["score"] == 10
    assert [test["number"] for test in written["tests"]] == ["1.a", "1.a.hidden", "1.b", "1.c"]

    built = command("build", "tiny").stdout
    assert "dist/tiny-gradescope.zip: " in built
    assert "dist/tiny-student-kit.zip: " in built
    assert (tiny.project / "dist" / "tiny-gradescope.zip").is_file()

    listed = command("show", "tiny").stdout
    for text in ("Tiny homework", "1.a.hidden", "energy is half the mean square.", "summed over the features"):
        assert text in listed
    assert "energy (close) float32 [5]: " in command("show", "tiny", "1.a").stdout
    assert "1.a" in command("show", results).stdout


def test_as_a_program(recorded_tiny: TinyHomework, submission: Path) -> None:
    """In a process of its own: the entry point, the exit status, and a zygote that ends with it."""
    done = subprocess.run(
        [sys.executable, "-m", "autograder", "grade", "tiny", str(submission), "--student"],
        cwd=recorded_tiny.project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1.b" in done.stdout
    assert "1.a.hidden" not in done.stdout
    assert "Traceback" not in done.stderr


def test_what_was_not_reached_is_told_with_its_reason(recorded_tiny: TinyHomework, submission: Path) -> None:
    path = recorded_tiny.load().expectations / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["limits"]["submission"] = {"wall_seconds": 500, "cpu_seconds": 1e-6}
    path.write_text(json.dumps(manifest))
    command = [
        sys.executable,
        "-m",
        "autograder",
        "grade",
        "tiny",
        str(submission),
        "--jobs",
        "1",
        "--results",
        "r.json",
    ]
    for view in ([], ["--student"]):
        done = subprocess.run(
            [*command, *view], cwd=recorded_tiny.project, capture_output=True, text=True, check=False,
            env={**os.environ, "COLUMNS": "300"},
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        assert "Not reached: the graders of a submission may use 1e-06 s of CPU time together" in done.stdout
        assert "The slowest were: " in done.stdout
    results = json.loads((recorded_tiny.project / "r.json").read_text())
    jsonschema.validate(results, SCHEMA)
    assert len(results["extra_data"]["not_reached"]) == 3


def test_windows_is_told_what_to_do(
    recorded_tiny: TinyHomework, command: Command, submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded_tiny.project)
    monkeypatch.setattr("autograder.cli.sys.platform", "win32")
    assert "Windows Subsystem for Linux" in command("grade", "tiny", submission, ends_with=2).output


def test_the_kit_checks_itself_without_the_project(
    recorded_tiny: TinyHomework, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded_tiny.project)
    command("build", "tiny", "--out", tmp_path / "dist")
    kit = tmp_path / "kit"
    with zipfile.ZipFile(tmp_path / "dist" / "tiny-student-kit.zip") as archive:
        archive.extractall(kit)

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "autograder", "check"], cwd=kit, capture_output=True, text=True, check=False
        )

    untouched = check()
    assert untouched.returncode == 0, untouched.stderr
    assert "is not written yet" in untouched.stdout
    (kit / "tiny_energy.py").write_text(SOLUTION.replace("0.5 * x", "1.0 * x"))
    mistaken = check()
    assert "Factor one half forgotten." in mistaken.stdout
    assert "hidden" not in mistaken.stdout.lower()


# --- grade ----------------------------------------------------------------------------------------------------------


def test_what_staff_and_students_see(
    recorded_tiny: TinyHomework, command: Command, submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded_tiny.project)
    (submission / "tiny_energy.py").write_text(SOLUTION.replace("0.5 * x", "1.0 * x"))
    staff = command("grade", "tiny", submission).stdout
    student = command("grade", "tiny", submission, "--student").stdout
    assert "misconception: factor one half forgotten" in staff
    assert "1.a.hidden" in staff
    assert "misconception:" not in student
    assert "1.a.hidden" not in student
    assert "Factor one half forgotten." in student


def test_staff_are_told_of_what_is_newer_than_the_recording(
    recorded_tiny: TinyHomework, command: Command, submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grader that was mended and not recorded; students have nothing to do with it."""
    monkeypatch.chdir(recorded_tiny.project)
    assert "last recording" not in command("grade", "tiny", submission).stderr
    grader = next(recorded_tiny.load().graders.glob("*.py"))
    os.utime(grader, (2_000_000_000, 2_000_000_000))
    told = command("grade", "tiny", submission).stderr
    assert f"written since the last recording: tests/graders/tiny/{grader.name}." in told
    assert "run `autograder record tiny` first" in told
    assert "last recording" not in command("grade", "tiny", submission, "--student").stderr
    out = submission.parent / "out"
    assert "last recording" in command("regrade", "tiny", submission, "-o", out, "--workers", 1, "--no-report").stderr


def test_a_faulty_grader_is_an_exit_status(
    recorded_tiny: TinyHomework, command: Command, submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded_tiny.project)
    (recorded_tiny.load().expectations / "observations" / "test_tiny.test_noise.obs").write_bytes(b"")
    assert "1.b" in command("grade", "tiny", submission, ends_with=1).stdout


def test_one_file_and_another_place(
    recorded_tiny: TinyHomework, command: Command, submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded_tiny.reference)
    assert "10" in command("grade", "tiny", submission / "tiny_energy.py", "-j", 1).stdout


def test_validate_tells_every_fault(
    recorded_tiny: TinyHomework, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded_tiny.project)
    path = recorded_tiny.load().template / "tiny_energy.py"
    path.write_text(path.read_text() + "# by hand\n")
    output = command("validate", "tiny", ends_with=1).stdout
    assert "BROKEN the templates are the reference's\n         " in output
    assert output.endswith("9 of 10 rules hold\n")


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "what", "where", "remedy"),
    [
        (("record", "other"), "no homework called 'other'", "reference/other/homework.toml", "Homeworks here: tiny."),
        (("validate", "tiny"), "nothing is recorded here", "manifest.json", "Run `autograder record HOMEWORK` first."),
        (("grade", "tiny", "."), "nothing is recorded here", "manifest.json", "autograder record"),
        (("build", "tiny"), "nothing is recorded here", "manifest.json", "autograder record"),
        (("show", "tiny"), "nothing is recorded here", "manifest.json", "autograder record"),
        (("show", "none.json"), "not a results.json of this autograder", "none.json", ""),
        (("check",), "this is no student kit", "expectations", "autograder grade HOMEWORK SUBMISSION"),
        (
            ("templates", "other"),
            "no homework called 'other'",
            "reference/other/homework.toml",
            "Homeworks here: tiny.",
        ),
        (("record", "tiny", "--data", "."), "no such data file", "ubyte.gz", ""),
    ],
)
def test_an_error_is_what_where_and_what_to_do(
    tiny: TinyHomework,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    what: str,
    where: str,
    remedy: str,
) -> None:
    monkeypatch.chdir(tiny.project)
    result = command(*arguments, ends_with=2)
    assert result.stdout == ""
    told = result.stderr.splitlines()
    assert told[0].startswith("Error: ")
    assert what in told[0]
    assert told[1].startswith("  where: ")
    assert where in told[1]
    assert not remedy or (told[2].startswith("  what to do: ") and remedy in told[2])


def test_data_that_cannot_serve_are_refused_before_grading(
    recorded_tiny: TinyHomework, command: Command, submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded_tiny.project)
    result = command("grade", "tiny", submission, "--data", submission, ends_with=2)
    assert "no such data file" in result.stderr


def test_a_stale_recording_is_not_built(
    recorded_tiny: TinyHomework, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded_tiny.project)
    recorded_tiny.change(recorded_tiny.graders, "BATCH = 5", "BATCH = 6")
    assert "changed since it was recorded" in command("build", "tiny", ends_with=2).stderr
    assert not (recorded_tiny.project / "dist").exists()


def test_outside_of_a_project(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Run this inside the project." in command("record", "tiny", ends_with=2).stderr


def test_brackets_and_backslashes_of_an_error_are_shown_as_they_are(
    tiny: TinyHomework, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.project)
    tiny.change(tiny.variants, 'old = "mean(dim=1)"', "old = 'x[red]y\\[bold]z[/]'")
    assert r"'x[red]y\\[bold]z[/]'" in command("record", "tiny", ends_with=2).stderr


@pytest.mark.parametrize(
    "arguments", [("grade", "tiny", "nowhere"), ("grade",), ("record", "tiny", "-j", "0"), ("nonsense",)]
)
def test_misuse(command: Command, arguments: tuple[str, ...]) -> None:
    assert "Usage:" in command(*arguments, ends_with=2).stderr


def test_help_names_every_command_for_people(command: Command) -> None:
    text = command("--help").stdout
    for name in ("record", "grade", "build", "templates", "validate", "show", "check"):
        assert f"\n  {name} " in text
        assert command(name, "--help").stdout.startswith("Usage: ")
    assert "\n  run " not in text
    assert command("-h").stdout == text


def test_version(command: Command) -> None:
    from autograder import __version__

    assert command("--version").stdout == f"autograder, version {__version__}\n"


def test_the_commands_load_nothing_that_they_do_not_need() -> None:
    """`--help` within a moment: neither torch nor pytest."""
    code = (
        "import sys; from autograder.cli import main; main(['--help'], standalone_mode=False); "
        "sys.exit(bool({'torch', 'pytest', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
