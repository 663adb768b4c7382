"""Which graders of a submission share a child, and how many.

A child costs more than most graders: the fork of a process with PyTorch, its isolation, its end. Quick graders are
therefore observed one after the other in one child, for as long as each leaves it as it found it (sandbox/imprint.py).
What a grader that is not the first in its child comes to counts only if it passed; all else is observed again, where
it is the first. So nobody loses a point to a grader that ran before. Hidden graders never share a child with visible
ones, whose output is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from autograder.manifest import Grader

MOST = 16  # graders in a child
MOST_SECONDS = 1.0  # of the reference, together
PATIENCE = 3  # children in a row that did one grader of several


class Turns:
    """The graders that are still to be run, in the groups that share a child. For one thread at a time.

    The group with the earliest grader is always the next one.
    """

    def __init__(self, graders: Sequence[Grader]) -> None:
        self._order = {grader.id: index for index, grader in enumerate(graders)}
        self._waiting: list[tuple[int, Sequence[Grader]]] = []
        self._short = 0
        for group in groups(graders):
            self._wait(group)

    def take(self, cpu_seconds: float) -> Sequence[Grader]:
        """The next group: no more graders than may use so much CPU time together, but one at least if any is left."""
        if not self._waiting:
            return ()
        _, group = heappop(self._waiting)
        room = 1 if self._short >= PATIENCE else max(1, int(min(cpu_seconds / group[0].limits.seconds, MOST)))
        self._wait(group[room:])
        return group[:room]

    def put_back(self, group: Sequence[Grader], results: Sequence[object | None]) -> None:
        """A child has done the first ones of a group; those whose result is None are run again, and alone."""
        if len(group) > 1:
            self._short = self._short + 1 if len(results) == 1 else 0
        for grader, result in zip(group, results, strict=False):
            if result is None:
                self._wait([grader])
        self._wait(group[len(results) :])

    def _wait(self, group: Sequence[Grader]) -> None:
        if group:
            heappush(self._waiting, (self._order[group[0].id], group))


def groups(graders: Iterable[Grader]) -> list[Sequence[Grader]]:
    """Graders in the groups that may share a child; they stay in their order."""
    found: dict[object, list[Grader]] = {}
    every: list[list[Grader]] = []
    for grader in graders:
        kind = grader.hidden, grader.visibility, grader.limits
        group = found.get(kind)
        if group is None or len(group) == MOST or _seconds([*group, grader]) > MOST_SECONDS:
            group = found[kind] = []
            every.append(group)
        group.append(grader)
    return list(every)


def _seconds(graders: Sequence[Grader]) -> float:
    return sum(grader.reference_seconds for grader in graders)
