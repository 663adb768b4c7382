"""What the hostile submissions share: where the run's files are, and the ways to carry loot off.

A student could know all of it: Gradescope's folders are always the same, and process numbers can be looked up.
"""

import contextlib
import os
import re
import sys
import tempfile
import time

ROOT = "@ROOT@"  # what /autograder is on Gradescope
OTHERS = "@OTHERS@"  # the folder of another student's submission
GRADER = int("@GRADER@")  # the process that holds expectations and results
MARK = "@MARK@"  # in the name of everything that is left behind, so that it can be found
KEY = int("@KEY@")  # of System V shared memory
TOKEN = re.compile(rb"SECRET-[0-9a-f]{32}")
LONGEST = 20.0  # seconds that anything here may last, also where nothing else ends it
SHARED_FOLDERS = (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm", f"{ROOT}/results", f"{ROOT}/submission")


class Found(Exception):  # noqa: N818 - the word that the attacks use
    """Carries loot off in a message."""


def tell(*loot):
    """The tokens in some bytes or texts. They are printed, and left in every folder that may be shared."""
    found = set()
    for piece in loot:
        data = piece if isinstance(piece, (bytes, bytearray)) else str(piece).encode("utf-8", "replace")
        found.update(token.decode() for token in TOKEN.findall(data))
    for token in sorted(found):
        print(token, flush=True)
        print(token, file=sys.stderr, flush=True)
        for folder in SHARED_FOLDERS:
            with contextlib.suppress(OSError), open(f"{folder}/{MARK}-{os.getpid()}.txt", "a") as drop:
                drop.write(token)
    return sorted(found)


class Reached(Exception):  # noqa: N818
    """Says what could be done that must not be."""


def reached(what):
    """Confess that something could be done that no submission may do, and end."""
    print(f"{MARK} reached {what}", flush=True)
    raise Reached(what)


def contents(path, at_most=4_000_000):
    """The beginning of a file, or nothing."""
    try:
        with open(path, "rb") as file:
            return file.read(at_most)
    except OSError:
        return b""


def parent_of(pid):
    """The parent's number, 0 where it is not to be seen."""
    found = re.search(rb"^PPid:\s*(\d+)", contents(f"/proc/{pid}/status"), re.MULTILINE)
    return int(found[1]) if found else 0


def zygote():
    """The parent, as long as it is the zygote, whose own parent is the grader process (or cannot be seen)."""
    parent = os.getppid()
    if parent <= 1 or parent == GRADER or parent_of(parent) not in (GRADER, 0):
        raise ProcessLookupError("the parent is not the zygote")
    return parent


def above():
    """The zygote, and the grader process above it."""
    return [pid for pid in (os.getppid(), GRADER) if pid > 1]


def memory_of(pid, at_most=200_000_000):
    """The private writable memory of a process, piece by piece, for at most some seconds."""
    stop = time.monotonic() + 10
    maps = contents(f"/proc/{pid}/maps", 2_000_000).decode().splitlines()
    read = 0
    try:
        memory = open(f"/proc/{pid}/mem", "rb", buffering=0)
    except OSError:
        return
    with memory:
        for line in maps:
            span, rights, *rest = line.split()
            start, end = (int(number, 16) for number in span.split("-"))
            named = len(rest) > 3 and not rest[3].startswith("[heap")
            if rights[:2] != "rw" or named or end - start > 64_000_000 or read > at_most or time.monotonic() > stop:
                continue
            with contextlib.suppress(OSError, ValueError, OverflowError):
                memory.seek(start)
                piece = memory.read(end - start)
                read += len(piece)
                yield piece


def lasting(seconds=LONGEST):
    """Turns of a loop, for at most some seconds."""
    stop = time.monotonic() + min(seconds, LONGEST)
    while time.monotonic() < stop:
        yield
