"""A formula is right whatever library it was written with; a choice is told from a typo."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.observation import Header, Observation
from autograder.observe import Observer
from autograder.probes.answers import Point, as_numbers, ask, choice, choices, numbers, table, words
from autograder.randomness import Inputs

POINTS: list[Point] = [{"mu": 0.5, "sigma": 2.0}, {"mu": -1.0, "sigma": 0.25}]
RATIOS = np.array([0.25, -4.0])
TABLES: list[Point] = [{"p": np.array([0.5, 0.5, 0.0])}, {"p": np.array([0.2, 0.3, 0.5])}]
MU, SIGMA = sympy.symbols("mu sigma", positive=True)


def asked(answer: object, points: list[Point] = POINTS, **how: Any) -> Observation:
    observer = Observer()
    ask(observer, "answer", answer, points, **how)
    return Observation(Header(entries=tuple(observer.entries)), observer.arrays)


def values_of(answer: object, points: list[Point] = POINTS) -> Any:
    seen = asked(answer, points)
    (entry,) = seen.entries
    assert entry.array, entry.opaque
    return seen.value(entry)


class Float(float):
    pass


@pytest.mark.parametrize(
    "answer",
    [
        lambda mu, sigma: mu / sigma,
        lambda mu, sigma: Fraction(mu) / Fraction(sigma),
        lambda mu, sigma: Decimal(mu) / Decimal(sigma),
        lambda mu, sigma: np.divide(mu, sigma),
        lambda mu, sigma: np.array([[mu / sigma]], dtype=np.float32),
        lambda mu, sigma: [mu / sigma],
        lambda mu, sigma: torch.divide(torch.tensor(mu), torch.tensor([sigma])),
        lambda mu, sigma: torch.exp(torch.log(sigma)).reciprocal() * mu,  # takes nothing but tensors
        lambda mu, sigma: mu * sigma.reciprocal(),  # nor does this
        lambda mu, sigma: torch.tensor(mu / sigma, dtype=torch.bfloat16, requires_grad=True),
        lambda mu, sigma: sympy.Rational(1, 2) * mu / sigma * 2,
        lambda mu, sigma: MU / SIGMA,
        lambda mu, sigma: sympy.Matrix([MU / SIGMA]),
        lambda mu, sigma: Float(mu / sigma),
        MU / SIGMA,
        sympy.Symbol("mu") / sympy.Symbol("sigma"),
        sympy.Lambda((MU, SIGMA), MU / SIGMA),
    ],
)
def test_every_library_is_understood(answer: object) -> None:
    assert values_of(answer).dtype == np.float64
    np.testing.assert_allclose(values_of(answer), RATIOS, rtol=1e-6)


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (lambda *_: sympy.oo, math.inf),
        (lambda *_: -sympy.oo, -math.inf),
        (lambda *_: sympy.log(0), math.nan),  # SymPy's zoo: infinite, with no sign
        (lambda *_: sympy.nan, math.nan),
        (lambda *_: sympy.Piecewise((sympy.oo, MU > 0), (0, True)).subs(MU, 1), math.inf),
        (math.inf, math.inf),
        (3, 3.0),
        (np.float32(0.5), 0.5),
        (torch.tensor(2), 2.0),
        (sympy.pi, math.pi),
    ],
)
def test_infinities_and_constants(answer: object, value: float) -> None:
    np.testing.assert_array_equal(values_of(answer), [value, value])


@pytest.mark.parametrize(
    "answer",
    [
        lambda p: 2 * p,
        lambda p: list(2 * p),
        lambda p: tuple(sympy.Float(item) * 2 for item in p),
        lambda p: sympy.Matrix([2 * item for item in p]),
        lambda p: (2 * torch.as_tensor(p))[None],
        lambda p: torch.mul(p, 2).log().exp(),
        lambda p: np.array([Fraction(item) * 2 for item in p], dtype=object),
    ],
)
def test_vectors(answer: object) -> None:
    np.testing.assert_allclose(values_of(answer, TABLES), [[1, 1, 0], [0.4, 0.6, 1]], rtol=1e-6)


def test_a_function_cannot_change_what_the_next_one_gets() -> None:
    def spoils(p: Any) -> float:
        p *= 0
        return 1.0

    asked(spoils, TABLES)
    assert TABLES[0]["p"].sum() == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("answer", "opaque"),
    [
        (lambda *_: None, "None"),
        (lambda *_: "0.5", "str '0.5'"),
        (lambda *_: {}, "dict '{}'"),
        (lambda *_: 1j, "complex '1j'"),
        (lambda *_: sympy.I, "ImaginaryUnit 'I'"),
        (lambda *_: sympy.Symbol("k") * MU, "an expression with the symbol k (your parameters are mu, sigma)"),
        (lambda *_: [1.0, None], "list '[1.0, None]'"),
        (lambda *_: [[1.0], [1.0, 2.0]], "list '[[1.0], [1.0, 2.0]]'"),
        (lambda *_: [], "list '[]'"),
    ],
)
def test_what_is_no_number_is_observed_as_it_is(answer: object, opaque: str) -> None:
    (entry,) = asked(answer).entries
    assert (entry.opaque, entry.array) == (f"{opaque}, at mu = 0.5, sigma = 2", "")


def test_points_go_with_the_values() -> None:
    (entry,) = asked(lambda mu, sigma: mu, rtol=0.5, atol=0.25).entries
    assert entry.points == ("mu = 0.5, sigma = 2", "mu = -1, sigma = 0.25")
    assert (entry.rtol, entry.atol) == (0.5, 0.25)
    assert words({"p": np.arange(10) / 10}) == "p = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, … (10 in all)]"


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (lambda mu, sigma: 1 / (mu - 0.5), ZeroDivisionError, "division"),
        (lambda mu, sigma: mu.nonsense, AttributeError, "'float' object"),  # not what the tensor said
        (lambda mu, sigma: mu + "x", TypeError, "'float' and 'str'"),
        (lambda mu: mu, TypeError, "positional"),
    ],
)
def test_an_exception_keeps_the_point_at_which_it_was_raised(answer: object, error: type[Exception], said: str) -> None:
    observer = Observer()
    with pytest.raises(error, match=said):
        ask(observer, "answer", answer, POINTS)
    assert observer.point == "mu = 0.5, sigma = 2"


def test_answers_must_be_of_one_size() -> None:
    (entry,) = asked(lambda mu, _: np.zeros(3 if mu > 0 else 2)).entries
    assert entry.opaque == "2 numbers, but 3 numbers elsewhere, at mu = -1, sigma = 0.25"


def test_after_the_last_point_there_is_none() -> None:
    observer = Observer()
    ask(observer, "answer", lambda *_: 1.0, POINTS)
    assert observer.point == ""


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


NAMES = ("RED", "GREEN")


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (lambda: Colour.GREEN, "GREEN"),
        (Colour.GREEN, "GREEN"),
        ("GREEN", "GREEN"),
        ("Colour.GREEN", "GREEN"),
        (2, "GREEN"),
        (lambda: np.str_("RED"), "RED"),
        (" green ", "GREEN"),
        (2.0, "GREEN"),
        ("(2)", "GREEN"),
        (np.int64(2), "GREEN"),
        (lambda: torch.tensor([2]), "GREEN"),
    ],
)
def test_a_choice_is_read_in_every_form(answer: object, name: str) -> None:
    assert choice(answer, NAMES) == (name, "")
    assert choices(answer, NAMES) == ({name}, [])


@pytest.mark.parametrize("answer", ["GREN", "", 0, 3, True, None, 2.5, Colour, b"RED"])
def test_a_typo_is_no_choice(answer: object) -> None:
    name, wrong = choice(answer, NAMES)
    assert name == ""
    assert wrong == ("GREN (did you mean GREEN?)" if answer == "GREN" else str(answer) or "nothing")


@pytest.mark.parametrize(
    "several", [{Colour.RED, Colour.GREEN}, ["RED", 2], ("GREEN", "RED", "RED"), iter(["RED", "GREEN"])]
)
def test_several_choices(several: object) -> None:
    assert choices(several, NAMES) == ({"RED", "GREEN"}, [])


def test_a_table_of_what_holds_is_a_choice_of_what_does() -> None:
    assert choices({Colour.RED: True, Colour.GREEN: False}, NAMES) == ({"RED"}, [])


def test_of_several_choices_each_typo_is_told() -> None:
    found, wrong = choices(lambda: ["RED", "BLUE", None], NAMES)
    assert found == {"RED"}
    assert wrong == ["BLUE", "None"]
    assert choices([], NAMES) == (set(), [])


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(0, 5))
def test_a_table_is_a_distribution_with_so_many_zeros(seed: int, size: int, zeros: int) -> None:
    rng = Inputs(seed)
    if zeros >= size:
        with pytest.raises(ValueError, match="zeros"):
            table(rng, size, zeros=zeros)
        return
    found = table(rng, size, zeros=zeros)
    assert found.shape == (size,)
    assert (found == 0).sum() == zeros
    np.testing.assert_allclose(found.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(found * 20, np.round(found * 20))


def test_numbers_are_short() -> None:
    found = numbers(Inputs(1), 50, low=-1, high=1)
    assert found.shape == (50,)
    assert len({*found.tolist()}) > 20
    assert all(len(f"{item:.6g}") <= 5 for item in found)
    assert numbers(Inputs(1), low=2, high=3).shape == ()


def test_a_value_that_lies_about_itself_is_no_number() -> None:
    class Liar(list[float]):
        def __iter__(self) -> Any:
            raise RuntimeError("no")

    make: Callable[..., object] = lambda *_: Liar([1.0])  # noqa: E731
    with pytest.raises(RuntimeError, match="no"):
        ask(Observer(), "answer", make, POINTS)
    assert as_numbers(object(), {}) is None
