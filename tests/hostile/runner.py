"""Run the hostile and the honest submissions at every level of isolation, and count breaches.

For each level one process grades all submissions (`worker`), as the user and with the isolation that the level is made
for. Without isolation it may be killed or stopped; it is then started again after the submission that did it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from corpus import CATEGORIES, HERE, KINDS, Case, read_cases
from descendants import descendants_of, end, try_to_adopt
from guarded_homework import write_guarded_homework
from hard_coded import kit_of
from open_interpreter import NOT_PERMITTED
from planted import VARIABLE
from worker import Config, Found, Line, Opened, Started

import autograder
from autograder.bundle import build_gradescope_zip, build_student_kit
from autograder.practice import record_practice
from autograder.recording import record

START_SECONDS = 120.0
SLACK_SECONDS = 20.0
# Enough to see that a control's breach is not the run's own doing.
TABLE = pytest.StashKey[str]()
HONEST_IN_THE_CONTROL = ("honest/right", "honest/main_without_guard", "honest/threads_and_files")
ORDINARY_USERS = range(65_400, 65_500)


@dataclass(frozen=True)
class Level:
    """One way to run the submissions.

    Attributes:
        name: the short name on the command line.
        title: the table's heading.
        level: the level that must be in force, or for the control the highest that is allowed.
        ordinary: whether it is run as an ordinary user where this process is root.
        protected: whether there may be no breach; without, there must be some.
    """

    name: str
    title: str
    level: int
    ordinary: bool
    protected: bool = True


LEVELS = (
    Level("root", "level 3: root, children under users of their own", 3, ordinary=False),
    Level("user", "level 2: an ordinary user", 2, ordinary=True),
    Level("control", "level 0: isolation off, the negative control", 0, ordinary=True, protected=False),
)


class Report(msgspec.Struct, frozen=True):
    """What one level showed; `skipped` says why it could not be run."""

    level: str
    found: tuple[Found, ...] = ()
    skipped: str = ""
    seconds: float = 0.0


class UnavailableError(Exception):
    """The machine does not offer this level: why."""


def prepare(folder: Path) -> Path:
    """Record the homework and build its Gradescope zip in `folder`, and the student kit beside it; returns the zip."""
    homework = write_guarded_homework(folder / "project")
    record(homework)
    record_practice(homework)
    archive = folder / "guarded.zip"
    for target, build in ((archive, build_gradescope_zip), (kit_of(archive), build_student_kit)):
        build(homework, target)
        target.chmod(0o644)
    return archive


def cases_at(level: Level, cases: Sequence[Case], every: int = 1) -> list[Case]:
    """The cases that are run at a level: those with something to show in the control, else each `every`-th or all.

    Only at the second of two protected levels are cases left out: where this process is not root there is but one.
    """
    if not level.protected:
        return [case for case in cases if case.breaches or case.id in HONEST_IN_THE_CONTROL]
    return list(cases[::every] if level.ordinary and os.geteuid() == 0 else cases)


def run_level(level: Level, cases: Sequence[Case], archive: Path, say: Callable[[str], None], every: int = 1) -> Report:
    """Grade the cases at one level; `every` as in `cases_at`."""
    started = time.monotonic()
    try_to_adopt()
    cases = cases_at(level, cases, every)
    try:
        found = _Supervision(level, cases, archive, say).run()
    except UnavailableError as error:
        return Report(level=level.name, skipped=str(error))
    finally:
        end(descendants_of(os.getpid()))
    return Report(level=level.name, found=tuple(found), seconds=round(time.monotonic() - started, 1))


class _Supervision:
    """Starts a worker, reads its diary, and starts another where it dies or hangs."""

    def __init__(self, level: Level, cases: Sequence[Case], archive: Path, say: Callable[[str], None]) -> None:
        self.level = level
        self.archive = archive
        self.say = say
        self.left = {case.id: case for case in cases}
        self.found: list[Found] = []
        self.user = _user(level)

    def run(self) -> list[Found]:
        while self.left:
            before = len(self.left)
            with ExitStack() as stack:
                base = Path(tempfile.mkdtemp(prefix="hostile-run-"))
                stack.callback(shutil.rmtree, base, ignore_errors=True)
                self._run_worker(base)
            if len(self.left) == before:
                raise RuntimeError(f"the worker of level {self.level.name} graded nothing")
        return self.found

    def _run_worker(self, base: Path) -> None:
        config, diary, log = base / "config.json", base / "diary", base / "log"
        work = base / "work"
        for folder in (work, work / "tmp", work / "home"):
            folder.mkdir()
        told = Config(
            max_level=self.level.level,
            archive=str(self.archive),
            base=str(work),
            diary=str(diary),
            cases=tuple(self.left),
        )
        config.write_bytes(msgspec.json.encode(told))
        diary.touch()
        base.chmod(0o755)
        for path in (work, *work.iterdir(), diary):
            os.chown(path, self.user, self.user) if self.user else None
        opened = (sys.executable, str(HERE / "open_interpreter.py"), str(self.user))
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*opened, sys.executable, "-s", str(HERE / "worker.py"), str(config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(work),
                cwd=work,
                start_new_session=True,
            )
        try:
            self._watch(process, diary, log)
        finally:
            process.kill()
            process.wait()
            end(descendants_of(os.getpid()))

    def _watch(self, process: subprocess.Popen[bytes], diary: Path, log: Path) -> None:
        read = 0
        at_work: Started | None = None
        deadline = time.monotonic() + START_SECONDS
        while True:
            over = process.poll() is not None
            lines = diary.read_bytes()[read:]
            lines = lines[: lines.rfind(b"\n") + 1]
            read += len(lines)
            for text in lines.splitlines():
                line: Line = msgspec.json.decode(text, type=Line)
                deadline = time.monotonic() + START_SECONDS
                if isinstance(line, Opened):
                    self._check(line)
                elif isinstance(line, Started):
                    at_work = line
                    deadline = time.monotonic() + line.bound + SLACK_SECONDS
                else:
                    at_work = None
                    self._note(line.found)
            if over or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        if at_work is not None:
            deserved = len(self.left[at_work.case].deserved())
            what = f"the grader process ended with {process.returncode}" if over else "the grader process stands still"
            hung = () if over else (what,)
            self._note(Found(case=at_work.case, lost=(what,), hung=hung, deserved=deserved))
        elif self.left:
            said = log.read_text(errors="replace").strip()
            if process.returncode == NOT_PERMITTED:
                raise UnavailableError(said)
            raise RuntimeError(
                f"the worker of level {self.level.name} ended with {process.returncode}:\n{said[-3000:]}"
            )

    def _check(self, line: Opened) -> None:
        if self.level.protected and line.level != self.level.level:
            raise UnavailableError(f"this machine gives level {line.level} where level {self.level.level} is wanted")

    def _note(self, found: Found) -> None:
        self.found.append(found)
        del self.left[found.case]
        self.say(f"{self.level.name:8} {found.case:45} {found.seconds:5.1f} s  {describe(found)}")


def describe(found: Found) -> str:
    """A submission's breaches on one line."""
    kinds = {
        "UNDESERVED": found.undeserved,
        "LEAK": found.leaks,
        "LOST": found.lost,
        "HUNG": found.hung,
        "OUT OF BOUNDS": found.reached,
        "LEFT": found.left,
    }
    shown = {kind: [*what[:6], *[f"and {len(what) - 6} more"] * (len(what) > 6)] for kind, what in kinds.items()}
    return "; ".join(f"{kind} {', '.join(what)}" for kind, what in shown.items() if what) or "kept"


def _user(level: Level) -> int:
    """The numeric user to become: 0 for who we are."""
    if os.geteuid() != 0:
        if not level.ordinary:
            raise UnavailableError("only root can give its children users of their own")
        return 0
    return ORDINARY_USERS[2 * (os.getpid() % (len(ORDINARY_USERS) // 2)) + level.protected] if level.ordinary else 0


def _environment(work: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(work / "home"),
        "TMPDIR": str(work / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(Path(autograder.__file__).resolve().parents[1]),
        VARIABLE: f"SECRET-{secrets.token_hex(16)}",
    }


# --- the table ------------------------------------------------------------------------------------------------------

COLUMNS = ("submissions", "undeserved points", "leaks", "lost results", "hung", "out of bounds", "left behind", "kept")


def table(reports: Sequence[Report]) -> str:
    """One block of lines per level: how many submissions of each category did what."""
    lines = []
    levels = {level.name: level for level in LEVELS}
    for report in reports:
        lines.append(f"{levels[report.level].title}{f', {report.seconds:g} s' if report.seconds else ''}")
        if report.skipped:
            lines += [f"  not run: {report.skipped}", ""]
            continue
        lines.append("  " + " " * 8 + "".join(f"{column:>18}" for column in COLUMNS))
        for category in CATEGORIES:
            found = [one for one in report.found if one.case.startswith(f"{category}/")]
            cells = (
                len(found),
                *(sum(bool(getattr(one, kind)) for one in found) for kind in KINDS),
                f"{sum(one.kept for one in found)} of {sum(one.deserved for one in found)}",
            )
            lines.append(f"  {category:8}" + "".join(f"{cell:>18}" for cell in cells))
        lines.append("")
    return "\n".join(lines)


def complaints(reports: Sequence[Report], cases: Sequence[Case]) -> list[str]:
    """What is wrong: a breach at a protected level, one that the control does not show, nothing that was run."""
    levels = {level.name: level for level in LEVELS}
    wrong = []
    for report in reports:
        breached = [found for found in report.found if found.breached]
        if levels[report.level].protected:
            wrong += [f"{report.level}: {found.case}: {describe(found)}" for found in breached]
        elif not report.skipped:
            wrong += not_shown(report, cases)
    if not any(report.found for report in reports if levels[report.level].protected):
        wrong.append("no protected level could be run")
    return wrong


def not_shown(control: Report, cases: Sequence[Case]) -> list[str]:
    """The breaches that the control must show and does not, and those of honest submissions, which are none."""
    found = {one.case: one for one in control.found}
    wrong = []
    for case in cases:
        if case.id not in found:
            continue
        shown = [kind for kind in KINDS if getattr(found[case.id], kind)]
        if not set(case.breaches) <= set(shown) or (shown and not case.hostile):
            wanted = ", ".join(case.breaches) or "nothing"
            wrong.append(f"{control.level}: {case.id} must show {wanted}: {describe(found[case.id])}")
    return wrong


def choose(names: Sequence[str], patterns: Sequence[str]) -> tuple[list[Level], list[Case]]:
    """The levels with these names and the cases whose ids contain one of these texts; all where there is none."""
    levels = [level for level in LEVELS if not names or level.name in names]
    cases = [case for case in read_cases() if not patterns or any(pattern in case.id for pattern in patterns)]
    return levels, cases
