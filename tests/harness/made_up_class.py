"""A class of submissions to the tiny homework, and workers that grade it within this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tiny_homework import REFERENCE

from autograder.regrade.executors import Crew
from autograder.regrade.keys import Environment, this_environment
from autograder.regrade.workers import Batch, Done, Kit, interrupt
from autograder.sandbox.runner import Sandbox

SOLUTION = REFERENCE.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
STYLES = (
    ("", ""),
    ("0.5 * x", "1 * x"),
    ("mean(dim=1)", "mean(dim=0)"),
    ("sigma_square**0.5", "sigma_square"),
    (".mean(dim=1)", ".sum(1)"),
    ("return 0.5", "return hidden_name + 0.5"),
)
MEASURED = ("seconds", "cpu_seconds", "peak_mb")


def write_class(folder: Path, count: int) -> list[Path]:
    """As many submissions, each another text: right ones, readings, misconceptions, broken ones. Their files."""
    files = []
    for number in range(count):
        old, new = STYLES[number % len(STYLES)]
        place = folder / f"student_{number:03d}"
        place.mkdir(parents=True)
        text = SOLUTION.replace(old, new) if old else SOLUTION
        files.append(place / "tiny_energy.py")
        files[-1].write_text(f"{text}\n\nSTUDENT = {number}\n")
    return files


def read_class(out: Path) -> dict[str, Any]:
    """All results by handin, without what was measured."""
    found = {}
    for path in sorted((out / "results").glob("*.json")):
        results = json.loads(path.read_text())
        del results["execution_time"]
        for test in results["tests"]:
            for name in MEASURED:
                test["extra_data"].pop(name, None)
        found[path.stem] = results
    return found


class CrewHere(Crew):
    """Threads of this process; counts the graders that were asked for.

    Attributes:
        asked: (module texts, grader) in the order in which they were asked for.
        before: called before each batch.
    """

    def __init__(self, sandbox: Sandbox, slots: int = 1) -> None:
        self._level = sandbox.level
        self._slots = slots
        self._threads = ThreadPoolExecutor(slots)
        self.asked: list[tuple[bytes, str]] = []
        self.before: Callable[[Batch], None] = lambda batch: None

    @property
    def slots(self) -> int:
        return self._slots

    def environment(self) -> Environment:
        return this_environment(self._level)

    def share(self, kit: Kit) -> Kit:
        return kit

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        _, batch = args
        self.asked += [(batch.submission, grader) for grader in batch.graders]

        def call() -> Done:
            self.before(batch)
            return fn(*args)

        return self._threads.submit(call)

    def interrupt(self, run: str) -> None:
        interrupt(run)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait=wait or cancel_futures, cancel_futures=cancel_futures)
