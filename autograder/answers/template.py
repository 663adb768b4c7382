"""Which cell of the template a student's cell was: by its text, its id, or the likeness of its words.

Students delete cells, move and split them; their tools drop ids or deal them out anew. Everything here takes time
linear in what the student wrote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from autograder.answers.cells import Cell
from autograder.answers.markers import answered_question

#: Characters of a cell or line that are looked at; a longer one is no cell of the template.
MAX_COMPARED = 20_000
#: Characters in which a line tells which question it answers.
MAX_ANCHOR = 400
#: A text that repeats this share of a template cell's words is that cell, edited.
ALIKE = 0.7

_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_LEADING_TAGS = re.compile(r"(?:\s*<[^<>\n]{0,80}>)+")
_AFTER = re.compile(r"[.:;,)\]]*(?:</\w{1,10}>)?(?:<br ?/?>)?[\s.:;,)\]–—-]*")
_AFTER_EMPHASIS = re.compile(r"[\s.:;,)\]]*(?:\*\*|__|\*|_)?[\s.:;,)\]–—-]*")


@dataclass(frozen=True)
class TemplateCells:
    """The cells of a notebook as students get it."""

    cells: tuple[Cell, ...]

    @cached_property
    def numbers(self) -> dict[int, str]:
        """The question that each answer cell is for, by the cell's position."""
        titles = {at: answered_question(cell.text) for at, cell in enumerate(self.cells) if cell.kind == "text"}
        return {at: number for at, number in titles.items() if number}

    @cached_property
    def asked(self) -> dict[int, str]:
        """The question that stands in each question cell, by the cell's position."""
        return {
            at - 1: number
            for at, number in self.numbers.items()
            if at > 0 and self.cells[at - 1].kind == "text" and at - 1 not in self.numbers
        }

    @cached_property
    def stubs(self) -> frozenset[str]:
        """The words of each line of the answer cells, their titles left out."""
        texts = (self.cells[at].text.strip().partition("\n")[2] for at in self.numbers)
        return frozenset(words for text in texts for line in text.split("\n") if (words := words_of(line)))

    @cached_property
    def question_texts(self) -> dict[str, str]:
        return {number: _from_question(self.cells[at].text) for at, number in self.asked.items()}

    @cached_property
    def openings(self) -> dict[str, str]:
        """The question that a line opens, by the words of that line."""
        lines = {number: words_of(text.strip().partition("\n")[0]) for number, text in self.question_texts.items()}
        return {line: number for number, line in lines.items() if line.count(" ") >= 3}

    @cached_property
    def question_lines(self) -> frozenset[str]:
        """The words of each line of a question that no one else would write by chance."""
        lines = {words_of(line) for text in self.question_texts.values() for line in text.split("\n")}
        return frozenset(line for line in lines if line.count(" ") >= 3)

    @cached_property
    def _anchors(self) -> tuple[re.Pattern[str], list[str]]:
        """A pattern for lines like `Answer 1.a`, also retyped ones, and the numbers that its groups stand for."""
        numbers = sorted(self.numbers.values(), key=len, reverse=True)
        keys = "|".join(f"({_number_pattern(number, numbers)})" for number in numbers)
        lead = r"[\W_]*(?:my |your )?ans(?:wer)?s?[\W_]*(?:(?:to|for|of)[\W_]+)?(?:question[\W_]*)?"
        return re.compile(f"{lead}(?:{keys})", re.IGNORECASE), numbers

    def anchored(self, line: str) -> tuple[str, str]:
        """(question, rest) of a line such as `# **answer 1a** Because`; ("", "") of any other line."""
        if "ans" not in line[:MAX_ANCHOR].casefold() or not self.numbers:
            return "", ""
        tags = _LEADING_TAGS.match(line[:MAX_ANCHOR])
        pattern, numbers = self._anchors
        match = pattern.match(line[:MAX_ANCHOR], tags.end() if tags else 0)
        if match is None or match.lastindex is None:
            return "", ""
        closing = (_AFTER_EMPHASIS if re.search(r"[*_]", match[0]) else _AFTER).match(line, match.end())
        return numbers[match.lastindex - 1], line[closing.end() if closing else match.end() :].strip()

    @cached_property
    def _by_text(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        doubled = set()
        for at, cell in enumerate(self.cells):
            key = cell.kind, words_of(cell.text)
            doubled |= {key} & found.keys()
            found[key] = at
        return {key: at for key, at in found.items() if key[1] and key not in doubled}

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {cell.id: at for at, cell in enumerate(self.cells) if cell.id}

    @cached_property
    def _bags(self) -> list[tuple[int, str, frozenset[str]]]:
        """(position, kind, words) of the cells that can be recognised by their words."""
        bags = ((at, cell.kind, _bag(cell.text)) for at, cell in enumerate(self.cells) if at not in self.numbers)
        return [(at, kind, bag) for at, kind, bag in bags if len(bag) >= 4]

    def find(self, cell: Cell) -> int:
        """The position of the template's cell that a student's cell was, -1 where it was none."""
        by_text = self._by_text.get((cell.kind, words_of(cell.text)), -1)
        if by_text >= 0:
            return by_text
        alike, likeness = self._most_alike(cell)
        by_id = self._by_id.get(cell.id, -1)
        if by_id < 0 or likeness > 0.9 or (by_id in self.numbers and cell.kind == "code" and alike >= 0):
            return alike  # ids are not there, or were dealt out anew
        return by_id

    def _most_alike(self, cell: Cell) -> tuple[int, float]:
        """The cell of the same kind that has most words in common, and the share of these; (-1, 0) where none has many.

        Code cells grow while students write into them, so there it is the share of the template's words.
        """
        mine = _bag(cell.text)
        best, most = -1, ALIKE - 0.1 if cell.kind == "text" else ALIKE + 0.1
        for at, kind, words in self._bags:
            if kind == cell.kind:
                common = len(words & mine)
                share = common / (len(words) if kind == "code" else len(words) + len(mine) - common)
                if share > most:
                    best, most = at, share
        return best, most if best >= 0 else 0.0

    def is_repeated_by(self, text: str, at: int) -> bool:
        """Whether a text says little that the template's cell does not say."""
        mine = _bag(text)
        return len(mine & _bag(self.cells[at].text)) >= ALIKE * len(mine)


def _number_pattern(number: str, numbers: Sequence[str]) -> str:
    """Matches a question's number: dots may be missing or be dashes; `1.a` is not found in `1.a bonus`."""
    tokens = list(_TOKEN.finditer(number))
    pattern = re.escape(tokens[0][0]) if tokens else re.escape(number)
    for before, token in pairwise(tokens):
        is_spaced = " " in number[before.end() : token.start()]
        pattern += (r"[\W_]{0,5}" if is_spaced else r"(?:\s*[^\w\s]\s*)?") + re.escape(token[0])
    pattern += r"(?![^\W_])"
    for longer in numbers:
        if longer.startswith(number + " "):
            pattern += rf"(?![\W_]*{re.escape(_TOKEN.findall(longer[len(number) :])[0])})"
    return pattern


def _from_question(text: str) -> str:
    """The question of a cell that explains something before it asks, or the whole cell."""
    at = text.rfind("**Question")
    return text[at:] if at == 0 or (at > 0 and text[at - 1] == "\n") else text


def words_of(text: str) -> str:
    """A text without case, markup and spacing; "" for a very long one."""
    return " ".join(_WORD.findall(text.casefold())) if len(text) <= MAX_COMPARED else ""


def _bag(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text[:MAX_COMPARED].casefold()))
