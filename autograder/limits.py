"""What graders' children may use, as homework.toml declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from autograder.questions import matches
from autograder.sandbox.channels import ReplyLimits
from autograder.sandbox.protocol import ChildLimits

KILOBYTE, MEGABYTE = 2**10, 2**20

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Positive = Annotated[int, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class GraderLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one grader's child may use. A student who meets one is told which, and its value.

    Attributes:
        seconds: CPU seconds; a grader's `@pytest.mark.timeout` overrides it. The wall clock
            allows `wall_factor` times as much, because a busy machine stretches time.
        memory_mb: MiB of address space beyond what the zygote already has mapped.
        file_mb: MiB of the largest file that it may write.
        scratch_mb: MiB of all the files that it may have written.
        files: how many files and folders it may have made.
        open_files: descriptors at a time.
        processes: threads at a time, its own included. Other processes may not be started at all.
        output_kb: KiB of printed output that are kept.
        reply_mb: MiB of the observation that it sends back.
    """

    seconds: Seconds = 10.0
    wall_factor: Annotated[float, msgspec.Meta(ge=1)] = 3.0
    memory_mb: Positive = 2048
    file_mb: Count = 64
    scratch_mb: Positive = 256
    files: Positive = 1000
    open_files: Annotated[int, msgspec.Meta(ge=32)] = 256
    processes: Positive = 64
    output_kb: Count = 64
    reply_mb: Positive = 32

    def child(self) -> ChildLimits:
        """What the sandbox enforces."""
        return ChildLimits(
            cpu_seconds=self.seconds,
            wall_seconds=self.seconds * self.wall_factor,
            memory_bytes=self.memory_mb * MEGABYTE,
            file_bytes=self.file_mb * MEGABYTE,
            scratch_bytes=self.scratch_mb * MEGABYTE,
            scratch_files=self.files,
            open_files=self.open_files,
            processes=self.processes,
        )

    def reply(self) -> ReplyLimits:
        """How much is read from the child."""
        return ReplyLimits(reply=self.reply_mb * MEGABYTE, output=self.output_kb * KILOBYTE)


class SubmissionLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all graders of one submission may use together. What is over is "not reached".

    Attributes:
        wall_seconds: from the run's start to its last result. Gradescope stops an autograder after the
            time in the assignment's settings (Autograder Timeout), and shows no result then; stay a minute
            below it. The default stays below ten minutes.
        cpu_seconds: of all children; no further grader is started when they have used it up.
    """

    wall_seconds: Seconds = 540.0
    cpu_seconds: Seconds = 480.0


class Limits(GraderLimits, frozen=True, forbid_unknown_fields=True):
    """The table [limits] of homework.toml.

    Attributes:
        of: other limits by question number, `[limits.of."4.f"]`, for all graders of that part.
        submission: `[limits.submission]`.
    """

    of: dict[str, dict[str, float]] = {}
    submission: SubmissionLimits = SubmissionLimits()

    def for_grader(self, number: str, seconds: float | None = None) -> GraderLimits:
        """The limits of the grader of a question, whose own mark may give it other CPU seconds.

        The longer prefix of the number prevails, key by key.

        Raises:
            msgspec.ValidationError: where `of` holds an unknown key or a wrong value.
        """
        general = {name: getattr(self, name) for name in GraderLimits.__struct_fields__}
        prefixes = sorted((prefix for prefix in self.of if matches(number, (prefix,))), key=len)
        for prefix in prefixes:
            general |= self.of[prefix]
        if seconds is not None:
            general["seconds"] = seconds
        return msgspec.convert(_whole(general), GraderLimits)


def _whole(table: Mapping[str, float]) -> dict[str, float]:
    return {key: int(value) if float(value).is_integer() else value for key, value in table.items()}
