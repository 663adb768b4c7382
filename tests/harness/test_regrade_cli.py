"""`autograder regrade` as a program: killed, interrupted, started twice, with workers that are killed, on a cluster."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from made_up_class import read_class, write_class
from rich.console import Console
from tiny_homework import TinyHomework

from autograder.manifest import MANIFEST, read_manifest, select
from autograder.regrade import console
from autograder.regrade.run import Progress

STUDENTS = 8
SECONDS = 240
KILLS = 4
ONE = ("--workers", 1)
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def graded_once(_recorded_tiny: TinyHomework, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class, and what an undisturbed run gives for it.

    Each worker imports PyTorch, which is most of what these tests take: there is one where their number is no matter.
    """
    folder = tmp_path_factory.mktemp("class")
    write_class(folder / "class", STUDENTS)
    done = subprocess.run(
        command(folder, "undisturbed", *ONE), cwd=_recorded_tiny.project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"{STUDENTS} submissions: {STUDENTS} graded in " in done.stdout
    return folder


def command(folder: Path, out: str, *more: object) -> list[str]:
    words = ["regrade", "tiny", folder / "class", "-o", folder / out, "--no-report", *more]
    return [sys.executable, "-m", "autograder", *map(str, words)]


@pytest.fixture
def start(recorded_tiny: TinyHomework, graded_once: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts the command on the class; each test has an output folder of its own."""
    started: list[subprocess.Popen[str]] = []

    def run(*more: object) -> subprocess.Popen[str]:
        words = command(graded_once, str(tmp_path / "out"), *more)
        process = subprocess.Popen(
            words,
            cwd=recorded_tiny.project,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_hear_signals,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _hear_signals() -> None:
    """A test run in the background ignores Ctrl-C, and so would all that it starts."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def finish(process: subprocess.Popen[str], status: int = 0) -> str:
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == status, out + err
    assert "Traceback" not in err
    return out + err


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    until = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return found


def results(out: Path) -> int:
    return len(list((out / "results").glob("*.json")))


def wait_for_results(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Until so many stand, or the run is over."""
    until = time.monotonic() + SECONDS
    while results(out) < count and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.02)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes that a regrade has started and that grade."""
    found = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{process.pid}/task").iterdir():
            for pid in (thread / "children").read_text().split():
                with contextlib.suppress(OSError):
                    if b"regrade.workers" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        found.append(int(pid))
    return found


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_whenever_it_is_killed_it_goes_on(start: Start, graded_once: Path, tmp_path: Path) -> None:
    chance = random.Random(6)
    undisturbed = read_class(graded_once / "undisturbed")
    kept = 0
    for count in range(KILLS):
        process = start("--workers", 1 + count % 2)
        if chance.random() < 0.3:
            time.sleep(chance.random() * 2)  # while it begins
        else:
            wait_for_results(tmp_path / "out", results(tmp_path / "out") + chance.randrange(1, 3), process)
        process.kill()
        process.communicate()
        found = read_class(tmp_path / "out")
        assert found.items() <= undisturbed.items()  # every file that stands is whole and right
        assert len(found) >= kept
        kept = len(found)
    said = finish(start(*ONE))
    assert read_class(tmp_path / "out") == undisturbed
    graded = int(re.search(r"(\d+) graded in", said)[1])  # type: ignore[index]
    assert graded <= STUDENTS - kept


@pytest.mark.parametrize(("number", "count"), [(signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_a_signal_ends_it_cleanly(start: Start, graded_once: Path, tmp_path: Path, number: int, count: int) -> None:
    process = start("--workers", count)
    wait_for(lambda: results(tmp_path / "out") >= 1, process)
    workers = workers_of(process)
    assert workers
    process.send_signal(number)
    said = finish(process, 130)
    assert "the same command goes on from here" in said
    assert not alive(workers)
    finish(start(*ONE))
    assert read_class(tmp_path / "out") == read_class(graded_once / "undisturbed")


def test_the_second_signal_ends_it_at_once(start: Start, tmp_path: Path) -> None:
    process = start()
    wait_for(lambda: workers_of(process), process)
    workers = workers_of(process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    said = finish(process, 130)
    assert "the same command goes on from here" in said
    until = time.monotonic() + 60
    while alive(workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(workers)


def test_two_at_a_time(start: Start, tmp_path: Path) -> None:
    first = start(*ONE)
    wait_for(lambda: (tmp_path / "out" / "regrade.sqlite").exists() and workers_of(first), first)
    said = finish(start(*ONE), 2)
    assert "another regrade is writing to this folder" in said
    assert f"process {first.pid} on " in said
    finish(first)


def test_a_killed_worker_costs_nothing(start: Start, graded_once: Path, tmp_path: Path) -> None:
    process = start("--workers", 2)
    for seen in (1, 3):
        wait_for_results(tmp_path / "out", seen, process)
        for pid in workers_of(process)[:1]:
            os.kill(pid, signal.SIGKILL)
    finish(process)
    assert read_class(tmp_path / "out") == read_class(graded_once / "undisturbed")


def test_progress_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "LINE_SECONDS", 0.0)
    text = StringIO()
    with console.shown(Console(file=text, force_terminal=False, width=40)) as show:
        show(Progress(done=0, total=400, graded=0, failures=0, rate=0.0, seconds_left=None))
        show(Progress(done=100, total=400, graded=90, failures=2, rate=0.5, seconds_left=600.0))
        show(Progress(done=400, total=400, graded=390, failures=2, rate=2.0, seconds_left=0.0))
    assert text.getvalue().splitlines() == [
        "grading: 0 of 400",
        "grading: 100 of 400, 30 a minute, 10 min left, 2 not graded completely",
        "grading: 400 of 400, 2.0 a second, 2 not graded completely",
    ]


def test_progress_on_a_terminal() -> None:
    text = StringIO()
    with console.shown(Console(file=text, force_terminal=True, width=120)) as show:
        show(Progress(done=100, total=400, graded=90, failures=2, rate=0.5, seconds_left=600.0))
    assert "100 of 400, 30 a minute, 10 min left, 2 not graded completely" in text.getvalue()


def test_unusual_wishes(start: Start, tmp_path: Path) -> None:
    assert "needs both options" in finish(start("--executor", "dask"), 2)
    assert "needs both options" in finish(start("--scheduler", "tcp://127.0.0.1:9"), 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "regrade.sqlite").write_text("no store")
    assert "Move it away" in finish(start(), 2)


# --- a cluster --------------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two worker processes on this machine."""
    pytest.importorskip("distributed", reason="the cluster extra is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    start_scheduler = [*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    start_worker = [*dask, "worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    scheduler = subprocess.Popen(start_scheduler, **quiet)  # type: ignore[call-overload]
    workers = [subprocess.Popen(start_worker, **quiet) for _ in range(2)]  # type: ignore[call-overload]
    try:
        _wait_for_workers(address, 2)
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def _wait_for_workers(address: str, count: int) -> None:
    from distributed import Client

    with Client(address, timeout=SECONDS, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=SECONDS)


def test_on_a_cluster_that_loses_a_worker(
    start: Start,
    recorded_tiny: TinyHomework,
    cluster: tuple[str, list[subprocess.Popen[bytes]]],
    graded_once: Path,
    tmp_path: Path,
) -> None:
    address, workers = cluster
    process = start("--executor", "dask", "--scheduler", address)
    wait_for(lambda: results(tmp_path / "out") >= 2, process)
    workers[0].kill()
    finish(process)
    assert read_class(tmp_path / "out") == read_class(graded_once / "undisturbed")
    # What was graded here is known there, and the other way about.
    assert "0 graded in " in finish(start(*ONE))
    # A signal leaves the cluster to others.
    shutil.rmtree(tmp_path / "out" / "results")
    process = start("--executor", "dask", "--scheduler", address, "--fresh")
    wait_for(lambda: results(tmp_path / "out") >= 1, process)
    process.send_signal(signal.SIGINT)
    said = finish(process, 130)
    assert "the same command goes on from here" in said
    manifest = read_manifest(recorded_tiny.load().expectations)
    path = recorded_tiny.load().expectations / MANIFEST
    path.write_bytes(msgspec.json.encode(select(manifest, manifest.graders[:1])))
    assert f"{STUDENTS} submissions: " in finish(start("--executor", "dask", "--scheduler", address, "--fresh"))
