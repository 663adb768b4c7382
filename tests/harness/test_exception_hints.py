"""The hints are for the messages that PyTorch and Python really give, so every one is provoked here."""

from __future__ import annotations

import enum
import errno
import math
import os
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from autograder.exception_hints import _HINTS, hint


class _NoSuper(nn.Module):
    def __init__(self) -> None:
        self.fc = nn.Linear(1, 1)


class _Colour(enum.Enum):
    BLUE = 1


def _in_place() -> None:
    weight = torch.ones(2, requires_grad=True)
    weight += 1


def _endless(n: int) -> int:
    return _endless(n + 1)


def _raise(number: int) -> None:
    raise OSError(number, os.strerror(number))


def _takes_two(x: object, y: object) -> None: ...


PROVOKED: list[tuple[str, Callable[[], object], str]] = [
    ("float64 noise", lambda: nn.Linear(3, 1)(torch.from_numpy(np.random.randn(2, 3))), "float64 value met"),
    ("float64 matmul", lambda: torch.ones(2, 2) @ torch.ones(2, 2).double(), "float64 value met"),
    ("linear features", lambda: nn.Linear(3, 1)(torch.ones(2, 4)), "Linear layer"),
    ("convolution of a row", lambda: nn.Conv2d(1, 1, 3)(torch.ones(2, 784)), "[batch, channels, height, width]"),
    ("channels", lambda: nn.Conv2d(3, 1, 3)(torch.ones(2, 1, 8, 8)), "another number of channels"),
    (
        "labels of another shape",
        lambda: F.binary_cross_entropy_with_logits(torch.ones(4, 1), torch.ones(4)),
        "must have one shape",
    ),
    ("target size", lambda: F.binary_cross_entropy(torch.ones(4, 1), torch.ones(4)), "must have one shape"),
    ("sizes in a sum", lambda: torch.ones(3) + torch.ones(4), "Print both shapes"),
    ("sizes in numpy", lambda: np.ones(3) + np.ones(4), "Print both shapes"),
    ("logarithm of 0", lambda: math.log(0), "case of a zero gives before you take"),
    ("division by 0", lambda: 1 / 0, "case of a zero gives before you divide"),
    ("typo in a constant", lambda: getattr(_Colour, "BLEU"), "Compare the spelling"),  # noqa: B009
    ("view", lambda: torch.ones(10).view(3, 4), "keep the number of values"),
    ("gradient cut", lambda: torch.ones(1).backward(), "gradient's path is cut"),
    ("in place", _in_place, "torch.no_grad()"),
    ("numpy of a gradient", lambda: torch.ones(1, requires_grad=True).numpy(), ".detach() before .numpy()"),
    (
        "probability above one",
        lambda: F.binary_cross_entropy(torch.full((2,), 1.5), torch.ones(2)),
        "outside of [0, 1]",
    ),
    ("bernoulli of a logit", lambda: torch.bernoulli(torch.full((2,), -1.5)), "outside of [0, 1]"),
    ("no super().__init__()", _NoSuper, "super().__init__()"),
    ("batch norm of a row", lambda: nn.BatchNorm2d(1)(torch.ones(2, 784)), "[batch, channels, height, width]"),
    ("class for an object", lambda: nn.Linear.parameters(), "`Net()`, not `Net`"),  # type: ignore[call-arg]
    ("function for a model", lambda: _takes_two.parameters(), "object of nn.Module"),  # type: ignore[attr-defined]
    ("argument missing", lambda: _takes_two(1), "signature differs"),  # type: ignore[call-arg]
    ("argument too many", lambda: _takes_two(1, 2, 3), "signature differs"),  # type: ignore[call-arg]
    ("argument unknown", lambda: _takes_two(1, z=2), "signature differs"),  # type: ignore[call-arg]
    ("name", lambda: undefined_name, "used before it is defined"),  # type: ignore[name-defined]  # noqa: F821
    ("None", lambda: None.shape, "returned None"),  # type: ignore[attr-defined]
    ("endless recursion", lambda: _endless(0), "without end"),
    ("refused by the sandbox", lambda: _raise(errno.EPERM), "start no process"),
    ("no permission", lambda: _raise(errno.EACCES), "below the current folder"),
    ("file", lambda: np.load("/nowhere/mnist.npz"), "empty folder"),
]


def provoked(act: Callable[[], object]) -> tuple[str, str]:
    try:
        act()
    except Exception as error:
        return type(error).__name__, str(error)
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(("act", "words"), [case[1:] for case in PROVOKED], ids=[case[0] for case in PROVOKED])
def test_a_real_exception_gets_its_hint(act: Callable[[], object], words: str) -> None:
    kind, message = provoked(act)
    assert words in hint(kind, message), f"{kind}: {message}"


def test_every_hint_but_the_networks_is_provoked() -> None:
    given_hints = {hint(*provoked(act)) for _, act, _ in PROVOKED}
    missing = [text for _, text in _HINTS if text not in given_hints]
    assert [text for text in missing if "There is no network" not in text] == []


@pytest.mark.parametrize("kind", ["URLError", "gaierror", "ConnectionRefusedError"])
def test_no_network(kind: str) -> None:
    assert "There is no network" in hint(kind, "<urlopen error [Errno -3] Temporary failure in name resolution>")


@pytest.mark.parametrize(
    ("kind", "message"), [("ValueError", "no"), ("KeyError", "'z'"), ("AssertionError", ""), ("", "")]
)
def test_where_nothing_is_known_nothing_is_said(kind: str, message: str) -> None:
    assert hint(kind, message) == ""


def test_patterns_compile_and_hints_are_sentences() -> None:
    for pattern, text in _HINTS:
        re.compile(pattern)
        assert text[0].isupper()
        assert text[-1] in ".?"
        assert len(text) < 250


@given(st.text(max_size=50), st.text())
def test_any_text_is_taken(kind: str, message: str) -> None:
    assert isinstance(hint(kind, message), str)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "piece", ["expected ", "Double ", "Float ", "dtype ", "'", "takes ", "1 ", "shape '", "a" * 10]
)
def test_a_message_made_to_be_slow_is_not(piece: str) -> None:
    hint("RuntimeError", piece * 200_000)
