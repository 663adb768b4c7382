"""Whose an entry of a class's folder is, and which attempt, as its name tells; see `exports` for the forms of names."""

from __future__ import annotations

import contextlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from autograder.regrade.entries import Entry
from autograder.submission import Unreadable, open_regular

CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<user>\d+)_(?P<submission>\d+)_(?P<file>.+)", re.S)
_TIME = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"
BLACKBOARD = re.compile(rf"(?P<who>.+?)_attempt_(?P<time>{_TIME})(?:_(?P<file>.+)|(?P<slip>\.txt))", re.S)
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?P<kind>file|onlinetext)(?:_(?P<file>.*))?", re.S)
_ATTEMPT = re.compile(rf"(?P<who>.+?)[ _.-]+attempt[ _.-]*(?:(?P<time>{_TIME})|(?P<number>\d{{1,6}}))", re.I | re.S)
RESUBMITTED = re.compile(r"(?P<base>.+)-(?P<number>\d{1,3})", re.S)
_SLIP_NAME = re.compile(r"^Name:[ \t]*(?P<name>[^\r\n(]{1,200})(?:\((?P<user>[^()\r\n]{1,100})\))?", re.M)


@dataclass(frozen=True)
class Part:
    """An entry as one student's: the name that the file had with them, and the attempt that it belongs to."""

    entry: Entry
    file: str
    attempt: tuple[int, str] = (0, "")  # (0, number) or (1, time), in their order
    is_late: bool = False
    is_text: bool = False


@dataclass
class Student:
    """What is one student's in the class's folder.

    `is_cumulative`: a file that an attempt lacks is as it was in the attempt before.
    """

    id: str
    name: str
    parts: list[Part] = field(default_factory=list)
    sid: str = ""
    is_cumulative: bool = False

    def parts_of(self, attempt: tuple[int, str]) -> list[Part]:
        """What belongs to an attempt; text that was typed into a form only where there is nothing else."""
        if self.is_cumulative:
            earlier = sorted((part for part in self.parts if part.attempt <= attempt), key=lambda part: part.attempt)
            return list({part.file: part for part in earlier}.values())
        parts = [part for part in self.parts if part.attempt == attempt]
        return [part for part in parts if not part.is_text] or parts


def is_export_name(name: str) -> bool:
    """Whether an export gave a file or folder this name."""
    return any(pattern.fullmatch(name) for pattern in (CANVAS, BLACKBOARD, MOODLE))


def called_by_entry(entries: Sequence[Entry]) -> list[Student]:
    """A student for each entry, called like it; entries that differ by an attempt alone are of one student."""
    grouped: dict[str, list[Part]] = defaultdict(list)
    others = []
    for entry in entries:
        if match := _ATTEMPT.fullmatch(entry.stem):
            attempt = (1, match["time"]) if match["time"] else (0, match["number"].zfill(6))
            grouped[match["who"]].append(Part(entry, entry.name, attempt))
        else:
            others.append(entry)
    stems = Counter(entry.stem for entry in others)
    students = []
    for entry in others:
        name = entry.stem if stems[entry.stem] == 1 else entry.name
        parts = [Part(entry, entry.name), *grouped.pop(entry.stem, [])]
        students.append(Student(name, name, parts))
    students += [Student(who, who, parts) for who, parts in grouped.items()]
    return students


def name_blackboards(students: Sequence[Student]) -> None:
    """Ids without the assignment's title, with which all begin, and the names that stand in the slips."""
    words = [student.name.split("_") for student in students]
    most = min(map(len, words), default=1) - 1
    shared = next((at for at in range(most) if len({tuple(name[: at + 1]) for name in words}) > 1), most)
    for student, name in zip(students, words, strict=True):
        student.id = student.name = student.sid = "_".join(name[shared:]) or student.name
        for slip in (part.entry.place for part in student.parts if not part.file):
            with contextlib.suppress(OSError, Unreadable), open_regular(slip) as file:
                match = _SLIP_NAME.search(file.read(4000).decode("utf-8", "replace"))
                student.name = (match["name"].strip() if match else "") or student.name
                student.sid = ((match["user"] or "").strip() if match else "") or student.sid
