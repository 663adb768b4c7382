"""The messages between grader process, zygote and child."""

from __future__ import annotations

from collections.abc import Sequence
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
        required: names that the handout asks for, so that none of them is taken for another one's misspelling.
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
    required: tuple[str, ...] = ()
    trace: bool = False


def pack(jobs: Sequence[Job]) -> bytes:
    """Jobs on one submission as a child reads them; what all of them have in common is sent once."""
    shared = [msgspec.structs.replace(job, submission={}, given={}) for job in jobs[1:]]
    return msgspec.json.encode([jobs[0], *shared])


def unpack(data: bytes) -> list[Job]:
    """The jobs that `pack` was given."""
    first, *others = msgspec.json.decode(data, type=list[Job])
    return [
        first,
        *(msgspec.structs.replace(job, submission=first.submission, given=first.given) for job in others),
    ]


class ChildLimits(msgspec.Struct, frozen=True):
    """What one job may use in its child; units in the names.

    Attributes:
        memory_bytes: address space beyond what the zygote has mapped.
        file_bytes: of the largest file.
        scratch_bytes: of all its files together.
        scratch_files: how many files and folders there may be.
        processes: processes and threads together.
    """

    cpu_seconds: float
    wall_seconds: float
    memory_bytes: int
    file_bytes: int
    scratch_bytes: int = 256 * 2**20
    scratch_files: int = 1000
    open_files: int = 256
    processes: int = 64


LayerName = Literal["resources", "user", "capabilities", "landlock", "seccomp", "memory", "orphans"]


class Layer(msgspec.Struct, frozen=True):
    """Whether a layer of isolation holds here, as a throwaway child has found out.

    Attributes:
        why: what was in the way, where it does not hold.
        remedy: what a person can do about it, if anything.
    """

    name: LayerName
    holds: bool
    why: str = ""
    remedy: str = ""


class Standing(msgspec.Struct, frozen=True, tag="standing"):
    """How high on the ladder of isolation the children of a zygote are: see ladder.py."""

    level: int
    layers: tuple[Layer, ...]

    def holds(self, name: LayerName) -> bool:
        """Whether the layer called `name` is in force."""
        return any(layer.holds for layer in self.layers if layer.name == name)


class Spawn(msgspec.Struct, frozen=True, tag="spawn"):
    """Fork a child for the three descriptors that come along: job, reply, output.

    Attributes:
        slot: no two children that run at a time have the same; each slot has a user of its own.
        scratch: the folder that it may write to.
        readable: what it may read beside the system and the interpreter.
        jobs: how many it is given; each may use as much time as `limits` say.
    """

    id: int
    slot: int
    scratch: str
    readable: tuple[str, ...]
    limits: ChildLimits
    jobs: int = 1


class Kill(msgspec.Struct, frozen=True, tag="kill"):
    """End a child now, if it has not ended."""

    id: int


class Preload(msgspec.Struct, frozen=True, tag="preload"):
    """Import these modules into the zygote, for all later children."""

    modules: tuple[str, ...]


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The zygote has imported what it was asked to.

    Attributes:
        failed: by module, why it could not be imported.
        torch: the version of torch that children have.
    """

    failed: dict[str, str]
    torch: str = ""


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A child is gone, with everything that it started.

    Attributes:
        signal: the signal that ended it, or 0.
        code: its exit status, or -1 where a signal ended it.
        ended_by: "itself", or why the zygote killed it: "deadline", or "request" of the grader process.
        cpu_seconds: user and system time together.
        peak_kb: its largest resident set in KiB.
    """

    id: int
    signal: int
    code: int
    ended_by: Literal["itself", "deadline", "request"]
    cpu_seconds: float
    peak_kb: int


Request = Spawn | Kill | Preload
Event = Standing | Ready | Ended

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
        "scipy.linalg",
        "scipy.ndimage",
        "scipy.special",
        "scipy.stats",
        "sympy",
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
FONT_LIST_VARIABLE = "MPLCONFIGDIR"


def may_preload(module: str) -> bool:
    """Whether the zygote may import `module` before it forks."""
    return module in PRELOADABLE or module.startswith(OWN_PACKAGE)
