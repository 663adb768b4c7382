"""Python source as HTML lines: the words stay, the classes are those that a lexer of Python gives."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Operator, String

from autograder.report.highlighting import MAX_LINE, MAX_LINES, listing, readable, tokens
from autograder.report.names import Piece

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "reference" / "cs446_hw3").glob("*.py"))

ANY = st.text(st.characters(codec="utf-8"), max_size=80) | st.lists(
    st.sampled_from(['"""', "'''", '"', "'", "\\", "\n", "#", "f'", 'rb"', "def ", "x", "1.5e3", "@a", " ", "\0", "é"])
).map("".join)


def words(lines: list[str]) -> str:
    return "\n".join(html.unescape(re.sub(r"</?(?:i|bdi)\b[^>]*>", "", line)) for line in lines)


@given(ANY)
def test_tokens_are_all_of_the_text(text: str) -> None:
    assert "".join(word for _, word in tokens(text)) == text


@given(ANY)
def test_lines_hold_the_text_and_no_markup_of_it(text: str) -> None:
    lines = listing(text)
    assert words(lines) == readable(text)
    assert len(lines) == text.count("\n") + 1
    for line in lines:
        bare = re.sub(r'<i class="[a-z]">|</i>', "", line)
        assert not re.search(r"[<>\"']", bare)
        assert line.count("<i ") == line.count("</i>"), "a class ends with its line"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_classes_are_those_of_pygments(path: Path) -> None:
    """Comments, strings and keywords of real code, character by character. (Pygments looks into f-strings.)"""
    text = re.sub(r"\bf(?=[\"'])", " ", path.read_text())
    ours = "".join((name or " ") * len(word) for name, word in tokens(text))
    theirs = [" "] * len(text)
    for at, kind, word in PythonLexer().get_tokens_unprocessed(text):
        letter = (
            "c"
            if kind in Comment
            else "s"
            if kind in String
            else "k"
            if kind in Keyword or kind is Operator.Word
            else " "
        )
        theirs[at : at + len(word)] = letter * len(word)
    assert re.sub("[^csk]", " ", ours) == "".join(theirs)


def test_definitions_builtins_numbers_and_decorators() -> None:
    found = [(name, word) for name, word in tokens("@a.b\ndef f(self):\n    return len(x @ y) + 1.5e3\n") if name]
    assert found == [
        ("d", "@a.b"), ("k", "def"), ("f", "f"), ("b", "self"), ("k", "return"), ("b", "len"), ("m", "1.5e3"),
    ]  # fmt: skip


def test_names_cut_tokens_where_they_begin_and_end() -> None:
    text = "x = 1  # by Ada\nada.lovelace = 'Ada'\n"

    def find(text: str) -> list[Piece]:
        return [
            Piece(piece, "Student 1" if piece.lower().startswith("ada") else "")
            for piece in re.split(r"(?i)(ada\.lovelace|ada)", text)
        ]

    assert listing(text, find) == [
        'x = <i class="m">1</i>  <i class="c"># by </i><bdi data-n="Student 1">Ada</bdi>',
        '<bdi data-n="Student 1">ada.lovelace</bdi> = <i class="s">&#39;</i>'
        '<bdi data-n="Student 1">Ada</bdi><i class="s">&#39;</i>',
        "",
    ]
    assert words(listing(text, find)) == text
    assert "Ada" not in words(listing(text, find, hide_names=True))


def test_what_would_hide_or_reorder_text_is_shown() -> None:
    assert readable("a\u202eb\u200bc\x00d") == "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0000⟩d"
    assert readable("a\tb") == "a   b"
    assert "⟨U+000C⟩" in readable("\x0cdef")
    assert readable("\u3000x\u00a0y") == " x y"


def test_what_is_endless_is_cut() -> None:
    assert readable("a" * (MAX_LINE + 7)).endswith("… [7 characters cut]")
    lines = readable("\n" * (MAX_LINES + 9)).split("\n")
    assert len(lines) == MAX_LINES + 1
    assert lines[-1] == "… [10 lines cut]"


@pytest.mark.parametrize("unit", ['"""', "'", '"\\', "f'", "#", "@", "@a ", "1.", "rb", '"""\\', "\\\n", "((("])
def test_time_grows_with_the_text_alone(unit: str) -> None:
    """No text is slow: sixteen times as much takes nowhere near 16² times as long."""

    def seconds(count: int) -> float:
        text = unit * count
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            for _ in tokens(text):
                pass
            best = min(best, time.process_time() - started)
        return best

    assert seconds(32_000) < 80 * max(seconds(2_000), 1e-4)
