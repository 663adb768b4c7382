"""results.json is valid at every moment, keeps its limits, and lets no text of a student through as HTML."""

from __future__ import annotations

import base64
import dataclasses
import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import autograder
from autograder import gradescope
from autograder.errors import UserError
from autograder.feedback import MAX_LINES, MAX_TEXT, Feedback, GraderResult, PlannedGrader, plain
from autograder.gradescope import EarlyEnd, ResultsFile, points, read_results, render_html
from autograder.pictures import Picture, encode_png

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((Path(autograder.__file__).parent / "schema" / "results.schema.json").read_text("utf-8"))
)
PICTURE = Picture("a digit", encode_png(np.zeros((28, 28), np.uint8)))
NOISE = Picture("noise", encode_png(np.random.default_rng(0).integers(0, 256, (300, 400), dtype=np.uint8)))
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "{{ 7 * 7 }}{% raw %}",
    "`<b>`",
    "a\x00b\x1b[31mred\x1b[0m\x9b1m",
    "\x1b]8;;http://x.y\x07link\x1b]8;;\x07",
    "\ud800lone\udfff",
    "\u202egnp.exe",
    "line\r\nline\u2028line\x85",
    "</pre></div></figure>",
    "&lt;b&gt;",
)
any_text = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=80),
    st.lists(st.sampled_from(HOSTILE), max_size=5).map("".join),
)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
any_feedback = st.builds(
    Feedback,
    verdict=st.sampled_from(["passed", "failed", "faulty"]),
    headline=any_text,
    expected=any_text,
    actual=any_text,
    help=any_text,
    where=any_text,
    notes=st.lists(any_text, max_size=3).map(tuple),
    pictures=st.lists(st.builds(Picture, any_text, st.just(PICTURE.png)), max_size=2).map(tuple),
    staff=st.lists(any_text, max_size=2).map(tuple),
)


def load(path: Path) -> Any:
    """The file as JSON, strictly: `NaN` and `Infinity`, which Python would take, are errors."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    document = json.loads(path.read_text("utf-8"), parse_constant=refuse)
    SCHEMA.validate(document)
    return document


def plan(count: int = 3, **changes: Any) -> list[PlannedGrader]:
    graders = [PlannedGrader(f"g{i}", f"4.{i}", f"Title {i}", 2.0) for i in range(count)]
    return [dataclasses.replace(grader, **changes) for grader in graders]


def result(grader: PlannedGrader, score: float = 0.0, feedback: Feedback | None = None, **extra: Any) -> GraderResult:
    feedback = feedback or Feedback("failed", "Wrong.")
    return GraderResult(**vars(grader), score=score, feedback=feedback, **extra)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results" / "results.json"


# --- its life -------------------------------------------------------------------------------------------------------


def test_the_fallback_names_every_grader_and_blames_nobody(path: Path) -> None:
    ResultsFile(path, plan(3)).start()
    document = load(path)
    assert document["score"] == 0
    assert [test["number"] for test in document["tests"]] == ["4.0", "4.1", "4.2"]
    for test in document["tests"]:
        assert test["score"] == 0
        assert "status" not in test, "a grader that was not reached is not a failure of the student's"
        assert test["extra_data"]["verdict"] == "not reached"
        assert "Not reached" in test["output"]
        assert "not your fault" in test["output"]
        assert "course staff has been told" in test["output"]
    assert "For the course staff" in document["output"]
    assert "graders 4.0, 4.1, 4.2" in document["output"], "so that staff has been told"


def test_every_result_replaces_the_file(path: Path) -> None:
    graders = plan(3)
    file = ResultsFile(path, graders)
    file.start()
    for done, grader in enumerate(graders, start=1):
        file.record(result(grader, 1.5, Feedback("passed", "Right.")))
        document = load(path)
        assert document["score"] == 1.5 * done
        assert ["Not reached" in test["output"] for test in document["tests"]] == [i >= done for i in range(3)]
    final = file.finish(seconds=12.3456, extra={"level": 3})
    document = load(path)
    assert document["output"] == "", "nothing is left to tell staff"
    assert document["execution_time"] == 12.346
    assert document["extra_data"] == {"level": 3, "faulty": [], "not_reached": []}
    assert document["stdout_visibility"] == "hidden"
    assert read_results(path) == final
    assert [entry.id for entry in file.results] == ["g0", "g1", "g2"]
    assert os.listdir(path.parent) == ["results.json"], "no temporary file is left"
    assert path.stat().st_mode & 0o777 == 0o644


def test_failed_faulty_and_not_reached_are_three_things(path: Path) -> None:
    graders = plan(4)
    file = ResultsFile(path, graders)
    file.start()
    file.record(result(graders[0], 2.0, Feedback("passed", "Right.")))
    file.record(result(graders[1], 0.5, Feedback("failed", "The sign is wrong.")))
    secret = "KeyError: 'expected value 0.693' in diagnosis.py"
    file.record(result(graders[2], 0.0, Feedback("faulty", secret, staff=("a traceback",))))
    file.finish()
    document = load(path)
    _passed, failed, faulty, missing = document["tests"]
    assert [test.get("status") for test in document["tests"]] == ["passed", "failed", None, None]
    assert [test["extra_data"]["verdict"] for test in document["tests"]] == [
        "passed",
        "failed",
        "faulty",
        "not reached",
    ]
    assert document["score"] == 2.5, "a grader's fault costs no other grader's points"
    assert "The sign is wrong." in failed["output"]
    assert "not to blame" in faulty["output"]
    assert "0.693" not in faulty["output"]
    assert faulty["name"] == "Title 2 (the grader's fault)"
    assert missing["name"] == "Title 3 (not reached)"
    assert faulty["extra_data"]["fault"] == secret
    assert faulty["extra_data"]["staff"] == ["a traceback"]
    banner = document["output"]
    assert "4.2" in banner
    assert "4.3" in banner
    assert "4.1" not in banner
    assert "0.693" not in banner
    assert document["extra_data"] == {"faulty": ["g2"], "not_reached": ["g3"]}


def test_the_banner_counts_hidden_graders_and_names_none(path: Path) -> None:
    graders = [
        PlannedGrader("a", "4.d", "Shown", 1.0),
        PlannedGrader("b", "4.d.hidden", "Secret", 1.0, "hidden"),
        PlannedGrader("c", "4.e.hidden", "Secret", 1.0, "after_published"),
        PlannedGrader("d", "4.f.hidden", "Secret", 1.0, "after_due_date"),
    ]
    file = ResultsFile(path, graders)
    file.start()
    before = load(path)["output"]
    for grader in graders[1:]:
        file.record(result(grader, 0.0, Feedback("faulty", "Secret broke")))
    file.finish()
    after = load(path)["output"]
    assert "grader 4.d and 3 more graders" in before
    assert "3 hidden graders" in after
    for text in (before, after):
        assert "Secret" not in text
        assert ".hidden" not in text
        assert "4.e" not in text


def test_notes_stand_above_all_graders(path: Path) -> None:
    file = ResultsFile(path, plan(1))
    file.say("Your notebook was read as `hw3_gan.py` <b>.")
    file.start()
    output = load(path)["output"]
    assert re.search(r"read as <code [^>]*>hw3_gan.py</code> &lt;b&gt;\.", output)


def test_a_reader_never_sees_a_part_of_the_file(path: Path) -> None:
    graders = plan(40)
    file = ResultsFile(path, graders)
    file.start()
    stop = threading.Event()
    seen: list[int] = []
    errors: list[Exception] = []

    def read() -> None:
        while not stop.is_set():
            try:
                seen.append(len(json.loads(path.read_bytes())["tests"]))
            except Exception as error:
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for grader in graders:
        file.record(result(grader, 1.0, Feedback("failed", "x" * 2000, pictures=(NOISE,))))
    stop.set()
    reader.join()
    assert not errors
    assert seen
    assert set(seen) == {40}


def test_a_killed_process_leaves_all_results_so_far(path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from autograder.feedback import Feedback, GraderResult, PlannedGrader
from autograder.gradescope import ResultsFile
graders = [PlannedGrader(str(i), str(i), "t", 1.0) for i in range(3)]
file = ResultsFile(Path({str(path)!r}), graders)
file.start()
file.record(GraderResult("0", "0", "t", 1.0, 1.0, "visible", (), Feedback("passed", "Right.")))
os.kill(os.getpid(), signal.SIGKILL)
"""
    process = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert process.returncode == -signal.SIGKILL
    document = load(path)
    assert document["score"] == 1
    assert [test["extra_data"]["verdict"] for test in document["tests"]] == ["passed", "not reached", "not reached"]


def test_a_failed_write_keeps_the_old_file_and_loses_no_result(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graders = plan(2)
    file = ResultsFile(path, graders)
    file.start()
    before = path.read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        file.record(result(graders[0], 2.0))
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == ["results.json"]
        with pytest.raises(UserError, match="No space left on device") as caught:
            file.finish()
        assert str(path) in str(caught.value)
    file.record(result(graders[1], 1.0))
    assert load(path)["score"] == 3.0


class FullDisk:
    """Lets `replace_file` write no more than `room` bytes, and `reserve` more once the reserve is given up."""

    def __init__(self, file: ResultsFile, patch: pytest.MonkeyPatch, room: int, number: int = errno.ENOSPC) -> None:
        self.sizes: list[int] = []
        replace_file = gradescope.replace_file

        def bounded(path: Path, content: bytes, **how: Any) -> None:
            free = room + (gradescope.RESERVE_BYTES if file._reserve is None else 0)
            if len(content) > free:
                raise OSError(number, os.strerror(number))
            self.sizes.append(len(content))
            replace_file(path, content, **how)

        patch.setattr(gradescope, "replace_file", bounded)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_on_a_full_disk_the_reserve_holds_the_verdicts(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    graders = plan(20)
    file = ResultsFile(path, graders)
    file.start()
    disk = FullDisk(file, monkeypatch, room=0, number=number)
    for grader in graders:
        file.record(result(grader, 1.0, Feedback("passed", "Right.", pictures=(NOISE,))))
        assert load(path)["score"] == len(disk.sizes)
    file.finish()
    assert load(path)["score"] == 20
    assert max(disk.sizes) < gradescope.RESERVE_BYTES
    assert "pictures were left out" in str(load(path)["tests"]) or "picture was left out" in str(load(path)["tests"])


def test_without_a_reserve_a_full_disk_keeps_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: it is the reserve that the verdicts are owed to."""
    monkeypatch.setattr(gradescope, "RESERVE_BYTES", 0)
    graders = plan(3)
    file = ResultsFile(path, graders)
    file.start()
    FullDisk(file, monkeypatch, room=0)
    file.record(result(graders[0], 1.0))
    assert load(path)["score"] == 0
    with pytest.raises(UserError, match="cannot write the results: No space left"):
        file.finish()
    assert load(path)["score"] == 0


def test_other_errors_do_not_cost_the_reserve(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graders = plan(3)
    file = ResultsFile(path, graders)
    file.start()
    FullDisk(file, monkeypatch, room=0, number=errno.EIO)
    file.record(result(graders[0], 1.0))
    assert file._reserve is not None
    assert load(path)["score"] == 0


def test_the_reserve_takes_room_has_no_name_and_is_given_back(path: Path) -> None:
    file = ResultsFile(path, plan())
    file.start()
    assert file._reserve is not None
    assert os.fstat(file._reserve.fileno()).st_blocks * 512 >= gradescope.RESERVE_BYTES
    assert os.listdir(path.parent) == [path.name]
    file.finish()
    assert file._reserve is None


def test_the_file_is_closed_to_others_until_it_is_done(path: Path) -> None:
    graders = plan()
    file = ResultsFile(path, graders)
    file.start()
    assert path.stat().st_mode & 0o777 == 0o600
    file.record(result(graders[0]))
    assert path.stat().st_mode & 0o777 == 0o600
    file.finish()
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_early_end_is_told_to_students_and_staff(path: Path) -> None:
    graders = plan(3)
    file = ResultsFile(path, graders)
    file.start()
    file.record(result(graders[0], 1.0, Feedback("passed", "Right.")))
    assert not file.complete
    file.end_early(EarlyEnd("the sun went <out>", "Wait for it."))
    file.finish()
    results = load(path)
    assert results["score"] == 1
    assert "Why: the sun went &lt;out&gt;." in results["output"]
    reached, *others = results["tests"]
    assert "sun" not in reached["output"]
    for test in others:
        assert "Not reached: the sun went &lt;out&gt;." in test["output"]
        assert "Wait for it." in test["output"]
        assert (test["score"], test["extra_data"]["verdict"]) == (0, "not reached")
        assert "status" not in test


def test_results_are_complete_when_every_grader_has_a_verdict_and_none_broke(path: Path) -> None:
    graders = plan(2)
    file = ResultsFile(path, graders)
    assert not file.complete
    file.record(result(graders[0]))
    assert not file.complete
    file.record(result(graders[1]))
    assert file.complete
    file.record(result(graders[1], feedback=Feedback("faulty", "Broken.")))
    assert not file.complete


def test_a_symbolic_link_in_its_place_is_replaced_not_followed(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path.parent.mkdir()
    path.symlink_to(victim)
    ResultsFile(path, plan(1)).start()
    assert victim.read_text() == "precious"
    assert not path.is_symlink()


@pytest.mark.parametrize("seconds", [0.0, 3600.0])
def test_the_first_and_the_last_file_are_synced(path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr(gradescope, "SYNC_SECONDS", seconds)
    graders = plan(2)
    file = ResultsFile(path, graders)
    file.start()
    for grader in graders:
        file.record(result(grader))
    file.finish()
    assert len(synced) == (2 if seconds else 4)


def test_misuse_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="same id"):
        ResultsFile(path, plan(2, id="x"))
    with pytest.raises(ValueError, match="worth nan"):
        ResultsFile(path, plan(1, max_score=float("nan")))
    with pytest.raises(ValueError, match="worth -1"):
        ResultsFile(path, plan(1, max_score=-1.0))
    file = ResultsFile(path, plan(1, visibility="hidden"))
    with pytest.raises(ValueError, match="not of a planned grader"):
        file.record(result(PlannedGrader("other", "1", "t", 1.0)))
    with pytest.raises(ValueError, match="not of a planned grader"):
        file.record(result(plan(1, visibility="visible")[0]))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write the results"):
        ResultsFile(tmp_path / "file" / "results.json", plan(1)).start()


def test_another_programs_file_is_not_read_as_ours(tmp_path: Path) -> None:
    for content in ("", "[]", '{"score": 1, "output": "", "tests": [], "colour": "red"}'):
        (tmp_path / "results.json").write_text(content)
        with pytest.raises(UserError, match=r"not a results\.json"):
            read_results(tmp_path / "results.json")


# --- points ---------------------------------------------------------------------------------------------------------


def test_points_add_up_exactly(path: Path) -> None:
    graders = plan(10, max_score=0.1)
    graders = [dataclasses.replace(grader, id=str(i)) for i, grader in enumerate(graders)]
    file = ResultsFile(path, graders)
    for grader in graders:
        file.record(result(grader, 0.1))
    assert sum([0.1] * 10) != 1.0, "the control: binary fractions do not add up"
    assert file.finish().score == 1.0


@settings(deadline=None)
@given(
    score=st.floats(allow_nan=False, allow_infinity=False),
    max_score=st.floats(min_value=0, max_value=1e6),
)
@example(score=-0.0, max_score=1.0)
@example(score=-1e-9, max_score=1.0)
@example(score=1e308, max_score=100.0)
@example(score=0.005, max_score=1.0)
def test_points_are_hundredths_within_their_bounds(score: float, max_score: float) -> None:
    earned = points(score, max_score)
    assert 0 <= float(earned) <= float(points(max_score, max_score))
    assert not str(float(earned)).startswith("-")
    assert earned * 100 == int(earned * 100)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_no_number_is_the_graders_fault(path: Path, score: float) -> None:
    graders = plan(2)
    file = ResultsFile(path, graders)
    file.record(result(graders[0], score, Feedback("passed", "Right.")))
    file.record(result(graders[1], 2.0, Feedback("passed", "Right."), seconds=score))
    file.finish(seconds=score, extra={"x": score})
    document = load(path)
    assert document["score"] == 2.0
    assert document["tests"][0]["extra_data"]["verdict"] == "faulty"
    assert "execution_time" not in document


# --- hostile text ---------------------------------------------------------------------------------------------------


class Markup(HTMLParser):
    """What a browser would make of some HTML: elements, attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.unbalanced: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.unbalanced.append(f"comment {data}")

    handle_decl = handle_pi = unknown_decl = handle_comment


OUR_STYLES = {*gradescope._STYLE.values()} | {
    f"{gradescope._STYLE['box']};border-left:3px solid {colour}" for colour in gradescope._COLOURS.values()
}


def assert_only_our_markup(html: str) -> Markup:
    markup = Markup(html)
    assert not markup.unbalanced
    assert not markup.open
    for tag, attributes in markup.elements:
        assert tag in {"div", "p", "b", "code", "pre", "figure", "img", "figcaption"}
        assert attributes.keys() <= ({"style", "src", "alt"} if tag == "img" else {"style"})
        assert attributes.get("style") in OUR_STYLES | {None}
        assert (attributes.get("src") or "data:image/png;base64,").startswith("data:image/png;base64,")
    return markup


def test_the_check_of_our_markup_bites() -> None:
    for html in ("<script>x</script>", '<p onclick="x">y</p>', "<p style='x'>y</p>", "<div>", "</b>", "<!-- x -->"):
        with pytest.raises(AssertionError):
            assert_only_our_markup(html)


@settings(deadline=None)
@given(feedback=any_feedback)
@example(feedback=Feedback("failed", "", *HOSTILE[:4], notes=HOSTILE[4:]))
def test_no_text_becomes_markup(feedback: Feedback) -> None:
    markup = assert_only_our_markup(render_html(feedback))
    without_marks = markup.text.replace("`", "")
    for text in (feedback.headline, feedback.expected, feedback.actual, feedback.help, feedback.where):
        for line in plain(text).replace("`", "").split("\n"):
            assert line in without_marks
    assert_only_our_markup(render_html(feedback, limit=20))


@settings(max_examples=60, deadline=None)
@given(title=any_text, number=any_text, tag=any_text, feedback=any_feedback, extra=st.dictionaries(any_text, any_json))
def test_any_text_makes_a_valid_file(
    tmp_path_factory: pytest.TempPathFactory, title: str, number: str, tag: str, feedback: Feedback, extra: Any
) -> None:
    path = tmp_path_factory.mktemp("any") / "results.json"
    grader = PlannedGrader("g", number, title, 1.0, "visible", (tag,))
    file = ResultsFile(path, [grader])
    file.say(title)
    file.start()
    load(path)
    file.record(result(grader, 1.0, feedback, extra=extra, leaderboard={title: 1.0}))
    load(path)
    file.finish(extra=extra)
    document = load(path)
    assert_only_our_markup(document["output"])
    assert_only_our_markup(document["tests"][0]["output"])
    assert read_results(path).tests[0].name.startswith(plain(title, 200, lines=1))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x.y\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("\x1b]never ended\nnext line", "\nnext line".strip("\n")),
        ("a\x00b\x07c\x7f", "abc"),
        ("10%\r20%\r\ndone", "10%\n20%\ndone"),
        ("\tx", "    x"),
        ("\u202eabc\u2066", "abc"),
        ("\ud83d", "\ufffd"),
        ("😀 é ∇ 数", "😀 é ∇ 数"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 3),
        ("\n\n  indented  \n\n", "  indented"),
    ],
)
def test_plain_text(text: str, clean: str) -> None:
    assert plain(text) == clean


@settings(deadline=None)
@given(any_text)
def test_plain_is_idempotent_and_encodable(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    once.encode("utf-8")


def test_styles_are_not_needed_to_read_it() -> None:
    feedback = Feedback("failed", "Wrong.", "1", "2", "Try `x`.", "hw.py, line 3, in f: return `2`")
    text = Markup(re.sub(r' style="[^"]*"', "", render_html(feedback))).text
    assert text == "Wrong.Expected: 1Actual: 2Where: hw.py, line 3, in f: return `2`Help: Try x."


def test_feedback_that_says_nothing_is_no_empty_box() -> None:
    assert render_html(Feedback("passed", "")) == ""
    assert render_html(Feedback("passed", "", staff=("for staff",))) == ""
    assert render_html(Feedback("passed", "", notes=("a note",)))


def test_pictures_are_shown_as_they_are() -> None:
    html = render_html(Feedback("passed", "Right.", pictures=(Picture('a "digit" <3', PICTURE.png),)))
    (image,) = [attributes for tag, attributes in Markup(html).elements if tag == "img"]
    assert image["alt"] == 'a "digit" <3'
    assert base64.b64decode((image["src"] or "").partition(",")[2]) == PICTURE.png


# --- limits: each has a control that stays below it -------------------------------------------------------------------


def test_a_long_text_is_cut_and_says_so() -> None:
    assert plain("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert plain("x" * (MAX_TEXT + 1234)) == "x" * MAX_TEXT + " … [1,234 characters cut]"
    assert plain("x" * 10_000_000).endswith(f"[{10_000_000 - MAX_TEXT:,} characters cut]")
    lines = ["é"] * MAX_LINES
    assert plain("\n".join(lines)) == "\n".join(lines)
    assert plain("\n".join([*lines, "abc"])) == "\n".join(lines) + " … [4 characters cut]"


def test_many_pictures_of_one_grader_are_counted() -> None:
    for count, left_out in ((6, ""), (7, "1 picture was left out"), (9, "3 pictures were left out")):
        html = render_html(Feedback("passed", "", pictures=(PICTURE,) * count))
        assert html.count("<img") == 6
        assert left_out in html
        assert ("left out" in html) == bool(left_out)


def record_all(path: Path, feedback: Feedback, count: int, max_bytes: int, **extra: Any) -> tuple[int, list[Any]]:
    graders = plan(count)
    file = ResultsFile(path, graders, max_bytes=max_bytes)
    file.start()
    for grader in graders:
        file.record(result(grader, 1.0, feedback, **extra))
    assert file.finish().score == count
    size = path.stat().st_size
    return size, load(path)["tests"]


def test_pictures_go_first_where_the_file_is_too_large(path: Path) -> None:
    feedback = Feedback("failed", "Wrong.", "1", "2", "Read.", pictures=(NOISE, PICTURE))
    size, tests = record_all(path, feedback, 20, 10**9)
    assert size > 2_000_000, "the control: without a bound it is larger"
    assert all(test["output"].count("<img") == 2 for test in tests)
    size, tests = record_all(path, feedback, 20, 2_000_000)
    assert 1_700_000 < size <= 2_000_000
    for test in tests:
        shown = test["output"].count("<img")
        assert "Wrong." in test["output"]
        assert "Help:" in test["output"]
        assert ("left out to keep the report small" in test["output"]) == (shown < 2)
    assert tests[0]["output"].count("<img") == 2, "the first graders keep theirs"


def test_then_long_texts_and_then_all_texts_go(path: Path) -> None:
    feedback = Feedback("failed", "Wrong.", "1" * 1500, "&" * 1500, pictures=(PICTURE,), notes=("n" * 1500,))
    size, tests = record_all(path, feedback, 30, 10**9)
    assert size > 300_000
    size, tests = record_all(path, feedback, 30, 120_000)
    assert size <= 120_000
    assert all("Wrong." in test["output"] for test in tests)
    assert any("characters cut" in test["output"] and "rest of this message" in test["output"] for test in tests)
    size, tests = record_all(path, feedback, 30, 40_000, extra={"log": "x" * 1000})
    assert size <= 40_000
    assert any("Wrong." not in test["output"] and "rest of this message" in test["output"] for test in tests)
    assert all(test["score"] == 1.0 and test["extra_data"]["verdict"] == "failed" for test in tests)


def test_the_worst_that_a_submission_can_write_stays_below_the_bound(path: Path) -> None:
    worst = "'" * 100_000
    feedback = Feedback("failed", worst, worst, worst, worst, worst, (worst,) * 50, (NOISE,) * 50)
    size, tests = record_all(path, feedback, 120, gradescope.MAX_BYTES, extra={"log": worst, "more": [worst] * 50})
    assert size <= gradescope.MAX_BYTES
    assert len(tests) == 120


def test_large_extra_data_are_replaced(path: Path) -> None:
    (grader,) = plan(1)
    file = ResultsFile(path, [grader])
    file.record(result(grader, extra={"small": 1, "large": ["x" * 1000] * 100, "verdict": "passed", "deep": nest(50)}))
    extra = load(path)["tests"][0]["extra_data"]
    assert extra["large"].startswith("left out: 100,")
    assert extra["small"] == 1
    assert extra["verdict"] == "failed", "extra data cannot pose as the verdict"


def nest(depth: int) -> Any:
    inner: Any = "bottom"
    for _ in range(depth):
        inner = [inner]
    return inner


def test_a_leaderboard_has_finite_numbers_of_visible_graders(path: Path) -> None:
    shown, hidden = plan(1)[0], dataclasses.replace(plan(1)[0], id="h", visibility="hidden")
    file = ResultsFile(path, [shown, hidden])
    file.start()
    assert "leaderboard" not in load(path)
    file.record(result(shown, leaderboard={"ELBO": -150.25, "broken": float("nan")}))
    file.record(result(hidden, leaderboard={"secret": 1.0}))
    assert load(path)["leaderboard"] == [{"name": "ELBO", "value": -150.25, "order": "desc"}]
