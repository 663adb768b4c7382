"""What can still be read of a notebook whose JSON is damaged: the cells that are whole.

A notebook is cut off where a disk was full or an upload ended, and git writes its conflict markers into it. A cell is
an object of its own, so that each one which is whole can be read without what is around it. The text is scanned once;
places where it looks like a cell and is none are given up once they have cost as much as the whole text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder(strict=False)
_CELL_BEGINS = re.compile(
    r'\{\s*"(?:attachments|cell_type|collapsed|execution_count|id|input|metadata|outputs|source)"\s*:'
)
_CONFLICT = re.compile(r"^(?:<{7}|>{7}|={7})(?: .*)?$", re.M)
_KEPT = ("cell_type", "source", "id", "attachments", "metadata")


@dataclass(frozen=True)
class Rescued:
    """A notebook of format 4 with the cells that are whole, without their outputs, and a sentence for the student."""

    data: bytes
    note: str


def rescue_notebook(data: bytes, filename: str) -> Rescued | None:
    """The whole cells of a damaged notebook; None where there is none, or where it is not damaged."""
    text = data.decode("utf-8", "replace")
    try:
        json.loads(text)
        return None
    except RecursionError:
        return None
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
    cells = _whole_cells(text)
    if not cells:
        return None
    conflict = _CONFLICT.search(text)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        what = f"{filename} holds git's conflict markers (line {line})"
        remedy = "Finish the merge, open the notebook in Jupyter to see that it is whole, and submit it again."
    else:
        what = f"{filename} is damaged: it is not valid JSON at line {line}"
        remedy = "Open it in Jupyter, save it again, and submit the saved file."
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    count = "1 cell that is whole was" if len(cells) == 1 else f"{len(cells)} cells that are whole were"
    return Rescued(json.dumps(document).encode(), f"{what}. The {count} read; the rest is lost. {remedy}")


def _whole_cells(text: str) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = []
    at, wasted = 0, 0
    while wasted <= len(text) and (begin := _CELL_BEGINS.search(text, at)):
        at = begin.end()
        try:
            found, end = _DECODER.raw_decode(text, begin.start())
        except json.JSONDecodeError as error:
            wasted += error.pos - begin.start()
            continue
        except RecursionError:
            break
        if isinstance(found, dict) and "cell_type" in found:
            found.setdefault("source", found.get("input", ""))
            cells.append({key: found[key] for key in _KEPT if key in found})
            at = end
        else:
            wasted += end - begin.start()
    return cells
