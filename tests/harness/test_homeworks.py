"""The rules that every homework of the project keeps: the kill matrix and the rest of `autograder validate`.

A misconception is observed on every grader that it names, and on a third of the others: always the same third, by
`recording.sampled`. `make validate HOMEWORK=...`, or `VALIDATE_EVERY=1 pytest tests/harness/test_homeworks.py`, takes
all of them. The reference and the readings are observed on every grader in any case.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.homework import homework_names, load_homework
from autograder.manifest import MANIFEST
from autograder.recording import record
from autograder.validation import validate

PROJECT = Path(__file__).resolve().parents[2]
EVERY = int(os.environ.get("VALIDATE_EVERY", "3"))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", homework_names(PROJECT))
def test_every_rule_holds(name: str) -> None:
    """Reference and readings 100 %, template at its floor, every misconception killed and named, no leak."""
    homework = load_homework(name, PROJECT)
    if not (homework.expectations / MANIFEST).is_file():
        record(homework)
    checks = validate(homework, others=EVERY)
    broken = [f"{check.rule}: {fault}" for check in checks for fault in check.faults]
    assert len(checks) == 10
    assert not broken, "\n".join(broken)
