"""The zygote, spoken to by hand: what it forks, kills, reaps and reports."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from autograder.sandbox import zygote
from autograder.sandbox.protocol import (
    PRELOADABLE,
    ChildLimits,
    Ended,
    Event,
    Preload,
    Ready,
    Spawn,
    Standing,
    may_preload,
)
from autograder.sandbox.zygote import MESSAGE_BYTES, Zygote, import_modules

LIMITS = ChildLimits(cpu_seconds=5, wall_seconds=5, memory_bytes=1 << 30, file_bytes=1 << 20)

# A zygote without torch, whose child runs the Python that stands in its job.
SERVE = """
import os, sys
from autograder.sandbox import zygote
from autograder.sandbox.isolation import JOB_FD, isolate

def run_child(spawn, standing, user, **how):
    isolate(spawn, standing, user, **how)
    exec(open(JOB_FD).read(), {"os": os})
    os._exit(0)

zygote.run_child = run_child
zygote.main()
"""


class Spoken:
    """A zygote process and our end of its socket."""

    def __init__(self, folder: Path, level: int = 0) -> None:
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(theirs.fileno()), str(level)],
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            cwd=folder,
        )
        theirs.close()
        self.ours.settimeout(20)
        standing = self.heard()
        assert isinstance(standing, Standing)
        self.standing = standing

    def spawn(self, code: str, number: int = 0, **limits: Any) -> tuple[int, int]:
        """Have a child run `code`; returns the reading ends of its reply and output."""
        job = self.folder / f"job{number}"
        job.write_text(textwrap.dedent(code))
        request = Spawn(
            id=number,
            slot=0,
            scratch=str(self.folder),
            readable=(),
            limits=msgspec.structs.replace(LIMITS, **limits),
        )
        reply_in, reply_out = os.pipe()
        output_in, output_out = os.pipe()
        with job.open() as file:
            socket.send_fds(self.ours, [msgspec.json.encode(request)], [file.fileno(), reply_out, output_out])
        os.close(reply_out)
        os.close(output_out)
        return reply_in, output_in

    def heard(self) -> Event:
        event: Event = msgspec.json.decode(self.ours.recv(MESSAGE_BYTES), type=Event)
        return event

    def ended(self, code: str, **limits: Any) -> Ended:
        for fd in self.spawn(code, **limits):
            os.close(fd)
        event = self.heard()
        assert isinstance(event, Ended)
        return event


@pytest.fixture
def spoken(tmp_path: Path) -> Iterator[Spoken]:
    spoken = Spoken(tmp_path)
    yield spoken
    spoken.ours.close()
    assert spoken.process.wait(10) == 0  # it ends when the grader process hangs up, and ends well


def text(fd: int) -> str:
    with open(fd, encoding="utf-8") as file:
        return file.read()


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_child_is_forked_and_its_end_reported(spoken: Spoken) -> None:
    reply, output = spoken.spawn("print('out', flush=True); os.write(3, b'reply')", number=7)
    event = spoken.heard()
    assert isinstance(event, Ended)
    assert (event.id, event.code, event.signal, event.ended_by) == (7, 0, 0, "itself")
    assert event.cpu_seconds >= 0
    assert event.peak_kb > 1000
    assert text(reply) == "reply"
    assert text(output) == "out\n"


@pytest.mark.parametrize(
    ("code", "status", "number"),
    [
        ("os._exit(3)", 3, 0),
        ("os.kill(os.getpid(), 9)", -1, signal.SIGKILL),
        ("os.abort()", -1, signal.SIGABRT),
    ],
)
def test_how_a_child_ended(spoken: Spoken, code: str, status: int, number: int) -> None:
    event = spoken.ended(code)
    assert (event.code, event.signal, event.ended_by) == (status, number, "itself")


def test_a_late_child_is_killed_and_called_late(spoken: Spoken) -> None:
    event = spoken.ended("import time; time.sleep(30)", wall_seconds=0.2)
    assert (event.signal, event.ended_by) == (signal.SIGKILL, "deadline")
    assert spoken.ended("import time; time.sleep(0.3)").ended_by == "itself"


def test_many_children_at_once_are_each_reported_once(spoken: Spoken) -> None:
    for number in range(20):
        for fd in spoken.spawn(f"import time; time.sleep(0.01 * ({number} % 5)); os._exit({number})", number=number):
            os.close(fd)
    events = [spoken.heard() for _ in range(20)]
    assert sorted((event.id, event.code) for event in events if isinstance(event, Ended)) == [(n, n) for n in range(20)]


def test_a_chain_of_orphans_dies_with_the_child(spoken: Spoken) -> None:
    """Each forks the next and ends, so that no process is long in one place."""
    code = """
        import time
        def flee(generations):
            for _ in range(generations):
                if os.fork():
                    os._exit(0)
                os.setsid()
            os.write(1, f"{os.getpid()} ".encode())
            time.sleep(60)
        for _ in range(5):
            if os.fork() == 0:
                flee(3)
        time.sleep(0.5)
    """
    reply, output = spoken.spawn(code)
    os.close(reply)
    assert isinstance(spoken.heard(), Ended)
    pids = [int(pid) for pid in text(output).split()]
    assert len(pids) == 5
    assert all(gone(pid) for pid in pids)


def test_a_stopped_child_is_still_killed(spoken: Spoken) -> None:
    event = spoken.ended("import signal; os.kill(os.getpid(), signal.SIGSTOP)", wall_seconds=0.3)
    assert (event.signal, event.ended_by) == (signal.SIGKILL, "deadline")


def test_no_descriptor_is_kept_by_the_zygote(spoken: Spoken) -> None:
    folder = Path(f"/proc/{spoken.process.pid}/fd")
    spoken.ended("pass")
    before = len(list(folder.iterdir()))
    for _ in range(5):
        spoken.ended("pass")
    assert len(list(folder.iterdir())) == before


def test_children_die_when_the_grader_process_hangs_up(spoken: Spoken) -> None:
    reply, output = spoken.spawn("import time; print(os.getpid(), flush=True); time.sleep(60)")
    pid = int(os.read(output, 20))
    os.close(reply)
    os.close(output)
    assert not gone(pid)
    spoken.ours.close()
    assert spoken.process.wait(10) == 0
    assert gone(pid)


def test_children_die_when_the_zygote_cannot_report(tmp_path: Path) -> None:
    """A child ends at the moment at which the grader process is gone; the others must not be left behind."""
    spoken = Spoken(tmp_path)
    fds = spoken.spawn("import time; print(os.getpid(), flush=True); time.sleep(60)", number=1)
    pid = int(os.read(fds[1], 20))
    fds += spoken.spawn("import time; time.sleep(0.3)", number=2)
    time.sleep(0.05)
    os.kill(spoken.process.pid, signal.SIGSTOP)
    time.sleep(0.4)
    spoken.ours.close()
    os.kill(spoken.process.pid, signal.SIGCONT)
    spoken.process.wait(10)
    for fd in fds:
        os.close(fd)
    assert gone(pid)


def test_what_is_no_message_ends_it(tmp_path: Path) -> None:
    spoken = Spoken(tmp_path)
    spoken.ours.send(b"{}")
    assert spoken.process.wait(10) != 0
    spoken.ours.close()


# --- preloading -----------------------------------------------------------------------------------------------------


def test_preloading_over_the_wire(spoken: Spoken) -> None:
    spoken.ours.send(msgspec.json.encode(Preload(modules=("argparse", "this", "json"))))
    event = spoken.heard()
    assert isinstance(event, Ready)
    assert sorted(event.failed) == ["json", "this"]
    reply, output = spoken.spawn(
        "import sys; print('argparse' in sys.modules, 'this' in sys.modules)\nsys.stdout.flush()"
    )
    spoken.heard()
    os.close(reply)
    assert text(output) == "True False\n"


def test_importing_freezes_what_there_is() -> None:
    code = """
        import gc
        from autograder.sandbox.zygote import import_modules
        import_modules(())
        print(gc.get_freeze_count())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 1000


def test_a_module_that_fails_to_import_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zygote, "may_preload", lambda _: True)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    failed = import_modules(("no_such_module", "json"))
    assert failed == {"no_such_module": "ModuleNotFoundError: No module named 'no_such_module'"}


@pytest.mark.parametrize("module", [*sorted(PRELOADABLE), "autograder.probes.layers"])
def test_the_list_of_modules(module: str) -> None:
    assert may_preload(module)


@pytest.mark.parametrize("module", ["os", "pandas", "torch.multiprocessing.spawn", "autograders", "autograder", ""])
def test_what_is_not_on_the_list(module: str) -> None:
    assert not may_preload(module)


@pytest.mark.timeout(120)
def test_no_preloadable_module_starts_a_thread() -> None:
    """A fork copies one thread alone, and the locks of all."""
    code = """
        import importlib, os, sys
        for name in sys.argv[1:]:
            importlib.import_module(name)
        print(len(os.listdir("/proc/self/task")))
    """
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), "torch", *sorted(PRELOADABLE)],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    assert done.stdout == "1\n"


# --- parts ----------------------------------------------------------------------------------------------------------


def test_patience_is_until_the_next_deadline_and_never_long() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        served = Zygote(theirs, Standing(level=0, layers=()), range(1))
        assert served._patience() == 5.0
        served.running[1] = zygote.Running(id=1, deadline=time.monotonic() + 100, user=0)
        assert served._patience() == 1.0
        served.running[2] = zygote.Running(id=2, deadline=time.monotonic() + 0.5, user=0)
        assert 0 < served._patience() <= 0.5
        served.running[3] = zygote.Running(id=3, deadline=time.monotonic() - 5, user=0)
        assert served._patience() == 0.0
        served.running.clear()


def test_a_fork_that_fails_costs_one_child(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fail)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        served = Zygote(theirs, Standing(level=0, layers=()), range(1))
        served._fork(Spawn(id=4, slot=0, scratch="/", readable=(), limits=LIMITS), 0, 1, 2)
        event = msgspec.json.decode(ours.recv(MESSAGE_BYTES), type=Event)
    assert (event.id, event.code, event.signal) == (4, -1, 0)
    assert served.running == {}


def test_a_group_that_is_gone_is_no_error() -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait()
    zygote._kill_group(process.pid)


def test_without_proc_no_children_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 2**30)
    assert zygote._children() == []
