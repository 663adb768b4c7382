"""What the harness's own tests share: one sandbox, and one recorded tiny homework."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from made_up import SECRET, LentSandbox
from tiny_homework import TinyHomework, write_tiny_homework

from autograder.homework import load_homework
from autograder.manifest import MANIFEST
from autograder.practice import record_practice
from autograder.recording import record
from autograder.sandbox.runner import Sandbox

# The same examples in every run, and no verdict that hangs on how busy the machine is.
settings.register_profile(
    "harness", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("harness")

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One zygote for all tests: to start one takes seconds. It is started by a process that has a secret."""
    with _started_with_a_secret(Sandbox) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def bare_sandbox() -> Iterator[Sandbox]:
    """One without isolation but for limits: what is refused elsewhere must succeed here, or its test shows nothing."""
    with _started_with_a_secret(lambda: Sandbox(max_level=0)) as sandbox:
        yield sandbox


def _started_with_a_secret(start: Callable[[], Sandbox]) -> Sandbox:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_SECRET", SECRET)
        return start()


def _lend(patch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    for module in ("sandbox.runner", "recording", "validation", "gradescope_run"):
        patch.setattr(f"autograder.{module}.Sandbox", lambda: LentSandbox(sandbox))


@pytest.fixture
def lent_sandbox(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> Sandbox:
    """Recording, validation and grading in this process take the session's sandbox for theirs."""
    _lend(monkeypatch, sandbox)
    return sandbox


@pytest.fixture(scope="session")
def _recorded_tiny(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> TinyHomework:
    tiny = write_tiny_homework(tmp_path_factory.mktemp("tiny") / "project")
    with pytest.MonkeyPatch.context() as patch:
        _lend(patch, sandbox)
        record(tiny.load())
        record_practice(tiny.load())
    return tiny


@pytest.fixture
def recorded_tiny(_recorded_tiny: TinyHomework, tmp_path: Path) -> TinyHomework:
    """The tiny homework, recorded; a copy that a test may break."""
    project = tmp_path / "recorded"
    shutil.copytree(_recorded_tiny.project, project)
    return TinyHomework(project)


@pytest.fixture
def tiny(tmp_path: Path) -> TinyHomework:
    """The tiny homework, not recorded yet."""
    return write_tiny_homework(tmp_path / "project")


@pytest.fixture(scope="session")
def recorded_homework(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives a homework's folder of expectations.

    It is what `autograder record` left in build/, or else it is recorded now, which takes minutes.
    """

    @functools.cache
    def folder_of(name: str) -> Path:
        homework = load_homework(name, PROJECT)
        if (homework.expectations / MANIFEST).is_file():
            return homework.expectations
        fresh = tmp_path_factory.mktemp(name) / "expectations"
        record(homework, out=fresh)
        return fresh

    return folder_of


@pytest.fixture(scope="session")
def recorded(recorded_homework: Callable[[str], Path]) -> Path:
    """The folder of expectations of cs446_hw3."""
    return recorded_homework("cs446_hw3")
