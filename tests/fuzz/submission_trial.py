"""One submission: found, graded and written to results.json, and what it earned compared with what it earns by hand."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from unittest import mock

import msgspec
from by_hand_submissions import ByHand
from frame_trial import too_many_points
from handed import Handed
from results_check import complaints, score_of
from tiny_homework import write_tiny_homework

from autograder.bundle import EXPECTATIONS
from autograder.gradescope_run import run_on_gradescope
from autograder.grading import planned
from autograder.manifest import MANIFEST, read_manifest
from autograder.recording import record
from autograder.sandbox.runner import Sandbox

SECONDS = 1.0  # of CPU for each grader; the graders take a hundredth of it


class SubmissionTrial:
    """The tiny homework, recorded below a folder, as Gradescope would run it. To be closed.

    Args:
        folder: an empty one; it is written to.
        sandbox: where all submissions run, one after the other.
    """

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self._root = folder / "autograder"
        self._sandbox = sandbox
        expectations = self._root / "source" / EXPECTATIONS
        expectations.parent.mkdir(parents=True)
        with mock.patch("autograder.recording.Sandbox", return_value=contextlib.nullcontext(sandbox)):
            record(write_tiny_homework(folder / "project").load(), out=expectations)
        manifest = read_manifest(expectations)
        hurried = [
            msgspec.structs.replace(grader, limits=msgspec.structs.replace(grader.limits, seconds=SECONDS))
            for grader in manifest.graders
        ]
        self.manifest = msgspec.structs.replace(manifest, graders=tuple(hurried))
        (expectations / MANIFEST).write_bytes(msgspec.json.encode(self.manifest))
        self.by_hand = ByHand()

    @property
    def results(self) -> Path:
        """Where the last results.json is."""
        return self._root / "results" / "results.json"

    def grade(self, handed: Handed) -> None:
        """Write results.json for a submission."""
        shutil.rmtree(self._root / "submission", ignore_errors=True)
        shutil.rmtree(self._root / "results", ignore_errors=True)
        handed.write(self._root / "submission")
        run_on_gradescope(self._root, self._sandbox)

    def scores(self) -> dict[str, float]:
        """The points of each grader in the last results.json."""
        return score_of(self.results)

    def complaints(self, handed: Handed) -> list[str]:
        """What is wrong with the grading of a submission; empty where all is as it must be."""
        self.grade(handed)
        wrong = complaints(self.results, planned(self.manifest))
        if wrong or not any(self.scores().values()):
            return wrong
        by_hand = self.by_hand.points([*handed.files.items(), *handed.inside.items()])
        return too_many_points(self.scores(), {number: by_hand.get(number, 0.0) for number in self.scores()})

    def close(self) -> None:
        """End the process that grades by hand."""
        self.by_hand.close()
