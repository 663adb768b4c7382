"""The filter on system calls: what it decides, by interpreting it; what it prevents, in real children, with controls.

Run as a program, this file is such a child: `test_seccomp.py NAME free|held ARGUMENT...`.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograder.sandbox import seccomp
from autograder.sandbox.syscalls import MACHINES, NEWEST, NUMBERS, UNASSIGNED, numbers_of

PID = 4711
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS, PASSED_OVER = 0x50001, 0x50026, 0x50000
X32 = 0x40000000

LACKING = {
    *("clone3", "memfd_create", "memfd_secret"),
    *("io_setup", "io_uring_enter", "io_uring_register", "io_uring_setup"),
}
IDLE = {"chmod", "fchmod", "fchmodat", "fchmodat2", "utime", "utimes", "futimesat", "utimensat"}
# What an ordinary user is refused anyway, wholly or by the settings of many systems.
ADMINISTRATION = {
    *("acct", "adjtimex", "chroot", "clock_adjtime", "clock_settime", "create_module", "delete_module"),
    *("fanotify_init", "fanotify_mark", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick"),
    *("init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load", "lookup_dcookie"),
    *("lsm_set_self_attr", "mount", "mount_setattr", "move_mount", "name_to_handle_at", "nfsservctl"),
    *("open_by_handle_at", "open_tree", "open_tree_attr", "pivot_root", "query_module", "quotactl"),
    *("quotactl_fd", "reboot", "setdomainname", "sethostname", "setns", "settimeofday", "swapoff"),
    *("swapon", "syslog", "umount2", "unshare", "vhangup", "bpf", "perf_event_open", "userfaultfd"),
}
REFUSED = {
    *ADMINISTRATION,
    *("fork", "vfork", "execve", "execveat", "socket", "connect", "bind", "listen", "accept", "accept4"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kcmp", "move_pages", "migrate_pages"),
    *("get_robust_list", "tkill", "setsid", "setpgid", "semget", "semop", "semctl", "semtimedop", "shmget"),
    *("shmat", "shmctl", "shmdt", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink"),
    *("mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr", "add_key", "keyctl", "request_key"),
    *("chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat"),
    *("removexattr", "lremovexattr", "fremovexattr", "removexattrat", "file_setattr"),
}
OWN_ID = {"kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"}
OWN = {"sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr", "prlimit64"}


# Values that some call's answer turns on.
INTERESTING = (
    *(0, 1, 2, 3, 5, 8, 10, 15, 36, 62, PID, PID + 1),
    *(0x10000, 0x10011, 0x80001, 0x5412, 0x541C, 0x8901, 0x8902),
)


def expected(name: str, args: list[int]) -> int:
    """The policy in plain words, for one call of a known name."""
    first, second = (argument & 0xFFFFFFFF for argument in args[:2])
    if name in LACKING:
        return ENOSYS
    if name in REFUSED:
        return EPERM
    if name in IDLE:
        return PASSED_OVER
    may = {
        "clone": bool(first & 0x10000) and not first & 0x7E020000,
        "socketpair": first == socket.AF_UNIX and second & 0xF == socket.SOCK_STREAM,
        "setpriority": first == 0 and second in (0, PID),
        "ioprio_set": first == 1 and second in (0, PID),
        "prctl": first not in (1, 36, 62),
        "fcntl": second not in (8, 10, 15),
        "ioctl": second not in (0x5412, 0x541C, 0x8901, 0x8902),
        "personality": first == 0xFFFFFFFF,
        **dict.fromkeys(OWN_ID, first == PID),
        **dict.fromkeys(OWN, first in (0, PID)),
    }
    return ALLOW if may.get(name, True) else EPERM


def decide(program: bytes, architecture: int, number: int, args: list[int]) -> int:
    """Run the program as the kernel would. A jump out of it, or an instruction that it cannot have, raises."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *args)
    code = list(struct.iter_unpack("=HBBI", program))
    at, register = 0, 0
    while True:
        operation, if_true, if_false, constant = code[at]
        at += 1
        if operation == 0x20:
            assert constant % 4 == 0
            (register,) = struct.unpack_from("<I", data, constant)
        elif operation == 0x54:
            register &= constant
        elif operation in (0x15, 0x35):
            met = register == constant if operation == 0x15 else register >= constant
            at += if_true if met else if_false
        else:
            assert operation == 0x06
            return constant


# ---------------------------------------------------------------- what it decides


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    """Each machine that the filter knows."""
    return str(request.param)


def headers_numbers(machine: str) -> dict[str, int]:
    """What this system's own headers say; 32-bit machines' calls are left out."""
    if not HEADERS[machine].is_file():
        pytest.skip(f"there is no {HEADERS[machine]} here")
    found = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)\s*$", HEADERS[machine].read_text(), re.M)
    numbers = {name: int(number) for name, number in found if name not in ("syscalls", "arch_specific_syscall")}
    return {name: number for name, number in numbers.items() if not 403 <= number <= 423}


def test_numbers_are_those_of_the_headers(machine: str) -> None:
    """Numbers above the headers' own newest are too new for them."""
    header, ours = headers_numbers(machine), numbers_of(machine)
    newest = max(header.values())
    assert {name: number for name, number in ours.items() if number <= newest} == {
        name: header[name] for name in NUMBERS if name in header
    }
    assert set(header.values()).isdisjoint(number for gap in UNASSIGNED[machine] for number in gap)


def test_every_name_has_a_rule() -> None:
    """A call whose number is listed and that nothing is said about would be allowed in silence."""
    ruled = {name for name in NUMBERS if any(expected(name, [word] * 6) != ALLOW for word in INTERESTING)}
    assert ruled == set(NUMBERS) - {"seccomp"}
    assert set(NUMBERS) >= LACKING | REFUSED | OWN | OWN_ID | IDLE


def test_program_is_one_that_the_kernel_takes(machine: str) -> None:
    """It is short, every jump stays inside, every instruction can be reached, and every path returns."""
    code = list(struct.iter_unpack("=HBBI", seccomp.program(machine, PID)))
    assert len(code) <= 4096
    reached, front = {0}, [0]
    while front:
        at = front.pop()
        operation, if_true, if_false, _ = code[at]
        steps = {0x06: (), 0x15: (if_true, if_false), 0x35: (if_true, if_false)}.get(operation, (0,))
        targets = {at + 1 + step for step in steps} - reached
        reached |= targets
        front.extend(targets)
    assert reached == set(range(len(code)))


def test_every_number(machine: str) -> None:
    """All calls of the table, all others, the gaps, and what is above the newest."""
    program = seccomp.program(machine, PID)
    names = {number: name for name, number in numbers_of(machine).items()}
    gaps = {number for gap in UNASSIGNED[machine] for number in gap}
    for number in range(NEWEST + 100):
        answer = decide(program, ARCHITECTURES[machine], number, [7] * 6)
        lacking = number in gaps or number > NEWEST
        assert answer == (ENOSYS if lacking else expected(names.get(number, ""), [7] * 6)), names.get(number, number)


NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
WORDS = (
    *INTERESTING,
    *(0x3D0F00 | bit for bit in (0, *NAMESPACES)),
    *(0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, (1 << 32) | PID, (PID << 32) | 1, 0x10000 << 32, (1 << 32) | 0x5412),
)
words = st.one_of(st.sampled_from(WORDS), st.integers(0, 2**64 - 1))
JUDGED_BY_ARGUMENTS = sorted(set(NUMBERS) - REFUSED - LACKING - IDLE)


def test_every_pair_of_telling_arguments(machine: str) -> None:
    """Those that some answer turns on, their neighbours, and what the kernel takes for the same."""
    program, numbers = seccomp.program(machine, PID), numbers_of(machine)
    for name, first, second in itertools.product(JUDGED_BY_ARGUMENTS, WORDS, WORDS):
        args = [first, second, 0, 0, 0, 0]
        answer = decide(program, ARCHITECTURES[machine], numbers[name], args)
        assert answer == expected(name, args), (name, args)


@given(st.sampled_from(MACHINES), st.integers(0, NEWEST), st.lists(words, min_size=6, max_size=6))
@settings(max_examples=1000)
def test_any_arguments(machine: str, number: int, args: list[int]) -> None:
    """Whatever the arguments, their upper halves included, the answer is the policy's."""
    names = {number: name for name, number in numbers_of(machine).items()}
    gap = any(number in gap for gap in UNASSIGNED[machine])
    answer = decide(seccomp.program(machine, PID), ARCHITECTURES[machine], number, args)
    assert answer == (ENOSYS if gap else expected(names.get(number, ""), args))


@given(st.sampled_from(MACHINES), st.integers(NEWEST + 1, 2**32 - 1), st.lists(words, min_size=6, max_size=6))
@example("x86_64", X32 - 1, [0] * 6)
@example("x86_64", X32, [0] * 6)
@example("aarch64", X32, [0] * 6)
def test_numbers_that_are_not_known(machine: str, number: int, args: list[int]) -> None:
    """A call of a kernel to come is one that there is not; a call of the x32 kind kills."""
    kills = machine == "x86_64" and number >= X32
    answer = decide(seccomp.program(machine, PID), ARCHITECTURES[machine], number, args)
    assert answer == (KILL if kills else ENOSYS)


@given(st.sampled_from(MACHINES), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
@example("x86_64", 0x40000003, 20)  # i386
@example("x86_64", ARCHITECTURES["aarch64"], 172)
@example("aarch64", 0x40000028, 20)  # arm
def test_another_architecture_kills(machine: str, architecture: int, number: int) -> None:
    """Its numbers mean other calls."""
    if architecture != ARCHITECTURES[machine]:
        assert decide(seccomp.program(machine, PID), architecture, number, [0] * 6) == KILL


def test_an_unknown_machine() -> None:
    """It has no program."""
    with pytest.raises(ValueError, match="riscv64"):
        seccomp.program("riscv64", PID)


@pytest.mark.parametrize(("platform", "machine"), [("darwin", "aarch64"), ("linux", "i686"), ("linux", "riscv64")])
def test_systems_that_are_not_supported(monkeypatch: pytest.MonkeyPatch, platform: str, machine: str) -> None:
    """Another system, or Linux on a machine whose calls are not known."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "", "", "", machine)))
    assert not seccomp.supported()


# ---------------------------------------------------------------- what a child does


def raw(call: str | int, *args: int | ctypes.Array[Any]) -> str:
    """Make one system call; "done", or the name of the error."""
    number = call if isinstance(call, int) else numbers_of(os.uname().machine)[call]
    words = [ctypes.c_long(each) if isinstance(each, int) else ctypes.byref(each) for each in args]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(ctypes.c_long(number), *words)
    if call in ("fork", "clone"):
        if result == 0:
            os._exit(0)
        if result > 0:
            os.waitpid(result, 0)
    return "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]


# Arguments that no call can use, so that it does nothing where it is allowed. Not made at all: vfork, which a caller
# in Python does not survive, and vhangup, which takes no argument and ends the sessions of a terminal.
NOTHING = (-1,) * 6
OTHER_ARGUMENTS = {"msgget": (0x7A7A7A7A, 0), "init_module": (0, 0, 0), "clone3": (0, 0)}
ATTEMPTED = sorted(name for name in REFUSED | LACKING if name not in ("vfork", "vhangup"))


def attempts_by_argument(other: int) -> dict[str, Callable[[], str]]:
    """Calls that the filter judges by their arguments, with some that it must refuse; `other` is a process of ours."""
    some = ctypes.create_string_buffer(128)
    mask = ctypes.create_string_buffer(128)
    raw_affinity = sum(1 << cpu for cpu in os.sched_getaffinity(0))
    mask.raw = raw_affinity.to_bytes(128, "little")
    reading, writing = os.pipe()
    high = 1 << 32
    return {
        "clone a process": lambda: raw("clone", signal.SIGCHLD, 0, 0, 0, 0),
        "clone, upper half": lambda: raw("clone", high << 16 | signal.SIGCHLD, 0, 0, 0, 0),
        "signal another": lambda: raw("kill", other, 0),
        "signal another, upper half": lambda: raw("kill", high | other, 0),
        "signal the group": lambda: raw("kill", 0, 0),
        "signal another's thread": lambda: raw("tgkill", other, other, 0),
        "queue a signal": lambda: raw("rt_sigqueueinfo", other, 0, 0),
        "queue a signal for a thread": lambda: raw("rt_tgsigqueueinfo", other, other, 0, 0),
        "another's priority": lambda: raw("setpriority", 0, other, 19),
        "a group's priority": lambda: raw("setpriority", 1, other, 19),
        "another's I/O priority": lambda: raw("ioprio_set", 1, other, 2 << 13 | 7),
        "another's processors": lambda: raw("sched_setaffinity", other, 128, mask),
        "another's scheduler": lambda: raw("sched_setscheduler", other, 0, some),
        "another's parameters": lambda: raw("sched_setparam", other, some),
        "another's attributes": lambda: raw("sched_setattr", other, 0, 0),
        "another's limits": lambda: raw("prlimit64", other, 4, 0, some),
        "outlive the parent": lambda: raw("prctl", 1, 0, 0, 0, 0),
        "adopt processes": lambda: raw("prctl", 36, 0, 0, 0, 0),
        "share a core": lambda: raw("prctl", 62, -1, 0, 0, 0),
        "a file's owner": lambda: raw("fcntl", reading, 8, other),
        "a file's signal": lambda: raw("fcntl", writing, 10, 0),
        "a file's owner, extended": lambda: raw("fcntl", reading, 15, 0),
        "type for others": lambda: raw("ioctl", 0, 0x5412, 0),
        "select on a console": lambda: raw("ioctl", 0, 0x541C, 0),
        "a socket's owner": lambda: raw("ioctl", 0, 0x8901, 0),
        "a socket's group": lambda: raw("ioctl", 0, 0x8902, 0),
        "an ioctl, upper half": lambda: raw("ioctl", 0, high | 0x5412, 0),
        "a pair of datagram sockets": lambda: raw("socketpair", socket.AF_UNIX, socket.SOCK_DGRAM, 0, some),
        "a pair of raw sockets": lambda: raw("socketpair", socket.AF_UNIX, socket.SOCK_RAW, 0, some),
        "a personality": lambda: raw("personality", 0),
    }


def attempt_everything(other: str) -> None:
    """Print what each refused call gives."""
    numbers = numbers_of(os.uname().machine)
    answers = {name: raw(name, *OTHER_ARGUMENTS.get(name, NOTHING)) for name in ATTEMPTED if name in numbers}
    answers |= {name: attempt() for name, attempt in attempts_by_argument(int(other)).items()}
    print(json.dumps(answers))


def work_as_usual() -> None:
    """What Python and NumPy do in honest homework; what fails raises."""
    import asyncio
    import mmap
    import resource
    import select
    import tempfile
    import time

    import numpy as np

    results: list[int] = []
    threads = [threading.Thread(target=results.append, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 1, 2, 3]
    square = np.arange(250_000.0).reshape(500, 500)
    assert np.isfinite(square @ square).all()

    os.kill(os.getpid(), 0)
    caught: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: caught.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.raise_signal(signal.SIGUSR1)
    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    assert caught == [signal.SIGUSR1] * 3

    ours, theirs = socket.socketpair()
    ours.sendall(b"word")
    assert theirs.recv(4) == b"word"
    assert select.select([], [ours], [], 1)[1]
    assert asyncio.run(asyncio.sleep(0.001, "slept")) == "slept"
    assert asyncio.run(asyncio.to_thread(lambda: "other thread")) == "other thread"

    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as file:
        (Path(folder) / "a").write_text("text")
        (Path(folder) / "a").rename(Path(folder) / "b")
        file.write(b"bytes")
    with mmap.mmap(-1, 4096) as memory:
        memory[:4] = b"word"
    os.nice(0)
    os.sched_setaffinity(0, os.sched_getaffinity(0))
    os.sched_setaffinity(os.getpid(), os.sched_getaffinity(0))
    os.setpriority(os.PRIO_PROCESS, os.getpid(), os.getpriority(os.PRIO_PROCESS, 0))
    resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE))
    resource.prlimit(os.getpid(), resource.RLIMIT_CORE)
    os.set_inheritable(0, False)
    time.sleep(0.001)
    with pytest.raises(OSError):  # noqa: PT011  whatever it is that fails, honest code expects an OSError
        subprocess.run(["true"], check=True)
    with pytest.raises(OSError):  # noqa: PT011
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    print(json.dumps("worked"))


def train_a_network() -> None:
    """What a grader of homework does with torch, on two threads."""
    import io
    import math

    import torch
    from torch.utils.data import DataLoader, TensorDataset

    torch.set_num_threads(2)
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(1))
    images, wanted = torch.randn(64, 1, 28, 28), torch.randn(64, 1)
    network(images)
    optimiser = torch.optim.Adam(network.parameters())
    losses = []
    for _ in range(3):
        for batch, target in DataLoader(TensorDataset(images, wanted), batch_size=32, shuffle=True, num_workers=0):
            optimiser.zero_grad()
            loss = torch.nn.functional.mse_loss(network(batch), target)
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    saved = io.BytesIO()
    torch.save(network.state_dict(), saved)
    saved.seek(0)
    network.load_state_dict(torch.load(saved))
    started = re.search(r"^Threads:\s+(\d+)$", Path("/proc/self/status").read_text(), re.M)
    assert started is not None
    print(json.dumps({"finite": all(map(math.isfinite, losses)), "losses": len(losses), "threads": int(started[1])}))


def call_as_x32() -> None:
    """getpid, of the x32 kind."""
    print(json.dumps(raw(X32 + 39)))


def call_as_i386() -> None:
    """getpid, as a 32-bit program asks for it."""
    import mmap

    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\x53\xb8\x14\x00\x00\x00\xcd\x80\x5b\xc3")  # push rbx; mov eax, 20; int 0x80; pop rbx; ret
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    print(json.dumps("done" if function() == os.getpid() else "other"))


def send_a_datagram(path: str, kind: str) -> None:
    """To a socket of another process, out of a pair of one's own."""
    try:
        first, _ = socket.socketpair(socket.AF_UNIX, getattr(socket, kind))
        first.sendto(b"out", path)
    except OSError as error:
        print(json.dumps(errno.errorcode[error.errno or 0]))
    else:
        print(json.dumps("done"))


def signal_by_way_of_a_file(other: str) -> None:
    """The kernel sends the signal when the pipe can be read."""
    import fcntl

    reading, writing = os.pipe()
    try:
        fcntl.fcntl(reading, fcntl.F_SETOWN, int(other))
        fcntl.fcntl(reading, fcntl.F_SETSIG, signal.SIGTERM)
        fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)
    except PermissionError:
        print(json.dumps("EPERM"))
    else:
        os.write(writing, b"x")
        print(json.dumps("done"))


CHILDREN: dict[str, Callable[..., None]] = {
    function.__name__: function
    for function in (
        *(attempt_everything, work_as_usual, train_a_network, call_as_x32, call_as_i386),
        *(send_a_datagram, signal_by_way_of_a_file),
    )
}


def hold_threads_that_run_already() -> None:
    """A thread that was there before the filter."""
    begin, answers = threading.Event(), list[str]()

    def attempt() -> None:
        begin.wait()
        answers.append(raw("socket", socket.AF_INET, socket.SOCK_STREAM, 0))

    thread = threading.Thread(target=attempt)
    thread.start()
    forbid_new_privileges()
    seccomp.install()
    begin.set()
    thread.join()
    print(json.dumps(answers))


def install_without_leave() -> None:
    """An ordinary user that has not given up new privileges."""
    if os.geteuid() == 0:
        os.setresuid(65_533, 65_533, 65_533)
    try:
        seccomp.install()
    except OSError as error:
        print(json.dumps(errno.errorcode[error.errno or 0]))


SETTING_UP: dict[str, Callable[[], None]] = {
    function.__name__: function for function in (hold_threads_that_run_already, install_without_leave)
}


def forbid_new_privileges() -> None:
    """As the filter wants it."""
    assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0


def be_a_child(name: str, mode: str, *args: str) -> None:
    """The life of a child of this test."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if name in SETTING_UP:
        SETTING_UP[name]()
        return
    if name == "train_a_network":
        import torch  # noqa: F401  as the zygote has
    forbid_new_privileges()
    if mode == "held":
        seccomp.install()
    CHILDREN[name](*args)


# ---------------------------------------------------------------- what it prevents

real = pytest.mark.skipif(not seccomp.supported(), reason="the filter does not know this system")
on_x86 = pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="another machine's kinds")


def run(function: Callable[..., None], *args: object, held: bool = True) -> tuple[int, Any]:
    """The exit status of a child that calls `function`, with the filter or without, and what it printed."""
    command = [sys.executable, __file__, function.__name__, "held" if held else "free", *map(str, args)]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if ended.returncode > 0:
        raise AssertionError(ended.stderr)
    return ended.returncode, json.loads(ended.stdout) if ended.stdout else None


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of the same user, in a group of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        yield process
        process.communicate()


def status_of(field: str) -> str:
    """A field of /proc/self/status."""
    found = re.search(rf"^{field}:\s+(\S+)$", Path("/proc/self/status").read_text(), re.M)
    return found[1] if found else ""


def is_powerful() -> bool:
    """Whether these tests have every power that root can have, and no filter around them."""
    return int(status_of("CapEff") or "0", 16) >> 21 & 1 == 1 and status_of("Seccomp") == "0"


@real
def test_what_is_refused(bystander: subprocess.Popen[bytes]) -> None:
    """Every call, in one child with the filter and in one without: the control, which must give another answer.

    The control says nothing of what the kernel does not have, what an ordinary user is refused anyway, and, in a
    container, of what the container's own filter refuses.
    """
    _, held = run(attempt_everything, bystander.pid)
    assert held == {name: "ENOSYS" if name in LACKING else "EPERM" for name in held}
    _, free = run(attempt_everything, bystander.pid, held=False)
    assert free.keys() == held.keys()
    unsure = LACKING | (set() if is_powerful() else ADMINISTRATION)
    same = {name for name in held if free[name] == held[name]}
    if status_of("Seccomp") == "0":
        assert same <= unsure
    else:
        assert {"fork", "socket", "signal another", "clone a process", "a pair of datagram sockets"}.isdisjoint(same)
    assert bystander.poll() is None


@real
@pytest.mark.parametrize("held", [True, False])
def test_what_is_not(held: bool) -> None:
    """Threads, NumPy, signals to oneself, asyncio, temporary files, one's own limits."""
    if held:
        assert run(work_as_usual) == (0, "worked")
    else:
        with pytest.raises(AssertionError, match="DID NOT RAISE"):
            run(work_as_usual, held=False)


@real
def test_torch_works() -> None:
    """Convolutions on two threads, Adam, a DataLoader, saving and loading."""
    status, said = run(train_a_network)
    assert (status, said["finite"], said["losses"]) == (0, True, 6)
    assert said["threads"] >= 2


@real
@on_x86
@pytest.mark.parametrize("call", [call_as_x32, call_as_i386])
def test_calls_of_another_kind_kill(call: Callable[[], None]) -> None:
    """Without the filter they get an answer, or the kernel knows no such kind and says so in another way."""
    assert run(call) == (-signal.SIGSYS, None)
    assert run(call, held=False)[0] != -signal.SIGSYS


@real
@pytest.mark.parametrize(("kind", "answer"), [("SOCK_DGRAM", "EPERM"), ("SOCK_STREAM", "EISCONN")])
def test_no_datagram_leaves(tmp_path: Path, kind: str, answer: str) -> None:
    """Services listen on Unix sockets; Landlock does not stand around those with a path."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
        service.bind(path)
        service.setblocking(False)
        assert run(send_a_datagram, path, kind) == (0, answer)
        with pytest.raises(BlockingIOError):
            service.recv(10)
        if kind == "SOCK_DGRAM":
            assert run(send_a_datagram, path, kind, held=False) == (0, "done")
            assert service.recv(10) == b"out"


@real
def test_no_signal_by_way_of_a_file(bystander: subprocess.Popen[bytes]) -> None:
    """The control ends the bystander."""
    assert run(signal_by_way_of_a_file, bystander.pid) == (0, "EPERM")
    assert bystander.poll() is None
    assert run(signal_by_way_of_a_file, bystander.pid, held=False) == (0, "done")
    assert bystander.wait(timeout=60) == -signal.SIGTERM


@real
def test_threads_that_run_already_are_held() -> None:
    """A filter for one thread alone would leave the others as they were."""
    assert run(hold_threads_that_run_already) == (0, ["EPERM"])


@real
def test_what_the_kernel_refuses_is_told() -> None:
    """Without no_new_privs, an ordinary user may set no filter."""
    assert run(install_without_leave) == (0, "EACCES")


if __name__ == "__main__":
    be_a_child(*sys.argv[1:])
