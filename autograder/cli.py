"""The commands, nothing else."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from autograder import __version__
from autograder.errors import UserError
from autograder.homework import Homework, find_project, homework_names, load_homework

FAILED, MISUSED, INTERRUPTED = 1, 2, 130


def _reports_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Print a UserError as what, where and what to do; exit with 2."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            console = Console(stderr=True, soft_wrap=True, highlight=False)
            console.print("Error:", style="bold red", end=" ")
            console.print(error.what, markup=False)
            if error.where:
                console.print(f"  where: {error.where}", markup=False)
            if error.remedy:
                console.print(f"  what to do: {error.remedy}", markup=False)
            sys.exit(MISUSED)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="autograder")
def main() -> None:
    """Grade PyTorch homework by observing what a submission does."""


_homework = click.argument("homework")
_jobs = click.option("-j", "--jobs", type=click.IntRange(1), help="Children at a time. [default: the number of cores]")
_existing = click.Path(exists=True, path_type=Path)
_folder = click.Path(exists=True, file_okay=False, path_type=Path)


@main.command()
@_homework
@click.option("--data", type=_folder, help="Real MNIST files to serve while grading. [default: scikit-learn's digits]")
@click.option("--allow-unsafe", is_flag=True, help="Record even where nothing isolates the code (see doctor).")
@_jobs
@_reports_errors
def record(homework: str, data: Path | None, allow_unsafe: bool, jobs: int | None) -> None:
    """Record what reference, readings and misconceptions show to every grader of HOMEWORK."""
    from autograder.recording import record as record_homework

    loaded = load_homework(homework)
    started = time.monotonic()
    with _progress() as progress:
        recording = record_homework(
            loaded, data=data, allow_unsafe=allow_unsafe, jobs=jobs, progress=_advance(progress)
        )
    manifest = recording.manifest
    kinds = [variant.kind for variant in recording.variants]
    click.echo(
        f"{len(manifest.graders)} graders, {kinds.count('reading')} readings and {kinds.count('misconception')} "
        f"misconceptions recorded in {time.monotonic() - started:.0f} s: {_shown(loaded.expectations)}"
    )


@main.command()
@_homework
@click.argument("submission", type=_existing)
@click.option("--data", type=_folder, help="MNIST files to serve. [default: those that were recorded with]")
@click.option("--results", type=click.Path(dir_okay=False, path_type=Path), help="Write a results.json here.")
@click.option("--student", is_flag=True, help="Show what the student sees: nothing of hidden graders.")
@_jobs
@_reports_errors
def grade(
    homework: str, submission: Path, data: Path | None, results: Path | None, student: bool, jobs: int | None
) -> None:
    """Grade SUBMISSION, a folder, a zip or a file, with the recorded graders of HOMEWORK."""
    loaded = load_homework(homework)
    if not student:
        _warn(_unrecorded(loaded))
    complete = _grade(loaded.expectations, submission, data=data, results=results, staff=not student, jobs=jobs)
    sys.exit(0 if complete else FAILED)


@main.command()
@click.argument("submission", type=_existing, default=Path())
@_jobs
@_reports_errors
def check(submission: Path, jobs: int | None) -> None:
    """For students, in the kit: grade SUBMISSION, this folder by default, with the visible graders."""
    from autograder.bundle import EXPECTATIONS, PACKAGE

    expectations = PACKAGE.parent / EXPECTATIONS
    if not expectations.is_dir():
        raise UserError(
            "this is no student kit",
            where=str(expectations),
            remedy="In the project itself, use `autograder grade HOMEWORK SUBMISSION`.",
        )
    complete = _grade(expectations, submission, data=None, results=None, staff=False, jobs=jobs)
    sys.exit(0 if complete else FAILED)


def _grade(
    expectations: Path, submission: Path, *, data: Path | None, results: Path | None, staff: bool, jobs: int | None
) -> bool:
    """Grade and print; whether every grader came to a verdict on the submission."""
    _not_on_windows()
    from autograder.budget import Budget
    from autograder.datasets import check_data_folder
    from autograder.doctor import warning
    from autograder.gradescope import EarlyEnd, ResultsFile
    from autograder.gradescope_run import run_data, submission_notes
    from autograder.grading import Place, planned
    from autograder.grading import grade as grade_submission
    from autograder.manifest import read_manifest
    from autograder.sandbox.runner import Sandbox
    from autograder.submission import find_submission
    from autograder.terminal import render_terminal

    started = time.monotonic()
    manifest = read_manifest(expectations)
    if data is not None:
        check_data_folder(data)
    with Sandbox() as sandbox:
        found = find_submission(submission, [wanted.wanted for wanted in manifest.files])
        if staff:
            _warn(warning(sandbox.level))
        notes = submission_notes(found)
        file = ResultsFile(results, planned(manifest)) if results is not None else None
        if file is not None:
            for note in notes:
                file.say(note)
            file.start()
        budget, done = Budget(manifest.limits.submission), {}
        with _progress() as progress:
            task = progress.add_task("grading", total=len(manifest.graders))
            for result in grade_submission(manifest, Place.of(expectations, data), found, sandbox, jobs, budget):
                done[result.id] = result
                progress.advance(task)
                if file is not None:
                    file.record(result)
    if file is not None:
        if budget.end is not None:
            file.end_early(budget.end)
        file.finish(seconds=time.monotonic() - started, extra=run_data(manifest, {}))
    entries = [done.get(grader.id, grader) for grader in planned(manifest)]
    render_terminal(
        entries,
        Console(),
        title=manifest.title,
        parts=manifest.parts,
        notes=notes,
        end=budget.end or EarlyEnd(),
        staff=staff,
    )
    if results is not None:
        click.echo(f"\nresults.json: {_shown(results)}")
    return len(done) == len(entries) and all(result.feedback.verdict != "faulty" for result in done.values())


@main.command()
@_homework
@click.argument("submissions", type=_existing)
@click.option(
    "-o", "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder of all results."
)
@click.option("--workers", type=click.IntRange(1), help="Submissions at a time. [default: the number of cores]")
@click.option("--executor", type=click.Choice(["local", "dask"]), default="local", show_default=True)
@click.option("--scheduler", metavar="ADDRESS", help="Of the Dask cluster, such as tcp://host:8786.")
@click.option("--attempts", type=click.Choice(["latest", "all"]), default="latest", show_default=True)
@click.option("--compare", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Earlier grades, a CSV.")
@click.option("--repeat", type=click.IntRange(1), default=1, help="Grade so often, and tell verdicts that changed.")
@click.option("--fresh", is_flag=True, help="Run every grader, whatever earlier runs have kept.")
@click.option("--data", type=_folder, help="MNIST files to serve. [default: those that were recorded with]")
@click.option("--no-report", is_flag=True, help="Write no report.")
@_reports_errors
def regrade(
    homework: str,
    submissions: Path,
    out: Path,
    workers: int | None,
    executor: str,
    scheduler: str | None,
    attempts: Any,
    compare: Path | None,
    repeat: int,
    fresh: bool,
    data: Path | None,
    no_report: bool,
) -> None:
    """Grade a whole class: SUBMISSIONS is an export of Gradescope or Canvas, a folder or a zip of submissions.

    What earlier runs into the same folder have found is kept, and run again only where the submission or the grader
    has changed. A run that was stopped goes on with the same command.
    """
    _not_on_windows()
    from autograder.datasets import check_data_folder
    from autograder.grading import cores
    from autograder.regrade.console import shown, told
    from autograder.regrade.executors import dask, local
    from autograder.regrade.run import Wishes
    from autograder.regrade.run import regrade as regrade_class

    if (executor == "dask") != (scheduler is not None):
        raise UserError(
            "a Dask cluster needs both options",
            where="--executor dask --scheduler ADDRESS",
            remedy="Start one with `dask scheduler` and `dask worker`.",
        )
    if executor == "dask" and workers is not None:
        raise UserError("how many workers there are is up to the Dask cluster", where="--workers")
    loaded = load_homework(homework)
    if data is not None:
        check_data_folder(data)
    _warn(_unrecorded(loaded))
    wishes = Wishes(attempts, data, fresh, repeat, compare, report=not no_report)
    started = time.monotonic()
    try:
        crew = dask(scheduler) if scheduler is not None else local(workers or cores())
        with shown(Console(stderr=True)) as progress:
            summary = regrade_class(loaded, submissions, out, crew, wishes, progress, _warn)
    except KeyboardInterrupt:
        click.echo("\nStopped. All verdicts so far are kept: the same command goes on from here.", err=True)
        sys.exit(INTERRUPTED)
    for line in told(summary, time.monotonic() - started):
        click.echo(line)
    sys.exit(INTERRUPTED if summary.interrupted else 0 if summary.clean else FAILED)


@main.command()
@_homework
@click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("dist"), show_default=True)
@_reports_errors
def build(homework: str, out: Path) -> None:
    """Build the Gradescope zip of HOMEWORK and the kit for its students."""
    from autograder.bundle import build_gradescope_zip, build_student_kit
    from autograder.manifest import read_manifest
    from autograder.practice import record_practice
    from autograder.validation import check_recorded

    loaded = load_homework(homework)
    check_recorded(loaded, read_manifest(loaded.expectations))
    with _progress() as progress:
        record_practice(loaded, progress=_advance(progress))
    for name, what, builder in (
        (f"{homework}-gradescope.zip", "upload it to Gradescope", build_gradescope_zip),
        (f"{homework}-student-kit.zip", "hand it to students", build_student_kit),
    ):
        files = builder(loaded, out / name)
        size = (out / name).stat().st_size / 1e6
        click.echo(f"{_shown(out / name)}: {len(files)} files, {size:.1f} MB; {what}")


@main.command()
@click.argument("homeworks", nargs=-1)
@_reports_errors
def templates(homeworks: tuple[str, ...]) -> None:
    """Generate the student templates of HOMEWORKS (all of them by default) from their references."""
    from autograder.templates import write_templates

    project = find_project()
    for name in homeworks or homework_names(project):
        loaded = load_homework(name, project)
        write_templates(loaded.reference, loaded.template, sorted(loaded.reference_texts()))
        click.echo(_shown(loaded.template))


@main.command()
@_homework
@click.argument("submissions", type=_existing)
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="The page. [default: HOMEWORK-answers.html]"
)
@click.option("--anonymous", is_flag=True, help="Pseudonyms for names, the same ones in every run.")
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), help="Write here who is behind a pseudonym.")
@_reports_errors
def answers(homework: str, submissions: Path, out: Path | None, anonymous: bool, key: Path | None) -> None:
    """Collect the answers to the written questions of HOMEWORK into one page, question by question.

    SUBMISSIONS is an export of Gradescope or Canvas, or a folder or a zip that holds a folder, a zip or a notebook for
    each student.
    """
    from autograder.answers.collection import anonymise, collect_answers, key_file
    from autograder.answers.page import render_answers

    if key is not None and not anonymous:
        raise UserError("a key is for pseudonyms", where="--key", remedy="Add --anonymous.")
    loaded = load_homework(homework)
    with _progress() as progress:
        collected = collect_answers(loaded, submissions, progress=_advance(progress))
    if anonymous and collected.notes:
        click.echo(f"Notes on the class were left out, since names may stand there: {len(collected.notes)}.")
    if anonymous:
        collected, names = anonymise(collected, salt=f"{loaded.name} {loaded.declaration.seeds.hidden}")
        if key is not None:
            _write(key, key_file(names))
    for note in collected.notes:
        click.echo(note)
    page = out or Path(f"{homework}-answers.html")
    _write(page, render_answers(collected))
    click.echo(f"{_shown(page)}: {len(collected.questions)} questions, {len(collected.students)} students")


@main.command()
@_homework
@_jobs
@_reports_errors
def validate(homework: str, jobs: int | None) -> None:
    """Check HOMEWORK: what must pass passes, what must fail fails, and is named."""
    from autograder.validation import validate as validate_homework

    loaded = load_homework(homework)
    with _progress() as progress:
        checks = validate_homework(loaded, jobs=jobs, progress=_advance(progress))
    for rule in checks:
        measured = f" ({rule.measured})" if rule.measured else ""
        click.echo(f"{'ok    ' if rule.holds else 'BROKEN'} {rule.rule}{measured}")
        for fault in rule.faults:
            click.echo(f"         {fault}")
    broken = sum(not rule.holds for rule in checks)
    click.echo(f"{len(checks) - broken} of {len(checks)} rules hold")
    sys.exit(FAILED if broken else 0)


@main.command()
@click.argument("what")
@click.argument("which", required=False)
@_reports_errors
def show(what: str, which: str | None) -> None:
    """Show a homework's graders and variants, one of them in full, or a results.json.

    WHAT is a homework or a path to a results.json; WHICH a grader's number or a variant's name.
    """
    from autograder.showing import show_grader, show_homework, show_results

    console = Console()
    if what.endswith(".json"):
        show_results(Path(what), console)
    elif which is None:
        show_homework(load_homework(what), console)
    else:
        show_grader(load_homework(what), which, console)


@main.command()
@_reports_errors
def doctor() -> None:
    """Tell how far students' code is isolated on this machine, and what to do for more."""
    from autograder.doctor import SAFE, examine, report

    standing = examine()
    for line in report(standing):
        click.echo(line)
    sys.exit(0 if standing.level >= SAFE else FAILED)


@main.command(hidden=True)
@_reports_errors
def warm() -> None:
    """Import once, in a sandbox, all that graders need, so that caches on the disk are built: see setup.sh."""
    from autograder.gradescope_run import warm_up

    warm_up()


@main.command(hidden=True)
@_reports_errors
def run() -> None:
    """Grade as Gradescope asks for it: see run_autograder."""
    from autograder.gradescope_run import gradescope_root, run_on_gradescope
    from autograder.terminal import render_terminal

    manifest, results = run_on_gradescope(gradescope_root(), alone=True)
    console = Console(width=100)  # Gradescope shows it to staff alone
    render_terminal(results.results, console, title=manifest.title, parts=manifest.parts, end=results.end, staff=True)
    sys.exit(0 if results.complete else FAILED)


def _warn(danger: str) -> None:
    if danger:
        click.secho(f"Warning: {danger}", fg="yellow", err=True)


def _unrecorded(homework: Homework) -> str:
    """Who mends a grader and grades at once would grade with the old one, and not know it."""
    from autograder.manifest import MANIFEST

    recorded = homework.expectations / MANIFEST
    newer = homework.newer_than(recorded) if recorded.is_file() else []
    if not newer:
        return ""
    names = ", ".join(str(path.relative_to(homework.project)) for path in newer[:3])
    return (
        f"written since the last recording: {names}{' …' if len(newer) > 3 else ''}. What was recorded is used; "
        f"where graders or solutions have changed, run `autograder record {homework.name}` first."
    )


def _not_on_windows() -> None:
    if sys.platform == "win32":
        raise UserError(
            "graders run on Linux and macOS alone",
            where="Windows",
            remedy="Use the Windows Subsystem for Linux (wsl --install), and run the same commands in there.",
        )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def _advance(progress: Progress) -> Callable[[str, int, int], None]:
    tasks: dict[str, Any] = {}

    def advance(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = progress.add_task(stage, total=total)
        progress.update(tasks[stage], completed=done)

    return advance


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write this file: {error}", where=str(path)) from error


def _shown(path: Path) -> str:
    """A path as short as it can be told from here."""
    resolved, here = path.resolve(), Path.cwd()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(resolved)
