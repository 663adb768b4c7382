"""What lies in a class's folder: its entries, and how one of them becomes a handin's place.

Trusted side. An entry is told by its name and its kind; only to bring renamed files together is anything copied.
"""

from __future__ import annotations

import itertools
import os
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autograder.errors import UserError
from autograder.regrade.handins import Handin, Person
from autograder.submission import code_suffix, is_ignored, size_limit

#: Most entries that are looked at to tell whether a folder is empty.
MAX_LOOKED_AT = 5_000

Kind = Literal["folder", "zip", "code", "other", "missing"]


@dataclass(frozen=True)
class Entry:
    """Something in the class's folder: what it is called there, where it is, and what was wrong with it."""

    name: str
    place: Path
    kind: Kind
    notes: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name without the suffix of a file."""
        if self.kind == "folder":
            return self.name
        suffix = code_suffix(self.name) or Path(self.name).suffix
        return self.name[: len(self.name) - len(suffix)] or self.name


def scan(folder: Path, limit: int) -> list[os.DirEntry[str]]:
    """At most so many entries of a folder, by name."""
    with os.scandir(folder) as found:
        return sorted(itertools.islice(found, limit), key=lambda entry: entry.name)


def scan_class(folder: Path, limit: int) -> list[os.DirEntry[str]]:
    """The same for a folder without which there is no class. Raises UserError where it cannot be read."""
    try:
        return scan(folder, limit)
    except OSError as error:
        raise UserError(f"cannot read this folder: {error.strerror}", where=str(folder)) from error


def as_handin(id: str, people: tuple[Person, ...], entry: Entry | None, notes: Iterable[str]) -> Handin:
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
            entries = scan(folders.pop(), left)
        except OSError:
            return False
        left -= len(entries) + 1
        for entry in entries:
            if is_ignored(entry.name):
                continue
            if not entry.is_dir(follow_symlinks=False):
                return False
            folders.append(Path(entry.path))
    return not folders


def bring(entry: Entry, path: Path) -> None:
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
        if size > size_limit(entry.name):
            dig_hole(path, size, size_limit(entry.name))
        else:
            shutil.copyfile(entry.place, path)


def dig_hole(path: Path, size: int, limit: int) -> None:
    """Write a file of a size that is not read, without content: whoever looks for code says that it is too large."""
    with path.open("xb") as hole:
        hole.truncate(min(size, 10 * limit))


def free_name(name: str, folder: Path) -> str:
    """A name within `folder` that no other file has."""
    clean = name.replace("/", "_").replace("\0", "_")
    suffix = code_suffix(clean) or Path(clean).suffix
    stem = clean[: len(clean) - len(suffix)]
    for number in itertools.count(2):
        if not (folder / clean).exists():
            break
        clean = f"{stem} ({number}){suffix}"
    return clean
