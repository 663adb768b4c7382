"""Fuzz by the thousand: `python tests/fuzz`. Prints what was tried, and exits with status 1 where something is wrong.

A plain loop with a seed of its own for every input, and not Hypothesis as in the tests beside it: the counts per kind
are exact, a failure does not end the run, and any input comes back by its seed, kind and number alone. To make a
failure small, run the same mutation under Hypothesis, which shrinks the `Random` that it draws from.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).resolve().parents[1] / "harness"))  # the tiny homework, and what is made up

import mutated_frames
import mutated_submissions
from bounded import ends_within
from frame_trial import ENDINGS, FrameTrial
from submission_trial import SubmissionTrial

from autograder.sandbox.runner import Sandbox

INPUTS = 10_000
SECONDS = 100.0  # for one input; it takes some hundredths or tenths
# Shares of the inputs. A frame takes milliseconds, a submission up to seconds.
FRAMES, FROM_CHILDREN = 0.64, 0.03
SHOWN = 20  # failures of each kind

Trial = Callable[[Random], tuple[list[str], float]]


@dataclass
class Row:
    """What was tried of one kind."""

    kind: str
    trial: Trial
    count: int
    tried: int = 0
    with_points: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    def run(self, seed: int, numbers: range) -> None:
        """Try the inputs with these numbers."""
        started = time.monotonic()
        for number in numbers:
            try:
                with ends_within(SECONDS):
                    wrong, points = self.trial(Random(f"{seed}/{self.kind}/{number}"))
            except Exception:
                wrong, points = [traceback.format_exc(limit=-3)], 0.0
            self.tried += 1
            self.with_points += points > 0
            if wrong:
                self.failures.append(f"--seed {seed} --only '{self.kind}:{number}': {'; '.join(wrong)}")
                if len(self.failures) <= SHOWN:
                    print(self.failures[-1], file=sys.stderr, flush=True)
        self.seconds += time.monotonic() - started


def rows(frames: FrameTrial, submissions: SubmissionTrial, inputs: int) -> list[Row]:
    """One row for each kind of input, with its share of the inputs."""

    def of_frame(kind: str) -> Trial:
        def run(rng: Random) -> tuple[list[str], float]:
            grader, frame = frames.draw(kind, rng)
            return frames.complaints(grader, frame), frames.score(grader)

        return run

    def of_child(rng: Random) -> tuple[list[str], float]:
        grader, frame = frames.draw(rng.choice(list(mutated_frames.KINDS)), rng)
        return frames.complaints_of_child(grader, frame, rng.choice(ENDINGS)), frames.score(grader)

    def of_submission(kind: str) -> Trial:
        def run(rng: Random) -> tuple[list[str], float]:
            return submissions.complaints(mutated_submissions.KINDS[kind](rng)), sum(submissions.scores().values())

        return run

    made = [Row(f"frame: {kind}", of_frame(kind), 0) for kind in mutated_frames.KINDS]
    _share(made, round(inputs * FRAMES))
    child = [Row("frame from a child", of_child, round(inputs * FROM_CHILDREN))]
    handed = [Row(f"submission: {kind}", of_submission(kind), 0) for kind in mutated_submissions.KINDS]
    _share(handed, inputs - sum(row.count for row in (*made, *child)))
    return [*made, *child, *handed]


def _share(rows: list[Row], inputs: int) -> None:
    for index, row in enumerate(rows):
        row.count = inputs // len(rows) + (index < inputs % len(rows))


def table(tried: list[Row], seed: int) -> str:
    """What was tried, in lines."""
    lines = [f"{'':<32}{'inputs':>8}{'with points':>13}{'failures':>10}{'seconds':>9}"]
    total = Row("together", lambda _: ([], 0.0), 0)
    for row in tried:
        total.tried += row.tried
        total.with_points += row.with_points
        total.failures += row.failures
        total.seconds += row.seconds
    lines += [
        f"{row.kind:<32}{row.tried:>8,}{row.with_points:>13,}{len(row.failures):>10,}{row.seconds:>9.1f}"
        for row in (*tried, total)
    ]
    return "\n".join([*lines, f"seed {seed}"])


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=INPUTS, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a kind, or one input as KIND:NUMBER")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True)))
        (folder / "frames").mkdir()
        (folder / "submissions").mkdir()
        sandbox = stack.enter_context(Sandbox())
        submissions = stack.enter_context(contextlib.closing(SubmissionTrial(folder / "submissions", sandbox)))
        tried = rows(FrameTrial(folder / "frames", sandbox), submissions, arguments.inputs)
        kind, numbers = _chosen(arguments.only)
        tried = [row for row in tried if kind in ("", row.kind)]
        for row in tried:
            row.run(arguments.seed, numbers or range(row.count))
    print(table(tried, arguments.seed))
    return 1 if any(row.failures for row in tried) or not tried else 0


def _chosen(only: str) -> tuple[str, range]:
    """(kind, numbers) that were asked for; empty for all."""
    kind, _, number = only.rpartition(":")
    return (kind, range(int(number), int(number) + 1)) if number.isdecimal() else (only, range(0))


if __name__ == "__main__":
    sys.exit(main())
