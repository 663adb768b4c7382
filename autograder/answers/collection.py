"""The answers of a class to the written questions of a homework's notebooks.

Trusted side: students' files are read as text, nothing of them is executed. A notebook is walked from top to bottom.
Cells of the template tell where the student is; what else stands there belongs to the question whose answer cell,
question cell or `**Answer 1.a**` line came last.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from autograder.answers.cells import Cell, Cells, read_cells, read_script
from autograder.answers.template import TemplateCells, words_of
from autograder.errors import UserError
from autograder.homework import Homework, SourceFile, read_text
from autograder.notebook_rescue import rescue_notebook
from autograder.regrade.handins import Handin, listed_names, take_in
from autograder.submission import (
    MAX_CANDIDATES,
    MAX_NOTEBOOK,
    FoundFile,
    Problem,
    Shelf,
    Unreadable,
    WantedFile,
    choose_files,
    file_key,
)

#: Characters of one answer that are shown, and pictures.
MAX_ANSWER = 20_000
MAX_PICTURES = 8

Status = Literal["answered", "empty", "unchanged", "missing"]

#: Texts of a student that belong to no question.
MAX_ELSEWHERE = 20

_REFERENCE = re.compile(r"attachment:(picture-\d+)")


@dataclass(frozen=True)
class Question:
    """A written question: its number ("1.a bonus 1"), the file that it is in, and its text in markdown."""

    number: str
    file: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What a student wrote, in markdown; `pictures` are base64 by the key that `text` shows them under.

    `is_cut` where it was longer than `MAX_ANSWER`.
    """

    status: Status
    text: str = ""
    pictures: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False


_MISSING = Answer("missing")


@dataclass(frozen=True)
class Student:
    """One student's answers by the number of the question.

    `problems` are sentences on what could not be read. `elsewhere` is text that belongs to no question, where an answer
    is not there: it may be what was meant.
    """

    name: str
    answers: Mapping[str, Answer]
    problems: tuple[str, ...] = ()
    elsewhere: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class ClassAnswers:
    """All answers of a class.

    `skipped` are entries of the folder that are no submission; `notes` are sentences on what is strange with the class.
    """

    title: str
    questions: tuple[Question, ...]
    students: tuple[Student, ...]
    skipped: tuple[str, ...] = ()
    anonymous: bool = False
    notes: tuple[str, ...] = ()

    def count(self, number: str) -> dict[Status, int]:
        """How many answers of each status there are to a question."""
        given = [student.answers[number].status for student in self.students]
        statuses: tuple[Status, ...] = ("answered", "empty", "unchanged", "missing")
        return {status: given.count(status) for status in statuses}


Progress = Callable[[str, int, int], None]


def collect_answers(homework: Homework, place: Path, progress: Progress = lambda *_: None) -> ClassAnswers:
    """Read the answers of every student of a class.

    Args:
        homework: one with notebooks; their templates hold the questions.
        place: a folder or a zip: an export, or a folder, a zip, a notebook or a script for each student, who is called
            like it; see `regrade.handins`.
        progress: called with ("reading", students done, students).

    Raises:
        UserError: where the homework has no written question or its template is not as it should be, or where nobody
            handed in. What students handed in never raises.
    """
    notebooks = [_read_template(homework, file) for file in homework.declaration.files if file.path.endswith(".ipynb")]
    questions = [question for notebook in notebooks for question in _questions(homework, notebook)]
    _check_numbers(homework, [question.number for question in questions])
    students = []
    with take_in(place, expected=[file.path for file in homework.declaration.files]) as intake:
        names = listed_names(intake.handins)
        for done, handin in enumerate(intake.handins):
            progress("reading", done, len(names))
            students.append(_read_or_tell(handin, names[handin.id], notebooks))
        progress("reading", len(names), len(names))
    title = homework.declaration.title
    return ClassAnswers(title, tuple(questions), tuple(students), intake.skipped, notes=intake.notes)


@dataclass(frozen=True)
class _Notebook:
    """A notebook of the homework: what it is called, and its template."""

    wanted: WantedFile
    template: TemplateCells

    @property
    def path(self) -> str:
        return self.wanted.path


def _read_template(homework: Homework, file: SourceFile) -> _Notebook:
    path = homework.template / file.path
    if not path.is_file():
        remedy = f"Run `autograder templates {homework.name}`."
        raise UserError("there is no template of this notebook", where=str(path), remedy=remedy)
    return _Notebook(file.wanted, TemplateCells(read_cells(read_text(path).encode(), str(path)).cells))


def _questions(homework: Homework, notebook: _Notebook) -> list[Question]:
    """A notebook's questions in order, each with the text before its answer cell, or else the part's title."""
    texts = notebook.template.question_texts
    return [
        Question(number, notebook.path, texts.get(number) or homework.part_title(number))
        for number in notebook.template.numbers.values()
    ]


def _check_numbers(homework: Homework, numbers: Sequence[str]) -> None:
    if not numbers:
        raise UserError(
            f"{homework.name} has no written questions",
            where=str(homework.template),
            remedy="An answer cell is a markdown cell of a notebook that begins with a line like **Answer 1.a**.",
        )
    twice = next((number for number in numbers if numbers.count(number) > 1), "")
    if twice:
        raise UserError(f"two answer cells are for question {twice}", where=str(homework.template))


# --- anonymity --------------------------------------------------------------------------------------------------------


def anonymise(answers: ClassAnswers, salt: str) -> tuple[ClassAnswers, dict[str, str]]:
    """The answers under pseudonyms, in the order of these, and the names by pseudonym.

    A pseudonym is the beginning of a hash of the name, keyed with `salt`: the same in every run, also when others have
    handed in since, and not to be computed from a list of names by someone who lacks the salt. Text that belongs to no
    question is left out, since names stand there, and so are the wording of what could not be read, and the notes.
    """
    codes = {
        student.name: base64.b32encode(hmac.digest(salt.encode(), student.name.encode(), hashlib.sha256)).decode()
        for student in answers.students
    }
    length = 4
    while len({code[:length] for code in codes.values()}) < len(codes):
        length += 1
    pseudonyms = {name: f"Student {code[:length]}" for name, code in codes.items()}
    students = sorted(
        (
            replace(
                student,
                name=pseudonyms[student.name],
                problems=tuple(problem.partition(":")[0].rstrip(".") + "." for problem in student.problems),
                elsewhere=(),
            )
            for student in answers.students
        ),
        key=lambda student: student.name,
    )
    names = {pseudonyms[student.name]: student.name for student in answers.students}
    hidden = replace(answers, students=tuple(students), skipped=(), anonymous=True, notes=())
    return hidden, dict(sorted(names.items()))


def key_file(names: Mapping[str, str]) -> str:
    """The names by pseudonym as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("pseudonym", "name"), *names.items()])
    return text.getvalue()


# --- one student ------------------------------------------------------------------------------------------------------


def _read_or_tell(handin: Handin, name: str, notebooks: Sequence[_Notebook]) -> Student:
    """A student's answers. Where our own code fails on their files, that is told, and the class goes on."""
    if handin.place is None:
        return _without_answers(name, f"nothing could be read: {handin.problem}", notebooks)
    try:
        return _read_student(handin.place, name, notebooks)
    except Exception as error:
        problem = (
            f"could not be read: the autograder failed on it, please report this ({type(error).__name__}: {error})"
        )
        return _without_answers(name, problem, notebooks)


def _without_answers(name: str, problem: str, notebooks: Sequence[_Notebook]) -> Student:
    numbers = [number for notebook in notebooks for number in notebook.template.numbers.values()]
    return Student(name, dict.fromkeys(numbers, _MISSING), (problem,))


def _read_student(place: Path, name: str, notebooks: Sequence[_Notebook]) -> Student:
    answers: dict[str, Answer] = {}
    problems: list[str] = []
    elsewhere: list[Answer] = []
    with Shelf(place, [notebook.path for notebook in notebooks]) as shelf:
        chosen = choose_files(shelf, [notebook.wanted for notebook in notebooks]).modules
        for notebook in notebooks:
            answers |= dict.fromkeys(notebook.template.numbers.values(), _MISSING)
            cells, problem = _read_file(shelf, notebook, chosen[notebook.wanted.module])
            problems += [problem] if problem else []
            if cells is None:
                continue
            if cells.left_out:
                problems.append(f"{notebook.path}: the last {cells.left_out} of its cells were not read.")
            found = _Walk(notebook.template, cells)
            answers |= found.answers
            if any(answer.status != "answered" for answer in found.answers.values()):
                elsewhere += found.elsewhere
    return Student(name, answers, tuple(problems), tuple(elsewhere))


def _read_file(shelf: Shelf, notebook: _Notebook, chosen: FoundFile | Problem) -> tuple[Cells | None, str]:
    """The cells of the notebook that was chosen, and what was the matter.

    A notebook that nothing was chosen for, because its code is gone or there are two, is still read for its text.
    """
    if isinstance(chosen, FoundFile):
        files = [file for file in shelf.files if file.path == chosen.path]
    else:
        files = [file for file in shelf.files if file.key == file_key(notebook.path)]
        files.sort(key=lambda file: file.rank(notebook.wanted))
    if not files:
        damaged = [file.contents for file in shelf.files[:MAX_CANDIDATES] if isinstance(file.contents, str)]
        reasons = [*shelf.complaints, *damaged][:3]
        told = f"could not be read: {' '.join(reasons)}" if reasons else "is not there."
        return None, f"{notebook.path} {told}"
    file = files[0]
    try:
        data = file.source.read(MAX_NOTEBOOK + 1)
        if len(data) > MAX_NOTEBOOK:
            return None, f"{notebook.path} could not be read: it is larger than {MAX_NOTEBOOK // 1_000_000} MB."
        doubt = f"{notebook.path}: {file.path} was read, one of {len(files)} that could be meant."
        return read_cells(data, file.path), doubt if isinstance(chosen, Problem) and len(files) > 1 else ""
    except Unreadable as error:
        return None, f"{notebook.path} could not be read: {error}."
    except UserError as error:
        if rescued := rescue_notebook(data, file.path):
            return read_cells(rescued.data, file.path), rescued.note
        if isinstance(chosen, FoundFile):
            return read_script("\n".join(chunk.text for chunk in chosen.chunks)), ""
        return None, f"{notebook.path} could not be read: {error.what} ({error.where})."


class _Walk:
    """A student's notebook from top to bottom, and what was found for each question of its template."""

    def __init__(self, template: TemplateCells, cells: Cells) -> None:
        self._template = template
        self._pictures = cells.pictures
        self._question = ""  # that what comes next belongs to
        self._texts: dict[str, list[str]] = {number: [] for number in template.numbers.values()}
        self._beside: dict[str, list[str]] = {number: [] for number in template.numbers.values()}
        self._is_there: set[str] = set()
        self._has_stub: set[str] = set()
        self._rest: list[str] = []
        for cell in cells.cells:
            if cell.kind == "text":
                self._read_text(cell)
            else:
                self._read_code(cell, cells.is_script)

    @property
    def answers(self) -> dict[str, Answer]:
        return {number: self._answer(number) for number in self._texts}

    @property
    def elsewhere(self) -> list[Answer]:
        return [self._shown(text) for text in self._rest[:MAX_ELSEWHERE]]

    def _answer(self, number: str) -> Answer:
        text = "\n\n".join(self._texts[number]) or "\n\n".join(self._beside[number])
        if text:
            return self._shown(text)
        if number in self._is_there:
            return Answer("unchanged" if number in self._has_stub else "empty")
        return _MISSING

    def _shown(self, text: str) -> Answer:
        is_cut = len(text) > MAX_ANSWER
        text = text[:MAX_ANSWER]
        keys = list(dict.fromkeys(_REFERENCE.findall(text)))[:MAX_PICTURES]
        pictures = {key: self._pictures[key] for key in keys if key in self._pictures}
        return Answer("answered", text, pictures, is_cut)

    def _read_code(self, cell: Cell, is_script: bool) -> None:
        """An answer cell that became a code cell by a slip is shown as it is; another one may end an answer."""
        at = self._template.find(cell)
        first, _, rest = cell.text.strip().partition("\n")
        number, _ = self._template.anchored(first)
        if number:
            cell = replace(cell, text=rest)
        number = number or self._template.numbers.get(at, "")
        if number:
            self._begin(number)
            lines = [line for line in cell.text.split("\n") if not self._is_stub(line)]
            if any(line.strip() for line in lines):
                text = "\n".join(lines).strip("\n")
                fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
                self._texts[number].append(f"{fence}\n{text}\n{fence}")
        elif at >= 0 or is_script:
            self._question = ""

    def _read_text(self, cell: Cell) -> None:
        template = self._template
        at = template.find(cell)
        is_answer = at in template.numbers
        if is_answer and not template.anchored(cell.text.strip().partition("\n")[0])[0]:
            self._begin(template.numbers[at])
        elif at >= 0 and not is_answer:
            self._question = template.asked.get(at, "")
        given = {words_of(line) for line in template.cells[at].text.split("\n")} if at >= 0 and not is_answer else set()
        lines: list[str] = []
        is_first = True
        for line in _without_comments(cell.text).split("\n"):
            words = words_of(line)
            number, rest = template.anchored(line)
            if number and (is_first or not rest):
                self._keep(lines, at)
                at = -1
                self._begin(number)
                lines = [rest] if rest and not self._is_stub(rest) else []
            elif words in template.openings:
                self._keep(lines, at)
                at = -1
                self._question, lines = template.openings[words], []
            elif not self._is_stub(line) and not (words and words in given) and words not in template.question_lines:
                lines.append(line)
            is_first = is_first and not line.strip()
        self._keep(lines, at)

    def _begin(self, number: str) -> None:
        self._question = number
        self._is_there.add(number)

    def _is_stub(self, line: str) -> bool:
        """Whether a line is the placeholder; if so, the question has one."""
        is_stub = words_of(line) in self._template.stubs
        if is_stub and self._question:
            self._has_stub.add(self._question)
        return is_stub

    def _keep(self, lines: Sequence[str], at: int) -> None:
        """Lines that a student wrote, in the template's cell at a position, or in one of their own (-1)."""
        text = "\n".join(lines).strip("\n")
        if not text.strip():
            return
        is_given = at >= 0 and at not in self._template.numbers
        if is_given and self._template.is_repeated_by(text, at):
            return
        if not self._question:
            self._rest.append(text)
        elif is_given:
            self._beside[self._question].append(text)
        else:
            self._texts[self._question].append(text)


def _without_comments(text: str) -> str:
    """Markdown without HTML comments, which a rendered notebook does not show."""
    first, *others = text.split("<!--")
    pieces = [first]
    for other in others:
        inside, end, after = other.partition("-->")
        pieces.append(after if end else inside)
    return "".join(pieces)
