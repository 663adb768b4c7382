"""One run on Gradescope: from /autograder/submission to /autograder/results/results.json.

Theory of operation. The folders that hold secrets are closed, then a results.json that blames nobody
stands, and only then is anything of the student's read. Every verdict is written as it arrives. What
can end a run, and what then stands:
- SIGTERM, SIGINT, SIGHUP, or the death of run_autograder: grading ends at once, the verdicts so far stand
  and the other graders say why they were not reached. The children end with their zygote.
- SIGKILL: the file of the last verdict stands; the zygote sees that its owner is gone, and ends.
- The submission's limits: the same as a signal, in the words of `grading.Budget`.
- A bug of ours: the same, and the exception goes on to staff. Where it hangs even the thread that would
  notice, `faulthandler` ends the process from outside Python and tells where it hung.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

from autograder.budget import Budget
from autograder.bundle import EXPECTATIONS, PACKAGE
from autograder.doctor import warning
from autograder.feedback import JSON
from autograder.gradescope import EarlyEnd, ResultsFile
from autograder.grading import Place, grade, planned
from autograder.manifest import Manifest, read_manifest
from autograder.sandbox import privileges
from autograder.sandbox.runner import Sandbox
from autograder.sandbox.zygote_process import SandboxError
from autograder.submission import FoundFile, Submission, find_submission

ROOT_VARIABLE = "AUTOGRADER_ROOT"
PARENT_VARIABLE = "AUTOGRADER_PARENT"  # the process that this one must not outlive
METADATA = "submission_metadata.json"
METADATA_KEYS = ("id", "created_at", "submission_method")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
OVERTIME_SECONDS = 30.0  # from the wall limit to the end of a process that hangs


def gradescope_root() -> Path:
    """Gradescope's folder: /autograder, or what AUTOGRADER_ROOT names."""
    return Path(os.environ.get(ROOT_VARIABLE) or "/autograder")


def run_on_gradescope(
    root: Path, sandbox: Sandbox | None = None, *, alone: bool = False
) -> tuple[Manifest, ResultsFile]:
    """Grade `root`/submission; returns what was graded with, and all results.

    The zygote imports torch while the submission is read, and results.json is valid from before
    the first line of the student's code runs.

    Args:
        root: Gradescope's folder.
        sandbox: where to grade; it stays open, but is stopped where the submission's limits are met. One of
            its own by default.
        alone: whether this process does nothing else: signals, and the end of the process that
            AUTOGRADER_PARENT names, then end grading. For the main thread.

    Raises:
        UserError: where the zip's own files are damaged, before any result could be written.
    """
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        notes = stack.enter_context(closed_secrets(root))
        expectations = root / "source" / EXPECTATIONS
        manifest = read_manifest(expectations)
        results = ResultsFile(root / "results" / "results.json", planned(manifest))
        results.start()
        limits = manifest.limits.submission
        budget = Budget(limits)
        if alone:
            stack.enter_context(_ended_by_signals(budget))
            stack.enter_context(_ended_by_hanging(limits.wall_seconds + OVERTIME_SECONDS))
        extra = run_data(manifest, read_metadata(root))
        if notes:
            extra["staff"] = list(notes)
            print(*notes, sep="\n", file=sys.stderr)
        try:
            place = sandbox if sandbox is not None else stack.enter_context(Sandbox())
            submission = find_submission(root / "submission", [file.wanted for file in manifest.files])
            for note in submission_notes(submission):
                results.say(note)
            for result in grade(manifest, Place.of(expectations), submission, place, budget=budget):
                results.record(result)
                if "isolation_level" not in extra and "ending" in result.extra:  # a child ran, so it is known
                    extra |= _isolation(place)
        except Exception:
            budget.stop(EarlyEnd("the autograder itself broke"))
            raise
        finally:
            if budget.end is not None:
                results.end_early(budget.end)
            results.finish(seconds=time.monotonic() - started, extra=extra)
    return manifest, results


@contextlib.contextmanager
def closed_secrets(root: Path) -> Iterator[list[str]]:
    """Let nobody but this user enter the folders that a child must not see; gives notes on what stays open.

    The results' folder has its old mode again afterwards; the others stay closed.
    """
    results = root / "results"
    notes: list[str] = []
    with contextlib.suppress(OSError):  # ResultsFile says what is wrong with this folder
        results.mkdir(exist_ok=True)
    before = stat.S_IMODE(results.stat().st_mode) if results.is_dir() else 0o755
    for path in (root / "source" / EXPECTATIONS, root / "submission", results, root / METADATA):
        try:
            if os.geteuid() == 0 and path.stat().st_uid != 0:
                os.chown(path, 0, -1)
            path.chmod(0o700 if path.is_dir() else 0o600)
        except FileNotFoundError:
            continue
        except OSError as error:
            notes.append(f"{path} stays open to the students' code where it runs as another user: {error.strerror}")
    try:
        yield notes
    finally:
        with contextlib.suppress(OSError):
            results.chmod(before)


@contextlib.contextmanager
def _ended_by_signals(budget: Budget) -> Iterator[None]:
    def end(number: int, _: FrameType | None) -> None:
        budget.stop(EarlyEnd(f"the autograder was stopped from outside ({signal.Signals(number).name})"))

    before = {number: signal.signal(number, end) for number in SIGNALS}
    try:
        _follow_parent()
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow_parent() -> None:
    """Have SIGTERM sent to this process when the one that AUTOGRADER_PARENT names ends (Linux)."""
    parent = os.environ.get(PARENT_VARIABLE, "")
    if sys.platform == "linux" and parent.isdecimal():
        privileges.follow_parent(int(parent), signal.SIGTERM)


@contextlib.contextmanager
def _ended_by_hanging(seconds: float) -> Iterator[None]:
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _isolation(sandbox: Sandbox) -> dict[str, JSON]:
    """For staff: the level of isolation, and why it is no higher."""
    try:
        standing = sandbox.standing
    except SandboxError:
        return {}
    if danger := warning(standing.level):
        print(f"Warning: {danger}", file=sys.stderr)
    missing: dict[str, JSON] = {layer.name: layer.why for layer in standing.layers if not layer.holds}
    return {"isolation_level": standing.level, "isolation_missing": missing}


def warm_up() -> None:
    """Start a sandbox once and import what its graders will need, so that caches on the disk are built.

    Raises:
        UserError: where torch cannot be imported.
    """
    manifest = read_manifest(PACKAGE.parent / EXPECTATIONS)
    with Sandbox() as sandbox:
        sandbox.preload({module for grader in manifest.graders for module in grader.preload})


def submission_notes(submission: Submission) -> list[str]:
    """What was noticed while the files were found, for the student."""
    return [note for found in submission.modules.values() if isinstance(found, FoundFile) for note in found.notes]


def run_data(manifest: Manifest, metadata: Mapping[str, JSON]) -> dict[str, JSON]:
    """What staff may want to know of a run: versions and the submission's id."""
    versions = manifest.versions
    return {
        "homework": manifest.homework,
        "harness": versions.harness,
        "recorded_with_torch": versions.torch,
        "submission": {key: metadata[key] for key in METADATA_KEYS if key in metadata},
    }


def read_metadata(root: Path) -> dict[str, JSON]:
    """Gradescope's submission_metadata.json; empty where it is missing or damaged, for grading needs none of it."""
    try:
        metadata = json.loads((root / METADATA).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return metadata if isinstance(metadata, dict) else {}
