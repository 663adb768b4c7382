"""A homework that is as small as one can be and has every kind of part, written to a folder for tests.

One file with two functions; graders with a twin, a close value, an exact one, draws, a band, a picture and a number for
the leaderboard; one reading and three misconceptions.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from autograder.homework import Homework, load_homework
from autograder.templates import write_templates

NAME = "tiny"
ROOT = Path(__file__).resolve().parents[2]

DECLARATION = """
title = "Tiny homework"
points = 10
template_floor = 0

[seeds]
visible = 1
hidden = 2

[limits]
seconds = 5
memory_mb = 1024

[[file]]
module = "tiny_energy"
path = "tiny_energy.py"
names = ["energy", "noise"]

[[given]]
module = "tiny_utils"
path = "tiny_utils.py"

[parts]
"1" = "Energy and noise"
"""

REFERENCE = '''"""The energy of a batch, and noise."""

import torch
from torch import Tensor


def energy(x: Tensor) -> Tensor:
    """Half the mean square of each row of x, [batch, features] -> [batch]."""
    ### BEGIN SOLUTION
    return 0.5 * x.square().mean(dim=1)
    ### END SOLUTION


def noise(n: int, sigma_square: float) -> Tensor:
    """n draws of a Gaussian with variance sigma_square."""
    ### BEGIN SOLUTION
    return sigma_square**0.5 * torch.randn(n)
    ### END SOLUTION
'''

GIVEN = '''"""Given to students."""

WIDTH = 3
'''

GRADERS = '''"""Problem 1."""

import pytest
from gradescope_utils.autograder_utils.decorators import number, tags, visibility, weight

from autograder.marks import twin

BATCH = 5


def batch_of(rng, width):
    return rng.normal(BATCH, width)


@number("1.a")
@weight(3)
@twin(2)
@visibility("visible")
@tags("energy")
def test_energy(tiny_energy, tiny_utils, rng, observe):
    """energy is half the mean square."""
    x = batch_of(rng, tiny_utils.WIDTH)
    observe.picture("The batch", x.numpy())
    observe(energy=tiny_energy.energy(x))


@number("1.b")
@weight(3)
@pytest.mark.timeout(4)
def test_noise(tiny_energy, observe):
    """noise has the right distribution."""
    observe.samples(draws=tiny_energy.noise(4000, 4.0))


@number("1.c")
@weight(2)
def test_spread(tiny_energy, observe):
    """noise has the right spread, and as many draws as asked for."""
    draws = tiny_energy.noise(400, 4.0)
    observe.band(spread=draws.std())
    observe.exact(count=len(draws))
    observe.leaderboard(spread_found=draws.std())
'''

VARIANTS = """
[[reading]]
name = "summed over the features"
file = "tiny_energy.py"
old = "x.square().mean(dim=1)"
new = "x.square().sum(dim=1)"
accepts = ["1.a"]
says = "The handout does not say how."

[[misconception]]
name = "factor one half forgotten"
file = "tiny_energy.py"
old = "0.5 * x.square()"
new = "x.square()"
fails = ["1.a"]
says = "The energy has a factor of one half."
credit = 0.5

[[misconception]]
name = "mean over the batch"
file = "tiny_energy.py"
old = "mean(dim=1)"
new = "mean(dim=0)"
fails = ["1.a"]
says = "Axis 0 is the batch."

[[misconception]]
name = "variance used as standard deviation"
file = "tiny_energy.py"
old = "sigma_square**0.5"
new = "sigma_square"
fails = ["1.b", "1.c"]
says = "Take the square root of the variance first."
"""


@dataclass(frozen=True)
class TinyHomework:
    """A project folder with the tiny homework in it."""

    project: Path

    @property
    def reference(self) -> Path:
        return self.project / "reference" / NAME

    @property
    def graders(self) -> Path:
        return self.project / "tests" / "graders" / NAME / "test_tiny.py"

    @property
    def declaration(self) -> Path:
        return self.reference / "homework.toml"

    @property
    def variants(self) -> Path:
        return self.reference / "variants.toml"

    @property
    def solution(self) -> Path:
        return self.reference / "tiny_energy.py"

    def load(self) -> Homework:
        return load_homework(NAME, self.project)

    def change(self, path: Path, old: str, new: str) -> None:
        """Replace the one occurrence of `old` in a file."""
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {path}"
        path.write_text(text.replace(old, new))


def write_tiny_homework(project: Path) -> TinyHomework:
    """Write the homework, its templates and what a project has besides into `project`."""
    tiny = TinyHomework(project)
    tiny.graders.parent.mkdir(parents=True)
    tiny.reference.mkdir(parents=True)
    tiny.declaration.write_text(DECLARATION)
    tiny.solution.write_text(REFERENCE)
    (tiny.reference / "tiny_utils.py").write_text(GIVEN)
    tiny.variants.write_text(VARIANTS)
    tiny.graders.write_text(GRADERS)
    write_templates(tiny.reference, tiny.load().template, ["tiny_energy.py", "tiny_utils.py"])
    for name in ("pyproject.toml", "LICENSE", "setup.sh", "run_autograder"):
        shutil.copyfile(ROOT / name, project / name)
    return tiny
