"""What isolation students' code gets on this machine, in words: `autograder doctor`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from autograder.sandbox.ladder import TOP
from autograder.sandbox.protocol import LayerName, Standing
from autograder.sandbox.zygote_process import START_SECONDS, ZygoteProcess

SAFE = 2  # from this level on, every secret has a wall around it

LEVELS = {
    3: "two walls around every secret",
    2: "one wall around every secret",
    1: "limits, and no wall around files: students' code reads and writes what you can",
    0: "no isolation: students' code can read the memory of the grader itself",
}
LAYERS: dict[LayerName, str] = {
    "resources": "limits on CPU time, memory, files and descriptors",
    "orphans": "nothing that a child starts outlives it",
    "user": "every child is a user of its own",
    "capabilities": "no child has the powers of root",
    "landlock": "no child reaches other files than its own, its data and Python's",
    "seccomp": "no child starts a process, opens a socket or signals another",
    "memory": "no child reads the memory of the processes above it",
}


def examine() -> Standing:
    """Probe the layers of isolation as a run of graders does, without importing torch.

    Raises:
        SandboxError: where no process can be started at all.
    """
    with tempfile.TemporaryDirectory(prefix="autograder-") as folder:
        Path(folder).chmod(0o711)
        zygote = ZygoteProcess(Path(folder), TOP)
        try:
            return zygote.standing.result(START_SECONDS)
        finally:
            zygote.close()


def report(standing: Standing) -> Iterator[str]:
    """The lines that `autograder doctor` prints."""
    yield f"Isolation: level {standing.level} of {TOP}: {LEVELS[standing.level]}."
    yield ""
    for layer in standing.layers:
        yield f"  {'yes' if layer.holds else 'no ':3}  {LAYERS[layer.name]} ({layer.name})"
        if not layer.holds:
            yield f"         why: {layer.why}"
            if layer.remedy:
                yield f"         what to do: {layer.remedy}"
    yield ""
    yield _advice(standing.level)


def _advice(level: int) -> str:
    if level == TOP:
        return "Nothing needs to be done."
    if level >= SAFE:
        return "This is safe to grade with. A second wall comes with what is marked `no`."
    return "Do not grade strangers' code here: what is marked `no` leaves the answers open to it."


def warning(level: int) -> str:
    """What to tell somebody who is about to run students' code at a level of isolation; "" where all is well."""
    if level >= SAFE:
        return ""
    return f"isolation level {level}: {LEVELS[level]}. `autograder doctor` tells why."
