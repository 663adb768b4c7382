"""Another torch than the recorded one: harmless, or the harness's fault, and never a student's."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from tiny_homework import TinyHomework

from autograder.feedback import GraderResult
from autograder.grading import Place, grade
from autograder.manifest import Manifest, read_manifest
from autograder.numerics import compute, differences
from autograder.sandbox.runner import Sandbox
from autograder.submission import find_submission

MISTAKEN = """
import torch

def energy(x):
    return x.square().mean(dim=1)

def noise(n, sigma_square):
    raise ValueError("not today")
"""


def graded(tiny: TinyHomework, sandbox: Sandbox, manifest: Manifest, folder: Path) -> dict[str, GraderResult]:
    folder.mkdir()
    (folder / "tiny_energy.py").write_text(MISTAKEN)
    found = find_submission(folder, [file.wanted for file in manifest.files])
    results = grade(manifest, Place.of(tiny.load().expectations), found, sandbox)
    return {result.number: result for result in results}


def of_another_torch(manifest: Manifest, factor: float) -> Manifest:
    numerics = {name: tuple(factor * value for value in values) for name, values in manifest.numerics.items()}
    versions = msgspec.structs.replace(manifest.versions, torch="1.0.0")
    return msgspec.structs.replace(manifest, numerics=numerics, versions=versions)


def test_the_same_torch_computes_the_same(recorded_tiny: TinyHomework, sandbox: Sandbox) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    computed = compute(sandbox)
    assert computed == manifest.numerics
    assert len(computed) >= 9
    assert all(len(values) and np.isfinite(values).all() for values in computed.values())
    assert sandbox.torch == manifest.versions.torch


@pytest.mark.parametrize("change", [1e-3, -1e-3])
def test_every_computation_is_compared(sandbox: Sandbox, change: float) -> None:
    computed = compute(sandbox)
    for name, values in computed.items():
        moved = tuple(value * (1 + change) + change for value in values)
        assert differences(computed, {**computed, name: moved}) == [name]
        assert differences(computed, {**computed, name: values[1:]}) == [name]
    assert (
        differences(
            computed, {name: tuple(value * (1 + 1e-6) for value in values) for name, values in computed.items()}
        )
        == []
    )


def test_a_torch_that_rounds_otherwise_changes_no_verdict(
    recorded_tiny: TinyHomework, sandbox: Sandbox, tmp_path: Path
) -> None:
    manifest = of_another_torch(read_manifest(recorded_tiny.load().expectations), 1 + 1e-6)
    results = graded(recorded_tiny, sandbox, manifest, tmp_path / "x")
    assert {result.feedback.verdict for result in results.values()} == {"failed"}
    assert results["1.a"].feedback.headline == "Factor one half forgotten."


def test_a_torch_that_computes_otherwise_makes_wrong_values_nobodys_fault(
    recorded_tiny: TinyHomework, sandbox: Sandbox, tmp_path: Path
) -> None:
    """An exception in the student's code stays the student's."""
    manifest = of_another_torch(read_manifest(recorded_tiny.load().expectations), 1.5)
    results = graded(recorded_tiny, sandbox, manifest, tmp_path / "x")
    verdicts = {number: result.feedback.verdict for number, result in results.items()}
    assert verdicts == {"1.a": "faulty", "1.a.hidden": "faulty", "1.b": "failed", "1.c": "failed"}
    (said,) = results["1.a"].feedback.staff
    assert f"torch {sandbox.torch} does not compute what torch 1.0.0 did" in said
    assert "convolution" in said


def test_the_same_version_is_believed(recorded_tiny: TinyHomework, sandbox: Sandbox, tmp_path: Path) -> None:
    """What is computed once more is what another version may have changed."""
    manifest = read_manifest(recorded_tiny.load().expectations)
    strange = msgspec.structs.replace(of_another_torch(manifest, 1.5), versions=manifest.versions)
    assert graded(recorded_tiny, sandbox, strange, tmp_path / "x")["1.a"].feedback.verdict == "failed"
