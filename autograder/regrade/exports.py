"""From an export of Gradescope, Canvas or another system to one handin per student or group.

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
import stat
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from autograder.errors import UserError
from autograder.feedback import plain
from autograder.regrade.entries import Entry, Kind, as_handin, bring, free_name, scan_class
from autograder.regrade.handins import Attempts, Handin, Intake, Person
from autograder.regrade.identities import MAX_NAME, MAX_NAMED, namesakes, shown, some, with_safe_ids
from autograder.regrade.metadata import FILE as METADATA
from autograder.regrade.metadata import Attempt, read_metadata
from autograder.regrade.metadata import Entry as Told
from autograder.regrade.students import (
    BLACKBOARD,
    CANVAS,
    MOODLE,
    RESUBMITTED,
    Part,
    Student,
    called_by_entry,
    is_export_name,
    name_blackboards,
)
from autograder.regrade.unpacking import unpack, zipped_names
from autograder.submission import code_suffix, file_key, is_ignored

#: Most entries of a class's folder that are looked at.
MAX_ENTRIES = 50_000
#: Files of one student that are brought together.
MAX_FILES = 500


class Reception:
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
            entries, single = [Entry(root.name, root, "code")], False
        if single:
            self._notes.append(f"{plain(place.name, MAX_NAME, lines=1)} was taken as the submission of one student.")
            handins = [Handin(place.stem or "submission", (Person(shown(place.stem or "submission")),), root)]
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
        finished = with_safe_ids(_tidied(handin) for handin in handins)
        self._notes += namesakes(finished)
        if self._skipped:
            self._notes.append(f"What is no submission was left out: {some(self._skipped)}.")
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
        if stat.S_ISREG(mode) and code_suffix(place.name):
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
            entries = [entry for entry in scan_class(inner, 20) if not is_ignored(entry.name)]
            if len(entries) != 1 or entries[0].is_symlink():
                break
            inner = Path(entries[0].path)
            if entries[0].is_dir():
                if is_export_name(inner.name):
                    break
                root = inner if _is_class(inner, zip_name) else root
            elif inner.name.lower().endswith(".zip") and METADATA in {Path(name).name for name in zipped_names(inner)}:
                zip_name = inner.stem
                root = inner = self._unpacked(inner)
            else:
                break
        if root != folder and root.parent != self._temporary:
            self._notes.append(f"The class was found in the folder {shown(root.name)}.")
        return root

    def _entries(self, root: Path) -> list[Entry]:
        """What lies in the class's folder, in order. A link counts only where it stays in there."""
        scanned = scan_class(root, MAX_ENTRIES + 1)
        if len(scanned) > MAX_ENTRIES:
            self._notes.append(f"The folder has more than {MAX_ENTRIES} entries, and not all were looked at.")
            scanned = scanned[:MAX_ENTRIES]
        troubles: dict[str, list[str]] = defaultdict(list)
        for path, trouble in self._troubles.items():
            if path.is_relative_to(root) and path != root:
                troubles[path.relative_to(root).parts[0]].append(trouble)
        found = {entry.name for entry in scanned}
        entries = [self._entry(Path(entry.path), root, tuple(troubles[entry.name][:MAX_NAMED])) for entry in scanned]
        entries += [Entry(name, root / name, "missing", tuple(troubles[name])) for name in set(troubles) - found]
        return sorted((entry for entry in entries if not is_ignored(entry.name)), key=lambda entry: entry.name)

    def _entry(self, path: Path, root: Path, notes: tuple[str, ...]) -> Entry:
        name = path.name
        try:
            if path.is_symlink():
                path = path.resolve(strict=True)
                if not path.is_relative_to(root.resolve()):
                    outside = f"{shown(name)} is a link to something outside the class's folder."
                    return Entry(name, path, "missing", (*notes, outside))
            mode = path.stat().st_mode
        except (OSError, RuntimeError, ValueError):
            return Entry(name, path, "missing", (*notes, f"{shown(name)} could not be opened."))
        if stat.S_ISDIR(mode):
            kind: Kind = "folder"
        elif name.lower().endswith(".zip"):
            kind = "zip"
        else:
            kind = "code" if code_suffix(name) else "other"
        return Entry(name, path, kind, notes)

    def _is_one_submission(self, entries: Sequence[Entry]) -> bool:
        """Whether the folder is no class, but holds the homework's own files."""
        code = [entry for entry in entries if entry.kind == "code"]
        holders = [entry for entry in entries if entry.kind in {"folder", "zip"}]
        is_export = any(entry.name == METADATA or is_export_name(entry.name) for entry in entries)
        return not is_export and len(holders) < 4 and any(file_key(entry.name) in self._expected for entry in code)

    # --- Gradescope

    def _read_gradescope(self, root: Path, entries: Sequence[Entry]) -> list[Handin]:
        metadata = read_metadata(root / METADATA)
        self._notes += metadata.notes
        places: dict[str, Entry] = {}
        for place in entries:
            name = place.stem if place.kind in {"zip", "code"} else place.name
            if place.kind == "other" or name in places:
                self._skipped += [] if place.name == METADATA else [shown(place.name)]
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
            handins.append(as_handin(name, (Person(shown(name)),), place, note))
        if unnamed:
            self._notes.append(f"{METADATA} does not tell whose these are: {some(unnamed)}.")
        return handins

    def _submissions(self, entry: Told, people: tuple[Person, ...], places: Mapping[str, Entry]) -> Iterator[Handin]:
        """The attempts of one entry that are there, the one that counts last."""
        notes: tuple[str, ...] = ()
        if not people:
            people, notes = (Person(entry.attempt.folder),), (f"{METADATA} does not tell whose it is.",)
        ordered = sorted((*entry.history, entry.attempt), key=lambda attempt: (attempt.submitted, attempt.folder))
        absent = [attempt.folder for attempt in entry.history if attempt.folder not in places]
        if absent and self._all:
            notes = (*notes, f"Earlier attempts that are not in the export: {some(absent)}.")
        counted: list[Attempt] = [attempt for attempt in ordered if attempt in entry.history] if self._all else []
        for attempt in (*counted, entry.attempt):
            place = places.get(attempt.folder)
            if place is None and attempt is not entry.attempt:
                continue
            number = f"{ordered.index(attempt) + 1} of {len(ordered)}" if len(ordered) > 1 else ""
            handin = as_handin(attempt.folder, people, place, notes if attempt is entry.attempt else ())
            if place is None:
                handin = replace(handin, problem=f"{METADATA} tells of {attempt.folder}, which is not there.")
            yield replace(handin, submitted=attempt.submitted, attempt=number, earlier_score=attempt.score)

    # --- all others

    def _read_entries(self, entries: Sequence[Entry]) -> list[Handin]:
        files = [entry for entry in entries if entry.kind != "folder"]
        is_canvas = 2 * sum(CANVAS.fullmatch(entry.name) is not None for entry in files) >= max(1, len(files))
        boards: dict[str, Student] = {}
        others: dict[str, Student] = {}
        alone: list[Entry] = []
        for entry in entries:
            is_file = entry.kind != "folder"
            if match := MOODLE.fullmatch(entry.name):
                key = f"{match['name']}_{match['number']}"
                student = others.setdefault(f"moodle {key}", Student(key, match["name"]))
                student.parts.append(Part(entry, match["file"] or entry.name, is_text=match["kind"] == "onlinetext"))
            elif is_file and (match := BLACKBOARD.fullmatch(entry.name)):
                student = boards.setdefault(match["who"], Student(match["who"], match["who"]))
                student.parts.append(Part(entry, match["file"] or "", (1, match["time"])))
            elif is_file and is_canvas and (match := CANVAS.fullmatch(entry.name)):
                key = f"{match['name']}_{match['user']}"
                student = others.setdefault(
                    f"canvas {key}", Student(key, match["name"], sid=match["user"], is_cumulative=True)
                )
                student.parts.append(self._without_mark(Part(entry, match["file"], is_late=bool(match["late"]))))
            elif entry.kind == "other":
                self._skipped.append(shown(entry.name))
            else:
                alone.append(entry)
        name_blackboards(list(boards.values()))
        students = [*boards.values(), *others.values(), *called_by_entry(alone)]
        students.sort(key=lambda student: (student.name, student.id))
        return [handin for student in students for handin in self._attempts(student)]

    def _without_mark(self, part: Part) -> Part:
        """A Canvas file without the mark of a resubmission, which tells the attempt."""
        stem = part.entry.stem
        match = RESUBMITTED.fullmatch(stem) if file_key(part.file) not in self._expected else None
        if match is None:
            return part
        suffix = part.entry.name[len(stem) :]
        base = part.file[: len(part.file) - len(f"-{match['number']}{suffix}")]
        return replace(part, file=f"{base or 'file'}{suffix}", attempt=(0, match["number"].zfill(3)))

    def _attempts(self, student: Student) -> Iterator[Handin]:
        """A student's handins, the one that counts last."""
        attempts = sorted({part.attempt for part in student.parts})
        person = Person(shown(student.name), shown(student.sid) if student.sid else "")
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

    def _gathered(self, id: str, people: tuple[Person, ...], parts: Sequence[Part]) -> Handin:
        """The handin of one attempt; several files, or renamed ones, are brought together in a folder."""
        files = [part for part in parts if part.file]
        folders = [part for part in files if part.entry.kind == "folder"]
        if folders:
            left_out = [part.entry.name for part in files if part is not folders[0]]
            notes = [f"Left out, since there is the folder {shown(folders[0].entry.name)}: {some(left_out)}."]
            return as_handin(id, people, folders[0].entry, notes if left_out else ())
        if not files:
            return Handin(id, people, None, problem="There is no file in this attempt.")
        if len(files) == 1 and (files[0].entry.kind == "missing" or files[0].file == files[0].entry.name):
            return as_handin(id, people, files[0].entry, ())
        folder = self._new_folder("handin")
        notes = [note for part in files for note in part.entry.notes]
        for part in files[:MAX_FILES]:
            try:
                bring(part.entry, folder / free_name(part.file, folder))
            except OSError as error:
                if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                    raise UserError("there is no room for a copy of the files", where=str(folder)) from error
                notes.append(f"{shown(part.entry.name)} could not be read: {(error.strerror or 'unknown').lower()}.")
        if len(files) > MAX_FILES:
            notes.append(f"There are {len(files)} files, and only {MAX_FILES} were looked at.")
        problem = " ".join(notes[:3]) if all(part.entry.kind == "missing" for part in files) else ""
        return Handin(id, people, None if problem else folder, notes=() if problem else tuple(notes), problem=problem)

    def _new_folder(self, name: str) -> Path:
        if self._temporary is None:
            self._temporary = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="autograder-class-")))
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._temporary))


def _is_class(folder: Path, zip_name: str) -> bool:
    """Whether a folder that lies alone in another one, or in the zip of that name, holds a class."""
    entries = [entry for entry in scan_class(folder, 1000) if not is_ignored(entry.name)]
    if any(entry.name == METADATA or is_export_name(entry.name) for entry in entries):
        return True
    holders = sum(entry.is_dir() or entry.name.lower().endswith(".zip") for entry in entries)
    has_code = any(code_suffix(entry.name) and not entry.is_dir() for entry in entries)
    return folder.name == zip_name or (not has_code and holders >= (2 if zip_name else 4))


def _tidied(handin: Handin) -> Handin:
    return replace(
        handin,
        notes=tuple(plain(note, 400, lines=1) for note in handin.notes),
        problem=plain(handin.problem, 400, lines=1),
    )
