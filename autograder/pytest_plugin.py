"""Make a pytest test a grader: collect its declaration, or run it in process with --live.

A grader is a test below tests/graders/<homework>/. Recording collects graders with this plugin
and takes their source; students' code is never run by pytest. For authors,
`pytest --live tests/graders/<homework>` runs the graders in this process on the reference, or
on another submission, with a debugger at hand.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import os
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from autograder.datasets import DATA_VARIABLE, write_digits
from autograder.errors import UserError
from autograder.feedback import Visibility
from autograder.homework import DECLARATION, Homework, load_homework

GRADERS = "graders"


@dataclass(frozen=True)
class Declared:
    """A grader as its author declared it, before its source is sliced.

    Attributes:
        twin: the points of its hidden twin, or 0.
        seconds: from `@pytest.mark.timeout`, or None for the homework's default.
    """

    path: Path
    function: str
    arguments: tuple[str, ...]
    title: str
    number: str
    weight: float
    visibility: str
    tags: tuple[str, ...]
    hide_errors: str
    twin: float
    seconds: float | None


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("autograder")
    group.addoption(
        "--live", action="store_true", help="run graders in this process, on the reference, for their authors"
    )
    group.addoption(
        "--submission", type=Path, default=None, help="with --live: the folder to run the graders on (the reference)"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--live"):
        return
    skip = pytest.mark.skip(reason="a grader: use `autograder grade`, or --live to run it here on the reference")
    for item in items:
        if homework_of(item.path) is not None:
            item.add_marker(skip)


def homework_of(path: Path) -> Homework | None:
    """The homework that a file below tests/graders/<homework>/ belongs to."""
    if path.parent.parent.name != GRADERS or len(path.parents) < 4:
        return None
    project = path.parents[3]
    if not (project / "reference" / path.parent.name / DECLARATION).is_file():
        return None
    return load_homework(path.parent.name, project)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a grader's module arguments, which are no fixtures, their values."""
    homework = homework_of(Path(str(metafunc.definition.path)))
    if homework is None:
        return
    known = homework.declaration.modules
    for name in metafunc.fixturenames:
        if name in known:
            metafunc.parametrize(name, [pytest.param(name, id=name)], indirect=False)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Any:
    """The grader's source of inputs, seeded as its visible half is."""
    from autograder.randomness import Inputs, derive_seed

    homework = _homework_of_request(request)
    return Inputs(derive_seed(homework.declaration.seeds.visible, request.function.__name__))


@pytest.fixture
def observe() -> Any:
    """An observer; with --live what it saw is for the debugger."""
    from autograder.observe import Observer

    return Observer()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, None, None]:
    """With --live: put the modules themselves in place of their names, and run in an empty folder."""
    homework = homework_of(pyfuncitem.path)
    if homework is None:
        yield
        return
    modules = _live_modules(homework, pyfuncitem.config.getoption("--submission"))
    pyfuncitem.funcargs.update({name: modules[name] for name in pyfuncitem.funcargs if name in modules})
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA_VARIABLE, str(_digits(pyfuncitem.config)))
        os.chdir(scratch)
        try:
            yield
        finally:
            os.chdir(before)


_DIGITS = pytest.StashKey[Path]()


def _digits(config: pytest.Config) -> Path:
    """The folder of digits that graders are served with --live, made when the first of them runs."""
    if _DIGITS not in config.stash:
        folder = tempfile.TemporaryDirectory()
        config.add_cleanup(folder.cleanup)
        write_digits(Path(folder.name))
        config.stash[_DIGITS] = Path(folder.name)
    return config.stash[_DIGITS]


def _live_modules(homework: Homework, submission: Path | None) -> dict[str, Any]:
    from autograder.grading import submission_sources
    from autograder.sandbox.child import load_modules
    from autograder.sandbox.protocol import Source
    from autograder.submission import Problem, find_submission

    found = find_submission(submission or homework.reference, [file.wanted for file in homework.declaration.files])
    for module in found.modules.values():
        if isinstance(module, Problem):
            raise UserError(module.message)
    given = {
        name: tuple(Source(filename, text) for filename, text in sources)
        for name, sources in homework.given_sources().items()
    }
    return dict(load_modules(submission_sources(found), given))


def _homework_of_request(request: pytest.FixtureRequest) -> Homework:
    homework = homework_of(request.path)
    if homework is None:
        raise UserError(
            "this test is no grader", where=str(request.path), remedy="Graders are in tests/graders/HOMEWORK/."
        )
    return homework


class _Collector:
    """Collects declarations while pytest collects tests."""

    def __init__(self) -> None:
        self.functions: list[tuple[Path, Callable[..., object]]] = []
        self.timeouts: dict[Callable[..., object], object] = {}
        self.errors: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(str(report.longrepr))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if not isinstance(item, pytest.Function):
                continue
            self.functions.append((item.path, item.function))
            mark = item.get_closest_marker("timeout")
            if mark is not None:
                self.timeouts[item.function] = mark.args[0] if mark.args else mark.kwargs.get("timeout")


def collect_graders(homework: Homework) -> list[Declared]:
    """Every grader of a homework, in the order of its files.

    Raises:
        UserError: where a file cannot be collected, or a grader lacks a number, a weight or a title.
    """
    if not homework.graders.is_dir():
        raise UserError("this homework has no graders", where=str(homework.graders), remedy="Write test_*.py there.")
    collector = _Collector()
    # No test runs, so nothing can be unraisable; that plugin collects garbage five times in the whole process.
    without = "-p no:cacheprovider -p no:terminal -p no:unraisableexception"
    options = f"--collect-only {without} -p autograder.pytest_plugin -c /dev/null"
    # Without an end to the way up, pytest searches every folder above the project and runs each conftest.py there.
    folders = ["--rootdir", str(homework.project), "--confcutdir", str(homework.project), str(homework.graders)]
    with _imports_forgotten(homework.graders):
        status = pytest.main([*options.split(), *folders], plugins=[collector])
    if collector.errors:
        raise UserError(
            f"a grader file cannot be collected:\n{collector.errors[0][-3000:]}", where=str(homework.graders)
        )
    declared = list(_declarations(homework, collector))
    if status != pytest.ExitCode.OK or not declared:
        what = f"pytest collected {len(declared)} graders and ended with {status!r}"
        raise UserError(what, where=str(homework.graders))
    return declared


@contextlib.contextmanager
def _imports_forgotten(folder: Path) -> Iterator[None]:
    """Leave `sys.path` as it was and no module of `folder` behind: other homeworks have files of the same names."""
    path, before = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).resolve().is_relative_to(folder.resolve()):
                del sys.modules[name]


def _declarations(homework: Homework, collector: _Collector) -> Iterator[Declared]:
    known = {*homework.declaration.modules, "rng", "observe"}
    for path, function in collector.functions:
        where = f"{path}: {function.__name__}"
        number = getattr(function, "__number__", None)
        weight = getattr(function, "__weight__", None)
        title = _first_paragraph(inspect.getdoc(function) or "")
        if number is None or weight is None or not title:
            raise UserError(
                "a grader needs @number, @weight and a docstring, which is the title that students see", where=where
            )
        arguments = tuple(inspect.signature(function).parameters)
        unknown = [argument for argument in arguments if argument not in known]
        if unknown:
            raise UserError(
                f"argument {unknown[0]!r} is none of {', '.join(sorted(known))}",
                where=where,
                remedy="Name the module in homework.toml, or drop the argument.",
            )
        if not isinstance(weight, (int, float)) or not 0 <= weight < math.inf:
            raise UserError(f"@weight({weight!r}) is no number of points", where=where)
        seconds = collector.timeouts.get(function)
        if function in collector.timeouts and (not isinstance(seconds, (int, float)) or not seconds > 0):
            raise UserError(f"@pytest.mark.timeout({seconds!r}) is no number of seconds", where=where)
        twin = float(getattr(function, "__twin__", 0.0))
        visibility = getattr(function, "__visibility__", "visible")
        if visibility not in get_args(Visibility):
            known_words = ", ".join(get_args(Visibility))
            raise UserError(f"@visibility({visibility!r}) is none of {known_words}", where=where)
        if twin and visibility != "visible":
            raise UserError("only a visible grader can have a hidden twin", where=where)
        yield Declared(
            path=path,
            function=function.__name__,
            arguments=arguments,
            title=title,
            number=str(number),
            weight=float(weight),
            visibility=visibility,
            tags=tuple(getattr(function, "__tags__", ())),
            hide_errors=getattr(function, "__hide_errors__", "") or "",
            twin=twin,
            seconds=float(seconds) if isinstance(seconds, (int, float)) else None,
        )


def _first_paragraph(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())
