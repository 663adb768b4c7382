"""Every kind of page: what its template shows, with names marked and every text escaped.

Texts of students, exports and graders go through `plain` and are escaped by jinja2; nothing of them is ever trusted as
HTML. The pages' Content-Security-Policy allows the report's own stylesheet, script and pictures, and nothing else.
"""

from __future__ import annotations

import hashlib
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup, escape

from autograder.feedback import code_pieces, plain
from autograder.gradescope import Results
from autograder.manifest import Manifest
from autograder.report.highlighting import exchangeable, listing
from autograder.report.names import Known, Names
from autograder.report.outputs import Line, Text, plain_text, read_output
from autograder.report.tally import (
    ENOUGH,
    HIDDEN,
    VERDICTS,
    ClassTally,
    GraderTally,
    Group,
    Mark,
    Tallied,
    quantile,
    score_of,
)

if TYPE_CHECKING:
    from autograder.regrade.gradebook import Comparison
    from autograder.regrade.run import FlakyVerdict
    from autograder.regrade.similarity import AlikePair
    from autograder.submission import FoundFile

MOST_PARTS = 12  # columns of the table of submissions; where there are more, it has the questions
MAX_TEXT = 4_000  # characters of one text; what results.json holds is shorter
MAX_FLAGS = 3  # links from one line of source to what was said of it

_HERE = Path(__file__).parent
_WHERE = re.compile(r"(?P<file>.{1,300}?), line (?P<line>\d{1,7})\b", re.DOTALL)
_VERDICT_ORDER = {verdict: index for index, verdict in enumerate(("faulty", "not reached", "failed", "passed"))}


@dataclass(frozen=True)
class Class:
    """What all pages are about."""

    manifest: Manifest
    names: Names
    names_hidden: bool
    alike: tuple[AlikePair, ...]
    flaky: tuple[FlakyVerdict, ...]
    compared: Comparison | None
    intake_notes: tuple[str, ...]
    order: tuple[str, ...]

    @cached_property
    def position(self) -> dict[str, int]:
        return {id: index for index, id in enumerate(self.order)}


def grader_page(grader: GraderTally | Mark) -> str:
    """The path of a grader's page; numbers are unique, and so are these."""
    name = grader.number or (grader.grader if isinstance(grader, Mark) else grader.id)
    if re.fullmatch(r"[A-Za-z0-9.-]{1,80}", name):
        return f"graders/{name}.html"
    return f"graders/{hashlib.blake2b(name.encode('utf-8', 'replace'), digest_size=6).hexdigest()}.html"


def pair_page(pair: AlikePair, number: int, names: Names) -> str:
    """The path of a pair's page."""
    return f"pairs/{names[pair.first].key}-{names[pair.second].key}-{number}.html"


class Pages:
    """Renders the pages of one report."""

    def __init__(self, of_class: Class) -> None:
        self._class = of_class
        self._names = of_class.names
        self._labels: dict[str, Markup] = {}
        self._numbers: ClassTally | None = None
        self._pair_pages = [
            pair_page(pair, number, self._names) if self._knows(pair) else ""
            for number, pair in enumerate(of_class.alike)
        ]

    @property
    def digest(self) -> str:
        """Of everything in this package that decides what a page looks like."""
        return _own_digest()

    def count(self, numbers: ClassTally) -> None:
        """What the pages on the class show from now on."""
        self._numbers = numbers

    @property
    def numbers(self) -> ClassTally:
        assert self._numbers is not None, "count first"
        return self._numbers

    @property
    def has_parts(self) -> bool:
        """Whether there are so many parts that they have a page of their own."""
        return len(self.numbers.parts) > MOST_PARTS

    def related(self, handin: str) -> list[Any]:
        """What a submission's page shows besides the submission."""
        order, here = self._class.order, self._class.position[handin]
        compared = self._class.compared
        return [
            [order[index] for index in (here - 1, here + 1) if 0 <= index < len(order)],
            [
                (number, pair.first, pair.second, pair.share_first, pair.share_second, pair.file)
                for number, pair in enumerate(self._class.alike)
                if handin in (pair.first, pair.second)
            ],
            [one for one in self._class.flaky if one.handin == handin],
            [change for change in compared.changes if change.handin == handin] if compared else [],
        ]

    # --- pages ---

    def index(self, digest: str) -> str:
        numbers = self.numbers
        compared = self._class.compared
        return self._render(
            "index.html.j2",
            "",
            digest,
            title="Report",
            numbers=numbers,
            statistics=_statistics(numbers),
            by_id={grader.id: grader for grader in numbers.graders},
            by_number={grader.number: grader for grader in numbers.graders},
            column_marks=self._column_marks,
            columns=numbers.questions if self.has_parts else numbers.parts,
            has_parts=self.has_parts,
            problems=[student for student in numbers.students if student.handin.problem],
            broken=[grader for grader in numbers.graders if grader.counts["faulty"] or grader.counts["not reached"]],
            lacking=[student for student in numbers.students if student.is_graded and not student.is_complete],
            noted=[student for student in numbers.students if student.handin.notes],
            intake_notes=self._class.intake_notes,
            odd=self._odd(),
            twins=self._twins(),
            alike=list(zip(self._class.alike, self._pair_pages, strict=True)),
            flaky=self._class.flaky,
            compared=compared,
            compared_graders=self._compared_graders(compared),
        )

    def parts(self, digest: str) -> str:
        return self._render(
            "parts.html.j2", "", digest, title="Points per part", numbers=self.numbers, column_marks=self._column_marks
        )

    def grader(self, grader: GraderTally, digest: str) -> str:
        numbers = self.numbers
        by_verdict = {
            verdict: [
                (numbers.students[index], mark) for index, mark in grader.marks.items() if mark.verdict == verdict
            ]
            for verdict in VERDICTS
        }
        shown: dict[str, list[Tallied]] = {}
        for index, mark in grader.marks.items():
            for name in mark.shows:
                if mark.verdict == "failed":
                    shown.setdefault(name, []).append(numbers.students[index])
        says = {one.name: one.says for one in (*numbers.misconceptions, *numbers.readings)}
        own = grader.grader
        return self._render(
            "grader.html.j2",
            "../",
            digest,
            title=f"Grader {grader.number}",
            grader=grader,
            numbers=numbers,
            by_verdict=by_verdict,
            shown=sorted(shown.items(), key=lambda pair: (-len(pair[1]), pair[0])),
            says=says,
            part=self._class.manifest.part(grader.number),
            odd=self._odd_reasons(grader),
            flaky=[one for one in self._class.flaky if one.grader == grader.id],
            source=listing(own.source.text) if own else [],
            code=_code,
        )

    def submission(
        self, student: Tallied, results: Results | None, sources: Sequence[FoundFile], digest: str
    ) -> tuple[str, dict[str, str]]:
        """(the page, its pictures in base64 by path)."""
        handin = student.handin
        known = self._names[handin.id]
        files: list[tuple[FoundFile, list[tuple[str, str, list[str]]]]] = []
        anchors: dict[str, tuple[str, int]] = {}
        for found in sources:
            chunks = []
            for chunk in found.chunks:
                id = f"s{len(anchors)}"
                lines = self._listing(chunk.text, handin.id)
                anchors[id] = chunk.filename, len(lines)
                cell = chunk.filename.partition("[")[2].rstrip("]")
                chunks.append((id, cell, lines))
            files.append((found, chunks))
        places: dict[str, str] = {}
        for id, (filename, _) in anchors.items():
            places.setdefault(filename.rpartition("/")[2], id)
        places |= {filename: id for id, (filename, _) in reversed(list(anchors.items()))}

        pictures: dict[str, str] = {}
        flags: dict[str, list[tuple[str, str]]] = {}
        tests = []
        for index, (mark, test) in enumerate(zip(student.marks, results.tests if results else (), strict=True)):
            said = read_output(test.output)
            shown_pictures = []
            for picture in said.pictures:
                path = f"pictures/{known.key}-{len(pictures)}.png"
                pictures[path] = picture.png
                shown_pictures.append((path, picture.caption))
            target = ""
            for line in said.lines:
                target = target or (_target(line, places, anchors) if line.label == "Where" else "")
            if target:
                flags.setdefault(target, []).append((f"g{index}", mark.number))
            staff = test.extra_data.get("staff")
            fault = test.extra_data.get("fault")
            known_already = f"misconception: {'; '.join(mark.shows)}"
            for_staff = [str(one) for one in staff if one != known_already] if isinstance(staff, list) else []
            tests.append(
                {
                    "id": f"g{index}",
                    "mark": mark,
                    "said": said,
                    "pictures": shown_pictures,
                    "target": target,
                    "staff": for_staff or ([str(fault)] if fault else []),
                    "extra": test.extra_data,
                }
            )
        order, here = self._class.order, self._class.position[handin.id]
        compared = self._class.compared
        html = self._render(
            "submission.html.j2",
            "../",
            digest,
            title=Markup("{}").format(known.label),
            title_alias=known.alias,
            student=student,
            known=known,
            results=results,
            output=read_output(results.output) if results else None,
            tests=tests,
            groups=self._test_groups(tests),
            pictured=[test for test in tests if test["pictures"]],
            files=files,
            code=partial(_code, flags=flags),
            before=order[here - 1] if here else None,
            after=order[here + 1] if here + 1 < len(order) else None,
            alike=[
                (pair, page)
                for pair, page in zip(self._class.alike, self._pair_pages, strict=True)
                if handin.id in (pair.first, pair.second)
            ],
            flaky=[one for one in self._class.flaky if one.handin == handin.id],
            grader_numbers={grader.id: grader.number for grader in self._class.manifest.graders},
            changes=[change for change in compared.changes if change.handin == handin.id] if compared else [],
            student_points=round(sum(mark.max_score for mark in student.marks), 2),
            grader_href=grader_page,
        )
        return html, pictures

    def pair(self, pair: AlikePair, of: tuple[Sequence[FoundFile], Sequence[FoundFile]], digest: str) -> str:
        from autograder.regrade.similarity import code_of

        sides = []
        for id, files in zip((pair.first, pair.second), of, strict=True):
            found = next((file for file in files if file.module == pair.file), None)
            lines = self._listing(code_of(found), id) if found else []
            sides.append((id, found.path if found else pair.file, lines))
        pieces = [
            [
                (id, path, lines.start, lines.end, _code_from(code, lines.start, lines.end))
                for (id, path, code), lines in zip(sides, (piece.first, piece.second), strict=True)
            ]
            for piece in pair.pieces
        ]
        return self._render("pair.html.j2", "../", digest, title="Alike code", pair=pair, sides=sides, pieces=pieces)

    # --- what they are made of ---

    def _column_marks(self, group: Group, student: int) -> list[Mark | None]:
        return [self.numbers.graders[index].marks.get(student) for index in group.graders]

    def _knows(self, pair: AlikePair) -> bool:
        return pair.first in self._names and pair.second in self._names

    def _test_groups(self, tests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Tests by part of the handout, with the part's points."""
        groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for test in tests:
            groups.setdefault(self._class.manifest.part(test["mark"].number), []).append(test)
        made = []
        for (number, title), members in groups.items():
            score, complete = score_of([test["mark"] for test in members])
            made.append(
                {
                    "number": number,
                    "title": title,
                    "tests": members,
                    "score": score,
                    "complete": complete,
                    "points": round(sum(test["mark"].max_score for test in members), 2),
                    "counts": {
                        verdict: sum(test["mark"].verdict == verdict for test in members) for verdict in VERDICTS
                    },
                }
            )
        return made

    def _odd(self) -> list[tuple[GraderTally, list[str]]]:
        found = [(grader, self._odd_reasons(grader)) for grader in self.numbers.graders]
        return [(grader, reasons) for grader, reasons in found if reasons]

    def _odd_reasons(self, grader: GraderTally) -> list[str]:
        reasons = []
        if grader.judged >= ENOUGH and grader.counts["passed"] == 0:
            reasons.append("nobody passes")
        if grader.judged >= ENOUGH and grader.counts["failed"] == 0:
            reasons.append("everybody passes")
        if grader.is_slow:
            reasons.append("slow")
        if grader.counts["faulty"]:
            reasons.append("faulty")
        if any(one.grader == grader.id for one in self._class.flaky):
            reasons.append("flaky")
        return reasons

    def _twins(self) -> list[tuple[GraderTally, GraderTally, list[Tallied]]]:
        """Visible graders that someone passes who fails the hidden twin: an answer may be fitted to what is shown."""
        by_number = {grader.number: grader for grader in self.numbers.graders}
        found = []
        for grader in self.numbers.graders:
            twin = by_number.get(grader.number + HIDDEN)
            if twin is None:
                continue
            who = [
                self.numbers.students[index]
                for index, mark in grader.marks.items()
                if mark.verdict == "passed" and index in twin.marks and twin.marks[index].verdict == "failed"
            ]
            if who:
                found.append((grader, twin, who))
        return found

    def _compared_graders(self, compared: Comparison | None) -> list[tuple[str, int, int, GraderTally | None]]:
        if compared is None:
            return []
        by_number = {grader.number: grader for grader in self.numbers.graders}
        return [(number, gained, lost, by_number.get(number)) for number, (gained, lost) in compared.by_grader.items()]

    # --- rendering ---

    def _render(self, template: str, up: str, digest: str, **context: Any) -> str:
        return (
            _environment()
            .get_template(template)
            .render(
                up=up,
                digest=digest,
                of_class=self._class,
                manifest=self._class.manifest,
                names_hidden=self._class.names_hidden,
                text=self._marked,
                path=partial(self._marked, is_path=True),
                inline=self._inline,
                said=self._said,
                name=self._name,
                label=self._label,
                key=lambda handin: self._names[handin].key,
                knows=lambda handin: handin in self._names,
                grader_page=grader_page,
                quantile=quantile,
                score_of=score_of,
                **context,
            )
        )

    def _marked(self, text: str, owner: str = "", *, is_path: bool = False) -> Markup:
        """Text with every name in it marked."""
        return self._escaped(plain(str(text), MAX_TEXT), owner, is_path=is_path)

    def _escaped(self, text: str, owner: str = "", *, is_path: bool = False) -> Markup:
        pieces = self._names.pieces(text, owner, is_path=is_path)
        if len(pieces) == 1 and not pieces[0].alias:
            return escape(text)
        return Markup(
            "".join(
                self._exchangeable(piece.text, piece.alias) if piece.alias else escape(piece.text) for piece in pieces
            )
        )

    def _exchangeable(self, text: str, alias: str) -> Markup:
        here, other = (alias, text) if self._class.names_hidden else (text, alias)
        return Markup(exchangeable(escape(other), escape(here)))

    def _listing(self, text: str, owner: str) -> list[str]:
        return listing(text, partial(self._names.pieces, owner=owner), hide_names=self._class.names_hidden)

    def _label(self, text: str, alias: str = "hidden") -> Markup:
        """A name, an address or an id; all of it is replaced."""
        return self._exchangeable(plain(text, 300, lines=1), alias)

    def _name(self, handin: str) -> Markup:
        if handin not in self._labels:
            known: Known = self._names[handin]
            self._labels[handin] = self._label(known.label, known.alias)
        return self._labels[handin]

    def _inline(self, text: str, owner: str = "") -> Markup:
        """A sentence; code stands between backticks."""
        return self._joined(code_pieces(plain(str(text), MAX_TEXT)), owner)

    def _said(self, text: Text, owner: str = "") -> Markup:
        return self._joined(((piece.is_code, piece.text) for piece in text), owner)

    def _joined(self, pieces: Iterable[tuple[bool, str]], owner: str) -> Markup:
        marked = ((is_code, self._escaped(piece, owner)) for is_code, piece in pieces)
        return Markup("".join(f"<code>{html}</code>" if is_code else html for is_code, html in marked))


def _code(
    id: str, lines: Sequence[str], flags: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType({})
) -> Markup:
    """A listing whose lines have ids; `flags` are links, by the id of a line, to what was said of it."""
    html = []
    for number, line in enumerate(lines, start=1):
        here = f"{id}L{number}"
        found = flags.get(here, ())
        if found:
            links = "".join(f' <a href="#{target}">{escape(label)}</a>' for target, label in found[:MAX_FLAGS])
            more = f" +{len(found) - MAX_FLAGS}" if len(found) > MAX_FLAGS else ""
            line += f'<span class="flags">{links}{more}</span>'
        html.append(f'<span id="{here}">{line}</span>')
    return Markup(f'<pre class="code">{"".join(html)}</pre>')


def _code_from(lines: Sequence[str], first: int, last: int) -> Markup:
    """Lines `first` to `last`, counted from 1, as far as they are there."""
    shown = list(enumerate(lines, start=1))[max(0, first - 1) : max(0, last)]
    return Markup("".join(f'<span data-l="{number}">{line}</span>' for number, line in shown))


def _statistics(numbers: ClassTally) -> dict[str, Any]:
    totals = numbers.totals
    return {
        "median": statistics.median(totals) if totals else None,
        "mean": statistics.fmean(totals) if totals else None,
        "full": sum(total >= numbers.points for total in totals),
    }


def _target(line: Line, places: Mapping[str, str], anchors: Mapping[str, tuple[str, int]]) -> str:
    """The id of the source line that a `Where` names; "" where that line is not shown."""
    found = _WHERE.match(plain_text(line.text))
    if found is None:
        return ""
    id = places.get(found["file"]) or places.get(found["file"].rpartition("/")[2])
    number = int(found["line"])
    return f"{id}L{number}" if id and 1 <= number <= anchors[id][1] else ""


# --- templates --------------------------------------------------------------------------------------------------------


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(pts=_points, pct=_percent, sec=_seconds, signed=_signed)
    environment.globals.update(VERDICTS=VERDICTS, VERDICT_ORDER=_VERDICT_ORDER, plural=_plural, ENOUGH=ENOUGH)
    return environment


@cache
def _own_digest() -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted([*_HERE.glob("*.py"), *_HERE.glob("templates/*")]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _points(points: float | None) -> str:
    return "–" if points is None else f"{points:,.2f}".rstrip("0").rstrip(".")


def _percent(share: float | None) -> str:
    if share is None:
        return "–"
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{100 * share:.0f}%"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.1f} s" if seconds >= 9.95 else f"{seconds:.2f} s"


def _signed(points: float | None) -> str:
    return "–" if points is None else ("+" if points > 0 else "−" if points < 0 else "±") + _points(abs(points))


def _plural(count: int, what: str, many: str = "") -> str:
    return f"{count:,} {what if count == 1 else many or what + 's'}"
