"""What a variant can change: which of the reference's functions it rewrites, and which a grader calls.

A variant that rewrites only functions which a grader's run on the reference never entered shows this
grader what the reference shows. Most variants rewrite one method, so most of the kill matrix needs no run.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Span: TypeAlias = tuple[int, int]


def rewritten(reference: str, variant: str) -> list[Span] | None:
    """The lines, first and last, of the reference's functions whose bodies a variant rewrites.

    None where it changes anything else: a class, a signature, a decorator, a top-level statement.
    Only functions of a module or class count; those inside others are part of them.
    """
    before, after = ast.parse(reference), ast.parse(variant)
    if ast.dump(_without_bodies(before)) != ast.dump(_without_bodies(after)):
        return None
    pairs = zip(_functions(before), _functions(after), strict=True)
    return [_span(old) for old, new in pairs if ast.dump(old) != ast.dump(new)]


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


def _without_bodies(tree: ast.Module) -> ast.Module:
    stripped = copy.deepcopy(tree)
    for function in _functions(stripped):
        function.body = [ast.Pass()]
    return stripped


def _span(function: Function) -> Span:
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    return first, function.end_lineno or function.lineno
