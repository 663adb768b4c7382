"""What a grader said, read back from the HTML that `gradescope.render_html` wrote into results.json.

The report has a look of its own, so it takes the words and leaves the styles. Nothing that is read here is trusted as
HTML again: every text comes out as text and is escaped where it is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import NamedTuple

LABELS = ("Expected", "Actual", "Where", "Help")

_TAG = re.compile(r"<(/?)([a-z]+[0-9]?)\b([^>]*)>|([^<]+)|<")
_ATTRIBUTE = re.compile(r'\b(alt|src|style)="([^"]*)"')
_HEADLINE = re.compile(r"<p [^>]*><b>(.*?)</b></p>", re.DOTALL)
_ANY_TAG = re.compile(r"<[^>]*>")
_PNG = "data:image/png;base64,"


class Piece(NamedTuple):
    """A piece of a text."""

    text: str
    is_code: bool = False


Text = tuple[Piece, ...]


@dataclass(frozen=True)
class Line:
    """`Expected: 3`; a block has several lines of its own."""

    label: str
    text: Text
    is_block: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture's caption, and its PNG file in base64."""

    caption: str
    png: str


@dataclass(frozen=True)
class Said:
    """One grader's feedback in parts; a note's label is empty."""

    headline: Text = ()
    lines: tuple[Line, ...] = ()
    notes: tuple[Line, ...] = ()
    pictures: tuple[Picture, ...] = ()


def headline_of(output: str) -> str:
    """The headline alone, with backticks around code; "" where there is none. It is quicker than `read_output`."""
    found = _HEADLINE.search(output)
    if found is None:
        return ""
    text = re.sub(r"<code [^>]*>(.*?)</code>", r"`\1`", found[1], flags=re.DOTALL)
    return unescape(_ANY_TAG.sub("", text))


def plain_text(text: Text) -> str:
    """The words of a text."""
    return "".join(piece.text for piece in text)


class _Block:
    """A paragraph or a preformatted text as it is being read."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.label = ""
        self.is_headline = False
        self.pieces: list[Piece] = []

    def text(self) -> Text:
        pieces = list(self.pieces)
        if pieces and self.tag == "p":
            pieces[0] = pieces[0]._replace(text=pieces[0].text.lstrip())
        return tuple(piece for piece in pieces if piece.text)


def read_output(output: str) -> Said:
    """The parts of a grader's output. Whatever does not look as expected comes out as a note."""
    blocks: list[_Block] = []
    pictures: list[Picture] = []
    block: _Block | None = None
    in_label = in_code = in_caption = False
    for match in _TAG.finditer(output):
        closing, tag, attributes, text = match.groups()
        if tag in ("p", "pre"):
            block = None if closing else _Block(tag)
            if block is not None:
                blocks.append(block)
        elif tag == "b":
            styled = "style=" in (attributes or "")
            if block is not None and not closing:
                in_label = styled
                block.is_headline = not styled
            else:
                in_label = False
        elif tag == "code":
            in_code = not closing
        elif tag == "figcaption":
            in_caption = not closing
        elif tag == "img":
            found = dict(_ATTRIBUTE.findall(attributes or ""))
            if found.get("src", "").startswith(_PNG):
                pictures.append(Picture(unescape(found.get("alt", "")), found["src"].removeprefix(_PNG)))
        elif tag is None and not in_caption:
            words = unescape(text) if text is not None else "<"
            if block is None:
                block = _Block("p")
                blocks.append(block)
            if in_label:
                block.label += words
            else:
                block.pieces.append(Piece(words, in_code))
    return _sorted(blocks, tuple(pictures))


def _sorted(blocks: list[_Block], pictures: tuple[Picture, ...]) -> Said:
    headline: Text = ()
    lines: list[Line] = []
    notes: list[Line] = []
    label = ""
    for block in blocks:
        text = block.text()
        if block.is_headline and not headline:
            headline = text
        elif block.label and not text:
            label = block.label.rstrip(":")
        elif block.label or label:
            lines.append(Line(block.label.rstrip(":") or label, text, block.tag == "pre"))
            label = ""
        elif plain_text(text).strip():
            notes.append(Line("", text, block.tag == "pre"))
    return Said(headline, tuple(lines), tuple(notes), pictures)
