"""Import statements are found in any text, and nothing is named that may not be preloaded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.imports import grader_imports, late_imports, preloadable_imports
from autograder.sandbox.protocol import PRELOADABLE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import sympy\n", {"sympy"}),
        ("import math, sympy as sp\n", {"sympy"}),
        ("    from sympy import log, oo\n", {"sympy"}),
        ("from scipy import stats as st, special\n", {"scipy", "scipy.stats", "scipy.special"}),
        ("import matplotlib.pyplot as plt", {"matplotlib.pyplot"}),
        ("from scipy.special import (\n    xlogy,\n)\n", {"scipy.special"}),
        ("%matplotlib inline\nimport sympy\ndef (:\n", {"sympy"}),
        ("# import sympy\nx = 'import sympy'\nimportsympy\n", set()),
        ("import os, subprocess\nfrom socket import socket\n", set()),
    ],
)
def test_named(text: str, found: set[str]) -> None:
    assert preloadable_imports(text) == found


@given(st.text(alphabet="importfsy \t\n.,(*a"))
def test_any_text(text: str) -> None:
    assert preloadable_imports(text) <= PRELOADABLE


def test_optimisers_import_late() -> None:
    """Whoever names an optimiser may wait for torch._dynamo; nobody else does."""
    assert late_imports("opt = torch.optim.Adam(net.parameters())") == {"torch._dynamo"}
    assert late_imports("from torch import optim") == {"torch._dynamo"}
    assert late_imports("import torch") == frozenset()


def test_a_graders_own_imports() -> None:
    """Modules of this package alone, and no names of theirs."""
    text = "import torch\nfrom autograder.probes.layers import layers_of\n    from autograder.marks import twin\n"
    assert grader_imports(text) == {"autograder.probes.layers", "autograder.marks"}
    assert grader_imports("from torch import nn\nfrom os import path\n") == frozenset()
