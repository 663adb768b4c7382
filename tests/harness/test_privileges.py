"""What a process gives up, tried in throwaway processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from autograder.sandbox.privileges import USERS_OF_ONE, claim_users

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's own")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has powers to give up")


def told(code: str) -> str:
    """What a fresh process prints."""
    script = "import os, sys\nfrom autograder.sandbox import privileges\n" + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_two_have_the_same_users() -> None:
    first, claim = claim_users()
    second, other = claim_users()
    assert len(first) == len(second) == USERS_OF_ONE
    assert not set(first) & set(second)
    claim.close()
    again, third = claim_users()
    assert again == first
    for held in (other, third):
        held.close()


def test_no_account_has_one_of_them() -> None:
    users, claim = claim_users()
    claim.close()
    with open("/etc/passwd", encoding="utf-8") as accounts:
        taken = {int(line.split(":")[2]) for line in accounts if line.strip()}
    assert not taken & set(users)


@as_root
def test_another_user_for_good() -> None:
    code = """
        privileges.become(65_000)
        print(os.getresuid(), os.getresgid(), os.getgroups())
        for back in (lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: open("/etc/shadow")):
            try:
                back()
            except PermissionError:
                print("refused")
    """
    assert told(code).splitlines() == ["(65000, 65000, 65000) (65000, 65000, 65000) []", *["refused"] * 3]


@as_root
def test_root_without_powers() -> None:
    attempt = """
        def attempt():
            try:
                os.chroot("/")
                return "done"
            except PermissionError:
                return "refused"
    """
    steps = ["print(attempt())", "privileges.drop_capabilities()", "print(attempt(), os.getuid())"]
    code = "\n".join([textwrap.dedent(attempt), *steps])
    assert told(code).splitlines() == ["done", "refused 0"]


def test_memory_is_closed_to_the_same_user() -> None:
    """A child reads the memory of a parent that has no more power than itself, unless that is closed."""
    code = """
        privileges.drop_capabilities()
        if {close}:
            privileges.close_memory()
        if os.fork() == 0:
            try:
                open(f"/proc/{{os.getppid()}}/mem", "rb")
                print("read", flush=True)
            except PermissionError:
                print("refused", flush=True)
            os._exit(0)
        os.wait()
    """
    assert told(textwrap.dedent(code).format(close=True)) == "refused"
    assert told(textwrap.dedent(code).format(close=False)) == "read"


def test_a_child_dies_with_its_parent() -> None:
    code = """
        import time
        read, write = os.pipe()
        middle = os.fork()
        if middle == 0:
            parent = os.getpid()
            if os.fork() == 0:
                if {bound}:
                    privileges.follow_parent(parent)
                os.write(write, b"ready")
                time.sleep(0.7)
                os.write(write, b" and alive")
                os._exit(0)
            time.sleep(0.3)
            os._exit(0)
        os.close(write)
        print(os.fdopen(read).read())
    """
    assert told(textwrap.dedent(code).format(bound=True)) == "ready"
    assert told(textwrap.dedent(code).format(bound=False)) == "ready and alive"


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    code = """
        if os.fork() == 0:
            privileges.follow_parent(1 if os.getppid() != 1 else 2)
            print("alive", flush=True)
            os._exit(0)
        print(os.wait()[1])
    """
    assert told(code) == "9"


def test_the_first_to_be_killed() -> None:
    assert told("privileges.be_killed_first(); print(open('/proc/self/oom_score_adj').read())") == "1000"


def test_no_new_privileges() -> None:
    code = """
        privileges.forbid_new_privileges()
        print([line for line in open("/proc/self/status") if line.startswith("NoNewPrivs")])
    """
    assert told(code) == r"['NoNewPrivs:\t1\n']"
