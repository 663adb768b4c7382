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
from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup, escape

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
_CLASSES = {"comment": "c", "string": "s", "number": "m", "decorator": "d"}

Mark = Callable[[str], Markup]


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


def listing(text: str, mark: Mark = escape) -> list[Markup]:
    """The text's lines as HTML.

    Args:
        text: lines end with line feeds, as Python counts them.
        mark: how text becomes HTML; it escapes.
    """
    lines: list[list[Markup]] = [[]]
    for name, word in tokens(readable(text)):
        for index, piece in enumerate(word.split("\n")):
            if index:
                lines.append([])
            if not piece:
                continue
            html = mark(piece)
            lines[-1].append(Markup('<i class="{}">{}</i>').format(name, html) if name else html)
    return [Markup("").join(line) for line in lines]


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


def span(lines: Sequence[Markup], first: int, last: int) -> Sequence[Markup]:
    """Lines `first` to `last`, counted from 1, as far as they are there."""
    return lines[max(0, first - 1) : max(0, last)]
