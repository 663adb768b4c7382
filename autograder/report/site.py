"""Write the report: what a page is made of decides whether it is made again.

    index.html                what needs attention, scores, questions, misconceptions, odd graders, all submissions
    parts.html                points per part of the handout, where there are many parts
    graders/<number>.html     a grader: verdicts, misconceptions, who
    submissions/<key>.html    a submission: verdicts, pictures, source
    pairs/<key>-<key>.html    two submissions whose code is alike, side by side
    pictures/<key>-<n>.png    what a submission drew
    report.css, report.js     one stylesheet, one script
    pseudonyms.key            keeps the pseudonyms the same in the next run; for its owner alone

Each page tells in its head, as a digest, what it was made of: results, source, names, templates. A page that tells the
right digest is not made again, so a run that changes one submission rewrites what shows it and no more. Files are
replaced atomically, and a page comes after its pictures, so a run that is killed leaves no wrong page behind that the
next one would keep. Of earlier runs' pages, those that this run does not have are removed; files that are not named as
pages are left alone.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from autograder.gradescope import replace_file
from autograder.manifest import Manifest
from autograder.regrade.keys import digest as digest_of
from autograder.report.names import Names
from autograder.report.pages import Class, Pages, grader_page, pair_page
from autograder.report.tally import tally, tally_one

if TYPE_CHECKING:
    from autograder.regrade.gradebook import Comparison
    from autograder.regrade.run import FlakyVerdict, Graded
    from autograder.regrade.similarity import AlikePair

KEY = "pseudonyms.key"
HEAD_BYTES = 1_000  # of a page, in which its digest stands
STATIC = ("report.css", "report.js")

_HERE = Path(__file__).parent
_OURS = {
    "graders": re.compile(r"[\w.-]+\.html"),
    "submissions": re.compile(r"[0-9a-f]{12}\.html"),
    "pairs": re.compile(r"[0-9a-f]{12}-[0-9a-f]{12}-\d+\.html"),
    "pictures": re.compile(r"[0-9a-f]{12}-\d+\.png"),
}


def write_report(
    folder: Path,
    manifest: Manifest,
    graded: Sequence[Graded],
    *,
    intake_notes: Sequence[str] = (),
    alike: Sequence[AlikePair] = (),
    flaky: Sequence[FlakyVerdict] = (),
    compared: Comparison | None = None,
    names: Literal["shown", "hidden"] = "shown",
) -> None:
    """Write the report on a class into `folder`, or bring the one that is there up to date.

    Args:
        folder: the report's own; it is made if need be.
        manifest: what was graded with.
        graded: all handins. They are taken one after the other, first for their handins, then for all else, and none
            is kept: a sequence that reads results when asked for them is fine.
        intake_notes: what is strange with the class as a whole.
        alike: pairs of handins whose code is alike.
        flaky: verdicts that changed when a handin was graded again.
        compared: an earlier gradebook beside this one.
        names: what a page shows until its switch is used.

    Raises:
        OSError: where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writer = _Writer(folder)
    handins = [one.handin for one in graded]
    known = Names(handins, _key(folder / KEY))
    of_class = Class(
        manifest=manifest,
        names=known,
        names_hidden=names == "hidden",
        alike=tuple(alike),
        flaky=tuple(flaky),
        compared=compared,
        intake_notes=tuple(intake_notes),
        order=tuple(sorted((handin.id for handin in handins), key=lambda id: _sort_key(known, id, names == "hidden"))),
    )
    pages = Pages(of_class)
    basis = digest_of([pages.digest, known.digest, names, msgspec.json.encode(manifest)])
    for name in STATIC:
        writer.write(name, (_HERE / name).read_bytes())

    wanted = {id for pair in alike for id in (pair.first, pair.second)}
    students, sources, digests = [], {}, []
    for one in graded:
        student = tally_one(one.handin, one.results)
        students.append(student)
        key = known[one.handin.id].key
        if one.handin.id in wanted:
            sources[one.handin.id] = one.sources
        handin = replace(one.handin, place=None)
        digest = digest_of([basis, handin, one.results, one.sources, pages.related(handin.id)]).hex()
        digests.append(digest)
        writer.keep_pictures(key, one.results.tests if one.results else ())
        name = f"submissions/{key}.html"
        if not writer.is_there(name, digest):
            html, pictures = pages.submission(student, one.results, one.sources, digest)
            for picture, png in pictures.items():
                writer.write(picture, b64decode(png))
            writer.write(name, html.encode("utf-8"))

    students.sort(key=lambda student: of_class.position[student.handin.id])
    numbers = tally(students, manifest)
    pages.count(numbers)
    for grader in numbers.graders:
        changed = [one for one in flaky if one.grader == grader.id]
        digest = digest_of([basis, of_class.order, list(grader.marks.items()), changed]).hex()
        writer.page(grader_page(grader), digest, partial(pages.grader, grader))
    for number, pair in enumerate(alike):
        if pair.first in sources and pair.second in sources:
            files = sources[pair.first], sources[pair.second]
            digest = digest_of([basis, number, pair, files]).hex()
            writer.page(
                pair_page(pair, number, known),
                digest,
                partial(pages.pair, pair, files),
            )
    digest = digest_of([basis, digests, intake_notes, alike, flaky, compared]).hex()
    if pages.has_parts:
        writer.page("parts.html", digest, pages.parts)
    writer.page("index.html", digest, pages.index)
    writer.remove_stale()


class _Writer:
    """Writes what is new, and remembers what this run has."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._has: set[str] = set()

    def is_there(self, name: str, digest: str) -> bool:
        """Whether the page was made of this; it counts as one of this run."""
        self._has.add(name)
        try:
            with open(self._folder / name, "rb") as file:
                return f'<meta name="digest" content="{digest}">'.encode() in file.read(HEAD_BYTES)
        except OSError:
            return False

    def page(self, name: str, digest: str, render: Callable[[str], str]) -> None:
        if not self.is_there(name, digest):
            self.write(name, render(digest).encode("utf-8"))

    def write(self, name: str, content: bytes) -> None:
        self._has.add(name)
        path = self._folder / name
        try:
            if path.stat().st_size == len(content) and path.read_bytes() == content:
                return
        except OSError:
            pass
        replace_file(path, content, durable=False)

    def keep_pictures(self, key: str, tests: Iterable[Any]) -> None:
        count = sum(test.output.count("data:image/png;base64,") for test in tests)
        self._has.update(f"pictures/{key}-{number}.png" for number in range(count))

    def remove_stale(self) -> None:
        for place, ours in _OURS.items():
            for path in (self._folder / place).glob("*"):
                if ours.fullmatch(path.name) and f"{place}/{path.name}" not in self._has:
                    path.unlink(missing_ok=True)
        if "parts.html" not in self._has:
            (self._folder / "parts.html").unlink(missing_ok=True)


def _sort_key(names: Names, id: str, hidden: bool) -> tuple[str, str]:
    known = names[id]
    return (known.alias if hidden else known.label.casefold()), id


def _key(path: Path) -> bytes:
    """What the pseudonyms are keyed with; made in the first run."""
    try:
        known = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError):
        known = b""
    if len(known) < 16:
        known = secrets.token_bytes(16)
        replace_file(path, known.hex().encode() + b"\n", mode=0o600)
    return known
