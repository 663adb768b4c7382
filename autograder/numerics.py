"""Whether torch computes here what it computed where the expectations were recorded.

Expectations hold numbers of one version of torch. Another one may round otherwise, for which
tolerances leave room, or compute something else, for which no student is to blame. So recording
keeps the results of some standard computations, and where the version differs and a submission's
numbers are wrong, they are computed once more.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np

from autograder.limits import GraderLimits
from autograder.sandbox.protocol import Job, Source
from autograder.sandbox.runner import Sandbox

RTOL, ATOL = 1e-4, 1e-5  # as `observe` has them by default
SEED = 271_828
_GRADER = """
from autograder.probes.standard import standard_computations

def test_numerics(rng, observe):
    observe(**standard_computations(rng))
"""

Numerics = dict[str, tuple[float, ...]]


def compute(sandbox: Sandbox) -> Numerics:
    """The standard computations, done by the sandbox's torch.

    Raises:
        SandboxError: where no child can be run.
        RuntimeError: where they cannot be done.
    """
    job = Job(
        id="numerics",
        grader=Source("numerics.py", _GRADER),
        function="test_numerics",
        arguments=("rng", "observe"),
        submission={},
        given={},
        seed=SEED,
        student_seed=SEED,
        data="",
    )
    limits = GraderLimits()
    outcome = sandbox.run(job, limits.child(), limits.reply())
    observation = outcome.observation
    if observation is None or observation.failure is not None:
        failure = observation.failure.message if observation is not None and observation.failure else outcome.detail
        raise RuntimeError(f"torch cannot do the standard computations: {outcome.ending} {failure}")
    return {entry.name: tuple(float(value) for value in observation.value(entry)) for entry in observation.entries}


def differences(recorded: Mapping[str, tuple[float, ...]], computed: Mapping[str, tuple[float, ...]]) -> list[str]:
    """The names of the computations whose results are not close to the recorded ones."""
    return [
        name
        for name, values in recorded.items()
        if len(computed.get(name, ())) != len(values) or not np.allclose(computed[name], values, RTOL, ATOL)
    ]


class Drift:
    """How torch here differs from the torch that was recorded with; found out once, when it is first asked for.

    Args:
        recorded_with: the version of torch that the expectations were recorded with.
        recorded: the results of the standard computations then.
    """

    def __init__(self, recorded_with: str, recorded: Numerics, sandbox: Sandbox) -> None:
        self._recorded_with = recorded_with
        self._recorded = recorded
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._words: str | None = None

    def words(self) -> str:
        """What staff should know; "" where torch is the same, or computes the same."""
        with self._lock:
            if self._words is None:
                self._words = self._find()
            return self._words

    def _find(self) -> str:
        here = self._sandbox.torch
        if here == self._recorded_with:
            return ""
        try:
            other = differences(self._recorded, compute(self._sandbox))
        except RuntimeError as error:
            other = [str(error)]
        if not other:
            return ""
        return (
            f"torch {here} does not compute what torch {self._recorded_with} did, with which this was recorded "
            f"({', '.join(other)}). Record again with this version, or install that one."
        )
