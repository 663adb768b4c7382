"""What is known of a class, what must be run, and what has been written.

Theory of operation. Handins are taken one after the other (`parts`). What the store knows of a submission under
today's keys (keys.py) is not run again. What is missing is divided into batches of a few seconds, towards the
end of the class into smaller ones, so that all workers end together. When a batch is done (`take`) its verdicts are
committed, and when the last one of a submission is, results/<id>.json is written for every handin that has these very
files. A file that stands, and that was made from the same, is not touched.

"Faulty" and "not reached" are never kept: they stand in results.json, and the next run tries again.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.feedback import Feedback
from autograder.gradescope import EarlyEnd, ResultsFile
from autograder.gradescope_run import run_data, submission_notes
from autograder.grading import Place, planned
from autograder.manifest import Grader, Manifest
from autograder.observation import clean
from autograder.regrade.handins import Handin
from autograder.regrade.keys import (
    READING_CODE,
    RESULTS_CODE,
    Environment,
    code_digest,
    digest,
    grader_keys,
    submission_digest,
)
from autograder.regrade.looks import look_at
from autograder.regrade.store import Kept, Seen, Store, Written, decode_verdict
from autograder.regrade.workers import Done
from autograder.submission import Submission, find_submission

RESULTS = "results"
BATCH_SECONDS = 5.0  # of the reference: what a kill may cost a worker
GRADER_SECONDS = 0.02  # what a grader costs beside its own computing
AHEAD = 2  # parts for every worker that are planned before it asks


@dataclass(frozen=True)
class FlakyVerdict:
    """A verdict that was not the same in every run of the same grader on the same files.

    Attributes:
        handin: its id.
        grader: its id.
        verdicts: one for each run.
    """

    handin: str
    grader: str
    verdicts: tuple[str, ...]


@dataclass
class Work:
    """A submission whose graders are being run.

    Attributes:
        name: its digest.
        handins: whose files these are, with the notes on how they were found.
        parts: that are not done yet.
        unkept: verdicts of this run that no later one shall go on with.
        end: why graders were not reached, where some were not.
        spent: CPU seconds that its graders have used so far, by round.
        rounds: by round, what each grader came to.
    """

    name: bytes
    submission: Submission
    handins: list[tuple[Handin, Sequence[str]]]
    parts: int = 0
    unkept: dict[str, Kept] = field(default_factory=dict)
    end: EarlyEnd | None = None
    spent: dict[int, float] = field(default_factory=dict)
    rounds: dict[int, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """Some graders of a submission, to be run in one batch; `round` counts the runs of `--repeat`."""

    work: Work
    round: int
    graders: tuple[str, ...]

    @property
    def spent(self) -> float:
        """CPU seconds that the submission has used in this round."""
        return self.work.spent.get(self.round, 0.0)


class Books:
    """The books of one run. For one thread.

    Args:
        manifest: what is graded with, and `where` its files are.
        environment: of the workers.
        store: what earlier runs have kept.
        out: the folder that `results` lies in.
        fresh: run every grader, whatever the store knows.
        repeat: how often to run every grader; more than once implies `fresh`.

    Attributes:
        done: handins that are finished.
        graded: those of them that workers had to run something for.
        unchanged: those whose results.json stood already.
        ran: verdicts that were found in this run.
        problems: handins with nothing to grade.
        incomplete: ids of handins with a grader that is faulty or was not reached.
        flaky: verdicts that changed.
        submissions: by handin, the digest of its submission.
    """

    def __init__(
        self,
        manifest: Manifest,
        where: Place,
        environment: Environment,
        store: Store,
        out: Path,
        *,
        fresh: bool = False,
        repeat: int = 1,
    ) -> None:
        self.manifest = manifest
        self.where = where
        self.environment = environment
        self.keys = grader_keys(manifest, where, environment)
        self.done = self.graded = self.unchanged = self.ran = 0
        self.problems: list[Handin] = []
        self.incomplete: list[str] = []
        self.flaky: list[FlakyVerdict] = []
        self.submissions: dict[str, bytes] = {}
        self._store = store
        self._folder = out / RESULTS
        self._rounds = range(repeat)
        self._known = {} if fresh or repeat > 1 else store.known(self.keys)
        self._written = store.written()
        self._seen = store.seen()
        self._newly_seen: dict[str, Seen] = {}
        self._reading = digest([code_digest(READING_CODE), environment.harness, manifest.files])
        self._graders = {grader.id: grader for grader in manifest.graders}
        self._active: dict[bytes, Work] = {}
        self._changed: dict[bytes, list[tuple[str, tuple[str, ...]]]] = {}
        self._shown = digest(
            [
                code_digest(RESULTS_CODE),
                manifest.homework,
                manifest.versions,
                environment.level,
                list(self.keys.items()),
                planned(manifest),
            ]
        )

    @property
    def kit_name(self) -> str:
        """A name that stands for all that is graded with."""
        return digest([self.manifest, list(self.keys.items())]).hex()

    def results_path(self, handin: Handin) -> Path:
        """Where a handin's results stand."""
        return self._folder / f"{handin.id}.json"

    def state(self) -> list[tuple[str, bytes, str]]:
        """By handin, what its results were made from, and what the file looks like."""
        return [(id, written.state, written.file) for id, written in sorted(self._written.items())]

    def parts(self, handins: Sequence[Handin], slots: Callable[[], int]) -> Iterator[Part | None]:
        """What must be run; None for a handin that nothing must be run for, once it is in the books.

        Args:
            handins: the class.
            slots: how many batches run at a time just now.
        """
        wanted = [file.wanted for file in self.manifest.files]
        for index, handin in enumerate(handins):
            if handin.place is None or handin.problem:
                self.problems.append(handin)
                self.done += 1
                yield None
                continue
            look = look_at(handin.place)
            seen = self._seen.get(handin.id)
            submission = None
            if seen is not None and look is not None and seen.look == digest([self._reading, look]):
                name, notes = seen.submission, seen.notes
            else:
                submission = find_submission(handin.place, wanted)
                name, notes = submission_digest(submission), tuple(map(clean, submission_notes(submission)))
                if look is not None:
                    self._newly_seen[handin.id] = Seen(digest([self._reading, look]), name, notes)
            self.submissions[handin.id] = name
            missing = [grader for grader in self.manifest.graders if grader.id not in self._known.get(name, ())]
            if name in self._active:
                self._active[name].handins.append((handin, notes))
                yield None
            elif not missing:
                self._file(handin, notes, name)
                yield None
            else:
                submission = submission or find_submission(handin.place, wanted)
                work = self._active[name] = Work(name, submission, [(handin, notes)])
                enough = math.ceil(AHEAD * slots() / (len(handins) - index))
                divided = divide(missing, at_least=enough)
                work.parts = len(divided) * len(self._rounds)
                for round in self._rounds:
                    for graders in divided:
                        yield Part(work, round, tuple(grader.id for grader in graders))
        self._store.note_seen(self._newly_seen)

    def keep(self, part: Part, done: Done) -> None:
        """Commit the verdicts of a part."""
        if part.round == 0:
            kept = [one for one in done.judged if one.verdict != "faulty"]
            self._store.add(part.work.name, [(one.grader, self.keys[one.grader], one.row) for one in kept])
        self.ran += len(done.judged)

    def take(self, part: Part, done: Done) -> None:
        """Commit the verdicts of a part; where it was the last one of its submission, write what came of it."""
        self.keep(part, done)
        work = part.work
        work.spent[part.round] = part.spent + done.cpu_seconds
        if part.round == 0:
            work.end = work.end or done.end
            work.unkept |= {one.grader: decode_verdict(one.row) for one in done.judged if one.verdict == "faulty"}
        if len(self._rounds) > 1:
            came = dict.fromkeys(part.graders, "not reached")
            came |= {one.grader: f"{one.verdict} ({one.credit:.0%})" for one in done.judged}
            work.rounds.setdefault(part.round, {}).update(came)
        self._finish_part(work)

    def lose(self, part: Part, why: str) -> None:
        """The workers of a part have died: its graders are faulty."""
        if part.round == 0:
            feedback = Feedback(verdict="faulty", headline="This grader broke.", staff=(why,))
            lost = Kept(0.0, feedback, 0.0, {"verdict": "faulty", "shows": []}, {})
            part.work.unkept |= dict.fromkeys(part.graders, lost)
        part.work.rounds.setdefault(part.round, {}).update(dict.fromkeys(part.graders, "faulty"))
        self._finish_part(part.work)

    def remove_stale(self, handins: Sequence[Handin]) -> None:
        """Remove the results of handins that are no longer there, or no longer have anything to grade."""
        graded = {handin.id for handin in handins} - {handin.id for handin in self.problems}
        stale = sorted(self._written.keys() - graded)
        for id in stale:
            (self._folder / f"{id}.json").unlink(missing_ok=True)
            del self._written[id]
        self._store.forget_written(stale)

    def _finish_part(self, work: Work) -> None:
        work.parts -= 1
        if work.parts:
            return
        del self._active[work.name]
        rounds = [work.rounds[round] for round in self._rounds if round in work.rounds]
        changed = [(grader, tuple(came[grader] for came in rounds)) for grader in (rounds[0] if rounds else ())]
        self._changed[work.name] = [(grader, came) for grader, came in changed if len(set(came)) > 1]
        verdicts = self._store.verdicts(work.name, self.keys)
        self._known[work.name] = set(verdicts) - set(work.unkept)
        for handin, notes in work.handins:
            self._file(handin, notes, work.name, verdicts | work.unkept, work.end)
            self.graded += 1

    def _file(
        self,
        handin: Handin,
        notes: Sequence[str],
        name: bytes,
        verdicts: dict[str, Kept] | None = None,
        end: EarlyEnd | None = None,
    ) -> None:
        """Write a handin's results where they are not there yet; `verdicts` are the store's by default."""
        self.done += 1
        self.flaky += [FlakyVerdict(handin.id, *changed) for changed in self._changed.get(name, ())]
        path = self.results_path(handin)
        written = self._written.get(handin.id)
        state = digest([self._shown, name, notes, handin.id, handin.submitted])
        if verdicts is None:
            if written is not None and written == Written(state, stamp(path)):
                self.unchanged += 1
                return
            verdicts = self._store.verdicts(name, self.keys)
        complete = self._write(path, handin, notes, verdicts, end)
        if not complete:
            self.incomplete.append(handin.id)
            state = b""  # it is made again by the next run
        self._written[handin.id] = Written(state, stamp(path))
        self._store.note_written(handin.id, self._written[handin.id])

    def _write(
        self, path: Path, handin: Handin, notes: Sequence[str], verdicts: dict[str, Kept], end: EarlyEnd | None
    ) -> bool:
        """Write results.json; whether every grader came to a verdict on the submission."""
        file = ResultsFile(path, planned(self.manifest))
        for note in notes:
            file.say(note)
        for id, kept in verdicts.items():
            file.take(kept.result(self._graders[id]))
        if end is not None:
            file.end_early(end)
        extra = run_data(self.manifest, {"id": handin.id, "created_at": handin.submitted})
        file.finish(
            seconds=math.fsum(kept.seconds for kept in verdicts.values()),
            extra={**extra, "isolation_level": self.environment.level},
            durable=False,  # one that a loss of power takes is written again
        )
        return file.complete


def divide(graders: Sequence[Grader], *, at_least: int = 1) -> list[list[Grader]]:
    """Graders in parts that take about the same time on the reference, `BATCH_SECONDS` at most where that can be."""
    seconds = math.fsum(_seconds(grader) for grader in graders)
    count = min(len(graders), max(at_least, math.ceil(seconds / BATCH_SECONDS)))
    parts: list[list[Grader]] = [[] for _ in range(count)]
    loads = [0.0] * count
    for grader in sorted(graders, key=lambda grader: -_seconds(grader)):
        lightest = loads.index(min(loads))
        parts[lightest].append(grader)
        loads[lightest] += _seconds(grader)
    return parts


def stamp(path: Path) -> str:
    """What tells whether a file is the one that was written; "" where there is none."""
    with contextlib.suppress(OSError):
        status = path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"
    return ""


def _seconds(grader: Grader) -> float:
    return grader.reference_seconds + GRADER_SECONDS
