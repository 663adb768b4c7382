"""Memory in huge pages: the same content, and less to copy at a fork."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox.huge_pages import HUGE, collapse_memory

SWITCH = Path("/sys/kernel/mm/transparent_hugepage/enabled")
PROGRAM = """
import mmap, os, re, sys
from autograder.sandbox.huge_pages import collapse_memory

def huge():
    return int(re.search(r"AnonHugePages:\\s+(\\d+)", open("/proc/self/smaps_rollup").read())[1]) * 1024

memory = mmap.mmap(-1, 16 * 2**20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory[:] = bytes(range(256)) * (len(memory) // 256)
before = huge()
claimed = collapse_memory()
whole = memory[:] == bytes(range(256)) * (len(memory) // 256)
after = huge()
pid = os.fork()
if pid == 0:
    memory[5] = 99
    os._exit(memory[5])
status = os.waitpid(pid, 0)[1]
print(claimed, after - before, whole, os.WEXITSTATUS(status), memory[5])
"""


def collapses() -> bool:
    release = tuple(int(part) for part in platform.release().split(".")[:2] if part.isdecimal())
    return sys.platform == "linux" and release >= (6, 1) and SWITCH.exists() and "[never]" not in SWITCH.read_text()


@pytest.mark.skipif(not collapses(), reason="this kernel has no huge pages to collapse memory into")
def test_memory_is_collapsed_and_stays_what_it_was() -> None:
    """At least six of eight huge pages (ends may not be aligned), the same bytes; what a child writes is its own."""
    process = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    claimed, grown, whole, childs, ours = process.stdout.split()
    assert int(claimed) >= int(grown) >= 6 * HUGE
    assert (whole, childs, ours) == ("True", "99", "5")


def test_a_system_without_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on Linux, and where memory cannot be looked at, nothing happens."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert collapse_memory() == 0
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("builtins.open", lambda *_, **__: (_ for _ in ()).throw(PermissionError("no /proc")))
    assert collapse_memory() == 0
