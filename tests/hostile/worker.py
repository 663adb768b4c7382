"""The grader process of one level: grades submission after submission in one sandbox, and looks for breaches.

    python worker.py CONFIG

It is a real grader, and what hostile code may do to a grader happens to it: without isolation it may die. So it writes
a line of JSON to its diary before and after every submission, and whoever started it carries on after the last one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from corpus import Case, accomplice, hand_in, read_cases
from descendants import descendants_of, end, reap, try_to_adopt
from guarded_homework import HIDDEN, TOKEN_OF_THE_HIDDEN_GRADER
from hard_coded import answers_module, kit_of
from planted import Planted

from autograder.errors import UserError
from autograder.gradescope import Results, TestCase, read_results
from autograder.gradescope_run import run_on_gradescope
from autograder.limits import Limits
from autograder.manifest import MANIFEST, read_manifest, select
from autograder.sandbox.privileges import follow_parent
from autograder.sandbox.runner import Outcome, Ran, Sandbox

SLACK_SECONDS = 12.0
SETTLING_SECONDS = 3.0
CORES = len(os.sched_getaffinity(0))
_IPC_REMOVE = 0
_SET_DUMPABLE = 4


class Config(msgspec.Struct, frozen=True):
    """What the worker is told.

    Attributes:
        max_level: of the sandbox.
        archive: the Gradescope zip.
        base: a folder for everything that is made.
        diary: the file that lines are written to.
        cases: the ids of the cases, in order.
    """

    max_level: int
    archive: str
    base: str
    diary: str
    cases: tuple[str, ...]


class Found(msgspec.Struct, frozen=True):
    """What one submission did.

    Attributes:
        undeserved: graders that gave more points than the submission deserves, with the points.
        leaks: the places whose secrets it got hold of, and how.
        lost: graders that gave less than an honest part deserves, and what is wrong with results.json.
        hung: why it took too long.
        reached: what it could do that no submission may do: processes, sockets, signals, memory beyond its limit.
        left: processes and files that outlived it.
        kept: how many of the graders that it must pass it passed, of `deserved`.
        seconds: of wall time.
    """

    case: str
    undeserved: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    hung: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    kept: int = 0
    deserved: int = 0
    seconds: float = 0.0

    @property
    def breached(self) -> bool:
        return bool(self.undeserved or self.leaks or self.lost or self.hung or self.reached or self.left)


class Started(msgspec.Struct, frozen=True, tag="started"):
    """A submission is about to be graded; if nothing follows within `bound` seconds, it hangs."""

    case: str
    bound: float


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A submission has been graded."""

    found: Found


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The sandbox runs, at this level."""

    level: int


Line = Started | Ended | Opened


class WatchedSandbox(Sandbox):
    """A sandbox that keeps what its children said."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outcomes: list[tuple[str, Outcome]] = []

    def run_in_turn(self, jobs: Any, *args: Any, **kwargs: Any) -> Ran:
        ran = super().run_in_turn(jobs, *args, **kwargs)
        self.outcomes += [(job.id, outcome) for job, outcome in zip(jobs, ran.outcomes, strict=False)]
        return ran


class Worker:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.base = Path(config.base)
        self.root = self.base / "autograder"
        self.others = self.base / "submissions" / "17"
        self.planted = Planted.in_this_process()
        self.mark = f"hostile-{os.getpid()}-{os.urandom(4).hex()}"
        self.key = int.from_bytes(os.urandom(3), "big") | 1 << 24
        self.zygotes: list[int] = []
        self._note_processes()
        try_to_adopt()
        with zipfile.ZipFile(config.archive) as archive:
            archive.extractall(self.base / "source")
        self.manifest = read_manifest(self.base / "source" / "expectations")
        self.limits = self.manifest.limits
        with zipfile.ZipFile(kit_of(Path(config.archive))) as kit, tempfile.TemporaryDirectory() as folder:
            kit.extractall(folder)
            self.answers = answers_module(Path(folder) / "expectations")
        self.sandbox = self._open()
        self._say(Opened(level=self.sandbox.level))

    def run(self) -> None:
        """Grade every case; a sandbox that no longer works is replaced by a new one."""
        cases = {case.id: case for case in read_cases()}
        try:
            for name in self.config.cases:
                case = cases[name]
                bound = bound_of(case, self.limits)
                self._say(Started(case=name, bound=bound))
                found = self.grade(case, bound)
                self._say(Ended(found))
                if found.hung or not self._zygote_lives():
                    self.sandbox.close()
                    self.sandbox = self._open()
        finally:
            self.sandbox.close()

    def grade(self, case: Case, bound: float) -> Found:
        """Grade one submission in a tree of its own, and look what it did."""
        self._make_tree(case)
        self.sandbox.outcomes.clear()
        late = threading.Timer(bound, self.sandbox.close)
        late.start()
        started = time.monotonic()
        trouble = []
        try:
            run_on_gradescope(self.root, sandbox=self.sandbox)
        except Exception:
            trouble.append(traceback.format_exc().strip().splitlines()[-1])
        seconds = time.monotonic() - started
        late.cancel()
        left = self._left_behind()
        results, invalid = self._results()
        undeserved, lost, kept = verdicts(case, results)
        leaks = self._leaks(results)
        self._clean()
        return Found(
            case=case.id,
            undeserved=tuple(undeserved),
            leaks=tuple(leaks),
            lost=(*trouble, *invalid, *lost),
            hung=(f"{seconds:.1f} s, and {bound:.1f} s are allowed",) if seconds > bound else (),
            reached=tuple(self._reached()),
            left=tuple(left),
            kept=kept,
            deserved=len(case.deserved()),
            seconds=round(seconds, 2),
        )

    def _open(self) -> WatchedSandbox:
        sandbox = WatchedSandbox(max_level=self.config.max_level)
        sandbox.preload(())  # torch is there before the first submission's time begins
        if self.config.max_level == 0 and sys.platform == "linux":
            ctypes.CDLL(None).prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # as in a grader that closes its memory to nobody
        return sandbox

    def _zygote_lives(self) -> bool:
        """Whether the last zygote runs, and is not stopped."""
        try:
            status = Path(f"/proc/{self.zygotes[-1]}/status").read_text()
        except OSError:
            return False
        return bool(re.search(r"^State:\s*[RSD]", status, re.MULTILINE))

    def _say(self, line: Line) -> None:
        with open(self.config.diary, "ab", buffering=0) as diary:
            diary.write(msgspec.json.encode(line) + b"\n")

    def _note_processes(self) -> None:
        """Remember which processes this one starts by itself: the zygotes."""
        zygotes = self.zygotes

        class Noted(subprocess.Popen):  # type: ignore[type-arg]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                zygotes.append(self.pid)

        subprocess.Popen = Noted  # type: ignore[misc]

    # --- the tree ---------------------------------------------------------------------------------------------------

    def _make_tree(self, case: Case) -> None:
        self._clean()
        for folder in ("submission", "results"):
            (self.root / folder).mkdir(parents=True)
        graded = [grader for grader in self.manifest.graders if name_of(grader.id) in case.graded()]
        manifest = self.base / "source" / "expectations" / MANIFEST
        manifest.write_bytes(msgspec.json.encode(select(self.manifest, graded)))
        shutil.copytree(self.base / "source", self.root / "source")
        self.planted.in_tree(self.root, self.others)
        told = accomplice(self.root, self.others, self.mark, self.key)
        hand_in(case, self.root / "submission", {"accomplice": told, "answers": self.answers})

    def _clean(self) -> None:
        for tree in (self.root, self.others, *Path(tempfile.gettempdir()).glob("autograder-*/job-*")):
            remove(tree)
        for path in self._dropped():
            with contextlib.suppress(OSError):
                path.unlink() if not path.is_dir() else shutil.rmtree(path)
        for number in shared_memory(self.key):
            ctypes.CDLL(None).shmctl(number, _IPC_REMOVE, None)

    # --- breaches ---------------------------------------------------------------------------------------------------

    def _results(self) -> tuple[Results | None, list[str]]:
        try:
            return read_results(self.root / "results" / "results.json"), []
        except UserError as error:
            return None, [f"results.json: {error}"[:300]]

    def _leaks(self, results: Results | None) -> Iterator[str]:
        written = msgspec.json.encode(results).decode() if results is not None else ""
        said = {
            "printed": [outcome.output for _, outcome in self.sandbox.outcomes],
            "in results.json": [written],
            "left in a file": [path.read_text(errors="replace") for path in self._dropped() if path.is_file()],
        }
        for way, texts in said.items():
            for place in sorted(self.planted.found_in(texts)):
                yield f"{place} ({way})"
        # The hidden grader's own child has its source; it must reach no other child, and nobody who reads results.
        token = TOKEN_OF_THE_HIDDEN_GRADER
        if any(token in outcome.output for id, outcome in self.sandbox.outcomes if name_of(id) != HIDDEN):
            yield "the hidden grader's source (printed by another grader's child)"
        if any(token in text for text in said["left in a file"]):
            yield "the hidden grader's source (left in a file)"
        if results is not None and any(token in text for text in readable_by_students(results)):
            yield "the hidden grader's source (in results.json)"

    def _reached(self) -> list[str]:
        said = re.compile(rf"{re.escape(self.mark)} reached (.*)")
        return sorted({what for _, outcome in self.sandbox.outcomes for what in said.findall(outcome.output)})

    def _left_behind(self) -> list[str]:
        stop = time.monotonic() + SETTLING_SECONDS
        while (strays := self._strays()) and time.monotonic() < stop:
            reap(strays)
            time.sleep(0.02)
        left = [f"process {pid}" for pid in strays]
        end(strays)
        left += [f"folder {path}" for path in Path(tempfile.gettempdir()).glob("autograder-*/job-*")]
        left += [f"file {path}" for path in self._dropped()]
        left += [f"changed {path}" for path in changed(self.base / "source", self.root / "source")]
        return left + [f"shared memory {number}" for number in shared_memory(self.key)]

    def _strays(self) -> list[int]:
        return [pid for pid in descendants_of(os.getpid()) if pid not in self.zygotes]

    def _dropped(self) -> list[Path]:
        """Files and folders with this run's mark in their name, outside of the tree's submission."""
        shared = {Path(folder) for folder in ("/tmp", "/var/tmp", "/dev/shm", tempfile.gettempdir())}
        found = [path for folder in shared for path in folder.glob(f"*{self.mark}*")]
        return found + list(self.root.rglob(f"*{self.mark}*"))


def bound_of(case: Case, limits: Limits) -> float:
    """Seconds that a submission may take: each grader that it fails its whole wall time, and something for the rest."""
    failing = sum(verdict == "failed" for verdict in case.verdicts.values())
    return limits.seconds * limits.wall_factor * -(-failing // CORES) + SLACK_SECONDS


def verdicts(case: Case, results: Results | None) -> tuple[list[str], list[str], int]:
    """(undeserved points, lost points, graders kept) of a submission."""
    undeserved, lost, kept = [], [], 0
    tests = {name_of(test.extra_data.get("id", "")): test for test in results.tests} if results is not None else {}
    for grader in case.graded():
        test, wanted = tests.get(grader), case.verdicts[grader]
        if test is None:
            lost.append(f"{grader} is missing")
            continue
        verdict = test.extra_data.get("verdict")
        if wanted == "failed" and (test.score > 0 or verdict == "passed"):
            undeserved.append(f"{grader}: {test.score:g} points")
        if wanted == "passed" and verdict == "passed" and test.score == test.max_score:
            kept += 1
        elif wanted == "passed" or verdict not in ("passed", "failed"):
            lost.append(f"{grader}: {verdict}, {test.score:g} of {test.max_score:g}: {headline(test)}")
    if results is not None:
        entries = () if results.leaderboard is msgspec.UNSET else results.leaderboard
        honest = {"estimate_found"} if case.verdicts["estimate.visible"] == "passed" else set()
        forged = [entry.name for entry in entries if entry.name not in honest]
        undeserved += [f"on the leaderboard: {name}" for name in forged]
        if len(results.tests) != len(case.graded()):
            undeserved.append(f"{len(results.tests)} graders in results.json, and there are {len(case.graded())}")
        if abs(results.score - sum(test.score for test in results.tests)) > 0.001:
            undeserved.append(f"{results.score:g} points in all, which is not the sum")
    return undeserved, lost, kept


def headline(test: TestCase) -> str:
    """What staff read of a result, on one line."""
    told = " ".join(str(part) for part in (test.extra_data.get("fault", ""), test.extra_data.get("staff", "")))
    plain = " ".join(part.split(">")[-1] for part in test.output.split("<"))
    return " ".join(f"{plain} {told}".split())[:300]


def name_of(id: str) -> str:
    """A grader's name as docstrings have it: "test_guarded.test_energy.hidden" is "energy.hidden"."""
    name = id.removeprefix("test_guarded.test_")
    return name if name == HIDDEN or name.endswith(".hidden") else f"{name}.visible"


def readable_by_students(results: Results) -> list[str]:
    """Every text of results.json that Gradescope shows to students, sooner or later."""
    entries = () if results.leaderboard is msgspec.UNSET else results.leaderboard
    return [
        results.output,
        *(text for test in results.tests for text in (test.name, test.output, *test.tags)),
        *(entry.name for entry in entries),
    ]


def remove(tree: Path) -> None:
    """Remove a tree, also where rights on its folders were taken away."""
    with contextlib.suppress(OSError):
        tree.chmod(0o755)
    for folder, inside, _ in os.walk(tree):
        for path in (Path(folder, name) for name in inside):
            with contextlib.suppress(OSError):
                if not path.is_symlink():
                    path.chmod(0o755)
    shutil.rmtree(tree, ignore_errors=True)


def changed(pristine: Path, tree: Path) -> list[Path]:
    """The files of the grader that are no longer what they were, relative to its folder."""
    return [
        path.relative_to(pristine)
        for path in pristine.rglob("*")
        if path.is_file() and not same(path, tree / path.relative_to(pristine))
    ]


def same(path: Path, other: Path) -> bool:
    try:
        return path.read_bytes() == other.read_bytes()
    except OSError:
        return False


def shared_memory(key: int) -> list[int]:
    """The numbers of System V segments with this key."""
    try:
        lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    except OSError:
        return []
    return [int(line.split()[1]) for line in lines if int(line.split()[0]) == key]


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    config = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=Config)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    follow_parent(os.getppid(), signal.SIGTERM)  # a run that is killed leaves no worker at work
    Worker(config).run()


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
