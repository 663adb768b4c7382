"""Workers on this machine: calls are answered whatever becomes of a worker, and no worker outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest

from autograder.errors import UserError
from autograder.regrade.executors import LIVES, LocalCrew, LostWorkerError, dask
from autograder.regrade.keys import this_environment


@pytest.fixture
def crew() -> Iterator[LocalCrew]:
    with LocalCrew(2) as crew:
        yield crew


def pid(_: object = None) -> int:
    return os.getpid()


def die(times: int, marks: str) -> int:
    """Takes its process along so many times."""
    folder = Path(marks)
    done = len(list(folder.iterdir()))
    if done < times:
        (folder / str(done)).touch()
        print("these are my last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def refuse() -> None:
    raise UserError("no", where="here", remedy="do that")


def nap(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def a_lock() -> object:
    return threading.Lock()  # cannot be pickled


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(processes: list[int]) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until and any(map(is_alive, processes)):
        time.sleep(0.05)
    return not any(map(is_alive, processes))


def test_a_worker_serves_many_calls(crew: LocalCrew) -> None:
    served = {crew.submit(pid).result() for _ in range(20)}
    assert len(served) == 1  # no second worker as long as one is idle
    assert os.getpid() not in served
    assert served == set(crew.pids)


def test_as_many_workers_as_slots(crew: LocalCrew) -> None:
    calls = [crew.submit(nap, 0.5) for _ in range(6)]
    assert len({call.result() for call in calls}) == 2 == crew.slots


def test_an_exception_comes_back_whole(crew: LocalCrew) -> None:
    with pytest.raises(UserError) as caught:
        crew.submit(refuse).result()
    assert (caught.value.what, caught.value.where, caught.value.remedy) == ("no", "here", "do that")
    with pytest.raises(TypeError, match="cannot pickle"):
        crew.submit(a_lock).result()
    assert crew.submit(pid).result() in crew.pids


def test_what_a_dead_worker_did_is_done_by_another(crew: LocalCrew, tmp_path: Path) -> None:
    first = crew.submit(pid).result()
    other = crew.submit(die, LIVES - 1, str(tmp_path))
    assert other.result() != first
    assert len(list(tmp_path.iterdir())) == LIVES - 1


def test_what_kills_every_worker_is_given_up_and_nothing_else(crew: LocalCrew, tmp_path: Path) -> None:
    deadly = crew.submit(die, 100, str(tmp_path))
    others = [crew.submit(nap, 0.1) for _ in range(8)]
    with pytest.raises(LostWorkerError, match="these are my last words"):
        deadly.result()
    assert len(list(tmp_path.iterdir())) == LIVES
    wait(others)
    assert all(other.exception() is None for other in others)


def test_no_worker_stays(crew: LocalCrew) -> None:
    wait([crew.submit(nap, 0.2) for _ in range(2)])
    workers = crew.pids
    assert len(workers) == 2
    crew.shutdown()
    assert gone(workers)


OWNER = """
import sys, time
sys.path[:0] = {path!r}
from test_regrade_executors import pid, nap
from autograder.regrade.executors import LocalCrew
crew = LocalCrew(2)
print(*{{crew.submit(nap, 0.3).result() for _ in range(1)}} | set(crew.pids), flush=True)
crew.submit(nap, 1.0)
time.sleep(100)
"""


def test_no_worker_outlives_a_killed_owner() -> None:
    code = OWNER.format(path=[str(Path(__file__).parent)])
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        workers = [int(word) for word in owner.stdout.readline().split()]
        assert workers
        assert all(map(is_alive, workers))
        owner.kill()
    assert gone(workers)


def test_the_environment_is_this_one(crew: LocalCrew) -> None:
    environment = crew.environment()
    assert environment == this_environment(environment.level)
    assert crew.pids == []  # nothing was started for it


def test_no_scheduler_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.regrade.executors.CONNECT_SECONDS", 0.5)
    with pytest.raises(UserError, match="no Dask scheduler answers there") as caught:
        dask("tcp://127.0.0.1:9")
    assert "tcp://127.0.0.1:9" in caught.value.where
    with pytest.raises(UserError, match="no Dask scheduler answers there"):
        dask("nonsense://")


def test_dask_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match="Dask is not installed") as caught:
        dask("tcp://127.0.0.1:9")
    assert "[cluster]" in caught.value.remedy
