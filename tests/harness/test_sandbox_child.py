"""What a child makes of a job: the grader's slice, the student's modules, and an exception as data."""

from __future__ import annotations

from typing import Any

import pytest
from made_up import LIMITS, REPLY_LIMITS, a_job

from autograder.loading import MissingName
from autograder.observation import Failure, Observation
from autograder.sandbox.child import MAX_FRAMES, MAX_MESSAGE, describe
from autograder.sandbox.protocol import Job, Source
from autograder.sandbox.runner import Outcome, Sandbox


@pytest.fixture
def failure(sandbox: Sandbox) -> Any:
    """Runs a body and returns how it failed."""

    def run(body: str, student: str = "", **job: Any) -> Failure:
        outcome: Outcome = sandbox.run(a_job(body, student, **job), LIMITS, REPLY_LIMITS)
        assert outcome.observation is not None, f"{outcome.ending} {outcome.detail} {outcome.output}"
        assert outcome.observation.failure is not None
        return outcome.observation.failure

    return run


# --- kinds of failure -----------------------------------------------------------------------------------------------

STUDENT = """
import torch

def outer(x):
    return inner(x)

def inner(x):
    return x @ torch.ones(7)

def leave():
    exit()

def use_pandas():
    import pandas_of_another_world

class Net(torch.nn.Module):
    def forward(self, x):
        raise NotImplementedError("Net.forward")
"""


def test_an_exception_of_the_students_code(failure: Any) -> None:
    seen = failure("import torch\nhw.outer(torch.ones(3))", STUDENT)
    assert seen.kind == "raised"
    assert seen.type == "RuntimeError"
    assert "size" in seen.message
    assert [(frame.file, frame.line, frame.function, frame.code) for frame in seen.frames] == [
        ("hw.py", 5, "outer", "return inner(x)"),
        ("hw.py", 8, "inner", "return x @ torch.ones(7)"),
    ]
    assert seen.grader_line == "hw.outer(torch.ones(3))"


def test_an_exception_below_torchs_own_frames(failure: Any) -> None:
    seen = failure("import torch\nhw.Net()(torch.ones(1))", STUDENT)
    assert (seen.type, seen.message) == ("NotImplementedError", "Net.forward")
    assert [frame.function for frame in seen.frames] == ["forward"]


@pytest.mark.parametrize(
    ("body", "student", "kind", "type_name", "functions"),
    [
        ("hw.DNet", STUDENT, "missing", "MissingName", []),
        ("hw.DNet", "", "missing", "MissingName", []),
        ("hw.f", "def f(:\n    pass", "syntax", "MissingName", []),
        ("hw.leave()", STUDENT, "exit", "SystemExit", ["leave"]),
        ("hw.x", "x = exit()", "exit", "SystemExit", ["<module>"]),
        ("hw.use_pandas()", STUDENT, "import", "ModuleNotFoundError", ["use_pandas"]),
        ("hw.x", "import world_of_pandas\nx = world_of_pandas.x", "import", "ModuleNotFoundError", ["<module>"]),
        ("hw.x", "y = 1 / 0\nx = y", "loading", "ZeroDivisionError", ["<module>"]),
        ("hw.x", "def f():\n    return 1 / 0\nx = f()", "raised", "ZeroDivisionError", ["<module>", "f"]),
        ("hw.f().shape", "def f():\n    return None", "raised", "AttributeError", []),
        ("1 / 0", "", "raised", "ZeroDivisionError", []),
    ],
)
def test_kinds(failure: Any, body: str, student: str, kind: str, type_name: str, functions: list[str]) -> None:
    seen = failure(body, student)
    assert (seen.kind, seen.type) == (kind, type_name)
    assert list(dict.fromkeys(frame.function for frame in seen.frames)) == functions


@pytest.mark.parametrize(
    "job",
    [
        {"grader": Source("test_it.py", "def test_it(:")},
        {"grader": Source("test_it.py", "import no_such_package\ndef test_it(hw, rng, observe): pass")},
        {"grader": Source("test_it.py", "raise SystemExit")},
        {"function": "another"},
    ],
)
def test_a_grader_that_cannot_be_loaded_is_the_harnesss_fault(sandbox: Sandbox, job: dict[str, Any]) -> None:
    assert_harness_fault(sandbox, a_job("pass", **job))


def test_a_grader_that_asks_for_an_unknown_argument_is_no_students_fault(sandbox: Sandbox) -> None:
    """Recording refuses such a grader; here it stops before anything of the student runs."""
    assert_harness_fault(sandbox, a_job("pass", arguments=("hw", "rng", "unknown")))


def assert_harness_fault(sandbox: Sandbox, job: Job) -> None:
    outcome = sandbox.run(job, LIMITS, REPLY_LIMITS)
    assert (outcome.ending, outcome.detail) == ("harness", "exit status 70 before the grader was loaded")
    assert outcome.observation is None
    assert "Traceback" in outcome.output


def test_a_submission_without_the_module_at_all(failure: Any) -> None:
    assert failure("import hw", submission={}, arguments=("observe", "rng", "observe")).type == "ModuleNotFoundError"


def test_long_messages_and_deep_traces_are_cut(failure: Any) -> None:
    seen = failure("hw.f(0)", "def f(n):\n    if n == 50:\n        raise ValueError('x' * 100_000)\n    f(n + 1)")
    assert len(seen.message) == MAX_MESSAGE
    assert len(seen.frames) == MAX_FRAMES
    assert seen.frames[-1].code == "raise ValueError('x' * 100_000)"


def test_a_long_line_is_cut(failure: Any) -> None:
    seen = failure("hw.f()", f"def f(): raise ValueError('{'x' * 1000}')")
    assert len(seen.frames[0].code) == 300


def test_endless_recursion(failure: Any) -> None:
    seen = failure("hw.f()", "def f():\n    return f()")
    assert (seen.kind, seen.type) == ("raised", "RecursionError")


def test_exceptions_that_cannot_be_shown(failure: Any) -> None:
    student = """
        class Rude(Exception):
            def __str__(self):
                raise SystemExit
        def f():
            raise Rude
        def g():
            raise ValueError("\\ud800")
    """
    assert failure("hw.f()", student).message == "(the exception's own text cannot be shown)"
    assert failure("hw.g()", student).message == "?"


def test_an_exception_group_and_a_chain_are_told_by_the_outermost(failure: Any) -> None:
    student = """
        def f():
            try:
                1 / 0
            except ZeroDivisionError as error:
                raise KeyError("z") from error
    """
    seen = failure("hw.f()", student)
    assert (seen.type, seen.message) == ("KeyError", "'z'")
    assert [frame.line for frame in seen.frames] == [6]


# --- describe, by itself --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MissingName("hw", "f"), "missing"),
        (SystemExit(3), "exit"),
        (KeyboardInterrupt(), "exit"),
        (ModuleNotFoundError("No module named 'x'", name="x"), "import"),
        (ImportError("cannot import name"), "raised"),
        (MemoryError(), "raised"),
        (GeneratorExit(), "raised"),
    ],
)
def test_the_kind_of_an_exception(error: BaseException, kind: str) -> None:
    job = a_job("pass")
    with pytest.raises(type(error)) as caught:
        raise error
    seen = describe(caught.value, job)
    assert seen.kind == kind
    assert seen.frames == ()


# --- what is told besides -------------------------------------------------------------------------------------------


def observed(sandbox: Sandbox, job: Job) -> Observation:
    outcome = sandbox.run(job, LIMITS, REPLY_LIMITS)
    assert outcome.observation is not None, f"{outcome.ending} {outcome.detail} {outcome.output}"
    assert outcome.observation.failure is None
    return outcome.observation


def test_a_job_that_is_traced_tells_which_functions_were_called(sandbox: Sandbox) -> None:
    student = "def f(x):\n    return g(x)\n\ndef g(x):\n    return x\n\n@staticmethod\ndef h(x):\n    return x\n"
    header = observed(sandbox, a_job("observe(x=hw.f(1.0))", student, trace=True)).header
    assert header.called == {"hw.py": (1, 4)}
    assert header.asked == {"hw": ("f",)}


def test_a_job_that_is_not_traced_tells_nothing_of_calls(sandbox: Sandbox) -> None:
    assert observed(sandbox, a_job("observe(x=hw.f(1.0))", "def f(x):\n    return x")).header.called == {}


def test_names_of_the_harness_in_a_students_file_are_the_students(sandbox: Sandbox) -> None:
    """A module's own methods and attributes are not taken for the student's, nor the other way round."""
    student = "asked = 3\nload = 5\ndef observe(): return asked\n"
    body = "observe.exact(told=[hw.load, hw.observe()])"
    observation = observed(sandbox, a_job(body, student))
    assert observation.entries[0].text == "[5, 3]"
    assert observation.header.asked == {"hw": ("load", "observe")}


def test_torch_is_told_of_a_gpu_only_where_the_submission_asks(sandbox: Sandbox) -> None:
    def notes(student: str) -> tuple[str, ...]:
        return observed(sandbox, a_job("observe(x=hw.f())", student)).header.notes

    assert notes("import torch\ndef f(): return torch.zeros(2).cuda()") == (
        "The code asks for a GPU; it was run on the CPU.",
    )
    assert notes("import torch\ndef f(): return torch.zeros(2)") == ()


def test_an_exception_is_told_with_the_point_that_was_asked(failure: Any) -> None:
    student = "def share(k):\n    return 1 / k\n"
    body = """
from autograder.probes.answers import ask
ask(observe, "share", hw.share, [{"k": 2.0}, {"k": 0.0}])
"""
    seen = failure(body, student)
    assert (seen.type, seen.point) == ("ZeroDivisionError", "k = 0")
    assert failure("hw.share(0)", student).point == ""
