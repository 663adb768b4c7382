"""Which runs of the kill matrix can be spared: only those that cannot see what a variant changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.impact import enters, rewritten

REFERENCE = '''"""A module."""
import torch

SCALE = 2


def twice(x):
    """Twice x."""
    return SCALE * x


class Net(torch.nn.Module):
    width = 3

    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 1)

    @staticmethod
    def helper(x):
        def inner(y):
            return y + 1

        return inner(x)

    def forward(self, x):
        return self.helper(self.fc(x))


async def wait():
    return 1
'''

TWICE, INIT, HELPER, FORWARD, WAIT = (7, 9), (15, 17), (19, 24), (26, 27), (30, 31)


@pytest.mark.parametrize(
    ("old", "new", "spans"),
    [
        ("return SCALE * x", "return 3 * x", [TWICE]),
        ('"""Twice x."""', '"""Two times x."""', [TWICE]),
        ("Linear(3, 1)", "Linear(3, 2)", [INIT]),
        ("return y + 1", "return y - 1", [HELPER]),
        ("self.helper(self.fc(x))", "self.fc(x)", [FORWARD]),
        ("return 1\n", "return 2\n", [WAIT]),
        ("return SCALE * x", "x = SCALE * x\n    y = x\n    return y", [TWICE]),
        ("return SCALE * x", "return SCALE * x  # a comment", []),
        ("SCALE = 2", "SCALE = 3", None),
        ("width = 3", "width = 4", None),
        ("def twice(x)", "def twice(x, y=1)", None),
        ("    @staticmethod\n    def helper(x)", "    def helper(self, x)", None),
        ("torch.nn.Module", "torch.nn.Sequential", None),
        ("import torch\n", "import torch\nimport os\n", None),
        ("async def wait():\n    return 1\n", "", None),
        ("def twice(x)", "def thrice(x)", None),
        ("def twice(x):", "def twice(x) -> int:", None),
    ],
)
def test_what_a_variant_rewrites(old: str, new: str, spans: list[tuple[int, int]] | None) -> None:
    assert REFERENCE.count(old) == 1
    assert rewritten(REFERENCE, REFERENCE.replace(old, new)) == spans


def test_several_functions_at_once() -> None:
    variant = REFERENCE.replace("return SCALE * x", "return x").replace("return y + 1", "return y")
    assert rewritten(REFERENCE, variant) == [TWICE, HELPER]


def test_nothing_is_rewritten_by_nothing() -> None:
    assert rewritten(REFERENCE, REFERENCE) == []


@pytest.mark.parametrize(
    ("calls", "spans", "entered"),
    [
        ((7,), [TWICE], True),
        ((20,), [HELPER], True),  # a function inside another is part of it
        ((19,), [HELPER], True),  # a decorated function begins with its decorator
        ((24,), [HELPER], True),
        ((25,), [HELPER], False),
        ((15, 26), [TWICE, HELPER], False),
        ((), [TWICE], False),
        ((7,), [], False),
    ],
)
def test_which_calls_enter(calls: tuple[int, ...], spans: list[tuple[int, int]], entered: bool) -> None:
    assert enters(calls, spans) is entered


def test_the_lines_are_those_that_a_trace_tells() -> None:
    """Where Python says that a function begins lies in the span of that function."""
    namespace: dict[str, object] = {}
    exec(compile(REFERENCE, "module.py", "exec"), namespace)
    twice, net, wait = namespace["twice"], namespace["Net"], namespace["wait"]
    for function, span in (
        (twice, TWICE),
        (net.__init__, INIT),  # type: ignore[misc]
        (net.helper, HELPER),  # type: ignore[attr-defined]
        (net.forward, FORWARD),  # type: ignore[attr-defined]
        (wait, WAIT),
    ):
        assert enters([function.__code__.co_firstlineno], [span])  # type: ignore[union-attr, attr-defined]
        others = [other for other in (TWICE, INIT, HELPER, FORWARD, WAIT) if other != span]
        assert not enters([function.__code__.co_firstlineno], others)  # type: ignore[union-attr, attr-defined]


@given(st.lists(st.integers(1, 50)), st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50))))
def test_entering_is_overlap(calls: list[int], spans: list[tuple[int, int]]) -> None:
    covered = {line for first, last in spans for line in range(first, last + 1)}
    assert enters(calls, spans) == bool(covered & set(calls))
