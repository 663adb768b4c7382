"""run_autograder on a real tree: killed, stopped, out of time, and on a full disk, a valid results.json is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kill_run
import pytest
from kill_run import SOLUTION, count_verdicts, descendants, end_all, grader_process, make_root, read, start, verdicts
from tiny_homework import TinyHomework

from autograder.gradescope import RESERVE_BYTES, Results

HERE = Path(__file__).resolve().parent
PATIENCE = 120.0  # seconds for what takes two
ENDLESS = SOLUTION.replace("return sigma_square", "import time; time.sleep(10**6)\n    return sigma_square")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Gradescope runs Linux")


@pytest.fixture(scope="module")
def ready(_recorded_tiny: TinyHomework, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root in which setup.sh has run. Its graders have all the time of the world, so that only a run ends them."""
    root = make_root(_recorded_tiny.load(), tmp_path_factory.mktemp("ready"))
    change_manifest(root, lambda manifest: [grader["limits"].update(seconds=10_000) for grader in manifest["graders"]])
    return root


@pytest.fixture
def root(ready: Path) -> Iterator[Path]:
    """The same root as new."""
    manifest = ready / "source" / "expectations" / "manifest.json"
    before = manifest.read_bytes()
    shutil.rmtree(ready / "results", ignore_errors=True)
    (ready / "submission" / "tiny_energy.py").write_text(SOLUTION)
    yield ready
    manifest.write_bytes(before)


@pytest.fixture
def started() -> Iterator[Callable[[Path], subprocess.Popen[bytes]]]:
    """Starts runs that end with the test, whatever becomes of it."""
    runs: list[subprocess.Popen[bytes]] = []

    def start_run(root: Path) -> subprocess.Popen[bytes]:
        runs.append(start(root))
        return runs[-1]

    yield start_run
    for each in runs:
        if each.poll() is None:
            left = descendants(each.pid)
            each.kill()
            each.wait()
            end_all(left)


def change_manifest(root: Path, change: Callable[[Any], object]) -> None:
    path = root / "source" / "expectations" / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"it never came to pass: {what}"
        time.sleep(0.02)


def not_reached(root: Path) -> list[str]:
    return [test.output for test in read(root).tests if test.extra_data["verdict"] == "not reached"]


def run(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", root / "run_autograder"],
        env={"PATH": os.environ["PATH"], "AUTOGRADER_ROOT": str(root)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_whole_run(root: Path) -> None:
    done = run(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert read(root).score == 10
    assert set(verdicts(read(root)).values()) == {"passed"}
    assert os.listdir(root / "results") == ["results.json"]
    assert (root / "results").stat().st_mode & 0o777 == 0o755
    assert (root / "results" / "results.json").stat().st_mode & 0o777 == 0o644


def test_a_grader_that_breaks_shows_in_the_status(root: Path) -> None:
    broken = root / "source" / "expectations" / "observations" / "test_tiny.test_noise.obs"
    before = broken.read_bytes()
    broken.write_bytes(b"x")
    try:
        done = run(root)
    finally:
        broken.write_bytes(before)
    assert done.returncode == 1
    assert "not every grader has a verdict (status 1)" in done.stdout
    assert verdicts(read(root)) == {"1.a": "passed", "1.a.hidden": "passed", "1.b": "faulty", "1.c": "passed"}
    assert "Broken, through no fault of the submission: grader 1.b" in read(root).output
    assert read(root).score == 7


# --- stopped --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("victim", ["bash", "python"])
def test_a_run_that_is_stopped_keeps_its_verdicts(
    root: Path, started: Callable[[Path], subprocess.Popen[bytes]], victim: str, number: signal.Signals
) -> None:
    """The graders that are running when the signal comes would otherwise run for ever."""
    (root / "submission" / "tiny_energy.py").write_text(ENDLESS)
    bash = started(root)
    until(lambda: count_verdicts(root) == 2, "two verdicts")
    until(lambda: len(descendants(bash.pid)) > 2, "Python, the zygote and children")
    python = grader_process(bash.pid)
    assert python is not None
    processes = descendants(bash.pid)
    os.kill(bash.pid if victim == "bash" else python, number)
    status = bash.wait(PATIENCE)
    until(lambda: not any(each.alive for each in processes), "every process of the run ends")
    assert verdicts(read(root)) == {"1.a": "passed", "1.a.hidden": "passed", "1.b": "not reached", "1.c": "not reached"}
    assert read(root).score == 5
    assert status == (-signal.SIGKILL if (victim, number) == ("bash", signal.SIGKILL) else 1)
    if (victim, number) != ("python", signal.SIGKILL):
        name = "SIGTERM" if victim == "bash" else number.name  # bash passes every signal on as SIGTERM
        assert all(f"the autograder was stopped from outside ({name})" in output for output in not_reached(root))
        assert "stopped from outside" in read(root).output
    assert "Grading ended before it reached graders 1.b, 1.c" in read(root).output
    assert os.listdir(root / "results") == ["results.json"]


def test_a_signal_before_python_has_started(root: Path, started: Callable[[Path], subprocess.Popen[bytes]]) -> None:
    bash = started(root)
    bash.terminate()
    assert bash.wait(PATIENCE) != 0
    if (root / "results" / "results.json").exists():  # it came before bash's own first line otherwise
        assert read(root).score == 0


def test_a_run_that_takes_too_long_keeps_its_verdicts(root: Path) -> None:
    (root / "submission" / "tiny_energy.py").write_text(ENDLESS)
    change_manifest(root, lambda manifest: manifest["limits"].update(submission={"wall_seconds": 8}))
    done = run(root)
    assert done.returncode == 1
    states = verdicts(read(root))
    assert states["1.b"] == states["1.c"] == "not reached"
    assert {states["1.a"], states["1.a.hidden"]} <= {"passed", "not reached"}
    for output in not_reached(root):
        assert "the graders of a submission may take 8 s together" in output
        assert "was not done" in output
    assert "Not reached: the graders of a submission may take 8 s together" in done.stdout


def test_a_process_that_hangs_is_ended_from_outside_python(root: Path) -> None:
    """In the place of a hang that holds Python's own lock: the main thread never comes to look at the time."""
    change_manifest(root, lambda manifest: manifest["limits"].update(submission={"wall_seconds": 1}))
    module = root / "source" / "autograder" / "gradescope_run.py"
    before = module.read_text()
    hanging = before.replace(
        "submission = find_submission(", "time.sleep(10**6)\n            submission = find_submission("
    )
    module.write_text(hanging.replace("OVERTIME_SECONDS = 30.0", "OVERTIME_SECONDS = 1.0"))
    try:
        done = run(root)
    finally:
        module.write_text(before)
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "gradescope_run.py" in done.stderr
    assert set(verdicts(read(root)).values()) == {"not reached"}
    assert (root / "results" / "results.json").stat().st_mode & 0o777 == 0o644


# --- killed ---------------------------------------------------------------------------------------------------------


def test_six_kills_at_random_moments(root: Path) -> None:
    """Two of each victim. Many more: `python tests/harness/kill_run.py --count 200`."""
    command = [sys.executable, kill_run.__file__, "--count", "6", "--seed", "446", "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 with a fault" in done.stdout


def test_a_kill_that_leaves_something_is_noticed(root: Path) -> None:
    """The control: a script that removes the file first, and starts what outlives it."""
    script = root / "run_autograder"
    before = script.read_text()
    remove = 'if [[ "${1:-}" != not-graded ]]; then rm -f "$RESULTS"; setsid sleep 1000 & sleep 1000; fi\n'
    script.write_text(before.replace("write_fallback() {", remove + "write_fallback() {", 1))
    code = (
        "import sys, kill_run, pathlib; kill_run.PATIENCE = 1; kill_run.adopt_orphans();"
        "print(*kill_run.kill(pathlib.Path(sys.argv[1]), 'group', 1.0, 10).faults, sep='\\n')"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(root)],
            cwd=HERE,
            env={**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parents[1]}"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    finally:
        script.write_text(before)
    assert "1 processes are left: ['sleep 1000 ']" in done.stdout, done.stderr
    assert "results.json: FileNotFoundError" in done.stdout


# --- a full disk ----------------------------------------------------------------------------------------------------

FILL = """
import os, pathlib, shutil, subprocess, sys, time
root, kept, reserve = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
folder = root / "results"
folder.mkdir(exist_ok=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True)
run = subprocess.Popen(["bash", root / "run_autograder"], stdout=sys.stderr)
while run.poll() is None and (
    not (folder / "results.json").exists() or b"not reached" not in (folder / "results.json").read_bytes()
    or shutil.disk_usage(folder).used < reserve
):
    time.sleep(0.01)
try:
    with open(folder / "filling", "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
except OSError as error:
    print("full:", error.strerror, "with the file at", (folder / "results.json").read_bytes().count(b"Not reached"))
print("status", run.wait())
shutil.copy(folder / "results.json", kept)
"""


def on_a_disk_that_fills(root: Path, reserve: int) -> tuple[str, Results]:
    """A run whose results' folder is full from its first moments on; (what was said, results.json)."""
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    if shutil.which("unshare") is None or probe.returncode != 0:
        pytest.skip("a mount namespace is not permitted here")
    kept = root / "kept" / "results" / "results.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", sys.executable, "-c", FILL, root, kept, str(reserve)],
        env={"PATH": os.environ["PATH"], "AUTOGRADER_ROOT": str(root)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "full: No space left on device with the file at 4" in done.stdout, done.stdout + done.stderr
    return done.stdout + done.stderr, read(root / "kept")


def test_on_a_disk_that_fills_up_all_verdicts_are_written(root: Path) -> None:
    said, results = on_a_disk_that_fills(root, RESERVE_BYTES)
    assert results.score == 10, said
    assert set(verdicts(results).values()) == {"passed"}
    assert "status 0" in said


def test_without_a_reserve_a_disk_that_fills_up_costs_them(root: Path) -> None:
    """The control. Even so the file is valid, and says that graders were not reached."""
    module = root / "source" / "autograder" / "gradescope.py"
    before = module.read_text()
    module.write_text(before.replace("RESERVE_BYTES = 2**18", "RESERVE_BYTES = 0"))
    try:
        said, results = on_a_disk_that_fills(root, 0)
    finally:
        module.write_text(before)
    assert results.score == 0
    assert set(verdicts(results).values()) == {"not reached"}
    assert "cannot write the results: No space left on device" in said
    assert "status 1" in said
