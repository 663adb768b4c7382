"""What leaves the project: every file that is in it, nothing that must not be, and the same bytes every time.

The lists of files are in golden/. After a change that is meant, run this with UPDATE_GOLDEN=1 and look at the diff.
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tiny_homework import ROOT, TinyHomework

from autograder.bundle import EXECUTABLE, LONG_AGO, build_gradescope_zip, build_student_kit, requirements
from autograder.errors import UserError
from autograder.homework import Homework, load_homework
from autograder.manifest import Manifest, read_expectations, read_manifest, select
from autograder.practice import record_practice
from autograder.recording import record
from autograder.sandbox.runner import Sandbox
from autograder.templates import find_leaks, solution_lines
from autograder.variants import load_variants

GOLDEN = Path(__file__).parent / "golden"
Builder = Callable[[Homework, Path], list[str]]
BUILDERS: dict[str, Builder] = {"gradescope": build_gradescope_zip, "student_kit": build_student_kit}


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def manifest_in(files: dict[str, bytes]) -> Manifest:
    return msgspec.json.decode(files["expectations/manifest.json"], type=Manifest)


def observations_in(files: dict[str, bytes]) -> set[str]:
    prefix = "expectations/observations/"
    return {name.removeprefix(prefix).removesuffix(".obs") for name in files if name.startswith(prefix)}


@pytest.fixture(params=BUILDERS)
def builder(request: pytest.FixtureRequest) -> Builder:
    return BUILDERS[request.param]


def shipped_from(homework: Homework, builder: Builder) -> Path:
    """The expectations that go into a zip."""
    return homework.practice if builder is build_student_kit else homework.expectations


# --- the tiny homework ----------------------------------------------------------------------------------------------


def test_a_zip_is_the_same_byte_for_byte(recorded_tiny: TinyHomework, tmp_path: Path, builder: Builder) -> None:
    homework = recorded_tiny.load()
    first = builder(homework, tmp_path / "first.zip")
    for path in shipped_from(homework, builder).rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (recorded_tiny.project / "LICENSE").chmod(0o600)
    umask = os.umask(0o077)
    try:
        again = builder(homework, tmp_path / "deep" / "down" / "again.zip")
    finally:
        os.umask(umask)
    assert first == again == sorted(first)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "deep" / "down" / "again.zip").read_bytes()


@pytest.mark.usefixtures("lent_sandbox")
def test_and_from_another_recording(recorded_tiny: TinyHomework, tmp_path: Path, builder: Builder) -> None:
    homework = recorded_tiny.load()
    builder(homework, tmp_path / "first.zip")
    data = tmp_path / "data"
    (shipped_from(homework, builder) / "data").rename(data)
    record(homework, data=data, practice=builder is build_student_kit)
    builder(homework, tmp_path / "again.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()


def test_permissions_and_times_are_fixed(recorded_tiny: TinyHomework, tmp_path: Path, builder: Builder) -> None:
    names = builder(recorded_tiny.load(), tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == names
    for entry in entries:
        mode = entry.external_attr >> 16
        assert entry.date_time == LONG_AGO
        assert entry.create_system == 3
        assert stat.S_ISREG(mode)
        assert stat.S_IMODE(mode) == (0o755 if entry.filename in EXECUTABLE else 0o644)


def test_gradescopes_two_files_can_be_executed(recorded_tiny: TinyHomework, tmp_path: Path) -> None:
    names = build_gradescope_zip(recorded_tiny.load(), tmp_path / "x.zip")
    assert {"setup.sh", "run_autograder"} <= set(names)
    assert contents(tmp_path / "x.zip")["setup.sh"] == (ROOT / "setup.sh").read_bytes()


def test_the_kit_has_visible_graders_alone(recorded_tiny: TinyHomework, tmp_path: Path) -> None:
    homework = recorded_tiny.load()
    manifest = read_manifest(homework.expectations)
    build_student_kit(homework, tmp_path / "x.zip")
    files = contents(tmp_path / "x.zip")
    kit = manifest_in(files)
    visible = {grader.id for grader in manifest.graders if not grader.hidden}
    assert {grader.id for grader in kit.graders} == observations_in(files) == visible
    assert [grader.number for grader in kit.graders] == ["1.a", "1.b", "1.c"]
    assert kit.points == 8
    assert not {"setup.sh", "run_autograder"} & set(files)
    everything = b"".join(files.values())
    for grader in manifest.graders:
        assert str(grader.seed).encode() not in everything
    assert b".hidden" not in files["expectations/manifest.json"]


def test_the_kit_holds_no_answer_to_what_is_graded(recorded_tiny: TinyHomework) -> None:
    """The same grader, with other inputs, expects other values; a misconception is still told by name."""
    homework = recorded_tiny.load()
    graded, practised = (
        read_expectations(folder, read_manifest(folder).graders[0])
        for folder in (homework.expectations, homework.practice)
    )
    assert graded.observations.keys() == practised.observations.keys()
    for variant in graded.observations:
        for entry in graded.observations[variant].entries:
            ours, theirs = (seen.observations[variant].value(entry) for seen in (graded, practised))
            assert not np.allclose(ours, theirs)


def test_practice_is_recorded_again_only_where_something_changed(
    recorded_tiny: TinyHomework, lent_sandbox: Sandbox
) -> None:
    def recorded_at() -> int:
        return (recorded_tiny.load().practice / "manifest.json").stat().st_ino

    before = recorded_at()
    record_practice(recorded_tiny.load())
    assert recorded_at() == before
    recorded_tiny.change(recorded_tiny.graders, "BATCH = 5", "BATCH = 6")
    record_practice(recorded_tiny.load())
    after = recorded_at()
    assert after != before
    digits = next((recorded_tiny.load().practice / "data").iterdir())
    digits.write_bytes(digits.read_bytes() + b"x")
    record_practice(recorded_tiny.load())
    assert recorded_at() != after


def test_the_kit_has_the_templates(recorded_tiny: TinyHomework, tmp_path: Path) -> None:
    homework = recorded_tiny.load()
    (homework.template / "figures").mkdir()
    (homework.template / "figures" / "look.txt").write_text("like this")
    build_student_kit(homework, tmp_path / "x.zip")
    files = contents(tmp_path / "x.zip")
    assert files["tiny_energy.py"] == (homework.template / "tiny_energy.py").read_bytes()
    assert files["figures/look.txt"] == b"like this"


def test_requirements_are_the_projects(recorded_tiny: TinyHomework) -> None:
    lines = requirements(recorded_tiny.project).splitlines()
    assert any(line.startswith("torch>=") for line in lines)
    assert not any(line.startswith(("pytest-xdist", "hypothesis")) for line in lines)


def test_what_is_no_part_of_the_package_stays(recorded_tiny: TinyHomework, tmp_path: Path, builder: Builder) -> None:
    names = builder(recorded_tiny.load(), tmp_path / "x.zip")
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc") or name.startswith(("/", "."))]
    assert {"autograder/cli.py", "autograder/py.typed", "autograder/schema/results.schema.json"} <= set(names)


@pytest.mark.parametrize("missing", ["LICENSE", "pyproject.toml", "manifest.json"])
def test_a_file_that_is_missing_is_a_user_error(
    recorded_tiny: TinyHomework, tmp_path: Path, builder: Builder, missing: str
) -> None:
    beside = shipped_from(recorded_tiny.load(), builder) if missing == "manifest.json" else recorded_tiny.project
    (beside / missing).unlink()
    with pytest.raises(UserError) as caught:
        builder(recorded_tiny.load(), tmp_path / "x.zip")
    assert caught.value.where == str(beside / missing)
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.parametrize("missing", ["setup.sh", "run_autograder"])
def test_gradescopes_files_must_be_there(recorded_tiny: TinyHomework, tmp_path: Path, missing: str) -> None:
    (recorded_tiny.project / missing).unlink()
    with pytest.raises(UserError, match="cannot read this file"):
        build_gradescope_zip(recorded_tiny.load(), tmp_path / "x.zip")


def test_an_observation_that_is_missing_is_a_user_error(
    recorded_tiny: TinyHomework, tmp_path: Path, builder: Builder
) -> None:
    homework = recorded_tiny.load()
    (shipped_from(homework, builder) / "observations" / "test_tiny.test_noise.obs").unlink()
    with pytest.raises(UserError, match="cannot read this file"):
        builder(homework, tmp_path / "x.zip")


def test_an_old_zip_stays_until_the_new_one_is_whole(
    recorded_tiny: TinyHomework, tmp_path: Path, builder: Builder
) -> None:
    target = tmp_path / "x.zip"
    builder(recorded_tiny.load(), target)
    before = target.read_bytes()
    (recorded_tiny.project / "LICENSE").unlink()
    with pytest.raises(UserError):
        builder(recorded_tiny.load(), target)
    assert target.read_bytes() == before


# --- cs446_hw3 ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cs446(tmp_path_factory: pytest.TempPathFactory, recorded: Path) -> Homework:
    """The homework in a project whose expectations are the recorded ones.

    So is its practice, without the hidden graders: to record it takes another minute, and what differs is numbers.
    """
    project = tmp_path_factory.mktemp("cs446")
    for name in ("reference", "student_template", "tests", "pyproject.toml", "LICENSE", *EXECUTABLE):
        (project / name).symlink_to(ROOT / name)
    homework = load_homework("cs446_hw3", project)
    homework.expectations.parent.mkdir(parents=True)
    homework.expectations.symlink_to(recorded)
    homework.practice.mkdir()
    manifest = read_manifest(recorded)
    visible = select(manifest, (grader for grader in manifest.graders if not grader.hidden))
    (homework.practice / "manifest.json").write_bytes(msgspec.json.encode(visible))
    (homework.practice / "observations").symlink_to(recorded / "observations")
    (homework.practice / "data").symlink_to(recorded / "data")
    return homework


@pytest.fixture(scope="module", params=BUILDERS)
def built(
    request: pytest.FixtureRequest, cs446: Homework, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    path = tmp_path_factory.mktemp("built") / "x.zip"
    BUILDERS[request.param](cs446, path)
    return request.param, path


def test_the_list_of_files_is_the_golden_one(built: tuple[str, Path]) -> None:
    name, path = built
    files = contents(path)
    listed = "".join(f"{file}\n" for file in files if not file.startswith("expectations/observations/"))
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(listed)
    assert listed.splitlines() == golden.read_text().splitlines()


def test_the_observations_are_the_graders(built: tuple[str, Path], cs446: Homework) -> None:
    name, path = built
    files = contents(path)
    recorded = {grader.id: grader for grader in read_manifest(cs446.expectations).graders}
    shipped = {grader.id for grader in manifest_in(files).graders}
    assert observations_in(files) == shipped
    assert shipped == {id for id, grader in recorded.items() if name == "gradescope" or not grader.hidden}


def readable(path: Path) -> Iterator[tuple[str, str]]:
    """The files of a zip that hold text."""
    for name, content in contents(path).items():
        if not name.endswith((".gz", ".obs")):
            yield name, content.decode()


def test_no_line_of_a_solution_is_in_it(built: tuple[str, Path], cs446: Homework) -> None:
    _, path = built
    lines = {line for text in cs446.reference_texts().values() for line in solution_lines(text)}
    assert len(lines) > 50
    leaks = {name: found for name, text in readable(path) if (found := find_leaks(text, lines))}
    assert leaks == {}


def test_neither_is_a_reference_file_or_a_patch(built: tuple[str, Path], cs446: Homework) -> None:
    _, path = built
    files = dict(readable(path))
    assert not [name for name in files if name.startswith(("reference/", "tests/")) or name.endswith(".toml")]
    for text in cs446.reference_texts().values():
        if "### BEGIN SOLUTION" in text:
            assert text not in files.values()
    reference, *variants = (texts for _, texts in load_variants(cs446))
    before = {line.strip() for text in reference.values() for line in text.splitlines()}
    patched = {line.strip() for texts in variants for text in texts.values() for line in text.splitlines()} - before
    telling = {line for line in patched if len(line) > 30}
    assert len(telling) > 10
    found = [(name, line) for name, text in files.items() for line in telling if line in text]
    assert found == []


def test_the_kit_has_no_hidden_grader(cs446: Homework, tmp_path: Path) -> None:
    build_student_kit(cs446, tmp_path / "x.zip")
    files = contents(tmp_path / "x.zip")
    hidden = [grader for grader in read_manifest(cs446.expectations).graders if grader.hidden]
    assert len(hidden) > 10
    text = files["expectations/manifest.json"].decode()
    seeds = [str(grader.seed) for grader in hidden] + [str(cs446.declaration.seeds.hidden)]
    assert not [seed for seed in seeds if seed in text]
    assert not [grader.id for grader in hidden if f'"{grader.id}"' in text]
    assert not {grader.id for grader in hidden} & observations_in(files)
