"""A regrade on the terminal: how far it is, and what came of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from autograder.regrade import run
from autograder.regrade.documents import Documents

LINE_SECONDS = 10.0  # between two lines where there is no terminal
NAMED = 10  # handins that are named in one line

Show = Callable[[run.Progress], None]


@contextlib.contextmanager
def shown(console: Console) -> Iterator[Show]:
    """Gives what shows progress: a bar on a terminal, else a line now and then."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("grading"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[words]}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, words="looking at what is there")
        yield lambda now: bar.update(task, completed=now.done, total=now.total, words=words(now))


def words(now: run.Progress) -> str:
    """How far a run is, in one line."""
    pieces = [f"{now.done} of {now.total}"]
    if now.rate:
        pieces.append(f"{now.rate * 60:.0f} a minute" if now.rate < 1 else f"{now.rate:.1f} a second")
    if now.seconds_left is not None and now.done < now.total:
        pieces.append(f"{_duration(now.seconds_left)} left")
    if now.failures:
        pieces.append(f"{now.failures} not graded completely")
    return ", ".join(pieces)


def told(summary: run.Summary, seconds: float) -> Iterator[str]:
    """What came of a run, and what to do about it, line by line."""
    yield from summary.notes
    for handin in summary.problems:
        yield f"Not graded: {handin.id} ({handin.name}): {handin.problem}"
    if summary.incomplete:
        yield (
            f"A grader is faulty or was not reached for {_named(summary.incomplete)}. "
            "The results say which and why; the same command tries these graders again."
        )
    for flaky in summary.flaky[:NAMED]:
        yield f"Not the same in every run: {flaky.handin}, {flaky.grader}: {', '.join(flaky.verdicts)}"
    if len(summary.flaky) > NAMED:
        yield f"and {len(summary.flaky) - NAMED} more verdicts that changed"
    took = f"{summary.graded} graded in {_duration(seconds)}, {summary.ran} verdicts; {summary.unchanged} unchanged"
    if summary.interrupted:
        yield f"Stopped: {summary.done} of {summary.handins} submissions are finished ({took})."
        yield "All verdicts so far are kept: the same command goes on from here."
    else:
        yield f"{summary.handins} submissions: {took}."
        if summary.documents is not None:
            yield from _written(summary.documents)


def _written(documents: Documents) -> Iterator[str]:
    compared = documents.compared
    if compared is not None:
        yield (
            f"Compared with before: {len(compared.gained)} gain, {len(compared.lost)} lose, "
            f"{compared.unchanged} have the same score."
        )
        changed = sorted(compared.by_grader.items(), key=lambda item: -sum(item[1]))
        for number, (gained, lost) in changed[:NAMED]:
            yield f"  {number}: {gained} gain, {lost} lose"
        yield from compared.notes
    yield ", ".join(str(path) for path in (*documents.gradebooks, documents.index) if path is not None)


class _Lines:
    """A line when a run begins to grade, now and then, and at its end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = time.monotonic() + LINE_SECONDS

    def __call__(self, now: run.Progress) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_SECONDS
            self._console.print(f"grading: {words(now)}", soft_wrap=True, highlight=False, markup=False)


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"
