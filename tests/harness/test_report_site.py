"""The report from the outside: the files it writes, what a parser reads in them, and what happens on the next run."""

from __future__ import annotations

import itertools
import json
import re
import statistics
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_class import (
    PASSED,
    Element,
    MadeUpClass,
    a_class,
    a_manifest,
    read_page,
    some_results,
)

from autograder.feedback import Feedback
from autograder.pictures import PNG_SIGNATURE
from autograder.regrade.handins import Handin, Person
from autograder.regrade.run import Graded
from autograder.report import write_report
from autograder.slicing import Chunk
from autograder.submission import FoundFile

KINDS = ("index", "graders", "submissions", "pairs")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeUpClass:
    return a_class(tmp_path_factory.mktemp("class"))


@pytest.fixture(scope="module")
def site(made: MadeUpClass, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "report"
    write_report(folder, made.manifest, made.graded, **made.rest)
    return folder


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def snapshot(site: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(site)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in site.rglob("*")
        if path.is_file()
    }


def page_of(site: Path, name: str) -> Element:
    """The submission's page that the index leads to by this name."""
    index = read_page(site / "index.html")
    table = index.one("table", id="submission-table")
    links = [link for link in table.all("a") if link.text == name]
    assert len(links) == 1, f"{len(links)} links are called {name!r}"
    return read_page(site / links[0].attributes["href"])


# --- every page -------------------------------------------------------------------------------------------------------


def test_there_is_a_page_for_everything(site: Path, made: MadeUpClass) -> None:
    assert (site / "index.html").is_file()
    assert len(list((site / "submissions").glob("*.html"))) == len(made.graded)
    assert {path.stem for path in (site / "graders").glob("*.html")} == {
        grader.number for grader in made.manifest.graders
    }
    assert len(list((site / "pairs").glob("*.html"))) == len(made.alike)


def test_pages_are_well_formed_and_run_nothing_of_a_students(site: Path) -> None:
    for path in pages(site):
        page = read_page(path)
        for element in page.all():
            assert not [name for name in element.attributes if name.startswith("on") or name == "style"], path
            if element.tag in ("script", "style", "iframe", "object", "form", "base"):
                assert element.tag == "script", f"<{element.tag}> in {path}"
                assert re.fullmatch(r"(\.\./)?report\.js", element.attributes["src"])
                assert not element.text
        policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy


def test_links_lead_to_what_is_there(site: Path) -> None:
    ids = {path.resolve(): {element.attributes.get("id") for element in read_page(path).all()} for path in pages(site)}
    for path in pages(site):
        for element in read_page(path).all():
            for name in ("href", "src"):
                if name not in element.attributes:
                    continue
                place, _, fragment = element.attributes[name].partition("#")
                target = (path.parent / unquote(place)).resolve() if place else path.resolve()
                assert target.is_relative_to(site.resolve())
                assert target.is_file(), f"{path} leads to {target}"
                if fragment:
                    assert fragment in ids[target], f"{path} leads to {element.attributes[name]}"


def test_pages_are_built_for_those_who_cannot_see_them(site: Path) -> None:
    for path in pages(site):
        page = read_page(path)
        ids = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
        assert len(ids) == len(set(ids)), f"ids twice in {path}: {[id for id, n in Counter(ids).items() if n > 1]}"
        assert page.one("html").attributes["lang"] == "en"
        for landmark in ("header", "main", "footer"):
            assert any(page.all(landmark)), f"no <{landmark}> in {path}"
        assert next(page.one("body").all("a")).attributes["href"] == "#main"
        levels = [int(element.tag[1]) for element in page.all() if re.fullmatch("h[1-6]", element.tag)]
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), (path, levels)
        for table in page.all("table"):
            assert table.one("caption").text
            assert all(header.attributes.get("scope") in ("col", "row") for header in table.all("th")), path
        for image in page.all("img"):
            assert image.attributes["alt"]
        for element in page.all():
            for name in ("aria-labelledby", "for"):
                if name in element.attributes:
                    assert element.attributes[name] in ids, f"{name}={element.attributes[name]} in {path}"


def test_colour_is_never_the_only_sign(site: Path) -> None:
    """Verdicts are words."""
    for path in (site / "submissions").glob("*.html"):
        page = read_page(path)
        for element in page.all("article"):
            (verdict,) = [one for one in element.all("span") if one.attributes.get("class", "").startswith("v ")]
            assert verdict.text.lstrip("✓✗!○ ") == verdict.attributes["class"][2:].replace("-", " ")


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def raw(made: MadeUpClass, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What stands in results/<id>.json, by id, as a program would read it that knows nothing of this project."""
    folder = tmp_path_factory.mktemp("results")
    for one in made.graded:
        if one.results is not None:
            (folder / f"{one.handin.id}.json").write_bytes(msgspec.json.encode(one.results))
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


def verdicts_of(raw: dict[str, Any], number: str) -> Counter[str]:
    return Counter(
        test["extra_data"]["verdict"]
        for results in raw.values()
        for test in results["tests"]
        if test["number"] == number
    )


def shown(points: float) -> str:
    return f"{points:,.2f}".rstrip("0").rstrip(".")


def is_complete(results: Any) -> bool:
    return all(test["extra_data"]["verdict"] in ("passed", "failed") for test in results["tests"])


def test_head_counts_what_stands_in_the_results(site: Path, made: MadeUpClass, raw: dict[str, Any]) -> None:
    totals = [results["score"] for results in raw.values() if is_complete(results)]
    assert 0 < len(totals) < len(raw) < len(made.graded), "the class lacks a kind of submission"
    index = read_page(site / "index.html")
    points = sum(test["max_score"] for test in next(iter(raw.values()))["tests"])
    expected = {
        "submissions": str(len(made.graded)),
        "complete": str(len(totals)),
        "incomplete": str(len(raw) - len(totals)),
        "ungraded": str(len(made.graded) - len(raw)),
        "median": f"{shown(statistics.median(totals))} / {shown(points)}",
        "mean": f"{shown(statistics.mean(totals))} / {shown(points)}",
        "full": str(sum(total == points for total in totals)),
        "graders": str(len(made.manifest.graders)),
    }
    assert {name: index.one(id=f"n-{name}").text for name in expected} == expected


def test_histogram_and_its_table_count_every_complete_total_once(site: Path, raw: dict[str, Any]) -> None:
    totals = [results["score"] for results in raw.values() if is_complete(results)]
    index = read_page(site / "index.html")
    rows = index.one("table", id="bins").rows()
    for row, count in rows:
        low, high = map(float, re.findall(r"[\d.]+", row))
        last = row == rows[-1][0]
        assert int(count) == sum(low <= total < high or (last and total == high) for total in totals), row
    assert sum(int(count) for _, count in rows) == len(totals)
    bars = [element.text for element in index.all("text", **{"class": "count"})]
    assert bars == [count for _, count in rows if count != "0"]


def test_graders_are_counted(site: Path, made: MadeUpClass, raw: dict[str, Any]) -> None:
    rows = read_page(site / "index.html").one("table", id="grader-table").rows()
    assert len(rows) == len(made.manifest.graders)
    for grader, row in zip(made.manifest.graders, rows, strict=True):
        counts = verdicts_of(raw, grader.number)
        judged = counts["passed"] + counts["failed"]
        assert row[0].startswith(f"{grader.number} ")
        assert row[1] == shown(grader.weight)
        assert row[2] == (f"{100 * counts['passed'] / judged:.0f}%" if judged else "–")
        assert [int(cell) for cell in row[3:7]] == [
            counts[one] for one in ("passed", "failed", "faulty", "not reached")
        ]
        page = read_page(site / "graders" / f"{grader.number}.html")
        figures = [figure.text for figure in page.one("dl").all("dd")]
        assert [int(figure) for figure in figures[:4]] == [int(cell) for cell in row[3:7]]


def test_parts_are_counted_from_judged_graders_alone(site: Path, raw: dict[str, Any]) -> None:
    rows = {row[0].split()[0]: row for row in read_page(site / "index.html").one("table", id="parts").rows()}
    members = {"1.a": ("1.a.1", "1.a.1.hidden"), "1.b": ("1.b",), "2": ("2.a", "2.b", "2.c")}
    assert set(rows) == set(members)
    for part, numbers in members.items():
        of_part = [[test for test in results["tests"] if test["number"] in numbers] for results in raw.values()]
        judged = [tests for tests in of_part if is_complete({"tests": tests})]
        passed = [tests for tests in judged if all(test["status"] == "passed" for test in tests)]
        points = sum(test["max_score"] for test in of_part[0])
        mean = statistics.mean(sum(test["score"] for test in tests) / points for tests in judged)
        assert rows[part][1:] == [
            shown(points),
            str(len(numbers)),
            str(len(judged)),
            f"{100 * len(passed) / len(judged):.0f}%",
            f"{100 * mean:.0f}%",
        ]


def test_misconceptions_are_counted_with_the_names_behind(site: Path, made: MadeUpClass, raw: dict[str, Any]) -> None:
    who: dict[str, set[str]] = defaultdict(set)
    for id, results in raw.items():
        for test in results["tests"]:
            for name in test["extra_data"].get("shows", ()):
                who[name].add(id)
    wrong = {variant.name for variant in made.manifest.variants if variant.kind == "misconception"}
    table = read_page(site / "index.html").one("table", id="misconception-table")
    (body,) = table.all("tbody")
    found = {}
    for row in body.children:
        if isinstance(row, Element):
            header, count = next(row.all("th")), next(row.all("td")).text
            name = "".join(child for child in header.children if isinstance(child, str)).strip()
            found[name] = int(count)
            assert sum(1 for _ in header.all("li")) == int(count)
    assert found == {name: len(ids) for name, ids in who.items() if name in wrong}
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_submissions_show_their_points(site: Path, made: MadeUpClass, raw: dict[str, Any]) -> None:
    index = read_page(site / "index.html")
    table = index.one("table", id="submission-table")
    heads = [cell.text for cell in table.one("thead").all("th")]
    assert heads == ["Name", "Id", "1.a", "1.b", "2", "Total", "Failed", "State"]
    rows = {row[1]: row for row in table.rows()}
    assert set(rows) == {one.handin.id for one in made.graded}
    for id, row in rows.items():
        if id not in raw:
            assert row[2:] == ["–", "–", "–", "–", "–", "not gradable"]
            continue
        results = raw[id]
        assert row[5] == shown(results["score"])
        assert row[6] == str(sum(test.get("status") == "failed" for test in results["tests"]))
        assert row[7] == ("complete" if is_complete(results) else "incomplete")
        judged = [test for test in results["tests"] if test["extra_data"]["verdict"] in ("passed", "failed")]
        for column, part in ((2, "1.a"), (3, "1.b"), (4, "2")):
            points = [test["score"] for test in judged if test["number"].startswith(part)]
            assert row[column].rstrip("?") == (shown(sum(points)) if points else "–")
        (link,) = [link for link in table.all("a") if link.text == row[0]][:1] or [None]
        assert link is not None


def test_what_nobody_judged_is_no_zero(tmp_path: Path) -> None:
    """A class of which nothing was judged has no pass rate, no median and no bar at 0 points."""
    manifest = a_manifest()
    handins = [Handin(f"s{n}", (Person(f"P {n}"),), tmp_path) for n in range(3)]
    broken = {grader.number: (Feedback("faulty", "broke"), 0.0, ()) for grader in manifest.graders}
    graded = [
        Graded(handins[0], some_results(tmp_path, manifest, {})),
        Graded(handins[1], some_results(tmp_path, manifest, broken)),
        Graded(Handin("s2", (Person("P 2"),), None, problem="empty"), None),
    ]
    write_report(tmp_path / "report", manifest, graded)
    index = read_page(tmp_path / "report" / "index.html")
    assert index.one(id="n-median").text.startswith("–")
    assert index.one(id="n-complete").text == "0"
    assert not list(index.all("svg", **{"class": "histogram"}))
    assert {row[2] for row in index.one("table", id="grader-table").rows()} == {"–"}
    assert [row[2:5] for row in index.one("table", id="submission-table").rows()] == [["–"] * 3] * 3


def test_an_empty_class_has_a_report(tmp_path: Path) -> None:
    write_report(tmp_path, a_manifest(), [])
    assert read_page(tmp_path / "index.html").one(id="n-submissions").text == "0"


# --- what it says -----------------------------------------------------------------------------------------------------


def test_what_needs_attention_comes_first(site: Path, made: MadeUpClass) -> None:
    index = read_page(site / "index.html")
    first = next(element for element in index.one("main").all("section"))
    text = first.text
    assert first.attributes["aria-labelledby"] == "attention"
    for expected in ("Not gradable: 2", "faulty", "not reached", "Flaky: 1", "About the export", "Notes on 1"):
        assert expected in text


def test_odd_graders_are_named_with_what_is_odd(site: Path) -> None:
    rows = {row[0].split()[0]: row[1] for row in read_page(site / "index.html").one("table", id="odd-table").rows()}
    assert "nobody passes" in rows["2.b"]
    assert "everybody passes" in rows["2.c"]
    assert "flaky" in rows["1.b"]
    assert all("slow" in reasons for reasons in rows.values()), "six of 22 need 3.9 of 4 s"


def test_few_and_quick_submissions_make_no_grader_odd(tmp_path: Path) -> None:
    manifest = a_manifest()
    every = {grader.number: (PASSED, 1.0, ("reference",)) for grader in manifest.graders}
    graded = [
        Graded(Handin(f"s{n}", (Person(f"P {n}"),), tmp_path), some_results(tmp_path, manifest, every))
        for n in range(4)
    ]
    write_report(tmp_path / "report", manifest, graded)
    index = read_page(tmp_path / "report" / "index.html")
    assert not list(index.all("table", id="odd-table"))


def test_verdict_leads_to_its_line_and_back(site: Path) -> None:
    checked = 0
    for path in (site / "submissions").glob("*.html"):
        page = read_page(path)
        for article in page.all("article"):
            wheres = [div for div in article.all("div") if div.text.startswith("Where")]
            for where in wheres:
                if any(page.all("h4", **{"class": "cell"})):
                    assert not list(where.all("a")), "this one handed in a notebook, which has no such line"
                    continue
                link = where.one("a")
                line = page.one(id=link.attributes["href"][1:])
                assert "0.5 * x.square()" in line.text or "a = x @ x.T" in line.text
                back = [flag.attributes["href"] for flag in line.all("a")]
                assert f"#{article.attributes['id']}" in back or "+" in line.text
                checked += 1
    assert checked > 3


def test_lines_are_numbered_as_python_counts_them(tmp_path: Path) -> None:
    text = "a = 1\n\n\x0cb = '''x\n  y'''\n\u2028c\u202e = 2\n"
    manifest = a_manifest()
    found = FoundFile("energy", "energy.py", (Chunk("energy.py", text),))
    graded = [Graded(Handin("s", (Person("P Q"),), tmp_path), some_results(tmp_path, manifest, {}), (found,))]
    write_report(tmp_path / "report", manifest, graded)
    page = page_of(tmp_path / "report", "P Q")
    assert page.one(id="s0L1").text == "a = 1"
    assert page.one(id="s0L2").text == ""
    assert page.one(id="s0L4").text == "y'''"
    assert page.one(id="s0L5").text == "⟨U+2028⟩c⟨U+202E⟩ = 2"
    assert not list(page.all(id="s0L7"))


def test_pictures_are_beside_the_page(site: Path) -> None:
    pictures = list((site / "pictures").glob("*.png"))
    assert pictures
    assert all(path.read_bytes().startswith(PNG_SIGNATURE) for path in pictures)
    shown = {
        Path(image.attributes["src"]).name
        for path in (site / "submissions").glob("*.html")
        for image in read_page(path).all("img")
    }
    assert shown == {path.name for path in pictures}
    assert "base64" not in "".join(path.read_text() for path in pages(site))


def test_alike_pieces_stand_side_by_side(site: Path, made: MadeUpClass) -> None:
    for path in (site / "pairs").glob("*.html"):
        page = read_page(path)
        for figure in page.all("figure"):
            lines = [int(line.attributes["data-l"]) for line in figure.all("span") if "data-l" in line.attributes]
            first = int(re.findall(r"lines? (\d+)", figure.text)[0])
            assert lines == list(range(first, first + len(lines)))
            assert lines


def test_comparison_names_who_gains_and_loses(site: Path) -> None:
    index = read_page(site / "index.html")
    rows = index.one("table", id="change-table").rows()
    assert [row[3] for row in rows] == ["−1", "+3.5"]
    assert index.one("table", id="change-graders").rows()[0][1:] == ["1", "1"]
    assert "Gone Girl" in index.text


def test_what_an_unknown_id_or_grader_names_is_shown_without_a_link(made: MadeUpClass, tmp_path: Path) -> None:
    """Notes on what is not in this run break nothing."""
    from autograder.regrade.run import FlakyVerdict
    from autograder.regrade.similarity import AlikePair

    write_report(
        tmp_path,
        made.manifest,
        made.graded[:2],
        flaky=[FlakyVerdict("gone", "no_grader", ("passed", "failed"))],
        alike=[AlikePair("gone", "submission_1000", 1.0, 1.0, "energy", ())],
        compared=made.compared,
    )
    assert "no_grader" in read_page(tmp_path / "index.html").text


# --- the next run -----------------------------------------------------------------------------------------------------


def test_same_class_again_writes_nothing(made: MadeUpClass, tmp_path: Path) -> None:
    write_report(tmp_path, made.manifest, made.graded, **made.rest)
    before = snapshot(tmp_path)
    write_report(tmp_path, made.manifest, made.graded, **made.rest)
    assert snapshot(tmp_path) == before


def test_another_result_rewrites_what_shows_it(made: MadeUpClass, tmp_path: Path) -> None:
    write_report(tmp_path, made.manifest, made.graded, **made.rest)
    before = snapshot(tmp_path)
    changed = list(made.graded)
    last = changed[-1]
    assert last.results is not None
    test = last.results.tests[0]
    other = msgspec.structs.replace(test, extra_data={**test.extra_data, "seconds": 77.0})
    results = msgspec.structs.replace(last.results, tests=(other, *last.results.tests[1:]))
    changed[-1] = Graded(last.handin, results, last.sources)
    write_report(tmp_path, made.manifest, changed, **made.rest)
    rewritten = {name for name, stamp in snapshot(tmp_path).items() if before.get(name) != stamp}
    kinds = Counter(name.partition("/")[0] for name in rewritten)
    assert kinds == {"index.html": 1, "graders": 1, "submissions": 1}


def test_page_that_was_damaged_is_written_again(made: MadeUpClass, tmp_path: Path) -> None:
    write_report(tmp_path, made.manifest, made.graded, **made.rest)
    page = next((tmp_path / "submissions").glob("*.html"))
    good = page.read_bytes()
    page.write_bytes(b"half a pa")
    write_report(tmp_path, made.manifest, made.graded, **made.rest)
    assert page.read_bytes() == good


def test_pages_of_who_is_gone_are_removed_and_nothing_else(made: MadeUpClass, tmp_path: Path) -> None:
    write_report(tmp_path, made.manifest, made.graded, **made.rest)
    mine = [tmp_path / "submissions" / "my notes.txt", tmp_path / "notes.html"]
    for path in mine:
        path.write_text("kept")
    write_report(tmp_path, made.manifest, made.graded[:3])
    assert all(path.read_text() == "kept" for path in mine)
    assert len(list((tmp_path / "submissions").glob("*.html"))) == 3
    assert not list((tmp_path / "pairs").glob("*"))
    left = {path.name.partition("-")[0] for path in (tmp_path / "pictures").glob("*")}
    assert left <= {path.stem for path in (tmp_path / "submissions").glob("*.html")}
    mine[1].unlink()
    for path in pages(tmp_path):
        assert read_page(path).one("main")


def test_pseudonyms_stay_in_the_next_run_and_differ_in_another_folder(made: MadeUpClass, tmp_path: Path) -> None:
    def pseudonyms(folder: Path) -> dict[str, str]:
        write_report(folder, made.manifest, made.graded[5:8])
        table = read_page(folder / "index.html").one("table", id="submission-table")
        return {name.text: name.attributes["data-n"] for link in table.all("a") for name in link.all("bdi")}

    first = pseudonyms(tmp_path / "a")
    assert all(re.fullmatch(r"Student [0-9A-F]{4,}", alias) for alias in first.values())
    (tmp_path / "a" / "index.html").unlink()
    assert pseudonyms(tmp_path / "a") == first
    assert pseudonyms(tmp_path / "b") != first
    assert (tmp_path / "a" / "pseudonyms.key").stat().st_mode & 0o077 == 0


# --- names ------------------------------------------------------------------------------------------------------------


def test_hidden_from_the_start_leaves_no_name_in_the_text(made: MadeUpClass, tmp_path: Path) -> None:
    """All that a reader, a screen reader or a search in the page can reach."""
    write_report(tmp_path, made.manifest, made.graded, **made.rest, names="hidden")
    secrets = ["Lovelace", "Ada", "Hopper", "hopper", "countess", "65000000", "王小明", "O'Brien", "عائشة", "Gone Girl"]
    for path in pages(tmp_path):
        page = read_page(path)
        assert page.one("html").attributes["data-names"] == "hidden"
        text = " ".join([page.text, *_spoken_attributes(page)])
        for secret in secrets:
            if secret == "Lovelace" and "# Lovelace's" in text:
                text = text.replace("# Lovelace's", "")  # a lone surname in the code of somebody else
            assert secret not in text, f"{secret} in {path}"


def _spoken_attributes(page: Element) -> list[str]:
    names = ("title", "alt", "aria-label", "placeholder", "value", "href", "src", "id")
    return [element.attributes[name] for element in page.all() for name in names if name in element.attributes]


def test_names_stand_in_text_by_default(site: Path) -> None:
    index = read_page(site / "index.html")
    assert index.one("html").attributes["data-names"] == "shown"
    names = [row[0] for row in index.one("table", id="submission-table").rows()]
    assert "Ada Lovelace (650000001)" in names
    assert "Ada Lovelace (650000002)" in names, "two students with one name are told apart"
    assert names == sorted(names, key=str.casefold)


def test_addresses_of_pages_name_nobody(made: MadeUpClass, tmp_path: Path) -> None:
    """Also where the ids do, as Canvas makes them."""
    graded = [Graded(Handin("lovelaceada_12345", (Person("Ada Lovelace"),), None, problem="empty"), None)]
    write_report(tmp_path, made.manifest, graded, names="hidden")
    for path in tmp_path.rglob("*"):
        assert "ada" not in path.name.lower()
    for path in pages(tmp_path):
        assert "lovelace" not in read_page(path).text.lower()


# --- anything at all --------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    [
        "<b>",
        "</script>",
        "]]>",
        "&lt;",
        "'",
        '"',
        "`",
        "{{ 7*7 }}",
        "{% raw %}",
        "\0",
        "\x1b[31m",
        "a\nb",
        "://",
        "#",
        "?",
    ]
)


@settings(max_examples=30)
@given(
    name=TEXT,
    sid=TEXT,
    note=TEXT,
    headline=TEXT,
    source=TEXT,
    path=TEXT,
    id=st.from_regex(r"[\w-]{1,20}", fullmatch=True),
)
def test_whatever_anybody_writes_stays_text(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    sid: str,
    note: str,
    headline: str,
    source: str,
    path: str,
    id: str,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    manifest = a_manifest()
    given = {"1.b": (Feedback("failed", headline, expected=note, where=path, notes=(note,)), 0.0, (headline,))}
    handin = Handin(id, (Person(name, sid, note),), folder, submitted=note, notes=(note,), attempt=note)
    found = FoundFile("energy", path, (Chunk(path, source),), (note,))
    graded = [Graded(handin, some_results(folder, manifest, given), (found,))]
    graded.append(Graded(Handin(id + "_2", (Person(sid),), None, problem=note), None))
    write_report(folder / "report", manifest, graded, intake_notes=[note])
    for page in map(read_page, pages(folder / "report")):
        allowed = {"report.js", "../report.js"}
        assert all(script.attributes.get("src") in allowed for script in page.all("script"))
        assert all(element.tag.isascii() for element in page.all())
        assert not [name for element in page.all() for name in element.attributes if name.startswith("on")]
        assert "49" not in page.one("title").text
