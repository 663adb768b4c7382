"""Kill runs of run_autograder with SIGKILL at random moments, and look at what is left.

    python tests/harness/kill_run.py --count 200

A root is made as Gradescope has it: the tiny homework's zip unpacked, setup.sh run, a submission that earns all
points. A run that is left alone gives the length of a run. Every other one is killed: half of them at a moment of a
seeded grid over that length, half of them a little after results.json has shown a number of verdicts, which is when
it is written most. What is killed is bash, the grader process, or their whole process group. Then
- results.json must be there, decode as `Results`, keep the schema, and show no more points than the first run's;
- no process of the run may be left. This program adopts what the run orphans, so that nothing escapes its count.

Only processes that this program's runs have started are ever sent a signal.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import ctypes
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import jsonschema
import msgspec
from tiny_homework import NAME, REFERENCE, ROOT, write_tiny_homework

from autograder.bundle import build_gradescope_zip
from autograder.gradescope import Results
from autograder.homework import Homework
from autograder.recording import record

SOLUTION = REFERENCE.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((ROOT / "autograder" / "schema" / "results.schema.json").read_text("utf-8"))
)
PATIENCE = 20.0  # seconds until a process that has not ended counts as left; most end within one
LOOK = 0.01
TRIES = 10
SOON = 0.15  # seconds: graders of the tiny homework end this far from each other

Victim = Literal["bash", "python", "group"]
VICTIMS: tuple[Victim, ...] = ("bash", "python", "group")


class Process(NamedTuple):
    """A process, told from a later one with the same number by when it started."""

    pid: int
    started: int  # clock ticks since boot

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return _stat(self.pid) not in (None, ("Z", self.started)) and self == process(self.pid)


class Killed(NamedTuple):
    """What one kill left.

    Attributes:
        victim: what was killed; "nothing" where the run was over before.
        early: verdicts in results.json just before the kill; -1 before the first of Python's own.
        score: in results.json.
        verdicts: how many graders in it have one.
        settled: seconds from the kill to the end of the run's last process.
        faults: what must not be, in words.
    """

    victim: str
    early: int
    score: float
    verdicts: int
    settled: float
    faults: tuple[str, ...]


def make_root(homework: Homework, folder: Path) -> Path:
    """/autograder as it is when a submission arrives: the zip of a recorded homework, and setup.sh has run."""
    root = folder / "autograder"
    build_gradescope_zip(homework, folder / "homework.zip")
    with zipfile.ZipFile(folder / "homework.zip") as archive:
        archive.extractall(root / "source")
    shutil.copy(ROOT / "run_autograder", root / "run_autograder")
    environment = {"PATH": os.environ["PATH"], "AUTOGRADER_ROOT": str(root), "AUTOGRADER_PYTHON": sys.executable}
    subprocess.run(["bash", root / "source" / "setup.sh"], env=environment, check=True, capture_output=True)
    (root / "submission").mkdir()
    (root / "submission" / "tiny_energy.py").write_text(SOLUTION)
    return root


def start(root: Path) -> subprocess.Popen[bytes]:
    """Start run_autograder in a session of its own, heeding every signal, as Gradescope does."""
    return subprocess.Popen(
        ["bash", root / "run_autograder"],
        env={"PATH": os.environ["PATH"], "AUTOGRADER_ROOT": str(root)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_heed_signals,
    )


def _heed_signals() -> None:
    """Undo what a test run in the background, or under nohup, ignores and hands on."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def read(root: Path) -> Results:
    """results.json, checked.

    Raises:
        ValueError, OSError: where it is missing or not valid.
    """
    content = (root / "results" / "results.json").read_bytes()
    results = msgspec.json.decode(content, type=Results)
    if faults := list(SCHEMA.iter_errors(json.loads(content))):
        raise ValueError(faults[0].message)
    return results


def verdicts(results: Results) -> dict[str, str]:
    """The verdict, or "not reached", of every grader in results.json, by its number."""
    return {test.number: test.extra_data["verdict"] for test in results.tests}


def process(pid: int) -> Process | None:
    """The process that has this number now."""
    stat = _stat(pid)
    return None if stat is None else Process(pid, stat[1])


def descendants(pid: int) -> list[Process]:
    """All processes below `pid`."""
    found: list[Process] = []
    waiting = [pid]
    while waiting:
        for child in _children(waiting.pop()):
            known = process(child)
            if known is not None:
                found.append(known)
                waiting.append(child)
    return found


def grader_process(bash: int) -> int | None:
    """The process number of the Python that bash has started, once it is Python."""
    for child in _children(bash):
        with contextlib.suppress(OSError):
            if b"autograder\0run" in Path(f"/proc/{child}/cmdline").read_bytes():
                return child
    return None


def count_verdicts(root: Path) -> int:
    """How many graders have a verdict in results.json; -1 before Python has written it."""
    try:
        states = verdicts(read(root)).values()
    except (OSError, ValueError):
        return -1
    return sum(state != "not reached" for state in states) if states else -1


def kill(root: Path, victim: Victim, moment: float, most: float, after: int = -1) -> Killed:
    """Start a run, kill `victim`, and look at what is left.

    Args:
        root: as `make_root` gives it.
        victim: what to kill; bash where there is no Python yet.
        moment: seconds from when results.json has shown `after` verdicts; from the start if that is -1.
        most: the points that a run may give.
        after: a number of verdicts.
    """
    _like_new(root)
    run = start(root)
    while after > -1 and count_verdicts(root) < after and run.poll() is None:
        time.sleep(0.002)
    time.sleep(moment)
    early = count_verdicts(root)
    killed = _kill(run, victim)
    began = time.monotonic()
    faults = []
    left = _await_end(run)
    settled = time.monotonic() - began
    if left:
        faults.append(f"{len(left)} processes are left: {[_command(each.pid) for each in left]}")
        end_all(left)
    try:
        results = read(root)
    except (OSError, ValueError) as error:
        return Killed(killed, early, 0.0, 0, settled, (*faults, f"results.json: {type(error).__name__}: {error}"))
    reached = max(count_verdicts(root), 0)
    if results.score > most:
        faults.append(f"{results.score:g} points, and a whole run gives {most:g}")
    if reached < early:
        faults.append(f"{reached} verdicts, and there were {early} before")
    return Killed(killed, early, results.score, reached, settled, tuple(faults))


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    pr_set_child_subreaper = 36
    if ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot adopt orphans")


def _like_new(root: Path) -> None:
    """The results' folder as setup.sh leaves it."""
    shutil.rmtree(root / "results", ignore_errors=True)
    environment = {"PATH": os.environ["PATH"], "AUTOGRADER_ROOT": str(root)}
    subprocess.run(["bash", root / "run_autograder", "not-graded"], env=environment, check=True)


def _kill(run: subprocess.Popen[bytes], victim: Victim) -> str:
    """Send SIGKILL; says to what. Bash is not waited for yet, so its number is still its own."""
    if _stat(run.pid) is None or _stat(run.pid)[0] == "Z":  # type: ignore[index]
        return "nothing"
    python = grader_process(run.pid)
    if victim == "group":
        os.killpg(run.pid, signal.SIGKILL)
    elif victim == "python" and python is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(python, signal.SIGKILL)
    else:
        os.kill(run.pid, signal.SIGKILL)
        return "bash"
    return victim


def _await_end(run: subprocess.Popen[bytes]) -> list[Process]:
    """Wait until all that this process has started or adopted has ended; what has not, after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while True:
        if run.poll() is not None:
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    continue
        left = descendants(os.getpid())
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(LOOK)


def end_all(left: list[Process]) -> None:
    """Kill those of the processes that still run."""
    for each in left:
        if each.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGKILL)


def _stat(pid: int) -> tuple[str, int] | None:
    """(state, start in ticks) of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[19])


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:100]
    return "?"


def main() -> None:
    """Kill as often as asked for, print what came of it, and exit with 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description="Kill run_autograder at random moments.")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--root", type=Path, help="A root that is ready; one is made by default.")
    arguments = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="kill-run-") as folder:
        root = arguments.root
        if root is None:
            homework = write_tiny_homework(Path(folder) / "project").load()
            record(homework)
            root = make_root(homework, Path(folder))
        sys.exit(_report(root, arguments.count, random.Random(arguments.seed)))


def _report(root: Path, count: int, rng: random.Random) -> int:
    _like_new(root)
    began = time.monotonic()
    run = start(root)
    run.wait()
    length = time.monotonic() - began
    whole = read(root)
    print(f"a whole run of {NAME}: {length:.1f} s, {whole.score:g} points, status {run.returncode}", flush=True)
    grid = [(-1, (index + rng.random()) / count * length) for index in range(0, count, 2)]
    grid += [(index // 2 % (len(whole.tests) + 1), rng.random() * SOON) for index in range(1, count, 2)]
    rng.shuffle(grid)
    outcomes = []
    for index, (after, moment) in enumerate(grid):
        for _ in range(TRIES):
            outcome = kill(root, VICTIMS[index % len(VICTIMS)], moment, whole.score, after)
            if outcome.victim != "nothing":
                break
            moment *= 0.7  # it was over already: a little earlier
        outcomes.append(outcome)
        for fault in outcome.faults:
            print(f"kill {index}, {outcome.victim} {moment:.2f} s after {after} verdicts: {fault}", flush=True)
    wrong = sum(bool(outcome.faults) for outcome in outcomes)
    print(
        f"{count} kills ({_counted(outcome.victim for outcome in outcomes)}): {wrong} with a fault; "
        f"by verdicts in the file before the kill: {_counted(outcome.early for outcome in outcomes)} "
        f"(-1: Python had not written it yet); "
        f"the last process ended after {max(outcome.settled for outcome in outcomes):.1f} s at most"
    )
    return 1 if wrong or run.returncode != 0 else 0


def _counted(things: Iterable[object]) -> str:
    counts = collections.Counter(map(str, things))
    return ", ".join(f"{thing}: {counts[thing]}" for thing in sorted(counts))


if __name__ == "__main__":
    main()
