"""Build what leaves the project: the Gradescope zip, and the kit that students check themselves with.

Both hold the harness and recorded expectations; neither holds the reference, a variant's
patches or the graders' files. The student kit has the visible graders alone. A zip is
reproducible byte for byte, also from another recording of the same homework: sorted names, fixed
times, fixed permissions, and no measured time in the manifest.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from autograder.errors import UserError
from autograder.homework import Homework
from autograder.manifest import DATA, MANIFEST, OBSERVATIONS, Manifest, read_manifest, select

EXPECTATIONS = "expectations"
PACKAGE = Path(__file__).resolve().parent
LONG_AGO = (1980, 1, 1, 0, 0, 0)
EXECUTABLE = ("setup.sh", "run_autograder")
#: Packages that whole classes are graded with; neither Gradescope nor a student needs them.
FOR_CLASSES = frozenset({"answers", "regrade", "report"})
KIT_README = """# {title}

Write your code into {files}, then check it with the graders that you may see:

```
pip install -r requirements.txt
python -m autograder check
```

They are the real ones, and worth {points:g} of {whole:g} points; hidden graders have the rest. What you
hand in is graded with other inputs than these. Nothing here is a solution: `expectations/` holds what
right code shows for the inputs here, and is of no use for others.
"""


def build_gradescope_zip(homework: Homework, target: Path) -> list[str]:
    """Write the zip that an instructor uploads to Gradescope; returns the names in it."""
    manifest = read_manifest(homework.expectations)
    files = dict(_package_files())
    for name in EXECUTABLE:
        files[name] = _read(homework.project / name)
    files["requirements.txt"] = requirements(homework.project).encode()
    files["LICENSE"] = _read(homework.project / "LICENSE")
    files.update(_expectation_files(homework.expectations, manifest))
    return _write_zip(target, files)


def build_student_kit(homework: Homework, target: Path) -> list[str]:
    """Write the zip for students: templates, harness, and the visible graders with inputs for practice."""
    manifest = read_manifest(homework.practice)
    shown = msgspec.structs.replace(manifest, points=sum(grader.weight for grader in manifest.graders))
    files = dict(_package_files())
    files["README.md"] = _kit_readme(shown, manifest.points).encode()
    files["requirements.txt"] = requirements(homework.project).encode()
    files["LICENSE"] = _read(homework.project / "LICENSE")
    files.update(_expectation_files(homework.practice, shown))
    for path in sorted(homework.template.rglob("*")):
        if path.is_file():
            files[path.relative_to(homework.template).as_posix()] = path.read_bytes()
    return _write_zip(target, files)


def _kit_readme(shown: Manifest, whole: float) -> str:
    files = " and ".join(f"`{file.path}`" for file in shown.files)
    return KIT_README.format(title=shown.title, files=files, points=shown.points, whole=whole)


def requirements(project: Path) -> str:
    """requirements.txt, from pyproject.toml's dependencies."""
    from autograder.homework import read_toml

    table = read_toml(project / "pyproject.toml", dict)
    return "".join(f"{line}\n" for line in table["project"]["dependencies"])


def _package_files() -> Iterator[tuple[str, bytes]]:
    for path in sorted(PACKAGE.rglob("*")):
        relative = path.relative_to(PACKAGE)
        if path.is_file() and "__pycache__" not in relative.parts and relative.parts[0] not in FOR_CLASSES:
            yield f"autograder/{relative.as_posix()}", path.read_bytes()


def _expectation_files(folder: Path, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    timeless = [msgspec.structs.replace(grader, reference_seconds=0.0) for grader in manifest.graders]
    yield f"{EXPECTATIONS}/{MANIFEST}", msgspec.json.encode(select(manifest, timeless))
    for grader in manifest.graders:
        name = f"{OBSERVATIONS}/{grader.id}.obs"
        yield f"{EXPECTATIONS}/{name}", _read(folder / name)
    for path in sorted((folder / DATA).iterdir()):
        yield f"{EXPECTATIONS}/{DATA}/{path.name}", path.read_bytes()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read this file: {error}", where=str(path)) from error


def _write_zip(target: Path, files: dict[str, bytes]) -> list[str]:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    with zipfile.ZipFile(partial, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=LONG_AGO)
            mode = 0o755 if name in EXECUTABLE else 0o644
            entry.external_attr = (stat.S_IFREG | mode) << 16
            entry.create_system = 3  # Unix, so that the permissions count, wherever it is built
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    partial.replace(target)
    return sorted(files)
