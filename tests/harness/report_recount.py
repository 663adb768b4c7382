"""The numbers of a graded class counted again, from results/<id>.json alone, and compared with what stands elsewhere.

It reads the files as a program would that knows nothing of this project: no counting, rounding or wording of the
report's own code is used. Every check gives a line for each number on a page or in a gradebook that is not the one
counted here; no line means that all agree. Not compared is what the results do not tell: alike code, an earlier
gradebook, verdicts that changed on a rerun, and which graders are slow.
"""

from __future__ import annotations

import csv
import json
import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from page_tree import Element, read_page

VERDICTS = ("passed", "failed", "faulty", "not reached")
NONE = "–"
SIGNS = "✓✗!○ "  # before verdicts
JUDGED_TO_BE_ODD = 5

Lines = Iterator[str]


@dataclass(frozen=True)
class Test:
    """What one grader gave one submission."""

    __test__ = False  # no test for pytest

    number: str
    verdict: str
    score: float
    most: float
    seconds: float | None
    cpu_seconds: float | None
    shows: tuple[str, ...]

    @property
    def is_judged(self) -> bool:
        return self.verdict in ("passed", "failed")


@dataclass(frozen=True)
class Result:
    """One results.json."""

    score: float
    seconds: float | None
    tests: tuple[Test, ...]

    @property
    def is_complete(self) -> bool:
        return all(test.is_judged for test in self.tests)

    def of(self, numbers: Collection[str]) -> list[Test]:
        return [test for test in self.tests if test.number in numbers]

    def count(self, verdict: str) -> int:
        return sum(test.verdict == verdict for test in self.tests)


def read_result(path: Path) -> Result:
    """A results.json, as JSON."""
    raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
    tests = [
        Test(
            test["number"],
            test["extra_data"]["verdict"],
            test["score"],
            test["max_score"],
            test["extra_data"].get("seconds"),
            test["extra_data"].get("cpu_seconds"),
            tuple(test["extra_data"].get("shows", ())),
        )
        for test in raw["tests"]
    ]
    return Result(raw["score"], raw.get("execution_time"), tuple(tests))


@dataclass(frozen=True)
class Counted:
    """What `autograder regrade` left in a folder, and what is known about the class from elsewhere.

    Attributes:
        out: the folder.
        names: by id, the names of the people of every submission, graded or not.
        parts: the numbers of the handout's parts.
        readings: the names of the accepted readings; what else a grader names is a misconception.
        most_parts: how many of them are columns on the first page; where there are more, it has the questions.
    """

    out: Path
    names: Mapping[str, str]
    parts: Collection[str]
    readings: Collection[str] = ()
    most_parts: int = 12
    _pages: dict[str, Element] = field(default_factory=dict, init=False)

    def page(self, name: str) -> Element:
        """A page of the report."""
        if name not in self._pages:
            self._pages[name] = read_page(self.out / "report" / name)
        return self._pages[name]

    @property
    def index(self) -> Element:
        return self.page("index.html")

    @cached_property
    def results(self) -> dict[str, Result]:
        """By id."""
        return {path.stem: read_result(path) for path in sorted((self.out / "results").glob("*.json"))}

    @cached_property
    def most(self) -> dict[str, float]:
        """The points of each grader by its number, in the order of the files, which is the same in all of them."""
        points: dict[str, float] = {}
        for result in self.results.values():
            points |= {test.number: test.most for test in result.tests}
        return points

    @cached_property
    def points(self) -> float:
        return round(sum(self.most.values()), 2)

    @cached_property
    def totals(self) -> list[float]:
        """Of the submissions with all verdicts, in order."""
        return sorted(result.score for result in self.results.values() if result.is_complete)

    @cached_property
    def ungraded(self) -> set[str]:
        return set(self.names) - set(self.results)

    @cached_property
    def incomplete(self) -> set[str]:
        return {id for id, result in self.results.items() if not result.is_complete}

    @cached_property
    def members(self) -> dict[str, list[str]]:
        """The graders of each part; of none is "Other"."""
        return self._grouped(self.parts)

    @cached_property
    def columns(self) -> dict[str, list[str]]:
        """What the table of submissions has: the parts, or where these are too many, the questions."""
        if len(self.members) <= self.most_parts:
            return self.members
        return self._grouped({number.split(".")[0] for number in self.most})

    def _grouped(self, groups: Collection[str]) -> dict[str, list[str]]:
        members: dict[str, list[str]] = defaultdict(list)
        for number in self.most:
            above = [group for group in groups if number == group or number.startswith(group + ".")]
            members[max(above, key=len, default="Other")].append(number)
        return dict(members)

    def tests(self, number: str) -> dict[str, Test]:
        """What a grader gave, by id."""
        return {id: test for id, result in self.results.items() for test in result.tests if test.number == number}

    def shown(self, kind: str) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
        """By the name of each "misconception" or "reading": who shows it, and to which graders."""
        who: dict[str, set[str]] = defaultdict(set)
        where: dict[str, set[str]] = defaultdict(set)
        for id, result in self.results.items():
            for test in result.tests:
                for name in test.shows:
                    if name != "reference" and (name in self.readings) == (kind == "reading"):
                        who[name].add(id)
                        where[name].add(test.number)
        return who, where

    # --- who is who on the pages ---

    @cached_property
    def ids(self) -> dict[str, str]:
        """By the key that names a submission's page, its id as the first page tells it."""
        return {_keys(row[0])[0]: row[1].text for row in self._table if _keys(row[0])}

    @cached_property
    def labels(self) -> dict[str, str]:
        """By id, what the first page calls it."""
        return {row[1].text: row[0].text for row in self._table}

    @property
    def _table(self) -> list[list[Element]]:
        return self.index.one("table", id="submission-table").cells()

    def who(self, what: str, place: Element, counted: Iterable[str]) -> Lines:
        """Whether the links in a place lead to these submissions, each once, and bear their names."""
        found = [self.ids.get(key, key) for key in _keys(place)]
        if sorted(found) != sorted(counted):
            yield f"{what}: the page names {sorted(found)}, counted are {sorted(counted)}"
        for link, id in zip(_links(place), found, strict=True):
            yield from _same(f"{what}: the name of {id}", link.text, self.labels.get(id, ""))

    # --- all of it ---

    def complaints(self, checks: Iterable[str] = ()) -> list[str]:
        """A line for everything that does not agree; of all checks by default."""
        return [f"{name}: {line}" for name in (checks or CHECKS) for line in CHECKS[name](self)]


# --- the first page ---------------------------------------------------------------------------------------------------


def head(of: Counted) -> Lines:
    """The figures at the top."""

    def figure(name: str) -> str:
        return of.index.one(id=f"n-{name}").text

    counts = {
        "submissions": len(of.names),
        "complete": len(of.totals),
        "incomplete": len(of.incomplete),
        "ungraded": len(of.ungraded),
        "full": sum(total >= of.points for total in of.totals),
        "graders": len(of.most),
    }
    for name, count in counts.items():
        yield from _count(name, figure(name), count)
    for name, of_totals in (("median", statistics.median), ("mean", statistics.mean)):
        shown, _, most = figure(name).partition(" / ")
        yield from _points(name, shown, of_totals(of.totals) if of.totals else None)
        yield from _points(f"points beside the {name}", most, of.points)


def attention(of: Counted) -> Lines:
    """What was not graded, and which verdicts are missing."""
    missing = {verdict: sum(result.count(verdict) for result in of.results.values()) for verdict in VERDICTS[2:]}
    blocks = _blocks(_section(of.index, "attention"))
    title = next((title for title in blocks if title.startswith("Not gradable")), "Not gradable: 0")
    yield from _same("not gradable", _numbers(title), [len(of.ungraded)])
    yield from of.who("not gradable", blocks.get(title, Element("")), of.ungraded)
    title = next((title for title in blocks if title.startswith("Verdicts")), "Verdicts that are missing: 0, 0")
    yield from _same("missing verdicts", _numbers(title), list(missing.values()))
    block = blocks.get(title, Element(""))
    if not block.children:
        return
    yield from _same("totals that lack points", _numbers(next(block.all("p")).text), [len(of.incomplete)])
    by_submission, by_grader = block.all("details")
    yield from _same("by submission", _numbers(by_submission.one("summary").text), [len(of.incomplete)])
    yield from of.who("incomplete", by_submission, of.incomplete)
    for line in by_submission.all("li"):
        result = of.results.get(of.ids.get(_keys(line)[0], ""))
        if result is not None and not _numbers(line.one("span", **{"class": "why"}).own_text):
            numbers = [link.text for link in line.all("a") if "graders/" in link.attributes["href"]]
            of_line = [test.number for verdict in VERDICTS[2:] for test in result.tests if test.verdict == verdict]
            yield from _same(f"what is missing of {line.text}", numbers, of_line)
    counted = {}
    for number in of.most:
        counts = _counts(of.tests(number).values())
        if counts["faulty"] or counts["not reached"]:
            counted[number] = [str(counts["faulty"]), str(counts["not reached"])]
    yield from _same("by grader", _numbers(by_grader.one("summary").text), [len(counted)])
    cells = by_grader.one("table", id="broken-table").cells()
    yield from _in_order(cells)
    rows = {row[0].text.split()[0]: [cell.text for cell in row[1:]] for row in cells}
    yield from _same("missing verdicts by grader", rows, counted)


def histogram(of: Counted) -> Lines:
    """The picture of the totals, and its table."""
    section = _section(of.index, "scores")
    if not of.totals:
        yield from _same("pictures of no totals", len(list(section.all("svg"))), 0)
        return
    rows = section.one("table", id="bins").rows()
    bounds = [[round(100 * float(number)) for number in re.findall(r"\d+(?:\.\d+)?", row)] for row, _ in rows]
    cents = [round(100 * total) for total in of.totals]
    for index, ((low, high), (row, count)) in enumerate(zip(bounds, rows, strict=True)):
        is_last = index == len(rows) - 1
        inside = sum(low <= total < high or (is_last and total == high) for total in cents)
        yield from _same(row, count, str(inside))
        yield from _same(f"the beginning of {row}", low, bounds[index - 1][1] if index else 0)
    if bounds[-1][1] < round(100 * of.points):
        yield f"the last range ends at {bounds[-1][1] / 100}, of {of.points} points"
    counts = [int(count) for _, count in rows]
    bars = [element.text for element in section.all("text", **{"class": "count"})]
    yield from _same("bars", bars, [str(count) for count in counts if count])
    heights = [element.attributes["height"] for element in section.all("rect", **{"class": "column"})]
    yield from _same("heights of bars", heights, [f"{100 * count / max(counts):.2f}%" for count in counts])
    ticks = [element.text for element in section.all("text") if element.attributes["class"].startswith("tick")]
    edges = [low / 100 for low, _ in bounds] + [bounds[-1][1] / 100]
    yield from _same("ticks", [float(tick.replace(",", "")) for tick in ticks], edges)
    spoken = re.fullmatch(
        r"Histogram of (\d+) totals.*Median ([\d,.]+), lowest ([\d,.]+), highest ([\d,.]+)\.",
        section.one("svg").attributes["aria-label"],
    )
    said = spoken.groups() if spoken else ("", "", "", "")
    yield from _same("totals in words", said[0], str(len(cents)))
    for what, shown, value in zip(
        ("median", "lowest", "highest"),
        said[1:],
        (statistics.median(of.totals), of.totals[0], of.totals[-1]),
        strict=True,
    ):
        yield from _points(f"{what} in words", shown, value)
    caption = re.findall(r"[\d,]*\.?\d+", section.one("figcaption").text)
    yield from _same(
        "caption", [float(caption[0]), float(caption[1])], [len(cents), (bounds[0][1] - bounds[0][0]) / 100]
    )


def parts(of: Counted) -> Lines:
    """The table of the handout's parts: who is judged by all graders of a part, passes all, and has what share."""
    rows = {row[0].text.split()[0]: row for row in of.index.one("table", id="parts").cells()}
    yield from _same("parts", list(rows), list(of.members))
    yield from _in_order(rows.values())
    for part, numbers in of.members.items():
        if part not in rows:
            continue
        cells = rows[part]
        points = sum(of.most[number] for number in numbers)
        given = [result.of(numbers) for result in of.results.values()]
        judged = [tests for tests in given if all(test.is_judged for test in tests)]
        passed = [tests for tests in judged if all(test.verdict == "passed" for test in tests)]
        shares = [sum(test.score for test in tests) / points for tests in judged] if points else []
        yield from _points(f"points of {part}", cells[1].text, points)
        yield from _count(f"graders of {part}", cells[2].text, len(numbers))
        yield from _count(f"judged in {part}", cells[3].text, len(judged))
        yield from _share(f"pass rate of {part}", cells[4], len(passed) / len(judged) if judged else None)
        yield from _share(f"mean of {part}", cells[5], statistics.mean(shares) if shares else None)


def graders(of: Counted) -> Lines:
    """The table of graders."""
    rows = {row[0].text.split()[0]: row for row in of.index.one("table", id="grader-table").cells()}
    yield from _same("graders", list(rows), list(of.most))
    yield from _in_order(rows.values())
    for number, cells in rows.items():
        tests = of.tests(number).values()
        counts = _counts(tests)
        judged = counts["passed"] + counts["failed"]
        yield from _points(f"points of {number}", cells[1].text, of.most.get(number))
        yield from _share(f"pass rate of {number}", cells[2], counts["passed"] / judged if judged else None)
        for verdict, cell in zip(VERDICTS, cells[3:7], strict=True):
            yield from _count(f"{verdict} of {number}", cell.text, counts[verdict])
            yield from _same(f"{verdict} of {number}, to sort by", cell.attributes["data-v"], str(counts[verdict]))
        yield from _seconds(f"median time of {number}", cells[7], _quantile([test.seconds for test in tests], 0.5))


def misconceptions(of: Counted) -> Lines:
    """Who shows which misconception, and to which graders."""
    who, where = of.shown("misconception")
    tables = list(of.index.all("table", id="misconception-table"))
    rows = tables[0].cells() if tables else []
    names = [row[0].own_text for row in rows]
    yield from _same("names", sorted(names), sorted(" ".join(name.split()) for name in who))
    yield from _same("order", [int(row[1].text) for row in rows], sorted(map(len, who.values()), reverse=True))
    by_name = {" ".join(name.split()): name for name in who}
    for row, shown in zip(rows, names, strict=True):
        name = by_name.get(shown, "")
        yield from _count(shown, row[1].text, len(who[name]))
        yield from _same(f"{shown}, to sort by", row[1].attributes["data-v"], str(len(who[name])))
        yield from of.who(shown, row[0], who[name])
        yield from _same(f"graders of {shown}", set(row[2].text.split()), where[name])


def readings(of: Counted) -> Lines:
    """Who shows which accepted reading."""
    who, _ = of.shown("reading")
    section = _section(of.index, "misconceptions")
    block = next((block for title, block in _blocks(section).items() if title.startswith("Other")), Element(""))
    lines = {line.own_text.rstrip(":"): line for line in block.all("li") if list(line.all("details"))}
    yield from _same("names", set(lines), set(who))
    for name, line in lines.items():
        yield from _same(name, _numbers(line.one("summary").text), [len(who[name])])
        yield from of.who(name, line, who[name])


def odd(of: Counted) -> Lines:
    """Graders that nobody or everybody passes or that broke, and hidden ones that fail who passes the visible one."""
    rows = {row[0].text.split()[0]: row for row in _rows_of(of.index, "odd-table")}
    yield from _in_order(rows.values())
    for number in of.most:
        tests = of.tests(number).values()
        counts = _counts(tests)
        enough = counts["passed"] + counts["failed"] >= JUDGED_TO_BE_ODD
        counted = {
            "nobody passes": enough and not counts["passed"],
            "everybody passes": enough and not counts["failed"],
            "faulty": bool(counts["faulty"]),
        }
        reasons = rows[number][1].text.split(", ") if number in rows else []
        found = {reason: reason in reasons for reason in counted}
        yield from _same(f"what is odd with {number}", found, counted)
        if number in rows:
            yield from _count(f"passed of {number}", rows[number][2].text, counts["passed"])
            yield from _count(f"failed of {number}", rows[number][3].text, counts["failed"])
            high = _quantile([test.cpu_seconds for test in tests], 0.95)
            yield from _seconds(f"CPU time of {number}", rows[number][4], high)
    counted_twins = {}
    for number in of.most:
        twin = of.tests(number + ".hidden")
        tests_of = of.tests(number)
        who = {id for id, test in twin.items() if test.verdict == "failed" and tests_of[id].verdict == "passed"}
        if who:
            counted_twins[number, number + ".hidden"] = who
    blocks = _blocks(_section(of.index, "odd"))
    block = next((block for title, block in blocks.items() if title.startswith("Passed in sight")), Element(""))
    found_twins = {}
    for line in block.all("li"):
        links = [link.text for link in line.all("a") if "graders/" in link.attributes["href"]]
        if len(links) == 2:
            found_twins[links[0], links[1]] = line
    yield from _same("twins", set(found_twins), set(counted_twins))
    for twins, line in found_twins.items():
        who = counted_twins.get(twins, set())
        yield from _same(f"twins {twins}", _numbers(line.one("summary").text), [len(who)])
        yield from of.who(f"twins {twins}", line, who)


def submissions(of: Counted) -> Lines:
    """The table of submissions."""
    table = of.index.one("table", id="submission-table")
    heads = [cell.text for cell in table.one("thead").all("th")]
    yield from _same("columns", heads, ["Name", "Id", *of.columns, "Total", "Failed", "State"])
    rows = {row[1].text: row for row in table.cells()}
    yield from _same("ids", sorted(rows), sorted(of.names))
    yield from _same("rows", len(table.cells()), len(rows))
    for id, cells in rows.items():
        if not _letters(cells[0].text).startswith(_letters(of.names.get(id, ""))):
            yield f"{id} is called {cells[0].text}, its name is {of.names.get(id)}"
        result = of.results.get(id)
        *scores, total, failed, state = cells[2:]
        if result is None:
            shown = {(cell.text, cell.attributes["data-v"]) for cell in (*scores, total, failed)}
            yield from _same(f"{id}, which is not graded", shown, {(NONE, "-1")})
            yield from _same(id, state.text, "not gradable")
            continue
        for (column, numbers), cell in zip(of.columns.items(), scores, strict=True):
            yield from _sum_of(f"{column} of {id}", cell, result.of(numbers))
        yield from _points(f"total of {id}", total.text, sum(test.score for test in result.tests))
        yield from _points(f"total of {id}, to sort by", total.attributes["data-v"], result.score)
        yield from _count(f"failed of {id}", failed.text, result.count("failed"))
        yield from _same(f"failed of {id}, to sort by", failed.attributes["data-v"], str(result.count("failed")))
        yield from _same(id, state.text, "complete" if result.is_complete else "incomplete")


# --- other pages ------------------------------------------------------------------------------------------------------


def grader_pages(of: Counted) -> Lines:
    """A page per grader: how many got which verdict, who, and how long it took."""
    found = {path.stem for path in (of.out / "report" / "graders").glob("*.html")}
    yield from _same("pages", found, set(of.most))
    for number in found & set(of.most):
        page = of.page(f"graders/{number}.html")
        tests = of.tests(number)
        counts = _counts(tests.values())
        judged = counts["passed"] + counts["failed"]
        figures = _figures(page)
        for verdict in VERDICTS:
            yield from _count(f"{verdict} of {number}", figures[verdict].text, counts[verdict])
        yield from _share(f"pass rate of {number}", figures["Pass rate"], counts["passed"] / judged if judged else None)
        seconds = [test.seconds for test in tests.values()]
        for name, value in (
            ("Median time", _quantile(seconds, 0.5)),
            ("Slowest", _quantile(seconds, 1.0)),
            ("CPU time of 1 in 20", _quantile([test.cpu_seconds for test in tests.values()], 0.95)),
        ):
            yield from _same(f"{name} of {number} is told", name in figures, value is not None)
            if name in figures:
                yield from _seconds(f"{name} of {number}", figures[name], value)
        for verdict in VERDICTS:
            counted = {id for id, test in tests.items() if test.verdict == verdict}
            sections = [
                one for one in page.all("section") if one.attributes["aria-labelledby"] == verdict.replace(" ", "-")
            ]
            yield from _same(f"{verdict} of {number} is told", len(sections), int(bool(counted)))
            for section in sections:
                yield from _same(f"{verdict} of {number}", _numbers(section.one("h2").text), [len(counted)])
                yield from of.who(f"{verdict} of {number}", section, counted)
            for cells in _rows_of(page, f"{verdict.replace(' ', '-')}-table"):
                test = tests.get(of.ids[_keys(cells[0])[0]])
                yield from _points(f"{number} of {cells[0].text}", cells[1].text, test.score if test else None)
                yield from _seconds(f"{number} of {cells[0].text}", cells[2], test.seconds if test else None)
        who: dict[str, set[str]] = defaultdict(set)
        for id, test in tests.items():
            for name in test.shows if test.verdict == "failed" else ():
                who[" ".join(name.split())].add(id)
        known = {
            line.one("b").text: line
            for section in page.all("section")
            if section.attributes["aria-labelledby"] == "shown"
            for line in section.all("li")
            if list(line.all("b"))
        }
        yield from _same(f"known mistakes of {number}", set(known), set(who))
        for name, line in known.items():
            yield from _same(f"{name} in {number}", _numbers(line.one("summary").text), [len(who[name])])
            yield from of.who(f"{name} in {number}", line, who[name])


def submission_pages(of: Counted) -> Lines:
    """A page per submission: total, verdicts, the points of each part and grader."""
    found = {path.stem for path in (of.out / "report" / "submissions").glob("*.html")}
    yield from _same("pages", found, set(of.ids))
    for key, id in of.ids.items():
        page, result = of.page(f"submissions/{key}.html"), of.results.get(id)
        yield from _same(f"the name of {id}", page.one("h1").text, of.labels[id])
        yield from _same(f"the id of {id}", f"Id {id}" in [line.text for line in page.all("li")], True)
        if result is None:
            yield from _same(f"{id} has figures", len(list(page.all(id="total"))), 0)
            continue
        figures = _figures(page)
        yield from _of_most(f"total of {id}", figures["Total"], [*result.tests])
        for verdict in VERDICTS:
            yield from _count(f"{verdict} of {id}", figures[verdict].text, result.count(verdict))
        took = [line for line in page.all("li") if line.text.startswith("Graded in ")]
        if took:
            yield from _seconds(f"time of {id}", Element("", {}, [took[0].text[10:]]), result.seconds)
        sections = {one.one("h3").text.split()[0]: one for one in page.all("section", **{"class": "part"})}
        yield from _same(f"parts of {id}", set(sections), set(of.members))
        for part, section in sections.items():
            tests = result.of(of.members.get(part, []))
            given = section.one("h3").one("span", **{"class": "given num"})
            yield from _of_most(f"{part} of {id}", given, tests)
            yield from _same(
                f"{part} of {id} is incomplete", "incomplete" in given.text, any(not test.is_judged for test in tests)
            )
            lines = {next(line.all("a", **{"class": "number"})).text: line for line in _graders_in(section)}
            yield from _same(f"graders of {part} of {id}", set(lines), {test.number for test in tests})
            for test in tests:
                if test.number in lines:
                    yield from _grader(f"{test.number} of {id}", lines[test.number], test)


def _graders_in(section: Element) -> list[Element]:
    """What a part of a submission's page has for each grader: an article, or a line where it was passed."""
    passed = [line for lines in section.all("ul", **{"class": "passed-list"}) for line in lines.elements]
    return [*section.all("article"), *passed]


def _grader(what: str, shown: Element, test: Test) -> Lines:
    verdict = next(one for one in shown.all("span") if one.attributes.get("class", "").startswith("v "))
    yield from _same(what, verdict.text.lstrip(SIGNS), test.verdict)
    score = next(one for one in shown.all("span") if one.attributes.get("class", "") == "num")
    points, of_most, most = score.text.partition(" / ")
    yield from _points(what, points, test.score)
    if of_most:
        yield from _points(f"all of {what}", most, test.most)


def points_per_part(of: Counted) -> Lines:
    """The page with all parts, which is there where they are too many for the first page."""
    is_there = (of.out / "report" / "parts.html").is_file()
    yield from _same("the page is there", is_there, len(of.members) > of.most_parts)
    if not is_there:
        return
    table = of.page("parts.html").one("table", id="part-table")
    heads = [cell.text for cell in table.one("thead").all("th")]
    yield from _same("columns", heads, ["Name", *of.members, "Total"])
    every, *rows = table.cells()
    for (part, numbers), cell in zip(of.members.items(), every[1:-1], strict=True):
        yield from _points(f"all of {part}", cell.text, sum(of.most[number] for number in numbers))
    yield from _points("all there is", every[-1].text, of.points)
    yield from of.who("rows", Element("", {}, [row[0] for row in rows]), of.names)
    for row in rows:
        *scores, total = row[1:]
        id = of.ids.get(_keys(row[0])[0], "")
        result = of.results.get(id)
        if result is None:
            yield from _same(f"{id}, which is not graded", {cell.text for cell in (*scores, total)}, {NONE})
            continue
        for (part, numbers), cell in zip(of.members.items(), scores, strict=True):
            yield from _sum_of(f"{part} of {id}", cell, result.of(numbers))
        yield from _points(f"total of {id}", total.text, result.score)


# --- gradebooks -------------------------------------------------------------------------------------------------------


def gradebook(of: Counted) -> Lines:
    """grades.csv: a row per person with the total, parts and graders; empty where there is no verdict."""
    rows = _csv(of.out / "grades.csv")
    people: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        people[row["id"]].append(row)
    yield from _same("ids", sorted(people), sorted(of.names))
    columns = [column for column in (rows[0] if rows else ()) if column[0].isdecimal() or column.startswith("part ")]
    yield from _same("columns", columns, [*(f"part {part}" for part in of.members if part != "Other"), *of.most])
    for id, own in people.items():
        names = " and ".join(row["name"] for row in own)
        yield from _same(f"names of {id}", _letters(names), _letters(of.names.get(id, "")))
        result = of.results.get(id)
        for row in own:
            yield from _cell(f"total of {id}", row["total"], result.score if result else None)
            yield from _same(f"{id} is incomplete", bool(row["incomplete"]), result is None or not result.is_complete)
            for part, numbers in of.members.items():
                if part != "Other":
                    yield from _cell(f"{part} of {id}", row[f"part {part}"], _whole(result, numbers))
            for number in of.most:
                yield from _cell(f"{number} of {id}", row[number], _whole(result, [number]))


def gradebooks_for_import(of: Counted) -> Lines:
    """gradescope.csv and canvas.csv: the same people in the same order; a total that lacks points is left out."""
    people = _csv(of.out / "grades.csv")
    totals = [_whole(of.results.get(row["id"]), of.most) for row in people]
    gradescope = _csv(of.out / "gradescope.csv")
    with (of.out / "canvas.csv").open(encoding="utf-8", newline="") as file:
        _, possible, *canvas = list(csv.reader(file))
    yield from _same("people of gradescope.csv", [row["Name"] for row in gradescope], [row["name"] for row in people])
    yield from _same("people of canvas.csv", [row[0] for row in canvas], [row["name"] for row in people])
    yield from _cell("points in canvas.csv", possible[-1], of.points)
    for row, own, total, other in zip(people, gradescope, totals, canvas, strict=False):
        yield from _cell(f"total of {row['id']} in gradescope.csv", own["Total Score"], total)
        yield from _cell(f"points of {row['id']} in gradescope.csv", own["Max Points"], of.points)
        yield from _cell(f"total of {row['id']} in canvas.csv", other[-1], total)
        for column, text in own.items():
            number = column.partition(":")[0]
            if number in of.most:
                result = of.results.get(row["id"])
                yield from _cell(f"{number} of {row['id']} in gradescope.csv", text, _whole(result, [number]))


CHECKS: Mapping[str, Callable[[Counted], Lines]] = {
    check.__name__: check
    for check in (
        head,
        attention,
        histogram,
        parts,
        graders,
        misconceptions,
        readings,
        odd,
        submissions,
        grader_pages,
        submission_pages,
        points_per_part,
        gradebook,
        gradebooks_for_import,
    )
}
ON_FIRST_PAGE = (
    "head",
    "attention",
    "histogram",
    "parts",
    "graders",
    "misconceptions",
    "readings",
    "odd",
    "submissions",
)

# --- reading ----------------------------------------------------------------------------------------------------------


def _links(place: Element) -> list[Element]:
    return [link for link in place.all("a") if "submissions/" in link.attributes["href"]]


def _keys(place: Element) -> list[str]:
    """The keys of the submissions that a place links to."""
    return [link.attributes["href"].rpartition("/")[2].removesuffix(".html") for link in _links(place)]


def _section(page: Element, name: str) -> Element:
    return next(one for one in page.all("section") if one.attributes["aria-labelledby"] == name)


def _blocks(section: Element) -> dict[str, Element]:
    """What stands under each third heading, by its text."""
    blocks: dict[str, Element] = {}
    title = ""
    for element in section.elements:
        if element.tag == "h3":
            title = element.text
        elif title:
            blocks.setdefault(title, Element("")).children.append(element)
    return blocks


def _rows_of(page: Element, table: str) -> list[list[Element]]:
    """A table's rows; none where it is not there."""
    return [row for one in page.all("table", id=table) for row in one.cells()]


def _figures(page: Element) -> dict[str, Element]:
    """The figures at the top of a page, by what they are called."""
    (figures,) = page.all("dl", **{"class": "figures"})
    return {one.one("dt").text.lstrip(SIGNS): one.one("dd") for one in figures.all("div")}


def _in_order(rows: Iterable[Sequence[Element]]) -> Lines:
    """Whether rows are numbered as they stand, which their order is restored by."""
    places = [row[0].attributes["data-v"] for row in rows]
    yield from _same("places", places, [str(place) for place in range(1, len(places) + 1)])


def _numbers(text: str) -> list[int]:
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)]


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _letters(name: str) -> str:
    """A name's letters and digits alone: what cannot be printed or would be a formula is written in other ways."""
    return re.sub(r"⟨[^⟩]*⟩|[\W_]+", "", name).casefold()


# --- counting ---------------------------------------------------------------------------------------------------------


def _counts(tests: Iterable[Test]) -> Counter[str]:
    return Counter(test.verdict for test in tests)


def _quantile(values: Iterable[float | None], share: float) -> float | None:
    """The smallest value that this share of all do not exceed."""
    known = sorted(value for value in values if value is not None)
    return next((value for at, value in enumerate(known, start=1) if at >= share * len(known)), None)


def _whole(result: Result | None, numbers: Collection[str]) -> float | None:
    """The points of graders together; None where one of them gave no verdict."""
    tests = result.of(numbers) if result else []
    return sum(test.score for test in tests) if result and all(test.is_judged for test in tests) else None


# --- comparing: a page's number is rounded, so it may be off by half of its last digit ------------------------------


def _same(what: str, shown: object, counted: object) -> Lines:
    if shown != counted:
        yield f"{what}: the page has {shown}, counted is {counted}"


def _count(what: str, shown: str, counted: int) -> Lines:
    yield from _same(what, shown, f"{counted:,}" if "," in shown else str(counted))


def _points(what: str, shown: str, counted: float | None) -> Lines:
    """Points have two decimals."""
    try:
        value = None if shown == NONE else float(shown.replace(",", ""))
    except ValueError:
        value = math.inf
    if (value is None) != (counted is None) or abs((value or 0.0) - (counted or 0.0)) > 0.005 + 1e-9:
        yield f"{what}: the page has {shown}, counted is {counted}"


def _of_most(what: str, shown: Element, tests: Sequence[Test]) -> Lines:
    """Points of all there are."""
    scored, _, most = shown.text.removesuffix(" incomplete").partition(" / ")
    judged = [test.score for test in tests if test.is_judged]
    is_total = "id" in shown.attributes
    yield from _points(what, scored, sum(judged) if judged or is_total else None)
    yield from _points(f"all of {what}", most, sum(test.most for test in tests))


def _sum_of(what: str, shown: Element, tests: Sequence[Test]) -> Lines:
    """Points of the graders that gave a verdict, with a question mark where others did not."""
    judged = [test.score for test in tests if test.is_judged]
    yield from _points(what, shown.text.rstrip("?"), sum(judged) if judged else None)
    yield from _same(f"{what} lacks points", shown.text.endswith("?"), 0 < len(judged) < len(tests))
    if "data-v" in shown.attributes:
        yield from _points(f"{what}, to sort by", shown.attributes["data-v"], sum(judged) if judged else -1)


def _share(what: str, shown: Element, counted: float | None) -> Lines:
    """Percents without decimals, maybe beside a bar; what is not quite none or all never looks like it."""
    text = shown.text
    if counted is None:
        agrees = text == NONE
    elif text in ("<1%", ">99%"):
        agrees = 0 < counted < 0.005 if text == "<1%" else 0.995 <= counted < 1
    else:
        percent = float(text.removesuffix("%")) if text.endswith("%") else math.inf
        is_all_or_none = math.isclose(percent, 100 * counted, abs_tol=1e-9)
        agrees = abs(percent - 100 * counted) <= 0.5 + 1e-9 and (percent not in (0, 100) or is_all_or_none)
    if not agrees:
        yield f"{what}: the page has {text}, counted is {counted}"
    yield from _to_sort_by(what, shown, counted)
    widths = [float(bar.attributes["width"].removesuffix("%")) for bar in shown.all("rect", **{"class": "part"})]
    if widths and abs(widths[0] - 100 * (counted or 0)) > 0.05 + 1e-9:
        yield f"{what}: the bar is {widths[0]}% long, counted is {counted}"


def _to_sort_by(what: str, shown: Element, counted: float | None) -> Lines:
    """The number that a cell is sorted by, where it has one, is the exact one, or -1 where there is none."""
    exact = float(shown.attributes.get("data-v", -1 if counted is None else counted))
    if not math.isclose(exact, -1 if counted is None else counted, abs_tol=1e-9):
        yield f"{what}: the page sorts by {exact}, counted is {counted}"


def _seconds(what: str, shown: Element, counted: float | None) -> Lines:
    """Seconds have two decimals, or one from 10 on."""
    text = shown.text
    if counted is None:
        agrees = text == NONE
    else:
        value = float(text.removesuffix(" s")) if text.endswith(" s") else math.inf
        agrees = abs(value - counted) <= (0.05 if counted >= 9.95 else 0.005) + 1e-9
    if not agrees:
        yield f"{what}: the page has {text}, counted is {counted}"
    yield from _to_sort_by(what, shown, counted)


def _cell(what: str, shown: str, counted: float | None) -> Lines:
    """A cell of a gradebook."""
    yield from _points(what, shown or NONE, counted)
