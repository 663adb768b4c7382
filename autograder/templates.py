"""The student template, made from the reference: marked solution regions become stubs.

    ### BEGIN SOLUTION              # YOUR CODE HERE
    return x.clamp(min=0)       ->  raise NotImplementedError("Rectifier.forward")
    ### END SOLUTION

The markers are nbgrader's. `### BEGIN SOLUTION: pass` leaves `pass` in place of the exception.
A region holds whole statements at the indentation of its markers. Everything outside regions
stays as it is, imports that only a solution uses included. In a notebook's markdown cells, model
answers are marked: see `answers.markers`.
"""

from __future__ import annotations

import ast
import io
import json
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.answers.markers import model_answers, without_model_answers
from autograder.errors import UserError

HERE = "# YOUR CODE HERE"

_BEGIN = re.compile(r"### BEGIN SOLUTION(?::\s*(?P<stub>\S.*))?")
_END = "### END SOLUTION"
_LIKE_A_MARKER = re.compile(r"#\W*(begin|end)[\s_-]*solution", re.IGNORECASE)
_ESCAPED = re.compile(r'\\(["\\n])')
_MAGIC = re.compile(r"^([ \t]*)[%!?].*$", re.MULTILINE)


def generate_template(text: str, filename: str) -> str:
    """The template of a reference file.

    Args:
        text: the reference, Python or (where `filename` ends in .ipynb) a notebook.
        filename: for messages, and to tell what the text is.

    Returns:
        The template. Its Python compiles, and it is the same for the same text.

    Raises:
        UserError: naming file, cell and line, for markers that do not pair up, a region that is not
            made of whole statements, and a file that Python cannot read.
    """
    if filename.endswith(".ipynb"):
        return _notebook_template(text, filename)
    return _script_template(_unix(text), _Place(filename))


def write_templates(reference_folder: Path, template_folder: Path, files: Iterable[str]) -> tuple[Path, ...]:
    """Write the template of each file; what is neither Python nor a notebook is copied.

    Args:
        reference_folder: where the files are.
        template_folder: where the templates go, under the same relative paths.
        files: relative paths. All are read and checked before the first is written.

    Returns:
        The templates' paths, in the order of `files`. One that is up to date is not touched.

    Raises:
        UserError: for a file that cannot be read or written, and as `generate_template` does.
    """
    contents = {template_folder / name: _template_content(reference_folder / name, name) for name in files}
    for path, content in contents.items():
        try:
            if path.is_file() and path.read_bytes() == content:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise UserError(f"cannot write this template: {error}", where=str(path)) from error
    return tuple(contents)


def solution_lines(text: str) -> set[str]:
    """The lines that must not reach a student: those of solution regions and model answers that occur nowhere else.

    Args:
        text: a reference file, Python or a notebook.

    Returns:
        Lines without spaces and trailing comments. Lines that any program could have
        (`loss.backward()`, `for x in data:`, imports) and lines of a few words are not among them.
    """
    inside: set[str] = set()
    outside: set[str] = set()
    for source, place, is_code in _sources(text):
        regions = _regions(source, place) if is_code else model_answers(source, place.line)
        taken = {number for region in regions for number in range(region.begin + 1, region.end)}
        is_telling = _is_telling if is_code else _is_telling_text
        for number, line in enumerate(source.split("\n"), start=1):
            if number not in taken:
                outside.add(_normalise(line))
            elif is_telling(line):
                inside.add(_normalise(line))
    return inside - outside


def find_leaks(text: str, lines: set[str]) -> list[tuple[int, str]]:
    """Where solution lines stand in a text: as code, in a comment, in a notebook's or another JSON string.

    Args:
        text: a file that students can read.
        lines: what `solution_lines` gave.

    Returns:
        (line number, line) for each line of `text` that holds one of `lines`.
    """
    leaks = []
    for number, line in enumerate(_unix(text).split("\n"), start=1):
        pieces = [_normalise(piece) for piece in (line, *_ESCAPED.sub(_unescape, line).split("\n"))]
        if any(solution in piece for piece in pieces for solution in lines):
            leaks.append((number, line.strip()))
    return leaks


@dataclass(frozen=True)
class _Place:
    """The file, and the cell where it is a notebook, that messages name."""

    filename: str
    cell: int = 0

    def __str__(self) -> str:
        return f"{self.filename}, cell {self.cell}" if self.cell else self.filename

    def line(self, number: int) -> str:
        return f"{self}, line {number}"


@dataclass(frozen=True)
class _Region:
    """A solution region: the lines of its markers, counted from 1, and what takes its place."""

    begin: int
    end: int
    indent: str
    stub: str


def _template_content(path: Path, name: str) -> bytes:
    try:
        content = path.read_bytes()
        if path.suffix not in (".py", ".ipynb"):
            return content
        return generate_template(content.decode("utf-8-sig"), name).encode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read this file: {error}", where=str(path)) from error


def _unix(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


# --- scripts --------------------------------------------------------------------------------------------------------


def _script_template(source: str, place: _Place) -> str:
    regions = _regions(source, place)
    if not regions:
        return source
    lines = source.split("\n")
    kept: list[str] = []
    origins: list[int] = []  # for each line that is kept, the line of the reference it comes from
    next_line = 1
    for region in regions:
        stub = [f"{region.indent}{HERE}", f"{region.indent}{region.stub}"]
        kept += [*lines[next_line - 1 : region.begin - 1], *stub]
        origins += [*range(next_line, region.begin), region.begin, region.begin]
        next_line = region.end + 1
    kept += lines[next_line - 1 :]
    origins += range(next_line, len(lines) + 1)
    template = "\n".join(kept)
    try:
        compile(_readable(template, place), str(place), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise UserError(
            f"without its solution the file does not compile: {error.msg}",
            where=place.line(origins[min(error.lineno or 1, len(origins)) - 1]),
            remedy="A solution region must hold whole statements; give it a stub with `### BEGIN SOLUTION: <stub>`.",
        ) from error
    return template


def _regions(source: str, place: _Place) -> list[_Region]:
    if place.cell and not _LIKE_A_MARKER.search(source):
        return []  # it may be a `%%bash` cell
    try:
        readable = _readable(source, place)
        tree = ast.parse(readable)
    except SyntaxError as error:
        raise UserError(f"not valid Python: {error.msg}", where=place.line(error.lineno or 1)) from error
    except ValueError as error:
        raise UserError(f"not valid Python: {error}", where=str(place)) from error
    tokens = list(tokenize.generate_tokens(io.StringIO(readable).readline))
    lines = source.split("\n")
    code = _statement_lines(tokens)
    regions = []
    for begin, end, stub in _marker_pairs(tokens, lines, place):
        indent = _indent(lines[begin - 1])
        inside = [number for number in code if begin < number < end]
        _check_indentation(lines, begin, end, inside, place)
        name = _qualified_name(tree, begin, inside[-1])
        regions.append(_Region(begin, end, indent, stub or _default_stub(name, place, begin)))
    return regions


def _marker_pairs(
    tokens: Sequence[tokenize.TokenInfo], lines: Sequence[str], place: _Place
) -> Iterator[tuple[int, int, str]]:
    """(line of BEGIN, line of END, stub or "") of each region."""
    begun: tuple[int, str] | None = None
    for token in tokens:
        if token.type != tokenize.COMMENT or not _LIKE_A_MARKER.match(token.string):
            continue
        number = token.start[0]
        begin = _BEGIN.fullmatch(token.string.rstrip())
        if not begin and token.string.rstrip() != _END:
            raise UserError(
                f"this looks like a solution marker but is none: {token.string}",
                where=place.line(number),
                remedy="Write exactly `### BEGIN SOLUTION`, `### BEGIN SOLUTION: <stub>` or `### END SOLUTION`.",
            )
        if lines[number - 1].strip() != token.string.rstrip():
            raise UserError(
                "a solution marker needs a line of its own",
                where=place.line(number),
                remedy="Put it on the line before or after the code.",
            )
        if begin and begun:
            raise UserError(
                f"a solution region begins inside the one that began on line {begun[0]}",
                where=place.line(number),
                remedy="End the first region before this line, or delete this marker.",
            )
        if begin:
            begun = number, begin["stub"] or ""
        elif begun:
            yield begun[0], number, begun[1]
            begun = None
        else:
            raise UserError(
                "a solution region ends here that never began",
                where=place.line(number),
                remedy="Put `### BEGIN SOLUTION` before the solution, or delete this marker.",
            )
    if begun:
        raise UserError(
            "this solution region never ends",
            where=place.line(begun[0]),
            remedy="Put `### END SOLUTION` after the solution.",
        )


def _statement_lines(tokens: Sequence[tokenize.TokenInfo]) -> list[int]:
    """The lines on which a statement starts."""
    blank = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    starts = []
    fresh = True
    for token in tokens:
        if token.type == tokenize.NEWLINE:
            fresh = True
        elif fresh and token.type not in blank:
            starts.append(token.start[0])
            fresh = False
    return starts


def _check_indentation(lines: Sequence[str], begin: int, end: int, inside: Sequence[int], place: _Place) -> None:
    indent = _indent(lines[begin - 1])
    if not inside:
        raise UserError(
            "this solution region holds no code",
            where=place.line(begin),
            remedy="Delete its markers, or move them around the solution.",
        )
    if _indent(lines[inside[0] - 1]) != indent:
        raise UserError(
            "the solution is not indented like its marker",
            where=place.line(inside[0]),
            remedy="Indent `### BEGIN SOLUTION` like the first line of the solution, with the same spaces or tabs.",
        )
    for number in inside:
        if not _indent(lines[number - 1]).startswith(indent):
            raise UserError(
                f"this line is indented less than the solution region that began on line {begin}",
                where=place.line(number),
                remedy="End the region before it; a region stays within one block.",
            )
    if _indent(lines[end - 1]) != indent:
        raise UserError(
            f"this marker is not indented like its BEGIN on line {begin}",
            where=place.line(end),
            remedy="Indent both alike, with the same spaces or tabs.",
        )


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _qualified_name(tree: ast.Module, first: int, last: int) -> str:
    """`VAE.elbo_loss` where lines `first` to `last` lie in that function, "" where they lie in none."""
    names: list[str] = []
    in_function = False
    node: ast.AST = tree
    while True:
        scopes = (
            child
            for child in ast.walk(node)
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and child is not node
            and child.lineno < first
            and last <= (child.end_lineno or child.lineno)
        )
        inner = min(scopes, key=lambda child: child.lineno, default=None)
        if inner is None:
            return ".".join(names) if in_function else ""
        names.append(inner.name)
        in_function = not isinstance(inner, ast.ClassDef)
        node = inner


def _default_stub(name: str, place: _Place, begin: int) -> str:
    if not name and not place.cell:
        raise UserError(
            "this solution region lies outside every function, so its stub would break the whole file",
            where=place.line(begin),
            remedy="Give it a stub that can stand there, for example `### BEGIN SOLUTION: pass`.",
        )
    return f"raise NotImplementedError({json.dumps(name or f'cell {place.cell}')})"


# --- notebooks ------------------------------------------------------------------------------------------------------


def _notebook_template(text: str, filename: str) -> str:
    """The notebook with stubs, without outputs (they show what the solution gave), with stable cell ids."""
    import nbformat

    notebook = nbformat.from_dict(_read_notebook(text, filename))  # type: ignore[no-untyped-call]
    for number, cell in enumerate(notebook.cells, start=1):
        if notebook.nbformat_minor >= 5:
            cell.setdefault("id", f"cell-{number}")
        if cell.cell_type == "code":
            cell.source = _script_template(cell.source, _Place(filename, number))
            cell.outputs = []
            cell.execution_count = None
        elif cell.cell_type == "markdown":
            _take_model_answers(cell, _Place(filename, number))
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise UserError(f"not a valid notebook: {error}", where=filename) from error
    return str(nbformat.writes(notebook)) + "\n"  # type: ignore[no-untyped-call]


def _take_model_answers(cell: Any, place: _Place) -> None:
    """Put placeholders for the model answers of a markdown cell, and drop the pictures that only they show."""
    template = without_model_answers(cell.source, place.line)
    if template == cell.source:
        return
    cell.source = template
    pictures = {name: data for name, data in cell.pop("attachments", {}).items() if f"attachment:{name}" in template}
    if pictures:
        cell.attachments = pictures


def _read_notebook(text: str, filename: str) -> dict[str, Any]:
    try:
        notebook = json.loads(_unix(text))
        major, minor = notebook["nbformat"], notebook["nbformat_minor"]
        if major != 4:
            raise UserError(
                f"a notebook of format {major}.{minor}, expected 4",
                where=filename,
                remedy="Open it in a current Jupyter and save it.",
            )
        for cell in notebook["cells"]:
            if not isinstance(cell["source"], str):
                cell["source"] = "".join(cell["source"])
            if cell["cell_type"] in ("code", "markdown"):
                cell["source"] = _unix(cell["source"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"not a notebook: {error!r}", where=filename) from error
    return dict(notebook)


def _readable(source: str, place: _Place) -> str:
    """A cell's source with IPython's `%magic` and `!shell` lines as `pass`, where Python cannot read it as it is."""
    if place.cell:
        try:
            ast.parse(source)
        except SyntaxError:
            return _MAGIC.sub(r"\1pass", source)
    return source


# --- leaks ----------------------------------------------------------------------------------------------------------


def _sources(text: str) -> Iterator[tuple[str, _Place, bool]]:
    """What may hold solutions in a reference file, and whether it is code: itself, or a notebook's cells."""
    if not text.lstrip().startswith("{"):
        yield _unix(text), _Place("reference"), True
        return
    for number, cell in enumerate(_read_notebook(text, "reference")["cells"], start=1):
        if cell["cell_type"] in ("code", "markdown"):
            yield cell["source"], _Place("reference", number), cell["cell_type"] == "code"


def _unescape(escaped: re.Match[str]) -> str:
    """What a `\\n`, `\\"` or doubled backslash stands for in a JSON string."""
    return "\n" if escaped[1] == "n" else escaped[1]


def _normalise(line: str) -> str:
    return re.sub(r"\s+", "", _uncomment(line))


def _uncomment(line: str) -> str:
    """The line without a comment at its end; of a line that is all comment, the comment's text."""
    return re.sub(r"\s#.*", "", line.strip().lstrip("#")).strip()


def _is_telling(line: str) -> bool:
    """Whether a line belongs to this solution rather than to any program."""
    code = _uncomment(line)
    if code.endswith(":") or code.startswith(("import ", "from ")):
        return False
    atoms = {atom for atom in re.findall(r"\w+", code) if not keyword.iskeyword(atom)}
    return len(_normalise(line)) >= 14 and len(atoms) >= 3


def _is_telling_text(line: str) -> bool:
    """Whether a line of text says something: a few words that are no heading of an answer."""
    return len(_normalise(line)) >= 20 and len(re.findall(r"\w+", line)) >= 4
