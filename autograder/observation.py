"""What a grader saw, as data: entries, and the arrays that they point to.

An observation crosses from the process that runs the student's code to the trusted side, so
it can hold nothing but numbers and text. Its serialised form is a frame:

    b"OBS1" | length of the header, 4 bytes big-endian | header, JSON | arrays, safetensors

There is no pickle, and the header is decoded into the typed structures below or refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import safetensors.numpy

Array = npt.NDArray[Any]
Kind = Literal["close", "exact", "samples", "band", "picture", "leaderboard"]
Side = Literal["both", "at_least", "at_most"]
FailureKind = Literal["missing", "syntax", "import", "loading", "raised", "exit"]

MAGIC = b"OBS1"
MAX_ENTRIES = 200
MAX_TEXT = 200_000
MAX_NOTES = 100
MAX_POINT = 300
MAX_HEADER = 4 * 2**20  # bytes of an untrusted header, which takes about ten times as much when it is decoded


class FrameError(ValueError):
    """The bytes are not a frame that a grader's child writes."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One named thing that a grader observed.

    Exactly one of `array`, `text` and `opaque` is set.

    Attributes:
        array: key of the value in the observation's arrays.
        text: an exact value as canonical JSON.
        opaque: the type of a value that is neither, such as "NoneType".
        dtype: the value's own dtype before it was stored ("float32", "bfloat16").
        points: what was asked to get each row of a `close` array, in words: "mu = 0.5, sigma = 2".
    """

    name: str
    kind: Kind
    array: str = ""
    text: str = ""
    opaque: str = ""
    dtype: str = ""
    rtol: float = 0.0
    atol: float = 0.0
    side: Side = "both"
    points: tuple[str, ...] = ()


class Frame(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A line of a traceback: `code` is the source line itself."""

    file: str
    line: int
    function: str
    code: str = ""


class Failure(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Why a grader stopped before its end.

    `kind` is "missing" where the submission lacks a name, "syntax" where it loses one to a syntax
    error (the message is the error's place and text, then the line and a caret), "import" where
    a package is missing, "loading" where one of the student's top-level statements raised,
    "raised" where a call did, and "exit" for SystemExit and KeyboardInterrupt. `frames` holds the
    lines in the student's files, outermost first; `grader_line` the grader's own line. `point` is
    what was asked when it happened, in words, where a probe asks at many points.
    """

    kind: FailureKind
    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    grader_line: str = ""
    point: str = ""


class Header(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A frame's JSON part.

    Attributes:
        job: echoes the job that the child was asked to run.
        asked: the names that the grader asked of each student module.
        called: where the job asked for a trace, the first lines of the submission's functions that
            were called, by file.
        imported: likewise, the preloadable modules that were imported.
        torch: the version of torch in the child.
        notes: lines for staff.
        seconds: CPU seconds of the grader itself.
    """

    job: str = ""
    entries: tuple[Entry, ...] = ()
    failure: Failure | None = None
    asked: dict[str, tuple[str, ...]] = {}
    called: dict[str, tuple[int, ...]] = {}
    imported: tuple[str, ...] = ()
    torch: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


class Observation:
    """Entries in the order in which they were observed, and their arrays."""

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        self.header = header
        self.arrays = dict(arrays)

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.header.entries

    @property
    def failure(self) -> Failure | None:
        return self.header.failure

    def value(self, entry: Entry) -> Array:
        """The array of an entry that has one."""
        return self.arrays[entry.array]

    def entry(self, name: str) -> Entry | None:
        """The entry called `name`, or None."""
        return next((entry for entry in self.entries if entry.name == name), None)


def canonical_json(value: object) -> str:
    """`value` as JSON with sorted keys: equal trees have equal text.

    Tuples (a `torch.Size` is one) become lists, NumPy's scalars Python's; a float that is not
    finite becomes a string, as JSON has none; a lone surrogate becomes its escape.

    Raises:
        TypeError: when the tree holds anything but None, bool, int, float, str, list, tuple, dict.
    """
    text = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")  # a frame is UTF-8


def _plain(value: object) -> object:
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        value = value.item()
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if type(value) is dict:
        return {str(key): _plain(item) for key, item in value.items()}
    raise TypeError(f"cannot be compared exactly: {type(value).__name__}")


def clean(text: str) -> str:
    """The text without lone surrogates, which a frame cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def encode_frame(header: Header, arrays: Mapping[str, Array]) -> bytes:
    """The frame of a header and its arrays."""
    head = msgspec.json.encode(header)
    body = safetensors.numpy.save({key: np.asarray(array, order="C") for key, array in arrays.items()})
    return MAGIC + len(head).to_bytes(4, "big") + head + body


def decode_frame(data: bytes, *, max_header: int | None = None) -> Observation:
    """Read a frame, from an untrusted child for example.

    Args:
        max_header: bytes of the header; no bound where it is our own.

    Raises:
        FrameError: for anything that is not exactly one well-formed frame.
    """
    if data[:4] != MAGIC:
        raise FrameError("no frame" if not data else "it does not begin as a frame does")
    head_end = 8 + int.from_bytes(data[4:8], "big")
    if len(data) < head_end:
        raise FrameError("it ends inside the header")
    table = int.from_bytes(data[head_end : head_end + 8], "little")  # safetensors' own header
    if max_header is not None and head_end + table > max_header:
        raise FrameError(f"its header has more than {max_header:,} bytes")
    try:
        header = msgspec.json.decode(data[8:head_end], type=Header)
        arrays = safetensors.numpy.load(data[head_end:])
    except Exception as error:  # safetensors and msgspec raise their own kinds, and RecursionError is possible
        raise FrameError(f"it cannot be decoded ({type(error).__name__}: {str(error)[:200]})") from error
    _check(header, arrays)
    return Observation(header, arrays)


def _check(header: Header, arrays: Mapping[str, Array]) -> None:
    if len(header.entries) > MAX_ENTRIES:
        raise FrameError(f"{len(header.entries)} entries, more than {MAX_ENTRIES}")
    if len(header.notes) > MAX_NOTES:
        raise FrameError(f"{len(header.notes)} notes, more than {MAX_NOTES}")
    names = [entry.name for entry in header.entries]
    if len(set(names)) != len(names):
        raise FrameError("two entries have one name")
    for entry in header.entries:
        if bool(entry.array) + bool(entry.text) + bool(entry.opaque) != 1:
            raise FrameError(f"entry {entry.name!r} needs exactly one value")
        if entry.array and entry.array not in arrays:
            raise FrameError(f"entry {entry.name!r} points to an array that is not there")
        if len(entry.text) > MAX_TEXT:
            raise FrameError(f"entry {entry.name!r} has more than {MAX_TEXT} characters")
    for key, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise FrameError(f"array {key!r} has dtype {array.dtype}")
