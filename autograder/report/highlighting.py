"""Python source as HTML, line by line: comments, strings, numbers and words of the language are told apart.

One regular expression scans the text once, in linear time whatever the text is; what is no Python is shown all the
same. (Pygments does this for many languages; on homework it takes ten times as long, and its patterns are not made
for texts that are meant to be slow.)
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from markupsafe import escape

from autograder.report.names import Piece

MAX_LINES = 4_000  # of one listing
MAX_LINE = 600  # characters of one line

_STRING = r"""
    [rRbBuUfF]{0,2}(?:
        \"\"\"[^"\\]*(?:(?:\\(?:.|\Z)|"(?!""))[^"\\]*)*(?:\"\"\"|\Z)
      | '''[^'\\]*(?:(?:\\(?:.|\Z)|'(?!''))[^'\\]*)*(?:'''|\Z)
      | "[^"\\\n]*(?:\\(?:.|\Z)[^"\\\n]*)*(?:"|(?=\n)|\Z)
      | '[^'\\\n]*(?:\\(?:.|\Z)[^'\\\n]*)*(?:'|(?=\n)|\Z)
    )
"""
_TOKEN = re.compile(
    rf"(?P<comment>\#[^\n]*)|(?P<string>{_STRING})|(?P<number>\b\d[\w.]*)|(?P<word>[^\W\d]\w*)|(?P<decorator>@[^\W\d][\w.]*)",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = frozenset(keyword.kwlist)
_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) | {"self", "cls"}
_SEPARATOR = "\0"
_CLASSES = {"comment": "c", "string": "s", "number": "m", "decorator": "d"}


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """(class, text) of all of the text, in order; the class is "" for what is plain."""
    at = 0
    defines = False
    for match in _TOKEN.finditer(text):
        if match.start() > at:
            yield "", text[at : match.start()]
        kind = match.lastgroup or ""
        word = match[0]
        if kind == "word":
            name = "k" if word in _KEYWORDS else "f" if defines else "b" if word in _BUILTINS else ""
            defines = word in {"def", "class"}
        elif kind == "decorator" and text[: match.start()].rpartition("\n")[2].strip():
            name = ""  # a matrix product
        else:
            name = _CLASSES[kind]
        yield name, word
        at = match.end()
    if at < len(text):
        yield "", text[at:]


def listing(text: str, find: Callable[[str], Sequence[Piece]] | None = None, *, hide_names: bool = False) -> list[str]:
    """The text's lines as HTML, escaped.

    Args:
        text: lines end with line feeds, as Python counts them.
        find: gives a text in pieces, of which those with an alias are names.
        hide_names: whether pseudonyms stand in the text, and names in attributes.
    """
    text = readable(text)
    pieces = [(name, word, "") for name, word in tokens(text)] or [("", "", "")]
    names = find(text) if find else ()
    if any(piece.alias for piece in names):
        pieces = list(_with_names(pieces, names))
    # One call escapes all of it; no readable text has the separator.
    words = str(escape(_SEPARATOR.join(word for _, word, _ in pieces))).split(_SEPARATOR)
    html = []
    for (name, _, alias), word in zip(pieces, words, strict=True):
        if alias:
            html.append(exchangeable(word, alias) if hide_names else exchangeable(alias, word))
        elif not name:
            html.append(word)
        elif "\n" in word:
            html.append("\n".join(f'<i class="{name}">{line}</i>' if line else "" for line in word.split("\n")))
        else:
            html.append(f'<i class="{name}">{word}</i>')
    return "".join(html).split("\n")


def exchangeable(other: str, shown: str) -> str:
    """A name and its pseudonym, both escaped; `report.js` exchanges them."""
    return f'<bdi data-n="{other}">{shown}</bdi>'


def _with_names(pieces: Iterable[tuple[str, str, str]], names: Sequence[Piece]) -> Iterator[tuple[str, str, str]]:
    """The tokens cut where names begin and end; a name is a piece of its own."""
    spans = []
    at = 0
    for piece in names:
        if piece.alias:
            spans.append((at, at + len(piece.text), piece))
        at += len(piece.text)
    waiting = iter([*spans, (at, at, Piece(""))])
    start, end, name = next(waiting)
    at = 0
    for kind, word, _ in pieces:
        last = at + len(word)
        if last <= start:
            yield kind, word, ""
            at = last
        while at < last:
            if at < start:
                upto = min(last, start)
                yield kind, word[len(word) - (last - at) : len(word) - (last - upto)], ""
                at = upto
            elif at < end:
                if at == start:
                    yield "", name.text, name.alias
                at = min(last, end)
            else:
                start, end, name = next(waiting, (1 << 60, 1 << 60, Piece("")))


def readable(text: str, *, max_lines: int = MAX_LINES) -> str:
    """The text with everything visible that would hide or reorder text, and not endless.

    Lines stay what Python takes them for, so that line numbers stay true.
    """
    lines = text.split("\n")
    kept = [_visible(line) for line in lines[:max_lines]]
    if len(lines) > max_lines:
        kept.append(f"… [{len(lines) - max_lines:,} lines cut]")
    return "\n".join(kept)


def _visible(line: str) -> str:
    cut = len(line) - MAX_LINE
    line = line[:MAX_LINE]
    if not (line.isascii() and line.isprintable()):
        line = "".join(map(_shown, line.expandtabs(4)))
    return f"{line.rstrip()} … [{cut:,} characters cut]" if cut > 0 else line


def _shown(char: str) -> str:
    if char.isprintable() or char == " ":
        return char
    if unicodedata.category(char) == "Zs":
        return " "
    return f"⟨U+{ord(char):04X}⟩"
