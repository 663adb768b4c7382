"""A reference that is a notebook: recorded, patched by its variants and validated like a script."""

from __future__ import annotations

import nbformat
import pytest
from tiny_homework import NAME, REFERENCE, TinyHomework

from autograder.recording import record
from autograder.templates import write_templates
from autograder.validation import validate


@pytest.fixture
def notebook(tiny: TinyHomework) -> TinyHomework:
    """The tiny homework as a notebook with a magic, a shell line, and a loop that would train for hours."""
    new = nbformat.v4
    cells = [
        new.new_markdown_cell("# Energies"),
        new.new_code_cell("%matplotlib inline\n!pip install torch\nimport torch"),
        *(new.new_code_cell(part) for part in REFERENCE.split("\n\n\n")),
        new.new_code_cell("while True:\n    energy(torch.randn(2, 3))"),
    ]
    (tiny.reference / "tiny-energy.ipynb").write_text(nbformat.writes(new.new_notebook(cells=cells)))
    tiny.solution.unlink()
    (tiny.load().template / "tiny_energy.py").unlink()
    for path in (tiny.declaration, tiny.variants):
        path.write_text(path.read_text().replace("tiny_energy.py", "tiny-energy.ipynb"))
    write_templates(tiny.reference, tiny.load().template, ["tiny-energy.ipynb"])
    return tiny


@pytest.mark.usefixtures("lent_sandbox")
def test_every_rule_holds_for_a_notebook(notebook: TinyHomework) -> None:
    homework = notebook.load()
    recording = record(homework)
    assert len(recording.variants) == 5
    checks = validate(homework)
    assert not [f"{check.rule}: {fault}" for check in checks for fault in check.faults]


def test_its_source_is_that_of_its_code_cells(notebook: TinyHomework) -> None:
    text = notebook.load().source_text("tiny-energy.ipynb")
    compile(text, NAME, "exec")
    assert "pip install" not in text
    assert "Energies" not in text
    assert text.count("### BEGIN SOLUTION") == REFERENCE.count("### BEGIN SOLUTION")
