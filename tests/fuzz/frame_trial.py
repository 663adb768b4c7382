"""One frame: decoded, judged and written to results.json, and what it earned compared with what it earns by hand."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from by_hand_frames import credit_of_frame
from known_behaviours import MODULE, write_homework
from mutated_frames import KINDS
from results_check import complaints, score_of

from autograder.gradescope import ResultsFile
from autograder.grading import Place, grade, planned
from autograder.manifest import Grader, select
from autograder.sandbox.channels import Channels, ReplyLimits
from autograder.sandbox.isolation import REPLY_FD
from autograder.sandbox.protocol import ChildLimits, Ended, Job
from autograder.sandbox.replies import HEAD, READY, framed
from autograder.sandbox.runner import Hearing, Outcome, Ran, Sandbox
from autograder.slicing import Chunk
from autograder.submission import FoundFile, Submission

# How a child that has written its frame may end: of itself, by a signal, or by going on.
ENDINGS = ("os._exit(0)", "os._exit(3)", "os.kill(os.getpid(), 9)", "os.close(3)", "return", "reply()")


class Replay:
    """A sandbox whose children are none: their reply is the frame that is given, read from a pipe as always."""

    def __init__(self, frame: bytes, torch: str) -> None:
        self.reply = READY + framed(frame)
        self.torch = torch

    def preload(self, _: object) -> None:
        """Nothing is imported."""

    def stop(self, _: str) -> None:
        """Nothing runs."""

    def run_in_turn(
        self, jobs: Sequence[Job], limits: ChildLimits, reply_limits: ReplyLimits, take: Callable[[Outcome], None]
    ) -> Ran:
        """What the runner makes of a child that wrote the frame and ended."""
        reply_in, reply_out = os.pipe()
        output_in, output_out = os.pipe()
        os.close(output_out)
        channels = Channels(reply_in, output_in, reply_limits)
        hearing = Hearing(jobs, limits, channels, take)
        writer = threading.Thread(target=_write, args=(reply_out, self.reply))
        writer.start()
        try:
            while channels.open:
                channels.read(1.0)
        finally:
            writer.join()
            channels.close()
        ended = Ended(id=0, signal=0, code=0, ended_by="itself", cpu_seconds=0.0, peak_kb=1000)
        last = hearing.end(ended)
        assert last is not None
        return Ran([last], 0.0)


class FrameTrial:
    """The homework for frames, recorded below a folder.

    Args:
        folder: an empty one; it is written to.
        sandbox: where real children run.
    """

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        sandbox.preload([])  # from here on it knows its torch
        self._sandbox = sandbox
        self.manifest = write_homework(folder / "expectations", sandbox.torch)
        self.place = Place.of(folder / "expectations")
        self.path = folder / "results" / "results.json"

    @property
    def graders(self) -> tuple[Grader, ...]:
        return self.manifest.graders

    def draw(self, kind: str, rng: Random) -> tuple[Grader, bytes]:
        """A grader, and a frame of this kind that answers it."""
        grader = rng.choice(self.graders)
        return grader, KINDS[kind](rng, grader)

    def grade(self, grader: Grader, frame: bytes, source: str | None = None) -> None:
        """Write results.json for a child that sends this frame, or for a real one that runs this source."""
        manifest = select(self.manifest, [grader])
        found = FoundFile(MODULE, f"{MODULE}.py", (Chunk(f"{MODULE}.py", source or ""),))
        results = ResultsFile(self.path, planned(manifest))
        results.start()
        children: Any = Replay(frame, self._sandbox.torch) if source is None else self._sandbox
        for result in grade(manifest, self.place, Submission({MODULE: found}), children, 1):
            results.record(result)
        results.finish()

    def complaints(self, grader: Grader, frame: bytes) -> list[str]:
        """What is wrong where the trusted side reads this frame; empty where all is as it must be."""
        self.grade(grader, frame)
        return self._complaints(grader, frame)

    def complaints_of_child(self, grader: Grader, frame: bytes, ending: str = ENDINGS[0]) -> list[str]:
        """The same for a child that writes the frame itself, by the descriptor's number, and ends by a statement."""
        self.grade(grader, frame, writer_of(frame, ending))
        return self._complaints(grader, frame)

    def credit(self, grader: Grader, frame: bytes) -> float:
        """The share of the points that the product gives for a frame."""
        self.grade(grader, frame)
        return self.score(grader) / grader.weight

    def score(self, grader: Grader) -> float:
        """The points in the last results.json."""
        return score_of(self.path)[grader.number]

    def _complaints(self, grader: Grader, frame: bytes) -> list[str]:
        by_hand = {grader.number: grader.weight * most(grader, frame)}
        return complaints(self.path, planned(select(self.manifest, [grader]))) or too_many_points(
            score_of(self.path), by_hand
        )


def most(grader: Grader, frame: bytes) -> float:
    """The share of the points that a frame can earn by hand: what does not fit into a reply earns none."""
    if len(READY) + HEAD + len(frame) > grader.limits.reply().reply:
        return 0.0
    return credit_of_frame(frame, grader.id)


def too_many_points(scores: dict[str, float], by_hand: dict[str, float]) -> list[str]:
    """Where a grader gave more than the same work earns by hand; points are rounded to hundredths."""
    return [
        f"{number} earned {score:g} points, and {by_hand[number]:g} by hand"
        for number, score in scores.items()
        if score > by_hand[number] + 0.0051
    ]


def writer_of(frame: bytes, ending: str) -> str:
    """Python source of a `reply` that writes the frame in a few pieces, whatever the descriptor takes at a time."""
    return "\n".join(
        [
            "import base64, os",
            "",
            "def reply():",
            f"    left = base64.b64decode({base64.b64encode(framed(frame)).decode()!r})",
            "    while left:",
            f"        left = left[os.write({REPLY_FD}, left[:30_000]) :]",
            f"    {ending}",
            "",
        ]
    )


def _write(descriptor: int, data: bytes) -> None:
    with open(descriptor, "wb", buffering=0) as file:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
