"""Gradebooks of a class: CSV files for people, Gradescope and Canvas, and what changed since an earlier one.

`grades.csv` has a row for each person, and a column for each part of the handout (`part 4.a`) and each grader's number.
What was not graded, not reached or broken by a fault of ours is an empty cell, never 0, and `incomplete` says why; the
total is then the sum of the rest. The files for import leave such a total out, so that an upload changes nobody's score
by accident.

The forms of `gradescope.csv` and `canvas.csv` are those of the two systems' own exports as they are remembered; neither
was tried on the systems themselves.
- Gradescope: Name, SID, Email, Total Score, Max Points, Submission ID, and `number: title (points pts)` per question.
- Canvas: Student, ID, SIS User ID, SIS Login ID, Section, the assignment; the second row holds the points possible.

A text that a spreadsheet would take for a formula gets an apostrophe in front. `grades.csv` begins with a byte-order
mark, without which Excel takes UTF-8 for something else; the files for import have none.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import UserError
from autograder.feedback import plain
from autograder.gradescope import Results, replace_file
from autograder.manifest import Manifest
from autograder.regrade.handins import Handin
from autograder.submission import Unreadable, open_regular

GRADES, FOR_GRADESCOPE, FOR_CANVAS = "grades.csv", "gradescope.csv", "canvas.csv"
#: Largest gradebook that is read, in bytes, and most rows of it.
MAX_BYTES = 50_000_000
MAX_ROWS = 50_000
MAX_CELL = 200
#: Points are rounded to hundredths; what differs by less is the same.
SAME = 0.005

_PART = "part "
_FORMULA = tuple("=+-@\t\r＝＋－＠")
_QUESTION = re.compile(r"(?P<number>[^:]{1,60}): .* \((?P<points>[\d.]+) pts\)", re.S)


@dataclass(frozen=True)
class Grade:
    """What a handin scored.

    Attributes:
        total: points of all graders that came to a verdict; None where there was nothing to grade.
        by_grader: points by a grader's number; None where it is broken or was not reached.
        incomplete: why the total is not the whole score, in words; "" where it is.
    """

    handin: Handin
    total: float | None
    by_grader: Mapping[str, float | None] = field(default_factory=dict)
    incomplete: str = ""


@dataclass(frozen=True)
class ScoreChange:
    """A handin whose score is not what it was.

    Attributes:
        handin: its id.
        name: the people's names.
        before: the earlier total; None where there was none.
        after: the total now; None where there is none.
        by_grader: the difference of points by the number of a grader, where the earlier file tells; only what differs.
    """

    handin: str
    name: str
    before: float | None
    after: float | None
    by_grader: Mapping[str, float] = field(default_factory=dict)

    @property
    def difference(self) -> float | None:
        """Points gained, negative for lost ones; None where one of the totals is not there."""
        return None if self.before is None or self.after is None else round(self.after - self.before, 6)


@dataclass(frozen=True)
class Comparison:
    """An earlier gradebook beside the one of now.

    Attributes:
        changes: handins of both whose total or a grader's points differ, the largest loss first.
        unchanged: how many handins of both have the same score.
        only_before: names that stand in the earlier gradebook alone.
        only_now: names of handins that the earlier gradebook lacks.
        by_grader: (handins that gained, handins that lost) by the number of a grader; only what changed.
        notes: sentences on what could not be compared.
    """

    changes: tuple[ScoreChange, ...]
    unchanged: int = 0
    only_before: tuple[str, ...] = ()
    only_now: tuple[str, ...] = ()
    by_grader: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def gained(self) -> tuple[ScoreChange, ...]:
        """Those with more points than before, the largest gain first."""
        return tuple(change for change in reversed(self.changes) if (change.difference or 0) > 0)

    @property
    def lost(self) -> tuple[ScoreChange, ...]:
        """Those with fewer points than before, the largest loss first."""
        return tuple(change for change in self.changes if (change.difference or 0) < 0)


@dataclass(frozen=True)
class EarlierGrade:
    """A row of an earlier gradebook; "" and None for what it does not tell."""

    id: str
    name: str
    sid: str
    email: str
    total: float | None
    by_grader: Mapping[str, float] = field(default_factory=dict)


def grade_of(handin: Handin, results: Results | None) -> Grade:
    """A handin's score from what stands in its results.json."""
    if results is None:
        return Grade(handin, None, {}, handin.problem or "not graded")
    by_grader: dict[str, float | None] = {}
    missing: dict[str, list[str]] = defaultdict(list)
    for test in results.tests:
        verdict = test.extra_data.get("verdict")
        if verdict in {"passed", "failed"}:
            before = by_grader.get(test.number, 0.0)
            by_grader[test.number] = None if before is None else round(before + test.score, 2)
        else:
            by_grader[test.number] = None
            missing["not reached" if verdict == "not reached" else "faulty"].append(test.number)
    incomplete = "; ".join(f"{why}: {', '.join(numbers)}" for why, numbers in missing.items())
    return Grade(handin, results.score, by_grader, incomplete)


def write_gradebooks(folder: Path, manifest: Manifest, grades: Iterable[Grade]) -> tuple[Path, ...]:
    """Write grades.csv, gradescope.csv and canvas.csv into `folder`; one that would be the same is left alone.

    Raises:
        UserError: where one of them cannot be written.
    """
    grades = tuple(grades)
    counting = _counting(grades)
    written = []
    for name, table, encoding in (
        (GRADES, _grades(manifest, grades), "utf-8-sig"),
        (FOR_GRADESCOPE, _for_gradescope(manifest, counting), "utf-8"),
        (FOR_CANVAS, _for_canvas(manifest, counting), "utf-8"),
    ):
        text = io.StringIO()
        csv.writer(text).writerows([[_harmless(cell) for cell in row] for row in table])
        content = text.getvalue().encode(encoding, "replace")
        path = folder / name
        try:
            if not (path.is_file() and path.read_bytes() == content):
                replace_file(path, content)
        except OSError as error:
            raise UserError(f"cannot write this file: {error.strerror or error}", where=str(path)) from error
        written.append(path)
    return tuple(written)


# --- tables -----------------------------------------------------------------------------------------------------------

_Cell = str | float | None


def _grades(manifest: Manifest, grades: Sequence[Grade]) -> list[list[_Cell]]:
    numbers = list(dict.fromkeys(grader.number for grader in manifest.graders))
    parts = list(dict.fromkeys(part for number in numbers if (part := manifest.part(number)[0])))
    numbers_of = {part: [number for number in numbers if manifest.part(number)[0] == part] for part in parts}
    header = ["id", "name", "sid", "email", "submitted", "attempt", "total", "incomplete"]
    rows: list[list[_Cell]] = [[*header, *(f"{_PART}{part}" for part in parts), *numbers]]
    for grade in grades:
        scores = grade.by_grader
        sums = [_sum([scores.get(number) for number in numbers_of[part]]) for part in parts]
        for person in grade.handin.people:
            about = [grade.handin.id, person.name, person.sid, person.email]
            told = [grade.handin.submitted, grade.handin.attempt, grade.total, grade.incomplete]
            rows.append([*about, *told, *sums, *(scores.get(number) for number in numbers)])
    return rows


def _sum(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return round(sum(known), 2) if len(known) == len(scores) else None


def _for_gradescope(manifest: Manifest, grades: Sequence[Grade]) -> list[list[_Cell]]:
    graders = {grader.number: grader for grader in reversed(manifest.graders)}
    numbers = list(dict.fromkeys(grader.number for grader in manifest.graders))
    questions = []
    for number in numbers:
        most = sum(grader.weight for grader in manifest.graders if grader.number == number)
        title = plain(graders[number].title, MAX_CELL, lines=1)
        questions.append(f"{number}: {title} ({_shown(most)} pts)")
    rows: list[list[_Cell]] = [["Name", "SID", "Email", "Total Score", "Max Points", "Submission ID", *questions]]
    for grade in grades:
        total = None if grade.incomplete else grade.total
        submission = grade.handin.id.removeprefix("submission_") if grade.handin.id.startswith("submission_") else ""
        for person in grade.handin.people:
            scores = [grade.by_grader.get(number) for number in numbers]
            rows.append([person.name, person.sid, person.email, total, manifest.points, submission, *scores])
    return rows


def _for_canvas(manifest: Manifest, grades: Sequence[Grade]) -> list[list[_Cell]]:
    rows: list[list[_Cell]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", plain(manifest.title, MAX_CELL, lines=1)],
        ["    Points Possible", "", "", "", "", manifest.points],
    ]
    for grade in grades:
        total = None if grade.incomplete else grade.total
        for person in grade.handin.people:
            of_canvas = bool(person.sid) and grade.handin.id == f"{person.name}_{person.sid}"  # as Canvas's files tell
            known = [person.sid, ""] if of_canvas else ["", person.sid]
            rows.append([person.name, *known, person.email, "", total])
    return rows


def _counting(grades: Sequence[Grade]) -> list[Grade]:
    """One grade for each student: of several attempts the one that counts, which comes last."""
    last = {grade.handin.people: grade for grade in grades if grade.handin.attempt}
    return [grade for grade in grades if not grade.handin.attempt or last[grade.handin.people] is grade]


def _shown(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _harmless(cell: _Cell) -> str:
    """A cell's text; one that a spreadsheet would take for a formula begins with an apostrophe."""
    if cell is None:
        return ""
    if isinstance(cell, (int, float)):
        return _shown(cell)
    text = cell.replace("\n", " ").replace("\0", "")
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    return text.strip(" \ufeff\u00a0").startswith(_FORMULA)


# --- earlier ones -----------------------------------------------------------------------------------------------------


def read_grades(path: Path) -> tuple[EarlierGrade, ...]:
    """The rows of an earlier grades.csv, or of the grades that Gradescope exports.

    Raises:
        UserError: where the file cannot be read, or is neither of the two.
    """
    rows = _rows(path)
    columns = {name.strip().casefold(): at for at, name in reversed(list(enumerate(rows[0])))} if rows else {}
    is_ours = {"id", "name", "total"} <= columns.keys()
    is_gradescopes = "total score" in columns and bool(columns.keys() & {"sid", "email", "name", "first name"})
    if not (is_ours or is_gradescopes):
        raise UserError(
            "this is no gradebook: it has no columns `id`, `name` and `total`, and none of Gradescope's",
            where=str(path),
            remedy="Give a grades.csv of an earlier run, or the grades that Gradescope exports.",
        )
    numbers = _numbers(rows[0], is_ours=is_ours)

    def cell(row: Sequence[str], name: str) -> str:
        at = columns.get(name, len(row))
        return _plain_cell(row[at]) if at < len(row) else ""

    grades = []
    for row in rows[1:]:
        name = cell(row, "name") or f"{cell(row, 'first name')} {cell(row, 'last name')}".strip()
        id = cell(row, "id") if is_ours else cell(row, "submission id")
        if not is_ours and id:
            id = f"submission_{id}"
        by_grader = {number: score for number, at in numbers.items() if (score := _score(row, at)) is not None}
        total = _score(row, columns["total" if is_ours else "total score"])
        grade = EarlierGrade(id, name, cell(row, "sid"), cell(row, "email"), total, by_grader)
        if grade.id or grade.name or grade.sid or grade.email:
            grades.append(grade)
    return tuple(grades)


def _numbers(header: Sequence[str], *, is_ours: bool) -> dict[str, int]:
    """The columns of graders, by number."""
    if not is_ours:
        found = {match["number"].strip(): at for at, name in enumerate(header) if (match := _QUESTION.fullmatch(name))}
        return dict(list(found.items())[:MAX_ROWS])
    own = {"id", "name", "sid", "email", "submitted", "attempt", "total", "incomplete"}
    names = {_plain_cell(name): at for at, name in enumerate(header)}
    return {name: at for name, at in names.items() if name and name not in own and not name.startswith(_PART)}


def _rows(path: Path) -> list[list[str]]:
    try:
        with open_regular(path) as file:
            data = file.read(MAX_BYTES + 1)
    except (Unreadable, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"this gradebook could not be read: {reason}", where=str(path)) from None
    if len(data) > MAX_BYTES:
        raise UserError(f"this gradebook is larger than {MAX_BYTES // 1_000_000} MB", where=str(path))
    text = _decode(data).replace("\0", "")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(rows) > MAX_ROWS:
                raise UserError(f"this gradebook has more than {MAX_ROWS} rows", where=str(path))
            rows.append(row)
    except csv.Error as error:
        raise UserError(f"this gradebook is no CSV: {error}", where=f"{path}, row {len(rows) + 1}") from None
    return rows


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _plain_cell(text: str) -> str:
    """A cell's text without the apostrophe that made it harmless."""
    text = text.strip()
    if text.startswith("'") and _is_formula(text[1:]):
        text = text[1:]
    return plain(text, MAX_CELL, lines=1)


def _score(row: Sequence[str], at: int) -> float | None:
    text = row[at].strip()[:40] if at < len(row) else ""
    try:
        number = float(text.replace(",", ".") if "." not in text else text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


# --- comparing --------------------------------------------------------------------------------------------------------


def compare(grades: Iterable[Grade], earlier: Sequence[EarlierGrade]) -> Comparison:
    """Who gains and who loses against an earlier gradebook, and by which grader.

    Handins are found in it by their id, else by a person's sid, else by an email address, else by a name that is there
    once. A score that is incomplete now is not compared, as it would seem to be a loss.
    """
    grades = tuple(grades)
    matched = _match(grades, earlier)
    changes, unchanged, notes = [], 0, []
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    incomplete = 0
    for grade in grades:
        rows = [earlier[at] for at in matched.get(grade.handin.id, [])]
        if not rows:
            continue
        totals = {row.total for row in rows if row.total is not None}
        if len(totals) > 1:
            notes.append(f"The earlier scores of {grade.handin.name} differ from each other; the first one counts.")
        before = next((row.total for row in rows if row.total is not None), None)
        after = None if grade.incomplete else grade.total
        incomplete += bool(grade.incomplete and grade.total is not None)
        differences = {
            number: round(score - was, 2)
            for number, score in grade.by_grader.items()
            if score is not None and (was := rows[0].by_grader.get(number)) is not None and abs(score - was) > SAME
        }
        gained.update(number for number, difference in differences.items() if difference > 0)
        lost.update(number for number, difference in differences.items() if difference < 0)
        is_same = before == after or (before is not None and after is not None and abs(before - after) <= SAME)
        if is_same and not differences:
            unchanged += 1
        else:
            changes.append(ScoreChange(grade.handin.id, grade.handin.name, before, after, differences))
    if incomplete:
        notes.append(f"Totals that are incomplete now were not compared: {incomplete}.")
    if matched and not any(row.by_grader.keys() & grade.by_grader.keys() for grade in grades for row in earlier[:100]):
        notes.append("The earlier gradebook does not tell of single graders.")
    found = {at for rows in matched.values() for at in rows}
    only_before = tuple(row.name or row.email or row.sid or row.id for at, row in enumerate(earlier) if at not in found)
    only_now = tuple(grade.handin.name for grade in grades if grade.handin.id not in matched)
    changes.sort(key=lambda change: (change.difference is None, change.difference or 0.0, change.name))
    by_grader = {
        number: (gained[number], lost[number])
        for number in dict.fromkeys(number for grade in grades for number in grade.by_grader)
        if gained[number] or lost[number]
    }
    return Comparison(tuple(changes), unchanged, only_before, only_now, by_grader, tuple(notes[:50]))


def _match(grades: Sequence[Grade], earlier: Sequence[EarlierGrade]) -> dict[str, list[int]]:
    """The rows of an earlier gradebook that are a handin's, by its id."""
    left = set(range(len(earlier)))
    matched: dict[str, list[int]] = defaultdict(list)
    names = Counter(person.name.casefold() for grade in grades for person in grade.handin.people)
    row_names = Counter(row.name.casefold() for row in earlier)

    def unique(name: str) -> str:
        folded = name.casefold()
        return folded if names[folded] == 1 and row_names[folded] == 1 else ""

    steps: list[tuple[Callable[[EarlierGrade], str], Callable[[Handin], list[str]]]] = [
        (lambda row: row.id, lambda handin: [handin.id]),
        (lambda row: _same_sid(row.sid), lambda handin: [_same_sid(person.sid) for person in handin.people]),
        (lambda row: row.email.casefold(), lambda handin: [person.email.casefold() for person in handin.people]),
        (lambda row: unique(row.name), lambda handin: [unique(person.name) for person in handin.people]),
    ]
    by_id: set[str] = set()
    for step, (key_of_row, keys_of_handin) in enumerate(steps):
        rows: dict[str, list[int]] = defaultdict(list)
        for at in sorted(left):
            rows[key_of_row(earlier[at])].append(at)
        for handin in (grade.handin for grade in reversed(grades)):  # of several attempts the last one counts
            if handin.id in by_id:
                continue  # found with all its people
            for key in keys_of_handin(handin):
                for at in rows.get(key, []) if key else []:
                    if at in left and not _contradicts(earlier[at], handin):
                        left.remove(at)
                        matched[handin.id].append(at)
        by_id = by_id if step else set(matched)
    return {id: sorted(rows) for id, rows in matched.items()}


def _same_sid(sid: str) -> str:
    """A student's number without the zeros that spreadsheets take away."""
    return sid.casefold().lstrip("0") or sid


def _contradicts(row: EarlierGrade, handin: Handin) -> bool:
    """Whether a row says of itself that it is of someone else."""
    sids = {_same_sid(person.sid) for person in handin.people if person.sid}
    return bool(row.sid and sids and _same_sid(row.sid) not in sids)
