"""What decides a verdict, as digests: where all of them are the same, a grader need not run again.

Theory of operation. A verdict follows from a submission, a grader, and where it is run.
- `submission_digest`: the text of every file that a student's code can reach (what was found for each
  module, and the scripts beside), under the names that messages show; and why a file is missing. Where the
  submission lay, and what it was called, does not count: twins share their verdicts.
- `grader_keys`: the grader's slice, function, arguments, seed, limits, whether it is hidden and what it says
  then; the bytes of its expectations; the variants that concern its number; the given files, the data sets,
  the students' seed; the numerics where torch is another than was recorded with; the environment.
- `Environment`: Python, torch, NumPy, the kind of machine, the level of isolation, and `harness_digest`.

What only shows or weighs a verdict is not in a key: points, title, number, visibility and tags. Scores are
made from the stored share of points. `RESULTS_CODE` is the code that puts results.json together.
"""

from __future__ import annotations

import functools
import hashlib
import platform
import runpy
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from autograder.errors import UserError
from autograder.grading import Place, submission_sources
from autograder.manifest import OBSERVATIONS, Grader, Manifest
from autograder.observation import clean
from autograder.submission import Problem, Submission

PACKAGE = Path(__file__).resolve().parents[1]
DIGEST_BYTES = 16

#: Fields of a grader that only show or weigh its verdict, or say how its recording went.
NOT_DECIDING = frozenset({"id", "number", "title", "weight", "visibility", "tags", "reference_seconds", "bands"})

#: Code that runs no grader and judges nothing: commands, recording, documents, what shows results.
#: All other modules of this package decide verdicts.
NOT_HARNESS = frozenset(
    {
        "__main__.py",
        "answers",
        "bundle.py",
        "cli.py",
        "doctor.py",
        "gradescope.py",
        "gradescope_run.py",
        "impact.py",
        "marks.py",
        "practice.py",
        "pytest_plugin.py",
        "questions.py",
        "recording.py",
        "regrade",
        "report",
        "showing.py",
        "templates.py",
        "terminal.py",
        "validation.py",
    }
)
#: What makes gradebooks and the report of results; what finds alike submissions; what gives submissions their digests,
#: beside the harness; and what makes a results.json of verdicts.
DOCUMENTS_CODE = ("feedback.py", "regrade/documents.py", "regrade/gradebook.py", "regrade/similarity.py", "report")
ALIKE_CODE = ("notebooks.py", "regrade/similarity.py", "slicing.py", "submission.py")
READING_CODE = ("gradescope_run.py", "regrade/keys.py", "regrade/looks.py")
RESULTS_CODE = ("feedback.py", "gradescope.py", "pictures.py", "templates_html")


class Environment(msgspec.Struct, frozen=True):
    """Where graders are run, as far as it can change a verdict.

    Attributes:
        level: of isolation, as sandbox/ladder.py defines it.
        harness: digest of this package's code that decides verdicts.
    """

    python: str
    torch: str
    numpy: str
    machine: str
    level: int
    harness: str

    def differences(self, other: Environment) -> list[str]:
        """What is not the same there, in words."""
        return [
            f"{name}: {getattr(self, name)} here, {getattr(other, name)} there"
            for name in self.__struct_fields__
            if getattr(self, name) != getattr(other, name)
        ]


def this_environment(level: int) -> Environment:
    """The environment of this Python, whose sandboxes reach `level`.

    Raises:
        UserError: where torch is not installed.
    """
    return Environment(
        python=platform.python_version(),
        torch=torch_version(),
        numpy=np.__version__,
        machine=f"{sys.platform} {platform.machine()}",
        level=level,
        harness=harness_digest(),
    )


@functools.cache
def torch_version() -> str:
    """The version that torch says it has, without importing it, which takes seconds."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        raise UserError(
            "torch is not installed", where=sys.executable, remedy="Install the requirements (make install)."
        )
    return str(runpy.run_path(str(Path(spec.origin).with_name("version.py")))["__version__"])


@functools.cache
def harness_digest() -> str:
    """A digest of this package's code that decides verdicts."""
    return _code(path for path in sorted(PACKAGE.rglob("*.py")) if _top(path) not in NOT_HARNESS).hex()


@functools.cache
def code_digest(names: tuple[str, ...]) -> bytes:
    """A digest of files and folders of this package, such as `RESULTS_CODE`."""
    places = [PACKAGE / name for name in names]
    files = [path for place in places for path in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    return _code(path for path in files if path.is_file() and path.suffix != ".pyc")


def submission_digest(submission: Submission) -> bytes:
    """A digest of all that a grader can tell of a submission."""
    sources = list(submission_sources(submission).items())
    problems = [
        (module, clean(found.message)) for module, found in submission.modules.items() if isinstance(found, Problem)
    ]
    return digest([sources, problems])


def grader_keys(manifest: Manifest, where: Place, environment: Environment) -> dict[str, bytes]:
    """By grader, a digest of all but the submission that decides its verdict."""
    same_torch = manifest.versions.torch == environment.torch
    common = digest(
        [
            sorted(manifest.given.items()),
            [file.names for file in manifest.files],  # what is suggested in place of a missing name
            manifest.student_seed,
            [] if same_torch else [manifest.versions.torch, sorted(manifest.numerics.items())],
            files_digest(where.data),
            environment,
        ]
    )
    return {grader.id: _grader_key(manifest, where, grader, common) for grader in manifest.graders}


def files_digest(folder: Path) -> bytes:
    """A digest of the files of a folder: their paths within it and their bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return digest([(path.relative_to(folder).as_posix(), _bytes_digest(path)) for path in files])


def digest(value: Any) -> bytes:
    """A digest of anything that msgspec encodes."""
    return hashlib.blake2b(msgspec.msgpack.encode(value), digest_size=DIGEST_BYTES).digest()


def _grader_key(manifest: Manifest, where: Place, grader: Grader, common: bytes) -> bytes:
    deciding = [(name, getattr(grader, name)) for name in grader.__struct_fields__ if name not in NOT_DECIDING]
    variants = [
        (variant.name, variant.kind, variant.says, variant.credit)
        for variant in manifest.variants
        if variant.kind == "reference" or variant.concerns(grader.number)
    ]
    expectations = _bytes_digest(where.expectations / OBSERVATIONS / f"{grader.id}.obs")
    return digest([common, deciding, variants, expectations])


def _bytes_digest(path: Path) -> bytes:
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=DIGEST_BYTES).digest()
    except OSError:
        return b""  # grading tells what is wrong with it


def _code(files: Iterable[Path]) -> bytes:
    return digest([(path.relative_to(PACKAGE).as_posix(), path.read_bytes()) for path in files])


def _top(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]
