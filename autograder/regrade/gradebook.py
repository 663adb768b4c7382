"""Gradebooks of a class: CSV files for people, Gradescope and Canvas, and what changed since an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ScoreChange:
    """A handin whose score is not what it was.

    Attributes:
        handin: its id.
        name: the people's names.
        before: the earlier total; None where there was none.
        after: the total now; None where there is none.
        by_grader: the difference of points by the number of a grader, where the earlier file tells; only what differs.
    """

    handin: str
    name: str
    before: float | None
    after: float | None
    by_grader: Mapping[str, float] = field(default_factory=dict)

    @property
    def difference(self) -> float | None:
        """Points gained, negative for lost ones; None where one of the totals is not there."""
        return None if self.before is None or self.after is None else round(self.after - self.before, 6)


@dataclass(frozen=True)
class Comparison:
    """An earlier gradebook beside the one of now.

    Attributes:
        changes: handins of both whose total or a grader's points differ, the largest loss first.
        unchanged: how many handins of both have the same score.
        only_before: names that stand in the earlier gradebook alone.
        only_now: names of handins that the earlier gradebook lacks.
        by_grader: (handins that gained, handins that lost) by the number of a grader; only what changed.
        notes: sentences on what could not be compared.
    """

    changes: tuple[ScoreChange, ...]
    unchanged: int = 0
    only_before: tuple[str, ...] = ()
    only_now: tuple[str, ...] = ()
    by_grader: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def gained(self) -> tuple[ScoreChange, ...]:
        """Those with more points than before, the largest gain first."""
        return tuple(change for change in reversed(self.changes) if (change.difference or 0) > 0)

    @property
    def lost(self) -> tuple[ScoreChange, ...]:
        """Those with fewer points than before, the largest loss first."""
        return tuple(change for change in self.changes if (change.difference or 0) < 0)
