"""The same feedback on a terminal, for students who check their work and for TAs who grade.

Nothing depends on colour: every verdict is a word. A student's text is never read as markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from autograder.feedback import GraderResult, PlannedGrader, code_pieces, place_pieces, plain
from autograder.gradescope import NOT_YOUR_FAULT, EarlyEnd, points
from autograder.questions import part_of

Entry = GraderResult | PlannedGrader

MAX_TEXT, MAX_LINES = 1_200, 16  # a failure should leave room on the screen for the next one

_WORDS = {
    "passed": ("passed", "green"),
    "partly": ("partly", "yellow"),
    "failed": ("failed", "bold red"),
    "faulty": ("not graded", "magenta"),
    "not reached": ("not reached", "magenta"),
}


def render_terminal(
    entries: Sequence[Entry],
    console: Console,
    *,
    title: str = "",
    parts: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    end: EarlyEnd | None = None,
    staff: bool = False,
) -> None:
    """Print a table of graders for each part, what went wrong in each, and the totals.

    Args:
        entries: results, and plans where a grader was not reached; `ResultsFile.results` gives them.
        console: where to print.
        title: a heading, the homework's title.
        parts: titles of the handout's parts by number prefix, as homework.toml declares them.
        notes: lines about the whole submission.
        end: why some graders were not reached.
        staff: show hidden graders, why a grader is faulty, and lines for staff. For students it
            stays False: they see of hidden graders how many there are and what they are worth.
    """
    shown = [entry for entry in entries if staff or entry.visibility == "visible"]
    hidden = [entry for entry in entries if not staff and entry.visibility != "visible"]
    if title:
        console.print(Rule(Text(plain(title, 200, lines=1)), style="dim"))
    for note in notes:
        console.print(_code_text(_short(note)))
    for (part, part_title), group in groupby(shown, key=lambda entry: part_of(entry.number, parts or {})):
        console.print()
        console.print(_part_table(part, part_title, list(group), staff=staff))
    for alike in _grouped(shown):
        detail = _details(alike, end or EarlyEnd(), staff=staff)
        if detail is not None:
            console.print()
            console.print(detail)
    console.print()
    console.print(_totals(shown, hidden))


def _verdict(entry: Entry) -> str:
    if isinstance(entry, PlannedGrader):
        return "not reached"
    if entry.feedback.verdict == "failed" and points(entry.score, entry.max_score) > 0:
        return "partly"
    return entry.feedback.verdict


def _word(entry: Entry) -> Text:
    word, style = _WORDS[_verdict(entry)]
    return Text(word, style=style)


def _earned(entry: Entry) -> Decimal:
    return Decimal(0) if isinstance(entry, PlannedGrader) else points(entry.score, entry.max_score)


def _possible(entry: Entry) -> Decimal:
    return points(entry.max_score, entry.max_score)


def _number(amount: Decimal) -> str:
    return format(amount.normalize(), "f")


def _share(earned: Decimal, possible: Decimal) -> str:
    return f"{_number(earned)} / {_number(possible)}"


def _part_table(part: str, title: str, entries: Sequence[Entry], *, staff: bool) -> RenderableType:
    earned, possible = sum(map(_earned, entries), Decimal()), sum(map(_possible, entries), Decimal())
    heading = Table.grid(expand=True, padding=(0, 2, 0, 0))
    heading.add_column(ratio=1)
    heading.add_column(justify="right", no_wrap=True)
    name = " ".join(text for text in (part, plain(title, 200, lines=1)) if text)
    heading.add_row(Text(name or "Graders", style="bold"), Text(_share(earned, possible), style="bold"))
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, width=11)
    table.add_column(no_wrap=True, min_width=7)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    for entry in entries:
        text = Text(plain(entry.title, 200, lines=1))
        if staff and entry.visibility != "visible":
            text.append(f" ({entry.visibility.replace('_', ' ')})", style="dim")
        number = Text(plain(entry.number, 24, lines=1))
        table.add_row(_word(entry), number, text, _share(_earned(entry), _possible(entry)))
    return Group(heading, Padding(table, (0, 0, 0, 2)))


def _grouped(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries with the same verdict and the same words, together where the first of them stands."""
    groups: dict[object, list[Entry]] = {}
    for entry in entries:
        same = None if isinstance(entry, PlannedGrader) else replace(entry.feedback, pictures=())
        groups.setdefault((_verdict(entry), same), []).append(entry)
    return list(groups.values())


def _details(alike: Sequence[Entry], end: EarlyEnd, *, staff: bool) -> RenderableType | None:
    entry = alike[0]
    verdict = _verdict(entry)
    feedback = end.feedback if isinstance(entry, PlannedGrader) else entry.feedback
    about_staff = feedback.staff if staff else ()
    if verdict == "faulty" and not staff:
        feedback = replace(NOT_YOUR_FAULT, help="Please show this to the course staff.")
    if verdict == "passed" and not (feedback.notes or about_staff):
        return None
    heading = Table.grid(padding=(0, 2, 0, 0))
    heading.add_column(no_wrap=True)
    heading.add_column(no_wrap=True, style="bold")
    heading.add_column(overflow="fold")
    numbers = "\n".join(plain(other.number, 24, lines=1) for other in alike)
    heading.add_row(_word(entry), numbers, _code_text(_short(feedback.headline)))
    rows = Table.grid(padding=(0, 1, 0, 0))
    rows.add_column(no_wrap=True, style="dim", width=9)
    rows.add_column(overflow="fold")
    for label, text in (
        ("Expected", feedback.expected),
        ("Actual", feedback.actual),
        ("Where", feedback.where),
        ("Help", feedback.help),
    ):
        if cleaned := _short(text):
            rows.add_row(label, _place_text(cleaned) if label == "Where" else _code_text(cleaned))
    for note in feedback.notes:
        rows.add_row("Note", _code_text(_short(note)))
    for line in about_staff:
        rows.add_row("Staff", _code_text(_short(line)))
    if feedback.pictures:
        titles = ", ".join(plain(picture.title, 60, lines=1) for picture in feedback.pictures)
        rows.add_row("Pictures", Text(f"{titles} (see the report)"))
    return Group(heading, Padding(rows, (0, 0, 0, 2))) if rows.row_count else heading


def _totals(shown: Sequence[Entry], hidden: Sequence[Entry]) -> RenderableType:
    earned, possible = sum(map(_earned, shown), Decimal()), sum(map(_possible, shown), Decimal())
    counts = [(word, sum(_verdict(entry) == verdict for entry in shown)) for verdict, (word, _) in _WORDS.items()]
    tally = ", ".join(f"{count} {word}" for word, count in counts if count)
    line = Text.assemble((f"{_share(earned, possible)} points", "bold"), f"   {tally or 'no graders'}")
    if not hidden:
        return line
    worth = _number(sum(map(_possible, hidden), Decimal()))
    count = f"{len(hidden)} hidden grader{'s' if len(hidden) > 1 else ''}"
    return Group(line, Text(f"{count}, worth {worth} points, not shown here", style="dim"))


def _short(text: str) -> str:
    return plain(text, MAX_TEXT, MAX_LINES)


def _code_text(text: str) -> Text:
    shown = Text()
    for is_code, piece in code_pieces(text):
        shown.append(f"`{piece}`" if is_code else piece, style="cyan" if is_code else None)
    return shown


def _place_text(where: str) -> Text:
    shown = Text()
    for is_code, piece in place_pieces(where):
        shown.append(piece, style="cyan" if is_code else None)
    return shown
