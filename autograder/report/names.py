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
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from autograder.regrade.handins import Handin, Person

SHORTEST_PART = 3  # letters of a name's part that is looked for by itself
SHORTEST_NUMBER = 5  # characters of a student number, and of a user name, that is looked for
SHORTEST_CODE = 4  # of a pseudonym: 65,536 of them
NO_NAME = "(no name)"
FARTHEST = 3  # characters between two words of a name

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)


Form = tuple[str, ...]


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
        often = Counter(handin.name.strip().casefold() or NO_NAME for handin in handins)
        self._known: dict[str, Known] = {}
        self._own: dict[str, _Own] = {}
        self._forms: dict[Form, str] = {}
        for handin in handins:
            people = tuple(
                (person, f"Student {codes[_identity(handin, index)]}") for index, person in enumerate(handin.people)
            )
            label = handin.name if handin.name.strip() else NO_NAME
            if often[label.casefold()] > 1:
                told_apart = ", ".join(filter(None, (person.sid or person.email for person in handin.people)))
                label = f"{label} ({told_apart or handin.id})"
            page = hashlib.blake2b(handin.id.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
            alias = " and ".join(alias for _, alias in people)
            self._known[handin.id] = Known(page, label, alias, people)
            for form, whose in _forms(handin.id, self._known[handin.id]):
                self._forms.setdefault(form, whose)
        lengths: dict[str, set[int]] = {}
        for form in self._forms:
            lengths.setdefault(form[0], set()).add(len(form))
        self._lengths = {word: sorted(found, reverse=True) for word, found in lengths.items()}

    def __contains__(self, handin: str) -> bool:
        return handin in self._known

    def __getitem__(self, handin: str) -> Known:
        return self._known[handin]

    @property
    def digest(self) -> bytes:
        """Of all that decides which texts count as names."""
        parts = repr(sorted(self._forms.items())).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(parts, key=self._key, digest_size=16).digest()

    def pieces(self, text: str, owner: str = "", *, is_path: bool = False) -> list[Piece]:
        """The text in pieces, of which those with an alias are names.

        Args:
            text: any text.
            owner: id of the handin that the text is about, whose people's first or last names are looked for, too.
            is_path: whether it is a file's name, where names stand in lower case.
        """
        own = self._own_of(owner) if owner in self._known else None
        words = [word.casefold() for word in _WORD.findall(text)]
        found = self._full_names(text, words, own)
        if own and own.may_be_in(text, words):
            found += own.parts(text, is_path)
        if not found:
            return [Piece(text)]
        found.sort(key=lambda hit: (hit[0], -hit[1]))
        pieces, at = [], 0
        for start, end, alias in found:
            if start < at:
                continue
            if start > at:
                pieces.append(Piece(text[at:start]))
            pieces.append(Piece(text[start:end], alias))
            at = end
        if at < len(text):
            pieces.append(Piece(text[at:]))
        return pieces

    def _digest(self, identity: str) -> str:
        return hmac.digest(self._key, identity.encode("utf-8", "surrogatepass"), "sha256").hex().upper()

    def _own_of(self, handin: str) -> _Own:
        if handin not in self._own:
            self._own[handin] = _Own(handin, self._known[handin])
        return self._own[handin]

    def _full_names(self, text: str, words: Sequence[str], own: _Own | None) -> list[tuple[int, int, str]]:
        """(start, end, alias) of names that are written out; `words` are the text's."""
        if self._lengths.keys().isdisjoint(words):
            return []
        likely = []
        for index, word in enumerate(words):
            for length in self._lengths.get(word, ()):
                form = tuple(words[index : index + length])
                alias = (own.forms.get(form) if own else None) or self._forms.get(form)
                if alias:
                    likely.append((index, index + len(form), alias))
        if not likely:
            return []
        places = [match.span() for match in _WORD.finditer(text)]
        return [
            (places[first][0], places[last - 1][1], alias)
            for first, last, alias in likely
            if all(after[0] - before[1] <= FARTHEST for before, after in itertools.pairwise(places[first:last]))
        ]


class _Own:
    """What to look for in texts about one handin alone."""

    def __init__(self, handin: str, known: Known) -> None:
        self.forms = dict(_forms(handin, known))
        self._aliases: dict[str, str] = {}
        for person, alias in known.people:
            for part in (*_WORD.findall(person.name), *_WORD.findall(person.email.partition("@")[0]), person.name):
                if len(part) >= SHORTEST_PART or (_UNSPACED.search(part) and len(part) > 1):
                    self._aliases.setdefault(part.casefold(), alias)
        self._words = {part for part in self._aliases if _WORD.fullmatch(part)}
        self._unspaced = [part for part in self._aliases if _UNSPACED.search(part)]
        patterns = [
            re.escape(part) if _UNSPACED.search(part) else rf"(?<![^\W_]){re.escape(part)}(?![^\W_])"
            for part in sorted(self._aliases, key=len, reverse=True)
        ]
        self._pattern = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None

    def may_be_in(self, text: str, words: Sequence[str]) -> bool:
        """Whether a look for parts of names is worth it; `words` are the text's."""
        return not self._words.isdisjoint(words) or any(part in text for part in self._unspaced)

    def parts(self, text: str, is_path: bool) -> Iterator[tuple[int, int, str]]:
        """(start, end, alias) of single parts of names, where they are written as names are."""
        for match in self._pattern.finditer(text) if self._pattern else ():
            word = match[0]
            alias = self._aliases.get(word.casefold())
            if alias and (is_path or word[:1].isupper() or _UNSPACED.search(word)):
                yield match.start(), match.end(), alias


def _forms(handin: str, known: Known) -> Iterator[tuple[Form, str]]:
    """(words, pseudonym) for the ways in which a handin and its people are written out in full.

    A single word of letters is none of them: it may be any word.
    """
    texts = [(text, alias) for person, alias in known.people for text in (person.name, person.sid, person.email)]
    for text, alias in (*texts, (handin, known.alias)):
        words = tuple(word.casefold() for word in _WORD.findall(text))
        if not words:
            continue
        forms = {words}
        if "@" in text:
            forms.add(tuple(word.casefold() for word in _WORD.findall(text.partition("@")[0])))
        elif len(words) > 1:
            forms |= {(words[-1], *words[:-1]), (words[0], words[-1]), (words[-1], words[0])}
        joined = {("".join(form),) for form in forms if len(form) > 1}
        for form in forms | joined:
            if len(form) > 1:
                fits = len("".join(form)) >= SHORTEST_CODE
            else:
                fits = bool(form) and len(form[0]) >= SHORTEST_NUMBER and (form in joined or not form[0].isalpha())
            if fits:
                yield form, alias


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
