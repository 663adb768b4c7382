"""Submissions whose code is alike, apart from what the template gave and what most of the class wrote.

Trusted side: code is read as text, in linear time. Theory of operation:
- A file becomes a sequence of tokens without comments, line ends and indentation. Texts are all the same, and so are
  names but for those that a library gave (`nn.Linear`): neither new names nor another layout hide what was copied.
- Lines of the template are left out; what remains is the student's own.
- Every run of K tokens has a hash. Of each W neighbouring ones the smallest is a fingerprint (Schleimer, Wilkerson and
  Aiken, "Winnowing", SIGMOD 2003), so that two files which share K + W - 1 tokens share a fingerprint.
- Which files share how many fingerprints is one product of a sparse matrix with itself. Only pairs that share enough
  are compared token by token, the likeliest first.
- What more than half of a class wrote is the obvious answer and no sign of anything. It counts neither as own nor as
  shared, once so many have handed in that half of them did not copy from one.

What it does not tell: who copied from whom, and whether two who worked together were allowed to.
"""

from __future__ import annotations

import builtins
import keyword
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse

from autograder.homework import Homework, read_text
from autograder.notebooks import read_notebook
from autograder.regrade.handins import Handin
from autograder.submission import FoundFile

#: Tokens of a run: about two lines. A shorter one is found in any two programs.
K = 16
#: Runs of which one is a fingerprint.
W = 5
#: Fewest own tokens of a file, about eight lines, with which likeness means anything; and fewest that are shared.
MIN_OWN = 80
MIN_SHARED = 60
#: Share of one side's own code from which a pair is listed.
ALIKE = 0.5
#: What more than this share of the class wrote is nobody's own, where at least so many handed in.
COMMON = 0.5
MIN_CLASS = 10
#: Characters of a file that are read, and own tokens of it; what is over is not compared.
MAX_TEXT = 400_000
MAX_TOKENS = 20_000
#: Pairs of a file that are compared token by token, and pairs that are listed.
MAX_COMPARED = 1_500
MAX_PAIRS = 200
MAX_PIECES = 50
#: Places of one run in a file that are tried.
MAX_PLACES = 8

_Codes = np.ndarray[Any, np.dtype[np.uint32]]
_Numbers = np.ndarray[Any, np.dtype[np.int64]]
_Hashes = np.ndarray[Any, np.dtype[np.uint64]]
_Marks = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Lines:
    """Lines of a file, counted from 1 in `code_of` it, both ends included."""

    start: int
    end: int


@dataclass(frozen=True)
class Piece:
    """A piece of code that stands in both files of a pair."""

    first: Lines
    second: Lines


@dataclass(frozen=True)
class AlikePair:
    """Two handins whose code for one file of the homework is alike.

    Attributes:
        first: a handin's id.
        second: the other's.
        share_first: the share of the first one's own code that stands in the second's too, from 0 to 1.
        share_second: the same for the second one.
        file: the module that the files are for, as in `FoundFile.module`.
        pieces: what stands in both, from the first file's top.
    """

    first: str
    second: str
    share_first: float
    share_second: float
    file: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Likeness:
    """The pairs that are alike, the most alike first, and sentences on what was not compared."""

    pairs: tuple[AlikePair, ...]
    notes: tuple[str, ...] = ()


def code_of(found: FoundFile) -> str:
    """A file's code as one text, its cells one after the other: what the lines of a `Piece` are counted in."""
    return "".join(chunk.text if chunk.text.endswith("\n") else chunk.text + "\n" for chunk in found.chunks)


def template_code(homework: Homework) -> dict[str, str]:
    """What students get, by module; of a notebook its code cells. Modules without a template are left out."""
    texts = {}
    for file in homework.declaration.files:
        path = homework.template / file.path
        if path.is_file():
            text = read_text(path)
            if file.path.endswith(".ipynb"):
                text = "\n".join(chunk.text for chunk in read_notebook(text.encode(), file.path))
            texts[file.module] = text
    return texts


def find_alike(
    graded: Iterable[tuple[Handin, Sequence[FoundFile]]], templates: Mapping[str, str], *, threshold: float = ALIKE
) -> Likeness:
    """The pairs of handins whose own code is alike, file by file.

    Args:
        graded: handins with the files that were found for them; they are taken once, one after the other.
        templates: what students were given, by module.
        threshold: the share of one side's own code from which a pair is listed.
    """
    given = {module: _lines_of(text) for module, text in templates.items()}
    handins: list[Handin] = []
    files: dict[str, list[_File]] = defaultdict(list)
    for handin, found in graded:
        for file in found:
            own = _File(len(handins), *_own_tokens(file, given.get(file.module, frozenset())))
            if len(own.codes) >= MIN_OWN:
                files[file.module].append(own)
        handins.append(handin)
    pairs: list[tuple[float, AlikePair]] = []
    notes = []
    for module, alike in sorted(files.items()):
        likely = _likely_pairs(alike, handins, threshold)
        if len(likely) > MAX_COMPARED:
            notes.append(
                f"In {module} {len(likely)} pairs are likely to be alike; {MAX_COMPARED} of them were compared in full."
            )
        for one, other in likely[:MAX_COMPARED]:
            pair = _compare(one, other, handins, module, threshold)
            if pair is not None:
                pairs.append((pair.share_first + pair.share_second, pair))
    pairs.sort(key=lambda scored: (-scored[0], scored[1].first, scored[1].second, scored[1].file))
    if len(pairs) > MAX_PAIRS:
        notes.append(f"{len(pairs)} pairs of files are alike; the {MAX_PAIRS} most alike are listed.")
    return Likeness(tuple(pair for _, pair in pairs[:MAX_PAIRS]), tuple(notes))


# --- tokens -----------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<blank>[^\S\n]+|\#[^\n]*|\\\n)"
    r"|(?P<newline>\n)"
    r'|(?P<text>[rbfuRBFU]{0,2}(?:"""[^"\\]*(?:(?:\\[\s\S]|"(?!""))[^"\\]*)*(?:""")?'
    r"|'''[^'\\]*(?:(?:\\[\s\S]|'(?!''))[^'\\]*)*(?:''')?"
    r'|"[^"\\\n]*(?:\\[\s\S][^"\\\n]*)*"?'
    r"|'[^'\\\n]*(?:\\[\s\S][^'\\\n]*)*'?))"
    r"|(?P<number>\.?\d[\w.]*)"
    r"|(?P<name>\w+)"
    r"|(?P<sign>[\s\S])"
)
_KEPT = frozenset((*keyword.kwlist, *dir(builtins), "self"))


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """(token, its line from 0) of Python code, be it valid or not."""
    line = 0
    before = ["", ""]
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind == "name":
            of_library = before[-1] == "." and before[-2] != "self"
            shown = token if of_library or token in _KEPT else "name"
        else:
            shown = "text" if kind == "text" else token
        if kind not in {"blank", "newline"}:
            yield shown, line
            before = [before[-1], token]
        line += token.count("\n")


def _own_tokens(found: FoundFile, given: frozenset[str]) -> tuple[_Codes, _Numbers]:
    """A file's tokens that are not the template's, as numbers, and the line of each, counted from 1 in `code_of`."""
    codes: list[int] = []
    numbers: list[int] = []
    start, left = 1, MAX_TEXT
    for chunk in found.chunks:
        text = chunk.text[: max(0, left)]
        left -= len(text)
        lines = text.split("\n")
        own = [line.strip() not in given for line in lines]
        for token, line in _tokens(text):
            if own[line] and len(codes) < MAX_TOKENS:
                codes.append(zlib.crc32(token.encode("utf-8", "replace")))
                numbers.append(start + line)
        start += chunk.text.count("\n") + (not chunk.text.endswith("\n"))
    return np.array(codes, dtype=np.uint32), np.array(numbers, dtype=np.int64)


def _lines_of(text: str) -> frozenset[str]:
    return frozenset(line.strip() for line in text.split("\n"))


# --- fingerprints -----------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _File:
    """The own tokens of one file of a handin, which is told by its place in the class."""

    handin: int
    codes: _Codes
    lines: _Numbers
    is_own: _Marks = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def hashes(self) -> _Hashes:
        """A hash of each run of K tokens."""
        count = max(0, len(self.codes) - K + 1)
        hashes = np.zeros(count, dtype=np.uint64)
        for at in range(K):
            hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + self.codes[at : at + count]
        hashes ^= hashes >> np.uint64(29)
        hashes *= np.uint64(0xBF58476D1CE4E5B9)
        mixed: _Hashes = hashes ^ (hashes >> np.uint64(32))
        return mixed

    def leave_out(self, common: _Hashes) -> None:
        """Mark as nobody's own what lies in a run that most of the class wrote."""
        runs = np.isin(self.hashes(), common)
        edges = np.zeros(len(self.codes) + 1, dtype=np.int64)
        np.add.at(edges, np.flatnonzero(runs), 1)
        np.add.at(edges, np.flatnonzero(runs) + K, -1)
        self.is_own = np.cumsum(edges[:-1]) == 0

    def fingerprints(self, common: _Hashes) -> _Hashes:
        hashes = self.hashes()
        hashes = hashes[~np.isin(hashes, common)]
        if len(hashes) > W:
            windows = np.lib.stride_tricks.sliding_window_view(hashes, W)
            hashes = windows.min(axis=1)
        unique: _Hashes = np.unique(hashes)
        return unique


def _likely_pairs(files: Sequence[_File], handins: Sequence[Handin], threshold: float) -> list[tuple[_File, _File]]:
    """The pairs that share many fingerprints, the likeliest first."""
    common = _common(files)
    for file in files:
        file.leave_out(common)
    files = [file for file in files if np.count_nonzero(file.is_own) >= MIN_OWN]
    if len(files) < 2:
        return []
    prints = [file.fingerprints(common) for file in files]
    known, columns = np.unique(np.concatenate(prints), return_inverse=True)
    sizes = np.array([len(one) for one in prints])
    rows = np.repeat(np.arange(len(files)), sizes)
    ones = np.ones(len(rows), dtype=np.int32)
    matrix = scipy.sparse.csr_matrix((ones, (rows, columns)), shape=(len(files), len(known)))
    shared = scipy.sparse.triu(matrix @ matrix.T, k=1).tocoo()
    estimate = shared.data / np.maximum(1, np.minimum(sizes[shared.row], sizes[shared.col]))
    likely = np.flatnonzero(estimate >= 0.5 * threshold)
    likely = likely[np.lexsort((shared.col[likely], shared.row[likely], -estimate[likely]))]
    pairs = ((files[shared.row[at]], files[shared.col[at]]) for at in likely)
    return [(one, other) for one, other in pairs if not _are_of_one(handins[one.handin], handins[other.handin])]


def _common(files: Sequence[_File]) -> _Hashes:
    """The hashes of what more than half of the class wrote."""
    if len(files) < MIN_CLASS:
        return np.zeros(0, dtype=np.uint64)
    hashes, counts = np.unique(np.concatenate([np.unique(file.hashes()) for file in files]), return_counts=True)
    common: _Hashes = hashes[counts > COMMON * len(files)]
    return common


def _are_of_one(one: Handin, other: Handin) -> bool:
    """Whether two handins are attempts of the same people."""
    people = set(one.people) & set(other.people)
    return any(person.sid or person.email or one.attempt or other.attempt for person in people)


# --- comparing two ----------------------------------------------------------------------------------------------------


def _compare(one: _File, other: _File, handins: Sequence[Handin], module: str, threshold: float) -> AlikePair | None:
    blocks = _blocks(one, other)
    shared = (_own_in(one, blocks), _own_in(other, _blocks(other, one)))
    shares = [count / np.count_nonzero(file.is_own) for count, file in zip(shared, (one, other), strict=True)]
    if min(shared) < MIN_SHARED or max(shares) < threshold:
        return None
    pieces = tuple(
        Piece(_lines(one, start, length), _lines(other, at, length))
        for start, at, length in blocks
        if one.is_own[start : start + length].any()
    )
    first, second = handins[one.handin].id, handins[other.handin].id
    return AlikePair(first, second, round(float(shares[0]), 4), round(float(shares[1]), 4), module, pieces[:MAX_PIECES])


def _own_in(file: _File, blocks: Iterable[tuple[int, int, int]]) -> int:
    """How many of a file's own tokens lie in blocks of it."""
    found = np.zeros(len(file.codes), dtype=np.bool_)
    for start, _, length in blocks:
        found[start : start + length] = True
    return int(np.count_nonzero(found & file.is_own))


def _lines(file: _File, start: int, length: int) -> Lines:
    return Lines(int(file.lines[start]), int(file.lines[start + length - 1]))


def _blocks(one: _File, other: _File) -> list[tuple[int, int, int]]:
    """(start in one, start in the other, tokens) of what stands in both, at least K tokens each."""
    places: dict[int, list[int]] = defaultdict(list)
    for at, run in enumerate(other.hashes().tolist()):
        if len(places[run]) < MAX_PLACES:
            places[run].append(at)
    mine, theirs = one.codes.tolist(), other.codes.tolist()
    runs = one.hashes().tolist()
    blocks = []
    start = 0
    while start < len(runs):
        longest, found = 0, 0
        for at in places.get(runs[start], ()):
            length = _common_length(mine, start, theirs, at)
            if length > longest:
                longest, found = length, at
        if longest >= K:
            blocks.append((start, found, longest))
            start += longest
        else:
            start += 1
    return blocks


def _common_length(mine: Sequence[int], start: int, theirs: Sequence[int], at: int) -> int:
    length, most = 0, min(len(mine) - start, len(theirs) - at)
    while length < most and mine[start + length] == theirs[at + length]:
        length += 1
    return length
