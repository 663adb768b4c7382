"""The processes below a process, to find and end what outlived its parent. Linux."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

_SET_CHILD_SUBREAPER = 36


def try_to_adopt() -> None:
    """Become the parent of every descendant whose own parent dies, so that none is lost from sight."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants_of(pid: int) -> list[int]:
    """Every process below `pid`, zombies included, parents before children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = list(children.get(pid, ()))
    for process in found:
        found += children.get(process, ())
    return found


def end(pids: Iterable[int]) -> None:
    """Kill these descendants of this process; they must have been seen to be such just now."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    reap(pids)


def reap(pids: Iterable[int]) -> None:
    """Take leave of those that have ended and were adopted."""
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
