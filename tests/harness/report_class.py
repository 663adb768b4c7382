"""A class that no homework has made, graded in every way that a report must show."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from made_up import a_grader

from autograder.feedback import Feedback, GraderResult
from autograder.gradescope import Results, ResultsFile
from autograder.grading import planned
from autograder.homework import SourceFile
from autograder.limits import GraderLimits, Limits
from autograder.manifest import FORMAT, Grader, Manifest, Versions
from autograder.pictures import Picture, encode_png
from autograder.regrade.gradebook import Comparison, ScoreChange
from autograder.regrade.handins import Handin, Person
from autograder.regrade.run import FlakyVerdict, Graded
from autograder.regrade.similarity import AlikePair, Lines, Piece
from autograder.slicing import Chunk
from autograder.submission import FoundFile
from autograder.variants import Variant

SCRIPT = "<script>alert(1)</script>"
ATTRIBUTE = "\"><img src=x onerror='alert(2)'>"
HIDDEN_IN_TEXT = "\u202egnp.exe\u200b"

GRADERS = (
    ("1.a.1", 2.0, "visible"),
    ("1.a.1.hidden", 1.0, "after_published"),
    ("1.b", 3.0, "visible"),
    ("2.a", 2.0, "visible"),
    ("2.b", 2.0, "visible"),
    ("2.c", 0.0, "hidden"),
)
VARIANTS = (
    Variant("reference", "reference"),
    Variant("summed over the batch", "reading", ("1.a",), "The handout does not say."),
    Variant("factor one half forgotten", "misconception", ("1.a",), "The energy has a factor of ½.", 0.5),
    Variant("mean over the batch", "misconception", ("1.b",), "Axis 0 is the batch."),
    Variant(f"wrong {SCRIPT}", "misconception", ("2.a",), f"Because of {ATTRIBUTE}"),
)
SOURCE = f'''"""Energies, by {SCRIPT}."""
import torch


@torch.no_grad()
def energy(x: torch.Tensor) -> torch.Tensor:
    """Half the mean square, {ATTRIBUTE}"""
    a = x @ x.T  # Lovelace's {SCRIPT}
    return 0.5 * x.square().mean(dim=1)
'''


def a_manifest(graders: Sequence[tuple[str, float, str]] = GRADERS) -> Manifest:
    made: list[Grader] = [
        a_grader(
            number,
            hidden=number.endswith(".hidden"),
            id=f"test_energy.test_{number}",
            title=f"Energy {number} is right for x < 1 & y > 2.",
            weight=weight,
            visibility=visibility,
            limits=GraderLimits(seconds=4.0),
        )
        for number, weight, visibility in graders
    ]
    return Manifest(
        format=FORMAT,
        homework="made_up",
        title="Made-up homework <1>",
        points=sum(weight for _, weight, _ in graders),
        template_floor=0.0,
        parts={"1.a": "Energy", "1.b": "Mean", "2": "The rest"},
        files=(SourceFile("energy", "energy.py", ("energy",)),),
        given={},
        limits=Limits(),
        graders=tuple(made),
        variants=VARIANTS,
        student_seed=0,
        versions=Versions(harness="0", python="3", torch="2", numpy="2"),
    )


def some_results(
    folder: Path, manifest: Manifest, feedback: dict[str, tuple[Feedback, float, tuple[str, ...]]], seconds: float = 0.1
) -> Results:
    """results.json of what each grader gave, (feedback, credit, shows) by its number; the others are not reached."""
    file = ResultsFile(folder / "results.json", planned(manifest))
    for grader in manifest.graders:
        if grader.number not in feedback:
            continue
        given, credit, shows = feedback[grader.number]
        file.record(
            GraderResult(
                id=grader.id,
                number=grader.number,
                title=grader.title,
                score=grader.weight * credit,
                max_score=grader.weight,
                visibility=grader.visibility,
                tags=(),
                feedback=given,
                seconds=seconds,
                extra={"shows": list(shows), "cpu_seconds": seconds},
            )
        )
    return file.finish(seconds=12.5)


def a_picture(value: int) -> bytes:
    return encode_png(np.full((28, 28), value, np.uint8))


PASSED = Feedback("passed", "")
WRONG = Feedback(
    "failed",
    "Factor one half forgotten.",
    expected=f"0.5 and {SCRIPT}",
    actual=f"1.0\nand {ATTRIBUTE}",
    help="The energy has a factor of ½.",
    where="energy.py, line 9, in energy: return 0.5 * x.square().mean(dim=1)",
    notes=(f"Printed: {SCRIPT}",),
    staff=(f"staff {ATTRIBUTE}",),
)


def a_verdict(rng: random.Random, number: str, ability: float) -> tuple[Feedback, float, tuple[str, ...]] | None:
    luck = rng.random()
    if number == "2.b":  # nobody passes this one
        return Feedback("failed", f"`energy` raised {HIDDEN_IN_TEXT}"), 0.0, ()
    if number == "2.c" or luck < ability:
        pictures = (Picture(f"what {SCRIPT} drew", a_picture(int(255 * luck))),) if number == "1.b" else ()
        shows = ("summed over the batch",) if number == "1.a.1" and luck < 0.2 else ("reference",)
        return Feedback("passed", "", pictures=pictures), 1.0, shows
    if luck > 0.985:
        return Feedback("faulty", f"This grader broke: {SCRIPT}", staff=("OSError: no space",)), 0.0, ()
    if luck > 0.97:
        return None
    if number.startswith("1.a"):
        return WRONG, 0.5, ("factor one half forgotten",)
    if number == "1.b":
        return Feedback("failed", "Mean over the batch.", help="Axis 0 is the batch."), 0.0, ("mean over the batch",)
    return Feedback("failed", f"wrong {SCRIPT}"), 0.0, (f"wrong {SCRIPT}",)


PEOPLE = (
    (Person("Ada Lovelace", "650000001", "ada@example.edu"),),
    (Person("Ada Lovelace", "650000002", "countess@example.edu"),),
    (Person(SCRIPT),),
    (Person(ATTRIBUTE, "'--", "a@b"), Person("Grace Hopper", "650000003", "hopper@example.edu")),
    (Person(f"Evil {HIDDEN_IN_TEXT}", "650000004"),),
    (Person("王小明", "650000005"),),
    (Person("Zoë O'Brien & Søn", "650000006", "zoe.obrien@example.edu"),),
    (Person(""),),
    (Person("عائشة بن علي", "650000007"),),
    (Person("lovelaceada"),),
)


@dataclass(frozen=True)
class MadeUpClass:
    """All that a report is written from."""

    manifest: Manifest
    graded: tuple[Graded, ...]
    alike: tuple[AlikePair, ...] = ()
    flaky: tuple[FlakyVerdict, ...] = ()
    compared: Comparison | None = None
    intake_notes: tuple[str, ...] = ()

    @property
    def rest(self) -> dict[str, Any]:
        """What `write_report` takes by name."""
        return {
            "alike": self.alike,
            "flaky": self.flaky,
            "compared": self.compared,
            "intake_notes": self.intake_notes,
        }


def a_class(folder: Path, size: int = 24, seed: int = 1) -> MadeUpClass:
    """A class of `size` handins: hostile names and texts, every verdict, groups, doubles, and what cannot be graded."""
    rng = random.Random(seed)
    manifest = a_manifest()
    graded = []
    for index in range(size):
        people = (
            PEOPLE[index]
            if index < len(PEOPLE)
            else (Person(f"Student{index} Family{index % 7}", str(660000000 + index), f"s{index}@example.edu"),)
        )
        id = f"submission_{1000 + index}"
        if index in (4, 11):
            problem = f"The folder {SCRIPT} of {people[0].name} is not there."
            graded.append(Graded(Handin(id, people, None, problem=problem), None))
            continue
        handin = Handin(
            id,
            people,
            folder,
            submitted="2026-10-20",
            attempt="2 of 3" if index == 1 else "",
            earlier_score=5.0,
            notes=(f"late {ATTRIBUTE}",) if index == 2 else (),
        )
        ability = rng.random()
        given = {number: a_verdict(rng, number, ability) for number, _, _ in GRADERS}
        seconds = 3.9 if index < 6 else 0.2 + rng.random()
        results = some_results(
            folder, manifest, {number: verdict for number, verdict in given.items() if verdict}, seconds
        )
        text = f"# {people[0].name}\n" + SOURCE
        found = FoundFile("energy", "sub/energy.py", (Chunk("sub/energy.py", text),), (f"note {SCRIPT}",))
        if index == 3:
            cells = tuple(Chunk(f"energy.ipynb[cell {n}]", f"x = {n}\n{SOURCE}") for n in (1, 2))
            found = FoundFile("energy", "energy.ipynb", cells)
        graded.append(Graded(handin, results, (found,)))
    pieces = (Piece(Lines(3, 6), Lines(4, 7)), Piece(Lines(8, 900), Lines(8, 8)))
    return MadeUpClass(
        manifest,
        tuple(graded),
        alike=(
            AlikePair("submission_1000", "submission_1002", 0.91, 0.42, "energy", pieces),
            AlikePair("submission_1003", "submission_1001", 0.5, 0.5, "energy", pieces[:1]),
        ),
        flaky=(FlakyVerdict("submission_1000", "test_energy.test_1.b", ("passed", "failed")),),
        compared=Comparison(
            changes=(
                ScoreChange("submission_1000", "Ada Lovelace", 9.0, 8.0, {"1.b": -1.0}),
                ScoreChange("submission_1002", SCRIPT, 1.0, 4.5, {"1.b": 3.0, ATTRIBUTE: 0.5}),
            ),
            unchanged=3,
            only_before=("Gone Girl",),
            only_now=("Ada Lovelace",),
            by_grader={"1.b": (1, 1), ATTRIBUTE: (1, 0)},
            notes=(f"a row of {SCRIPT}",),
        ),
        intake_notes=(f"Ada Lovelace twice, {ATTRIBUTE}",),
    )
