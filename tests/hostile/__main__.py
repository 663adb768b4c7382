"""Print the table of breaches: `python tests/hostile`. The exit status is 1 where it is not as it must be."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec
from runner import LEVELS, Report, UnavailableError, choose, complaints, prepare, run_level, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/hostile", description=__doc__)
    parser.add_argument("patterns", nargs="*", help="run the submissions whose names contain one of these")
    parser.add_argument("--level", action="append", default=[], choices=[level.name for level in LEVELS])
    parser.add_argument("--json", type=Path, help="write what was found to this file as well")
    parser.add_argument("--archive", type=Path, help="use this Gradescope zip; record the homework by default")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every submission")
    arguments = parser.parse_args()
    levels, cases = choose(arguments.level, arguments.patterns)
    with tempfile.TemporaryDirectory(prefix="hostile-homework-") as folder:
        Path(folder).chmod(0o755)
        archive = arguments.archive or prepare(Path(folder))
        reports: list[Report] = []
        for level in levels:
            try:
                reports.append(run_level(level, cases, archive, print if arguments.verbose else lambda _: None))
            except UnavailableError as error:
                reports.append(Report(level=level.name, skipped=str(error)))
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.encode(reports))
    print(table(reports))
    wrong = complaints(reports) if len(levels) > 1 else []
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
