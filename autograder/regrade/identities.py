"""Names that can be shown, ids that are safe file names, and who share a name or a number."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from autograder.feedback import plain
from autograder.regrade.handins import Handin, Person

#: Names that one sentence lists, and characters of one.
MAX_NAMED = 10
MAX_NAME = 120


def shown(name: str) -> str:
    """A name that can be printed and is not empty."""
    clean = plain(name.encode("utf-8", "replace").decode("utf-8"), MAX_NAME, lines=1)
    return clean or "(no name)"


def some(names: Sequence[str]) -> str:
    listed = ", ".join(shown(name) for name in names[:MAX_NAMED])
    return f"{listed} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else listed


def namesakes(handins: Iterable[Handin]) -> list[str]:
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
            notes.append(f"{name} is the name of {len(people)} students: {some(ids)}.")
    for key, people in by_id.items():
        if len(people) > 1:
            ids = [id for ids in people.values() for id in ids]
            notes.append(f"The student {shown(key)} is in several submissions: {some(ids)}.")
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


def with_safe_ids(handins: Iterable[Handin]) -> tuple[Handin, ...]:
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
