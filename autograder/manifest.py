"""What recording leaves for grading: the manifest, and each grader's expected observations.

A folder of expectations is self-contained. Whoever has it, the harness and the requirements
can grade; the reference and the graders' files are not needed.

    manifest.json                 homework, graders, variants, limits
    observations/<grader>.obs     one frame: what reference, readings and misconceptions showed, and of which grader
    data/                         the digits that stand in for MNIST
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from autograder.errors import UserError
from autograder.feedback import Visibility
from autograder.homework import SourceFile
from autograder.limits import GraderLimits, Limits
from autograder.numerics import Numerics
from autograder.observation import Array, Entry, Failure, FrameError, Header, Observation, decode_frame, encode_frame
from autograder.questions import part_of
from autograder.sandbox.protocol import Source
from autograder.variants import REFERENCE, Variant

FORMAT = 2
MANIFEST = "manifest.json"
OBSERVATIONS = "observations"
DATA = "data"
_SEPARATOR = "|"


class Grader(msgspec.Struct, frozen=True, omit_defaults=True):
    """One grader as it is run and shown.

    Attributes:
        id: unique, stable, safe as a file name: "test_gan_losses.test_value", twins end in ".hidden".
        number: the handout's number that Gradescope shows.
        title: the docstring's first paragraph.
        source: the slice of the grader's file that its function needs.
        arguments: the function's arguments in order.
        modules: those of them that are the student's files.
        limits: what its child may use.
        preload: modules that the zygote imports before this grader's child is forked.
        bands: whether it observes a band, so that the reference is recorded with many seeds.
    """

    id: str
    number: str
    title: str
    weight: float
    visibility: Visibility
    hidden: bool
    seed: int
    limits: GraderLimits
    function: str
    source: Source
    arguments: tuple[str, ...]
    modules: tuple[str, ...]
    tags: tuple[str, ...] = ()
    hide_errors: str = ""
    preload: tuple[str, ...] = ()
    bands: bool = False
    reference_seconds: float = 0.0


class Versions(msgspec.Struct, frozen=True):
    """What the expectations were recorded with."""

    harness: str
    python: str
    torch: str
    numpy: str


class Manifest(msgspec.Struct, frozen=True):
    """All that grading a homework needs to know, apart from the observations."""

    format: int
    homework: str
    title: str
    points: float
    template_floor: float
    parts: dict[str, str]
    files: tuple[SourceFile, ...]
    given: dict[str, tuple[Source, ...]]
    limits: Limits
    graders: tuple[Grader, ...]
    variants: tuple[Variant, ...]
    student_seed: int
    versions: Versions
    numerics: Numerics = {}

    def part(self, number: str) -> tuple[str, str]:
        """(part, title) of the handout that a grader's number belongs to."""
        return part_of(number, self.parts)


class Expected(msgspec.Struct, frozen=True):
    """What one grader showed on one variant.

    Attributes:
        entries: as in an observation; a band's array has one row per seed.
    """

    variant: str
    entries: tuple[Entry, ...]
    failure: Failure | None = None


class GraderExpectations:
    """A grader's recorded observations by variant; the reference is always among them."""

    def __init__(self, observations: Mapping[str, Observation]) -> None:
        if REFERENCE not in observations:
            raise ValueError("the reference's observation is missing")
        self.observations = dict(observations)

    @property
    def reference(self) -> Observation:
        return self.observations[REFERENCE]


def write_expectations(folder: Path, manifest: Manifest, expectations: Mapping[str, GraderExpectations]) -> None:
    """Write manifest and observations below `folder`, which must exist."""
    (folder / OBSERVATIONS).mkdir(exist_ok=True)
    for grader in manifest.graders:
        (folder / OBSERVATIONS / f"{grader.id}.obs").write_bytes(_pack(expectations[grader.id], grader))
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    (folder / MANIFEST).write_bytes(text + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder of expectations.

    Raises:
        UserError: where there is none, or where another version of the harness wrote it.
    """
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise UserError(
            "nothing is recorded here", where=str(path), remedy="Run `autograder record HOMEWORK` first."
        ) from error
    except msgspec.MsgspecError as error:
        raise UserError(
            f"not a manifest of this version: {error}",
            where=str(path),
            remedy="Run `autograder record HOMEWORK` again.",
        ) from error
    if manifest.format != FORMAT:
        raise UserError(
            f"recorded in format {manifest.format}, this is format {FORMAT}",
            where=str(path),
            remedy="Run `autograder record HOMEWORK` again.",
        )
    return manifest


def read_expectations(folder: Path, grader: Grader) -> GraderExpectations:
    """A grader's recorded observations.

    Raises:
        UserError: where they are missing, damaged, or of a grader that has changed since.
    """
    path = folder / OBSERVATIONS / f"{grader.id}.obs"
    try:
        return _unpack(path.read_bytes(), grader)
    except (OSError, FrameError, ValueError) as error:
        raise UserError(
            f"cannot read what was recorded for this grader: {error}",
            where=str(path),
            remedy="Run `autograder record HOMEWORK` again.",
        ) from error


def select(manifest: Manifest, graders: Iterable[Grader]) -> Manifest:
    """The manifest with these graders alone."""
    return msgspec.structs.replace(manifest, graders=tuple(graders))


def grader_id(file: str, function: str, *, hidden: bool) -> str:
    """A grader's id from its file's stem and its function's name."""
    base = f"{Path(file).stem}.{function}"
    return re.sub(r"[^A-Za-z0-9_.-]", "_", base) + (".hidden" if hidden else "")


def fingerprint(grader: Grader) -> str:
    """A digest of what a grader's observations depend on: its source, function, arguments and seed."""
    parts = (grader.source.text, grader.function, grader.arguments, grader.seed)
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


class _Index(msgspec.Struct, frozen=True):
    grader: str  # the fingerprint of the grader that observed
    recorded: tuple[Expected, ...]


def _pack(expectations: GraderExpectations, grader: Grader) -> bytes:
    """One frame whose note is the index and whose arrays are named `variant number|key`."""
    recorded, arrays = [], {}
    for number, (variant, observation) in enumerate(expectations.observations.items()):
        recorded.append(Expected(variant=variant, entries=observation.entries, failure=observation.failure))
        for key, array in observation.arrays.items():
            arrays[f"{number}{_SEPARATOR}{key}"] = array
    index = msgspec.json.encode(_Index(grader=fingerprint(grader), recorded=tuple(recorded))).decode()
    return encode_frame(Header(notes=(index,)), arrays)


def _unpack(data: bytes, grader: Grader) -> GraderExpectations:
    frame = decode_frame(data)
    if len(frame.header.notes) != 1:
        raise FrameError("no index")
    try:
        index = msgspec.json.decode(frame.header.notes[0], type=_Index)
    except msgspec.MsgspecError as error:
        raise FrameError(f"the index cannot be decoded: {error}") from error
    if index.grader != fingerprint(grader):
        raise ValueError("it is stale: the grader has changed since, or this file is of another recording")
    observations = {}
    for number, expected in enumerate(index.recorded):
        prefix = f"{number}{_SEPARATOR}"
        arrays: dict[str, Array] = {
            key.removeprefix(prefix): array for key, array in frame.arrays.items() if key.startswith(prefix)
        }
        observations[expected.variant] = Observation(Header(entries=expected.entries, failure=expected.failure), arrays)
    return GraderExpectations(observations)
