"""What is written about a class when all of it is graded: gradebooks, what changed, alike code, the report.

All of it is made from the files in results/ and from the submissions, one handin after the other, so that no more
than one of them is held in memory. Where nothing of that has changed since it was made, nothing is made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import msgspec

from autograder.errors import UserError
from autograder.gradescope import Results, read_results
from autograder.homework import Homework
from autograder.regrade.books import Books
from autograder.regrade.gradebook import (
    FOR_CANVAS,
    FOR_GRADESCOPE,
    GRADES,
    Comparison,
    EarlierGrade,
    compare,
    grade_of,
    write_gradebooks,
)
from autograder.regrade.handins import Handin, Intake
from autograder.regrade.keys import ALIKE_CODE, DOCUMENTS_CODE, code_digest, digest
from autograder.regrade.similarity import Likeness, find_alike, template_code
from autograder.regrade.store import Store
from autograder.submission import FoundFile, find_submission

REPORT = "report"


@dataclass(frozen=True)
class Graded:
    """A handin and what came of it.

    Attributes:
        results: just as they stand in results/<id>.json; None where the handin has a problem.
        sources: the files that were graded.
    """

    handin: Handin
    results: Results | None
    sources: tuple[FoundFile, ...] = ()


@dataclass(frozen=True)
class Documents:
    """What was written.

    Attributes:
        index: the report's first page; None where there is no report.
        compared: an earlier gradebook beside this one, where one was given.
    """

    gradebooks: tuple[Path, ...]
    index: Path | None
    compared: Comparison | None


def write_documents(
    homework: Homework,
    books: Books,
    intake: Intake,
    store: Store,
    out: Path,
    *,
    earlier: Sequence[EarlierGrade] | None = None,
    report: bool = True,
) -> Documents:
    """Write what is to be read of a class into `out`, or leave it where it stands.

    Args:
        homework: whose class this is.
        books: of a run that is over.
        intake: the class.
        store: where what was made from what is noted.
        out: the folder that `results` lies in.
        earlier: an earlier gradebook to compare with.
        report: whether to write the report.

    Raises:
        UserError: where something cannot be written.
    """
    graded = GradedClass(intake.handins, books)
    index = out / REPORT / "index.html" if report else None
    paths = tuple(out / name for name in (GRADES, FOR_GRADESCOPE, FOR_CANVAS))
    handins = [replace(handin, place=None) for handin in intake.handins]
    code = code_digest(DOCUMENTS_CODE)
    state = digest([code, books.manifest, books.state(), handins, intake.notes, books.flaky, earlier, report])
    needed = [*paths, *([index] if index is not None else [])]
    kept = store.made("documents", state)
    if kept is not None and all(path.is_file() for path in needed):
        return Documents(paths, index, msgspec.msgpack.decode(kept, type=Comparison | None))
    grades = [grade_of(one.handin, one.results) for one in graded]
    compared = compare(grades, earlier) if earlier is not None else None
    try:
        write_gradebooks(out, books.manifest, grades)
        if index is not None:
            from autograder.report.site import write_report

            alike = _alike(homework, graded, books, store)
            write_report(
                index.parent,
                books.manifest,
                graded,
                intake_notes=(*intake.notes, *alike.notes),
                alike=alike.pairs,
                flaky=books.flaky,
                compared=compared,
            )
    except OSError as error:
        raise UserError(
            f"cannot write this: {error.strerror or error}",
            where=error.filename or str(out),
            remedy="Make room on the disk, let this folder be written, and run the same command again.",
        ) from error
    store.note_made("documents", state, msgspec.msgpack.encode(compared))
    return Documents(paths, index, compared)


def _alike(homework: Homework, graded: GradedClass, books: Books, store: Store) -> Likeness:
    """Whose code is alike; what was found before for the same submissions, where it was."""
    templates = template_code(homework)
    state = digest([code_digest(ALIKE_CODE), sorted(templates.items()), sorted(books.submissions.items())])
    if (kept := store.made("alike", state)) is not None:
        return msgspec.msgpack.decode(kept, type=Likeness)
    found = find_alike(((one.handin, one.sources) for one in graded), templates)
    store.note_made("alike", state, msgspec.msgpack.encode(found))
    return found


class GradedClass(Sequence[Graded]):
    """A class and what came of it, read from the disk each time that it is asked for."""

    def __init__(self, handins: Sequence[Handin], books: Books) -> None:
        self._handins = handins
        self._books = books
        self._problems = {handin.id for handin in books.problems}

    def __len__(self) -> int:
        return len(self._handins)

    @overload
    def __getitem__(self, index: int) -> Graded: ...
    @overload
    def __getitem__(self, index: slice) -> GradedClass: ...
    def __getitem__(self, index: int | slice) -> Graded | GradedClass:
        if isinstance(index, slice):
            return GradedClass(self._handins[index], self._books)
        return _OnDisk(self._handins[index], self)

    def __iter__(self) -> Iterator[Graded]:
        return (_OnDisk(handin, self) for handin in self._handins)

    def results(self, handin: Handin) -> Results | None:
        """What stands in a handin's file."""
        return None if handin.id in self._problems else read_results(self._books.results_path(handin))

    def sources(self, handin: Handin) -> tuple[FoundFile, ...]:
        """The files of a handin that were graded."""
        if handin.place is None or handin.id in self._problems:
            return ()
        found = find_submission(handin.place, [file.wanted for file in self._books.manifest.files])
        modules = (file for file in found.modules.values() if isinstance(file, FoundFile))
        return (*modules, *found.extras.values())


class _OnDisk(Graded):
    """A handin of whose results and files nothing is read before somebody asks for it."""

    def __init__(self, handin: Handin, of: GradedClass) -> None:
        object.__setattr__(self, "handin", handin)
        object.__setattr__(self, "_of", of)

    @property
    def results(self) -> Results | None:
        of: GradedClass = self.__dict__["_of"]
        return of.results(self.handin)

    @property
    def sources(self) -> tuple[FoundFile, ...]:
        of: GradedClass = self.__dict__["_of"]
        return of.sources(self.handin)
