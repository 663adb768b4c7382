"""`autograder show`: a homework's graders and variants, one of them in full, or a results.json."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from autograder.errors import UserError
from autograder.gradescope import read_results
from autograder.homework import Homework
from autograder.manifest import Grader, GraderExpectations, Manifest, read_expectations, read_manifest
from autograder.observation import Observation
from autograder.relations import show_shape
from autograder.variants import Variant


def show_homework(homework: Homework, console: Console) -> None:
    """The graders of a recorded homework in a table, then its readings and misconceptions."""
    manifest = read_manifest(homework.expectations)
    table = Table(title=manifest.title, title_justify="left", box=None, pad_edge=False)
    for column in ("number", "points", "seen", "s", "title"):
        table.add_column(column, justify="right" if column in ("points", "s") else "left")
    for grader in manifest.graders:
        seen = "hidden" if grader.hidden else "visible"
        seconds = f"{grader.reference_seconds:.2f}"
        table.add_row(escape(grader.number), f"{grader.weight:g}", seen, seconds, escape(grader.title))
    console.print(table)
    for kind, heading in (("reading", "Readings"), ("misconception", "Misconceptions")):
        chosen = [variant for variant in manifest.variants if variant.kind == kind]
        console.print(f"\n[bold]{heading}[/] ({len(chosen)})")
        for variant in chosen:
            console.print(f"  {escape(variant.name)}  [dim]{', '.join(variant.numbers)}[/]", highlight=False)
    versions = manifest.versions
    console.print(f"\n[dim]recorded with torch {versions.torch}, Python {versions.python}, NumPy {versions.numpy}[/]")


def show_grader(homework: Homework, which: str, console: Console) -> None:
    """One grader, by its number or id: source, limits, and what each variant showed; or one variant."""
    manifest = read_manifest(homework.expectations)
    graders = [grader for grader in manifest.graders if which in (grader.number, grader.id)]
    variants = [variant for variant in manifest.variants if variant.name == which]
    if variants:
        _show_variant(variants[0], manifest, console)
        return
    if not graders:
        near = [grader.number for grader in manifest.graders if grader.number.startswith(which)]
        raise UserError(
            f"no grader and no variant is called {which!r}",
            where=homework.name,
            remedy=f"Perhaps {', '.join(near)}?" if near else f"`autograder show {homework.name}` lists them.",
        )
    for grader in graders:
        _show_one(grader, read_expectations(homework.expectations, grader), manifest.variants, console)


def show_results(path: Path, console: Console) -> None:
    """A results.json as text."""
    results = read_results(path)
    for test in results.tests:
        console.print(
            f"[bold]{escape(str(test.number or ''))}[/] {escape(str(test.name or ''))}: "
            f"{test.score:g}/{test.max_score:g} [dim]{test.visibility}[/]"
        )
        text = _text_of_html(str(test.output or ""))
        if text:
            console.print(escape(text), style="dim")


def _show_one(grader: Grader, expectations: GraderExpectations, variants: Sequence[Variant], console: Console) -> None:
    console.print(f"[bold]{escape(grader.number)}[/] {escape(grader.title)}  [dim]{grader.id}[/]")
    console.print(
        f"{grader.weight:g} points, {grader.visibility}, at most {grader.limits.seconds:g} s, "
        f"{grader.reference_seconds:.2f} s on the reference"
    )
    console.print(Syntax(grader.source.text, "python", background_color="default"))
    kinds = {variant.name: variant.kind for variant in variants}
    for name, observation in expectations.observations.items():
        kind = "" if kinds.get(name) == name else f"{kinds.get(name, '')} "
        console.print(f"[bold]{kind}{escape(name)}[/]", highlight=False)
        for line in _entry_lines(observation):
            console.print(f"  {escape(line)}", highlight=False)


def _show_variant(variant: Variant, manifest: Manifest, console: Console) -> None:
    console.print(f"[bold]{variant.kind} {escape(variant.name)}[/]", highlight=False)
    console.print(escape(variant.says), highlight=False)
    concerned = [grader.number for grader in manifest.graders if variant.concerns(grader.number)]
    verb = "accepted on" if variant.kind == "reading" else f"earns {variant.credit:.0%} and fails"
    console.print(f"{verb} {', '.join(concerned) or 'no grader'}", highlight=False)


def _entry_lines(observation: Observation) -> list[str]:
    lines = []
    for entry in observation.entries:
        if entry.array:
            array = observation.value(entry)
            values = ", ".join(f"{value:.5g}" for value in array.reshape(-1)[:4])
            shown = f"{array.dtype} {show_shape(array)}: {values}{', …' if array.size > 4 else ''}"
        else:
            shown = entry.text or entry.opaque
        lines.append(f"{entry.name} ({entry.kind}) {shown}")
    if observation.failure is not None:
        lines.append(f"stopped: {observation.failure.type}: {observation.failure.message}")
    return lines


def _text_of_html(html: str) -> str:
    """The text of our own HTML output; results.json has no other."""
    text = re.sub(r"<(style|img)\b[^>]*>(.*?</style>)?", "", html, flags=re.DOTALL)
    text = re.sub(r"</(p|div|pre|tr|li|figcaption|summary)>|<br\s*/?>", "\n", text)
    text = unescape(re.sub(r"<[^>]+>", "", text))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
