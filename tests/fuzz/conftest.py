"""What the fuzz tests share: one sandbox, and the two homeworks that are fuzzed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.append(str(Path(__file__).resolve().parents[1] / "harness"))  # the tiny homework, and what is made up

from frame_trial import FrameTrial

from autograder.sandbox.runner import Sandbox

settings.register_profile(
    "fuzz",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One zygote for all tests: to start one takes seconds."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def frame_trial(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> FrameTrial:
    """The homework for frames."""
    return FrameTrial(tmp_path_factory.mktemp("frames"), sandbox)
