"""Notebooks as they are handed in: an hour's training loop among the definitions, and 50 MB of outputs."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import PROJECT, figure, ratio, seconds_of

from autograder.answers.cells import read_cells
from autograder.grading import Place, cores, grade
from autograder.homework import load_homework
from autograder.manifest import read_manifest
from autograder.sandbox.runner import Sandbox
from autograder.submission import find_submission

sys.path.append(str(PROJECT / "tests" / "harness"))
from notebook_damage import with_an_hour_of_training, with_large_outputs

HOMEWORK = "ece8803_ps3"
CASES = PROJECT / "tests" / "submissions" / HOMEWORK
NOTEBOOKS = ("gan_saved_half_run/gan-mnist.ipynb", "ebm_half_run/ebm-mnist.ipynb")
ROUNDS = 5


def main() -> None:
    """Measure, print the figures, then the ratios."""
    manifest = read_manifest(load_homework(HOMEWORK, PROJECT).expectations)
    wanted = [file.wanted for file in manifest.files]
    where = Place.of(load_homework(HOMEWORK, PROJECT).expectations)
    print(f"{HOMEWORK}, {cores()} cores, torch {manifest.versions.torch}\n")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write(folder, with_an_hour_of_training)
        started = time.perf_counter()
        with Sandbox() as sandbox:
            results = list(grade(manifest, where, find_submission(folder, wanted), sandbox))
        seconds = time.perf_counter() - started
        points = sum(result.score for result in results)
        figure(f"two notebooks with loops of an hour, {len(results)} graders ({points:g} points)", seconds)
        ratio("their grading, torch's import included / 60 s", [seconds / 60], limit=1.0)
        write(folder, with_large_outputs)
        path = folder / Path(NOTEBOOKS[0]).name
        data = path.read_bytes()
        code = [seconds_of(lambda: find_submission(path, wanted[:1])) for _ in range(ROUNDS)]
        text = [seconds_of(lambda: read_cells(data, path.name)) for _ in range(ROUNDS)]
        print()
        figure(f"a notebook of {len(data) / 1e6:.0f} MB read for grading", statistics.median(code))
        figure("the same one read for its answers", statistics.median(text))
        ratio("reading it for grading / 2 s", [seconds / 2 for seconds in code], limit=1.0)


def write(folder: Path, damage: Callable[[dict[str, object]], bytes]) -> None:
    """Lay both notebooks into `folder`, changed by `damage`."""
    for name in NOTEBOOKS:
        (folder / Path(name).name).write_bytes(damage(json.loads((CASES / name).read_bytes())))


if __name__ == "__main__":
    main()
