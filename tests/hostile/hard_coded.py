"""What a student can copy: what the student kit holds of the visible graders, for inputs of its own."""

from __future__ import annotations

from pathlib import Path

import msgspec

from autograder.manifest import Grader, Manifest, read_expectations, read_manifest

_TEXT = '''"""The answers of the visible graders for their inputs in the student kit."""

ANSWERS = {answers!r}
SEEDS = {seeds!r}
'''


def kit_of(archive: Path) -> Path:
    """The student kit that goes with a Gradescope zip."""
    return archive.with_name("kit.zip")


def answers_module(expectations: Path) -> str:
    """The text of a module with `ANSWERS`, lists by grader, and `SEEDS`, the seeds of the visible inputs."""
    manifest = read_manifest(expectations)
    visible = [grader for grader in manifest.graders if not grader.hidden]
    answers = {_short(grader): _answer(expectations, manifest, grader) for grader in visible}
    seeds = {_short(grader): grader.seed for grader in visible}
    return _TEXT.format(answers=answers, seeds=seeds)


def _short(grader: Grader) -> str:
    return grader.function.removeprefix("test_")


def _answer(expectations: Path, manifest: Manifest, grader: Grader) -> object:
    reference = read_expectations(expectations, grader).reference
    entry = reference.entries[0]
    if entry.text:
        return msgspec.json.decode(entry.text)
    values = reference.value(entry)
    return (values.mean(axis=0) if entry.kind == "band" else values).tolist()
