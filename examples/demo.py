"""`make demo`: grade the three example submissions and print what their students would see."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from autograder.gradescope import ResultsFile
from autograder.gradescope_run import submission_notes
from autograder.grading import Place, grade, planned
from autograder.homework import load_homework
from autograder.manifest import read_manifest
from autograder.sandbox.runner import Sandbox
from autograder.submission import find_submission
from autograder.terminal import render_terminal

EXAMPLES = {
    "right": "a right submission, built otherwise than the reference",
    "three_mistakes": "a submission with three typical mistakes",
    "cheat": "a submission that tries to cheat",
}


def main() -> None:
    """Grade the examples one after another with one sandbox."""
    here = Path(__file__).resolve().parent
    homework = load_homework("cs446_hw3", here.parent)
    manifest = read_manifest(homework.expectations)
    console = Console(highlight=False)
    scores = []
    with Sandbox() as sandbox:
        for name, what in EXAMPLES.items():
            started = time.monotonic()
            results = ResultsFile(homework.project / "build" / "demo" / name / "results.json", planned(manifest))
            results.start()
            submission = find_submission(here / name, [file.wanted for file in manifest.files])
            for result in grade(manifest, Place.of(homework.expectations), submission, sandbox):
                results.record(result)
            final = results.finish(seconds=time.monotonic() - started)
            console.print(f"\n\n[bold]{escape(what[0].upper() + what[1:])}[/] (examples/{name})\n")
            render_terminal(
                results.results,
                console,
                title=manifest.title,
                parts=manifest.parts,
                notes=submission_notes(submission),
            )
            scores.append((name, final.score, time.monotonic() - started, results.path))
    console.print("\n[bold]The three of them, hidden graders included[/]")
    for name, score, seconds, path in scores:
        shown = path.relative_to(homework.project)
        console.print(f"  {name:<15} {score:6g} of {manifest.points:g} points in {seconds:4.1f} s   {shown}")
    console.print(
        "\nThe submissions are in examples/, the graders in tests/graders/cs446_hw3/, what was recorded in "
        "build/cs446_hw3/expectations/.\nNext: `make build` makes the zip for Gradescope.",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
