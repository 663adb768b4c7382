"""What a class handed in: one handin per student or group, with its people, its place and what is strange with it.

How an export of Gradescope, Canvas or another system is understood: see `exports`.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Person:
    """Someone who handed in, as the export calls them; "" for what it does not tell."""

    name: str
    sid: str = ""
    email: str = ""


@dataclass(frozen=True)
class Handin:
    """One submission of one student or group.

    Attributes:
        id: unique in the class, a safe file name, the same in every run.
        people: who handed it in; several for a group, never empty.
        place: a folder, a zip or a file, as `find_submission` takes it; None where there is nothing to grade.
        submitted: when, as the export tells it.
        attempt: which attempt it is, where there are several ("2 of 3").
        earlier_score: what the export gives as its score.
        notes: for staff, one plain sentence each.
        problem: why there is nothing to grade. Such a handin has no score, which is not a score of 0.
    """

    id: str
    people: tuple[Person, ...]
    place: Path | None
    submitted: str = ""
    attempt: str = ""
    earlier_score: float | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        """The people's names in words."""
        return " and ".join(person.name for person in self.people)


@dataclass(frozen=True)
class Intake:
    """A class's handins, in order.

    `notes` are sentences on what is strange with the class as a whole; `skipped` names what is no submission.
    """

    handins: tuple[Handin, ...]
    notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


Attempts = Literal["latest", "all"]


@contextlib.contextmanager
def take_in(place: Path, *, attempts: Attempts = "latest", expected: Sequence[str] = ()) -> Iterator[Intake]:
    """The handins of a class; what had to be unpacked or brought together for them is there until the context ends.

    Args:
        place: a folder or a zip: an export, or a folder, a zip or a file for each student.
        attempts: only what counts of each student, or all that is there.
        expected: the file names that the homework asks for, which tell `part-1.py` from a resubmission of `part.py`.

    Raises:
        UserError: where there is no class at all. What one student handed in never raises.
    """
    from autograder.regrade.exports import Reception

    with contextlib.ExitStack() as stack:
        yield Reception(stack, attempts, expected).read(place)


def listed_names(handins: Iterable[Handin]) -> dict[str, str]:
    """A name for each handin by its id: the people's names, and where two share these, what tells them apart."""
    handins = tuple(handins)
    counted = Counter(handin.name for handin in handins)
    names = {handin.id: handin.name for handin in handins}
    for told in (_sids, _emails):
        doubled = [handin for handin in handins if counted[names[handin.id]] > 1]
        by_name = defaultdict(list)
        for handin in doubled:
            by_name[names[handin.id]].append(handin)
        for alike in by_name.values():
            marks = [told(handin) for handin in alike]
            if all(marks) and len(set(marks)) == len(marks):
                names |= {handin.id: f"{handin.name} ({told(handin)})" for handin in alike}
        counted = Counter(names.values())
    return {id: name if counted[name] == 1 else f"{name} ({id})" for id, name in names.items()}


def _sids(handin: Handin) -> str:
    return ", ".join(person.sid for person in handin.people if person.sid)


def _emails(handin: Handin) -> str:
    return ", ".join(person.email for person in handin.people if person.email)
