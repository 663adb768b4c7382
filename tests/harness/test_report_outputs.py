"""What a grader said, read back from results.json: nothing of it is lost, and nothing of it is taken as HTML."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autograder.feedback import Feedback, plain
from autograder.gradescope import MAX_PICTURES, render_html
from autograder.pictures import Picture, encode_png
from autograder.report.outputs import headline_of, plain_text, read_output

WORDS = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    [
        "<b>x</b>",
        "</p><p>",
        "a `code` b",
        "`",
        "Expected:",
        "&amp;",
        "two\nlines",
        '"quotes"',
        "x < y",
        "  lead",
        "e.py, line 3: `a`",
    ]
)


def code_free(text: str) -> str:
    """The words without the backticks that stood around code."""
    return plain(text).replace("`", "").strip()


@given(headline=WORDS, expected=WORDS, actual=WORDS, where=WORDS, help=WORDS, notes=st.lists(WORDS, max_size=3))
def test_all_that_was_said_is_read_back(
    headline: str, expected: str, actual: str, where: str, help: str, notes: list[str]
) -> None:
    feedback = Feedback(
        "failed", headline, expected=expected, actual=actual, where=where, help=help, notes=tuple(notes)
    )
    said = read_output(render_html(feedback))
    assert code_free(plain_text(said.headline)) == code_free(headline)
    texts = {"Expected": expected, "Actual": actual, "Where": where, "Help": help}
    assert {line.label: code_free(plain_text(line.text)) for line in said.lines} == {
        label: code_free(text) for label, text in texts.items() if plain(text).strip()
    }
    assert [code_free(plain_text(line.text)) for line in said.notes] == [
        code_free(note) for note in notes if plain(note).strip()
    ]
    if "`" not in headline:
        assert headline_of(render_html(feedback)).strip() == plain(headline).strip()


def test_code_stays_code_and_blocks_stay_blocks() -> None:
    feedback = Feedback("failed", "`f` raised", expected="1\n2", where="a.py, line 3, in f: x = y", notes=("p\nq", "r"))
    said = read_output(render_html(feedback))
    assert [(piece.text, piece.is_code) for piece in said.headline] == [("f", True), (" raised", False)]
    assert [line.is_block for line in said.lines] == [True, False]
    assert said.lines[1].text[-1] == ("x = y", True)
    assert [line.is_block for line in said.notes] == [True, False]


def test_pictures_come_with_their_captions_and_a_line_counts_the_others() -> None:
    png = encode_png(np.zeros((28, 28), np.uint8))
    pictures = tuple(Picture(f'no "{n}" <b>', png) for n in range(MAX_PICTURES + 2))
    said = read_output(render_html(Feedback("passed", "", pictures=pictures)))
    assert [picture.caption for picture in said.pictures] == [f'no "{n}" <b>' for n in range(MAX_PICTURES)]
    assert said.headline == ()
    assert "2 pictures were left out" in plain_text(said.notes[0].text)


@given(WORDS)
def test_text_of_no_known_form_comes_out_as_text(text: str) -> None:
    said = read_output(text)
    assert all("\0" not in piece.text or "\0" in text for line in said.notes for piece in line.text)
    assert read_output("").notes == ()
