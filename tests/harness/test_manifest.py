"""What recording leaves comes back as it was, or is refused with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from made_up import a_grader, failed, seen, together
from tiny_homework import TinyHomework

from autograder.errors import UserError
from autograder.manifest import (
    FORMAT,
    GraderExpectations,
    fingerprint,
    grader_id,
    read_expectations,
    read_manifest,
    select,
    write_expectations,
)
from autograder.observation import Header, Observation, encode_frame
from autograder.sandbox.protocol import Source

RECORDED = GraderExpectations(
    {
        "reference": together(a=seen(np.arange(6.0).reshape(2, 3)), b=seen("[1]", "exact"), c=seen(np.float32(3))),
        "a reading | with a bar": together(a=seen(np.ones(2)), b=seen("[2]", "exact"), c=seen("NoneType")),
        "one that raises": seen(failure=failed()),
    }
)


def test_expectations_come_back_as_they_were(recorded_tiny: TinyHomework, tmp_path: Path) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    grader = a_grader()
    folder = tmp_path / "written"
    folder.mkdir()
    write_expectations(folder, select(manifest, [grader]), {grader.id: RECORDED})
    assert read_manifest(folder) == select(manifest, [grader])
    back = read_expectations(folder, grader)
    assert list(back.observations) == list(RECORDED.observations)
    for name, observation in RECORDED.observations.items():
        other = back.observations[name]
        assert other.entries == observation.entries
        assert other.failure == observation.failure
        assert other.arrays.keys() == observation.arrays.keys()
        assert all(np.array_equal(other.arrays[key], array) for key, array in observation.arrays.items())
    assert back.reference is back.observations["reference"]


def test_writing_twice_gives_the_same_bytes(recorded_tiny: TinyHomework, tmp_path: Path) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    written = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_expectations(tmp_path / name, select(manifest, [a_grader()]), {a_grader().id: RECORDED})
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        written.append([(path.relative_to(tmp_path / name), path.read_bytes()) for path in files])
    assert written[0] == written[1]


def test_the_reference_must_be_there() -> None:
    with pytest.raises(ValueError, match="reference's observation is missing"):
        GraderExpectations({"a reading": seen()})


# --- what cannot be read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), "nothing is recorded here"),
        (lambda path: path.write_bytes(b"{"), "not a manifest of this version"),
        (lambda path: path.write_bytes(b"[]"), "not a manifest of this version"),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b'"graders"', b'"tests"')),
            "not a manifest of this version",
        ),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b'"format": %d' % FORMAT, b'"format": 99')),
            f"recorded in format 99, this is format {FORMAT}",
        ),
    ],
)
def test_a_manifest_that_cannot_be_read(recorded_tiny: TinyHomework, change, message: str) -> None:  # type: ignore[no-untyped-def]
    folder = recorded_tiny.load().expectations
    change(folder / "manifest.json")
    with pytest.raises(UserError, match=message) as caught:
        read_manifest(folder)
    assert caught.value.where == str(folder / "manifest.json")
    assert "autograder record" in caught.value.remedy


class Unrelated(msgspec.Struct):
    recorded: int = 3


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"OBS1junk",
        encode_frame(Header(), {}),
        encode_frame(Header(notes=("not json",)), {}),
        encode_frame(Header(notes=(msgspec.json.encode(Unrelated()).decode(),)), {}),
        encode_frame(Header(notes=('{"recorded": []}',)), {}),
        encode_frame(Header(notes=('{"grader": "0", "recorded": []}',)), {}),
    ],
    ids=["missing", "empty", "junk", "no index", "no json", "another index", "no grader", "another grader"],
)
def test_expectations_that_cannot_be_read(recorded_tiny: TinyHomework, content: bytes | None) -> None:
    folder = recorded_tiny.load().expectations
    grader = read_manifest(folder).graders[0]
    path = folder / "observations" / f"{grader.id}.obs"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(UserError, match="cannot read what was recorded for this grader") as caught:
        read_expectations(folder, grader)
    assert caught.value.where == str(path)
    assert "autograder record" in caught.value.remedy


def test_a_reference_is_needed_in_the_file_too(tmp_path: Path, recorded_tiny: TinyHomework) -> None:
    grader = read_manifest(recorded_tiny.load().expectations).graders[0]
    (tmp_path / "observations").mkdir()
    index = msgspec.json.encode({"grader": fingerprint(grader), "recorded": []}).decode()
    (tmp_path / "observations" / f"{grader.id}.obs").write_bytes(encode_frame(Header(notes=(index,)), {}))
    with pytest.raises(UserError, match="the reference's observation is missing"):
        read_expectations(tmp_path, grader)


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        ({}, False),
        ({"title": "Another title", "weight": 1.0, "reference_seconds": 3.0, "preload": ("torch.optim",)}, False),
        ({"source": Source("moved.py", "def test_x(observe): observe(x=1)")}, False),
        ({"source": Source("test_x.py", "def test_x(observe): observe(x=2)")}, True),
        ({"function": "test_y"}, True),
        ({"arguments": ("rng", "observe")}, True),
        ({"seed": 2}, True),
    ],
)
def test_observations_of_a_grader_that_has_changed_are_stale(
    tmp_path: Path, recorded_tiny: TinyHomework, change: dict[str, Any], stale: bool
) -> None:
    manifest = select(read_manifest(recorded_tiny.load().expectations), [a_grader()])
    write_expectations(tmp_path, manifest, {a_grader().id: RECORDED})
    later = msgspec.structs.replace(a_grader(), **change)
    if not stale:
        assert read_expectations(tmp_path, later).observations.keys() == RECORDED.observations.keys()
        return
    with pytest.raises(UserError, match="it is stale: the grader has changed since") as caught:
        read_expectations(tmp_path, later)
    assert "autograder record" in caught.value.remedy


def test_the_manifest_of_a_homework(recorded_tiny: TinyHomework) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    assert manifest.part("1.a.hidden") == ("1", "Energy and noise")
    assert manifest.part("7") == ("", "")
    assert manifest.versions.torch
    assert [grader.number for grader in manifest.graders] == ["1.a", "1.a.hidden", "1.b", "1.c"]
    assert manifest.variants[0].name == "reference"


@pytest.mark.parametrize(
    ("file", "function", "hidden", "expected"),
    [
        ("test_gan.py", "test_logits", False, "test_gan.test_logits"),
        ("test_gan.py", "test_logits", True, "test_gan.test_logits.hidden"),
        ("a b/../c.py", "test_ü", False, "c.test__"),
    ],
)
def test_an_id_is_safe_as_a_file_name(file: str, function: str, hidden: bool, expected: str) -> None:
    assert grader_id(file, function, hidden=hidden) == expected


def test_observations_of_one_grader_do_not_mix(tmp_path: Path, recorded_tiny: TinyHomework) -> None:
    """Eleven variants: the keys of the second begin like those of the twelfth."""
    names = ["reference", *(f"v{number}" for number in range(1, 12))]
    recorded = GraderExpectations({name: seen(np.array(float(index))) for index, name in enumerate(names)})
    manifest = select(read_manifest(recorded_tiny.load().expectations), [a_grader()])
    write_expectations(tmp_path, manifest, {a_grader().id: recorded})
    back = read_expectations(tmp_path, a_grader())
    for index, name in enumerate(names):
        observation: Observation = back.observations[name]
        assert {key: array.tolist() for key, array in observation.arrays.items()} == {"0": index}
