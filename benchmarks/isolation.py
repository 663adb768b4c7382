"""What isolation costs a grader: the same small grader in children with and without it, in turn, in one run.

Needs no recorded homework, so it runs with any build of torch: `python benchmarks/isolation.py`.
"""

from __future__ import annotations

import runpy
import statistics
import time
from importlib.util import find_spec
from pathlib import Path

from autograder.limits import GraderLimits
from autograder.sandbox.protocol import Job, Source
from autograder.sandbox.runner import Sandbox

FORKS = 200
CPU_LIMIT_MS, CUDA_LIMIT_MS = 15.0, 40.0
GRADER = """
import torch

def test_it(observe):
    observe(y=torch.nn.functional.conv2d(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 3, 3)))
"""


def main() -> None:
    """Measure and print."""
    torch = torch_version()
    with Sandbox() as isolated, Sandbox(max_level=0) as bare:
        for sandbox in (isolated, bare):
            seconds_of(sandbox)
        pairs = [(seconds_of(isolated), seconds_of(bare)) for _ in range(FORKS)]
        standing = isolated.standing
    with_isolation, without = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    cost = statistics.median((full - fork) * 1000 for full, fork in pairs)
    missing = [layer.name for layer in standing.layers if not layer.holds]
    print(
        f"Isolation, torch {torch['__version__']}, level {standing.level}{f' (without {missing})' if missing else ''}\n"
    )
    print(f"  {'a grader in a bare fork, median of ' + str(FORKS):<66} {without:8.1f} ms")
    print(f"  {'the same grader, isolated':<66} {with_isolation:8.1f} ms")
    limit = CUDA_LIMIT_MS if torch["cuda"] else CPU_LIMIT_MS
    print(f"  {'isolation, per grader':<66} {cost:8.1f} ms, meant to stay below {limit:g}")
    print(f"  {'isolated / bare':<66} {statistics.median(full / fork for full, fork in pairs):8.2f} ×")


def torch_version() -> dict[str, str]:
    """torch's own version.py, without importing torch here: `__version__`, and `cuda` where it is a CUDA build."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("torch is not installed")
    return runpy.run_path(str(Path(spec.origin).with_name("version.py")))


def seconds_of(sandbox: Sandbox) -> float:
    """Wall seconds of one grader, from the request to its observation."""
    job = Job(
        id="conv",
        grader=Source("conv.py", GRADER),
        function="test_it",
        arguments=("observe",),
        submission={},
        given={},
        seed=1,
        student_seed=2,
        data="",
    )
    limits = GraderLimits()
    started = time.perf_counter()
    outcome = sandbox.run(job, limits.child(), limits.reply())
    seconds = time.perf_counter() - started
    if outcome.ending != "replied":
        raise RuntimeError(f"the grader did not reply: {outcome.ending} {outcome.detail} {outcome.output}")
    return seconds


if __name__ == "__main__":
    main()
