"""Code that expects a window or a keyboard runs without either."""

from __future__ import annotations

import pytest
from made_up import LIMITS, REPLY_LIMITS, a_job

from autograder.sandbox.runner import Sandbox

WINDOWS = [
    "import matplotlib\nmatplotlib.use('TkAgg')\nimport matplotlib.pyplot as plt",
    "import matplotlib.pyplot as plt\nplt.switch_backend('QtAgg')",
]


def told(sandbox: Sandbox, student: str, body: str) -> str:
    """What the grader observed exactly, or the exception's type and text."""
    observation = sandbox.run(a_job(body, student), LIMITS, REPLY_LIMITS).observation
    assert observation is not None
    failure = observation.failure
    return observation.entries[0].text if failure is None else f"{failure.type}: {failure.message}"


@pytest.mark.parametrize("student", WINDOWS)
def test_a_backend_with_windows_is_not_taken(sandbox: Sandbox, student: str) -> None:
    """The figure is drawn all the same."""
    code = student + "\ndef f():\n    plt.figure(); plt.show(); return plt.get_backend().lower()"
    assert told(sandbox, code, "observe.exact(told=hw.f())") == '"agg"'


def test_such_a_backend_would_have_failed(sandbox: Sandbox) -> None:
    """The control: there is no display here."""
    body = "import importlib, matplotlib\nbackend = 'Tk' + 'Agg'\nmatplotlib.pyplot.switch_backend(backend)"
    assert told(sandbox, "", "import matplotlib.pyplot\n" + body).startswith("ImportError")


def test_nobody_waits_for_enter(sandbox: Sandbox) -> None:
    """Where input() would find the end of the file."""
    assert told(sandbox, "def f():\n    return input('press enter')", "observe.exact(told=hw.f())") == '""'
