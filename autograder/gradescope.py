"""Gradescope's results.json: its model, its limits, and its life during a run.

Theory of operation. `ResultsFile.start` writes a valid file before anything of the student
runs: every grader is in it with no points and the words "not reached". `record` puts one
grader's result in its place and replaces the whole file atomically, so whatever ends the run
(memory, time, a bug of ours), a valid file with all results so far stands. `finish` writes the
last one; until then the file is for its owner alone. "Failed" (the student's fault), "faulty"
(the grader's fault) and "not reached" stay three things: only the first has Gradescope's status
"failed", the other two are named to staff in a banner above all graders, and `extra_data` holds
the verdict.

A full disk: `start` sets `RESERVE_BYTES` of it aside. A writing that finds no room gives them up and
writes a report that fits into them, without pictures if need be, so that the verdicts so far stand.

Limits, and what happens at each:
- A text has 2,000 characters and 40 lines; what is over is cut and the cut is marked.
- A grader shows 6 pictures; a line says how many were left out.
- The file has 2 MB. Gradescope loads it whole whenever a submission is looked at, and pages of
  several MB open slowly. Pictures go first, then long texts, then everything but verdicts; a
  line says so each time.
- The extra data of one grader has 16 kB; what is over is replaced by a note.

The format: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
"""

from __future__ import annotations

import base64
import contextlib
import errno
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal

import jinja2
import msgspec
from msgspec import UNSET, UnsetType

from autograder.errors import UserError
from autograder.feedback import (
    JSON,
    Feedback,
    GraderResult,
    PlannedGrader,
    Visibility,
    code_pieces,
    place_pieces,
    plain,
)
from autograder.pictures import Picture

MAX_BYTES = 2_000_000
RESERVE_BYTES = 2**18
RESERVED_REPORT_BYTES = 250_000  # what fits into the reserve, with room for whole blocks
MAX_PICTURES = 6
MAX_EXTRA_BYTES = 16_000
MAX_TITLE = 200  # characters
MAX_POINTS = 1_000_000
MAX_NOTES = 10
SHORT_TEXT = 200
SYNC_SECONDS = 1.0  # a rename outlives our process by itself; fsync (5 ms) is for the machine's own end


@dataclass(frozen=True)
class EarlyEnd:
    """Why grading ended before it had reached every grader.

    Attributes:
        reason: a clause for students and staff.
        help: what the student can do.
    """

    reason: str = "grading ended before this grader ran"
    help: str = (
        "This is not your fault and nothing is wrong with your files here. "
        "The course staff has been told, and can run the grading again."
    )

    @property
    def feedback(self) -> Feedback:
        """What the student reads in the place of a grader that was not reached."""
        return Feedback(verdict="faulty", headline=f"Not reached: {self.reason}.", help=self.help)


NOT_YOUR_FAULT = Feedback(
    verdict="faulty",
    headline="This grader broke; your code is not to blame.",
    help="The course staff has been told, and can grade this question again.",
)
LEFT_OUT_TEXT = "The rest of this message was left out to keep the report small."

Status = Literal["passed", "failed"]
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class TestCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One grader as Gradescope shows it. `status` is absent where the student did not fail."""

    __test__ = False  # its name is Gradescope's; pytest need not collect it

    score: float
    max_score: float
    name: str
    number: str
    output: str
    output_format: Literal["html"] = "html"
    visibility: Visibility = "visible"
    tags: tuple[str, ...] = ()
    extra_data: dict[str, Any] = {}
    status: Status | UnsetType = UNSET


class LeaderboardEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number on Gradescope's leaderboard, which all students see."""

    name: str
    value: float
    order: Literal["asc", "desc"] = "desc"


class Results(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """results.json."""

    score: float
    output: str
    tests: tuple[TestCase, ...]
    output_format: Literal["html"] = "html"
    stdout_visibility: Literal["hidden"] = "hidden"
    extra_data: dict[str, Any] = {}
    execution_time: float | UnsetType = UNSET
    leaderboard: tuple[LeaderboardEntry, ...] | UnsetType = UNSET


def read_results(path: Path) -> Results:
    """Read a results.json that this module wrote.

    Raises:
        UserError: where there is none, or it is another program's.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(f"not a results.json of this autograder: {error}", where=str(path)) from error


class ResultsFile:
    """results.json during a run: valid from `start` on, complete after `finish`. For one thread.

    Args:
        path: where Gradescope expects the file; its folder is made if need be.
        graders: every grader that is planned, in the order in which students see them.
        max_bytes: the bound on the file. It holds as long as one bare line per grader fits.

    Attributes:
        end: why grading ended early, where it did.
    """

    def __init__(self, path: Path, graders: Sequence[PlannedGrader], *, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._plan = {grader.id: grader for grader in graders}
        if len(self._plan) != len(graders):
            raise ValueError("two planned graders have the same id")
        for grader in graders:
            if not (0 <= grader.max_score <= MAX_POINTS):
                raise ValueError(f"grader {grader.id} is worth {grader.max_score} points")
        self._max_bytes = max_bytes
        self._results: dict[str, GraderResult] = {}
        self.end: EarlyEnd | None = None
        self._entries = {grader.id: _Entry.not_reached(grader, EarlyEnd()) for grader in graders}
        self._notes: list[str] = []
        self._synced = -math.inf
        self._reserve: IO[bytes] | None = None

    @property
    def results(self) -> tuple[GraderResult | PlannedGrader, ...]:
        """What stands for each planned grader: its result, or the plan where it was not reached."""
        return tuple(self._results.get(id, grader) for id, grader in self._plan.items())

    @property
    def complete(self) -> bool:
        """Whether every grader was reached and none of them was faulty."""
        verdicts = [result.feedback.verdict for result in self._results.values()]
        return len(verdicts) == len(self._plan) and "faulty" not in verdicts

    def start(self) -> None:
        """Write the fallback, and set room aside for what follows.

        Raises:
            UserError: where the file cannot be written.
        """
        self._write()
        self._set_aside()

    def say(self, note: str) -> None:
        """Show a note above all graders from the next writing on, for what concerns all of a submission."""
        self._notes.append(note)

    def end_early(self, end: EarlyEnd) -> None:
        """Say from the next writing on why graders that have no result yet were not reached."""
        self.end = end
        for grader in self._plan.values():
            if grader.id not in self._results:
                self._entries[grader.id] = _Entry.not_reached(grader, end)

    def record(self, result: GraderResult) -> None:
        """Put a grader's result in its place and replace the file.

        A file that cannot be written just now costs nothing: the one of before stands, and the next has it all.

        Raises:
            ValueError: for a grader that was not planned, or planned otherwise.
        """
        self.take(result)
        with contextlib.suppress(UserError):
            self._write()

    def take(self, result: GraderResult) -> None:
        """Put a grader's result in its place, for the next writing.

        Raises:
            ValueError: for a grader that was not planned, or planned otherwise.
        """
        planned = self._plan.get(result.id)
        if planned != result.planned:
            raise ValueError(f"the result of grader {result.id!r} is not of a planned grader: {result.planned}")
        checked = _with_finite_score(result)
        self._results[result.id] = checked
        self._entries[result.id] = _Entry.of_result(checked)

    def finish(
        self, *, seconds: float | None = None, extra: Mapping[str, JSON] | None = None, durable: bool = True
    ) -> Results:
        """Write the final file.

        Args:
            seconds: wall time of the whole run.
            extra: for the top-level `extra_data`; no student sees it.
            durable: wait until it is on the disk.

        Raises:
            UserError: where the file cannot be written.
        """
        try:
            return self._write(final=True, durable=durable, seconds=seconds, extra=extra)
        finally:
            self._give_up_reserve()

    def _assemble(
        self, max_bytes: int, *, seconds: float | None = None, extra: Mapping[str, JSON] | None = None
    ) -> Results:
        missing = [grader for grader in self._plan.values() if grader.id not in self._results]
        faulty = [result.planned for result in self._results.values() if result.feedback.verdict == "faulty"]
        total = sum((points(entry.score, entry.grader.max_score) for entry in self._entries.values()), Decimal())
        head = Results(
            score=float(total),
            output=_render_report(self._notes, _banner(missing, faulty, self.end)),
            tests=(),
            extra_data=_bounded(
                {
                    **(extra or {}),
                    "faulty": [grader.id for grader in faulty],
                    "not_reached": [grader.id for grader in missing],
                }
            ),
            execution_time=UNSET if seconds is None or not math.isfinite(seconds) else round(seconds, 3),
            leaderboard=_leaderboard(self._results.values()),
        )
        room = max_bytes - len(msgspec.json.encode(head))
        return msgspec.structs.replace(head, tests=_fit(list(self._entries.values()), room))

    def _write(
        self,
        *,
        final: bool = False,
        durable: bool = False,
        seconds: float | None = None,
        extra: Mapping[str, JSON] | None = None,
    ) -> Results:
        results = self._assemble(self._max_bytes, seconds=seconds, extra=extra)
        try:
            try:
                self._replace(results, final=final, durable=durable)
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
                self._give_up_reserve()
                results = self._assemble(min(self._max_bytes, RESERVED_REPORT_BYTES), seconds=seconds, extra=extra)
                self._replace(results, final=final, durable=durable)
                self._set_aside()
        except OSError as error:
            raise UserError(
                f"cannot write the results: {error.strerror or error}",
                where=str(self.path),
                remedy="Make room on the disk, and let this folder be written.",
            ) from error
        return results

    def _replace(self, results: Results, *, final: bool, durable: bool) -> None:
        now = time.monotonic()
        durable = durable or (not final and now - self._synced > SYNC_SECONDS)
        replace_file(self.path, msgspec.json.encode(results), durable=durable, mode=0o644 if final else 0o600)
        self._synced = now if durable else self._synced

    def _set_aside(self) -> None:
        """Reserve room in a file without a name, which is gone with this process however that ends."""
        if self._reserve is not None:
            return
        with contextlib.suppress(OSError):
            file = tempfile.TemporaryFile(dir=self.path.parent)  # noqa: SIM115 (it is open as long as it is needed)
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
                else:
                    file.write(bytes(RESERVE_BYTES))
                    file.flush()
            except OSError:
                file.close()
                raise
            self._reserve = file

    def _give_up_reserve(self) -> None:
        if self._reserve is not None:
            with contextlib.suppress(OSError):
                self._reserve.close()
            self._reserve = None


def replace_file(path: Path, content: bytes, *, durable: bool = True, mode: int = 0o644) -> None:
    """Replace a file atomically: whoever reads it sees the old content or the new, never a part.

    Args:
        path: the file.
        content: all of its new content.
        durable: wait until the content is on the disk, so that it also outlives the machine.
        mode: who may read and write the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def points(score: float, max_score: float) -> Decimal:
    """A score in hundredths of a point, within [0, max_score]; sums of these are exact."""
    hundredths = Decimal("0.01")
    most = Decimal(repr(float(max_score)))
    within = min(max(Decimal(repr(float(score))), Decimal(0)), most)
    return abs(within.quantize(hundredths, ROUND_HALF_UP))


def _with_finite_score(result: GraderResult) -> GraderResult:
    if math.isfinite(result.score):
        return result
    staff = (*result.feedback.staff, f"the grader gave the score {result.score}, so it counts as faulty")
    return replace(result, score=0.0, feedback=replace(result.feedback, verdict="faulty", staff=staff))


@dataclass
class _Entry:
    """One grader in the file, at as many sizes as the bound may ask for.

    `render(n)` gives the output with the first n pictures; sizes are made when asked for and kept.
    """

    grader: PlannedGrader
    score: float
    feedback: Feedback
    extra_data: dict[str, Any]
    status: Status | UnsetType
    label: str = ""
    _made: dict[int | str, tuple[TestCase, int]] = field(default_factory=dict)

    @classmethod
    def not_reached(cls, grader: PlannedGrader, end: EarlyEnd) -> _Entry:
        extra = _bounded({"id": grader.id, "verdict": "not reached"})
        return cls(grader, 0.0, end.feedback, extra, UNSET, " (not reached)")

    @classmethod
    def of_result(cls, result: GraderResult) -> _Entry:
        feedback = result.feedback
        extra = _bounded(
            {
                **result.extra,
                **({"staff": list(feedback.staff)} if feedback.staff else {}),
                "id": result.id,
                "verdict": feedback.verdict,
                "seconds": round(result.seconds, 3),
            }
        )
        if feedback.verdict == "faulty":
            extra = _bounded({**extra, "fault": feedback.headline})
            return cls(result.planned, result.score, NOT_YOUR_FAULT, extra, UNSET, " (the grader's fault)")
        return cls(result.planned, result.score, feedback, extra, feedback.verdict)

    @property
    def pictures(self) -> int:
        return min(len(self.feedback.pictures), MAX_PICTURES)

    def test_case(self, size: int | Literal["short", "bare"]) -> tuple[TestCase, int]:
        """(test case, bytes of JSON) with `size` pictures, or with short texts, or with the verdict alone."""
        if size not in self._made:
            test = self._render(size)
            self._made[size] = test, len(msgspec.json.encode(test)) + 1
        return self._made[size]

    def _render(self, size: int | Literal["short", "bare"]) -> TestCase:
        score = points(self.score, self.grader.max_score)
        feedback, extra = self.feedback, self.extra_data
        if size == "bare":
            feedback = Feedback(verdict=feedback.verdict, headline="", notes=(LEFT_OUT_TEXT,))
            extra = {"verdict": extra["verdict"]}
        output = render_html(
            feedback,
            pictures=size if isinstance(size, int) else 0,
            limit=SHORT_TEXT if size == "short" else None,
        )
        return TestCase(
            score=float(score),
            max_score=float(points(self.grader.max_score, self.grader.max_score)),
            name=plain(self.grader.title, MAX_TITLE, lines=1) + self.label,
            number=plain(self.grader.number, MAX_TITLE, lines=1),
            output=output,
            visibility=self.grader.visibility,
            tags=tuple(plain(tag, MAX_TITLE, lines=1) for tag in self.grader.tags),
            extra_data=extra,
            status=self.status,
        )


def _fit(entries: Sequence[_Entry], room: int) -> tuple[TestCase, ...]:
    """The entries' test cases in `room` bytes of JSON: pictures go first, then long texts, then all texts."""
    sizes: list[int | Literal["short", "bare"]] = [0] * len(entries)
    room -= sum(entry.test_case(0)[1] for entry in entries)
    steps: tuple[Literal["short", "bare"], ...] = ("short", "bare")
    for step in steps:
        for index in sorted(range(len(entries)), key=lambda i: -entries[i].test_case(sizes[i])[1]):
            if room >= 0:
                break
            before = entries[index].test_case(sizes[index])[1]
            room += before - entries[index].test_case(step)[1]
            sizes[index] = step
    for index, entry in enumerate(entries):
        for count in range(entry.pictures if sizes[index] == 0 else 0, 0, -1):
            if sum(len(picture.png) for picture in entry.feedback.pictures[:count]) > room:
                continue
            more = entry.test_case(count)[1] - entry.test_case(0)[1]
            if more <= room:
                room -= more
                sizes[index] = count
                break
    return tuple(entry.test_case(size)[0] for entry, size in zip(entries, sizes, strict=True))


def _leaderboard(results: Iterable[GraderResult]) -> tuple[LeaderboardEntry, ...] | UnsetType:
    entries = tuple(
        LeaderboardEntry(name=plain(name, MAX_TITLE, lines=1), value=float(value))
        for result in results
        if result.visibility == "visible"
        for name, value in result.leaderboard.items()
        if math.isfinite(value)
    )
    return entries or UNSET


def _banner(
    missing: Sequence[PlannedGrader], faulty: Sequence[PlannedGrader], end: EarlyEnd | None = None
) -> list[str]:
    """What staff must know, in words that students may read: hidden graders are counted, not named."""
    lines = []
    if missing:
        why = f" Why: {end.reason}." if end is not None else ""
        lines.append(f"Grading ended before it reached {_name_all(missing)}. Run the autograder again.{why}")
    if faulty:
        lines.append(
            f"Broken, through no fault of the submission: {_name_all(faulty)}. These points are missing from the "
            "score. The autograder's own output says what broke."
        )
    return lines


def _name_all(graders: Sequence[PlannedGrader]) -> str:
    visible = [plain(grader.number, 40, lines=1) for grader in graders if grader.visibility == "visible"]
    named = ", ".join(visible[:20])
    others = len(graders) - len(visible[:20])
    counted = f"{others} {'more' if visible else 'hidden'} grader{'s' if others > 1 else ''}" if others else ""
    plural = "graders" if len(visible) > 1 else "grader"
    return " and ".join(text for text in (f"{plural} {named}" if named else "", counted) if text)


# --- HTML -----------------------------------------------------------------------------------------------------------

_STYLE = {
    "box": "margin:.2em 0;padding:.1em 0 .1em .8em;line-height:1.45;max-width:52em;overflow-wrap:anywhere",
    "headline": "margin:0 0 .35em",
    "line": "margin:.15em 0;padding-left:6.3em;text-indent:-6.3em",
    "block_label": "margin:.3em 0 0",
    "label": "display:inline-block;width:6em;text-indent:0;font-weight:600;color:#555",
    "code": "text-indent:0;color:inherit;background:#f2f3f5;padding:0 .25em;border-radius:3px;overflow-wrap:anywhere",
    "pre": "margin:.2em 0 .4em;padding:.5em .7em;background:#f2f3f5;border-radius:4px;font-size:.9em;"
    "white-space:pre-wrap;overflow-wrap:anywhere",
    "note": "margin:.35em 0 .1em",
    "figure": "display:inline-block;vertical-align:top;margin:.6em 1em .2em 0;max-width:100%",
    "picture": "display:block;max-width:100%;height:auto;border:1px solid #ddd",
    "caption": "font-size:.9em;color:#555",
}
_COLOURS = {"passed": "#2e8540", "failed": "#c5392c", "faulty": "#b07d00"}


def render_html(feedback: Feedback, *, pictures: int = MAX_PICTURES, limit: int | None = None) -> str:
    """The feedback as HTML without scripts or outside references; every text of it is cleaned and escaped.

    Feedback that says nothing gives no HTML.

    Args:
        feedback: what to show. Its `staff` lines are not shown.
        pictures: how many of its pictures to show; a line counts the others.
        limit: characters of each text where it must be short; notes are then left out.
    """

    def bounded(text: str) -> str:
        return plain(text) if limit is None else plain(text, limit, lines=3)

    lines = [
        ("Expected", bounded(feedback.expected)),
        ("Actual", bounded(feedback.actual)),
        ("Where", bounded(feedback.where)),
        ("Help", bounded(feedback.help)),
    ]
    notes = [plain(note) for note in feedback.notes[:MAX_NOTES]] if limit is None else [LEFT_OUT_TEXT]
    shown = feedback.pictures[: min(pictures, MAX_PICTURES)]
    context: dict[str, Any] = {
        "headline": bounded(feedback.headline),
        "lines": [(label, text) for label, text in lines if text],
        "notes": [note for note in notes if note],
        "pictures": [(plain(picture.title, MAX_TITLE, lines=1), _base64(picture)) for picture in shown],
        "left_out": _pictures_left_out(len(feedback.pictures) - len(shown)),
    }
    if not any(context.values()):
        return ""
    return _template("feedback.html.j2")(colour=_COLOURS[feedback.verdict], **context)


def _render_report(notes: Sequence[str], banner: Sequence[str]) -> str:
    return _template("report.html.j2")(
        colour=_COLOURS["faulty"], notes=[plain(note) for note in notes[:MAX_NOTES]], banner=banner
    )


def _pictures_left_out(count: int) -> str:
    if count == 0:
        return ""
    what = "1 picture was" if count == 1 else f"{count} pictures were"
    return f"{what} left out to keep the report small."


def _base64(picture: Picture) -> str:
    return base64.b64encode(picture.png).decode("ascii")


@cache
def _template(name: str) -> Callable[..., str]:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates_html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(pieces=code_pieces, place=place_pieces)
    environment.globals["style"] = _STYLE
    return environment.get_template(name).render


# --- extra_data -----------------------------------------------------------------------------------------------------


def _bounded(extra: Mapping[str, JSON]) -> dict[str, Any]:
    """The data with nothing in it that JSON lacks, in `MAX_EXTRA_BYTES`: the largest values go first."""
    data = {plain(str(key), MAX_TITLE): _json(value) for key, value in extra.items()}
    sizes = {key: len(msgspec.json.encode(value)) for key, value in data.items()}
    total = sum(sizes.values())
    for key in sorted(sizes, key=lambda key: -sizes[key]):
        if total <= MAX_EXTRA_BYTES:
            break
        data[key] = f"left out: {sizes[key]:,} bytes"
        total -= sizes[key]
    return data


def _json(value: JSON, depth: int = 0) -> Any:
    """The value in JSON's own types: NaN and infinities become text, and so does what nests too deep."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)[:MAX_TITLE]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, str):
        return plain(value)
    if depth < 8 and isinstance(value, Mapping):
        return {plain(str(key), MAX_TITLE): _json(item, depth + 1) for key, item in value.items()}
    if depth < 8 and isinstance(value, Sequence):
        return [_json(item, depth + 1) for item in value]
    return plain(repr(value), MAX_TITLE)
