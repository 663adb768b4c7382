"""The report from the outside: the files it writes, what a parser reads in them, and what happens on the next run."""

from __future__ import annotations

import copy
import itertools
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_tree import Element, read_page
from report_class import PASSED, MadeUpClass, a_class, a_manifest, some_results
from report_recount import CHECKS, ON_FIRST_PAGE, VERDICTS, Counted

from autograder.feedback import Feedback
from autograder.pictures import PNG_SIGNATURE
from autograder.regrade.gradebook import grade_of, write_gradebooks
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


@pytest.fixture(scope="module", params=[12, 2])
def counted(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Counted:
    """All that a run would write about a class, with parts on the first page and with a page of their own."""
    made = a_class(tmp_path_factory.mktemp("class"), size=40, seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.report.pages.MOST_PARTS", request.param)
        return write_all(tmp_path_factory.mktemp("out"), made, request.param)


def write_all(out: Path, made: MadeUpClass, most_parts: int) -> Counted:
    """Results, gradebooks and the report of a class, as `regrade` leaves them."""
    (out / "results").mkdir()
    for one in made.graded:
        if one.results is not None:
            (out / "results" / f"{one.handin.id}.json").write_bytes(msgspec.json.encode(one.results))
    write_gradebooks(out, made.manifest, [grade_of(one.handin, one.results) for one in made.graded])
    write_report(out / "report", made.manifest, made.graded, **made.rest)
    readings = {variant.name for variant in made.manifest.variants if variant.kind == "reading"}
    names = {one.handin.id: one.handin.name for one in made.graded}
    return Counted(out, names, tuple(made.manifest.parts), readings, most_parts)


def test_the_class_has_every_kind_of_submission(counted: Counted) -> None:
    assert 0 < len(counted.totals) < len(counted.results) < len(counted.names)
    assert {verdict for result in counted.results.values() for verdict in VERDICTS if result.count(verdict)} == {
        *VERDICTS
    }
    assert all(counted.shown(kind)[0] for kind in ("misconception", "reading"))


@pytest.mark.parametrize("check", CHECKS)
def test_numbers_are_those_of_the_results(counted: Counted, check: str) -> None:
    assert counted.complaints([check]) == []


def test_any_other_result_is_told(counted: Counted, tmp_path: Path) -> None:
    """The control: a number, a verdict or a name that is changed in one file alone does not stay unseen."""
    unseen = []
    id = next(id for id, result in counted.results.items() if result.is_complete and result.score < counted.points)
    raw = json.loads((counted.out / "results" / f"{id}.json").read_text())
    shutil.copytree(counted.out, tmp_path / "out")
    failed = next(at for at, test in enumerate(raw["tests"]) if test["extra_data"]["verdict"] == "failed")
    changes: dict[str, Callable[[Any], object]] = {
        "score": lambda test: test.update(score=test["score"] + 0.01),
        "points": lambda test: test.update(max_score=test["max_score"] + 1),
        "verdict": lambda test: test["extra_data"].update(verdict="passed"),
        "no verdict": lambda test: test["extra_data"].update(verdict="not reached"),
        "misconception": lambda test: test["extra_data"].update(shows=["a new mistake"]),
        "seconds": lambda test: test["extra_data"].update(seconds=test["extra_data"]["seconds"] + 1),
    }
    for what, change in changes.items():
        other = copy.deepcopy(raw)
        change(other["tests"][failed])
        (tmp_path / "out" / "results" / f"{id}.json").write_text(json.dumps(other))
        if not replace(counted, out=tmp_path / "out").complaints():
            unseen.append(what)
    (tmp_path / "out" / "results" / f"{id}.json").unlink()
    assert replace(counted, out=tmp_path / "out").complaints()
    assert not unseen


#: Numbers in cells, figures, labels of bars and headings, and what tables are sorted by.
NUMBER = re.compile(
    r'(<(?:td|dd|text|summary|h[234])\b[^<>]*>(?:<span[^<>]*>)?[^<>\d]*|</svg><span>|<td[^<>]* data-v="-?'
    r'|<rect class="column"[^<>]* height=")(\d+)'
)
#: What the results do not tell (see report_recount.py), and listings.
NOT_COUNTED = re.compile(
    r'<section aria-labelledby="(?:alike|compared|besides|source|pictures|flaky)">.*?</section>'
    r"|<h3>(?:Flaky|Notes).*?</h3>|<pre.*?</pre>|<article.*?</article>",
    re.S,
)


def numbers_on(text: str) -> list[re.Match[str]]:
    """Where a page has numbers that the results tell."""
    skipped = [match.span() for match in NOT_COUNTED.finditer(text)]
    return [match for match in NUMBER.finditer(text) if not any(a <= match.start(2) < b for a, b in skipped)]


def test_any_other_number_on_a_page_is_told(counted: Counted, tmp_path: Path) -> None:
    """The control: of all numbers on the pages some, drawn by chance, are changed one by one."""
    report = tmp_path / "out" / "report"
    shutil.copytree(counted.out, tmp_path / "out")
    unseen = []
    for pattern, checks, tried in (
        ("index.html", ON_FIRST_PAGE, 40),
        ("parts.html", ("points_per_part",), 10),
        ("graders/*.html", ("grader_pages",), 15),
        ("submissions/*.html", ("submission_pages",), 15),
    ):
        pages = {path: path.read_text() for path in report.glob(pattern)}
        places = [(path, match) for path, text in sorted(pages.items()) for match in numbers_on(text)]
        assert len(places) > 3 * tried or not pages
        for path, match in random.Random(6).sample(places, min(tried, len(places))):
            text = pages[path]
            path.write_text(f"{text[: match.start(2)]}{int(match[2]) + 1}{text[match.end(2) :]}")
            if not replace(counted, out=tmp_path / "out").complaints(checks):
                unseen.append((path.name, match[0]))
            path.write_text(text)
    assert not unseen


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
