"""What is left of damaged notebooks."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.notebook_rescue import rescue_notebook
from autograder.notebooks import read_notebook
from autograder.submission import FoundFile, WantedFile, find_submission

CODE = [f"def f_{number}():\n    return '{{\"cell_type\": {number}}}'" for number in range(6)]


def notebook(indent: int | None = 1) -> str:
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {"id": "colab", "tags": ["a"]},
            "outputs": [{"output_type": "display_data", "data": {"image/png": "AAAA"}, "metadata": {"id": 1}}],
            "source": source.splitlines(keepends=True),
        }
        for number, source in enumerate(CODE)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=indent)


def sources(data: bytes) -> list[str]:
    return [chunk.text for chunk in read_notebook(data, "hw.ipynb")]


def test_a_whole_notebook_needs_no_rescue() -> None:
    """What can be read is left alone, and so is JSON that is no notebook."""
    assert rescue_notebook(notebook().encode(), "hw.ipynb") is None
    assert rescue_notebook(b"[1, 2]", "hw.ipynb") is None
    assert rescue_notebook(b"{", "hw.ipynb") is None


@pytest.mark.parametrize("indent", [None, 1])
def test_cut_off_anywhere(indent: int | None) -> None:
    """The cells before the cut are all there, and nothing else is."""
    text = notebook(indent)
    ends = [text.index(f'"cell-{number}"') for number in range(len(CODE))]
    for cut in range(1, len(text) - 1, 7):
        rescued = rescue_notebook(text[:cut].encode(), "hw.ipynb")
        begun = sum(end < cut for end in ends)
        found = sources(rescued.data) if rescued else []
        assert found == CODE[: len(found)]
        assert begun - 1 <= len(found) <= begun


def test_conflict_markers_in_one_cell() -> None:
    """The cell with the markers is lost, the others are not, and the markers are named with their line."""
    lines = notebook().split("\n")
    at = next(number for number, line in enumerate(lines) if "def f_2" in line)
    lines[at : at + 1] = ["<<<<<<< HEAD", lines[at], "=======", lines[at], ">>>>>>> 9c1f2ab"]
    rescued = rescue_notebook("\n".join(lines).encode(), "hw.ipynb")
    assert rescued is not None
    assert sources(rescued.data) == [code for code in CODE if "f_2" not in code]
    assert rescued.note == (
        f"hw.ipynb holds git's conflict markers (line {at + 1}). "
        "The 5 cells that are whole were read; the rest is lost. "
        "Finish the merge, open the notebook in Jupyter to see that it is whole, and submit it again."
    )


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ('"nbformat_minor": 5', '"nbformat_minor": 5,', 6),  # edited by hand
        ('"cells": [', '"cells": [,', 6),
        ('"id": "cell-3",', '"id": "cell-3"', 5),
        ('"def f_1():\\n"', '"def f_1():\\n', 5),
        ("return", "re\tturn", 6),  # a control character in a text
    ],
)
def test_small_damage_costs_little(old: str, new: str, kept: int) -> None:
    """One slip in the JSON costs one cell at most."""
    text = notebook()
    assert old in text
    rescued = rescue_notebook(text.replace(old, new, 1).encode(), "hw.ipynb")
    assert rescued is not None
    assert len(sources(rescued.data)) == kept


def test_submission_tells_and_goes_on(tmp_path: pytest.TempPathFactory) -> None:
    """The student reads what happened, and the whole cells are graded; without any, the file cannot be read."""
    place = tmp_path / "hw.ipynb"  # type: ignore[operator]
    text = notebook()
    place.write_text(text[: text.index("cell-4")])
    found = find_submission(place, [WantedFile("hw", "hw.ipynb")]).modules["hw"]
    assert isinstance(found, FoundFile)
    assert [chunk.text for chunk in found.chunks] == CODE[:4]
    assert "is damaged: it is not valid JSON at line" in found.notes[-1]
    assert "The 4 cells that are whole were read" in found.notes[-1]


@given(st.data())
def test_never_raises(data: st.DataObject) -> None:
    """Whatever bytes are cut, doubled or put in, there are cells or there is nothing."""
    text = notebook().encode()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        until = data.draw(st.integers(at, min(len(text), at + 400)))
        text = (
            text[:at]
            + data.draw(st.sampled_from([b"", b"{", b"[", b'"', b"\\", b"\xff", text[at:until] * 2]))
            + text[until:]
        )
    rescued = rescue_notebook(text, "hw.ipynb")
    assert rescued is None or sources(rescued.data)


def test_time_is_bounded() -> None:
    """Text that begins a cell everywhere and never ends one is given up: ten times as much takes no hundred times."""

    def seconds(count: int) -> float:
        text = ('{"id": ["' + "a" * 50 + '", ' * 1) * count
        started = time.process_time()
        assert rescue_notebook(text.encode(), "hw.ipynb") is None
        return time.process_time() - started

    seconds(10)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.005)
