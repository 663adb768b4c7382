"""A class's zip, unpacked into a folder: bounded, and never outside it.

Trusted side. Only what may be graded is unpacked: code, zips of students, and what an export says about itself. A file
that is too large for grading becomes a hole of that size, and any other file an empty one, so that whoever looks for
code sees what was there and says the right thing about it. Each student has a share of the room that no other can use
up, and whoever handed in less is unpacked first.

Limits, and what happens at each:
- A file may be as large as `find_submission` reads at all; what is larger becomes a hole.
- What is packed far more tightly than text can be is not unpacked; the file is named.
- A student has MAX_STUDENT bytes and MAX_FILES files, and the class has MAX_CLASS bytes; what is over is named.
- The zip's directory has MAX_ENTRIES entries and MAX_DIRECTORY bytes; a larger one is refused as a whole.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import re
import stat
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from autograder.errors import UserError
from autograder.feedback import plain
from autograder.regrade.entries import dig_hole
from autograder.regrade.metadata import FILE as METADATA
from autograder.regrade.metadata import MAX_BYTES as MAX_METADATA
from autograder.submission import (
    MAX_SCRIPT,
    MAX_SEARCHED,
    MAX_ZIP_RATIO,
    Unreadable,
    code_suffix,
    directory_size,
    is_ignored,
    open_regular,
    size_limit,
)

MAX_ENTRIES = 500_000
MAX_DIRECTORY = 128_000_000
MAX_STUDENT = MAX_SEARCHED
MAX_CLASS = 4_000_000_000
#: Files of a student that are unpacked, and empty ones that stand for what is no code.
MAX_FILES = 2_000
MAX_STAND_INS = 100
#: How deep folders may lie, and how long one's name may be.
MAX_DEPTH = 20
MAX_NAME = 150
#: Bytes of a text file in which an export tells who handed in.
MAX_SLIP = 100_000

_UNSAFE = re.compile(r"[\0-\x1f\x7f\ud800-\udfff]")
_SLIP = re.compile(r".*_attempt_[\d-]+\.txt", re.I)
_COPIED_AT_ONCE = 2**20
#: What is wrong with one name, not with the disk.
_BAD_NAME = frozenset({errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})


@dataclass
class Unpacked:
    """What went wrong: a sentence by the path of a file that was left out, and sentences on the zip as a whole."""

    troubles: dict[Path, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def unpack(path: Path, folder: Path) -> Unpacked:
    """Unpack a class's zip into `folder`, which is there and empty.

    Raises:
        UserError: where it is no zip, damaged as a whole, locked or boundless, or where there is no room for it.
    """
    with _open(path) as archive:
        unpacking = _Unpacking(archive, folder)
        try:
            unpacking.run()
        except OSError as error:
            raise UserError(
                f"cannot unpack this zip: {error.strerror or error}",
                where=str(path),
                remedy="Make room on the disk (TMPDIR says where), or unpack it yourself and give the folder.",
            ) from error
    return unpacking.done


def zipped_names(path: Path) -> list[str]:
    """The names of what is in a zip; none where it cannot be opened."""
    try:
        with _open(path) as archive:
            return archive.namelist()
    except UserError:
        return []


def _open(path: Path) -> zipfile.ZipFile:
    again = "Download it again, or unpack it yourself and give the folder."
    try:
        with open_regular(path) as stream:
            size = directory_size(stream)
        if size > MAX_DIRECTORY:
            raise UserError("this zip has too many files in it", where=str(path), remedy=again)
        archive = zipfile.ZipFile(path)
    except UserError:
        raise
    except Unreadable as error:
        raise UserError(f"this zip could not be read: {error}", where=str(path)) from None
    except Exception:  # zipfile raises a dozen kinds for damaged archives, some of them undocumented
        raise UserError("this zip is damaged or is no zip", where=str(path), remedy=again) from None
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        archive.close()
        raise UserError(f"this zip has more than {MAX_ENTRIES} files in it", where=str(path), remedy=again)
    files = [entry for entry in entries if not entry.is_dir()]
    if files and all(entry.flag_bits & 0x1 for entry in files):
        archive.close()
        raise UserError("this zip is locked with a password", where=str(path), remedy=again)
    return archive


@dataclass
class _Share:
    """What one student's files may still take."""

    bytes: int
    files: int
    stand_ins: int


class _Unpacking:
    def __init__(self, archive: zipfile.ZipFile, folder: Path) -> None:
        self.done = Unpacked()
        self._archive = archive
        self._folder = folder
        self._left = MAX_CLASS

    def run(self) -> None:
        climbing = []
        planned: dict[tuple[str, ...], zipfile.ZipInfo] = {}
        for entry in self._archive.infolist():
            parts = _parts(entry)
            if parts is None:
                climbing.append(entry.filename)
            elif not any(is_ignored(part) for part in parts):
                planned[parts] = entry  # the last one of a name counts
        if climbing:
            shown = ", ".join(plain(name, 100, lines=1) for name in climbing[:5])
            self.done.notes.append(f"{len(climbing)} files of the zip have paths that lead out of it: {shown}.")
        students: dict[tuple[str, ...], list[tuple[tuple[str, ...], zipfile.ZipInfo]]] = defaultdict(list)
        depth = _shared_depth(planned)
        for parts, entry in planned.items():
            students[parts[: depth + 1]].append((parts, entry))
        for files in sorted(students.values(), key=lambda files: sum(entry.file_size for _, entry in files)):
            share = _Share(MAX_STUDENT, MAX_FILES, MAX_STAND_INS)
            for parts, entry in files:
                self._unpack(parts, entry, share)

    def _unpack(self, parts: tuple[str, ...], entry: zipfile.ZipInfo, share: _Share) -> None:
        path = self._folder.joinpath(*map(_component, parts))
        try:
            if entry.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, entry, share)
        except Unreadable as error:
            self.done.troubles[path] = f"{_shown(parts)} was not unpacked: {error}."
        except OSError as error:
            if error.errno not in _BAD_NAME:
                raise
            self.done.troubles[path] = f"{_shown(parts)} was not unpacked: its name is too long or another file has it."

    def _write(self, path: Path, entry: zipfile.ZipInfo, share: _Share) -> None:
        if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
            raise Unreadable("it is a link, not a file")
        if len(path.relative_to(self._folder).parts) > MAX_DEPTH:
            raise Unreadable("it lies too deep")
        limit = _limit(path.name)
        if limit is None:
            share.stand_ins -= 1
            if share.stand_ins >= 0:
                path.open("xb").close()
            return
        share.files -= 1
        if share.files < 0:
            raise Unreadable(f"there are more than {MAX_FILES} files")
        if entry.file_size > limit:
            dig_hole(path, entry.file_size, limit)
            return
        if entry.file_size > MAX_SCRIPT and entry.file_size > MAX_ZIP_RATIO * max(1, entry.compress_size):
            raise Unreadable("it is far larger than the zip says")
        if entry.file_size > share.bytes:
            raise Unreadable(f"all files together are larger than {MAX_STUDENT // 1_000_000} MB")
        if entry.file_size > self._left:
            raise Unreadable(f"the class's zip holds more than {MAX_CLASS // 1_000_000_000} GB of code")
        share.bytes -= entry.file_size
        self._left -= entry.file_size
        with path.open("xb") as file:
            try:
                self._copy(entry, file)
            except Unreadable:
                path.unlink()
                raise

    def _copy(self, entry: zipfile.ZipInfo, file: BinaryIO) -> None:
        if entry.flag_bits & 0x1:
            raise Unreadable("it is locked with a password")
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise Unreadable("it is compressed in an unusual way")
        try:
            source = self._archive.open(entry)
        except Exception as error:  # as above
            raise Unreadable(f"the zip is damaged there ({type(error).__name__})") from None
        with source:
            while True:
                try:
                    piece = source.read(_COPIED_AT_ONCE)
                except Exception as error:  # as above
                    raise Unreadable(f"the zip is damaged there ({type(error).__name__})") from None
                if not piece:
                    return
                file.write(piece)


def _limit(name: str) -> int | None:
    """How many bytes of a file of this name are unpacked; None for what nobody reads."""
    if name == METADATA:
        return MAX_METADATA + 1
    if name.lower().endswith(".zip") or code_suffix(name):
        return size_limit(name)
    return MAX_SLIP if _SLIP.fullmatch(name) else None


def _parts(entry: zipfile.ZipInfo) -> tuple[str, ...] | None:
    """The path of an entry in pieces; None for one that leads out of the zip."""
    name = entry.filename
    if not entry.flag_bits & 0x800 and not name.isascii():
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")  # many programs write UTF-8 and do not say so
    parts = tuple(name.replace("\\", "/").removesuffix("/").split("/"))
    if any(part in {"", ".", ".."} for part in parts) or re.match(r"[A-Za-z]:", parts[0]):
        return None
    return parts


def _shared_depth(paths: dict[tuple[str, ...], zipfile.ZipInfo]) -> int:
    """In how many folders, one in the other, everything lies."""
    files = [parts for parts, entry in paths.items() if not entry.is_dir()]
    if not files:
        return 0
    first, last = min(files), max(files)
    depth = 0
    while depth < min(len(first), len(last)) - 1 and first[depth] == last[depth]:
        depth += 1
    return depth


def _component(name: str) -> str:
    """A name that a file system takes."""
    name = _UNSAFE.sub("_", name)
    if len(name.encode()) <= MAX_NAME:
        return name
    suffix = "".join(PurePosixPath(name).suffixes[-2:])[-20:]
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name.encode()[:80].decode('utf-8', 'ignore')}-{digest}{suffix if suffix.isascii() else ''}"


def _shown(parts: tuple[str, ...]) -> str:
    return plain("/".join(parts[-3:]), 120, lines=1)
