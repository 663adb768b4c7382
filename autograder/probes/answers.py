"""Answers to written questions: formulas asked at many points, and choices among named constants.

A formula is right whatever library it was written with. So a function gets Python floats and NumPy arrays,
which `math`, NumPy, SciPy and SymPy take; one that cannot do with these is asked again with torch tensors.
What it returns may be a number or array of any of them, a list, or a SymPy expression in the parameters' names.
"""

from __future__ import annotations

import difflib
import itertools
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from autograder.observation import Array
from autograder.observe import Observer, as_array
from autograder.randomness import Inputs

# What a function is asked with: its arguments by the parameters' names, in the order in which they are passed.
Point: TypeAlias = Mapping[str, "float | Array"]

SHOWN_ENTRIES = 8
MAX_CHOICES = 100
STEPS = 20  # of a table's probabilities


def ask(
    observe: Observer,
    name: str,
    answer: object,
    points: Sequence[Point],
    *,
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> Array | None:
    """Observe what `answer` gives at each of the points, as float64.

    Args:
        answer: a function, called with a point's values in order; or the result itself, a number or an
            expression in the parameters' names.
        rtol, atol: as `observe` takes them. The defaults let float32 pass.

    Returns:
        [points, ...], or None where an answer was no number, or the answers are not of one size.

    Raises:
        Exception: whatever the function raises; the point goes with it into the message.
    """
    found: list[Array] = []
    told = [words(point) for point in points]
    for point, where in zip(points, told, strict=True):
        with observe.asking(where):
            value = answer_at(answer, point)
            values = as_numbers(value, point)
        if values is None:
            observe.unlike(name, f"{_no_number(value, point)}, at {where}")
            return None
        if found and values.shape != found[0].shape:
            observe.unlike(name, f"{_size(values)}, but {_size(found[0])} elsewhere, at {where}")
            return None
        found.append(values)
    stacked = np.stack(found)
    observe(**{name: stacked}, at=told, rtol=rtol, atol=atol)
    return stacked


def _no_number(value: object, point: Point) -> str:
    """What a value is that `as_numbers` makes nothing of."""
    if value is None:
        return "None"
    unknown = sorted(symbol.name for symbol in value.free_symbols) if _is_sympy(value) else []  # type: ignore[attr-defined]
    unknown = [name for name in unknown if name not in _scalars(point)]
    if unknown:
        known = f" (your parameters are {', '.join(sorted(_scalars(point)))})" if _scalars(point) else ""
        return f"an expression with the symbol {unknown[0]}{known}"
    return f"{type(value).__name__} {str(value)[:60]!r}"


def _size(values: Array) -> str:
    return f"{' × '.join(map(str, values.shape))} numbers" if values.ndim else "one number"


def words(point: Point) -> str:
    """A point as a student reads it: "p = [0.5, 0.5], sigma = 2"."""
    return ", ".join(f"{name} = {_shown(value)}" for name, value in point.items())


def _shown(value: float | Array) -> str:
    array = np.asarray(value)
    if not array.ndim:
        return f"{array.item():.6g}"
    entries = [f"{item:.6g}" for item in array.reshape(-1)[:SHOWN_ENTRIES]]
    more = f", … ({array.size} in all)" if array.size > SHOWN_ENTRIES else ""
    return f"[{', '.join(entries)}{more}]"


def answer_at(answer: object, point: Point) -> object:
    """What `answer` gives at a point: see `ask`."""
    if not callable(answer) or (_is_sympy(answer) and not hasattr(answer, "variables")):
        return answer
    try:
        return answer(*(_own(value) for value in point.values()))
    except (TypeError, AttributeError):
        try:
            return answer(*(_tensor(value) for value in point.values()))
        except Exception:
            pass  # the first exception is the one that its author can make sense of
        raise


def _own(value: float | Array) -> float | Array:
    return value.copy() if isinstance(value, np.ndarray) else value


def _tensor(value: float | Array) -> object:
    import torch

    return torch.as_tensor(np.array(value))


def as_numbers(value: object, point: Point) -> Array | None:
    """float64 of a number, array, tensor, list or SymPy expression, without axes of length one.

    None of anything else.
    """
    found = _numbers(value, point)
    return None if found is None else np.squeeze(found).astype(np.float64)


def _numbers(value: object, point: Point) -> Array | None:
    if _is_sympy(value):
        return _evaluated(value, point)
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        return _stacked(_numbers(item, point) for item in value)
    if isinstance(value, (Decimal, Fraction)):
        value = float(value)
    return as_array(value)[0]


def _stacked(items: Iterable[Array | None]) -> Array | None:
    found = [None if item is None else np.squeeze(item) for item in items]
    rows = [row for row in found if row is not None]
    if not rows or len(rows) < len(found) or len({row.shape for row in rows}) > 1:
        return None
    return np.stack(rows)


def _is_sympy(value: object) -> bool:
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, (sympy.Basic, sympy.MatrixBase))


def _evaluated(expression: Any, point: Point) -> Array | None:
    """A SymPy expression or matrix with the point's values put in for the symbols of the same names."""
    sympy: Any = sys.modules["sympy"]
    symbols = expression.free_symbols
    if not {symbol.name for symbol in symbols} <= _scalars(point):
        return None
    if isinstance(expression, sympy.MatrixBase):
        return _stacked(_evaluated(item, point) for item in expression)
    found = sympy.N(expression.subs({symbol: point[symbol.name] for symbol in symbols}))
    if found in (sympy.zoo, sympy.nan):
        return np.array(np.nan)
    return np.array(float(found)) if found.is_extended_real else None


def _scalars(point: Point) -> set[str]:
    return {name for name, value in point.items() if not np.ndim(value)}


def given(answer: object) -> object:
    """What a function without arguments returns, or the answer itself where it is none."""
    return answer() if callable(answer) and not isinstance(answer, type) else answer


def choice(answer: object, constants: Collection[str]) -> tuple[str, str]:
    """(the name of the constant that was chosen, the answer if it is none); one of both is empty.

    Args:
        answer: a member of the student's enumeration, its name in any case or its number, or a function that
            returns one.
        constants: the names to choose from; numbers count from 1 in this order.
    """
    return _chosen(given(answer), tuple(constants))


def choices(answer: object, constants: Collection[str]) -> tuple[set[str], list[str]]:
    """(the names of the constants that were chosen, every other item in alphabetical order)."""
    value: Any = given(answer)
    if isinstance(value, Mapping):
        value = [item for item, holds in value.items() if bool(holds)]
    several = isinstance(value, Iterable) and not isinstance(value, (str, bytes, type))
    items: Iterable[object] = itertools.islice(value, MAX_CHOICES) if several else [value]
    found = [_chosen(item, tuple(constants)) for item in items]
    return {name for name, _ in found if name}, sorted(wrong for _, wrong in found if wrong)


def _chosen(value: object, constants: tuple[str, ...]) -> tuple[str, str]:
    name = value.name if isinstance(value, Enum) else value
    number = _whole_number(name)
    if 1 <= number <= len(constants):
        return constants[number - 1], ""
    if isinstance(name, str):
        name = name.strip().rpartition(".")[2].upper()
        if name in constants:
            return name, ""
    near = difflib.get_close_matches(str(name), constants, n=1) if isinstance(name, str) else []
    hint = f" (did you mean {near[0]}?)" if near else ""
    return "", f"{str(value)[:80] or 'nothing'}{hint}"


def _whole_number(value: object) -> int:
    """The number that an int, a whole float, an array of one of them or a text such as "(3)" stands for, or 0."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, str):
        digits = value.strip().strip("().")
        return int(digits) if digits.isdecimal() and len(digits) < 4 else 0
    array, _ = as_array(value)
    if array is None or array.size != 1 or array.dtype.kind not in "iuf" or not float(array.item()).is_integer():
        return 0
    return int(array.item())


def table(rng: Inputs, size: int, *, zeros: int = 0) -> Array:
    """[size] probabilities that sum to 1, in steps of 1/20 and so short to read; `zeros` of them are 0.

    Raises:
        ValueError: where there are not between 1 and 20 others.
    """
    others = size - zeros
    if not 1 <= others <= STEPS:
        raise ValueError(f"a table of {size} with {zeros} zeros")
    counts = np.zeros(size)
    counts[:others] = 1 + rng.numpy.multinomial(STEPS - others, np.full(others, 1 / others))
    return rng.numpy.permutation(counts) / STEPS


def numbers(rng: Inputs, *shape: int, low: float, high: float, digits: int = 2) -> Array:
    """float64 numbers of `shape`, uniform in [low, high], rounded and so short to read."""
    return np.round(rng.numpy.uniform(low, high, shape), digits)
