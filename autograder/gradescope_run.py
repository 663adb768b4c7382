"""One run on Gradescope: from /autograder/submission to /autograder/results/results.json."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from autograder.bundle import EXPECTATIONS, PACKAGE
from autograder.feedback import JSON
from autograder.gradescope import ResultsFile
from autograder.grading import Place, grade, planned
from autograder.manifest import Manifest, read_manifest
from autograder.sandbox.runner import Sandbox
from autograder.submission import FoundFile, Submission, find_submission

ROOT_VARIABLE = "AUTOGRADER_ROOT"
METADATA_KEYS = ("id", "created_at", "submission_method")


def gradescope_root() -> Path:
    """Gradescope's folder: /autograder, or what AUTOGRADER_ROOT names."""
    return Path(os.environ.get(ROOT_VARIABLE) or "/autograder")


def run_on_gradescope(root: Path, sandbox: Sandbox | None = None) -> tuple[Manifest, ResultsFile]:
    """Grade `root`/submission; returns what was graded with, and all results.

    The zygote imports torch while the submission is read, and results.json is valid from before
    the first line of the student's code runs.

    Args:
        root: Gradescope's folder.
        sandbox: where to grade; it stays open. One of its own by default.

    Raises:
        UserError: where the zip's own files are damaged, before any result could be written.
    """
    started = time.monotonic()
    with Sandbox() if sandbox is None else contextlib.nullcontext(sandbox) as place:
        expectations = root / "source" / EXPECTATIONS
        manifest = read_manifest(expectations)
        results = ResultsFile(root / "results" / "results.json", planned(manifest))
        results.start()
        submission = find_submission(root / "submission", [file.wanted for file in manifest.files])
        for note in submission_notes(submission):
            results.say(note)
        for result in grade(manifest, Place.of(expectations), submission, place):
            results.record(result)
        extra = {**run_data(manifest, read_metadata(root)), "isolation_level": place.level}
        results.finish(seconds=time.monotonic() - started, extra=extra)
    return manifest, results


def warm_up() -> None:
    """Start a sandbox once and import what its graders will need, so that caches on the disk are built.

    Raises:
        UserError: where torch cannot be imported.
    """
    manifest = read_manifest(PACKAGE.parent / EXPECTATIONS)
    with Sandbox() as sandbox:
        sandbox.preload({module for grader in manifest.graders for module in grader.preload})


def submission_notes(submission: Submission) -> list[str]:
    """What was noticed while the files were found, for the student."""
    return [note for found in submission.modules.values() if isinstance(found, FoundFile) for note in found.notes]


def run_data(manifest: Manifest, metadata: Mapping[str, JSON]) -> dict[str, JSON]:
    """What staff may want to know of a run: versions and the submission's id."""
    versions = manifest.versions
    return {
        "homework": manifest.homework,
        "harness": versions.harness,
        "recorded_with_torch": versions.torch,
        "submission": {key: metadata[key] for key in METADATA_KEYS if key in metadata},
    }


def read_metadata(root: Path) -> dict[str, JSON]:
    """Gradescope's submission_metadata.json; empty where it is missing or damaged, for grading needs none of it."""
    try:
        metadata = json.loads((root / "submission_metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return metadata if isinstance(metadata, dict) else {}
