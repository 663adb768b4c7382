"""Kill a regrade at random moments: `python tests/harness/kill_regrade.py [kills] [submissions] [seed]`.

A class to the tiny homework is graded once undisturbed, and once by a run that is killed again and again: the
coordinator alone, or with all that it has started. After each kill every results.json that stands must be whole, and as
in the undisturbed run; after the last resume all must be there. Prints what was found; exits with 1 if anything
was lost or differs.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from made_up_class import read_class, write_class
from tiny_homework import write_tiny_homework

from autograder.recording import record


def main(kills: int = 50, submissions: int = 200, seed: int = 1) -> int:
    """Run and print; the exit status."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="autograder-kills-") as scratch:
        folder = Path(scratch)
        tiny = write_tiny_homework(folder / "project")
        record(tiny.load())
        write_class(folder / "class", submissions)
        started = time.monotonic()
        process = run(folder, "undisturbed")
        while process.poll() is None and not any((folder / "undisturbed").glob("results/*.json")):
            time.sleep(0.05)
        patience = 2 * (time.monotonic() - started)  # half of the runs are killed before they have graded anything
        finished = process.wait()
        undisturbed = read_class(folder / "undisturbed")
        seconds = time.monotonic() - started
        print(
            f"undisturbed: {len(undisturbed)} of {submissions} in {seconds:.0f} s, exit status {finished}", flush=True
        )
        wrong: list[str] = []
        before = 0
        for number in range(1, kills + 1):
            process = run(folder, "killed")
            time.sleep(chance.random() * patience)
            children = started_by(process.pid) if chance.random() < 0.5 else []
            for pid in (process.pid, *children):
                kill(pid)
            process.wait()
            found = read_class(folder / "killed") if (folder / "killed" / "results").is_dir() else {}
            wrong += [f"kill {number}: {id} differs" for id in found if found[id] != undisturbed.get(id)]
            if len(found) < before:
                wrong.append(f"kill {number}: {before - len(found)} results are gone")
            before = len(found)
            print(f"kill {number}: {before} results, {len(children)} others killed", flush=True)
        status = run(folder, "killed").wait()
        after = read_class(folder / "killed")
        wrong += [f"at the end: {id} differs" for id in undisturbed if after.get(id) != undisturbed[id]]
        if status != finished or after.keys() != undisturbed.keys():
            wrong.append(f"at the end: {len(after)} results, exit status {status}")
        print(*wrong, sep="\n")
        print(f"{kills} kills: {len(after)} of {submissions} results, {len(wrong)} faults")
        return 1 if wrong else 0


def run(folder: Path, out: str) -> subprocess.Popen[bytes]:
    """Start a regrade of the class."""
    words = ["regrade", "tiny", folder / "class", "-o", folder / out, "--no-report"]
    return subprocess.Popen(
        [sys.executable, "-m", "autograder", *map(str, words)],
        cwd=folder / "project",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def started_by(pid: int) -> list[int]:
    """The processes below a process."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in thread.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *started_by(child)]
    return found


def kill(pid: int) -> None:
    """End one process, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
