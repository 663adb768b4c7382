"""All cells of a student's notebook, text and code, for a person to read; of a script, the cells it was exported from.

Trusted side: text is scanned, never executed, in linear time. Outputs are left behind. Pictures are taken out of the
text, so that what remains is what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import unquote

from autograder.notebooks import cell_text, read_document

#: Cells of one notebook that are looked at, characters of one cell, and of all cells together.
MAX_CELLS = 2_000
MAX_CELL_TEXT = 200_000
MAX_TEXT = 8_000_000
#: Base64 characters of one picture; the picture of a larger one is "".
MAX_PICTURE = 8_000_000
#: Pictures of one notebook.
MAX_PICTURES = 200

Kind = Literal["text", "code"]

_DATA_URI = re.compile(r"data:image/[\w.+-]{1,20}(?:;[\w=.-]{1,30}){0,3},[\w+/=%.-]*", re.ASCII | re.IGNORECASE)
_ATTACHMENT = re.compile(r"attachment:([^()\s\"'<>]{1,300})")
_PROMPT = re.compile(r"#[ \t]*(?:In[ \t]?\[[^\]\n]{0,10}\]:?|%%)[ \t]*$|#[ \t]*%%(?![ \t]*\[(?:markdown|md)\])")
_TEXT_MARK = re.compile(r"#[ \t]*%%[ \t]*\[(?:markdown|md)\]")
_QUOTED = re.compile(r'[rR]?("""|\'\'\')')


@dataclass(frozen=True)
class Cell:
    """A cell: `text` is its source, where a picture is written `attachment:<key of the notebook's pictures>`."""

    kind: Kind
    text: str
    id: str = ""


@dataclass(frozen=True)
class Cells:
    """The cells of a file, in order, and its pictures in base64; one that is too large is an empty text.

    `is_script` where cells had to be told apart by their looks; `left_out` counts the cells beyond the limits.
    """

    cells: tuple[Cell, ...]
    pictures: Mapping[str, str]
    is_script: bool = False
    left_out: int = 0


def read_cells(data: bytes, filename: str) -> Cells:
    """The cells of a notebook of any format version.

    Raises:
        UserError: where `data` is no notebook.
    """
    found = list(_cells_of(read_document(data, filename)))
    pictures: dict[str, str] = {}
    cells = _bounded(cell for raw in found[:MAX_CELLS] if (cell := _read_cell(raw, pictures)))
    return Cells(cells, pictures, left_out=max(0, len(found) - MAX_CELLS))


def read_script(text: str) -> Cells:
    """The cells that a script was exported from.

    Text is in blocks of comments that stand for themselves (Jupyter, with `# In[1]:` before code, and VS Code, with
    `# %%`), or in quotes (Colab). All else is code.
    """
    pictures: dict[str, str] = {}
    lines = text.split("\n")
    in_quotes = sum(bool(_QUOTED.match(line)) for line in lines) > 1 and not any(map(_PROMPT.match, lines))
    found = list(_script_cells(lines, in_quotes))
    cells = _bounded(Cell(kind, _take_pictures(source, {}, pictures)) for kind, source in found[:MAX_CELLS])
    return Cells(cells, pictures, is_script=True, left_out=max(0, len(found) - MAX_CELLS))


def _bounded(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells with at most `MAX_TEXT` characters together; later ones are cut, or empty."""
    left = MAX_TEXT
    kept = []
    for cell in cells:
        kept.append(replace(cell, text=cell.text[:left]))
        left -= len(kept[-1].text)
    return tuple(kept)


# --- notebooks ------------------------------------------------------------------------------------------------------


def _cells_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The cells of format 4, or of the worksheets of formats 2 and 3."""
    sheets = document.get("worksheets")
    for sheet in [document, *(sheets if isinstance(sheets, list) else [])]:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        yield from (cell for cell in (cells if isinstance(cells, list) else []) if isinstance(cell, dict))


def _read_cell(raw: dict[str, Any], pictures: dict[str, str]) -> Cell | None:
    kind = raw.get("cell_type")
    if kind == "code":
        return Cell("code", cell_text(raw.get("source", raw.get("input")))[:MAX_CELL_TEXT], _identity(raw))
    if kind not in ("markdown", "raw", "html", "heading"):
        return None
    text = _take_pictures(cell_text(raw.get("source")), _attachments(raw), pictures)
    if kind == "heading":
        level = raw.get("level")
        text = f"{'#' * (level if isinstance(level, int) and 0 < level < 7 else 1)} {text}"
    return Cell("text", text, _identity(raw))


def _identity(raw: dict[str, Any]) -> str:
    identity = raw.get("id")
    return identity if isinstance(identity, str) else ""


def _attachments(raw: dict[str, Any]) -> dict[str, str]:
    """Base64 by name. Of several formats of one picture, the first."""
    attachments = raw.get("attachments")
    found = {}
    for name, formats in attachments.items() if isinstance(attachments, dict) else ():
        data = next(iter(formats.values()), "") if isinstance(formats, dict) else ""
        found[name] = cell_text(data)
    return found


def _take_pictures(text: str, attachments: dict[str, str], pictures: dict[str, str]) -> str:
    """The text, cut to its limit, with its pictures moved to `pictures` under keys of the notebook's own."""

    def keep(data: str) -> str:
        key = f"picture-{len(pictures) + 1}"
        if len(pictures) < MAX_PICTURES:
            pictures[key] = data if len(data) <= MAX_PICTURE else ""
        return f"attachment:{key}"

    def attached(reference: re.Match[str]) -> str:
        name = reference[1] if reference[1] in attachments else unquote(reference[1])
        return keep(attachments[name]) if name in attachments else "attachment:lost"

    text = _ATTACHMENT.sub(attached, text[: MAX_CELL_TEXT + MAX_PICTURE])
    return _DATA_URI.sub(lambda uri: keep(uri[0].partition(",")[2]), text)[:MAX_CELL_TEXT]


# --- scripts --------------------------------------------------------------------------------------------------------


def _script_cells(lines: list[str], in_quotes: bool) -> Iterator[tuple[Kind, str]]:
    """(kind, source) of each cell. `code` collects what is no text; a prompt ends it."""
    code: list[str] = []
    position = 0
    prompted = False  # a prompt came last, so a comment here begins a cell of code

    def flush() -> Iterator[tuple[Kind, str]]:
        if any(line.strip() for line in code):
            yield "code", "\n".join(code)
        code.clear()

    while position < len(lines):
        line = lines[position]
        quote = _QUOTED.match(line) if in_quotes else None
        if _TEXT_MARK.match(line):
            end = _end_of_comments(lines, position + 1)
            yield from flush()
            yield "text", _uncommented(lines[position + 1 : end])
            position, prompted = end, False
        elif _PROMPT.match(line):
            yield from flush()
            position, prompted = position + 1, True
        elif quote and (end := _end_of_quote(lines, position, quote)):
            yield from flush()
            yield "text", _unquoted(lines[position:end], quote)
            position = end
        elif line.startswith("#") and not in_quotes and not prompted and _stands_alone(lines, position):
            end = _end_of_comments(lines, position)
            yield from flush()
            yield "text", _uncommented(lines[position:end])
            position = end
        else:
            code.append(line)
            position, prompted = position + 1, prompted and not line.strip()
    yield from flush()


def _end_of_comments(lines: list[str], start: int) -> int:
    end = start
    while end < len(lines) and lines[end].startswith("#") and not _PROMPT.match(lines[end]):
        if end > start and _TEXT_MARK.match(lines[end]):
            break
        end += 1
    return end


def _stands_alone(lines: list[str], start: int) -> bool:
    """Whether a block of comments has an empty line, or nothing, before and after it."""
    if start > 0 and lines[start - 1].strip() and not lines[start - 1].startswith("#!"):
        return False
    end = _end_of_comments(lines, start)
    return end == len(lines) or not lines[end].strip() or bool(_PROMPT.match(lines[end]))


def _uncommented(lines: list[str]) -> str:
    return "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in lines)


def _end_of_quote(lines: list[str], start: int, quote: re.Match[str]) -> int:
    """The line after the one on which a quoted text ends, 0 where that line goes on."""
    mark = quote[1]
    rest = lines[start][quote.end() :]
    end = start
    while mark not in rest:
        end += 1
        if end == len(lines):
            return 0
        rest = lines[end]
    return 0 if rest.partition(mark)[2].strip() else end + 1


def _unquoted(lines: list[str], quote: re.Match[str]) -> str:
    return "\n".join(lines)[quote.end() :].rpartition(quote[1])[0]
