"""The plugin from outside: what pytest does with graders, and what is collected of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tiny_homework import NAME, TinyHomework, write_tiny_homework

from autograder.errors import UserError
from autograder.pytest_plugin import Declared, collect_graders, homework_of

pytest_plugins = ("pytester",)


@pytest.fixture
def project(pytester: pytest.Pytester) -> TinyHomework:
    """The tiny homework in pytester's folder."""
    (pytester.path / "pytest.ini").write_text("[pytest]\naddopts = -p autograder.pytest_plugin --strict-markers\n")
    return write_tiny_homework(pytester.path)


# --- pytest, as an author runs it -----------------------------------------------------------------------------------


def test_graders_are_skipped_with_a_reason(project: TinyHomework, pytester: pytest.Pytester) -> None:
    (pytester.path / "tests" / "test_other.py").write_text("def test_other(): pass\n")
    result = pytester.runpytest_subprocess("-rs")
    result.assert_outcomes(skipped=3, passed=1)
    result.stdout.fnmatch_lines(
        ["SKIPPED*a grader: use `autograder grade`, or --live to run it here on the reference*"]
    )


def test_live_runs_them_on_the_reference(project: TinyHomework, pytester: pytest.Pytester) -> None:
    project.graders.write_text(
        project.graders.read_text()
        + '''

@number("1.d")
@weight(1)
def test_place(tiny_energy, tiny_utils, rng, observe):
    """What a grader sees."""
    import os
    assert os.listdir() == [], "an empty folder"
    assert os.listdir(os.environ["AUTOGRADER_DATA"])
    assert tiny_utils.WIDTH == 3
    observe(a=tiny_energy.energy(rng.normal(2, 3)))
    assert observe.entries[0].array
'''
    )
    before = Path.cwd()
    pytester.runpytest_subprocess("--live").assert_outcomes(passed=4)
    assert Path.cwd() == before


def test_live_runs_them_on_another_submission(project: TinyHomework, pytester: pytest.Pytester) -> None:
    other = pytester.mkdir("other")
    (other / "tiny_energy.py").write_text("def energy(x):\n    raise ValueError('not mine')\n\nnoise = None\n")
    result = pytester.runpytest_subprocess("--live", "--submission", "other", "-k", "test_energy")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ValueError: not mine"])


def test_live_on_a_submission_without_the_file(project: TinyHomework, pytester: pytest.Pytester) -> None:
    pytester.mkdir("empty")
    result = pytester.runpytest_subprocess("--live", "--submission", "empty", "-k", "test_noise")
    result.assert_outcomes(failed=1)
    assert "tiny_energy.py" in result.stdout.str()
    assert "INTERNALERROR" not in result.stdout.str()


def test_other_tests_cannot_use_a_graders_inputs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(rng): pass")
    result = pytester.runpytest_subprocess("-p", "autograder.pytest_plugin")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*this test is no grader*Graders are in tests/graders/HOMEWORK/*"])


# --- what is a grader -----------------------------------------------------------------------------------------------


def test_the_homework_of_a_file(tiny: TinyHomework, tmp_path: Path) -> None:
    homework = homework_of(tiny.graders)
    assert homework is not None
    assert homework.name == NAME
    assert homework_of(tiny.project / "tests" / "test_other.py") is None
    assert homework_of(tiny.project / "tests" / "graders" / "unknown" / "test_x.py") is None
    assert homework_of(Path("/graders/x/test.py")) is None
    assert homework_of(Path("test.py")) is None


def test_what_is_collected(tiny: TinyHomework) -> None:
    energy, noise, spread = collect_graders(tiny.load())
    assert energy == Declared(
        path=tiny.graders,
        function="test_energy",
        arguments=("tiny_energy", "tiny_utils", "rng", "observe"),
        title="energy is half the mean square.",
        number="1.a",
        weight=3.0,
        visibility="visible",
        tags=("energy",),
        hide_errors="",
        twin=2.0,
        seconds=None,
    )
    assert (noise.seconds, noise.twin, noise.tags) == (4.0, 0.0, ())
    assert spread.number == "1.c"


def test_every_mark_is_collected(tiny: TinyHomework) -> None:
    tiny.graders.write_text(
        '''
import pytest
from gradescope_utils.autograder_utils.decorators import hide_errors, number, tags, visibility, weight

@number(7)
@weight(0)
@visibility("hidden")
@hide_errors("Not shown.")
@tags("a", "b")
@pytest.mark.timeout(timeout=1.5)
def test_it(tiny_energy):
    """
    A title
    over two lines.

    And what authors read.
    """
'''
    )
    (declared,) = collect_graders(tiny.load())
    assert declared.title == "A title over two lines."
    assert (declared.number, declared.weight, declared.visibility) == ("7", 0.0, "hidden")
    assert (declared.hide_errors, declared.tags, declared.seconds) == ("Not shown.", ("a", "b"), 1.5)


def test_files_are_collected_in_order(tiny: TinyHomework) -> None:
    text = tiny.graders.read_text()
    tiny.graders.with_name("test_another.py").write_text(text)
    tiny.graders.with_name("helper.py").write_text("def test_nothing(): pass\n")
    declared = collect_graders(tiny.load())
    assert [grader.path.name for grader in declared] == ["test_another.py"] * 3 + ["test_tiny.py"] * 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("BATCH = 5", "BATCH = (", "a grader file cannot be collected:"),
        ("BATCH = 5", "import no_such_package", "No module named 'no_such_package'"),
        ("BATCH = 5", "BATCH = 1 / 0", "ZeroDivisionError"),
        ('@number("1.b")\n', "", "a grader needs @number, @weight and a docstring"),
        ("@weight(2)\n", "", "a grader needs @number, @weight and a docstring"),
        ('    """noise has the right distribution."""\n', "", "a grader needs @number, @weight and a docstring"),
        ("@weight(2)\n", '@weight("two")\n', r"@weight\('two'\) is no number of points"),
        ("@weight(2)\n", "@weight(-2)\n", r"@weight\(-2\) is no number of points"),
        ("@weight(2)\n", '@weight(float("nan"))\n', r"@weight\(nan\) is no number of points"),
        ("test_spread(tiny_energy, observe)", "test_spread(tiny_enregy, observe)", "argument 'tiny_enregy' is none of"),
        ("test_spread(tiny_energy, observe)", "test_spread(tmp_path, observe)", "argument 'tmp_path' is none of"),
        ('@visibility("visible")', '@visibility("never")', r"@visibility\('never'\) is none of visible, hidden"),
        ('@visibility("visible")', '@visibility("hidden")', "only a visible grader can have a hidden twin"),
        ("@pytest.mark.timeout(4)\n", "@pytest.mark.timeout('soon')\n", "is no number of seconds"),
        ("@pytest.mark.timeout(4)\n", "@pytest.mark.timeout(method='thread')\n", "is no number of seconds"),
    ],
)
def test_what_is_wrong_with_a_grader_is_a_user_error(tiny: TinyHomework, old: str, new: str, message: str) -> None:
    tiny.change(tiny.graders, old, new)
    with pytest.raises(UserError, match=message) as caught:
        collect_graders(tiny.load())
    assert str(tiny.graders.parent) in caught.value.where


def test_a_grader_that_is_no_function_of_its_file_is_a_user_error(tiny: TinyHomework, lent_sandbox: object) -> None:
    from autograder.recording import declared_graders

    text = tiny.graders.read_text().replace("@number", "    @number").replace("@weight", "    @weight")
    before, marker, spread = text.partition('    @number("1.c")')
    spread = (marker + spread).replace("def test_spread(tiny", "    def test_spread(self, tiny")
    tiny.graders.write_text(before.replace("    @", "@") + "class TestIt:\n" + spread.replace("\n    ", "\n        "))
    with pytest.raises(UserError):
        declared_graders(tiny.load())


def test_without_a_folder_or_without_graders(tiny: TinyHomework) -> None:
    tiny.graders.unlink()
    with pytest.raises(UserError, match="pytest collected 0 graders"):
        collect_graders(tiny.load())
    tiny.graders.parent.rmdir()
    with pytest.raises(UserError, match="this homework has no graders") as caught:
        collect_graders(tiny.load())
    assert caught.value.remedy == "Write test_*.py there."


def test_a_homework_can_be_collected_twice_and_after_a_change(tiny: TinyHomework) -> None:
    assert len(collect_graders(tiny.load())) == 3
    tiny.change(tiny.graders, "energy is half", "energy is twice")
    assert collect_graders(tiny.load())[0].title == "energy is twice the mean square."


def test_two_homeworks_may_have_files_of_one_name(tmp_path: Path) -> None:
    first, second = (write_tiny_homework(tmp_path / name) for name in ("first", "second"))
    path, modules = list(sys.path), set(sys.modules)
    assert collect_graders(first.load())[0].path == first.graders
    assert collect_graders(second.load())[0].path == second.graders
    assert sys.path == path
    assert "test_tiny" not in set(sys.modules) - modules


def test_folders_above_the_project_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No conftest.py there is run, and what lies beside the project is not searched: that can take seconds."""
    tiny = write_tiny_homework(tmp_path / "project")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('this belongs to another project')\n")
    (tiny.project / "conftest.py").write_text("import sys\nsys.modules['of_this_project'] = sys\n")
    tiny.change(tiny.graders, "BATCH = 5", "import of_this_project\n\nBATCH = 5")
    searched: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path=".": [searched.append(os.fspath(path)), scandir(path)][1])
    try:
        assert len(collect_graders(tiny.load())) == 3
    finally:
        sys.modules.pop("of_this_project", None)
    assert str(tiny.graders.parent) in searched
    assert not {str(tmp_path), *map(str, tmp_path.parents)} & set(searched)


def test_collecting_leaves_the_folder_and_the_environment_alone(tiny: TinyHomework) -> None:
    before = Path.cwd()
    collect_graders(tiny.load())
    assert Path.cwd() == before
    assert not (tiny.project / ".pytest_cache").exists()
    assert "PYTEST_CURRENT_TEST" in os.environ  # our own run goes on
