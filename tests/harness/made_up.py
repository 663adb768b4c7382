"""Observations, graders, outcomes and jobs that no homework has made, each written in one line of a test."""

from __future__ import annotations

import io
import textwrap
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograder.limits import GraderLimits
from autograder.manifest import Grader
from autograder.observation import Entry, Failure, Frame, Header, Observation
from autograder.sandbox.channels import ReplyLimits
from autograder.sandbox.protocol import ChildLimits, Job, Source
from autograder.sandbox.runner import Outcome, Sandbox


def seen(
    value: object = None, kind: str = "close", name: str = "x", failure: Failure | None = None, **how: Any
) -> Observation:
    """An observation of one array, of text, of "NoneType", or (for None) of nothing."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        entry = Entry(name=name, kind=kind, array="0", **{"dtype": array.dtype.name, **how})  # type: ignore[arg-type]
        return Observation(Header(entries=(entry,), failure=failure), {"0": array})
    if value is None:
        return Observation(Header(failure=failure), {})
    field = {"opaque": "NoneType"} if value == "NoneType" else {"text": str(value)}
    entry = Entry(name=name, kind=kind, **field, **how)  # type: ignore[arg-type]
    return Observation(Header(entries=(entry,), failure=failure), {})


def together(**observations: Observation) -> Observation:
    """One observation of several entries, each under the name given."""
    entries, arrays = [], {}
    for name, observation in observations.items():
        (entry,) = observation.entries
        fields = {field: getattr(entry, field) for field in entry.__struct_fields__} | {"name": name}
        if entry.array:
            fields["array"] = name
            arrays[name] = observation.value(entry)
        entries.append(Entry(**fields))
    return Observation(Header(entries=tuple(entries)), arrays)


def failed(
    type: str = "ValueError", message: str = "no", kind: Any = "raised", *, line: int = 31, frames: int = 1
) -> Failure:
    """A failure in the student's `forward`, or with no frame of the student's."""
    frame = Frame(file="hw3_gan.py", line=line, function="forward", code="x = self.fc(x)")
    return Failure(kind=kind, type=type, message=message, frames=(frame,) * frames, grader_line="observe(x=net(x))")


def a_grader(number: str = "4.a.1", *, hidden: bool = False, **fields: Any) -> Grader:
    """A grader of four points."""
    fields = {
        "id": f"test_x.test_{number}",
        "number": number,
        "title": "A title",
        "weight": 4.0,
        "visibility": "after_published" if hidden else "visible",
        "hidden": hidden,
        "seed": 1,
        "limits": GraderLimits(seconds=5.0, memory_mb=512),
        "function": "test_x",
        "source": Source("test_x.py", "def test_x(observe): observe(x=1)"),
        "arguments": ("observe",),
        "modules": (),
        **fields,
    }
    return Grader(**fields)


def an_outcome(
    ending: Any = "replied", detail: str = "", observation: Observation | None = None, output: str = ""
) -> Outcome:
    """How a child ended."""
    return Outcome(ending, detail, observation, output, wall_seconds=0.1, cpu_seconds=0.1, peak_mb=200.0)


SECRET = "a word that no child may see"
MEGABYTE = 2**20
LIMITS = ChildLimits(cpu_seconds=10, wall_seconds=20, memory_bytes=1024 * MEGABYTE, file_bytes=4 * MEGABYTE)
REPLY_LIMITS = ReplyLimits(reply=4 * MEGABYTE, output=4096)


def a_job(body: str, student: str = "", **fields: Any) -> Job:
    """A job whose grader has this body; `hw` is the student's module, and `observe` and `rng` are as always."""
    source = f"def test_it(hw, rng, observe):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    fields = {
        "id": "a job",
        "grader": Source("test_it.py", source),
        "function": "test_it",
        "arguments": ("hw", "rng", "observe"),
        "submission": {"hw": (Source("hw.py", textwrap.dedent(student)),)},
        "given": {},
        "seed": 1,
        "student_seed": 2,
        "data": "/nowhere",
        **fields,
    }
    return Job(**fields)


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """A zip of files, by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


class LentSandbox:
    """The session's sandbox for code that opens and closes one of its own."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sandbox, name)

    def stop(self, why: str) -> None:
        raise AssertionError(f"the session's sandbox would be stopped: {why}")

    def __enter__(self) -> LentSandbox:
        return self

    def __exit__(self, *_: object) -> None:
        pass
