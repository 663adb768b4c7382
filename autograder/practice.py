"""Record what the student kit holds: the visible graders, with inputs that nothing is graded with.

A kit that held what right code shows for the graded inputs would hold the answers.
"""

from __future__ import annotations

import filecmp
from pathlib import Path

from autograder.errors import UserError
from autograder.homework import Homework
from autograder.manifest import DATA, read_manifest
from autograder.recording import Progress, record
from autograder.validation import check_recorded


def record_practice(homework: Homework, *, jobs: int | None = None, progress: Progress = lambda *_: None) -> None:
    """Record `build/<homework>/practice`, unless that was done and nothing has changed since.

    The kit serves the same data as the expectations, which must be recorded.
    """
    data = homework.expectations / DATA
    if not _is_recorded(homework) or not _same_files(data, homework.practice / DATA):
        record(homework, practice=True, data=data, jobs=jobs, progress=progress)


def _is_recorded(homework: Homework) -> bool:
    try:
        check_recorded(homework, read_manifest(homework.practice), practice=True)
    except UserError:
        return False
    return True


def _same_files(one: Path, other: Path) -> bool:
    names = sorted(path.name for path in one.iterdir())
    there = sorted(path.name for path in other.iterdir()) if other.is_dir() else []
    return names == there and filecmp.cmpfiles(one, other, names, shallow=False)[0] == names
