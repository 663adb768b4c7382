"""What a class handed in: from an export of Gradescope, Canvas or another system to one handin per student or group.

Trusted side. Theory of operation: the class's folder is looked at one level deep, and each of its entries goes where
its name says. Then the entries of one student become attempts, and an attempt a handin. What lies within a student's
folder or zip is left to `find_submission`; nothing of it is read or copied here. Only where an export renames files, or
spreads a student's over the class's folder, they are brought together in a temporary folder under their own names.

Exports that are understood, as far as their forms are known without a specification:
- Gradescope: `submission_metadata.yml` beside folders `submission_<id>`; groups; earlier attempts where their folders
  are there (see `metadata`).
- Canvas: `doejane_[LATE_]<user>_<submission>_<file>`, all files flat; `-1`, `-2` before the suffix are resubmissions.
- Blackboard: `<assignment>_<user>_attempt_<time>_<file>`, and `<assignment>_<user>_attempt_<time>.txt` with the name.
- Moodle: folders or files `<name>_<number>_assignsubmission_file_<file>`.
- Anything else: a folder, a zip or a file of code is a student's, who is called like it; `_attempt_2` is an attempt.

Nothing is dropped silently: who handed in nothing stands in the list with a `problem`, and what is no submission in
`Intake.skipped`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import re
import shutil
import stat
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from autograder.errors import UserError
from autograder.feedback import plain
from autograder.regrade.metadata import FILE as METADATA
from autograder.regrade.metadata import Attempt, Entry, read_metadata
from autograder.regrade.unpacking import unpack, zipped_names
from autograder.submission import (
    MAX_NOTEBOOK,
    MAX_SCRIPT,
    MAX_ZIP,
    Unreadable,
    _is_ignored,
    _open_regular,
    _suffix,
    file_key,
)

#: Most entries of a class's folder that are looked at.
MAX_ENTRIES = 50_000
#: Most entries that are looked at to tell whether a folder is empty.
MAX_LOOKED_AT = 5_000
#: Files of one student that are brought together.
MAX_FILES = 500
#: Names that one sentence lists.
MAX_NAMED = 10
MAX_NAME = 120


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
    with contextlib.ExitStack() as stack:
        yield _Reception(stack, attempts, expected).read(place)


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


# --- what lies in a class's folder ------------------------------------------------------------------------------------

_Kind = Literal["folder", "zip", "code", "other", "missing"]


@dataclass(frozen=True)
class _Entry:
    """Something in the class's folder: what it is called there, where it is, and what was wrong with it."""

    name: str
    place: Path
    kind: _Kind
    notes: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name without the suffix of a file."""
        if self.kind == "folder":
            return self.name
        suffix = _suffix(self.name) or Path(self.name).suffix
        return self.name[: len(self.name) - len(suffix)] or self.name


@dataclass(frozen=True)
class _Part:
    """An entry as one student's: the name that the file had with them, and the attempt that it belongs to."""

    entry: _Entry
    file: str
    attempt: tuple[int, str] = (0, "")  # (0, number) or (1, time), in their order
    is_late: bool = False
    is_text: bool = False


@dataclass
class _Student:
    """What is one student's in the class's folder.

    `is_cumulative`: a file that an attempt lacks is as it was in the attempt before.
    """

    id: str
    name: str
    parts: list[_Part] = field(default_factory=list)
    sid: str = ""
    is_cumulative: bool = False

    def parts_of(self, attempt: tuple[int, str]) -> list[_Part]:
        """What belongs to an attempt; text that was typed into a form only where there is nothing else."""
        if self.is_cumulative:
            earlier = sorted((part for part in self.parts if part.attempt <= attempt), key=lambda part: part.attempt)
            return list({part.file: part for part in earlier}.values())
        parts = [part for part in self.parts if part.attempt == attempt]
        return [part for part in parts if not part.is_text] or parts


_CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<user>\d+)_(?P<submission>\d+)_(?P<file>.+)", re.S)
_TIME = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"
_BLACKBOARD = re.compile(rf"(?P<who>.+?)_attempt_(?P<time>{_TIME})(?:_(?P<file>.+)|(?P<slip>\.txt))", re.S)
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?P<kind>file|onlinetext)(?:_(?P<file>.*))?", re.S
)
_ATTEMPT = re.compile(rf"(?P<who>.+?)[ _.-]+attempt[ _.-]*(?:(?P<time>{_TIME})|(?P<number>\d{{1,6}}))", re.I | re.S)
_RESUBMITTED = re.compile(r"(?P<base>.+)-(?P<number>\d{1,3})", re.S)
_SLIP_NAME = re.compile(r"^Name:[ \t]*(?P<name>[^\r\n(]{1,200})(?:\((?P<user>[^()\r\n]{1,100})\))?", re.M)


class _Reception:
    """Takes in one class."""

    def __init__(self, stack: contextlib.ExitStack, attempts: Attempts, expected: Sequence[str]) -> None:
        self._stack = stack
        self._all = attempts == "all"
        self._expected = {file_key(name) for name in expected}
        self._temporary: Path | None = None
        self._notes: list[str] = []
        self._skipped: list[str] = []
        self._troubles: dict[Path, str] = {}

    def read(self, place: Path) -> Intake:
        root = self._find_root(place)
        if root.is_dir():
            entries = self._entries(root)
            single = self._is_one_submission(entries)
        else:
            entries, single = [_Entry(root.name, root, "code")], False
        if single:
            self._notes.append(f"{plain(place.name, MAX_NAME, lines=1)} was taken as the submission of one student.")
            handins = [Handin(place.stem or "submission", (Person(_shown(place.stem or "submission")),), root)]
        elif any(entry.name == METADATA for entry in entries):
            handins = self._read_gradescope(root, entries)
        else:
            handins = self._read_entries(entries)
        if not handins:
            raise UserError(
                "nobody has handed in anything here",
                where=str(place),
                remedy="Give the folder or the zip that holds a folder, a zip or a file for each student.",
            )
        finished = _with_safe_ids(_tidied(handin) for handin in handins)
        self._notes += _doubled(finished)
        if self._skipped:
            self._notes.append(f"What is no submission was left out: {_some(self._skipped)}.")
        return Intake(finished, tuple(self._notes), tuple(self._skipped))

    # --- where the class is

    def _find_root(self, place: Path) -> Path:
        """The folder in which the students' entries lie, or a single file of code."""
        try:
            mode = place.stat().st_mode
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UserError(f"cannot read this: {reason}", where=str(place)) from error
        if stat.S_ISDIR(mode):
            return self._descend(place, "")
        if stat.S_ISREG(mode) and place.name.lower().endswith(".zip"):
            return self._descend(self._unpacked(place), place.stem)
        if stat.S_ISREG(mode) and _suffix(place.name):
            return place
        raise UserError(
            "this is neither a folder nor a zip",
            where=str(place),
            remedy="Give the folder or the zip that holds a folder, a zip or a file for each student.",
        )

    def _unpacked(self, place: Path) -> Path:
        folder = self._new_folder("class")
        unpacked = unpack(place, folder)
        self._troubles |= unpacked.troubles
        self._notes += unpacked.notes
        return folder

    def _descend(self, folder: Path, zip_name: str) -> Path:
        """Go into folders that hold nothing but the class's folder, and into a zip that holds nothing but an export."""
        root = inner = folder
        for _ in range(6):
            entries = [entry for entry in _scan_class(inner, 20) if not _is_ignored(entry.name)]
            if len(entries) != 1 or entries[0].is_symlink():
                break
            inner = Path(entries[0].path)
            if entries[0].is_dir():
                if _is_export_name(inner.name):
                    break
                root = inner if _is_class(inner, zip_name) else root
            elif inner.name.lower().endswith(".zip") and METADATA in {Path(name).name for name in zipped_names(inner)}:
                zip_name = inner.stem
                root = inner = self._unpacked(inner)
            else:
                break
        if root not in (folder, self._temporary) and "class-" not in root.name:
            self._notes.append(f"The class was found in the folder {_shown(root.name)}.")
        return root

    def _entries(self, root: Path) -> list[_Entry]:
        """What lies in the class's folder, in order. A link counts only where it stays in there."""
        scanned = _scan_class(root, MAX_ENTRIES + 1)
        if len(scanned) > MAX_ENTRIES:
            self._notes.append(f"The folder has more than {MAX_ENTRIES} entries, and not all were looked at.")
            scanned = scanned[:MAX_ENTRIES]
        troubles: dict[str, list[str]] = defaultdict(list)
        for path, trouble in self._troubles.items():
            if path.is_relative_to(root) and path != root:
                troubles[path.relative_to(root).parts[0]].append(trouble)
        found = {entry.name for entry in scanned}
        entries = [self._entry(Path(entry.path), root, tuple(troubles[entry.name][:MAX_NAMED])) for entry in scanned]
        entries += [_Entry(name, root / name, "missing", tuple(troubles[name])) for name in set(troubles) - found]
        return sorted((entry for entry in entries if not _is_ignored(entry.name)), key=lambda entry: entry.name)

    def _entry(self, path: Path, root: Path, notes: tuple[str, ...]) -> _Entry:
        name = path.name
        try:
            if path.is_symlink():
                path = path.resolve(strict=True)
                if not path.is_relative_to(root.resolve()):
                    outside = f"{_shown(name)} is a link to something outside the class's folder."
                    return _Entry(name, path, "missing", (*notes, outside))
            mode = path.stat().st_mode
        except (OSError, RuntimeError, ValueError):
            return _Entry(name, path, "missing", (*notes, f"{_shown(name)} could not be opened."))
        if stat.S_ISDIR(mode):
            kind: _Kind = "folder"
        elif name.lower().endswith(".zip"):
            kind = "zip"
        else:
            kind = "code" if _suffix(name) else "other"
        return _Entry(name, path, kind, notes)

    def _is_one_submission(self, entries: Sequence[_Entry]) -> bool:
        """Whether the folder is no class, but holds the homework's own files."""
        code = [entry for entry in entries if entry.kind == "code"]
        holders = [entry for entry in entries if entry.kind in {"folder", "zip"}]
        is_export = any(entry.name == METADATA or _is_export_name(entry.name) for entry in entries)
        return not is_export and len(holders) < 4 and any(file_key(entry.name) in self._expected for entry in code)

    # --- Gradescope

    def _read_gradescope(self, root: Path, entries: Sequence[_Entry]) -> list[Handin]:
        metadata = read_metadata(root / METADATA)
        self._notes += metadata.notes
        places: dict[str, _Entry] = {}
        for place in entries:
            name = place.stem if place.kind in {"zip", "code"} else place.name
            if place.kind == "other" or name in places:
                self._skipped += [] if place.name == METADATA else [_shown(place.name)]
            else:
                places[name] = place
        known = set()
        handins: list[Handin] = []
        for entry in metadata.entries:
            people = tuple(
                Person(one.name or one.email or one.sid or entry.attempt.folder, one.sid, one.email)
                for one in entry.people
            )
            known |= {attempt.folder for attempt in (entry.attempt, *entry.history)}
            handins += self._submissions(entry, people, places)
        unnamed = []
        for name, place in sorted(places.items()):
            if name in known:
                continue
            unnamed.append(name)
            note = (f"{METADATA} does not tell whose it is.",)
            handins.append(_handin(name, (Person(_shown(name)),), place, note))
        if unnamed:
            self._notes.append(f"{METADATA} does not tell whose these are: {_some(unnamed)}.")
        return handins

    def _submissions(self, entry: Entry, people: tuple[Person, ...], places: Mapping[str, _Entry]) -> Iterator[Handin]:
        """The attempts of one entry that are there, the one that counts last."""
        notes: tuple[str, ...] = ()
        if not people:
            people, notes = (Person(entry.attempt.folder),), (f"{METADATA} does not tell whose it is.",)
        ordered = sorted((*entry.history, entry.attempt), key=lambda attempt: (attempt.submitted, attempt.folder))
        absent = [attempt.folder for attempt in entry.history if attempt.folder not in places]
        if absent and self._all:
            notes = (*notes, f"Earlier attempts that are not in the export: {_some(absent)}.")
        counted: list[Attempt] = [attempt for attempt in ordered if attempt in entry.history] if self._all else []
        for attempt in (*counted, entry.attempt):
            place = places.get(attempt.folder)
            if place is None and attempt is not entry.attempt:
                continue
            number = f"{ordered.index(attempt) + 1} of {len(ordered)}" if len(ordered) > 1 else ""
            handin = _handin(attempt.folder, people, place, notes if attempt is entry.attempt else ())
            if place is None:
                handin = replace(handin, problem=f"{METADATA} tells of {attempt.folder}, which is not there.")
            yield replace(handin, submitted=attempt.submitted, attempt=number, earlier_score=attempt.score)

    # --- all others

    def _read_entries(self, entries: Sequence[_Entry]) -> list[Handin]:
        files = [entry for entry in entries if entry.kind != "folder"]
        is_canvas = 2 * sum(_CANVAS.fullmatch(entry.name) is not None for entry in files) >= max(1, len(files))
        boards: dict[str, _Student] = {}
        others: dict[str, _Student] = {}
        alone: list[_Entry] = []
        for entry in entries:
            is_file = entry.kind != "folder"
            if match := _MOODLE.fullmatch(entry.name):
                key = f"{match['name']}_{match['number']}"
                student = others.setdefault(f"moodle {key}", _Student(key, match["name"]))
                student.parts.append(_Part(entry, match["file"] or entry.name, is_text=match["kind"] == "onlinetext"))
            elif is_file and (match := _BLACKBOARD.fullmatch(entry.name)):
                student = boards.setdefault(match["who"], _Student(match["who"], match["who"]))
                student.parts.append(_Part(entry, match["file"] or "", (1, match["time"])))
            elif is_file and is_canvas and (match := _CANVAS.fullmatch(entry.name)):
                key = f"{match['name']}_{match['user']}"
                student = others.setdefault(f"canvas {key}", _Student(key, match["name"], is_cumulative=True))
                student.parts.append(self._without_mark(_Part(entry, match["file"], is_late=bool(match["late"]))))
            elif entry.kind == "other":
                self._skipped.append(_shown(entry.name))
            else:
                alone.append(entry)
        _name_blackboards(list(boards.values()))
        students = [*boards.values(), *others.values(), *_called_by_entry(alone)]
        students.sort(key=lambda student: (student.name, student.id))
        return [handin for student in students for handin in self._attempts(student)]

    def _without_mark(self, part: _Part) -> _Part:
        """A Canvas file without the mark of a resubmission, which tells the attempt."""
        stem = part.entry.stem
        match = _RESUBMITTED.fullmatch(stem) if file_key(part.file) not in self._expected else None
        if match is None:
            return part
        suffix = part.entry.name[len(stem) :]
        base = part.file[: len(part.file) - len(f"-{match['number']}{suffix}")]
        return replace(part, file=f"{base or 'file'}{suffix}", attempt=(0, match["number"].zfill(3)))

    def _attempts(self, student: _Student) -> Iterator[Handin]:
        """A student's handins, the one that counts last."""
        attempts = sorted({part.attempt for part in student.parts})
        person = Person(_shown(student.name), _shown(student.sid) if student.sid else "")
        for number, attempt in enumerate(attempts, start=1):
            is_last = number == len(attempts)
            if not (is_last or self._all):
                continue
            parts = student.parts_of(attempt)
            handin = self._gathered(student.id, (person,), parts)
            if not is_last:
                label = "" if student.is_cumulative else attempt[1].lstrip("0")
                handin = replace(handin, id=f"{student.id}_attempt_{label or number}")
            if len(attempts) > 1:
                handin = replace(handin, attempt=f"{number} of {len(attempts)}")
            if attempt[0] == 1:
                handin = replace(handin, submitted=attempt[1])
            if any(part.is_late for part in parts):
                handin = replace(handin, notes=(*handin.notes, "It was handed in late."))
            yield handin

    def _gathered(self, id: str, people: tuple[Person, ...], parts: Sequence[_Part]) -> Handin:
        """The handin of one attempt; several files, or renamed ones, are brought together in a folder."""
        files = [part for part in parts if part.file]
        folders = [part for part in files if part.entry.kind == "folder"]
        if folders:
            left_out = [part.entry.name for part in files if part is not folders[0]]
            notes = [f"Left out, since there is the folder {_shown(folders[0].entry.name)}: {_some(left_out)}."]
            return _handin(id, people, folders[0].entry, notes if left_out else ())
        if not files:
            return Handin(id, people, None, problem="There is no file in this attempt.")
        if len(files) == 1 and (files[0].entry.kind == "missing" or files[0].file == files[0].entry.name):
            return _handin(id, people, files[0].entry, ())
        folder = self._new_folder("handin")
        notes = [note for part in files for note in part.entry.notes]
        for part in files[:MAX_FILES]:
            try:
                _bring(part.entry, folder / _file_name(part.file, folder))
            except OSError as error:
                if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                    raise UserError("there is no room for a copy of the files", where=str(folder)) from error
                notes.append(f"{_shown(part.entry.name)} could not be read: {(error.strerror or 'unknown').lower()}.")
        if len(files) > MAX_FILES:
            notes.append(f"There are {len(files)} files, and only {MAX_FILES} were looked at.")
        problem = " ".join(notes[:3]) if all(part.entry.kind == "missing" for part in files) else ""
        return Handin(id, people, None if problem else folder, notes=() if problem else tuple(notes), problem=problem)

    def _new_folder(self, name: str) -> Path:
        if self._temporary is None:
            self._temporary = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="autograder-class-")))
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._temporary))


# --- entries ----------------------------------------------------------------------------------------------------------


def _scan(folder: Path, limit: int) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as scan:
        return sorted(itertools.islice(scan, limit), key=lambda entry: entry.name)


def _scan_class(folder: Path, limit: int) -> list[os.DirEntry[str]]:
    try:
        return _scan(folder, limit)
    except OSError as error:
        raise UserError(f"cannot read this folder: {error.strerror}", where=str(folder)) from error


def _is_class(folder: Path, zip_name: str) -> bool:
    """Whether a folder that lies alone in another one, or in the zip of that name, holds a class."""
    entries = [entry for entry in _scan_class(folder, 1000) if not _is_ignored(entry.name)]
    if any(entry.name == METADATA or _is_export_name(entry.name) for entry in entries):
        return True
    holders = sum(entry.is_dir() or entry.name.lower().endswith(".zip") for entry in entries)
    has_code = any(_suffix(entry.name) and not entry.is_dir() for entry in entries)
    return folder.name == zip_name or (not has_code and holders >= (2 if zip_name else 4))


def _is_export_name(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in (_CANVAS, _BLACKBOARD, _MOODLE))


def _handin(id: str, people: tuple[Person, ...], entry: _Entry | None, notes: Iterable[str]) -> Handin:
    """The handin that is one entry as it stands."""
    if entry is None:
        return Handin(id, people, None, notes=tuple(notes))
    if entry.kind == "missing" or (entry.kind == "folder" and _is_empty(entry.place)):
        problem = " ".join(entry.notes[:3]) or "Nothing was handed in: the folder is empty."
        return Handin(id, people, None, notes=tuple(notes), problem=problem)
    return Handin(id, people, entry.place, notes=(*notes, *entry.notes))


def _is_empty(folder: Path) -> bool:
    """Whether a folder holds no file at all; one that cannot be opened is not empty."""
    folders, left = [folder], MAX_LOOKED_AT
    while folders and left > 0:
        try:
            entries = _scan(folders.pop(), left)
        except OSError:
            return False
        left -= len(entries) + 1
        for entry in entries:
            if _is_ignored(entry.name):
                continue
            if not entry.is_dir(follow_symlinks=False):
                return False
            folders.append(Path(entry.path))
    return not folders


def _called_by_entry(entries: Sequence[_Entry]) -> list[_Student]:
    """A student for each entry, called like it; entries that differ by an attempt alone are of one student."""
    grouped: dict[str, list[_Part]] = defaultdict(list)
    others = []
    for entry in entries:
        if match := _ATTEMPT.fullmatch(entry.stem):
            attempt = (1, match["time"]) if match["time"] else (0, match["number"].zfill(6))
            grouped[match["who"]].append(_Part(entry, entry.name, attempt))
        else:
            others.append(entry)
    stems = Counter(entry.stem for entry in others)
    students = []
    for entry in others:
        name = entry.stem if stems[entry.stem] == 1 else entry.name
        parts = [_Part(entry, entry.name), *grouped.pop(entry.stem, [])]
        students.append(_Student(name, name, parts))
    students += [_Student(who, who, parts) for who, parts in grouped.items()]
    return students


def _name_blackboards(students: Sequence[_Student]) -> None:
    """Ids without the assignment's title, with which all begin, and the names that stand in the slips."""
    words = [student.name.split("_") for student in students]
    most = min(map(len, words), default=1) - 1
    shared = next((at for at in range(most) if len({tuple(name[: at + 1]) for name in words}) > 1), most)
    for student, name in zip(students, words, strict=True):
        student.id = student.name = student.sid = "_".join(name[shared:]) or student.name
        for slip in (part.entry.place for part in student.parts if not part.file):
            with contextlib.suppress(OSError, Unreadable), _open_regular(slip) as file:
                match = _SLIP_NAME.search(file.read(4000).decode("utf-8", "replace"))
                student.name = (match["name"].strip() if match else "") or student.name
                student.sid = ((match["user"] or "").strip() if match else "") or student.sid


def _bring(entry: _Entry, path: Path) -> None:
    """A file under another name: the file itself by a link, else a copy of code, and of all else an empty file."""
    if entry.kind == "missing":
        return
    if entry.kind == "other" or not stat.S_ISREG(entry.place.stat().st_mode):
        path.touch()
        return
    try:
        path.hardlink_to(entry.place)
    except OSError:
        size = entry.place.stat().st_size
        limit = MAX_ZIP if entry.kind == "zip" else MAX_NOTEBOOK if ".ipynb" in _suffix(entry.name) else MAX_SCRIPT
        if size > limit:
            with path.open("xb") as hole:
                hole.truncate(min(size, 10 * limit))
        else:
            shutil.copyfile(entry.place, path)


def _file_name(name: str, folder: Path) -> str:
    """A name within `folder` that no other file has."""
    clean = name.replace("/", "_").replace("\0", "_")
    suffix = _suffix(clean) or Path(clean).suffix
    stem = clean[: len(clean) - len(suffix)]
    for number in itertools.count(2):
        if not (folder / clean).exists():
            break
        clean = f"{stem} ({number}){suffix}"
    return clean


# --- names and ids ----------------------------------------------------------------------------------------------------


def _shown(name: str) -> str:
    """A name that can be printed and is not empty."""
    clean = plain(name.encode("utf-8", "replace").decode("utf-8"), MAX_NAME, lines=1)
    return clean or "(no name)"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(_shown(name) for name in names[:MAX_NAMED])
    return f"{shown} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else shown


def _tidied(handin: Handin) -> Handin:
    return replace(
        handin,
        notes=tuple(plain(note, 400, lines=1) for note in handin.notes),
        problem=plain(handin.problem, 400, lines=1),
    )


def _doubled(handins: Iterable[Handin]) -> list[str]:
    """Who hands in twice, and who share a name."""
    by_id: dict[str, dict[tuple[Person, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    by_name: dict[str, dict[tuple[Person, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    for handin in handins:
        by_name[handin.name][handin.people].append(handin.id)
        for person in handin.people:
            if person.sid or person.email:
                by_id[person.sid or person.email][handin.people].append(handin.id)
    notes = []
    for name, people in by_name.items():
        if len(people) > 1:
            ids = [id for ids in people.values() for id in ids]
            notes.append(f"{name} is the name of {len(people)} students: {_some(ids)}.")
    for key, people in by_id.items():
        if len(people) > 1:
            ids = [id for ids in people.values() for id in ids]
            notes.append(f"The student {_shown(key)} is in several submissions: {_some(ids)}.")
    return notes[:100]


_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)


def _safe(name: str) -> str:
    """A name as a safe file name on every system: letters, digits, `_`, `-` and `.`; others cost a digest."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    spaced = re.sub(r"\s+", "_", ascii_only.strip())
    clean = re.sub(r"[^A-Za-z0-9_.-]", "-", spaced).strip(".-")
    lost = clean != re.sub(r"\s+", "_", name.strip())
    if not lost and clean and len(clean) <= 80 and not _RESERVED.fullmatch(clean):
        return clean
    return _marked(clean, name)


def _marked(clean: str, name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{clean[:60].rstrip('.-') or 'handin'}-{digest}"


def _with_safe_ids(handins: Iterable[Handin]) -> tuple[Handin, ...]:
    """The handins with ids that are unique, also where case does not count, and safe as file names."""
    handins = tuple(handins)
    safe = [_safe(handin.id) for handin in handins]
    counted = Counter(id.lower() for id in safe)
    taken: set[str] = set()
    finished = []
    for handin, id in zip(handins, safe, strict=True):
        if counted[id.lower()] > 1:
            id = _marked(id, handin.id)
        unique, number = id, 2
        while unique.lower() in taken:
            unique, number = f"{id}-{number}", number + 1
        taken.add(unique.lower())
        finished.append(replace(handin, id=unique))
    return tuple(finished)
