"""What decides a verdict changes its key; what only shows or weighs it does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from made_up_class import SOLUTION
from tiny_homework import TinyHomework

from autograder.grading import Place
from autograder.limits import GraderLimits
from autograder.manifest import Grader, Manifest, read_manifest
from autograder.regrade.keys import (
    NOT_DECIDING,
    NOT_HARNESS,
    PACKAGE,
    Environment,
    grader_keys,
    harness_digest,
    submission_digest,
    torch_version,
)
from autograder.sandbox.protocol import Source
from autograder.sandbox.runner import Sandbox
from autograder.submission import WantedFile, find_submission

HERE = Environment(python="3.11.7", torch="2.5", numpy="2.1", machine="linux x86_64", level=3, harness="abc")
replace = msgspec.structs.replace


@pytest.fixture
def place(recorded_tiny: TinyHomework) -> Place:
    return Place.of(recorded_tiny.load().expectations)


@pytest.fixture
def manifest(place: Place) -> Manifest:
    return read_manifest(place.expectations)


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    """Ends of the ids of the graders whose key is another."""
    assert before.keys() == after.keys()
    return {id.partition(".test_")[2] for id in before if before[id] != after[id]}


def with_first(manifest: Manifest, **fields: Any) -> Manifest:
    """The manifest with another first grader (energy)."""
    first, *others = manifest.graders
    return replace(manifest, graders=(replace(first, **fields), *others))


ALL = {"energy", "energy.hidden", "noise", "spread"}
ENERGY = {"energy", "energy.hidden"}


@pytest.mark.parametrize(
    "fields",
    [
        {"weight": 1.5},
        {"title": "Another title"},
        {"visibility": "after_due_date"},
        {"tags": ("another",)},
        {"reference_seconds": 7.0},
    ],
    ids=str,
)
def test_what_only_shows_or_weighs(manifest: Manifest, place: Place, fields: dict[str, Any]) -> None:
    assert not changed(grader_keys(manifest, place, HERE), grader_keys(with_first(manifest, **fields), place, HERE))


@pytest.mark.parametrize(
    "fields",
    [
        {"source": Source("test_tiny.py", "def test_energy(): pass")},
        {"function": "test_other"},
        {"arguments": ("observe",)},
        {"modules": ()},
        {"seed": 99},
        {"limits": GraderLimits(seconds=1.0)},
        {"hidden": True},
        {"hide_errors": "No."},
        {"preload": ("sympy",)},
    ],
    ids=str,
)
def test_what_decides_one_grader(manifest: Manifest, place: Place, fields: dict[str, Any]) -> None:
    after = grader_keys(with_first(manifest, **fields), place, HERE)
    assert changed(grader_keys(manifest, place, HERE), after) == {"energy"}


def test_every_field_of_a_grader_is_on_one_side() -> None:
    """Whoever adds one to a grader is asked here on which side it is."""
    deciding = set(Grader.__struct_fields__) - NOT_DECIDING
    assert deciding == {
        "source", "function", "arguments", "modules", "seed", "limits", "hidden", "hide_errors", "preload",
    }  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"student_seed": 5},
        {"given": {"tiny_utils": (Source("tiny_utils.py", "WIDTH = 4"),)}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_decides_every_grader(manifest: Manifest, place: Place, fields: dict[str, Any]) -> None:
    after = grader_keys(replace(manifest, **fields), place, HERE)
    assert changed(grader_keys(manifest, place, HERE), after) == ALL


@pytest.mark.parametrize(
    "fields",
    [{"title": "x"}, {"points": 99.0}, {"parts": {"1": "x"}}, {"template_floor": 1.0}],
    ids=lambda fields: next(iter(fields)),
)
def test_what_is_said_about_the_homework(manifest: Manifest, place: Place, fields: dict[str, Any]) -> None:
    assert not changed(grader_keys(manifest, place, HERE), grader_keys(replace(manifest, **fields), place, HERE))


@pytest.mark.parametrize("field", Environment.__struct_fields__)
def test_where_it_is_run(manifest: Manifest, place: Place, field: str) -> None:
    other = replace(HERE, **{field: 2 if field == "level" else "another"})
    assert changed(grader_keys(manifest, place, HERE), grader_keys(manifest, place, other)) == ALL
    assert HERE.differences(other) == [f"{field}: {getattr(HERE, field)} here, {getattr(other, field)} there"]


def test_numerics_count_where_torch_is_another(manifest: Manifest, place: Place) -> None:
    other = replace(manifest, numerics={"sum": (1.0,)})
    assert changed(grader_keys(manifest, place, HERE), grader_keys(other, place, HERE)) == ALL
    same = replace(HERE, torch=manifest.versions.torch)
    assert not changed(grader_keys(manifest, place, same), grader_keys(other, place, same))


@pytest.mark.parametrize(
    ("name", "fields", "concerned"),
    [
        ("factor one half forgotten", {"says": "Other words."}, ENERGY),
        ("factor one half forgotten", {"credit": 0.25}, ENERGY),
        ("summed over the features", {"says": "Other words."}, ENERGY),
        ("variance used as standard deviation", {"says": "Other words."}, {"noise", "spread"}),
        ("mean over the batch", {"numbers": ("1.a", "1.c")}, {"spread"}),
    ],
)
def test_variants_concern_their_graders(
    manifest: Manifest, place: Place, name: str, fields: dict[str, Any], concerned: set[str]
) -> None:
    variants = [replace(each, **fields) if each.name == name else each for each in manifest.variants]
    after = grader_keys(replace(manifest, variants=tuple(variants)), place, HERE)
    assert changed(grader_keys(manifest, place, HERE), after) == concerned


def test_expectations_concern_their_grader(manifest: Manifest, place: Place) -> None:
    before = grader_keys(manifest, place, HERE)
    (path,) = place.expectations.glob("observations/*spread.obs")
    path.write_bytes(path.read_bytes() + b"x")
    assert changed(before, grader_keys(manifest, place, HERE)) == {"spread"}
    path.unlink()
    assert changed(before, grader_keys(manifest, place, HERE)) == {"spread"}


def test_data_concern_every_grader(manifest: Manifest, place: Place, tmp_path: Path) -> None:
    before = grader_keys(manifest, place, HERE)
    copy = tmp_path / "data"
    shutil.copytree(place.data, copy)
    assert not changed(before, grader_keys(manifest, Place(place.expectations, copy), HERE))
    (copy / "more").write_bytes(b"x")
    assert changed(before, grader_keys(manifest, Place(place.expectations, copy), HERE)) == ALL


def test_torch_says_its_version_itself(sandbox: Sandbox) -> None:
    sandbox.preload(())
    assert torch_version() == sandbox.torch


def test_the_harness_without_what_decides_nothing() -> None:
    assert all((PACKAGE / name).exists() for name in NOT_HARNESS)
    assert {"judging.py", "comparison.py", "grading.py", "sandbox", "probes", "submission.py"}.isdisjoint(NOT_HARNESS)
    assert len(harness_digest()) == 32


# --- submissions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def digest_of(tmp_path: Path) -> Callable[..., bytes]:
    def run(folder: str = "a", **files: str) -> bytes:
        place = tmp_path / folder
        place.mkdir(parents=True)
        for name, text in files.items():
            (place / f"{name}.py").write_text(text)
        return submission_digest(find_submission(place, [WantedFile("tiny_energy", "tiny_energy.py", ("energy",))]))

    return run


def test_twins_are_told_by_nothing(digest_of: Callable[..., bytes]) -> None:
    assert digest_of("a", tiny_energy=SOLUTION) == digest_of("elsewhere/b", tiny_energy=SOLUTION)


def test_a_submission_is_what_its_code_can_reach(digest_of: Callable[..., bytes]) -> None:
    alike = [
        digest_of("a", tiny_energy=SOLUTION),
        digest_of("b", tiny_energy=SOLUTION + "#"),
        digest_of("c", Tiny_Energy=SOLUTION),  # messages show this name
        digest_of("d", tiny_energy=SOLUTION, beside="x = 1"),
        digest_of("e", tiny_energy=SOLUTION, beside="x = 2"),
        digest_of("f"),
        digest_of("g", other="x = 1"),
        digest_of("h", tiny_energy="\ud800".encode("utf-8", "surrogatepass").decode("latin-1")),
    ]
    assert len(set(alike)) == len(alike)
