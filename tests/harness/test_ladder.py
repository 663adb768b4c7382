"""The ladder of isolation: a layer counts where it prevents what it must prevent, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from autograder.sandbox import landlock, seccomp
from autograder.sandbox.runner import Sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")

CLIMB = """
import json, os, sys
from pathlib import Path
from autograder.sandbox import landlock, ladder, privileges, seccomp
from autograder.sandbox.ladder import climb
privileges.adopt_orphans()
privileges.close_memory()
{sabotage}
# The grader process is not ours to close here: let this process stand for both.
os.getppid_ = os.getppid
ladder.os.getppid = lambda: os.getpid() if os.getpid() == ZYGOTE else os.getppid_()
standing = climb(Path(sys.argv[1]), 65_000, top={top})
print(json.dumps([standing.level, {{layer.name: [layer.holds, layer.why, layer.remedy] for layer in standing.layers}}]))
"""


def climbed(folder: Path, sabotage: str = "", top: int = 3) -> tuple[int, dict[str, Any]]:
    """Climb in a fresh process, after breaking something in it."""
    code = CLIMB.format(sabotage=textwrap.dedent(sabotage), top=top).replace("ZYGOTE", "ZYGOTE_PID")
    code = f"import os\nZYGOTE_PID = os.getpid()\n{code}"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    level, layers = json.loads(done.stdout)
    return level, layers


def test_every_layer_of_this_machine(tmp_path: Path) -> None:
    level, layers = climbed(tmp_path)
    assert layers["resources"][0]
    assert layers["orphans"][0]
    assert layers["memory"][0]
    assert layers["landlock"][0] == bool(landlock.version())
    assert layers["seccomp"][0] == seccomp.supported()
    assert level >= 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("layer", "sabotage", "why"),
    [
        ("resources", "ladder.limit_resources = lambda *_: None", "a file grew beyond its limit"),
        ("landlock", "landlock.restrict = lambda *_: None", "could still be read"),
        ("landlock", "landlock.version = lambda: 0", "this kernel has no Landlock"),
        ("seccomp", "seccomp.install = lambda: None", "a socket could still be made"),
        ("seccomp", "seccomp.supported = lambda: False", "are not known"),
        (
            "seccomp",
            "def kill():\n    os.kill(os.getpid(), 9)\nseccomp.install = kill",
            "the probe ended with status 9",
        ),
        ("orphans", "privileges._prctl(36, 0)", "adopts the processes"),
    ],
)
def test_a_layer_that_does_nothing_does_not_count(tmp_path: Path, layer: str, sabotage: str, why: str) -> None:
    """Each probe fails where its layer is taken away."""
    level, layers = climbed(tmp_path, sabotage)
    holds, said, _ = layers[layer]
    assert not holds
    assert why in said
    assert level < 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user to be, or powers to lose")
@pytest.mark.parametrize(
    ("layer", "sabotage", "why"),
    [
        ("user", "privileges.become = lambda user: None\nladder._must_be_readable = lambda _: None", "still reads"),
        ("user", "os.setresuid = lambda *_: None", "in place of 65000"),
        (
            "capabilities",
            "privileges.drop_capabilities = lambda: None\nos.setresuid = lambda *_: None",
            "root kept its powers",
        ),
    ],
)
def test_what_root_gives_up(tmp_path: Path, layer: str, sabotage: str, why: str) -> None:
    holds, said, _ = climbed(tmp_path, sabotage)[1][layer]
    assert not holds
    assert why in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can close a folder to another user that it may become")
def test_an_interpreter_that_is_closed_to_others_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    (closed / "python").mkdir(parents=True)
    closed.chmod(0o700)
    for folder in tmp_path.parents:
        if folder.name.startswith(("pytest-", "popen-")) and not folder.stat().st_mode & 0o001:  # pytest's own
            folder.chmod(0o711)
    tmp_path.chmod(0o711)
    sabotage = f"landlock.interpreter_folders = lambda: [{str(closed / 'python')!r}]"
    ground = tmp_path / "ground"
    ground.mkdir()
    holds, why, remedy = climbed(ground, sabotage)[1]["user"]
    assert not holds
    assert why == f"{closed} is closed to other users, and Python's own files lie below it"
    assert f"chmod o+x {closed}" in remedy


@pytest.mark.parametrize("top", [0, 1, 2, 3])
def test_no_higher_than_asked_for(tmp_path: Path, top: int) -> None:
    level, layers = climbed(tmp_path, top=top)
    assert level <= top
    for name, from_level in {"user": 3, "landlock": 2, "seccomp": 1}.items():
        if from_level > top:
            assert not layers[name][0]
            assert f"the highest level asked for is {top}" in layers[name][1]


def test_a_sandbox_has_the_level_of_its_zygote(sandbox: Sandbox, bare_sandbox: Sandbox) -> None:
    assert sandbox.level == sandbox.standing.level > bare_sandbox.level == 0
