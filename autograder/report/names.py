"""Names of people and what stands in their place: every name on a page is marked, so that a switch can replace it.

Theory of operation. A person's pseudonym is the beginning of a keyed hash of who they are, so it is the same on every
page and in every run with the same key, and cannot be computed from a class list by someone who lacks the key. A page
holds both texts of each marked piece, one in the document's text and one in an attribute; `report.js` exchanges them.
What is replaced is no text of the document any more: neither a screen reader nor a search in the page finds it.

Names also stand where nobody marked them: in comments, file names, notes, messages. `Names.pieces` looks for them word
by word. Full names, e-mail addresses, ids and user names of the whole class are found everywhere; a single part of a
name only where the text is its owner's and the word is written as a name is, since `max` and `long` are code.
Initials, nicknames, misspellings and what is in pictures are not found.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from autograder.regrade.handins import Handin, Person

SHORTEST_PART = 3  # letters of a name's part that is looked for by itself
SHORTEST_NUMBER = 5  # characters of a student number, and of a user name, that is looked for
SHORTEST_CODE = 4  # of a pseudonym: 65,536 of them
FARTHEST = 3  # characters between two words of a name

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)


class Piece(NamedTuple):
    """A piece of text; `alias` is what stands for it where names are hidden, "" where it is no name."""

    text: str
    alias: str = ""


@dataclass(frozen=True)
class Known:
    """How one handin and its people are called.

    Attributes:
        key: names the handin's page; it tells nothing about the people.
        label: the people's names, told apart where another handin has the same.
        alias: their pseudonyms.
    """

    key: str
    label: str
    alias: str
    people: tuple[tuple[Person, str], ...]


class Names:
    """The names of a class and their pseudonyms.

    Args:
        handins: all of the class; their ids are unique.
        key: what the pseudonyms are keyed with.
    """

    def __init__(self, handins: Sequence[Handin], key: bytes) -> None:
        self._key = key
        identities = {_identity(handin, index) for handin in handins for index in range(len(handin.people))}
        codes = _shortened({identity: self._digest(identity) for identity in identities})
        labels = [handin.name for handin in handins]
        twice = (
            {label.casefold() for label in labels if sum(other.casefold() == label.casefold() for other in labels) > 1}
            if len({label.casefold() for label in labels}) < len(labels)
            else set()
        )
        self._known: dict[str, Known] = {}
        self._sequences: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._own: dict[str, re.Pattern[str] | None] = {}
        self._own_aliases: dict[str, dict[str, str]] = {}
        for handin in handins:
            people = tuple(
                (person, f"Student {codes[_identity(handin, index)]}") for index, person in enumerate(handin.people)
            )
            label = handin.name
            if label.casefold() in twice:
                told_apart = ", ".join(filter(None, (person.sid or person.email for person in handin.people)))
                label = f"{label} ({told_apart or handin.id})"
            page = hashlib.blake2b(handin.id.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
            alias = " and ".join(alias for _, alias in people)
            self._known[handin.id] = Known(page, label, alias, people)
            self._learn(handin.id, alias)
            for person, person_alias in people:
                for text in (person.name, person.sid, person.email):
                    self._learn(text, person_alias)
        for sequences in self._sequences.values():
            sequences.sort(key=lambda pair: -len(pair[0]))

    def __contains__(self, handin: str) -> bool:
        return handin in self._known

    def __getitem__(self, handin: str) -> Known:
        return self._known[handin]

    @property
    def digest(self) -> bytes:
        """Of all that decides which texts count as names."""
        parts = sorted((*sequence, alias) for pairs in self._sequences.values() for sequence, alias in pairs)
        return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()

    def pieces(self, text: str, owner: str = "", *, is_path: bool = False) -> list[Piece]:
        """The text in pieces, of which those with an alias are names.

        Args:
            text: any text.
            owner: id of the handin that the text is about, whose people's first or last names are looked for, too.
            is_path: whether it is a file's name, where names stand in lower case.
        """
        found = sorted({*self._full_names(text), *self._parts(text, owner, is_path)}, key=lambda hit: (hit[0], -hit[1]))
        pieces, at = [], 0
        for start, end, alias in found:
            if start < at:
                continue
            if start > at:
                pieces.append(Piece(text[at:start]))
            pieces.append(Piece(text[start:end], alias))
            at = end
        if at < len(text) or not pieces:
            pieces.append(Piece(text[at:]))
        return pieces

    def _digest(self, identity: str) -> str:
        return hmac.digest(self._key, identity.encode("utf-8", "surrogatepass"), "sha256").hex().upper()

    def _learn(self, text: str, alias: str) -> None:
        """Look for the text, and for the ways in which a name is written."""
        words = tuple(word.casefold() for word in _WORD.findall(text))
        if not words:
            return
        forms = {words}
        if "@" in text:
            forms.add(tuple(word.casefold() for word in _WORD.findall(text.partition("@")[0])))
        elif len(words) > 1:
            forms |= {(words[-1], *words[:-1]), (words[0], words[-1]), (words[-1], words[0])}
        forms |= {("".join(form),) for form in forms}
        for form in forms:
            if len("".join(form)) >= (SHORTEST_NUMBER if len(form) == 1 else SHORTEST_CODE):
                pairs = self._sequences.setdefault(form[0], [])
                if all(known != form for known, _ in pairs):
                    pairs.append((form, alias))

    def _full_names(self, text: str) -> Iterator[tuple[int, int, str]]:
        words = [(match.start(), match.end(), match[0].casefold()) for match in _WORD.finditer(text)]
        for index, (start, _, word) in enumerate(words):
            for form, alias in self._sequences.get(word, ()):
                last = index + len(form) - 1
                if last >= len(words) or any(words[index + step][2] != wanted for step, wanted in enumerate(form)):
                    continue
                if all(words[i + 1][0] - words[i][1] <= FARTHEST for i in range(index, last)):
                    yield start, words[last][1], alias
                    break

    def _parts(self, text: str, owner: str, is_path: bool) -> Iterator[tuple[int, int, str]]:
        if owner not in self._known:
            return
        if owner not in self._own:
            aliases = {
                part.casefold(): alias
                for person, alias in self._known[owner].people
                for part in (*_WORD.findall(person.name), person.name)
                if len(part) >= SHORTEST_PART or (_UNSPACED.search(part) and len(part) > 1)
            }
            self._own_aliases[owner] = aliases
            patterns = [
                re.escape(part) if _UNSPACED.search(part) else rf"(?<![^\W_]){re.escape(part)}(?![^\W_])"
                for part in sorted(aliases, key=len, reverse=True)
            ]
            self._own[owner] = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None
        pattern = self._own[owner]
        for match in pattern.finditer(text) if pattern else ():
            word = match[0]
            as_a_name = is_path or word[:1].isupper() or bool(_UNSPACED.search(word))
            alias = self._own_aliases[owner].get(word.casefold())
            if alias and as_a_name:
                yield match.start(), match.end(), alias


def _identity(handin: Handin, index: int) -> str:
    """What makes a person the same one in another run, or in another attempt."""
    person = handin.people[index]
    return person.email.casefold() or person.sid or f"{person.name}\0{handin.id}\0{index}"


def _shortened(codes: dict[str, str]) -> dict[str, str]:
    """The codes' beginnings, each as long as it must be to be like no other's."""
    short = {}
    by_beginning: dict[str, list[str]] = {}
    left: Iterable[str] = codes
    length = SHORTEST_CODE
    while left and length <= 64:
        by_beginning = {}
        for identity in left:
            by_beginning.setdefault(codes[identity][:length], []).append(identity)
        short.update({group[0]: beginning for beginning, group in by_beginning.items() if len(group) == 1})
        left = [identity for group in by_beginning.values() if len(group) > 1 for identity in group]
        length += 1
    return short
