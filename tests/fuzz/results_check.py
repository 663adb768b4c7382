"""What must hold for every results.json, whatever was graded."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema

import autograder
from autograder.errors import UserError
from autograder.feedback import PlannedGrader
from autograder.gradescope import MAX_BYTES, read_results

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((Path(autograder.__file__).parent / "schema" / "results.schema.json").read_text("utf-8"))
)
STUDENTS_FAULT_OR_NOBODYS = {"passed", "failed"}


def complaints(path: Path, plan: Sequence[PlannedGrader]) -> list[str]:
    """What is wrong with the results.json of a run of the planned graders; empty where all is as it must be."""
    try:
        text = path.read_text("utf-8")
        document = json.loads(text, parse_constant=_refuse)
        read_results(path)
    except (OSError, ValueError, UserError) as error:
        return [f"results.json cannot be read: {type(error).__name__}: {error}"[:500]]
    wrong = [f"schema: {error.json_path}: {error.message}"[:300] for error in SCHEMA.iter_errors(document)]
    if wrong:
        return wrong
    if len(text.encode()) > MAX_BYTES:
        wrong.append(f"results.json has more than {MAX_BYTES:,} bytes")
    wrong += _wrong_points(document, plan)
    for test in document["tests"]:
        extra = test["extra_data"]
        if extra["verdict"] not in STUDENTS_FAULT_OR_NOBODYS:
            wrong.append(
                f"{test['number']} is {extra['verdict']}: {extra.get('fault', '')} {extra.get('staff', '')}"[:600]
            )
    return wrong


def score_of(path: Path) -> dict[str, float]:
    """The points of each grader, by its number."""
    return {test.number: test.score for test in read_results(path).tests}


def _wrong_points(document: Any, plan: Sequence[PlannedGrader]) -> list[str]:
    tests = document["tests"]
    if [test["number"] for test in tests] != [grader.number for grader in plan]:
        return ["the graders are not those that were planned"]
    wrong = [
        f"{test['number']} has {test['score']} of {grader.max_score} points"
        for test, grader in zip(tests, plan, strict=True)
        if not 0 <= test["score"] <= test["max_score"] == grader.max_score
    ]
    if not math.isclose(document["score"], sum(test["score"] for test in tests), abs_tol=1e-9):
        wrong.append(f"the score {document['score']} is not the sum of the points")
    return wrong


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
