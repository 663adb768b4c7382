"""Find the student's files in whatever was handed in: a folder, a file, a zip, zips in folders, scripts, notebooks.

Trusted side. Student's files are read as text and searched by patterns that take linear time; nothing of them is
parsed as Python, executed or unpacked to disk. Files are chosen as a fair human grader would: the right name first,
then a name that differs by case, hyphens or "(1)", then a file that defines the names that are asked for. The notes say
what a student should know about the choice.
"""

from __future__ import annotations

import codecs
import contextlib
import difflib
import errno
import io
import itertools
import os
import re
import stat
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from autograder.errors import UserError
from autograder.notebook_rescue import rescue_notebook
from autograder.notebooks import read_notebook, without_magics
from autograder.slicing import Chunk

#: Largest script, in bytes. A script of 2 MB has about 50,000 lines; what is larger holds data.
MAX_SCRIPT = 2_000_000
#: Largest notebook, in bytes; most of it is pictures.
MAX_NOTEBOOK = 100_000_000
#: Largest zip that is opened, in bytes.
MAX_ZIP = 200_000_000
#: Most entries of a zip that are looked at, and the most bytes of its directory.
MAX_ZIP_ENTRIES = 20_000
MAX_ZIP_DIRECTORY = 4_000_000
#: A zip's file may be this many times larger than in the zip, once it is larger than a script may be.
MAX_ZIP_RATIO = 300
#: Zips within zips within zips.
MAX_ZIP_DEPTH = 2
#: Zips that are opened per submission.
MAX_ZIPS = 8
#: Most entries of all folders together, and how deep folders may lie.
MAX_ENTRIES = 20_000
MAX_DEPTH = 16
#: Files, and bytes of them, that are read in search of the names that are asked for.
MAX_CANDIDATES = 60
MAX_SEARCHED = 250_000_000
#: Most other scripts that are kept because the student's files may import them.
MAX_EXTRAS = 20

_SUFFIXES = {".py": 0, ".ipynb": 1, ".py.txt": 2, ".ipynb.txt": 3, ".ipynb.json": 3, ".pyw": 2}
_IGNORED_FOLDERS = frozenset({"__macosx", "__pycache__", "venv", "site-packages", "node_modules", "conda-meta"})
_COPY = re.compile(r"[ _-]*\(\d+\)$|[ _-]*copy[ _-]*\d*$|^copy of ", re.I)
_ALPHANUMERIC = re.compile(r"[^\W_]+")
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]{1,40})")
_ENCODINGS = re.compile(
    r"utf-?8(-sig)?|ascii|latin-?1|iso-?8859-?\d+(-\d+)?|cp\d+|windows-?\d+|mac-roman|koi8-[rut]|gb\d+|gbk|hz|big5(hkscs)?"
    r"|euc-?\w+|shift-jis\w*|johab|tis-620"
)
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1b\x1c-\x1f\x7f]")
_KINDS = {
    b"PK\x03\x04": "a zip",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a gz",
}
_KINDS |= {b"Rar!": "a rar archive", b"7z\xbc\xaf": "a 7z archive", b"\xd0\xcf\x11\xe0": "an Office document"}
_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_LOOKS_LIKE_PYTHON = re.compile(r"^(?:import|from|class|def|@)[ \t(\w]", re.M)


@dataclass(frozen=True)
class WantedFile:
    """A file that the homework asks for: the module's name, the file's usual name, and names that it defines."""

    module: str
    path: str
    names: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without a folder."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True)
class FoundFile:
    """A file that was found for a module.

    `path` is relative to the submission, with a zip's name as if it were a folder. `notes` are plain sentences for the
    student on how the file was chosen and read.
    """

    module: str
    path: str
    chunks: tuple[Chunk, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Why there is no file for a module: one to three plain sentences for the student."""

    module: str
    message: str


@dataclass(frozen=True)
class Submission:
    """What was found for each wanted module, in the homework's order.

    `extras` are further scripts beside the found ones, by the name under which the student's files may import them.
    """

    modules: Mapping[str, FoundFile | Problem]
    extras: Mapping[str, FoundFile] = field(default_factory=dict)


def find_submission(place: Path, wanted: Sequence[WantedFile]) -> Submission:
    """Choose a file for each wanted module from a folder, a zip or a single file. Never raises for what is in there."""
    with Shelf(place, [want.path for want in wanted]) as shelf:
        return choose_files(shelf, wanted)


def choose_files(shelf: Shelf, wanted: Sequence[WantedFile]) -> Submission:
    """The file for each module that is wanted, or the problem with it; `shelf` is open."""
    modules: dict[str, FoundFile | Problem] = {}
    chosen: dict[str, _File] = {}
    spoken_for: set[int] = set()
    unclear: set[str] = set()
    for want in wanted:
        named = sorted(
            (file for file in shelf.files if file.key == file_key(want.path)), key=lambda file: file.rank(want)
        )
        spoken_for.update(map(id, named))
        picked = _pick_by_name(want, named[:MAX_CANDIDATES])
        if isinstance(picked, _Choice):
            modules[want.module], chosen[want.module] = picked.found(want), picked.file
        elif picked is not None:
            modules[want.module] = picked
            if any(isinstance(file.contents, _Contents) for file in named[:MAX_CANDIDATES]):
                unclear.add(want.module)
    for want in wanted:
        if want.module in chosen or want.module in unclear:
            continue
        known = modules.get(want.module)
        picked = _pick_by_content(want, shelf, spoken_for, searching=known is None)
        if isinstance(picked, _Choice):
            modules[want.module], chosen[want.module] = picked.found(want), picked.file
        elif known is None:
            modules[want.module] = picked or _no_file(want, shelf, chosen.values())
    ordered = {want.module: modules[want.module] for want in wanted}
    return Submission(ordered, _extras(shelf, chosen, wanted))


# --- choosing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Choice:
    """A file that is right for a module, and what the student should know about it."""

    file: _File
    notes: tuple[str, ...]

    def found(self, want: WantedFile) -> FoundFile:
        contents = self.file.contents
        assert isinstance(contents, _Contents)
        return FoundFile(want.module, self.file.path, contents.chunks, (*self.notes, *contents.notes))


def _pick_by_name(want: WantedFile, files: Sequence[_File]) -> _Choice | Problem | None:
    """The best of the files whose names fit; a Problem where none can be read, or two are equally good."""
    usable = [file for file in files if isinstance(file.contents, _Contents)]
    if not usable:
        reasons = [file.contents for file in files if isinstance(file.contents, str)]
        return Problem(want.module, reasons[0]) if reasons else None
    defining = [file for file in usable if file.count(want.names)]
    rest = defining or usable
    rank = min(file.rank(want) for file in rest)
    best = _without_twins([file for file in rest if file.rank(want) == rank])
    if len(best) > 1:
        most = max(file.count(want.names) for file in best)
        best = [file for file in best if file.count(want.names) == most]
    if len(best) > 1:
        return _two_files(want, best)
    file = best[0]
    others = [other.path for other in usable if other is not file and not file.is_twin(other)]
    if file.path == want.path and not others:
        return _Choice(file, ())
    graded = f"{file.path} was graded" + ("" if _name(file.path) == want.name else f" as {want.name}")
    return _Choice(file, (graded + (f"; {_some(others)} was not." if others else "."),))


def _pick_by_content(
    want: WantedFile, shelf: Shelf, spoken_for: set[int], *, searching: bool
) -> _Choice | Problem | None:
    """A file of another name that defines what is asked for: one that nobody else claims, else one for several modules.

    `searching`: no file of the right name was there at all, so that less will do.
    """
    readable = [file for file in shelf.readable() if file.key != file_key(want.path)]
    leftover = [file for file in readable if id(file) not in spoken_for]
    enough = len(want.names) // 2 + 1
    for files in (leftover, readable):
        fitting = [file for file in files if want.names and file.count(want.names) >= enough]
        if not fitting:
            continue
        most = max(file.count(want.names) for file in fitting)
        fitting = [file for file in fitting if file.count(want.names) == most]
        rank = min(file.rank(want) for file in fitting)
        fitting = _without_twins([file for file in fitting if file.rank(want) == rank])
        return _two_files(want, fitting) if len(fitting) > 1 else _instead(want, fitting[0])
    if searching:
        likely = [file for file in leftover if file.count(want.names) or file.resembles(want)]
        if len(likely) == 1:
            return _instead(want, likely[0])
    return None


def _instead(want: WantedFile, file: _File) -> _Choice:
    return _Choice(file, (f"{file.path} was graded in place of {want.name}.",))


def _two_files(want: WantedFile, files: Sequence[_File]) -> Problem:
    paths = _some([file.path for file in files])
    return Problem(
        want.module,
        f"Your submission has several files that could be {want.name}: {paths}. It is not clear which one is meant, so "
        f"none was graded. Keep one, call it {want.name}, and submit again.",
    )


def _no_file(want: WantedFile, shelf: Shelf, chosen: Iterable[_File]) -> Problem:
    """What was found instead, and what to rename."""
    taken = {file.path for file in chosen}
    others = [path for path in shelf.seen if path not in taken]
    lead = f"There is no {want.name} in your submission."
    if shelf.complaints:
        return Problem(want.module, f"{lead} {shelf.complaints[0]} Upload {want.name} itself and submit again.")
    if not others:
        what = "nothing else in it" if taken else "no file in it"
        return Problem(want.module, f"{lead} There is {what}. Upload {want.name} and submit again.")
    scripts = [path for path in others if code_suffix(path)] or others
    names = {_name(path).lower(): path for path in reversed(scripts[:500])}
    close = difflib.get_close_matches(want.name.lower(), names, n=1, cutoff=0.5)
    remedy = f"If {names[close[0]]} is meant, rename it to {want.name}" if close else f"Add {want.name}"
    return Problem(want.module, f"{lead} What is there: {_some(others)}. {remedy} and submit again.")


def _without_twins(files: Sequence[_File]) -> list[_File]:
    """Files of different contents, the first of each."""
    kept: list[_File] = []
    for file in files:
        if not any(file.is_twin(other) for other in kept):
            kept.append(file)
    return kept


def _extras(shelf: Shelf, chosen: Mapping[str, _File], wanted: Sequence[WantedFile]) -> dict[str, FoundFile]:
    """Scripts in the folders of the chosen files that can be imported from there."""
    folders = {PurePosixPath(file.path).parent for file in chosen.values()}
    taken = {file.path for file in chosen.values()}
    keys = {file_key(want.path) for want in wanted}
    extras: dict[str, FoundFile] = {}
    beside = [
        file
        for file in shelf.files
        if file.path.endswith(".py") and PurePosixPath(file.path).parent in folders and file.path not in taken
    ]
    for file in beside[:MAX_CANDIDATES]:
        name = PurePosixPath(file.path).stem
        if not name.isidentifier() or file.key in keys or name in extras or len(extras) == MAX_EXTRAS:
            continue
        if isinstance(file.contents, _Contents):
            extras[name] = FoundFile(name, file.path, file.contents.chunks)
    return extras


def _some(paths: Sequence[str]) -> str:
    """A list in words, not too long."""
    shown = list(paths[:6])
    if len(paths) > len(shown):
        return ", ".join(shown) + f" and {len(paths) - len(shown)} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def file_key(path: str) -> str:
    """A file's name without what people get wrong: folder, suffix, case, hyphens, blanks, "(1)", "copy"."""
    stem = _stem(path)
    while (shorter := _COPY.sub("", stem)) != stem:
        stem = shorter
    return "".join(_ALPHANUMERIC.findall(stem.lower()))


def _name(path: str) -> str:
    return PurePosixPath(path).name


def _stem(path: str) -> str:
    name = _name(path)
    return name[: len(name) - len(code_suffix(path))] or name


def size_limit(path: str) -> int:
    """The most bytes of a file of this name that are read."""
    if path.lower().endswith(".zip"):
        return MAX_ZIP
    return MAX_NOTEBOOK if ".ipynb" in code_suffix(path) else MAX_SCRIPT


def code_suffix(path: str) -> str:
    """The suffix under which a file counts as code, lower case, or nothing."""
    name = _name(path).lower()
    return max((suffix for suffix in _SUFFIXES if name.endswith(suffix)), key=len, default="")


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Contents:
    chunks: tuple[Chunk, ...]
    notes: tuple[str, ...]

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The text as lines without blanks at their ends, for comparison."""
        return tuple(line.rstrip() for chunk in self.chunks for line in chunk.text.split("\n") if line.strip())


@dataclass(eq=False)
class _File:
    """A file that may be code: where it is, and how to read it."""

    path: str
    depth: int
    size: int
    source: _Source

    @cached_property
    def key(self) -> str:
        return file_key(self.path)

    def rank(self, want: WantedFile) -> tuple[int, int, int]:
        """How well the name fits: right suffix before others, exact before alike before copy, shallow before deep."""
        suffix = code_suffix(self.path)
        likeness = 0 if _name(self.path) == want.name else 2 if _COPY.search(_stem(self.path)) else 1
        return 0 if suffix == code_suffix(want.path) else 1 + _SUFFIXES[suffix], likeness, self.depth

    @cached_property
    def contents(self) -> _Contents | str:
        """The chunks, or a message that says why there are none."""
        limit = size_limit(self.path)
        if self.size > limit:
            return self._too_large(limit, f"{self.size / 1e6:.0f} MB large")
        try:
            data = self.source.read(limit + 1)
        except Unreadable as error:
            return f"{self.path} could not be read: {error}. Upload it again."
        if len(data) > limit:
            return self._too_large(limit, "too large")
        return _understand(self.path, data)

    def count(self, names: Sequence[str]) -> int:
        """How many of `names` the file defines at its top level, by the look of its text; case does not count."""
        contents = self.contents
        if not isinstance(contents, _Contents) or not names:
            return 0
        pattern = re.compile(rf"^(?:(?:async[ \t]+)?def|class)[ \t]+({'|'.join(map(re.escape, names))})\b", re.M | re.I)
        return len({name.lower() for chunk in contents.chunks for name in pattern.findall(chunk.text)})

    def is_twin(self, other: _File) -> bool:
        """Whether both files say the same."""
        mine, theirs = self.contents, other.contents
        return isinstance(mine, _Contents) and isinstance(theirs, _Contents) and mine.lines == theirs.lines

    def resembles(self, want: WantedFile) -> bool:
        """Whether the name has much in common with the wanted one."""
        wanted = file_key(want.path)
        return wanted in self.key or difflib.SequenceMatcher(None, self.key, wanted).ratio() > 0.6

    def _too_large(self, limit: int, how: str) -> str:
        return (
            f"{self.path} is {how}; the limit is {limit // 1_000_000} MB. "
            "Take data and long outputs out of it and submit again."
        )


def _understand(path: str, data: bytes) -> _Contents | str:
    """Bytes of a script or notebook as chunks, or a message for the student."""
    if not data.strip():
        return f"{path} is empty. Save your work in it and submit again."
    is_notebook = ".ipynb" in code_suffix(path)
    damage = ""
    if is_notebook:
        try:
            return _notebook(path, data, ())  # most of the bytes are pictures: no copy of them is made
        except UserError as error:
            damage = f"{error.where}: {error.what}. {error.remedy}"
    decoded = _decode(data)
    if decoded is None:
        kind = next((kind for magic, kind in _KINDS.items() if data.startswith(magic)), "")
        looks = f"it looks like {kind}" if kind else "its bytes are no text"
        what = "a notebook" if is_notebook else "Python source"
        return f"{path} is not {what}: {looks}. Upload the file that you wrote your code in."
    text, note = decoded
    notes = (note.format(path=path),) if note else ()
    if text.lstrip()[:1] == "{" and '"cell_type"' in text:
        also = () if is_notebook else (f"{path} is a notebook, not a script, and was read as one.",)
        try:
            return _notebook(path, text.encode("utf-8"), (*notes, *also))
        except UserError:
            pass  # then it is judged by its suffix
    if not is_notebook:
        return _script(path, text, notes)
    if _LOOKS_LIKE_PYTHON.search(text) and text.lstrip()[:1] != "{":
        return _script(path, text, (*notes, f"{path} is a script, not a notebook, and was read as one."))
    rescued = rescue_notebook(text.encode("utf-8", "replace"), path)
    return _notebook(path, rescued.data, (*notes, rescued.note)) if rescued else damage


def _notebook(path: str, data: bytes, notes: tuple[str, ...]) -> _Contents | str:
    chunks = read_notebook(data, path)
    if not any(chunk.text.strip() for chunk in chunks):
        return f"{path} has no code in its cells. Save your work in it and submit again."
    return _Contents(tuple(chunks), notes)


def _script(path: str, text: str, notes: tuple[str, ...]) -> _Contents | str:
    if not text.strip():
        return f"{path} is empty. Save your work in it and submit again."
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    plain = without_magics(text)
    if plain != text:
        notes = (*notes, f"Lines of {path} that only a notebook understands (%..., !...) were left out.")
    return _Contents((Chunk(path, plain),), notes)


def _decode(data: bytes) -> tuple[str, str] | None:
    """Text and a note for the student, or None for what is not text."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            note = "" if encoding == "utf-8-sig" else "{path} is saved as UTF-16; Python itself wants UTF-8."
            return _as_text(data, encoding, note)
    if b"\0" in data[:1000]:
        half = len(data[:1000]) // 2
        for encoding, zeros in (("utf-16-le", data[1:1000:2]), ("utf-16-be", data[0:1000:2])):
            if half >= 8 and zeros.count(0) > 0.7 * half:
                return _as_text(data, encoding, "{path} is saved as UTF-16; Python itself wants UTF-8.")
        return None
    for line in data.split(b"\n", 2)[:2]:
        declared = _CODING.match(line[:400])
        if declared:
            name = declared.group(1).decode("ascii", "replace").lower().replace("_", "-")
            found = _as_text(data, name, "") if _ENCODINGS.fullmatch(name) else None
            if found:
                return found
    found = _as_text(data, "utf-8", "")
    if found or data.startswith(tuple(_KINDS)):
        return found
    note = "{path} is not saved as UTF-8, so some letters in it may have been misread."
    return _as_text(data, "cp1252", note) or _as_text(data, "latin-1", note)


def _as_text(data: bytes, encoding: str, note: str) -> tuple[str, str] | None:
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except (UnicodeError, LookupError):
        return None
    strange = len(_CONTROL.findall(text[:100_000]))
    if "\0" in text or strange > 3 + 0.01 * min(len(text), 100_000):
        return None
    return text.encode("utf-8", "replace").decode("utf-8"), note


# --- looking around ---------------------------------------------------------------------------------------------------


class Unreadable(Exception):  # noqa: N818 - it is a state of a file
    """Why a file could not be read, in words that go on a sentence."""


class _Source:
    """Something that gives the bytes of a file."""

    def read(self, limit: int) -> bytes:
        """At most `limit` bytes. Raises Unreadable."""
        raise NotImplementedError


@dataclass(frozen=True)
class _OnDisk(_Source):
    path: Path

    def read(self, limit: int) -> bytes:
        with open_regular(self.path) as file:
            try:
                return file.read(limit)
            except OSError as error:
                raise Unreadable(_reason(error)) from None


@dataclass(frozen=True)
class _InZip(_Source):
    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo

    def read(self, limit: int) -> bytes:
        entry = self.entry
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise Unreadable("it is compressed in an unusual way")
        if entry.flag_bits & 0x1:
            raise Unreadable("the zip is locked with a password")
        if entry.file_size > MAX_SCRIPT and entry.file_size > MAX_ZIP_RATIO * max(1, entry.compress_size):
            raise Unreadable("it is far larger than the zip says")
        try:
            with self.archive.open(entry) as file:
                return file.read(limit)
        except Exception as error:  # zipfile raises a dozen kinds for damaged archives, some of them undocumented
            raise Unreadable(f"the zip is damaged there ({type(error).__name__})") from None


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; pipes, sockets and devices are not touched."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable("it is not an ordinary file")
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise Unreadable(_reason(error)) from None
    return os.fdopen(descriptor, "rb")


def _reason(error: OSError) -> str:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "its permissions forbid it"
    return (error.strerror or "it cannot be opened").lower()


class Shelf:
    """All files of a submission that may be code, in a fixed order: shallow ones first, then by name.

    `seen` are the paths of all files, code or not; `complaints` are sentences on what could not be looked into.
    """

    def __init__(self, place: Path, expected: Sequence[str]) -> None:
        self.files: list[_File] = []
        self.seen: list[str] = []
        self.complaints: list[str] = []
        self._zips = 0
        self._root = place
        self._open = contextlib.ExitStack()
        self._look(place, expected)
        self.files.sort(key=lambda file: (file.depth, file.path))
        self.seen.sort(key=lambda path: (path.count("/"), path))

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def readable(self) -> list[_File]:
        """The files that could be read, as far as it is reasonable to search."""
        total = 0
        found = []
        for file in self.files[:MAX_CANDIDATES]:
            total += file.size
            if total > MAX_SEARCHED:
                break
            if isinstance(file.contents, _Contents):
                found.append(file)
        return found

    def _look(self, place: Path, expected: Sequence[str]) -> None:
        try:
            mode = place.stat().st_mode
        except (OSError, ValueError):
            return
        if not stat.S_ISDIR(mode):
            self._root = place.parent
            self._add_file(place, place.name, 0, mode)
            return
        sure = [name for name in expected if "/" not in name and (place / name).is_file()]
        self._walk(place, sure)

    def _walk(self, place: Path, sure: Sequence[str]) -> None:
        left = MAX_ENTRIES
        folders = [(place, "", 0)]
        for name in sure:  # whatever else there is, these are found
            self._add_entry(place / name, name, 0)
        while folders and left > 0:
            following = []
            for folder, prefix, depth in folders:
                try:
                    with os.scandir(folder) as scan:
                        entries = sorted(itertools.islice(scan, left), key=lambda entry: entry.name)
                except OSError as error:
                    self.complaints.append(f"The folder {_shown(prefix) or '.'} could not be opened: {_reason(error)}.")
                    continue
                left -= len(entries)
                for entry in entries:
                    path = prefix + entry.name
                    if is_ignored(entry.name) or (depth == 0 and entry.name in sure):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if depth < MAX_DEPTH and not (folder / entry.name / "pyvenv.cfg").exists():
                            following.append((folder / entry.name, path + "/", depth + 1))
                    else:
                        self._add_entry(folder / entry.name, path, depth)
            folders = following
        if left <= 0:
            self.complaints.append(f"It has more than {MAX_ENTRIES} files, and not all were looked at.")

    def _add_entry(self, path: Path, shown: str, depth: int) -> None:
        """A file of a folder; a link only where it leads to a file of this submission."""
        try:
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                target = path.resolve(strict=True)
                if not target.is_relative_to(self._root.resolve()):
                    self.complaints.append(f"{_shown(shown)} is a link to something outside your submission.")
                    return
                mode = target.stat().st_mode
                path = target
        except (OSError, RuntimeError, ValueError):
            self.seen.append(_shown(shown))
            return
        self._add_file(path, shown, depth, mode)

    def _add_file(self, path: Path, shown: str, depth: int, mode: int) -> None:
        shown = _shown(shown)
        self.seen.append(shown)
        if shown.lower().endswith(".zip") and stat.S_ISREG(mode):
            self._open_zip(path, shown, depth, 1)
        elif code_suffix(shown):
            size = path.stat().st_size if stat.S_ISREG(mode) else 0
            self.files.append(_File(shown, depth, size, _OnDisk(path)))
        elif shown.lower().endswith(_ARCHIVES):
            self.complaints.append(f"{shown} is an archive of a kind that is not opened here; use a zip.")

    def _open_zip(self, source: Path | bytes, shown: str, depth: int, level: int) -> None:
        """The files of a zip, as if it were a folder. Nothing is written anywhere."""
        if self._zips >= MAX_ZIPS:
            return
        self._zips += 1
        try:
            stream = io.BytesIO(source) if isinstance(source, bytes) else open_regular(source)
            self._open.callback(stream.close)
            size = stream.seek(0, os.SEEK_END)
            if size > MAX_ZIP:
                self.complaints.append(f"{shown} is larger than {MAX_ZIP // 1_000_000} MB and was not opened.")
                return
            if directory_size(stream) > MAX_ZIP_DIRECTORY:
                self.complaints.append(f"{shown} has too many files in it and was not opened.")
                return
            archive = self._open.enter_context(zipfile.ZipFile(stream))
            entries = list({entry.filename: entry for entry in archive.infolist()}.values())  # the last one counts
        except Unreadable as error:
            self.complaints.append(f"{shown} could not be read: {error}.")
            return
        except Exception:  # zipfile raises a dozen kinds for damaged archives, some of them undocumented
            self.complaints.append(f"{shown} is damaged or is no zip, so it could not be opened.")
            return
        if len(entries) > MAX_ZIP_ENTRIES:
            self.complaints.append(f"{shown} has more than {MAX_ZIP_ENTRIES} files, and not all were looked at.")
        locked = False
        for entry in entries[:MAX_ZIP_ENTRIES]:
            locked = self._add_zipped(archive, entry, shown, depth, level) or locked
        if locked:
            self.complaints.append(f"{shown} is locked with a password.")

    def _add_zipped(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, shown: str, depth: int, level: int) -> bool:
        """One entry of a zip; whether it is locked."""
        parts = entry.filename.replace("\\", "/").split("/")
        if any(part in {"", ".", ".."} or is_ignored(part) for part in parts) or ":" in parts[0]:
            return False
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in {0, stat.S_IFREG} or len(parts) > MAX_DEPTH:
            return False
        path = f"{shown}/{_shown('/'.join(parts))}"
        self.seen.append(path)
        inside = _InZip(archive, entry)
        below = depth + len(parts)
        if path.lower().endswith(".zip"):
            if level < MAX_ZIP_DEPTH and entry.file_size <= MAX_NOTEBOOK:
                try:
                    data = inside.read(MAX_NOTEBOOK)
                except Unreadable as error:
                    self.complaints.append(f"{path} could not be read: {error}.")
                else:
                    self._open_zip(data, path, below, level + 1)
        elif code_suffix(path):
            self.files.append(_File(path, below, entry.file_size, inside))
        return bool(entry.flag_bits & 0x1)


def directory_size(stream: BinaryIO | io.BytesIO) -> int:
    """How many bytes a zip's directory has by its own account: what opening it will read."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 66_000))
    tail = stream.read(66_000)
    # A crafted zip may hold several such records. Whichever is read: the largest number counts.
    ends = [match.start() for match in re.finditer(rb"PK\x05\x06", tail)]
    large_ends = [match.start() for match in re.finditer(rb"PK\x06\x06", tail)]
    sizes = [int.from_bytes(tail[end + 12 : end + 16], "little") for end in ends]
    sizes += [int.from_bytes(tail[end + 40 : end + 48], "little") for end in large_ends]
    stream.seek(0)
    return min(max((number for number in sizes if number != 0xFFFFFFFF), default=0), size)


def is_ignored(name: str) -> bool:
    """Dot files, caches and environments."""
    return name.startswith(".") or name.lower() in _IGNORED_FOLDERS


def _shown(path: str) -> str:
    """A path that can be printed: no control characters, no broken encodings, not endless."""
    clean = "".join(char if char.isprintable() else "?" for char in path.encode("utf-8", "replace").decode("utf-8"))
    return clean if len(clean) <= 150 else f"{clean[:70]}...{clean[-70:]}"
