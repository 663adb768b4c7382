"""What happens to notebooks between a student's screen and a grader, as functions from a notebook to a file's bytes."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

Notebook = dict[str, Any]

HOUR = "import time\nfor epoch in range(60):\n    time.sleep(60)\n    G = train_one_epoch(G)"


def in_format_3(notebook: Notebook) -> bytes:
    """As an old Jupyter saved it: worksheets, `input`, no ids."""
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            old = {"input": cell["source"], "language": "python", "collapsed": False, "outputs": [], "prompt_number": 1}
        else:
            old = {"source": cell["source"]}
        cells.append({"cell_type": cell["cell_type"], "metadata": {}, **old})
    return _json({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]})


def without_metadata(notebook: Notebook) -> bytes:
    """Cells of nothing but a type and a source, as tools write them that know little of the format."""
    cells = [{"cell_type": cell["cell_type"], "source": _text(cell)} for cell in notebook["cells"]]
    return _json({"cells": cells})


def reversed_cells(notebook: Notebook) -> bytes:
    """Every cell above those that it needs."""
    return _json({**notebook, "cells": notebook["cells"][::-1]})


def without_a_cell(notebook: Notebook) -> bytes:
    """The cell that defines the generator, or the activation, was deleted."""
    gone = re.compile(r"^(?:def generator\(|class Swish\b)", re.M)
    cells = [cell for cell in notebook["cells"] if not gone.search(_text(cell))]
    assert len(cells) == len(notebook["cells"]) - 1
    return _json({**notebook, "cells": cells})


def with_conflict_in_the_json(notebook: Notebook) -> bytes:
    """git left its markers in the file, inside the cell of a loss."""
    lines = _json(notebook).decode().split("\n")
    wanted = re.compile(r"def (?:discriminator_loss|contrastive_divergence_loss)\(")
    at = next(number for number, line in enumerate(lines) if wanted.search(line))
    theirs = lines[at].replace("real", "true")
    lines[at : at + 1] = ["<<<<<<< HEAD", lines[at], "=======", theirs, ">>>>>>> origin/main"]
    return "\n".join(lines).encode()


def cut_off(notebook: Notebook) -> bytes:
    """The upload ended in the middle of the cell of part 5's first loss, or of the sampling on the way."""
    text = _json(notebook).decode()
    wanted = re.search(r"def (?:ls_discriminator_loss|sample_trajectory)\(", text)
    assert wanted
    return text[: wanted.end()].encode()


def with_large_outputs(notebook: Notebook, size: int = 50_000_000) -> bytes:
    """Half of `size` bytes are pictures, half is what a training loop printed."""
    picture = base64.b64encode(random.Random(6).randbytes(3 * size // 80)).decode()
    printed = [f"epoch {number}: loss 0.6931471805599453\n" for number in range(size // 2 // 45)]
    shown = {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
    stream = {"output_type": "stream", "name": "stdout", "text": printed}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in code[1:11]:
        cell["outputs"] = [shown]
    code[-1]["outputs"] = [stream]
    return _json(notebook)


def with_an_hour_of_training(notebook: Notebook) -> bytes:
    """A loop of an hour between the definitions, and no outputs: nobody waited for it."""
    loop = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": HOUR}
    cells = [
        cell
        for position, cell in enumerate(notebook["cells"])
        for cell in ([cell, loop] if position % 5 == 3 else [cell])
    ]
    return _json({**notebook, "cells": cells})


DAMAGES: Mapping[str, Callable[[Notebook], bytes]] = {
    "format 3": in_format_3,
    "no metadata": without_metadata,
    "reversed": reversed_cells,
    "a cell deleted": without_a_cell,
    "conflict in the JSON": with_conflict_in_the_json,
    "cut off": cut_off,
    "large outputs": with_large_outputs,
    "an hour of training": with_an_hour_of_training,
}


def _text(cell: Notebook) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _json(notebook: Notebook) -> bytes:
    return json.dumps(notebook, indent=1).encode()
