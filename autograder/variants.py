"""Readings and misconceptions: other behaviours than the reference's, as patches of it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Literal

import msgspec

from autograder.errors import UserError
from autograder.homework import Homework, read_toml
from autograder.questions import matches

REFERENCE = "reference"


class Patch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replace the one occurrence of `old` in `file` by `new`. A notebook's text is that of its code cells."""

    file: str
    old: str
    new: str


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A behaviour that the handout allows beside the reference's: full marks on what it `accepts`."""

    name: str
    file: str
    old: str
    new: str
    accepts: tuple[str, ...]
    says: str
    more: tuple[Patch, ...] = ()


class Misconception(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A known wrong behaviour: the graders that it `fails`, what a student is told, the credit left."""

    name: str
    file: str
    old: str
    new: str
    fails: tuple[str, ...]
    says: str
    credit: float = 0.0
    more: tuple[Patch, ...] = ()


class _VariantsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reading: tuple[Reading, ...] = ()
    misconception: tuple[Misconception, ...] = ()


class Variant(msgspec.Struct, frozen=True):
    """A reading or misconception as it is recorded and shipped: without its patches.

    Attributes:
        numbers: the graders that a reading is accepted on, or that a misconception fails.
    """

    name: str
    kind: Literal["reference", "reading", "misconception"]
    numbers: tuple[str, ...] = ()
    says: str = ""
    credit: float = 0.0

    def concerns(self, number: str) -> bool:
        """Whether this variant names the grader `number`; a hidden twin goes with its visible grader."""
        return matches(number, self.numbers)


def load_variants(homework: Homework) -> list[tuple[Variant, dict[str, str]]]:
    """Every variant of a homework with the texts of its files, the reference first.

    Raises:
        UserError: where a patch does not fit the reference exactly once or leaves no Python, or a name
            is used twice.
    """
    texts = {file.path: homework.source_text(file.path) for file in homework.declaration.files}
    variants = [(Variant(name=REFERENCE, kind="reference"), texts)]
    for path in sorted(homework.reference.glob("variants*.toml")):
        declared = read_toml(path, _VariantsFile)
        for reading in declared.reading:
            variant = Variant(name=reading.name, kind="reading", numbers=reading.accepts, says=reading.says)
            variants.append((variant, apply_patches(reading, texts, path)))
        for wrong in declared.misconception:
            if not 0.0 <= wrong.credit < 1.0:
                raise UserError(
                    f"credit is {wrong.credit}", where=f"{path}: {wrong.name!r}", remedy="Give 0 or more, below 1."
                )
            variant = Variant(
                name=wrong.name, kind="misconception", numbers=wrong.fails, says=wrong.says, credit=wrong.credit
            )
            variants.append((variant, apply_patches(wrong, texts, path)))
    names = [variant.name for variant, _ in variants]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two variants are called {name!r}", where=str(homework.reference))
    return variants


def apply_patches(variant: Reading | Misconception, texts: dict[str, str], path: Path) -> dict[str, str]:
    """The reference's texts with a variant's patches applied."""
    patched = dict(texts)
    where = f"{path}: {variant.name!r}"
    for patch in (Patch(file=variant.file, old=variant.old, new=variant.new), *variant.more):
        if patch.file not in patched:
            raise UserError(
                f"there is no file {patch.file!r}", where=where, remedy=f"Files here: {', '.join(sorted(texts))}."
            )
        occurrences = patched[patch.file].count(patch.old)
        if occurrences != 1:
            raise UserError(
                f"`old` occurs {occurrences} times in {patch.file}, not once: {patch.old.strip()[:80]!r}",
                where=where,
                remedy="Quote enough of the reference's text to make it unique.",
            )
        patched[patch.file] = patched[patch.file].replace(patch.old, patch.new)
    for file, text in patched.items():
        if text != texts[file]:
            _check_python(file, text, where)
    return patched


def _check_python(file: str, text: str, where: str) -> None:
    try:
        ast.parse(text)
    except SyntaxError as error:
        line = f"line {error.lineno}: {(error.text or '').strip()}"
        raise UserError(f"the patched {file} is no Python any more: {error.msg}, {line}", where=where) from error
