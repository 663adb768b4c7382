"""Landlock: what a child can no longer reach, each with its control."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.sandbox import landlock
from autograder.sandbox.channels import ReplyLimits
from autograder.sandbox.protocol import ChildLimits, Job, Source
from autograder.sandbox.runner import Outcome, Sandbox

LIMITS = ChildLimits(cpu_seconds=10, wall_seconds=30, memory_bytes=2**31, file_bytes=2**20)
GRADER = "def test_it(student, observe):\n    observe.exact(said=student.f())\n"

pytestmark = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")


@dataclass(frozen=True)
class Boxes:
    """A sandbox that has the layer, and one that has not."""

    confined: Sandbox
    free: Sandbox


@pytest.fixture
def box(sandbox: Sandbox, bare_sandbox: Sandbox) -> Boxes:
    return Boxes(sandbox, bare_sandbox)


def run(boxes: Boxes, body: str, data: Path, *, confined: bool) -> Outcome:
    """The outcome of a student's `f` with this body."""
    job = Job(
        id="job",
        grader=Source("grader.py", GRADER),
        function="test_it",
        arguments=("student", "observe"),
        submission={"student": (Source("student.py", f"def f():\n    {body}\n"),)},
        given={},
        seed=1,
        student_seed=2,
        data=str(data),
    )
    sandbox = boxes.confined if confined else boxes.free
    return sandbox.run(job, LIMITS, ReplyLimits(reply=2**20, output=2**16))


def said(outcome: Outcome) -> str:
    """What f returned, or the type of what it raised."""
    assert outcome.observation is not None, outcome
    failure = outcome.observation.failure
    return failure.type if failure is not None else outcome.observation.entries[0].text


@pytest.mark.parametrize(
    ("body", "free"),
    [
        ("return open({secret!r}).read()", '"the answer"'),
        ("import os; return len(os.listdir({folder!r}))", "2"),
        ("import subprocess; return subprocess.run(['cat', {secret!r}], capture_output=True, text=True).stdout", None),
        ("return open({target!r}, 'w').write('forged')", "6"),
        ("import os; os.rename({secret!r}, {target!r}); return 'moved'", '"moved"'),
    ],
)
def test_files_elsewhere_are_out_of_reach(box: Boxes, tmp_path: Path, body: str, free: str | None) -> None:
    """Reading, listing, writing and moving; the same code succeeds where nothing confines it."""
    data = tmp_path / "data"
    data.mkdir()
    secret, target = tmp_path / "secret.txt", tmp_path / "forged.txt"
    secret.write_text("the answer")
    code = body.format(secret=str(secret), folder=str(tmp_path), target=str(target))
    held = said(run(box, code, data, confined=True))
    assert held in ("PermissionError", '""')
    assert secret.read_text() == "the answer"
    assert not target.exists()
    control = said(run(box, code, data, confined=False))
    assert control == (free if free is not None else '"the answer"')


def test_memory_of_the_zygote_is_out_of_reach(box: Boxes, tmp_path: Path) -> None:
    """/proc shows nothing of other processes."""
    body = "import os; return open(f'/proc/{os.getppid()}/mem', 'rb').read(0).decode()"
    assert said(run(box, body, tmp_path, confined=True)) == "PermissionError"
    assert said(run(box, body, tmp_path, confined=False)) == '""'


def test_scratch_data_and_packages_are_within_reach(box: Boxes, tmp_path: Path) -> None:
    """What a grader and an honest student need."""
    (tmp_path / "digits").write_text("7")
    body = (
        "import os, tempfile, wave, torch, torchvision; open('a', 'w').write('x'); tempfile.mkstemp(); os.mkdir('d'); "
        "os.rename('a', 'd/b'); return open(os.environ['AUTOGRADER_DATA'] + '/digits').read()"
    )
    assert said(run(box, body, tmp_path, confined=True)) == '"7"'


def test_a_folder_that_holds_this_package_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expectations lie beside the package in a Gradescope image."""
    beside = Path(landlock.__file__).resolve().parents[2]
    monkeypatch.syspath_prepend(str(beside))
    monkeypatch.syspath_prepend("__editable___.finder.__path_hook__")  # a name, and no folder below this one
    assert not [folder for folder in landlock.interpreter_folders() if "__path_hook__" in folder]
    assert str(beside) not in landlock.interpreter_folders()
    assert str(beside / "autograder") in landlock.interpreter_folders()


@pytest.mark.skipif(landlock.version() < 6, reason="this kernel's Landlock does not bound signals")
def test_the_processes_that_it_can_signal(box: Boxes, tmp_path: Path) -> None:
    """Else a submission kills the zygote, and every grader after it is faulty."""
    body = "import os; os.kill(os.getppid(), 0); return 'reached'"
    assert said(run(box, body, tmp_path, confined=False)) == '"reached"'
    assert said(run(box, body, tmp_path, confined=True)) == "PermissionError"
