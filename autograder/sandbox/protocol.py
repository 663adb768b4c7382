"""The messages between grader process, zygote and child."""

from __future__ import annotations

from typing import Literal

import msgspec


class Source(msgspec.Struct, frozen=True, array_like=True):
    """A piece of Python source under the file name that messages show."""

    filename: str
    text: str


class Job(msgspec.Struct, frozen=True):
    """All that a child is told: one grader, one submission, its inputs' seed.

    Attributes:
        id: echoed in the reply.
        grader: the slice of the grader's file that its function needs.
        function: the grader's name in that slice.
        arguments: the function's arguments, in order.
        submission: for each of the student's modules its sources.
        given: for each module that students are given the sources that make it.
        seed: of the grader's inputs (`rng`).
        student_seed: of torch's, NumPy's and Python's own generators.
        data: the folder that the offline data sets are read from.
        trace: whether to tell which functions of the submission were called, and what was imported.
    """

    id: str
    grader: Source
    function: str
    arguments: tuple[str, ...]
    submission: dict[str, tuple[Source, ...]]
    given: dict[str, tuple[Source, ...]]
    seed: int
    student_seed: int
    data: str
    trace: bool = False


class ChildLimits(msgspec.Struct, frozen=True):
    """What one child may use; units in the names."""

    cpu_seconds: float
    wall_seconds: float
    memory_bytes: int
    file_bytes: int
    open_files: int = 256


class Spawn(msgspec.Struct, frozen=True, tag="spawn"):
    """Fork a child for the three descriptors that come along: job, reply, output.

    Attributes:
        scratch: the folder that it may write to.
        readable: what it may read beside the system and the interpreter.
        confined: whether access to all other files is taken away (Landlock).
    """

    id: int
    scratch: str
    readable: tuple[str, ...]
    confined: bool
    limits: ChildLimits


class Preload(msgspec.Struct, frozen=True, tag="preload"):
    """Import these modules into the zygote, for all later children."""

    modules: tuple[str, ...]


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The zygote has imported what it was asked to; `failed` maps a module to its error."""

    failed: dict[str, str]


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A child is gone, with everything that it started.

    Attributes:
        signal: the signal that ended it, or 0.
        code: its exit status, or -1 where a signal ended it.
        ended_by: "itself", or "deadline" where the zygote killed it.
        cpu_seconds: user and system time together.
        peak_kb: its largest resident set in KiB.
    """

    id: int
    signal: int
    code: int
    ended_by: Literal["itself", "deadline"]
    cpu_seconds: float
    peak_kb: int


Request = Spawn | Preload
Event = Ready | Ended

# Modules that cost a child time or memory and that the zygote may import for all of them.
# None runs a torch operation or starts a thread on import.
PRELOADABLE = frozenset(
    {
        "PIL.Image",
        "argparse",
        "matplotlib.image",
        "matplotlib.pyplot",
        "numpy.testing",
        "scipy",
        "scipy.ndimage",
        "scipy.stats",
        "torch._dynamo",
        "torch.distributions",
        "torch.utils.data",
        "torchvision",
        "torchvision.datasets",
        "torchvision.transforms",
        "torchvision.utils",
        "tqdm",
        "tqdm.auto",
    }
)
OWN_PACKAGE = "autograder."


def may_preload(module: str) -> bool:
    """Whether the zygote may import `module` before it forks."""
    return module in PRELOADABLE or module.startswith(OWN_PACKAGE)
