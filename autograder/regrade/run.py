"""Grade a class again: from its handins to results/<id>.json, gradebooks and a report."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.gradescope import Results
from autograder.regrade.handins import Handin
from autograder.submission import FoundFile


@dataclass(frozen=True)
class Graded:
    """A handin and what came of it.

    Attributes:
        results: just as they stand in results/<id>.json; None where the handin has a problem.
        sources: the files that were graded.
    """

    handin: Handin
    results: Results | None
    sources: tuple[FoundFile, ...] = ()


@dataclass(frozen=True)
class FlakyVerdict:
    """A verdict that was not the same in every run of the same grader on the same files.

    Attributes:
        handin: its id.
        grader: its id.
        verdicts: one for each run.
    """

    handin: str
    grader: str
    verdicts: tuple[str, ...]
