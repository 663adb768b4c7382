"""Readings and misconceptions are patches of the reference that fit once, and leave Python."""

from __future__ import annotations

import pytest
from tiny_homework import VARIANTS, TinyHomework

from autograder.errors import UserError
from autograder.questions import matches
from autograder.variants import REFERENCE, Variant, load_variants


def test_variants_are_loaded_in_order_with_their_texts(tiny: TinyHomework) -> None:
    loaded = load_variants(tiny.load())
    assert [(variant.name, variant.kind) for variant, _ in loaded] == [
        (REFERENCE, "reference"),
        ("summed over the features", "reading"),
        ("factor one half forgotten", "misconception"),
        ("mean over the batch", "misconception"),
        ("variance used as standard deviation", "misconception"),
    ]
    texts = {variant.name: files["tiny_energy.py"] for variant, files in loaded}
    assert texts[REFERENCE] == tiny.solution.read_text()
    assert "x.square().sum(dim=1)" in texts["summed over the features"]
    assert len({*texts.values()}) == 5
    forgotten = loaded[2][0]
    assert (forgotten.numbers, forgotten.credit) == (("1.a",), 0.5)
    assert forgotten.says == "The energy has a factor of one half."


def test_several_files_of_variants_are_read_by_name(tiny: TinyHomework) -> None:
    first, marker, rest = VARIANTS.partition("[[misconception]]")
    tiny.variants.write_text(first)
    (tiny.reference / "variants_more.toml").write_text(marker + rest)
    assert len(load_variants(tiny.load())) == 5


def test_without_variants_there_is_the_reference(tiny: TinyHomework) -> None:
    tiny.variants.unlink()
    assert [variant.name for variant, _ in load_variants(tiny.load())] == [REFERENCE]


def test_a_variant_may_have_more_patches(tiny: TinyHomework) -> None:
    more = '\n[[misconception.more]]\nfile = "tiny_energy.py"\nold = "torch.randn(n)"\nnew = "torch.rand(n)"\n'
    tiny.variants.write_text(tiny.variants.read_text() + more)
    text = load_variants(tiny.load())[-1][1]["tiny_energy.py"]
    assert "sigma_square * torch.rand(n)" in text


def test_a_later_patch_sees_the_earlier_one(tiny: TinyHomework) -> None:
    more = '\n[[misconception.more]]\nfile = "tiny_energy.py"\nold = "sigma_square * torch"\nnew = "3 * torch"\n'
    tiny.variants.write_text(tiny.variants.read_text() + more)
    assert "3 * torch.randn(n)" in load_variants(tiny.load())[-1][1]["tiny_energy.py"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('old = "mean(dim=1)"', 'old = "mean(dim=7)"', "`old` occurs 0 times in tiny_energy.py, not once: 'mean"),
        ('old = "mean(dim=1)"', 'old = "x"', r"`old` occurs \d+ times"),
        ('old = "mean(dim=1)"', 'old = ""', r"`old` occurs \d+ times"),
        (
            'new = "mean(dim=0)"',
            'new = "mean(dim=0"',
            r"the patched tiny_energy.py is no Python any more: .*, line 10: return",
        ),
        ("credit = 0.5", "credit = 1.0", "credit is 1.0"),
        ("credit = 0.5", "credit = -0.1", "credit is -0.1"),
        ("credit = 0.5", "credits = 0.5", "unknown field `credits`"),
        ('fails = ["1.a"]\nsays = "The energy', 'says = "The energy', "missing required field `fails`"),
        ('name = "mean over the batch"', 'name = "factor one half forgotten"', "two variants are called"),
        ('name = "mean over the batch"', 'name = "reference"', "two variants are called 'reference'"),
        ("[[reading]]", "[[readings]]", "unknown field `readings`"),
        ("[[reading]]", "[[reading", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(tiny: TinyHomework, old: str, new: str, message: str) -> None:
    tiny.change(tiny.variants, old, new)
    with pytest.raises(UserError, match=message) as caught:
        load_variants(tiny.load())
    assert str(tiny.reference) in caught.value.where


@pytest.mark.parametrize("file", ["other.py", "tiny_utils.py"])
def test_only_files_that_students_hand_in_can_be_patched(tiny: TinyHomework, file: str) -> None:
    """A patch of a given file would have no effect: students' copies of it are not used."""
    text = tiny.variants.read_text().replace('file = "tiny_energy.py"', f'file = "{file}"', 1)
    tiny.variants.write_text(text)
    with pytest.raises(UserError, match=f"there is no file '{file}'") as caught:
        load_variants(tiny.load())
    assert caught.value.remedy == "Files here: tiny_energy.py."


@pytest.mark.parametrize(
    ("number", "patterns", "named"),
    [
        ("4.d", ("4.d",), True),
        ("4.d.1", ("4.d",), True),
        ("4.d.hidden", ("4.d",), True),
        ("4.d.1.hidden", ("4.d.1",), True),
        ("4.d.1", ("4.d.*",), True),
        ("4.d", ("4.d.*",), False),
        ("4.d.10", ("4.d.1",), False),
        ("4.d1", ("4.d",), False),
        ("4.d", ("4.d.1",), False),
        ("4.d", ("4",), True),
        ("4.d", (), False),
        ("4.d", ("4.a", "4.d"), True),
    ],
)
def test_a_number_is_named_by_itself_or_by_what_it_belongs_to(
    number: str, patterns: tuple[str, ...], named: bool
) -> None:
    assert matches(number, patterns) is named
    assert Variant("x", "misconception", patterns).concerns(number) is named
