"""Run graders on one submission in a forked child, one after the other, and reply with what each observed."""

from __future__ import annotations

import builtins
import contextlib
import linecache
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Any, NoReturn

from autograder.datasets import DATA_VARIABLE
from autograder.loading import MissingName, StudentModule, install, register_source
from autograder.observation import Failure, FailureKind, Frame, Header, clean, encode_frame
from autograder.observe import Observer
from autograder.randomness import Inputs, seed_generators
from autograder.sandbox.cpu_fallback import asks_for_gpu, redirect_to_cpu
from autograder.sandbox.headless import do_without_screen_and_keyboard
from autograder.sandbox.imprint import Imprint
from autograder.sandbox.isolation import JOB_FD, OUTPUT_FD, REPLY_FD, allow_cpu, isolate
from autograder.sandbox.offline_datasets import serve_datasets
from autograder.sandbox.protocol import (
    FONT_LIST_VARIABLE,
    ChildLimits,
    Job,
    Source,
    Spawn,
    Standing,
    may_preload,
    unpack,
)
from autograder.sandbox.replies import END_OF_OUTPUT, READY, framed
from autograder.sandbox.workers import do_without_workers
from autograder.slicing import Chunk

HARNESS_FAULT = 70  # EX_SOFTWARE of sysexits.h
GRADER = "grader"  # its module's name
MAX_FRAMES = 12
MAX_MESSAGE = 2000

Run = Callable[[], Header]


def run_child(
    spawn: Spawn, standing: Standing, user: int, *, zygote: int, job: int, reply: int, output: int
) -> NoReturn:
    """The whole life of a child, from the fork to `os._exit`."""
    try:
        work = furnish(Path(spawn.scratch))
        isolate(spawn, standing, user, zygote=zygote, job=job, reply=reply, output=output)
        os.chdir(work)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a child that is killed flushes nothing
        with open(JOB_FD, "rb") as descriptor:
            jobs = unpack(descriptor.read())
        do_jobs(jobs, spawn.limits, work)
        os._exit(0)
    except BaseException:
        with contextlib.suppress(BaseException):
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(HARNESS_FAULT)


def do_jobs(jobs: Sequence[Job], limits: ChildLimits, work: Path) -> None:
    """Do jobs and reply to each, until one ends with an exception or leaves a trace; the others stay undone.

    Raises:
        Exception: whatever is wrong with a grader, its arguments or this package.
    """
    observers = [Observer() for _ in jobs]
    doing = 0
    adapt(jobs[0], lambda text: observers[doing].note(text))
    imprint = Imprint(work, {*jobs[0].submission, *jobs[0].given, GRADER}) if len(jobs) > 1 else None
    run = prepare(jobs[0], observers[0])
    _write_all(REPLY_FD, READY)
    while True:
        header = run()
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        if imprint is not None:
            with contextlib.suppress(OSError):  # the student has closed it
                _write_all(OUTPUT_FD, END_OF_OUTPUT)
        _write_all(REPLY_FD, framed(encode_frame(header, observers[doing].arrays)))
        if doing + 1 == len(jobs) or header.failure is not None or imprint is None or not imprint.holds():
            return
        doing += 1
        allow_cpu(limits.cpu_seconds)
        run = prepare(jobs[doing], observers[doing])


def prepare(job: Job, observer: Observer) -> Run:
    """Make all ready for a job with nothing of the student's; what it returns runs it.

    Raises:
        Exception: whatever is wrong with the grader, its arguments or this package.
    """
    os.environ[DATA_VARIABLE] = job.data
    sys.argv = [f"{next(iter(job.submission), 'homework')}.py"]  # a parse_args() finds no argument of ours
    seed_generators(job.student_seed)
    grader = _load_grader(job)
    modules = load_modules(job.submission, job.given, job.required)
    fixtures: dict[str, Any] = {**modules, "rng": Inputs(job.seed), "observe": observer}
    arguments = [fixtures[name] for name in job.arguments]

    def run() -> Header:
        trace = Trace(job)
        started = time.process_time()
        with trace if job.trace else contextlib.nullcontext():
            failure = _call(grader, arguments, job, observer)
        return Header(
            job=job.id,
            entries=tuple(observer.entries),
            failure=failure,
            asked={name: StudentModule.asked(module) for name, module in modules.items()},
            called={filename: tuple(sorted(lines)) for filename, lines in trace.called.items() if lines},
            imported=tuple(sorted(filter(may_preload, trace.imported))),
            torch=str(getattr(sys.modules.get("torch"), "__version__", "")),
            notes=tuple(observer.notes),
            seconds=time.process_time() - started,
        )

    return run


def furnish(scratch: Path) -> Path:
    """The empty folder that a child works in; beside it stands matplotlib's, with the list of fonts.

    matplotlib wants a folder that it can write to, and takes seconds to build that list anew.
    """
    work, own = scratch / "work", scratch / "matplotlib"
    work.mkdir(mode=0o700)
    own.mkdir(mode=0o700)
    for font_list in Path(os.environ.get(FONT_LIST_VARIABLE, "")).glob("fontlist-*.json"):
        (own / font_list.name).symlink_to(font_list)
    os.environ.update({"HOME": str(work), "TMPDIR": str(work), FONT_LIST_VARIABLE: str(own)})
    tempfile.tempdir = None  # an import of the zygote's has asked for it already
    return work


class Trace:
    """Notes, for recording, which functions of the submission are called and which modules are imported.

    Attributes:
        called: by file, the first lines of the functions that this thread called.
        imported: names in import statements that were executed, whether they were loaded before or not.
    """

    def __init__(self, job: Job) -> None:
        self.called: dict[str, set[int]] = {
            source.filename: set() for sources in job.submission.values() for source in sources
        }
        self.imported: set[str] = set()
        self._import = builtins.__import__

    def __enter__(self) -> None:
        builtins.__import__ = self._note_import
        sys.setprofile(self._note_call)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        builtins.__import__ = self._import

    def _note_call(self, frame: FrameType, event: str, _: object) -> None:
        lines = self.called.get(frame.f_code.co_filename) if event == "call" else None
        if lines is not None:
            lines.add(frame.f_code.co_firstlineno)

    def _note_import(self, name: str, *args: Any, **kwargs: Any) -> ModuleType:
        module = self._import(name, *args, **kwargs)
        members = (args[2] if len(args) > 2 else kwargs.get("fromlist")) or ()
        names = (name, *(f"{name}.{member}" for member in members))
        self.imported.update(each for each in names if each in sys.modules)
        return module


def adapt(job: Job, note: Callable[[str], None]) -> None:
    """Make torch and Python answer as they do where there is no GPU, no screen, no second process and no network."""
    import torch

    torch.set_num_threads(1)
    texts = [source.text for sources in job.submission.values() for source in sources]
    do_without_screen_and_keyboard(texts)
    do_without_workers(texts, note)
    serve_datasets(texts)
    if asks_for_gpu(texts):
        redirect_to_cpu(note)


def _call(grader: Callable[..., object], arguments: Sequence[object], job: Job, observer: Observer) -> Failure | None:
    try:
        grader(*arguments)
    except BaseException as error:
        return describe(error, job, observer.point)
    return None


def load_modules(
    submission: Mapping[str, Sequence[Source]], given: Mapping[str, Sequence[Source]], required: Sequence[str] = ()
) -> dict[str, StudentModule]:
    """The student's modules and the given ones, importable by name; nothing of them runs yet."""
    modules = {
        name: StudentModule(name, [Chunk(source.filename, source.text) for source in sources], required=required)
        for name, sources in {**submission, **given}.items()
    }
    install(modules)
    return modules


def _load_grader(job: Job) -> Callable[..., object]:
    register_source(job.grader.filename, job.grader.text)
    module = ModuleType(GRADER)
    sys.modules[GRADER] = module  # dataclasses look themselves up there
    exec(compile(job.grader.text, job.grader.filename, "exec"), module.__dict__)
    function: Callable[..., object] = getattr(module, job.function)
    return function


def describe(error: BaseException, job: Job, point: str = "") -> Failure:
    """An exception as data, with the lines of the student's files that it passed through.

    point: what was asked when it was raised, in words.
    """
    student_files = {source.filename for sources in job.submission.values() for source in sources}
    frames: list[Frame] = []
    grader_line = ""
    for filename, line, function, code in _walk(error.__traceback__):
        if filename in student_files:
            frames.append(Frame(file=filename, line=line, function=function, code=code[:300]))
        elif filename == job.grader.filename:
            grader_line = code[:300]
    missing = error if isinstance(error, MissingName) else error.__cause__
    broken = missing.broken if isinstance(missing, MissingName) else None
    return Failure(
        kind="syntax" if broken is not None else _kind(error, frames),
        type=type(error).__name__[:100],
        message=(_text(error) if broken is None else str(broken))[:MAX_MESSAGE],
        frames=tuple(frames[-MAX_FRAMES:]),
        grader_line=grader_line,
        point=point,
    )


def _kind(error: BaseException, frames: list[Frame]) -> FailureKind:
    if isinstance(error, MissingName) or isinstance(error.__cause__, MissingName):
        return "missing"
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        return "exit"
    if isinstance(error, ModuleNotFoundError):
        return "import"
    if frames and all(frame.function == "<module>" for frame in frames):
        return "loading"
    return "raised"


def _text(error: BaseException) -> str:
    try:
        return clean(str(error))
    except BaseException:
        return "(the exception's own text cannot be shown)"


def _walk(trace: TracebackType | None) -> list[tuple[str, int, str, str]]:
    lines = []
    while trace is not None:
        code = trace.tb_frame.f_code
        line = trace.tb_lineno
        lines.append((code.co_filename, line, code.co_name, linecache.getline(code.co_filename, line).strip()))
        trace = trace.tb_next
    return lines


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
