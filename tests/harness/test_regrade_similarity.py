"""Alike code: copies are found however they are dressed up, and honest work is not accused."""

from __future__ import annotations

import random
import re
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.homework import load_homework
from autograder.regrade import similarity
from autograder.regrade.handins import Handin, Person
from autograder.regrade.similarity import AlikePair, Likeness, Lines, code_of, find_alike, template_code
from autograder.slicing import Chunk
from autograder.submission import FoundFile

TEMPLATE = '''"""A homework."""
import torch
from torch import nn


class Net(nn.Module):
    """The network of the handout, which has many layers."""

    def __init__(self):
        super().__init__()
        ### YOUR CODE HERE
        raise NotImplementedError("write the layers of the network of the handout")

    def forward(self, x):
        ### YOUR CODE HERE
        raise NotImplementedError("write the layers of the network of the handout")


def helper_that_was_given(values, weights, offset, scale):
    """Given."""
    total = 0
    for value, weight in zip(values, weights):
        total = total + value * weight * scale + offset - scale * scale
        if total > 100 and offset < 3:
            total = total / 2 + offset * 7 - weight
    return total
'''


def _term(chance: random.Random, names: list[str]) -> str:
    return chance.choice([*names, str(chance.randint(2, 99)), f"torch.f{chance.randint(0, 40)}(v1)"])


def program(seed: int, statements: int = 25) -> str:
    """A function that nobody else would write."""
    chance = random.Random(seed)
    names = [f"v{number}" for number in range(6)]
    lines = ["def solve(v0, v1, v2, v3, v4, v5):"]
    for _ in range(statements):
        operators = [chance.choice("+-*/") for _ in range(4)]
        terms = [
            chance.choice([*names, str(chance.randint(2, 99)), f"torch.f{chance.randint(0, 40)}(v1)"]) for _ in range(5)
        ]
        formula = terms[0] + "".join(f" {op} {term}" for op, term in zip(operators, terms[1:], strict=True))
        lines.append(f"    {chance.choice(names)} = {formula}")
    return "\n".join([*lines, "    return v0", ""])


def found(*texts: str, module: str = "hw3") -> FoundFile:
    return FoundFile(module, "hw3.py", tuple(Chunk(f"hw3.py[{n}]", text) for n, text in enumerate(texts)))


def handin(id: str, *people: Person, attempt: str = "") -> Handin:
    return Handin(id, people or (Person(id),), Path(id), attempt=attempt)


def alike(texts: dict[str, str], template: str = TEMPLATE) -> Likeness:
    return find_alike([(handin(id), [found(text)]) for id, text in texts.items()], {"hw3": template})


def pairs(texts: dict[str, str], template: str = TEMPLATE) -> list[tuple[str, str]]:
    return [(pair.first, pair.second) for pair in alike(texts, template).pairs]


def others(count: int = 5) -> dict[str, str]:
    return {f"other{seed}": TEMPLATE + program(1000 + seed) for seed in range(count)}


def test_a_copy_is_found_and_others_are_not() -> None:
    likeness = alike({"ada": TEMPLATE + program(1), "bob": TEMPLATE + program(1), **others()})
    (pair,) = likeness.pairs
    assert (pair.first, pair.second, pair.file) == ("ada", "bob", "hw3")
    assert pair.share_first == pair.share_second == 1
    first = TEMPLATE.count("\n") + 1
    (piece,) = pair.pieces
    assert piece.first == piece.second == Lines(first, first + program(1).count("\n") - 1)


def renamed(text: str) -> str:
    return re.sub(r"\bv(\d)\b", lambda match: f"quantity_{match[1]}", text)


def laid_out_anew(text: str) -> str:
    text = text.replace(" + ", "  +  ").replace("\n", "  # mine\n\n")
    return "# my own work\n" + text.replace("    return", "    '''what I\n    did'''\n    return")


def indented(text: str) -> str:
    return "class Mine:\n" + textwrap.indent(text, "        ")


def reordered(text: str) -> str:
    """In blocks of eight lines, from the last to the first."""
    lines = text.split("\n")
    blocks = [lines[at : at + 8] for at in range(0, len(lines), 8)]
    return "\n".join(line for block in reversed(blocks) for line in block)


@pytest.mark.parametrize("disguise", [renamed, laid_out_anew, indented, reordered])
def test_a_disguised_copy_is_found(disguise: object) -> None:
    copy = disguise(program(1))  # type: ignore[operator]
    (pair,) = alike({"ada": TEMPLATE + program(1), "bob": TEMPLATE + copy, **others()}).pairs
    assert (pair.first, pair.second) == ("ada", "bob")
    assert min(pair.share_first, pair.share_second) > 0.75


def test_a_copy_within_a_longer_file_is_alike_on_one_side() -> None:
    longer = TEMPLATE + program(2, 60) + program(1) + program(3, 60)
    (pair,) = alike({"ada": TEMPLATE + program(1), "bob": longer}).pairs
    assert pair.share_first > 0.9
    assert pair.share_second < 0.3
    start = code_of(found(longer)).split("\n").index(program(1).split("\n")[1]) + 1
    assert any(piece.second.start <= start <= piece.second.end for piece in pair.pieces)


def test_lines_are_those_of_the_text_that_is_shown() -> None:
    mine = "x = 1\n" * 3 + program(1)
    (pair,) = find_alike(
        [(handin("ada"), [found("# one cell\n", "a = 1", mine)]), (handin("bob"), [found(program(1))])], {}
    ).pairs
    shown = code_of(found("# one cell\n", "a = 1", mine)).split("\n")
    (piece,) = pair.pieces
    assert shown[piece.first.start - 1].startswith("def solve")
    assert shown[piece.first.end - 1] == "    return v0"
    assert piece.second == Lines(1, 27)


def test_the_template_is_nobodys_own() -> None:
    untouched = {"ada": TEMPLATE, "bob": TEMPLATE}
    assert pairs(untouched) == []
    assert pairs(untouched, template="") == [("ada", "bob")], "the control: without the template they are alike"
    assert pairs({"ada": TEMPLATE + program(1), "bob": TEMPLATE + program(2)}) == []
    assert pairs({"ada": TEMPLATE.replace("    ", "  ") + "x = 1", "bob": TEMPLATE + "y = 2"}) == []


def test_little_own_code_is_not_alike() -> None:
    small = program(1, statements=3)
    assert pairs({"ada": TEMPLATE + small, "bob": TEMPLATE + small}) == []
    assert pairs({"ada": "", "bob": "", "carl": "\n\n# x\n"}) == []
    assert pairs({"ada": TEMPLATE + program(1), "bob": TEMPLATE + program(1)}) == [("ada", "bob")]


def test_what_most_of_the_class_wrote_is_no_sign() -> None:
    answer = program(7)
    few = {f"s{number}": TEMPLATE + answer for number in range(4)}
    assert len(pairs(few)) == 6, "in a small class there is no telling"
    most = {f"s{number}": TEMPLATE + answer + program(number) for number in range(12)}
    most["thief"] = TEMPLATE + answer + program(3)
    assert pairs(most) == [("s3", "thief")]


def test_attempts_of_one_student_are_not_compared_and_namesakes_are() -> None:
    text = program(1)
    ada = Person("Ada", "1")
    graded = [(handin("a", ada), [found(text)]), (handin("b", ada, attempt="2 of 2"), [found(text)])]
    assert find_alike(graded, {}).pairs == ()
    graded = [(handin("a", Person("Ada"), attempt="1 of 2"), [found(text)])]
    assert find_alike([*graded, (handin("b", Person("Ada"), attempt="2 of 2"), [found(text)])], {}).pairs == ()
    graded = [(handin(id, Person("Jane Doe")), [found(text)]) for id in ("jane_1", "jane_2")]
    assert len(find_alike(graded, {}).pairs) == 1


def test_files_are_compared_with_those_for_the_same_module() -> None:
    text = program(1)
    graded = [(handin("a"), [found(text, module="gan"), found(program(2), module="vae")])]
    graded += [(handin("b"), [found(text, module="vae"), found(program(3), module="gan")])]
    assert find_alike(graded, {}).pairs == ()
    graded += [(handin("c"), [found(text, module="vae")])]
    assert [(pair.first, pair.second, pair.file) for pair in find_alike(graded, {}).pairs] == [("b", "c", "vae")]


def test_the_most_alike_come_first_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "MAX_PAIRS", 3)
    texts = {f"s{n}": program(1) + (program(n, 3 * n) if n else "") for n in range(5)}
    likeness = alike(texts)
    shares = [pair.share_first + pair.share_second for pair in likeness.pairs]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert "10 pairs" in likeness.notes[0]
    monkeypatch.setattr(similarity, "MAX_COMPARED", 2)
    assert "2 of them were compared" in alike(texts).notes[0]


def test_the_same_in_every_run_and_order() -> None:
    texts = {f"s{n}": program(n % 7) + program(n) for n in range(20)}

    def found_in(order: list[str]) -> set[tuple[frozenset[str], float]]:
        likeness = alike({id: texts[id] for id in order})
        return {(frozenset((pair.first, pair.second)), _larger(pair)) for pair in likeness.pairs}

    forth = found_in(sorted(texts))
    assert forth
    assert forth == found_in(sorted(texts, reverse=True))


def _larger(pair: AlikePair) -> float:
    return round(max(pair.share_first, pair.share_second), 1)


@pytest.mark.parametrize(
    "text",
    [
        " \n" * 150_000,
        "\n" * 300_000,
        '"' * 300_001,
        "'''" * 100_000 + "\\",
        '"""\\' * 70_000,
        "x = " * 80_000,
        "a b c d e f g h " * 20_000,
        "(" * 300_000,
        "@" * 300_000,
        "\\\n" * 150_000,
        "1_" * 150_000,
        "".join(random.Random(3).choices("ab ", k=300_000)),
        "\ud800\0\x1b" * 1000,
    ],
    ids=lambda text: ascii(text[:5]),  # a name of 300,000 letters goes from process to process
)
def test_hostile_text_costs_little(text: str) -> None:
    """In quadratic time each of these would take longer than a test may."""
    likeness = alike({"ada": text, "bob": text + " x", "carl": TEMPLATE + program(1), "dora": TEMPLATE + program(1)})
    assert ("carl", "dora") in [(pair.first, pair.second) for pair in likeness.pairs]


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ab1.\"'\\\n #fr()=ü\ud800"), max_size=200))
def test_tokens_cover_any_text(text: str) -> None:
    tokens = list(similarity._tokens(text))
    lines = [line for _, line in tokens]
    assert lines == sorted(lines)
    assert all(line <= text.count("\n") for line in lines)
    assert all(match.group() for match in similarity._TOKEN.finditer(text))
    assert sum(len(match.group()) for match in similarity._TOKEN.finditer(text)) == len(text)


def test_time_grows_with_the_class_and_not_with_its_pairs() -> None:
    def seconds(count: int) -> float:
        texts = {f"s{n}": TEMPLATE + program(n, 60) for n in range(count)}
        started = time.process_time()
        assert pairs(texts) == []
        return time.process_time() - started

    seconds(20)
    few, many = min(seconds(60) for _ in range(2)), min(seconds(240) for _ in range(2))
    assert many < 8 * few, "four times as many, sixteen times as many pairs"


@pytest.mark.parametrize("name", ["cs446_hw3", "ece8803_ps3"])
def test_templates_of_the_homeworks(name: str) -> None:
    homework = load_homework(name, Path(__file__).resolve().parents[2])
    templates = template_code(homework)
    assert set(templates) == {file.module for file in homework.declaration.files}
    assert all("import" in text for text in templates.values())
    graded = [(handin(id), [found(text, module=module) for module, text in templates.items()]) for id in "ab"]
    assert find_alike(graded, templates).pairs == ()
