"""What the graders of one submission may use together, and what they have used."""

from __future__ import annotations

import math
import threading
import time

from autograder.gradescope import EarlyEnd
from autograder.limits import SubmissionLimits
from autograder.manifest import Grader

UNLIMITED = SubmissionLimits(wall_seconds=math.inf, cpu_seconds=math.inf)
SLOWEST = 3  # graders that are named where time is over


class Budget:
    """What the graders of one submission may still use together, and why they ended early where they did.

    The wall clock starts with the budget. May be used from several threads, and stopped by a signal's handler.

    Attributes:
        end: why no further grader is run; None as long as there is no reason.
    """

    def __init__(self, limits: SubmissionLimits = UNLIMITED) -> None:
        self.end: EarlyEnd | None = None
        self._limits = limits
        self._started = time.monotonic()
        self._cpu_seconds = 0.0
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Grader, float]] = {}
        self._took: dict[str, tuple[Grader, float]] = {}

    def stop(self, end: EarlyEnd) -> None:
        """Run no further grader and end those that are running; the first reason stands."""
        self.end = self.end or end

    def spend(self, cpu_seconds: float) -> None:
        """Count CPU time that a child has used. The grader that uses the last of it still counts."""
        with self._lock:
            self._cpu_seconds += cpu_seconds

    @property
    def cpu_seconds_left(self) -> float:
        """CPU time that may still be used."""
        return self._limits.cpu_seconds - self._cpu_seconds

    def begin(self, grader: Grader) -> bool:
        """Whether a grader may be run now; if so, it counts as running."""
        with self._lock:
            if self.end is not None or self._cpu_seconds >= self._limits.cpu_seconds:
                return False
            self._running[grader.id] = grader, time.monotonic()
            return True

    def finish(self, grader: Grader, follower: Grader | None = None) -> None:
        """A grader has ended, and perhaps another one has begun in its child."""
        with self._lock:
            _, began = self._running.pop(grader.id)
            self._took[grader.id] = grader, time.monotonic() - began
            if follower is not None:
                self._running[follower.id] = follower, time.monotonic()

    def look(self) -> None:
        """Stop if the wall clock has run out, or the CPU time and nothing is running any more."""
        if self.end is not None:
            return
        limits = self._limits
        if time.monotonic() - self._started >= limits.wall_seconds:
            self.stop(self._over(f"the graders of a submission may take {limits.wall_seconds:g} s together"))
        elif self._cpu_seconds >= limits.cpu_seconds and not self._running:
            what = f"the graders of a submission may use {limits.cpu_seconds:g} s of CPU time together"
            self.stop(self._over(f"{what}, and {self._cpu_seconds:.1f} s were used"))

    def _over(self, reason: str) -> EarlyEnd:
        now = time.monotonic()
        with self._lock:
            times = {id: (grader, seconds, "") for id, (grader, seconds) in self._took.items()}
            for id, (grader, began) in self._running.items():
                times[id] = grader, now - began, ", and was not done"
            done = len(self._took)
        slowest = sorted(times.values(), key=lambda timed: -timed[1])[:SLOWEST]
        named = "; ".join(
            f"{'a hidden grader' if grader.visibility != 'visible' else grader.number} ({seconds:.1f} s{state})"
            for grader, seconds, state in slowest
        )
        return EarlyEnd(
            f"{reason}; {done} had ended by then",
            "This grader did not fail; there was no time left to run it. "
            + (f"The slowest were: {named}. " if named else "")
            + "Make your code that they call faster (look for loops over pixels, samples or batches, and for ones "
            "that do not end) and hand in again. If it is not slow, tell the course staff, who can raise this limit.",
        )
