"""Notebooks with changes in their cells, their tree or their bytes."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from handed import Handed
from mutated_frames import places_of
from mutated_text import a_script, encoded, mutated_bytes, mutated_text
from submission_seeds import notebook_of

NAMES = ["tiny_energy.ipynb"] * 3 + ["tiny_energy.py", "tiny-energy.ipynb", "tiny_energy.ipynb.json"]
_CELL_TYPES = ["code", "markdown", "raw", "Code", "", None, 1, ["code"], "heading"]
_SMALL_JSON = r"""
null
true
0
-1
2
3
""
"code"
[]
{}
[[]]
[["x = 1"]]
[null, 1, {}]
{"0": "x"}
NaN
1e999
"\ud800"
"\u0000"
'x'
undefined
"%%bash\nls"
["def energy(x):\n", ["    return x\n"]]
["import torch\r\n", "x = \"\\ud800\"\n"]
"""
ODD_JSON = (
    *_SMALL_JSON.splitlines(),
    *('"\0"', "9" * 5000, "[" * 5000, "[" * 900 + "]" * 900, '"' + " " * 5000 + 'x=!ls"'),
)


def mutated_notebooks(rng: Random) -> Handed:
    """A notebook with changes in its cells, its tree, or its bytes."""
    document: Any = notebook_of(a_script(rng), rng.choice([4, 4, 4, 3]))
    raw: dict[str, str] = {}
    for _ in range(rng.randrange(1, 4)):
        _change_notebook(rng, document, raw)
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1]))
    for mark, piece in raw.items():
        text = text.replace(json.dumps(mark), piece)
    data = encoded(rng, text) if rng.random() < 0.5 else text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.2:
        data = mutated_bytes(rng, data)
    return Handed({rng.choice(NAMES): data})


def _change_notebook(rng: Random, document: Any, raw: dict[str, str]) -> None:
    sheets = document.get("worksheets") if isinstance(document, dict) else None
    holder = sheets[0] if isinstance(sheets, list) and sheets and isinstance(sheets[0], dict) else document
    cells = holder.get("cells") if isinstance(holder, dict) else None
    cells = cells if isinstance(cells, list) else []
    step = rng.randrange(9)
    if step <= 2 and cells and isinstance(cell := rng.choice(cells), dict):
        key = "input" if "input" in cell else "source"
        source = cell.get(key)
        text = "".join(source) if isinstance(source, list) and all(isinstance(x, str) for x in source) else source
        if isinstance(text, str):
            changed = mutated_text(rng, text)
            cell[key] = changed if rng.random() < 0.5 else changed.splitlines(keepends=True)
    elif step == 3 and cells:
        cells.insert(rng.randrange(len(cells) + 1), copy.deepcopy(rng.choice(cells)))
    elif step == 4 and cells:
        rng.shuffle(cells)
    elif step == 5 and cells and isinstance(cell := rng.choice(cells), dict):
        cell["cell_type"] = rng.choice(_CELL_TYPES)
    elif places := places_of(document):
        container, key = rng.choice(places)
        if step == 6:
            del container[key]
        else:
            mark = f"@{len(raw)}@"
            raw[mark] = rng.choice(ODD_JSON)
            container[key] = mark
