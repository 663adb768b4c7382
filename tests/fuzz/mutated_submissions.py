"""Submissions as tired or hostile people hand them in. Every choice is drawn from the `random.Random` that is given."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from handed import Handed
from mutated_notebooks import mutated_notebooks
from mutated_packages import NAME, names_and_folders, random_bytes, zips
from mutated_text import a_script, encoded, mutated_text


def mutated_scripts(rng: Random) -> Handed:
    """A script with a few changes, in one encoding or another."""
    return Handed({NAME: encoded(rng, mutated_text(rng, a_script(rng)))})


KINDS: dict[str, Callable[[Random], Handed]] = {
    "random bytes": random_bytes,
    "scripts": mutated_scripts,
    "notebooks": mutated_notebooks,
    "zips": zips,
    "names and folders": names_and_folders,
}
