"""The page of a class's answers: every answer is found, whatever became of its notebook, and none does harm."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from autograder.answers import cells as notebook_cells
from autograder.answers import collection as module_under_test
from autograder.answers import page as answer_page
from autograder.answers.cells import read_cells, read_script
from autograder.answers.collection import MAX_ANSWER, MAX_PICTURES, ClassAnswers, Student, anonymise, collect_answers
from autograder.answers.page import render_answers, render_markdown
from autograder.answers.pictures import LONGEST_SIDE, ShownPicture, show_picture
from autograder.cli import main
from autograder.errors import UserError
from autograder.homework import Homework, load_homework
from autograder.templates import write_templates

DECLARATION = """
title = "Waves & tides"
points = 10
[seeds]
visible = 1
hidden = 2
[[file]]
module = "wave_lab"
path = "wave-lab.ipynb"
names = ["wave", "tide"]
[[file]]
module = "moon"
path = "moon.py"
names = ["moon"]
[parts]
"1" = "Waves"
"2" = "Tides"
"""

# What the reference's cells are: the first letter is the kind, "?" a question, "!" its model answer.
CELLS = (
    ("text", "# Waves and tides\n\nWrite code where it says so and answers where they are asked for, please."),
    ("code", "import math\nimport torch"),
    (
        "text",
        "Some words on waves.\n\n**Question 1.a.** Why does a wave of water break at the shore,\nand not out at sea?",
    ),
    ("answer", "1.a"),
    ("text", "**Question 1.a, bonus 1.** What would it look like on the moon?"),
    ("answer", "1.a bonus 1"),
    ("code", "def wave(x):\n    ### BEGIN SOLUTION\n    return math.sin(x)\n    ### END SOLUTION"),
    ("answer", "1.b"),
    ("text", "## Tides\n\nThe moon pulls at the sea, and so does the sun, though less."),
    ("code", "def tide(x):\n    ### BEGIN SOLUTION\n    return wave(x) ** 2\n    ### END SOLUTION"),
    ("text", "**Question 2.** Name the two bodies that make the tides."),
    ("answer", "2"),
)
NUMBERS = ["1.a", "1.a bonus 1", "1.b", "2"]
ANSWERS = {
    "1.a": "The shore is shallow: the crest overtakes the trough.",
    "1.a bonus 1": "Slower, since gravity is weaker.\n\nAnd *higher*.",
    "1.b": "It is a sine.",
    "2": "The moon and the sun.",
}
Document = dict[str, Any]
Change = Callable[[Document], object]


def reference() -> Document:
    """The reference notebook."""
    cells: list[Document] = []
    for number, (kind, text) in enumerate(CELLS, start=1):
        cell: Document = {"cell_type": "markdown", "id": f"cell-{number}", "metadata": {}, "source": text}
        if kind == "code":
            cell |= {"cell_type": "code", "outputs": [], "execution_count": None}
        elif kind == "answer":
            body = f"<!-- BEGIN SOLUTION -->\nThe model answer to {text}, which is secret.\n<!-- END SOLUTION -->"
            cell |= {"source": f"**Answer {text}**\n\n{body}", "metadata": {"tags": ["answer"]}}
        cells.append(cell)
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def homework(tmp_path: Path) -> Homework:
    """A homework with four written questions in one notebook, and a script."""
    folder = tmp_path / "project" / "reference" / "waves"
    folder.mkdir(parents=True)
    (folder / "homework.toml").write_text(DECLARATION)
    (folder / "wave-lab.ipynb").write_text(json.dumps(reference()))
    (folder / "moon.py").write_text("def moon(): pass\n")
    loaded = load_homework("waves", tmp_path / "project")
    write_templates(loaded.reference, loaded.template, ["wave-lab.ipynb", "moon.py"])
    return loaded


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """The folder of what a class handed in."""
    folder = tmp_path / "class"
    folder.mkdir()
    return folder


def filled(homework: Homework, **answers: str) -> Document:
    """The template with answers below the titles of its answer cells."""
    document: Document = json.loads((homework.template / "wave-lab.ipynb").read_text())
    for cell in document["cells"]:
        cell["source"] = "".join(cell["source"])
        for number, text in (answers or ANSWERS).items():
            if cell["source"].startswith(f"**Answer {number}**"):
                cell["source"] = f"**Answer {number}**\n\n{text}"
    return document


def hand_in(group: Path, name: str, document: Document | bytes | str, file: str = "wave-lab.ipynb") -> None:
    path = group / name / file
    path.parent.mkdir(exist_ok=True)
    data = json.dumps(document) if isinstance(document, dict) else document
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def read_one(
    homework: Homework, group: Path, document: Document | bytes | str, file: str = "wave-lab.ipynb"
) -> Student:
    """The only student's answers."""
    hand_in(group, "ada", document, file)
    (student,) = collect_answers(homework, group).students
    return student


def texts(student: Student) -> dict[str, str]:
    """The answers' texts; where there is none, the status in angle brackets."""
    return {
        number: answer.text.strip() if answer.status == "answered" else f"<{answer.status}>"
        for number, answer in student.answers.items()
    }


def page_of(homework: Homework, group: Path) -> str:
    return render_answers(collect_answers(homework, group))


def answer_cells(document: Document) -> list[Document]:
    return [cell for cell in document["cells"] if cell["source"].startswith("**Answer")]


def picture(color: str = "red", size: tuple[int, int] = (40, 20), kind: str = "PNG") -> str:
    """A picture in base64."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


# --- questions ------------------------------------------------------------------------------------------------------


def test_questions_come_from_the_template_in_order(homework: Homework, group: Path) -> None:
    hand_in(group, "ada", filled(homework))
    answers = collect_answers(homework, group)
    assert [question.number for question in answers.questions] == NUMBERS
    first, _, third, last = answers.questions
    assert first.text.startswith("**Question 1.a.** Why"), "what is explained before is left out"
    assert first.text.endswith("out at sea?")
    assert third.text == "Waves", "no text stands before its cell, so it is the part's title"
    assert last.file == "wave-lab.ipynb"


def test_a_homework_without_questions_is_an_error(homework: Homework, group: Path) -> None:
    hand_in(group, "ada", filled(homework))
    template = homework.template / "wave-lab.ipynb"
    template.write_text(template.read_text().replace("**Answer", "**Reply"))
    with pytest.raises(UserError, match="no written questions"):
        collect_answers(homework, group)
    template.unlink()
    with pytest.raises(UserError, match="no template") as caught:
        collect_answers(homework, group)
    assert "autograder templates waves" in caught.value.remedy


def test_two_cells_for_one_question_are_an_error(homework: Homework, group: Path) -> None:
    hand_in(group, "ada", filled(homework))
    template = homework.template / "wave-lab.ipynb"
    template.write_text(template.read_text().replace("**Answer 1.b**", "**Answer 2**"))
    with pytest.raises(UserError, match="two answer cells are for question 2"):
        collect_answers(homework, group)


def test_an_empty_class_is_an_error(homework: Homework, group: Path) -> None:
    with pytest.raises(UserError, match="nobody has handed in"):
        collect_answers(homework, group)


# --- what became of a notebook --------------------------------------------------------------------------------------


def test_answers_are_found(homework: Homework, group: Path) -> None:
    assert texts(read_one(homework, group, filled(homework))) == ANSWERS


def test_empty_unchanged_and_missing_answers_are_told_apart(homework: Homework, group: Path) -> None:
    document = filled(homework, **{"1.a": " \n<!-- only a comment -->\n", "2": ANSWERS["2"]})
    document["cells"] = [cell for cell in document["cells"] if not cell["source"].startswith("**Answer 1.b")]
    student = read_one(homework, group, document)
    assert texts(student) == {"1.a": "<empty>", "1.a bonus 1": "<unchanged>", "1.b": "<missing>", "2": ANSWERS["2"]}


def without_ids(document: Document) -> None:
    document["nbformat_minor"] = 4
    for cell in document["cells"]:
        del cell["id"]
        cell["metadata"] = {}


def new_ids(document: Document) -> None:
    """Another tool numbers all cells anew, after two were put in front."""
    for text in ("x = 1", "y = 2"):
        cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
        document["cells"].insert(0, cell)
    for number, cell in enumerate(document["cells"], start=1):
        cell["id"] = f"cell-{number}"


def without_titles(document: Document) -> None:
    for cell in answer_cells(document):
        cell["source"] = cell["source"].partition("\n")[2].strip()


def neither_titles_nor_ids(document: Document) -> None:
    without_titles(document)
    document["cells"] = [cell for cell in document["cells"] if cell["source"] != ANSWERS["1.b"]]
    without_ids(document)


def retitled(pattern: str) -> Change:
    def change(document: Document) -> None:
        for cell in answer_cells(document):
            title, _, rest = cell["source"].partition("\n")
            number = title.strip("*").removeprefix("Answer ")
            cell["source"] = pattern.format(number=number, upper=number.upper(), bare=number.replace(".", "")) + rest
        without_ids(document)

    return change


def shuffled(document: Document) -> None:
    random.Random(5).shuffle(document["cells"])
    without_ids(document)


def split(document: Document) -> None:
    """Every answer is in cells of its own, one for each paragraph, with code of the student's in between."""
    cells = []
    for cell in document["cells"]:
        title, *paragraphs = cell["source"].split("\n\n") if cell["source"].startswith("**Answer") else [""]
        if not title:
            cells.append(cell)
            continue
        cells.append({**cell, "source": title})
        for paragraph in paragraphs:
            cells.append({"cell_type": "code", "metadata": {}, "outputs": [], "source": "plot(1)"})
            cells.append({"cell_type": "markdown", "metadata": {}, "source": paragraph})
    document["cells"] = cells


def above_the_cell(document: Document) -> None:
    """The answer is in a new cell between the question and the answer cell."""
    cells = []
    for cell in document["cells"]:
        if cell["source"].startswith("**Answer"):
            title, _, answer = cell["source"].partition("\n\n")
            cells.append({"cell_type": "markdown", "metadata": {}, "source": answer})
            cell = {**cell, "source": f"{title}\n\n*Write your answer here.*"}
        cells.append(cell)
    cells = [cell for cell in cells if cell["source"] not in (ANSWERS["1.b"], "**Answer 1.b**")]
    document["cells"] = cells


def in_the_question(document: Document) -> None:
    """The answer is written below the question, in its cell, and the answer cell is deleted."""
    cells: list[Document] = []
    for cell in document["cells"]:
        if cell["source"].startswith("**Answer") and cells[-1]["cell_type"] == "markdown":
            cells[-1]["source"] += "\n\n" + cell["source"].partition("\n\n")[2]
        else:
            cells.append(cell)
    document["cells"] = cells


def merged(document: Document) -> None:
    """Neighbouring cells of text are one."""
    cells: list[Document] = []
    for cell in document["cells"]:
        if cells and cell["cell_type"] == cells[-1]["cell_type"] == "markdown":
            cells[-1]["source"] += "\n\n" + cell["source"]
        else:
            cells.append(cell)
    document["cells"] = cells
    without_ids(document)


def below_the_placeholder(document: Document) -> None:
    for cell in answer_cells(document):
        cell["source"] = cell["source"].replace("**\n\n", "**\n\n*Write your answer here*\n\n")


def solved(document: Document) -> None:
    """The student's code has grown, and lists are sources."""
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = cell["source"].replace("raise", "y = 3\n    return x + y\n    raise")
        cell["source"] = cell["source"].splitlines(keepends=True)


@pytest.mark.parametrize(
    "change",
    [
        without_ids,
        new_ids,
        without_titles,
        shuffled,
        split,
        merged,
        below_the_placeholder,
        solved,
        retitled("# Answer {number}\n"),
        retitled("answer {number}\n"),
        retitled("** ANSWER  {upper} : **\n\n"),
        retitled("__Answer {bare}__\n"),
        retitled("<b>Answer {number}</b><br>\n"),
        retitled("**Answer ({number})**\n"),
        retitled("**My answer to question {number}:** "),
        retitled("> **Answers {number}** - "),
    ],
)
def test_answers_are_found_whatever_became_of_the_notebook(homework: Homework, group: Path, change: Change) -> None:
    document = filled(homework)
    change(document)
    found = texts(read_one(homework, group, document))
    assert {number: text.lstrip("\n") for number, text in found.items()} == ANSWERS


@pytest.mark.parametrize("change", [neither_titles_nor_ids, above_the_cell, in_the_question])
def test_an_answer_without_title_and_id_is_known_by_the_question_before_it(
    homework: Homework, group: Path, change: Change
) -> None:
    document = filled(homework)
    change(document)
    found = texts(read_one(homework, group, document))
    del found["1.b"]  # no question stands before it
    assert found == {number: text for number, text in ANSWERS.items() if number != "1.b"}


def test_a_title_counts_more_than_an_id(homework: Homework, group: Path) -> None:
    document = filled(homework)
    first, _, _, last = answer_cells(document)
    first["id"], last["id"] = last["id"], first["id"]
    assert texts(read_one(homework, group, document)) == ANSWERS
    first["source"], last["source"] = "**Answer 2**\n\nmine", "a note"
    student = read_one(homework, group, document)
    assert texts(student)["2"] == "mine"
    assert texts(student)["1.a"] == "a note"


def test_numbers_that_begin_alike_are_told_apart(homework: Homework, group: Path) -> None:
    document = filled(homework)
    without_ids(document)
    first = answer_cells(document)[0]
    first["source"] = "**Answer 1.a** Bonus or not, it breaks.\n\nAnswer 1.b says more.\nAnswer 2.5 is none."
    found = texts(read_one(homework, group, document))
    assert found["1.a bonus 1"] == ANSWERS["1.a bonus 1"]
    assert found["1.b"] == ANSWERS["1.b"]
    assert "Answer 1.b says more." in found["1.a"] + found["1.a bonus 1"]


def test_only_questions_words_are_no_answer(homework: Homework, group: Path) -> None:
    document = filled(homework, **{"2": "x"})
    for cell in document["cells"]:
        if cell["source"].startswith("**Question 2."):
            cell["source"] = "**Question 2.** *Name* the **two bodies** which make the tides!"
    last = answer_cells(document)[-1]
    last["source"] = "**Answer 2**\n\n**Question 2.** Name the two bodies that make the tides."
    without_ids(document)
    assert texts(read_one(homework, group, document))["2"] == "<empty>"
    last["source"] += "\n\nTwo: sun and moon."
    assert texts(read_one(homework, group, document))["2"] == "Two: sun and moon."


def test_an_answer_in_a_code_cell_is_shown_as_it_is(homework: Homework, group: Path) -> None:
    document = filled(homework)
    for cell in answer_cells(document):
        cell |= {"cell_type": "code", "outputs": [], "execution_count": None}
    document["cells"][3]["source"] = "# Answer 1.a\n# `the` ```shore``` is shallow"
    student = read_one(homework, group, document)
    assert texts(student)["1.a"] == "````\n# `the` ```shore``` is shallow\n````"
    assert ANSWERS["2"] in texts(student)["2"]
    assert "```shore```" in render_answers(collect_answers(homework, group))


def test_text_that_belongs_to_no_question_is_shown_where_an_answer_lacks(homework: Homework, group: Path) -> None:
    document = filled(homework)
    document["cells"].append({"cell_type": "code", "metadata": {}, "outputs": [], "source": "print(tide(3))"})
    document["cells"][0]["source"] += "\n\nBy Ada L."
    own = {"cell_type": "markdown", "metadata": {}, "source": "The bodies are two, **I think**."}
    document["cells"].insert(0, own)
    assert read_one(homework, group, document).elsewhere == ()
    del document["cells"][-2]
    student = read_one(homework, group, document)
    assert texts(student)["2"] == "<missing>"
    assert [answer.text for answer in student.elsewhere] == ["The bodies are two, **I think**.", "By Ada L."]
    assert "<strong>I think</strong>" in page_of(homework, group)


def test_old_formats(homework: Homework, group: Path) -> None:
    cells = []
    for cell in filled(homework)["cells"]:
        if cell["cell_type"] == "code":
            cells.append({"cell_type": "code", "input": cell["source"], "language": "python", "outputs": []})
        elif cell["source"].startswith("**Answer"):
            title, _, rest = cell["source"].partition("\n")
            cells.append({"cell_type": "heading", "level": 3, "source": title.strip("*")})
            cells.append({"cell_type": "markdown", "source": rest.splitlines(keepends=True)})
        else:
            cells.append({"cell_type": "markdown", "source": cell["source"]})
    document = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}
    assert texts(read_one(homework, group, document)) == ANSWERS


# --- scripts --------------------------------------------------------------------------------------------------------


def jupyter(document: Document) -> str:
    """As `jupyter nbconvert --to script` does it."""
    pieces = ["#!/usr/bin/env python\n# coding: utf-8\n"]
    for number, cell in enumerate(document["cells"]):
        if cell["cell_type"] == "code":
            pieces.append(f"# In[{number or ' '}]:\n\n\n{cell['source']}\n\n")
        else:
            pieces.append("\n".join(f"# {line}" for line in cell["source"].split("\n")) + "\n")
    return "\n".join(pieces)


def vscode(document: Document) -> str:
    pieces = []
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            pieces.append(f"# %%\n{cell['source']}\n")
        else:
            pieces.append("# %% [markdown]\n" + "\n".join(f"# {line}".rstrip() for line in cell["source"].split("\n")))
    return "\n".join(pieces)


def colab(document: Document) -> str:
    pieces = ['# -*- coding: utf-8 -*-\n"""wave-lab.ipynb\n\nAutomatically generated by Colab.\n"""\n']
    for cell in document["cells"]:
        pieces.append(cell["source"] + "\n" if cell["cell_type"] == "code" else f'"""{cell["source"]}"""\n')
    return "\n".join(pieces)


@pytest.mark.parametrize("export", [jupyter, vscode, colab])
def test_a_script_export_has_the_same_answers(
    homework: Homework, group: Path, export: Callable[[Document], str]
) -> None:
    document = filled(homework)
    own = {"cell_type": "code", "source": "# a comment of mine, at the top of code\n\nx = 1\n# and one below\n\ny = 2"}
    document["cells"].insert(4, own)
    assert texts(read_one(homework, group, export(document), "wave_lab.py")) == ANSWERS


# --- who handed in --------------------------------------------------------------------------------------------------


def test_folders_zips_and_files(homework: Homework, group: Path) -> None:
    text = json.dumps(filled(homework))
    hand_in(group, "folder", text, "Wave-Lab (1).ipynb")
    (group / "file.ipynb").write_text(text)
    (group / "script.py").write_text(jupyter(filled(homework)))
    with zipfile.ZipFile(group / "packed.zip", "w") as archive:
        archive.writestr("deep/down/wave_lab.ipynb", text)
        archive.writestr("__MACOSX/._wave_lab.ipynb", b"\0")
    (group / "folder.zip").write_bytes((group / "packed.zip").read_bytes())
    (group / "grades.csv").write_text("ada,3")
    (group / ".DS_Store").write_text("")
    answers = collect_answers(homework, group)
    assert [student.name for student in answers.students] == ["file", "folder", "folder.zip", "packed", "script"]
    assert all(texts(student) == ANSWERS for student in answers.students)
    assert answers.skipped == ("grades.csv",)


def test_an_export_of_gradescope_tells_names_and_groups(homework: Homework, group: Path) -> None:
    people = [[{":name": "Ada Lovelace", ":sid": "1"}, {":name": "Bob", ":sid": "2"}], [{":name": "Bob", ":sid": "3"}]]
    table = {f"submission_{number}": {":submitters": who} for number, who in enumerate([*people, people[1]], start=1)}
    (group / "submission_metadata.yml").write_text(json.dumps(table))
    hand_in(group, "submission_1", filled(homework))
    hand_in(group, "submission_2", filled(homework))
    answers = collect_answers(homework, group)
    ada, bob, missing = answers.students
    assert [ada.name, bob.name, missing.name] == ["Ada Lovelace and Bob", "Bob (submission_2)", "Bob (submission_3)"]
    assert texts(ada) == texts(bob) == ANSWERS
    assert set(texts(missing).values()) == {"<missing>"}
    assert "nothing could be read: submission_metadata.yml tells of submission_3" in missing.problems[0]
    assert anonymise(answers, "")[0].students[0].name.startswith("Student ")
    hidden = {student.problems for student in anonymise(answers, "")[0].students}
    assert ("nothing could be read.",) in hidden
    packed = group.parent / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in group.rglob("*.*"):
            archive.write(path, f"export/{path.relative_to(group)}")
    of_zip = collect_answers(homework, packed)
    assert of_zip.notes == ("The class was found in the folder export.",)
    assert replace(of_zip, notes=()) == answers


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"cells": [', r"wave-lab.ipynb could not be read: this notebook is damaged: it is not valid JSON"),
        (
            b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x",
            r"could not be read: .*not valid JSON \(wave-lab.ipynb, line 1\)",
        ),
        (b"[" * 100_000, "could not be read"),
        (b"{}", "it has no cells"),
        (b"", "could not be read"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "could not be read"),
    ],
)
def test_a_damaged_notebook_is_told_and_the_others_go_on(
    homework: Homework, group: Path, content: bytes, told: str
) -> None:
    hand_in(group, "bob", content)
    hand_in(group, "ada", filled(homework))
    ada, bob = collect_answers(homework, group).students
    assert texts(ada) == ANSWERS
    assert set(texts(bob).values()) == {"<missing>"}
    assert len(bob.problems) == 1
    assert re.search(told, bob.problems[0])
    assert "<h2" in page_of(homework, group)


def test_what_is_not_there_or_could_not_be_opened_is_told(homework: Homework, group: Path) -> None:
    hand_in(group, "nothing", "x", "essay.txt")
    (group / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    (group / "named_otherwise.ipynb").write_text('{"cells": [')
    hand_in(group, "twice", filled(homework), "wave-lab.ipynb")
    hand_in(group, "twice", filled(homework, **{"2": "other"}), "wave_lab.ipynb")
    by_name = {student.name: student for student in collect_answers(homework, group).students}
    assert by_name["nothing"].problems == ("wave-lab.ipynb is not there.",)
    assert "could not be read: broken.zip" in by_name["broken"].problems[0]
    assert "not valid JSON" in by_name["named_otherwise"].problems[0]
    assert texts(by_name["twice"])["2"] == ANSWERS["2"]


def test_where_the_reader_itself_fails_the_others_go_on(
    homework: Homework, group: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str) -> object:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(module_under_test, "read_script", fail)
    hand_in(group, "ada", filled(homework))
    hand_in(group, "bob", jupyter(filled(homework)), "wave_lab.py")
    ada, bob = collect_answers(homework, group).students
    assert texts(ada) == ANSWERS
    assert "ZeroDivisionError: of ours" in bob.problems[0]


def test_text_is_read_where_the_code_is_gone(homework: Homework, group: Path) -> None:
    document = filled(homework)
    document["cells"] = [cell for cell in document["cells"] if cell["cell_type"] == "markdown"]
    assert texts(read_one(homework, group, document)) == ANSWERS


# --- anonymity ------------------------------------------------------------------------------------------------------


def test_pseudonyms_are_stable_and_hide_names_and_order(homework: Homework, group: Path) -> None:
    names = [f"student {letter}" for letter in "abcdefghijklmnop"]
    for name in names:
        hand_in(group, name, filled(homework, **{"2": f"answer of {name[-1]}"}))
    hand_in(group, "Zed Zebra", b"{")
    (group / "Zoe Zoo.pdf").write_text("")
    answers = collect_answers(homework, group)
    hidden, key = anonymise(answers, "a salt")
    page = render_answers(hidden)
    assert not re.search(r"Zed|Zebra|Zoe|student [a-p]<", page)
    assert "wave-lab.ipynb could not be read." in page, "that it could not be read is told, and no path"
    assert sorted(key.values()) == sorted([*names, "Zed Zebra"])
    assert [student.name for student in hidden.students] == list(key) == sorted(key)
    assert list(key.values()) != sorted(key.values())
    for student in hidden.students:
        if key[student.name] in names:
            assert texts(student)["2"] == f"answer of {key[student.name][-1]}"
    assert anonymise(answers, "a salt") == (hidden, key)
    assert set(anonymise(answers, "another")[1]) != set(key)
    shutil.rmtree(group / names[0])
    fewer = anonymise(collect_answers(homework, group), "a salt")[1]
    assert fewer.items() <= key.items(), "the others keep their pseudonyms"


def test_pseudonyms_differ_also_where_hashes_begin_alike() -> None:
    students = tuple(Student(f"s{number}", {}) for number in range(3000))
    hidden, key = anonymise(ClassAnswers("t", (), students), "")
    assert len(key) == len({student.name for student in hidden.students}) == 3000


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_writes_one_page(homework: Homework, group: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(homework.project)
    hand_in(group, "Ada Lovelace", filled(homework))
    hand_in(group, "Bob", filled(homework, **{"2": ""}))

    def run(*arguments: str, ends_with: int = 0) -> str:
        result = CliRunner().invoke(main, ["answers", "waves", str(group), *arguments])
        assert result.exit_code == ends_with, result.output
        return result.output

    assert run() == "waves-answers.html: 4 questions, 2 students\n"
    page = Path("waves-answers.html").read_text()
    assert "Waves &amp; tides" in page
    assert '<a href="#q-2">2</a>: 1 answer, 1 empty<' in page
    assert '<a href="#q-1-a-bonus-1">1.a bonus 1</a>: 1 answer, 1 unchanged<' in page
    assert "Ada Lovelace" in page
    run("--anonymous", "-o", "out/page.html", "--key", "out/key.csv")
    assert "Ada" not in Path("out/page.html").read_text()
    rows = list(csv.DictReader(Path("out/key.csv").read_text().splitlines()))
    assert {row["name"] for row in rows} == {"Ada Lovelace", "Bob"}
    assert all(row["pseudonym"] in Path("out/page.html").read_text() for row in rows)
    assert "Add --anonymous" in run("--key", "out/key.csv", ends_with=2)
    assert not Path("key.csv").exists()
    before = Path("waves-answers.html").read_bytes()
    run()
    assert Path("waves-answers.html").read_bytes() == before


def test_the_command_takes_a_zip_and_tells_what_is_strange(
    homework: Homework, group: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same page as of the folder, and a line for each note; names that stand in notes are not told anonymously."""
    monkeypatch.chdir(homework.project)
    hand_in(group, "Ada Lovelace", filled(homework))
    hand_in(group, "Bob", filled(homework, **{"2": ""}))
    (group / "Zoe Zoo.pdf").write_text("")
    with zipfile.ZipFile("class.zip", "w") as archive:
        for path in sorted(group.rglob("*.*")):
            archive.write(path, path.relative_to(group))

    def run(place: Path, *arguments: str) -> list[str]:
        result = CliRunner().invoke(main, ["answers", "waves", str(place), *arguments])
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    told = ["What is no submission was left out: Zoe Zoo.pdf.", "page.html: 4 questions, 2 students"]
    assert run(group, "-o", "page.html") == told
    of_folder = Path("page.html").read_bytes()
    assert run(Path("class.zip"), "-o", "page.html") == told
    assert Path("page.html").read_bytes() == of_folder
    note, _ = run(group, "-o", "page.html", "--anonymous")
    assert "left out, since names may stand there: 1." in note
    assert "Zoe" not in note


# --- what is rendered -----------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """The start tags of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed("".join(html))  # a Markup would escape once more what is unescaped

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


ALLOWED = {
    *("p", "em", "strong", "s", "code", "pre", "a", "ul", "ol", "li", "h4", "h5", "h6", "blockquote", "hr", "br"),
    *("table", "thead", "tbody", "tr", "th", "td", "img", "span", "div"),
}


def check_harmless(html: str) -> None:
    """Nothing in the HTML of an answer runs or loads anything."""
    for tag, attributes in Elements(html).tags:
        assert tag in ALLOWED, tag
        assert set(attributes) <= {"href", "rel", "src", "alt", "width", "height", "class", "style", "start"}, (
            attributes
        )
        assert re.fullmatch(r"text-align:(left|right|center)", attributes.get("style") or "text-align:left")
        assert re.match(r"https?://|mailto:", attributes.get("href") or "mailto:", re.IGNORECASE)
        assert re.match(r"data:image/(png|jpeg);base64,[\w+/=]+$", attributes.get("src") or "data:image/png;base64,a")


HOSTILE = """
<script>alert(1)</script> <img src=x onerror=alert(1)> <style>*{display:none}</style> <iframe src=https://x.example>
[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html;base64,PHNjcmlwdD4=) [d](vbscript:x) [e](file:///etc)
[f](//x.example) [g](/x) [h](#main)
![r](https://x.example/p.png) ![s](//x.example/p.png) ![t](p.png) <https://x.example/ok>
[![u](https://x.example/p.png)](https://x.example "title onclick=alert(1)") <javascript:alert(1)> &lt;script&gt;
![v](data:image/svg+xml;base64,PHN2Zz48c2NyaXB0Lz48L3N2Zz4=) ![w](attachment:../../etc/passwd)
![x](attachment:picture-9)
$x"><script>alert(1)</script>$ $$</span><script>$$ `<script>`
[y](https://x.example/$"onclick=alert(1)$) [z]: javascript:x

$$
</div><script>alert(1)</script>
$$

```"><script>
</code></pre><script>
```
"""


def test_nothing_that_a_student_writes_runs_or_loads(homework: Homework, group: Path) -> None:
    check_harmless(render_markdown(HOSTILE, {}))
    hand_in(group, "<script>alert(1)<script>", filled(homework, **{"2": HOSTILE}))
    (group / "<img src=x>.pdf").write_text("")
    page = Elements(page_of(homework, group))
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "style2", "link", "object", "embed", "form"}
    assert not page.named("img")
    assert not [attributes for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.text
    assert "<script>alert(1)<script>" in page.text


def test_links_to_the_web_stay_and_others_leave_their_text() -> None:
    page = Elements(render_markdown("[yes](https://a.example) [mail](mailto:a@b.c) [no](javascript:1) [rel](a/b)", {}))
    assert [link["href"] for link in page.named("a")] == ["https://a.example", "mailto:a@b.c"]
    assert all("noopener" in (link["rel"] or "") for link in page.named("a"))
    assert "rel" in page.text
    shown = Elements(render_markdown("![the loss](https://a.example/p.png)", {}))
    assert not shown.named("img")
    assert "the loss https://a.example/p.png" in shown.text


def test_headings_of_answers_are_below_those_of_the_page() -> None:
    tags = [tag for tag, _ in Elements(render_markdown("# a\n\n## b\n\n### c\n\n###### d\n\nx\n===", {})).tags]
    assert [tag for tag in tags if tag[0] == "h"] == ["h4", "h5", "h6", "h6", "h4"]


@pytest.mark.parametrize(
    "formula",
    [
        "$a_1 * b_2 * c$",
        "$$a_1 * b_2 * c$$",
        "$$\na_1\n= 2 * b * c\n- 3_x\n\n# 4\n$$",
        "\\begin{align*}\na_1 &= 2\n\n- 3\n\\end{align*}",
    ],
)
def test_formulas_stay_as_they_were_typed(formula: str) -> None:
    html = render_markdown(f"Here:\n\n{formula}\n\n*and* on", {})
    page = Elements(html)
    assert formula in page.text
    assert "<em>and</em>" in html
    assert html.count("<em>") == 1
    assert [attributes.get("class") for tag, attributes in page.tags if tag in ("span", "div")] == ["formula"]


@pytest.mark.parametrize(
    "text", ["costs $5 and $6", "$ a $", "$", "$$", "$$\nnever ends", "\\begin{align}\nnever", "a $$"]
)
def test_dollars_are_no_formulas(text: str) -> None:
    html = render_markdown(text, {})
    assert "formula" not in html
    assert "".join(Elements(html).text.split()) == "".join(text.split())


def test_pictures_of_the_notebook_are_shown(homework: Homework, group: Path) -> None:
    document = filled(homework)
    first, second, *_ = answer_cells(document)
    first["source"] += (
        f'\n\n![the plot](attachment:my%20plot.png) <img src="data:image/jpeg;base64,{picture(kind="JPEG")}">'
    )
    first["attachments"] = {"my plot.png": {"image/png": picture()}}
    second["source"] += "\n\n![](attachment:image.png) ![](attachment:lost.png)"
    second["attachments"] = {"image.png": {"image/png": picture("blue", (3000, 10))}}
    hand_in(group, "ada", document)
    page = Elements(page_of(homework, group))
    plot, photo, wide = page.named("img")
    assert (plot["alt"], plot["width"], plot["height"]) == ("the plot", "40", "20")
    assert (photo["src"] or "").startswith("data:image/jpeg;base64,/9j/")
    assert wide["width"] == str(LONGEST_SIDE)
    assert page.text.count("a picture is not shown") == 1


def test_a_picture_is_written_anew() -> None:
    file = io.BytesIO()
    details = Image.Exif()
    details[0x010E] = "By Ada"
    Image.new("RGB", (30, 20)).save(file, "JPEG", exif=details)
    assert b"By Ada" in file.getvalue()
    shown = show_picture(base64.b64encode(file.getvalue()).decode())
    assert isinstance(shown, ShownPicture)
    assert b"By Ada" not in base64.b64decode(shown.uri.partition(",")[2])
    file = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(file, "PNG")
    clear = show_picture(base64.b64encode(file.getvalue()).decode() + "\n")
    assert isinstance(clear, ShownPicture)
    with Image.open(io.BytesIO(base64.b64decode(clear.uri.partition(",")[2]))) as image:
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255), "what is transparent is paper"


@pytest.mark.parametrize(
    ("encoded", "told"),
    [
        ("", "too large"),
        ("A", "no PNG"),
        ("!!!!", "no PNG"),
        (base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode(), "no PNG"),
        (picture()[:60], "damaged"),
        (picture(kind="BMP"), "no PNG"),
        (picture(size=(30_000, 1_000)), "30000 × 1000 pixels"),
    ],
)
def test_what_is_no_picture_is_told(encoded: str, told: str) -> None:
    shown = show_picture(encoded)
    assert isinstance(shown, str)
    assert told in shown


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_huge_answer_is_cut_and_says_so(homework: Homework, group: Path) -> None:
    student = read_one(homework, group, filled(homework, **{"2": "water " * 2_000_000}))
    answer = student.answers["2"]
    assert len(answer.text) == MAX_ANSWER
    assert answer.is_cut
    page = page_of(homework, group)
    assert f"its first {MAX_ANSWER:,} characters are shown" in page
    assert len(page) < 3 * MAX_ANSWER
    short = read_one(homework, group, filled(homework, **{"2": "w" * MAX_ANSWER}))
    assert not short.answers["2"].is_cut
    assert "are shown" not in page_of(homework, group)


def test_outputs_do_not_reach_the_page(homework: Homework, group: Path) -> None:
    document = filled(homework)
    data = base64.b64encode(b"secret plot" * 4_000_000).decode()
    output = {"output_type": "display_data", "data": {"image/png": data}, "metadata": {}}
    document["cells"][1]["outputs"] = [output]
    hand_in(group, "ada", document)
    assert (group / "ada" / "wave-lab.ipynb").stat().st_size > 50_000_000
    page = page_of(homework, group)
    assert len(page) < 30_000
    assert ANSWERS["1.a"] in page


def test_a_picture_that_is_too_large_and_too_many_of_them(
    homework: Homework, group: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook_cells, "MAX_PICTURE", len(picture()))
    large = picture("blue", (3000, 3000))
    assert len(large) > len(picture())
    small = f"![](data:image/png;base64,{picture()}) "
    document = filled(homework, **{"1.a": f"![](data:image/png;base64,{large})", "2": small * (MAX_PICTURES + 3)})
    hand_in(group, "ada", document)
    page = Elements(page_of(homework, group))
    assert len(page.named("img")) == MAX_PICTURES
    assert page.text.count("it is too large") == 1
    assert page.text.count("beyond the first") == 3


def test_cells_beyond_the_limit_are_left_out_and_told(
    homework: Homework, group: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = filled(homework)
    document["cells"] += [{"cell_type": "markdown", "metadata": {}, "source": "more"}] * 100
    assert len(texts(read_one(homework, group, document))["2"]) > 400
    monkeypatch.setattr(notebook_cells, "MAX_CELLS", 20)
    student = read_one(homework, group, document)
    assert len(texts(student)["2"]) < 100
    assert "the last 92 of its cells" in student.problems[0]
    monkeypatch.setattr(notebook_cells, "MAX_TEXT", 30)
    assert sum(len(cell.text) for cell in read_cells(json.dumps(document).encode(), "x.ipynb").cells) == 30


def seconds(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return time.process_time() - started


SLOW = {
    "brackets": "[",
    "pictures": "![",
    "links": "[a](",
    "stars": "*a_ ",
    "strong": "**a *a _b ",
    "quotes": "> ",
    "dollars": "$a",
    "pairs": "$$",
    "angles": "<a",
    "comments": "<!--",
    "images": "<img src=",
    "ticks": "`" * 7 + "a",
    "environments": "\\begin{a}\n",
    "lines": "$$ a\n",
    "anchors": "answer to question\n",
    "lists": "- ",
    "pipes": "|a|\n|-|\n",
    "attachments": "attachment:",
    "uris": "data:image/png;base64,",
    "titles": "**Answer 1.a**\n",
    "empty": "\n",
}


@pytest.mark.parametrize("name", SLOW)
def test_reading_and_showing_take_linear_time(homework: Homework, group: Path, name: str) -> None:
    """Ten times as much takes about ten times as long; in quadratic time it would be a hundred."""
    pattern = SLOW[name]

    def shown(size: int) -> float:
        text = pattern * (size // len(pattern))
        return min(seconds(lambda: render_markdown(text, {})) for _ in range(2))

    def read(size: int) -> float:
        hand_in(group, "ada", filled(homework, **{"1.a": pattern * (size // len(pattern)), "2": "x"}))
        return min(seconds(lambda: collect_answers(homework, group)) for _ in range(2))

    assert shown(MAX_ANSWER) < 40 * shown(MAX_ANSWER // 10)
    assert read(100_000) < 40 * read(10_000)


def test_the_bound_on_brackets_bites() -> None:
    dense = "*a* [" * (answer_page.MAX_BRACKETS + 1)
    assert "<em>" not in render_markdown(dense, {})
    assert "<em>" in render_markdown(dense[: len(dense) // 2], {})


# --- whatever comes -------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | anything,
        "source": st.sampled_from(["**Answer 1.a**\n\nx", "# Answer 2", "\ud800", "![](attachment:a.png)"]) | anything,
        "id": st.sampled_from([f"cell-{number}" for number in range(1, 13)]) | anything,
        "attachments": st.dictionaries(st.just("a.png"), st.dictionaries(st.just("image/png"), anything)) | anything,
        "level": anything,
    },
)
notebooks = st.fixed_dictionaries(
    {"cells": st.lists(cells | anything, max_size=6) | anything},
    optional={
        "worksheets": st.lists(anything | st.fixed_dictionaries({"cells": st.lists(cells)}), max_size=2) | anything
    },
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notebooks)
def test_no_notebook_breaks_the_page(homework: Homework, group: Path, document: Document) -> None:
    student = read_one(homework, group, document)
    assert list(student.answers) == NUMBERS
    assert not any("the autograder failed" in problem for problem in student.problems)
    page_of(homework, group).encode("utf-8")


pieces = st.sampled_from(
    [
        *HOSTILE.split(),
        *SLOW.values(),
        "\n",
        "\n\n",
        "\n- ",
        "    ",
        "$",
        "$$",
        "\\",
        "](",
        "<",
        ">",
        '"',
        "'",
        "|",
        "\0",
    ]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(pieces | st.text(max_size=5), max_size=30).map(" ".join))
def test_no_markdown_does_harm(text: str) -> None:
    check_harmless(render_markdown(text, {"picture-1": "it is too large"}))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from(["# a", "#", "", "x = 1", "# In[1]:", '"""', "'''a'''", "# %%", "# %% [markdown]", "#!x"]))
)
def test_every_script_has_cells(lines: list[str]) -> None:
    found = read_script("\n".join(lines))
    assert "".join(cell.text for cell in found.cells).count("x = 1") == lines.count("x = 1")


def test_a_notebook_is_an_object_with_cells() -> None:
    with pytest.raises(UserError, match="no cells"):
        read_cells(b"[1]", "x.ipynb")


# --- in a browser ---------------------------------------------------------------------------------------------------

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_in_a_browser(homework: Homework, group: Path, tmp_path: Path) -> None:
    """The page as Chromium builds it: landmarks and headings, no script, and no address but its own."""
    hand_in(group, "ada", filled(homework, **{"1.a": HOSTILE, "2": f"![p](data:image/png;base64,{picture()})"}))
    page = tmp_path / "page.html"
    page.write_text(page_of(homework, group), encoding="utf-8")
    log = tmp_path / "net.json"
    command = [
        *(str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
        *(f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}", "--dump-dom", page.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    built = Elements(done.stdout)
    names = [tag for tag, _ in built.tags]
    assert "script" not in names
    assert {"header", "nav", "main", "section", "article"} <= set(names)
    assert names.count("h1") == names.count("main") == 1
    levels = [int(name[1]) for name in names if re.fullmatch(r"h[1-6]", name)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for reference in [link["href"] or "" for link in built.named("a")]:
        assert not reference.startswith("#q") or any(tag.get("id") == reference[1:] for tag in built.named("h2"))
    identities = [attributes["id"] for _, attributes in built.tags if "id" in attributes]
    assert len(identities) == len(set(identities))
    assert all(image.get("alt") for image in built.named("img"))
    assert "x.example" not in log.read_text(errors="replace"), "nothing was asked of the network"
