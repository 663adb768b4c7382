"""A class regraded: against gradescope-utils, by size, by workers, and again without a change.

The class is made here: six small graders, and as many different right files as are wanted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
from bench import PROJECT, TRAINING_PARTS, figure, ratio

from autograder.grading import cores
from autograder.homework import load_homework
from autograder.manifest import MANIFEST, read_manifest, select
from autograder.recording import record
from autograder.templates import write_templates

NAME = "six"
COLD_RUNS = 6
CLASS = 400  # submissions that must be graded again tonight
SIZES = (10, 100, 1_000)
COPIES = (2, 8)

DECLARATION = """
title = "Six small functions"
points = 6
template_floor = 0

[seeds]
visible = 1
hidden = 2

[[file]]
module = "six"
path = "six.py"
names = ["relu", "softmax", "mse", "kl", "swish", "center"]

[parts]
"1" = "Functions"
"""
FUNCTIONS = {
    "relu": "x.clamp(min=0)",
    "softmax": "torch.softmax(x, dim=1)",
    "mse": "x.square().mean()",
    "kl": "0.5 * (x.exp() - 1 - x).sum()",
    "swish": "x * torch.sigmoid(x)",
    "center": "x - x.mean(dim=0)",
}
SOLUTION = "import torch\n" + "".join(f"\n\ndef {name}(x):\n    return {body}\n" for name, body in FUNCTIONS.items())
REFERENCE = '"""Six functions of a matrix."""\n\nimport torch\n' + "".join(
    f"\n\ndef {name}(x):\n    ### BEGIN SOLUTION\n    return {body}\n    ### END SOLUTION\n"
    for name, body in FUNCTIONS.items()
)
GRADERS = "from gradescope_utils.autograder_utils.decorators import number, weight\n" + "".join(
    f'\n\n@number("1.{number}")\n@weight(1)\ndef test_{name}(six, rng, observe):\n    """{name} is right."""\n'
    f"    observe(value=six.{name}(rng.normal(4, 3)))\n"
    for number, name in enumerate(FUNCTIONS, start=1)
)
#: The same six as a course writes them for gradescope-utils: the expected values stand in the graders' own process.
PEER = """import unittest
import torch
from gradescope_utils.autograder_utils.decorators import number, weight
from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner
import six_functions as six

class Tests(unittest.TestCase):
    def setUp(self):
        self.x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
""" + "".join(
    f'\n    @weight(1)\n    @number("1.{number}")\n    def test_{name}(self):\n        x = self.x\n'
    f"        self.assertTrue(torch.allclose(six.{name}(x), {body}))\n"
    for number, (name, body) in enumerate(FUNCTIONS.items(), start=1)
)
PEER_MAIN = """
if __name__ == "__main__":
    with open("results.json", "w") as file:
        JSONTestRunner(stream=file).run(unittest.defaultTestLoader.loadTestsFromTestCase(Tests))
"""


@dataclass(frozen=True)
class Run:
    """One regrade: wall time, CPU time of all its processes, and the most memory that its coordinator had at a time."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def main() -> None:
    """Measure, print the figures, then the ratios."""
    parser = argparse.ArgumentParser(prog="python benchmarks/regrade.py", description=__doc__)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="submissions of the largest class")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        project = write_project(folder / "project")
        print(f"regrade, {cores()} cores\n")
        against_gradescope_utils(project, folder)
        by_workers(project, folder)
        by_size(project, folder, [*SIZES[:-1], arguments.largest])
        overhead(folder)


def write_project(project: Path) -> Path:
    """The homework of six functions, recorded."""
    reference, graders = project / "reference" / NAME, project / "tests" / "graders" / NAME
    for place in (reference, graders):
        place.mkdir(parents=True)
    (reference / "homework.toml").write_text(DECLARATION)
    (reference / "six.py").write_text(REFERENCE)
    (graders / "test_six.py").write_text(GRADERS)
    shutil.copyfile(PROJECT / "pyproject.toml", project / "pyproject.toml")
    homework = load_homework(NAME, project)
    write_templates(reference, homework.template, ["six.py"])
    record(homework)
    return project


def write_class(folder: Path, count: int, text: str = SOLUTION, name: str = "six.py") -> Path:
    """A folder of so many students, each with another text."""
    for number in range(count):
        place = folder / f"student_{number:04d}"
        place.mkdir(parents=True)
        (place / name).write_text(f"{text}\n\nSTUDENT = {number}\n")
    return folder


def regrade(project: Path, homework: str, submissions: Path, out: Path, *options: str) -> Run:
    """One run of the command, which must find every verdict."""
    command = [sys.executable, "-m", "autograder", "regrade", homework, str(submissions), "-o", str(out), *options]
    started, before, peak = time.perf_counter(), cpu_of_children(), 0.0
    with (out.parent / "regrade.log").open("w") as log, start(command, project, log) as process:
        while process.poll() is None:
            peak = max(peak, high_water_mb(process.pid))
            time.sleep(0.02)
    if process.returncode:
        sys.exit((out.parent / "regrade.log").read_text())
    return Run(time.perf_counter() - started, cpu_of_children() - before, peak)


def cpu_of_children() -> float:
    """CPU seconds of all processes below this one that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start(command: list[str], project: Path, log: IO[str] | int) -> subprocess.Popen[bytes]:
    """The command in a project that is not installed."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(command, cwd=project, stdout=log, stderr=log, env=environment)


def high_water_mb(pid: int) -> float:
    """The most memory that a process had so far; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def against_gradescope_utils(project: Path, folder: Path) -> None:
    """Submissions per second, the start of everything included, against a cold process for each."""
    peer = folder / "peer"
    peer.mkdir()
    (peer / "six_functions.py").write_text(SOLUTION)
    (peer / "run.py").write_text(PEER + PEER_MAIN)
    cold = []
    for _ in range(COLD_RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "run.py"], cwd=peer, check=True, stdout=subprocess.DEVNULL)
        cold.append(time.perf_counter() - started)
    assert len(json.loads((peer / "results.json").read_text())["tests"]) == len(FUNCTIONS)
    run = regrade(project, NAME, write_class(folder / "class", CLASS), folder / "out", "--no-report")
    figure("gradescope-utils, six small graders, a cold process", sorted(cold)[len(cold) // 2])
    figure(f"regrade, the same six, one of {CLASS} submissions, all isolation", run.seconds / CLASS)
    ratio("cold process / regrade, meant to be 40 or more", [seconds * CLASS / run.seconds for seconds in cold])


def by_workers(project: Path, folder: Path) -> None:
    """One worker and two, in turn."""
    ratios = []
    for turn in range(2):
        submissions = write_class(folder / f"by workers {turn}", CLASS)
        one, two = (
            regrade(
                project, NAME, submissions, folder / f"out {turn} {number}", "--no-report", "--workers", str(number)
            )
            for number in (1, 2)
        )
        ratios.append(one.seconds / two.seconds)
    print()
    ratio(f"one worker / two workers, {CLASS} submissions, meant to be 1.8 or more", ratios)


def by_size(project: Path, folder: Path, sizes: list[int]) -> None:
    """From ten submissions to a thousand, with the report; then again, unchanged."""
    print()
    runs = {}
    for size in sizes:
        submissions, out = write_class(folder / f"{size} students", size), folder / f"out of {size}"
        runs[size] = regrade(project, NAME, submissions, out)
        figure(f"{size} submissions, with report", runs[size].seconds)
    largest = sizes[-1]
    again = regrade(project, NAME, folder / f"{largest} students", folder / f"out of {largest}")
    small, middle = sizes[0], sizes[-2]
    slope = (runs[middle].seconds - runs[small].seconds) / (middle - small)
    foretold = runs[small].seconds + slope * (largest - small)
    ratio(f"{largest} / what {small} and {middle} foretell (1 is linear)", [runs[largest].seconds / foretold])
    figure(f"{largest} unchanged submissions", again.seconds)
    ratio("unchanged / 5 s", [again.seconds / 5], limit=1.0)
    ratio("the coordinator's memory / 500 MB", [runs[largest].peak_mb / 500], limit=1.0)


def overhead(folder: Path) -> None:
    """What a submission to cs446_hw3 costs beyond its children's own computing, without the training graders."""
    homework = load_homework("cs446_hw3", PROJECT)
    manifest = read_manifest(homework.expectations)
    quick = [grader for grader in manifest.graders if manifest.part(grader.number)[0] not in TRAINING_PARTS]
    project = folder / "cs446"
    target = project / homework.expectations.relative_to(PROJECT)
    shutil.copytree(homework.expectations, target)
    for name in ("reference", "student_template"):
        shutil.copytree(PROJECT / name, project / name)
    shutil.copyfile(PROJECT / "pyproject.toml", project / "pyproject.toml")
    (target / MANIFEST).write_bytes(msgspec.json.encode(select(manifest, quick)))
    used, computing = {}, 0.0
    for copies in COPIES:
        submissions = folder / f"cs446 class of {copies}"
        for number in range(copies):
            shutil.copytree(PROJECT / "examples" / "right", submissions / f"student_{number}")
            for path in (submissions / f"student_{number}").glob("*.py"):
                path.write_text(f"{path.read_text()}\n\nSTUDENT = {number}\n")
        out = folder / f"cs446 out of {copies}"
        used[copies] = regrade(project, "cs446_hw3", submissions, out, "--no-report", "--workers", "1").cpu_seconds
        tests = [test for path in (out / "results").glob("*.json") for test in json.loads(path.read_text())["tests"]]
        computing = sum(test["extra_data"]["cpu_seconds"] for test in tests) / copies
    few, many = COPIES
    each = (used[many] - used[few]) / (many - few)
    print("\nCPU time, so that other work on the machine counts less:")
    figure(f"cs446_hw3, {len(quick)} graders without training, one more submission", each)
    figure("its children's own", computing)
    figure("overhead", each - computing)
    figure("overhead per grader", (each - computing) / len(quick))
    ratio("overhead / 60 ms", [(each - computing) / 0.06], limit=1.0)


if __name__ == "__main__":
    main()
