"""What a homework declares in its homework.toml, and where its folders are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from autograder.errors import UserError
from autograder.feedback import Visibility
from autograder.limits import Limits
from autograder.notebooks import read_notebook
from autograder.questions import matches, part_of
from autograder.submission import WantedFile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # the same code, for Python 3.10

DECLARATION = "homework.toml"


class Seeds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the inputs of graders come from.

    Attributes:
        visible: of visible graders, where submissions are graded.
        hidden: of hidden ones.
        practice: of visible graders in the student kit. The kit holds what right code shows for its
            inputs, so these must be no one else's, or answers could be copied out of it.
    """

    visible: int
    hidden: int
    practice: int = 20_250_917


class SourceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that students hand in: its module name, its path, and the names it defines."""

    module: str
    path: str
    names: tuple[str, ...]

    @property
    def wanted(self) -> WantedFile:
        return WantedFile(module=self.module, path=self.path, names=self.names)


class GivenFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that students are given, with what replaces parts of it while grading.

    `offline`, where there is one, is executed after `path` in the same namespace, so it holds
    only what must not run as it stands: downloads, above all.
    """

    module: str
    path: str
    offline: str = ""


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"files": "file"}):
    """homework.toml, key by key."""

    title: str
    points: float
    seeds: Seeds
    files: tuple[SourceFile, ...]
    parts: dict[str, str]
    given: tuple[GivenFile, ...] = ()
    template_floor: float = 0.0
    hidden_visibility: Visibility = "after_published"
    limits: Limits = Limits()

    @property
    def modules(self) -> tuple[str, ...]:
        """The names of all modules that a grader may ask for."""
        return (*(file.module for file in self.files), *(file.module for file in self.given))


class Homework(msgspec.Struct, frozen=True):
    """One homework of a project: its declaration and its four folders of one name."""

    name: str
    project: Path
    declaration: Declaration

    @property
    def reference(self) -> Path:
        return self.project / "reference" / self.name

    @property
    def template(self) -> Path:
        return self.project / "student_template" / self.name

    @property
    def graders(self) -> Path:
        return self.project / "tests" / "graders" / self.name

    @property
    def expectations(self) -> Path:
        return self.project / "build" / self.name / "expectations"

    @property
    def practice(self) -> Path:
        """The student kit's expectations: of the visible graders, for other inputs."""
        return self.project / "build" / self.name / "practice"

    def reference_texts(self) -> dict[str, str]:
        """The reference's source text by path, students' files and given files."""
        declared: tuple[SourceFile | GivenFile, ...] = (*self.declaration.files, *self.declaration.given)
        return {file.path: read_text(self.reference / file.path) for file in declared}

    def source_text(self, path: str) -> str:
        """A reference file as Python source: of a notebook its code cells, without what only IPython understands."""
        text = read_text(self.reference / path)
        if not path.endswith(".ipynb"):
            return text
        return "\n\n".join(chunk.text.strip("\n") for chunk in read_notebook(text.encode(), path)) + "\n"

    def given_sources(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """For each given module the (file name, text) pairs that make it while grading."""
        sources = {}
        for file in self.declaration.given:
            paths = [file.path, *([file.offline] if file.offline else [])]
            sources[file.module] = tuple((path, read_text(self.reference / path)) for path in paths)
        return sources

    def newer_than(self, recorded: Path) -> list[Path]:
        """The files of reference and graders that were written after a file of what was recorded."""
        since = recorded.stat().st_mtime
        files = (path for folder in (self.reference, self.graders) for path in folder.rglob("*"))
        return sorted(
            path for path in files if path.is_file() and path.suffix != ".pyc" and path.stat().st_mtime > since
        )

    def part_title(self, number: str) -> str:
        """The title of the part of the handout that a grader's number belongs to."""
        return part_of(number, self.declaration.parts)[1]


def find_project(start: Path | None = None) -> Path:
    """The project folder: the nearest parent of `start` that has a `reference` folder."""
    origin = (start or Path.cwd()).resolve()
    for folder in (origin, *origin.parents):
        if (folder / "reference").is_dir():
            return folder
    raise UserError(
        "no `reference` folder here or in any folder above",
        where=str(origin),
        remedy="Run this inside the project.",
    )


def homework_names(project: Path) -> list[str]:
    """The names of all homeworks that `project` declares, sorted."""
    return sorted(path.parent.name for path in (project / "reference").glob(f"*/{DECLARATION}"))


def load_homework(name: str, project: Path | None = None) -> Homework:
    """Read and check a homework's declaration.

    Raises:
        UserError: naming the file and the key that is missing, unknown or wrong.
    """
    root = project or find_project()
    path = root / "reference" / name / DECLARATION
    if not path.is_file():
        known = ", ".join(homework_names(root)) or "none"
        raise UserError(f"there is no homework called {name!r}", where=str(path), remedy=f"Homeworks here: {known}.")
    return Homework(name=name, project=root, declaration=_read_declaration(path))


def _read_declaration(path: Path) -> Declaration:
    declaration = read_toml(path, Declaration)
    where = str(path)
    modules = declaration.modules
    for module in modules:
        if not module.isidentifier():
            raise UserError(f"module {module!r} is not a Python name", where=f"{where}: file.module")
        if modules.count(module) > 1:
            raise UserError(f"module {module!r} is declared twice", where=f"{where}: file.module")
    if not declaration.points > 0:
        raise UserError(f"expected a positive number, got {declaration.points}", where=f"{where}: points")
    for number in declaration.limits.of:
        if not any(matches(part, (number,)) or matches(number, (part,)) for part in declaration.parts):
            raise UserError(
                f"{number!r} is no part of the handout",
                where=f"{where}: limits.of",
                remedy=f"Parts: {', '.join(declaration.parts)}.",
            )
        try:
            declaration.limits.for_grader(number)
        except msgspec.ValidationError as error:
            raise UserError(str(error), where=f'{where}: limits.of."{number}"') from error
    seeds = declaration.seeds
    if seeds.visible == seeds.hidden:
        raise UserError(
            "the hidden seed equals the visible one, so hidden graders hide nothing", where=f"{where}: seeds.hidden"
        )
    if seeds.practice in (seeds.visible, seeds.hidden):
        raise UserError("the student kit would hold the answers to what is graded", where=f"{where}: seeds.practice")
    return declaration


Declared = TypeVar("Declared")


def read_toml(path: Path, shape: type[Declared]) -> Declared:
    """Decode a TOML file into `shape`; an error names the file and the key."""
    try:
        table = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"not valid TOML: {error}", where=str(path)) from error
    try:
        return msgspec.convert(table, shape)
    except msgspec.ValidationError as error:
        raise UserError(str(error), where=str(path)) from error


def read_text(path: Path) -> str:
    """The text of one of our own files; a missing one is a `UserError` that names it."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read this file: {error}", where=str(path)) from error
