"""What a student reads: what happened, where, and what to do; and never a value of a hidden grader."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_up import a_grader, an_outcome, failed, seen, together

from autograder.comparison import compare
from autograder.diagnosis import describe_tree_difference, explain_differences, explain_ending, explain_failure, place
from autograder.feedback import Feedback
from autograder.observation import Entry, Frame, Header, Observation

Array = np.ndarray[Any, Any]
VISIBLE, HIDDEN = a_grader(), a_grader(hidden=True)


def feedback_on(wanted: Observation, got: Observation, *, hidden: bool = False) -> Feedback:
    return explain_differences(compare(wanted, got), got, HIDDEN if hidden else VISIBLE)


def everything(feedback: Feedback) -> str:
    """All that a student could read."""
    texts = [getattr(feedback, field.name) for field in fields(feedback) if field.name not in ("pictures", "staff")]
    return "\n".join(text if isinstance(text, str) else "\n".join(text) for text in texts)


# --- how a child ended ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "detail", "headline", "help_text"),
    [
        ("time", "30 s of wall time", "Stopped after 30 s of wall time", "waits for input"),
        ("cpu", "10 s of CPU time", "Stopped after 10 s of CPU time", "loop"),
        ("signal", "SIGSEGV", "crashed the Python interpreter (SIGSEGV)", "on your machine"),
        ("signal", "SIGKILL", "too much memory", "512 MB"),
        ("signal", "SIGXFSZ", "wrote a file that is too large", "64 MB"),
        ("disk", "256 MB of files", "had written more than 256 MB of files", "Write fewer"),
        ("exit", "3", "ended the Python process itself (exit status 3)", "os._exit()"),
        ("no reply", "", "before the grader was done", "os._exit()"),
        ("bad reply", "it cannot be decoded ({x})", "not the grader's own message", "file descriptors"),
        ("too much", "", "larger than the 32 MB", "shape"),
        ("harness", "exit status 70", "The sandbox itself failed: exit status 70", ""),
    ],
)
def test_every_ending_has_words(ending: str, detail: str, headline: str, help_text: str) -> None:
    feedback = explain_ending(an_outcome(ending, detail), VISIBLE)
    assert feedback.verdict == "failed"
    assert headline in feedback.headline
    assert help_text in feedback.help
    assert feedback.staff == (f"ending: {ending} ({detail})",)


@pytest.mark.parametrize(
    ("type_name", "message", "headline", "value"),
    [
        ("MemoryError", "", "more memory", "512 MB"),
        ("RuntimeError", "DefaultCPUAllocator: can't allocate memory: you tried", "more memory", "512 MB"),
        ("OSError", "[Errno 12] Cannot allocate memory", "more memory", "512 MB"),
        ("OSError", "[Errno 27] File too large", "file that is too large", "64 MB"),
        ("OSError", "[Errno 24] Too many open files: 'x'", "too many files open", "256 open"),
        ("RuntimeError", "can't start new thread", "too many threads", "64 at a time"),
    ],
)
def test_a_limit_that_was_met_inside_is_told_with_its_value(
    type_name: str, message: str, headline: str, value: str
) -> None:
    for grader in (VISIBLE, HIDDEN):
        feedback = explain_failure(failed(type_name, message), grader)
        assert headline in feedback.headline
        assert value in feedback.help


def test_the_last_line_that_was_printed_is_shown() -> None:
    feedback = explain_ending(an_outcome("time", "1 s", output="epoch 1\nepoch 2\n\n  \n"), VISIBLE)
    assert feedback.notes == ("The last line it printed: epoch 2",)
    assert explain_ending(an_outcome("time", "1 s", output=" \n"), VISIBLE).notes == ()
    assert len(explain_ending(an_outcome("time", "1 s", output="x" * 10_000), VISIBLE).notes[0]) < 300


# --- exceptions -----------------------------------------------------------------------------------------------------

WHERE = "hw3_gan.py, line 31, in forward: x = self.fc(x)"


@pytest.mark.parametrize(
    ("failure", "headline", "actual", "help_text"),
    [
        (failed(), "`forward` raised ValueError.", "ValueError: no", ""),
        (failed(message=""), "`forward` raised ValueError.", "ValueError", ""),
        (
            failed("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"),
            "`forward` raised RuntimeError.",
            "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)",
            "Linear layer",
        ),
        (
            failed("MissingName", "hw3_gan.py does not define DNet.", "missing"),
            "hw3_gan.py does not define DNet.",
            "",
            "",
        ),
        (
            failed("ModuleNotFoundError", "No module named 'pandas'", "import"),
            "Your file imports a package that is not available here. No module named 'pandas'.",
            "",
            "Remove the import",
        ),
        (failed("SystemExit", "0", "exit"), "ended the program (exit())", "", "main() behind"),
        (failed("KeyboardInterrupt", "", "exit"), "ended the program (KeyboardInterrupt)", "", "main() behind"),
        (failed("NotImplementedError", "GAN.train"), "`GAN.train` is not written yet.", "", "Replace the raise"),
        (failed("NotImplementedError", ""), "`forward` is not written yet.", "", "Replace the raise"),
        (failed("NotImplementedError", "to do!"), "`forward` is not written yet.", "", "Replace the raise"),
        (failed("MemoryError", ""), "more memory than a grader may use", "MemoryError", "grow in a loop"),
        (
            failed("RuntimeError", "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."),
            "more memory than a grader may use",
            "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes.",
            "broadcast by mistake",
        ),
        (
            failed("NameError", "name 'F' is not defined", "loading"),
            "A statement at the top level of your file failed",
            "NameError: name 'F'",
            "top level",
        ),
    ],
)
def test_an_exception_says_what_where_and_what_to_do(failure: Any, headline: str, actual: str, help_text: str) -> None:
    feedback = explain_failure(failure, VISIBLE)
    assert headline in feedback.headline
    assert feedback.actual.startswith(actual)
    assert bool(feedback.actual) == bool(actual)
    assert feedback.where == WHERE
    assert help_text in feedback.help
    assert bool(feedback.help) == bool(help_text)


def test_an_exception_in_the_grader_shows_its_line_unless_it_is_hidden() -> None:
    failure = failed("AttributeError", "'tuple' object has no attribute 'shape'", frames=0)
    feedback = explain_failure(failure, VISIBLE)
    assert feedback.headline == "The grader could not go on with what your code returned."
    assert feedback.where == "in the grader: observe(x=net(x))"
    assert feedback.help == "Compare what your function returns with the handout: type and shape."
    assert explain_failure(failure, HIDDEN).where == ""


@pytest.mark.parametrize("kind", ["raised", "loading"])
@pytest.mark.parametrize("type_name", ["ValueError", "MemoryError"])
def test_the_text_of_an_exception_could_hold_a_hidden_graders_inputs(kind: str, type_name: str) -> None:
    failure = failed(type_name, "tensor([0.1234, 5.6789])", kind)
    assert "0.1234" in everything(explain_failure(failure, VISIBLE))
    hidden = explain_failure(failure, HIDDEN)
    assert "0.1234" not in everything(hidden)
    assert type_name in hidden.actual
    assert hidden.where == WHERE


def test_a_hint_is_given_for_a_hidden_graders_exception_too() -> None:
    failure = failed("RuntimeError", "shape '[3, 4]' is invalid for input of size 10")
    assert "keep the number of values" in explain_failure(failure, HIDDEN).help


def test_a_place_reads_as_a_sentence() -> None:
    assert place(Frame("hw.py", 3, "f", "return x")) == "hw.py, line 3, in f: return x"
    assert place(Frame("hw.py", 3, "<module>", "main()")) == "hw.py, line 3: main()"
    assert place(Frame("hw.py", 3, "f")) == "hw.py, line 3, in f"


# --- differences ----------------------------------------------------------------------------------------------------

ONES = np.ones(3, np.float32)


@pytest.mark.parametrize(
    ("wanted", "got", "headline", "expected", "actual", "help_text"),
    [
        (seen(ONES), seen("NoneType"), "`x` is None.", "shape [3]: 1, 1, 1", "None", "end with a return"),
        (
            seen(ONES),
            seen("[1, 1]"),
            "`x` is of another type.",
            "shape [3]: 1, 1, 1",
            "text [1, 1]",
            "what the docstring says",
        ),
        (seen("NoneType"), seen(ONES), "`x` is of another type.", "", "float32 values", "what the docstring says"),
        (seen(ONES), seen(), "The grader did not get to see `x`.", "", "", ""),
        (
            seen(ONES),
            seen(np.ones((3, 1))),
            "`x` has another shape.",
            "shape [3]",
            "shape [3, 1]",
            "The values are right",
        ),
        (
            seen(ONES),
            seen(np.float32(1)),
            "`x` has another shape.",
            "shape [3]",
            "shape a single number",
            "mean of all",
        ),
        (seen(ONES), seen(np.ones(3, int)), "`x` has another dtype.", "float32", "int64", ".float()"),
        (seen(np.ones(3, int)), seen(ONES), "`x` has another dtype.", "int64", "float32", ""),
        (
            seen(ONES),
            seen(np.array([1, np.nan, np.inf], np.float32)),
            "`x` is not finite: 2 of 3 values are NaN or infinite.",
            "shape [3]: 1, 1, 1",
            "shape [3]: 1, nan, inf",
            "log(0)",
        ),
        (seen(ONES), seen(-ONES), "`x` has other values.", "1 at [0]", "-1 at [0]", "opposite sign"),
        (seen(np.float64(2)), seen(np.float64(1)), "`x` has other values.", "2", "1", "half"),
        (
            seen(np.arange(9)),
            seen(np.arange(9) + (np.arange(9) == 7)),
            "`x` has other values.",
            "7 at [7]",
            "8 at [7]",
            "",
        ),
        (
            seen(np.linspace(9, 11, 20), kind="band"),
            seen(np.float64(50)),
            "`x` is outside of what right solutions reach.",
            "at least 5.",
            "50",
            "",
        ),
    ],
)
def test_a_difference_in_words(
    wanted: Observation, got: Observation, headline: str, expected: str, actual: str, help_text: str
) -> None:
    feedback = feedback_on(wanted, got)
    assert feedback.verdict == "failed"
    assert feedback.headline == headline
    assert feedback.expected.startswith(expected)
    assert feedback.actual == actual
    assert help_text in feedback.help


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("both", r"at least 5\.\d+ and at most 14\.\d+"),
        ("at_least", r"at least 5\.\d+"),
        ("at_most", r"at most 14\.\d+"),
    ],
)
def test_a_band_shows_the_ends_that_count(side: str, expected: str) -> None:
    got = 0.0 if side == "at_least" else 50.0
    feedback = feedback_on(seen(np.linspace(9, 11, 20), kind="band", side=side), seen(np.float64(got)))
    assert re.fullmatch(expected, feedback.expected)


def test_draws_are_told_by_mean_and_spread() -> None:
    rng = np.random.default_rng(0)
    feedback = feedback_on(seen(rng.normal(size=4000), kind="samples"), seen(rng.normal(3, 2, size=4000)))
    assert feedback.headline == "The draws in `x` do not have the right distribution."
    assert re.match(r"mean -?0\.0\d+, standard deviation (1|1\.0\d*|0\.9\d*), from -", feedback.expected)
    assert re.match(r"mean (3|2\.9|3\.0)\d*, standard deviation (2|1\.9|2\.0)\d*, from -", feedback.actual)


def test_underscores_of_names_are_spoken_as_spaces() -> None:
    assert "`loss of d`" in feedback_on(seen(ONES, name="loss_of_d"), seen(-ONES, name="loss_of_d")).headline


def test_the_first_difference_leads_and_the_others_are_named() -> None:
    entries = tuple(Entry(name=f"x_{index}", kind="exact", text="1") for index in range(6))
    others = tuple(Entry(name=f"x_{index}", kind="exact", text="2") for index in range(6))
    feedback = feedback_on(Observation(Header(entries=entries), {}), Observation(Header(entries=others), {}))
    assert feedback.headline == "`x 0` is another value."
    assert feedback.notes == ("Also different: `x 1`, `x 2`, `x 3` …",)


@pytest.mark.parametrize(("wanted", "got"), [(1.0, 1.0000001), (1234567.0, 1234567.5), (1.0, 1.00000000000001)])
def test_two_numbers_are_shown_with_digits_that_tell_them_apart(wanted: float, got: float) -> None:
    feedback = feedback_on(seen(np.float64(wanted), rtol=0.0, atol=0.0), seen(np.float64(got)))
    assert feedback.expected != feedback.actual


def test_the_place_shown_is_where_the_values_differ() -> None:
    wanted = np.array([np.inf, np.nan, 1.0, 5.0])
    got = np.array([np.inf, np.nan, 1.0, 7.0])
    with np.errstate(all="raise"):
        assert feedback_on(seen(wanted), seen(got)).expected == "5 at [3]"
        assert feedback_on(seen(wanted), seen(np.array([-np.inf, np.nan, 1.0, 7.0]))).expected == "inf at [0]"


# --- exact values ---------------------------------------------------------------------------------------------------

CONV = {"layer": "Conv2d", "kernel": [3, 3], "bias": True}


@pytest.mark.parametrize(
    ("wanted", "got", "headline", "expected", "actual"),
    [
        (3, 4, "`n` is another value.", "3", "4"),
        (True, False, "`n` is another value.", "yes", "no"),
        ([1, 2, 3], [1, 3], "`n`: number 2 is missing.", "2", "nothing there"),
        ([1, 3], [1, 2, 3], "`n`: there is one too many after number 1.", "nothing there", "2"),
        ([1, 2, 3], [1, 9, 3], "`n` differs at number 2.", "2", "9"),
        ([1, 2, 3, 4], [1, 4], "`n`: numbers 2 to 3 are missing.", "2; 3", "nothing there"),
        ([], [1], "`n`: there is one too many at the beginning.", "nothing there", "1"),
        (
            [CONV],
            [{**CONV, "bias": False}],
            "`n` differs at number 1.",
            "Conv2d(kernel 3×3, bias yes)",
            "Conv2d(kernel 3×3, bias no)",
        ),
        (CONV, {**CONV, "bias": False}, "`n` differs in bias.", "bias yes", "bias no"),
        ({"a": None}, {}, "`n` differs in a.", "a None", "no a"),
        ({"a": 1}, {"a": True}, "`n` differs in a.", "a 1", "a yes"),
        ({"a": 1}, [1], "`n` is another value.", "a 1", "[1]"),
    ],
)
def test_exact_values_are_aligned(wanted: object, got: object, headline: str, expected: str, actual: str) -> None:
    assert describe_tree_difference("n", json.dumps(wanted), json.dumps(got)) == (headline, expected, actual)


@pytest.mark.parametrize(
    "got", ["NoneType", "float32 values", "[" * 100_000, "[" * 900 + "]" * 900, "9" * 5000, "\ud800"]
)
def test_what_is_no_json_is_shown_as_it_is(got: str) -> None:
    headline, expected, actual = describe_tree_difference("n", "[1]", got)
    assert headline.startswith("`n`")
    assert expected
    assert 0 < len(actual) <= max(300, len(got))


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(TREES, TREES)
def test_any_two_trees_can_be_told_apart(wanted: object, got: object) -> None:
    texts = json.dumps(wanted, sort_keys=True), json.dumps(got, sort_keys=True)
    assume(texts[0] != texts[1])
    headline, *_ = describe_tree_difference("n", *texts)
    assert headline.startswith("`n`")
    assert not headline.endswith("differs in .")


@pytest.mark.timeout(20)
def test_a_long_list_is_aligned_in_a_moment() -> None:
    long = json.dumps([1] * 60_000)
    assert describe_tree_difference("n", "[1, 2, 3]", long)[0]
    assert describe_tree_difference("n", "[1, 2, 3]", json.dumps(list(range(40_000))))[0]


# --- hidden graders -------------------------------------------------------------------------------------------------

# Values with digits that nothing else in a message has.
TELLING = st.integers(10_000, 99_999).map(lambda n: n + 0.5) | st.integers(10_000, 99_999).map(lambda n: -n - 0.25)
TELLING_ARRAYS = hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=TELLING)


def digits_of(*arrays: Array) -> set[str]:
    return {str(abs(int(value))) for array in arrays for value in array.reshape(-1) if np.isfinite(value)}


@settings(max_examples=200)
@given(TELLING_ARRAYS, TELLING_ARRAYS, st.sampled_from(["close", "exact"]), st.booleans())
def test_a_hidden_graders_message_holds_no_value(wanted: Array, got: Array, kind: str, same_shape: bool) -> None:
    if same_shape:
        got = np.resize(got, wanted.shape)
    assume(compare(seen(wanted, kind), seen(got, kind)))
    told = everything(feedback_on(seen(wanted, kind), seen(got, kind), hidden=True))
    assert told
    assert not [digits for digits in digits_of(wanted, got) if digits in told]


@given(TELLING_ARRAYS, st.data())
def test_nor_where_the_answer_is_a_simple_relation_of_the_expected(wanted: Array, data: st.DataObject) -> None:
    change = data.draw(
        st.sampled_from([lambda x: -x, lambda x: x + 12_345, lambda x: x * 3, lambda x: x[None], lambda x: x * np.nan])
    )
    assume(compare(seen(wanted), seen(change(wanted))))
    told = everything(feedback_on(seen(wanted), seen(change(wanted)), hidden=True))
    assert not [digits for digits in digits_of(wanted, change(wanted), np.array([12_345.0])) if digits in told]


@given(TELLING, TELLING)
def test_nor_where_it_is_a_band(middle: float, got: float) -> None:
    rows = middle + np.linspace(0, 0.01, 20)
    wanted = seen(rows, kind="band")
    assume(compare(wanted, seen(np.float64(got))))
    told = everything(feedback_on(wanted, seen(np.float64(got)), hidden=True))
    assert not [digits for digits in digits_of(np.array([*rows, got])) if digits in told]


NUMBERS = st.integers(10_000, 99_999)
TELLING_TREES = st.recursive(
    NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NUMBERS.map("key{}".format), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(TELLING_TREES, TELLING_TREES)
def test_nor_where_it_is_a_tree(wanted: object, got: object) -> None:
    texts = json.dumps(wanted, sort_keys=True), json.dumps(got, sort_keys=True)
    assume(texts[0] != texts[1])
    told = everything(feedback_on(seen(texts[0], "exact"), seen(texts[1], "exact"), hidden=True))
    assert not re.search(r"\d{5}", told)


def test_a_visible_graders_message_holds_them() -> None:
    """The negative control."""
    for wanted, got in (
        (seen(np.array(12345.5)), seen(np.array(67890.5))),
        (seen("12345", "exact"), seen("67890", "exact")),
    ):
        told = everything(feedback_on(wanted, got))
        assert "12345" in told
        assert "67890" in told


def test_a_hidden_grader_still_says_what_kind_of_thing_is_wrong() -> None:
    assert (
        feedback_on(seen(ONES), seen("NoneType"), hidden=True).help
        == "If this is what your function returned: does every path through it end with a return?"
    )
    assert feedback_on(seen(ONES), seen(np.ones(3, int)), hidden=True).help
    assert feedback_on(seen(ONES), seen(ONES * np.nan), hidden=True).help
    assert feedback_on(seen(ONES), seen(np.ones((3, 1))), hidden=True).headline == "`x` has another shape."


# --- hostile text ---------------------------------------------------------------------------------------------------

HOSTILE = st.text(st.characters(categories=None), max_size=60) | st.sampled_from(
    [
        "{detail}",
        "{0.__class__}",
        "%s%n",
        "`" * 50,
        "\x1b[2J",
        "<script>",
        "\u202e",
        "\ud800",
        "a" * 100_000,
        "\n" * 1000,
    ]
)


@given(HOSTILE, HOSTILE, HOSTILE, st.booleans())
def test_any_text_can_stand_in_a_failure(type_name: str, message: str, code: str, hidden: bool) -> None:
    grader = HIDDEN if hidden else VISIBLE
    for kind in ("missing", "import", "loading", "raised", "exit"):
        failure = failed(type_name, message, kind)
        failure = type(failure)(kind, type_name, message, (Frame(code, 1, code, code),), code)
        assert explain_failure(failure, grader).headline
    assert explain_ending(an_outcome("exit", message, output=code), grader).headline


@given(HOSTILE, HOSTILE, st.booleans())
def test_any_text_can_stand_in_an_entry(text: str, detail: str, hidden: bool) -> None:
    wanted, got = seen("[1]", "exact"), seen(text or "x", "exact")
    assume(compare(wanted, got))
    assert feedback_on(wanted, got, hidden=hidden).headline == "`x` is another value." or not hidden
    opaque = Observation(Header(entries=(Entry(name="x", kind="close", opaque=detail or "x"),)), {})
    assert feedback_on(seen(ONES), opaque, hidden=hidden).headline


# --- answers at points ----------------------------------------------------------------------------------------------

POINTS = ("mu = 0", "mu = 1", "mu = 2", "mu = 3")
KL = np.array([0.0, 0.5, 2.0, np.inf])


def at_points(value: Array, name: str = "kl_uniform") -> Observation:
    return seen(value, name=name, points=POINTS, rtol=1e-4, atol=1e-6)


def test_the_first_wrong_point_is_named_with_both_values() -> None:
    feedback = feedback_on(at_points(KL), at_points(np.array([0.0, 1.0, 4.0, np.inf])))
    assert feedback.headline == "`kl_uniform` is wrong at mu = 1, and at 1 of 3 other points."
    assert (feedback.expected, feedback.actual) == ("0.5", "1")
    assert feedback.help == "Yours is twice the expected value."


def test_a_finite_value_where_infinity_belongs() -> None:
    feedback = feedback_on(at_points(KL), at_points(np.array([0.0, 0.5, 2.0, 0.0])))
    assert feedback.headline == "`kl_uniform` is wrong at mu = 3 (right at the other 3 points)."
    assert (feedback.expected, feedback.actual) == ("inf", "0")
    assert feedback.help == "The right value is infinite here."
    guarded = feedback_on(at_points(KL), at_points(np.array([0.0, 0.5, 2.0, 13.8])))
    assert "a small number inside a logarithm" in guarded.help


def test_an_exception_in_a_comprehension_is_told_of_its_function() -> None:
    frames = [
        Frame(file="hw.py", line=line, function=name, code="x") for line, name in enumerate(["jsd", "kl", "<genexpr>"])
    ]
    failure = msgspec.structs.replace(failed("ValueError", "math domain error"), frames=tuple(frames))
    assert explain_failure(failure, VISIBLE).headline == "`kl` raised ValueError."
    assert "zero" in explain_failure(failure, VISIBLE).help
    asked = msgspec.structs.replace(failure, point="p = [0, 1]")
    assert explain_failure(asked, VISIBLE).headline == "`jsd` raised ValueError in `kl` at p = [0, 1]."
    lonely = msgspec.structs.replace(failure, frames=tuple(frames[2:]))
    assert explain_failure(lonely, VISIBLE).headline == "`<genexpr>` raised ValueError."


def test_nan_is_told_where_it_comes_from() -> None:
    feedback = feedback_on(at_points(KL), at_points(np.array([np.nan, 0.5, 2.0, np.inf])))
    assert "0 · log 0" in feedback.help


def test_rows_are_shown_whole() -> None:
    wanted, got = np.full((4, 3), 1 / 3), np.full((4, 3), 0.5)
    feedback = feedback_on(at_points(wanted), at_points(got))
    assert (feedback.expected, feedback.actual) == ("[0.3333, 0.3333, 0.3333]", "[0.5, 0.5, 0.5]")
    close = feedback_on(at_points(np.full((4, 2), 0.12)), at_points(np.full((4, 2), 0.12002)))
    assert (close.expected, close.actual) == ("[0.12, 0.12]", "[0.12002, 0.12002]")


@pytest.mark.parametrize(
    ("wanted", "got", "expected", "actual"),
    [
        (np.ones(4), np.ones((4, 3)), "one number", "3 numbers: [1, 1, 1], at mu = 0"),
        (np.ones((4, 3)), np.ones(4), "3 numbers", "one number: 1, at mu = 0"),
        (np.ones((4, 2)), np.ones((4, 2, 2)), "2 numbers", "shape [2, 2]: [1, 1, 1, 1], at mu = 0"),
    ],
)
def test_another_shape_is_told_for_one_point(wanted: Array, got: Array, expected: str, actual: str) -> None:
    feedback = feedback_on(at_points(wanted), at_points(got))
    assert (feedback.expected, feedback.actual) == (expected, actual)


def test_what_is_no_number_is_told() -> None:
    nothing = Observation(Header(entries=(Entry(name="kl_uniform", kind="close", opaque="None, at mu = 1"),)), {})
    feedback = feedback_on(at_points(KL), nothing)
    assert feedback.headline == "`kl_uniform` gives something else than it should."
    assert (feedback.expected, feedback.actual) == ("one number", "None, at mu = 1")
    assert "return" in feedback.help
    assert "mu =" not in everything(feedback_on(at_points(KL), nothing, hidden=True))


def test_what_was_not_looked_at_is_not_called_different() -> None:
    wanted = together(kl=at_points(KL), bound=seen(np.ones(1)), other=seen(np.ones(1)))
    got = together(kl=at_points(np.ones((4, 2))), other=seen(np.zeros(1)))
    assert feedback_on(wanted, got).notes == ("Also different: `other`.",)


def test_another_dtype_at_points_has_words() -> None:
    feedback = feedback_on(at_points(np.ones(4)), at_points(np.ones(4, dtype=np.int64)))
    assert feedback.headline == "`kl_uniform` has another dtype."


def test_a_hidden_grader_names_no_point() -> None:
    for got in (
        at_points(KL + 1),
        at_points(np.full(4, np.nan)),
        at_points(np.ones((4, 2))),
        seen("NoneType", name="kl_uniform"),
    ):
        assert "mu =" not in everything(feedback_on(at_points(KL), got, hidden=True))
    failure = msgspec.structs.replace(failed("ZeroDivisionError", "division by zero"), point="mu = 3")
    assert "mu =" not in everything(explain_failure(failure, HIDDEN))
    assert explain_failure(failure, VISIBLE).headline == "`forward` raised ZeroDivisionError at mu = 3."
