"""Notebooks as source: one chunk per code cell, without what only IPython understands.

The text is scanned, never parsed: this runs on the trusted side. Every scan takes linear time.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

from autograder.errors import UserError
from autograder.slicing import CELL, Chunk

#: Cell magics that leave the cell's code as it is. `%%writefile x.py` too: the code was meant for a file.
HARMLESS_CELL_MAGICS = frozenset({"time", "capture", "prun", "writefile", "file"})
#: Line magics that run the rest of their line as ordinary code.
TIMING_MAGICS = frozenset({"time", "prun"})

_CELL_MAGIC = re.compile(r"%%(\w*)[ \t]*(.*)")
_LINE_MAGIC = re.compile(r"(?P<indent>[ \t]*)%(?P<name>\w+)[ \t]*(?P<rest>.*)")
_SHELL = re.compile(r"[ \t]*[!?]")
_HELP = re.compile(r"[ \t]*[\w.*]+\?{1,2}[ \t]*$")
_COMMAND = re.compile(r"[ \t]*(?:(?:pip3?|conda|mamba)[ \t]+(?:un)?install\b|(?:cd|ls)[ \t]+[\w./~][\w./~*-]*[ \t]*$)")
_CAPTURED = re.compile(r"(?P<target>[ \t]*[\w.,](?:[\w., \t]*[\w.,])?)[ \t]*=[ \t]*[!%][ \t]*[A-Za-z_./~{]")
_TOKEN = re.compile(r"'''|\"\"\"|['\"]|#.*|[()\[\]{}]")
_CLOSING = {quote: re.compile(rf"\\.|{quote}") for quote in ("'", '"', "'''", '"""')}
_INDENT = re.compile(r"[ \t]*")


def read_notebook(data: bytes, filename: str = "notebook.ipynb") -> list[Chunk]:
    """The code cells of a notebook of any format version, in order, with magics blanked out.

    Chunks are called `filename[cell n]`, n counting the code cells from 1; line numbers are those of the cell. Raises
    UserError where `data` is no notebook.
    """
    chunks = []
    for number, source in enumerate(_code_cells(read_document(data, filename), filename), start=1):
        text = without_cell_magic(source)
        chunks.append(Chunk(f"{filename}{CELL}{number}]", without_magics(text)))
    return chunks


def read_document(data: bytes, filename: str) -> dict[str, Any]:
    """The JSON of a notebook of any format version, which has cells or worksheets of some kind.

    Raises:
        UserError: where `data` is no notebook.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        where = f"{filename}, line {error.lineno}" if isinstance(error, json.JSONDecodeError) else filename
        raise UserError(
            "this notebook is damaged: it is not valid JSON",
            where=where,
            remedy="Open it in Jupyter, save it again, and submit the saved file.",
        ) from None
    if not isinstance(document, dict) or not ({"cells", "worksheets"} & document.keys()):
        raise UserError(
            "this file is called a notebook, but it has no cells",
            where=filename,
            remedy="Save the notebook in Jupyter and submit the .ipynb file.",
        )
    return document


def cell_text(source: Any) -> str:
    """A cell's source, which is a text or a list of lines, with Unix line ends; "" where it is neither."""
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return ""
    return source.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def without_cell_magic(source: str) -> str:
    """A cell without its `%%` line; an empty text where the cell is not Python or does not run in place."""
    lines = source.split("\n")
    for position, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        magic = _CELL_MAGIC.match(line)
        if magic is None:
            break
        name, arguments = magic.groups()
        to_other_file = name in {"writefile", "file"} and not arguments.rstrip(" \t\"'").endswith(".py")
        if name not in HARMLESS_CELL_MAGICS or to_other_file:
            return ""
        lines[position] = ""
    return "\n".join(lines)


def without_magics(source: str) -> str:
    """Source without line magics, shell lines and `?` help; each becomes `pass`, so that line numbers and blocks stay.

    Only lines that begin a statement count, so a `%` at the start of a continued line or inside a string stays. No line
    of valid Python is changed.
    """
    lines = source.split("\n")
    continued = False  # the magic before goes on, by a backslash, on this line
    for position in list(_statement_lines(lines)) if _has_magic(source) else ():
        line = lines[position]
        magic = _LINE_MAGIC.match(line)
        captured = _CAPTURED.match(line)
        indent = _INDENT.match(line)
        assert indent is not None
        if magic and magic["name"] in TIMING_MAGICS and magic["rest"] and not magic["rest"].startswith("-"):
            lines[position] = magic["indent"] + magic["rest"]
        elif captured:
            lines[position] = captured["target"] + " = None"
        elif magic or _SHELL.match(line) or _HELP.match(line) or _COMMAND.match(line):
            lines[position] = indent.group() + "pass"
        else:
            continue
        follower = position
        continued = line.rstrip().endswith("\\")
        while continued and follower + 1 < len(lines):
            follower += 1
            continued = lines[follower].rstrip().endswith("\\")
            lines[follower] = ""
        lines[position] = lines[position].rstrip("\\")
    return "\n".join(lines)


def _has_magic(source: str) -> bool:
    """Whether a look line by line is worth it."""
    return any(mark in source for mark in "%!?") or "pip" in source or "cd " in source or "ls " in source


def _statement_lines(lines: list[str]) -> Iterator[int]:
    """Numbers, from 0, of the lines on which a new statement can begin."""
    depth = 0
    quote = ""
    joined = False
    for position, line in enumerate(lines):
        starts = not (depth or quote or joined) and bool(line.strip())
        joined = False
        if starts:
            yield position
            if _LINE_MAGIC.match(line) or _SHELL.match(line) or _CAPTURED.match(line):
                joined = line.rstrip().endswith("\\")
                continue
        at = 0
        while token := (_CLOSING[quote] if quote else _TOKEN).search(line, at):
            text = token.group()
            at = token.end()
            if text == quote:
                quote = ""
            elif quote:
                pass  # an escaped character
            elif text in _CLOSING:
                quote = text
            elif text in {"(", "[", "{"}:
                depth += 1
            elif text in {")", "]", "}"}:
                depth = max(0, depth - 1)
        if line.endswith("\\"):
            joined = not line.lstrip().startswith("#")
        elif len(quote) == 1:
            quote = ""  # a string that was not closed ends with its line


def _code_cells(document: dict[str, Any], filename: str) -> Iterator[str]:
    """Sources of the code cells; cells that are not as they should be are skipped."""
    if "worksheets" in document or document.get("nbformat", 4) != 4:
        document = _upgrade(document, filename)
    cells = document.get("cells")
    for cell in cells if isinstance(cells, list) else []:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        if isinstance(source, (str, list)):
            yield cell_text(source)


def _upgrade(document: dict[str, Any], filename: str) -> dict[str, Any]:
    """A notebook of an older format, without its outputs, as one of format 4."""
    nbformat: Any = importlib.import_module("nbformat")  # slow to import, and hardly ever needed
    sheets = document.get("worksheets")
    for sheet in [document, *(sheets if isinstance(sheets, list) else [])]:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        for cell in cells if isinstance(cells, list) else []:
            if isinstance(cell, dict) and "outputs" in cell:
                cell["outputs"] = []
    try:
        upgraded = nbformat.convert(nbformat.from_dict(document), 4)
    except Exception as error:  # a converter that trusts its input fails in many ways on one that is none
        raise UserError(
            f"this notebook's format cannot be read ({type(error).__name__})",
            where=filename,
            remedy="Open it in a current Jupyter, save it again, and submit the saved file.",
        ) from None
    return dict(upgraded)
