"""A deadline for the trusted side's own work, which must come to an end whatever it reads."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class HungError(Exception):
    """The trusted side did not come to an end."""


@contextlib.contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    """Raise HungError where the block takes longer by the wall clock. For the main thread.

    The deadlines that are given are hundreds of times what the work takes, so that only what would not end meets them.
    """

    def give_up(_: int, __: FrameType | None) -> None:
        raise HungError(f"no end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
