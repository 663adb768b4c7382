"""Notebooks as students save them: magics, shell lines, old formats, big outputs, damage."""

from __future__ import annotations

import ast
import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import UserError
from autograder.notebooks import read_notebook, without_magics
from autograder.slicing import Program


def notebook(*cells: str | dict[str, Any], **more: Any) -> bytes:
    """A notebook of format 4 with these code cells."""
    document = {
        "cells": [
            cell
            if isinstance(cell, dict)
            else {
                "cell_type": "code",
                "source": cell.splitlines(keepends=True),
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for cell in cells
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 2,
        **more,
    }
    return json.dumps(document).encode()


def texts(*cells: str) -> list[str]:
    """What is left of code cells."""
    return [chunk.text for chunk in read_notebook(notebook(*cells))]


def test_cells_are_chunks() -> None:
    """Code cells only, counted from 1, named after the file."""
    data = notebook("x = 1", {"cell_type": "markdown", "source": "# Title"}, "y = 2\nz = 3\n")
    chunks = read_notebook(data, "hw3.ipynb")
    assert [(chunk.filename, chunk.text) for chunk in chunks] == [
        ("hw3.ipynb[cell 1]", "x = 1"),
        ("hw3.ipynb[cell 2]", "y = 2\nz = 3\n"),
    ]


@pytest.mark.parametrize(
    ("cell", "left"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("!pip install torch\nx = 1", "pass\nx = 1"),
        ("x = 1\n  \nif x:\n    !ls -la\n    %cd ..", "x = 1\n  \nif x:\n    pass\n    pass"),
        ("!pip install a \\\n   b\\\n   c\nx = 1", "pass\n\n\nx = 1"),
        ("torch.nn.Linear?\nx??\n?x", "pass\npass\npass"),
        ("files = !ls *.png\na, b = %who", "files = None\na, b = None"),
        ("%time model = fit()", "model = fit()"),
        ("%timeit f()", "pass"),
        ("pip install wandb\ncd drive\nls images", "pass\npass\npass"),
        ("%%time\nx = 1", "\nx = 1"),
        ("# note\n\n%%capture out\nx = 1", "# note\n\n\nx = 1"),
        ("%%writefile hw3_gan.py\nclass DNet: pass", "\nclass DNet: pass"),
        ("%%writefile notes.txt\nclass DNet: pass", ""),
        ("%%bash\nls", ""),
        ("%%html\n<b>", ""),
        ("%%timeit\nx = 1", ""),
    ],
)
def test_magics_are_blanked_in_place(cell: str, left: str) -> None:
    """Line numbers stay, blocks stay valid, harmless cell magics keep their cell."""
    assert texts(cell) == [left]


@pytest.mark.parametrize(
    "cell",
    [
        "x = (7\n% 4)",
        "x = 7 \\\n% 4",
        "s = '''\n!pip install\n%matplotlib\nwhat?\n'''",
        's = """it\'s\n%x\n"""',
        "s = 'a' \"b\" # it's (\nx = 1",
        "s = '\\'(' ; t = \"#\"\ny = 2",
        "x = [\n'%d',\n# what?\n!0]" if False else "x = [\n'%d'\n% 3]",
        "a = 5\na %= 3\na != 3",
        "ls = 1\nx = 2\nls -x\nprint(ls)",
        "s = ''\nt = ''''''\nx = '%s' % s",
        "d = {\n  '?': 1,\n}",
        "x = 1 # %\n# !pip\n# what?",
        "s = r'\\\\' + '('\ny = 1",
    ],
)
def test_valid_python_is_never_changed(cell: str) -> None:
    """Percent signs, quotes and brackets of real code stay."""
    ast.parse(cell)
    assert texts(cell) == [cell]


@settings(max_examples=400)
@given(st.text("abx'\"%!?#()[]{}\\\n =1", max_size=40))
def test_no_valid_text_is_changed(text: str) -> None:
    """Whatever Python can read is left as it is."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        assert without_magics(text).count("\n") == text.count("\n")
    else:
        assert without_magics(text) == text


def test_await_at_top_level_costs_nothing() -> None:
    """A cell that awaits is read like any other."""
    program = Program.parse(read_notebook(notebook("await thing()\nx = 1", "class DNet: pass")))
    assert program.problems == ()
    assert set(program.names()) == {"x", "DNet"}


def test_format_3_is_upgraded() -> None:
    """Worksheets and `input` of old notebooks."""
    cells = [{"cell_type": "code", "input": ["x = 1\n", "y"], "language": "python", "metadata": {}, "outputs": [3]}]
    old = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}
    assert [chunk.text for chunk in read_notebook(json.dumps(old).encode())] == ["x = 1\ny"]


def test_big_outputs_do_not_matter() -> None:
    """50 MB of output are read in about a second."""
    output = {"output_type": "stream", "name": "stdout", "text": "a" * 50_000_000}
    cell = {"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": [output], "execution_count": 1}
    data = notebook(cell)
    start = time.process_time()
    assert [chunk.text for chunk in read_notebook(data)] == ["x = 1"]
    assert time.process_time() - start < 3


def test_odd_cells_are_skipped() -> None:
    """A fair reader takes what there is: cells without source, of other types, with text for a list."""
    cells: list[Any] = [3, None, {}, {"cell_type": "code"}, {"cell_type": "code", "source": ["x = 1", 5]}]
    cells += [{"cell_type": "raw", "source": "no"}, {"cell_type": "code", "source": 7}]
    document = {"cells": cells}
    assert [chunk.text for chunk in read_notebook(json.dumps(document).encode())] == ["", "x = 1"]


def test_surrogates_and_encodings() -> None:
    """Lone surrogates become question marks; UTF-16 and a byte-order mark are understood."""
    assert texts("x = '\ud800'") == ["x = '?'"]
    data = notebook("x = 'σ'")
    assert read_notebook(b"\xef\xbb\xbf" + data)[0].text == "x = 'σ'"
    assert read_notebook(data.decode().encode("utf-16"))[0].text == "x = 'σ'"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\x00\x01\x02",
        b"\xff\xfe\xff",
        b"[]",
        b"3",
        b"{}",
        b'{"nbformat": 4}',
        b"[" * 100_000,
        b'{"cells": 3, "nbformat": 2}',
        b'{"nbformat": 99, "cells": []}',
        b'{"nbformat": "x", "cells": []}',
        b'{"nbformat": 3, "worksheets": 3}',
        b'{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code"}]}], "metadata": 3}',
        b'{"a": ' + b"9" * 10_000 + b"}",
        b'{"cells": [{"cell_type": "markdown"}], "worksheets": []}',
    ],
)
def test_damage_is_said_plainly(data: bytes) -> None:
    """What, where and what to do; never another exception."""
    with pytest.raises(UserError) as caught:
        read_notebook(data, "hw3.ipynb")
    assert caught.value.where.startswith("hw3.ipynb")
    assert "notebook" in caught.value.what
    assert caught.value.remedy


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["cells", "worksheets", "nbformat", "cell_type", "source", "input", "code", "metadata"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_gives_chunks_or_a_user_error(document: Any) -> None:
    """No document raises anything else."""
    with contextlib.suppress(UserError):
        read_notebook(json.dumps(document).encode())


def test_hostile_cells_take_linear_time() -> None:
    """Megabytes of quotes, brackets and percent signs."""
    start = time.process_time()
    for piece in ("'", '"', "'''", "(", "%", "%\n", "a = ", "\\\n", "x?\n", "x " * 50, "!a\\\n"):
        without_magics(piece * (1_000_000 // len(piece)))
    assert time.process_time() - start < 10
