"""The layers by themselves, in processes that have nothing else: what each takes away, and that it was there before."""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from autograder.sandbox.isolation import mapped_bytes

PREAMBLE = """
import json, os, resource, signal, sys
from autograder.sandbox.isolation import *
from autograder.sandbox.isolation import _limit
from autograder.sandbox.protocol import ChildLimits

LIMITS = ChildLimits(cpu_seconds=2.5, wall_seconds=9, memory_bytes=64 << 20, file_bytes=1000, open_files=32)

def descriptors():
    listed = []
    for name in os.listdir("/proc/self/fd"):
        try:
            listed.append((int(name), os.readlink(f"/proc/self/fd/{name}")))
        except FileNotFoundError:  # the listing's own
            continue
    return dict(sorted(listed))

def opened(name):
    return os.open(os.path.join(sys.argv[1], name), os.O_RDWR | os.O_CREAT)

job, reply, output = map(opened, ("job", "reply", "output"))
others = [os.open("/etc/passwd", os.O_RDONLY) for _ in range(20)]

def tell(value):
    os.write(3, json.dumps(value).encode())
"""


def told(folder: Path, code: str, **how: Any) -> Any:
    """What a fresh process tells through the reply's descriptor."""
    script = PREAMBLE + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False, **how
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "reply").read_text())


def test_three_descriptors_are_kept_and_every_other_is_closed(tmp_path: Path) -> None:
    before, after = told(
        tmp_path,
        """
        before = descriptors()
        own_descriptors(job=job, reply=reply, output=output)
        tell([before, descriptors()])
        """,
    )
    assert len(before) >= 26
    files = {name: str(tmp_path / name) for name in ("job", "reply", "output")}
    assert after == {
        "0": "/dev/null",
        "1": files["output"],
        "2": files["output"],
        "3": files["reply"],
        "4": files["job"],
    }


@pytest.mark.parametrize("order", ["3, 4, 5", "5, 3, 4", "4, 5, 3", "1, 2, 0", "4, 3, 1"])
def test_descriptors_that_are_in_each_others_place(tmp_path: Path, order: str) -> None:
    """The three may arrive under the very numbers that they are to have."""
    after = told(
        tmp_path,
        f"""
        held = [os.dup(fd) for fd in (job, reply, output)]
        job, reply, output = (os.dup2(fd, 200 + index) for index, fd in enumerate(held))
        targets = [{order}]
        for source, target in zip((job, reply, output), targets):
            os.dup2(source, target)
        own_descriptors(job=targets[0], reply=targets[1], output=targets[2])
        tell(descriptors())
        """,
    )
    assert [Path(after[number]).name for number in "01234"] == ["null", "output", "output", "reply", "job"]
    assert len(after) == 5


def test_reply_and_job_do_not_pass_to_a_program_that_is_started(tmp_path: Path) -> None:
    inheritable = told(
        tmp_path,
        """
        own_descriptors(job=job, reply=reply, output=output)
        tell([os.get_inheritable(fd) for fd in range(5)])
        """,
    )
    assert inheritable == [True, True, True, False, False]


def test_a_session_of_its_own(tmp_path: Path) -> None:
    before, after, pid = told(
        tmp_path,
        """
        signal.signal(signal.SIGCHLD, lambda *_: None)
        before = [os.getsid(0), os.getpgid(0)]
        if os.fork() == 0:
            own_session()
            state = [os.getsid(0), os.getpgid(0), signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL]
            own_descriptors(job=job, reply=reply, output=output)
            tell([before, state, os.getpid()])
            os._exit(0)
        os.wait()
        """,
    )
    assert after == [pid, pid, True]
    assert pid not in before


def test_resources(tmp_path: Path) -> None:
    names = ["CPU", "FSIZE", "NOFILE", "CORE"]
    rows, headroom = told(
        tmp_path,
        f"""
        own_descriptors(job=job, reply=reply, output=output)
        mapped = mapped_bytes()
        limit_resources(LIMITS)
        rows = [resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in {names}]
        tell([rows, resource.getrlimit(resource.RLIMIT_AS)[0] - mapped])
        """,
    )
    assert rows == [[3, 4], [1000, 1000], [32, 32], [0, 0]]
    assert 0 <= headroom - 64 * 2**20 < 8 * 2**20  # and what was mapped in between


def test_no_grader_has_less_than_a_second_of_cpu_time() -> None:
    """The limit is in whole seconds, and 0 would be no time at all."""
    code = "limit_resources(ChildLimits(0.1, 1, 1 << 30, 1000)); print(resource.getrlimit(resource.RLIMIT_CPU))"
    done = subprocess.run([sys.executable, "-c", PREAMBLE + code, "/tmp"], capture_output=True, text=True, check=True)
    assert done.stdout == "(1, 2)\n"


def test_a_lower_limit_of_the_system_stays(tmp_path: Path) -> None:
    assert told(
        tmp_path,
        """
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        _limit(resource.RLIMIT_NOFILE, 500)
        own_descriptors(job=job, reply=reply, output=output)
        tell(resource.getrlimit(resource.RLIMIT_NOFILE))
        """,
    ) == [64, 64]


ISOLATE = """
import autograder.sandbox.isolation as isolation
from autograder.sandbox.protocol import Layer, Spawn, Standing
applied = []
for module, name in {
    isolation.privileges: "become drop_capabilities forbid_new_privileges follow_parent be_killed_first",
    isolation.landlock: "restrict",
    isolation.seccomp: "install",
}.items():
    for function in name.split():
        setattr(module, function, lambda *_, function=function: applied.append(function))
spawn = Spawn(id=1, slot=0, scratch=sys.argv[1], readable=(), limits=LIMITS)
def isolated(*layers):
    standing = Standing(level=0, layers=tuple(Layer(name, True) for name in layers))
    if os.fork() == 0:
        try:
            isolate(spawn, standing, os.getuid(), zygote=os.getppid(), job=job, reply=reply, output=output)
        except OSError as error:
            applied.append(str(error))
        tell([applied, len(descriptors()), resource.getrlimit(resource.RLIMIT_CORE), os.getsid(0) == os.getpid()])
        os._exit(0)
    os.wait()
"""
ALWAYS = ["forbid_new_privileges", "follow_parent"]


@pytest.mark.parametrize(
    ("layers", "applied"),
    [
        ([], ALWAYS),
        (["user"], ["become", *ALWAYS]),
        (["capabilities"], ["drop_capabilities", *ALWAYS]),
        (["capabilities", "user"], ["become", *ALWAYS]),
        (["user", "landlock", "seccomp"], ["become", *ALWAYS, "restrict", "install"]),
    ],
)
def test_isolate_applies_the_layers_that_hold(tmp_path: Path, layers: list[str], applied: list[str]) -> None:
    """In the one order that works: a filter of system calls comes last, for it refuses what the others need."""
    code = f"{ISOLATE}\nisolated(*{layers})"
    assert told(tmp_path, code) == [["be_killed_first", *applied], 5, [0, 0], True]


def test_a_layer_that_cannot_be_applied_raises(tmp_path: Path) -> None:
    """A child never runs with less than it was meant to have."""
    code = f"""{ISOLATE}
def broken(*_):
    raise OSError("not on this system")
isolation.landlock.restrict = broken
isolated("landlock", "seccomp")
"""
    assert told(tmp_path, code)[0] == ["be_killed_first", *ALWAYS, "not on this system"]


def test_what_is_mapped_grows_with_what_is_allocated() -> None:
    before = mapped_bytes()
    with mmap.mmap(-1, 50_000_000):  # memory that malloc hands out may have been mapped before
        assert mapped_bytes() - before >= 49_000_000
    assert before > 10_000_000


def test_elsewhere_nothing_is_known_of_what_is_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert mapped_bytes() == 0


def test_a_page_is_what_the_system_says() -> None:
    with open("/proc/self/status", encoding="ascii") as status:
        size = next(int(line.split()[1]) for line in status if line.startswith("VmSize")) * 1024
    assert mapped_bytes() == pytest.approx(size, rel=0.05)
    assert os.sysconf("SC_PAGE_SIZE") > 0
