"""Print the table of breaches: `python tests/hostile`. The exit status is 1 where it is not as it must be.

The levels run at the same time, each below a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
from corpus import HERE
from runner import LEVELS, Level, Report, UnavailableError, choose, complaints, prepare, run_level, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/hostile", description=__doc__)
    parser.add_argument("patterns", nargs="*", help="run the submissions whose names contain one of these")
    parser.add_argument("--level", action="append", default=[], choices=[level.name for level in LEVELS])
    parser.add_argument("--json", type=Path, help="write what was found to this file as well")
    parser.add_argument("--archive", type=Path, help="use this Gradescope zip; record the homework by default")
    every = "as an ordinary user grade each N-th submission, where all are graded as root: 1 by default"
    parser.add_argument("--every", type=int, default=1, metavar="N", help=every)
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every submission")
    arguments = parser.parse_args()
    levels, cases = choose(arguments.level, arguments.patterns)
    if len(levels) > 1 and levels[0].name != "root":
        arguments.every = 1
    with tempfile.TemporaryDirectory(prefix="hostile-homework-") as folder:
        Path(folder).chmod(0o755)
        archive = arguments.archive or prepare(Path(folder))
        if len(levels) == 1:
            say = (lambda line: print(line, flush=True)) if arguments.verbose else (lambda _: None)
            try:
                reports = [run_level(levels[0], cases, archive, say, arguments.every)]
            except UnavailableError as error:
                reports = [Report(level=levels[0].name, skipped=str(error))]
        else:
            more = [*arguments.patterns, *["--verbose"] * arguments.verbose]
            reports = run_levels(levels, archive, Path(folder), [*more, "--every", str(arguments.every)])
            if arguments.every > 1 and reports[0].skipped:  # so they are not all graded as root
                reports = run_levels(levels, archive, Path(folder), more)
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.encode(reports))
    if len(levels) == 1:
        return 0
    print(table(reports))
    wrong = complaints(reports, cases)
    print("\n".join(wrong))
    return 1 if wrong else 0


def run_levels(levels: Sequence[Level], archive: Path, folder: Path, more: Sequence[str]) -> list[Report]:
    """Run all levels at the same time.

    Raises:
        RuntimeError: where one of them broke off.
    """
    with ExitStack() as stack:
        running = {}
        for level in levels:
            chosen = ["--level", level.name, "--archive", str(archive), "--json", str(folder / level.name)]
            process = subprocess.Popen([sys.executable, str(HERE), *chosen, *more], stdin=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            running[level.name] = process
        ended = {name: process.wait() for name, process in running.items()}
    broken = [name for name, status in ended.items() if status]
    if broken:
        raise RuntimeError(f"the run of {', '.join(broken)} broke off")
    return [msgspec.json.decode((folder / level.name).read_bytes(), type=list[Report])[0] for level in levels]


if __name__ == "__main__":
    sys.exit(main())
