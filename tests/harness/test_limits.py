"""What homework.toml declares, as it reaches one grader's child."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from autograder.limits import GraderLimits, Limits

LIMITS = Limits(
    seconds=3,
    memory_mb=100,
    of={"4": {"memory_mb": 200, "seconds": 5}, "4.f": {"memory_mb": 300}, "4.f.1": {"files": 7}},
)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("2.a", {}),
        ("40.a", {}),
        ("4.a.1", {"seconds": 5, "memory_mb": 200}),
        ("4.f.2", {"seconds": 5, "memory_mb": 300}),
        ("4.f.1", {"seconds": 5, "memory_mb": 300, "files": 7}),
        ("4.f.1.hidden", {"seconds": 5, "memory_mb": 300, "files": 7}),
        ("4.f.10", {"seconds": 5, "memory_mb": 300}),
    ],
)
def test_the_longer_prefix_prevails_key_by_key(number: str, expected: dict[str, Any]) -> None:
    assert LIMITS.for_grader(number) == GraderLimits(**{"seconds": 3, "memory_mb": 100, **expected})


def test_a_graders_own_mark_prevails_over_all() -> None:
    assert LIMITS.for_grader("4.f.1", 0.5).seconds == 0.5


@pytest.mark.parametrize("wrong", [{"second": 1}, {"memory_mb": 0}, {"memory_mb": 1.5}, {"open_files": 3}])
def test_what_is_wrong_with_an_exception_is_told(wrong: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError, match=next(iter(wrong))):
        Limits(of={"4": wrong}).for_grader("4.a")


def test_units() -> None:
    limits = GraderLimits(
        seconds=1.5, wall_factor=2, memory_mb=3, file_mb=4, scratch_mb=5, files=6, output_kb=7, reply_mb=8
    )
    child, reply = limits.child(), limits.reply()
    assert (child.cpu_seconds, child.wall_seconds) == (1.5, 3.0)
    assert (child.memory_bytes, child.file_bytes, child.scratch_bytes) == (3 << 20, 4 << 20, 5 << 20)
    assert (child.scratch_files, child.open_files, child.processes) == (6, 256, 64)
    assert (reply.output, reply.reply) == (7 << 10, 8 << 20)
