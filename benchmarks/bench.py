"""`make bench`: how fast a submission is graded, as ratios of figures from this one run.

A real /autograder tree is made from the Gradescope zip, and `run_autograder` is run on the right
example, cold, in turn with `python -c "import torch, torchvision"`. Absolute times say something
about this machine only; the ratios are what to compare.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from autograder.bundle import EXPECTATIONS, build_gradescope_zip
from autograder.gradescope import read_results
from autograder.grading import Place, cores, grade, make_job, submission_sources
from autograder.homework import load_homework
from autograder.limits import GraderLimits
from autograder.manifest import DATA, MANIFEST, Grader, Manifest, read_manifest, select
from autograder.sandbox.protocol import Source
from autograder.sandbox.runner import Sandbox
from autograder.submission import find_submission

PROJECT = Path(__file__).resolve().parents[1]
HOMEWORK = "cs446_hw3"
WRITTEN = "hw3_written"
TRAINING_PARTS = ("2.d", "4.f")
ROUNDS = 5
FORKS = 30


def main() -> None:
    """Measure, print the figures, then the ratios."""
    homework = load_homework(HOMEWORK, PROJECT)
    manifest = read_manifest(homework.expectations)
    quick = [grader for grader in manifest.graders if manifest.part(grader.number)[0] not in TRAINING_PARTS]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "autograder"
        make_tree(root)
        write_manifest(root, select(manifest, quick))
        imports, runs, computing = [], [], []
        for _ in range(ROUNDS):
            imports.append(seconds_of(lambda: call([sys.executable, "-c", "import torch, torchvision"])))
            runs.append(seconds_of(lambda: run_autograder(root)))
            computing.append(children_seconds(root))
        write_manifest(root, manifest)
        whole = seconds_of(lambda: run_autograder(root))
        score = read_results(root / "results" / "results.json").score
    print(f"{HOMEWORK}, {cores()} cores, torch {manifest.versions.torch}; medians of {ROUNDS} rounds in turn\n")
    figure("import torch, torchvision", statistics.median(imports))
    figure(f"graders' own computing, {len(quick)} graders without training", statistics.median(computing))
    figure("run_autograder, cold, the same graders", statistics.median(runs))
    figure(f"run_autograder, cold, all {len(manifest.graders)} graders ({score:g} points)", whole)
    pairs = zip(runs, imports, computing, strict=True)
    ratio("run_autograder / (import + computing)", [run / (base + own) for run, base, own in pairs], limit=1.5)
    ratio("all graders / 60 s", [whole / 60], limit=1.0)
    written_answers(manifest, homework.expectations)
    fork_overhead(manifest, homework.expectations / DATA)


def make_tree(root: Path) -> None:
    """Gradescope's folders below `root`, with the zip unpacked and set up, and the right example handed in."""
    archive = root.parent / "zip"
    build_gradescope_zip(load_homework(HOMEWORK, PROJECT), archive)
    with zipfile.ZipFile(archive) as unpacked:
        unpacked.extractall(root / "source")
    shutil.copytree(PROJECT / "examples" / "right", root / "submission")
    (root / "results").mkdir()
    environment = {**os.environ, "AUTOGRADER_ROOT": str(root), "AUTOGRADER_PYTHON": sys.executable}
    subprocess.run(["bash", str(root / "source" / "setup.sh")], env=environment, check=True, stdout=subprocess.DEVNULL)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Have `root` grade with the graders of `manifest` alone."""
    (root / "source" / EXPECTATIONS / MANIFEST).write_bytes(msgspec.json.encode(manifest))


def run_autograder(root: Path) -> None:
    """One run as Gradescope makes it."""
    environment = {"PATH": os.environ["PATH"], "AUTOGRADER_ROOT": str(root)}
    subprocess.run(["bash", str(root / "source" / "run_autograder")], env=environment, check=True)


def children_seconds(root: Path) -> float:
    """CPU seconds of all children of the last run, a fork's own cost included."""
    tests = read_results(root / "results" / "results.json").tests
    return sum(float(test.extra_data.get("cpu_seconds", 0.0)) for test in tests if isinstance(test.extra_data, dict))


def written_answers(manifest: Manifest, expectations: Path) -> None:
    """All graders of the written problems, from the first on: torch is imported, SciPy is not yet."""
    written = select(manifest, [grader for grader in manifest.graders if WRITTEN in grader.modules])
    found = find_submission(PROJECT / "examples" / "right", [file.wanted for file in manifest.files])
    times = []
    for _ in range(ROUNDS):
        with Sandbox() as sandbox:
            sandbox.preload(())
            times.append(seconds_of(lambda: list(grade(written, Place.of(expectations), found, sandbox))))
    print()
    figure(f"the {len(written.graders)} graders of {WRITTEN}, torch's import aside", statistics.median(times))
    ratio(f"graders of {WRITTEN} / 2 s", [seconds / 2 for seconds in times], limit=1.0)


def fork_overhead(manifest: Manifest, data: Path) -> None:
    """What a grader costs beside its own computing: an empty grader in a child, and as a process of its own."""
    empty = Grader(
        id="empty",
        number="0",
        title="",
        weight=0,
        visibility="visible",
        hidden=False,
        seed=0,
        limits=GraderLimits(),
        function="test_empty",
        source=Source("empty.py", "def test_empty(observe):\n    pass\n"),
        arguments=("observe",),
        modules=(),
    )
    found = find_submission(PROJECT / "examples" / "right", [file.wanted for file in manifest.files])
    job = make_job(manifest, empty, submission_sources(found), data)
    child, reply = empty.limits.child(), empty.limits.reply()
    with Sandbox() as sandbox:
        sandbox.run(job, child, reply)
        children = [seconds_of(lambda: sandbox.run(job, child, reply)) for _ in range(FORKS)]
    cold = [seconds_of(lambda: call([sys.executable, "-c", "import torch"])) for _ in range(ROUNDS)]
    print()
    figure("an empty grader in a child of the zygote", statistics.median(children))
    figure("an empty grader as a cold process", statistics.median(cold))
    ratio("cold process / child", [statistics.median(cold) / statistics.median(children)])


def call(command: list[str]) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def seconds_of(action: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def figure(name: str, seconds: float) -> None:
    """Print one measured time."""
    print(f"  {name:<66} {seconds:8.3f} s")


def ratio(name: str, values: list[float], limit: float | None = None) -> None:
    """Print a ratio's median and range, and the figure that it is meant to stay below."""
    spread = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
    goal = f", meant to stay below {limit:g}" if limit is not None else ""
    print(f"  {name:<66} {statistics.median(values):8.2f} ×{spread}{goal}")


if __name__ == "__main__":
    main()
