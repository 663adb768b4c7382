"""What a variant can change: which of the reference's functions it rewrites, and which a grader calls.

A variant that rewrites only functions which a grader's run on the reference never entered shows this
grader what the reference shows. Most variants rewrite one method, so most of the kill matrix needs no run.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Span: TypeAlias = tuple[int, int]


class Outline(NamedTuple):
    """A program as two things that are compared apart: what stands around its functions' bodies, and the functions.

    Attributes:
        around: the program with every body left out.
        functions: each function of a module or class; those inside others are part of them.
    """

    around: str
    functions: tuple[tuple[Span, str], ...]


def rewritten(reference: str, variant: str) -> list[Span] | None:
    """The lines, first and last, of the reference's functions whose bodies a variant rewrites.

    None where it changes anything else: a class, a signature, a decorator, a top-level statement.
    """
    before, after = _reference_outline(reference), outline(variant)
    if before.around != after.around:
        return None
    pairs = zip(before.functions, after.functions, strict=True)
    return [span for (span, old), (_, new) in pairs if old != new]


def outline(text: str) -> Outline:
    """The outline of a program; comments, blanks and line numbers make none."""
    tree = ast.parse(text)
    functions = []
    for function in _functions(tree):
        functions.append((_span(function), "\n".join(map(ast.dump, function.body))))
        function.body = []
    return Outline(ast.dump(tree), tuple(functions))


# Hundreds of variants are compared with one reference.
_reference_outline = functools.lru_cache(maxsize=16)(outline)


def enters(calls: Iterable[int], spans: Iterable[Span]) -> bool:
    """Whether any of the functions that begin on the lines `calls` lies in one of the spans."""
    lines = set(calls)
    return any(first <= line <= last for first, last in spans for line in lines)


def _functions(node: ast.Module | ast.ClassDef) -> Iterator[Function]:
    for child in node.body:
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child)


def _span(function: Function) -> Span:
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    return first, function.end_lineno or function.lineno
