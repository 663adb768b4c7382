"""Gradescope's `submission_metadata.yml`: who handed in which submission, when, and what it scored.

Trusted side. Theory of operation: the file is read as a stream of YAML events. Nothing is constructed from tags, an
alias is the very object that it stands for, and what is not asked for is passed over as it comes. So time is linear in
the file's size and memory in the number of submissions, whatever the file holds. Where the file breaks, what stands
above that place counts.

The format is known from exports, not from a specification: a table by folder name, whose keys are Ruby symbols
(`:submitters`, `:created_at`, `:score`, `:history`). Anything may be missing or of another type.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from autograder.errors import UserError
from autograder.feedback import plain
from autograder.submission import Unreadable

try:
    import yaml
except ImportError:  # whoever grades no Gradescope export need not have it
    yaml = None  # type: ignore[assignment]

FILE = "submission_metadata.yml"
#: Largest file that is read, in bytes: with libyaml it takes some ten seconds, without it PyYAML's own scanner is slow.
MAX_BYTES = 64_000_000
MAX_BYTES_WITHOUT_LIBYAML = 4_000_000
#: Most submissions, people of one, and earlier attempts of one.
MAX_SUBMISSIONS = 20_000
MAX_PEOPLE = 50
MAX_HISTORY = 500
#: Characters of a name, an address or a time.
MAX_TEXT = 120
#: How deep what is asked for lies; what lies deeper is passed over.
MAX_DEPTH = 6
#: How deep anything may lie, and how many values there may be: libyaml's time is quadratic in the depth.
MAX_NESTING = 100
MAX_EVENTS = 5_000_000
MAX_ANCHORS = 100_000

_Value = Union[str, list["_Value"], dict[str, "_Value"], None]  # noqa: UP007 - it names itself
_WANTED = frozenset({"submitters", "created_at", "score", "history", "id", "name", "sid", "email"})
_CONTROL = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Submitter:
    """A person as the metadata call them; "" for what they do not tell."""

    name: str = ""
    sid: str = ""
    email: str = ""


@dataclass(frozen=True)
class Attempt:
    """A submission: the name of its folder, when it was handed in, and its score."""

    folder: str
    submitted: str = ""
    score: float | None = None


@dataclass(frozen=True)
class Entry:
    """What stands for one folder: the submission that counts, its people, and the attempts before it."""

    attempt: Attempt
    people: tuple[Submitter, ...] = ()
    history: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class Metadata:
    """The entries in the file's order, each folder once; `notes` are sentences on what could not be read."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


def read_metadata(path: Path) -> Metadata:
    """What the file tells; never raises for what is in there.

    Raises:
        UserError: where PyYAML is not installed.
    """
    if yaml is None:
        raise UserError(
            "PyYAML is needed to read who handed in what, and is not installed",
            where=str(path),
            remedy="Run `pip install pyyaml`.",
        )
    try:
        data = _read(path)
    except Unreadable as error:
        return Metadata((), (f"{FILE} could not be read: {error}. Names and scores are missing.",))
    entries: dict[str, Entry] = {}
    notes: list[str] = []
    events = _Events(data)
    try:
        for key, value in itertools.islice(events.table(), MAX_SUBMISSIONS):
            folder = plain(key, MAX_TEXT, lines=1) or "(no name)"
            if folder in entries:
                notes.append(f"{FILE} tells twice of {folder}; the last one counts.")
            entries[folder] = _entry(folder, value)
    except _Broken as error:
        kept = f"What stands above that counts: {len(entries)} submissions." if entries else "Names are missing."
        notes.append(f"{FILE} {error}. {kept}")
    return Metadata(tuple(entries.values()), tuple(notes[:20]))


def _read(path: Path) -> bytes:
    limit = MAX_BYTES if yaml.__with_libyaml__ else MAX_BYTES_WITHOUT_LIBYAML
    try:
        if not path.is_file():
            raise Unreadable("it is not an ordinary file")
        with path.open("rb") as file:
            data = file.read(min(limit, path.stat().st_size) + 1)
    except OSError as error:
        raise Unreadable((error.strerror or "it cannot be opened").lower()) from None
    if len(data) > limit:
        raise Unreadable(f"it is larger than {limit // 1_000_000} MB")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        data = data.decode("utf-8", "replace").encode()
    return _CONTROL.sub(b" ", data)


def _entry(folder: str, value: _Value) -> Entry:
    told = value if isinstance(value, dict) else {}
    people = _tables(told.get("submitters"), MAX_PEOPLE)
    submitters = tuple(Submitter(_text(one, "name"), _text(one, "sid"), _text(one, "email")) for one in people)
    history = tuple(
        _attempt(f"submission_{_text(one, 'id')}", one)
        for one in _tables(told.get("history"), MAX_HISTORY)
        if _text(one, "id")
    )
    return Entry(
        _attempt(folder, told),
        tuple(one for one in submitters if one != Submitter()),
        tuple(one for one in history if one.folder != folder),
    )


def _attempt(folder: str, told: dict[str, _Value]) -> Attempt:
    return Attempt(folder, _text(told, "created_at"), _score(told.get("score")))


def _tables(value: _Value, limit: int) -> list[dict[str, _Value]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items[:limit] if isinstance(item, dict)]


def _text(table: dict[str, _Value], key: str) -> str:
    value = table.get(key)
    return plain(value, MAX_TEXT, lines=1) if isinstance(value, str) and value not in {"~", "null"} else ""


def _score(value: _Value) -> float | None:
    try:
        number = float(value) if isinstance(value, str) and len(value) < 40 else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


class _Broken(Exception):  # noqa: N818 - it is a state of a file
    """Where the file is no table or no YAML, in words that go on a sentence."""


class _Events:
    """A file's YAML events, and the values that they stand for."""

    def __init__(self, data: bytes) -> None:
        self._events = _parse(data)
        self._left = MAX_EVENTS
        self._anchors: dict[str, _Value] = {}

    def table(self) -> Iterator[tuple[str, _Value]]:
        """The pairs of the file's first document, as they come. Raises _Broken."""
        event = self._next()
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise _Broken("is empty")
        if not isinstance(event, yaml.MappingStartEvent):
            raise _Broken("is no table of submissions")
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._value(event, 1)
            value = self._value(self._next(), 1)
            if isinstance(key, str):
                yield key, value

    def _next(self) -> yaml.Event:
        self._left -= 1
        if self._left < 0:
            raise _Broken(f"holds more than {MAX_EVENTS} values")
        try:
            return next(self._events)
        except StopIteration:
            raise _Broken("ends too early") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise _Broken(f"is broken in line {mark.line + 1}" if mark else "is broken") from None
        except (yaml.YAMLError, ValueError, RecursionError):
            raise _Broken("is broken") from None

    def _value(self, event: yaml.Event, depth: int) -> _Value:
        if isinstance(event, yaml.AliasEvent):
            return self._anchors.get(event.anchor or "")
        value: _Value = None
        if isinstance(event, yaml.ScalarEvent):
            value = str(event.value)[: 10 * MAX_TEXT]
        elif depth > MAX_DEPTH:
            self._pass_over()
        elif isinstance(event, yaml.SequenceStartEvent):
            items: list[_Value] = []
            while not isinstance(item := self._next(), yaml.SequenceEndEvent):
                if len(items) < MAX_HISTORY:
                    items.append(self._value(item, depth + 1))
                elif isinstance(item, yaml.CollectionStartEvent):
                    self._pass_over()
            value = items
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._table(depth)
        anchor = getattr(event, "anchor", None)
        if anchor and len(self._anchors) < MAX_ANCHORS:
            self._anchors[anchor] = value
        return value

    def _table(self, depth: int) -> dict[str, _Value]:
        """A table's values that are asked for, by their keys without Ruby's colon."""
        table: dict[str, _Value] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            name = key.strip(":").lower() if isinstance(key, str) else ""
            following = self._next()
            if name in _WANTED:
                table[name] = self._value(following, depth + 1)
            elif isinstance(following, yaml.CollectionStartEvent):
                self._pass_over()
        return table

    def _pass_over(self) -> None:
        """Go to the end of a collection that has begun."""
        depth = 1
        while depth:
            event = self._next()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_NESTING:
                    raise _Broken("nests too deep")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1


def _parse(data: bytes) -> Iterator[yaml.Event]:
    loader = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
    events: Iterator[yaml.Event] = yaml.parse(data, Loader=loader)
    return events
