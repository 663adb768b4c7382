"""The homework that hostile submissions are graded on: small, recorded in seconds, with every kind of comparison.

Every visible grader takes its inputs from `rng` and has a hidden twin; one grader is hidden altogether, and
its source holds a token that nobody may carry off.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from autograder.homework import Homework, load_homework
from autograder.templates import write_templates

NAME = "guarded"
PROJECT = Path(__file__).resolve().parents[2]
TOKEN_OF_THE_HIDDEN_GRADER = "SECRET-00000000000000000000000000000001"

# Every grader: the visible ones, of which each has a twin called `<name>.hidden`, and the hidden one.
VISIBLE = ("energy", "noise", "estimate", "critic", "loss", "descend", "nearest")
HIDDEN = "private"
GRADERS = (*(f"{name}.{half}" for name in VISIBLE for half in ("visible", "hidden")), HIDDEN)

DECLARATION = """
title = "Guarded homework"
points = 22
template_floor = 0

[seeds]
visible = 1
hidden = 2

[limits]
seconds = 1
wall_factor = 3
memory_mb = 512
output_kb = 16
reply_mb = 2
file_mb = 8

[[file]]
module = "guarded"
path = "guarded.py"
names = ["energy", "noise", "estimate", "Critic", "loss", "descend", "nearest"]

[parts]
"1" = "Everything"
"""

REFERENCE = '''"""A little of everything."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def energy(x: Tensor) -> Tensor:
    """Half the mean square of each row of x, [batch, features] -> [batch]."""
    ### BEGIN SOLUTION
    return 0.5 * x.square().mean(dim=1)
    ### END SOLUTION


def noise(n: int, sigma_square: float) -> Tensor:
    """n draws of a Gaussian with mean 0 and variance sigma_square."""
    ### BEGIN SOLUTION
    return sigma_square**0.5 * torch.randn(n)
    ### END SOLUTION


def estimate(n: int, mean: float, sigma_square: float) -> float:
    """A Monte Carlo estimate of the mean from n draws."""
    ### BEGIN SOLUTION
    return float((mean + sigma_square**0.5 * torch.randn(n)).mean())
    ### END SOLUTION


class Critic(nn.Module):
    """3 features, 4 hidden units with tanh, one logit."""

    def __init__(self) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.hidden = nn.Linear(3, 4)
        self.out = nn.Linear(4, 1)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """[batch, 3] -> [batch]."""
        ### BEGIN SOLUTION
        return self.out(torch.tanh(self.hidden(x))).squeeze(1)
        ### END SOLUTION


def loss(real: Tensor, fake: Tensor) -> Tensor:
    """Binary cross-entropy of the logits of real data (1) and fake data (0), summed over the two means."""
    ### BEGIN SOLUTION
    return F.softplus(-real).mean() + F.softplus(fake).mean()
    ### END SOLUTION


def descend(weight: Tensor, x: Tensor, y: Tensor, rate: float, steps: int) -> Tensor:
    """The weight after some steps of gradient descent on the mean square of x @ weight - y."""
    ### BEGIN SOLUTION
    for _ in range(steps):
        weight = weight - rate * 2 * x.T @ (x @ weight - y) / len(x)
    return weight
    ### END SOLUTION


def nearest(x: Tensor, centres: Tensor) -> list[int]:
    """For each row of x the number of the nearest row of centres."""
    ### BEGIN SOLUTION
    return torch.cdist(x, centres).argmin(dim=1).tolist()
    ### END SOLUTION
'''

SOLUTION = "\n".join(line for line in REFERENCE.splitlines() if "### " not in line) + "\n"

GRADERS_FILE = f'''"""Problem 1."""

import torch
from gradescope_utils.autograder_utils.decorators import number, visibility, weight

from autograder.marks import twin

BATCH = 6


@number("1.a")
@weight(2)
@twin(1)
def test_energy(guarded, rng, observe):
    """energy is half the mean square."""
    observe(energy=guarded.energy(rng.normal(BATCH, 3)))


@number("1.b")
@weight(2)
@twin(1)
def test_noise(guarded, rng, observe):
    """noise has the right distribution."""
    observe.samples(draws=guarded.noise(4000, float(rng.uniform(1, low=2.0, high=5.0))))


@number("1.c")
@weight(2)
@twin(1)
def test_estimate(guarded, rng, observe):
    """estimate comes as close as it can."""
    mean, variance = rng.uniform(2, low=2.0, high=5.0).tolist()
    found = guarded.estimate(400, mean, variance)
    observe.band(estimate=found)
    observe.leaderboard(estimate_found=found)


@number("1.d")
@weight(2)
@twin(1)
def test_critic(guarded, rng, observe):
    """Critic computes its logits."""
    critic = guarded.Critic()
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.copy_(rng.normal(*parameter.shape))
    observe(logits=critic(rng.normal(BATCH, 3)))


@number("1.e")
@weight(2)
@twin(1)
def test_loss(guarded, rng, observe):
    """loss is the cross-entropy of both halves."""
    observe(loss=guarded.loss(rng.normal(BATCH), rng.normal(BATCH)))


@number("1.f")
@weight(2)
@twin(1)
def test_descend(guarded, rng, observe):
    """descend takes its steps."""
    weight, x, y = rng.normal(3, 1), rng.normal(BATCH, 3), rng.normal(BATCH, 1)
    observe(weight=guarded.descend(weight, x, y, 0.05, 3))


@number("1.g")
@weight(2)
@twin(1)
def test_nearest(guarded, rng, observe):
    """nearest finds the nearest centres."""
    observe.exact(numbers=guarded.nearest(rng.normal(40, 2), rng.normal(5, 2)))


@number("1.h")
@weight(1)
@visibility("hidden")
def test_private(guarded, rng, observe):
    """energy of many rows."""
    token = "{TOKEN_OF_THE_HIDDEN_GRADER}"
    observe(energy=guarded.energy(rng.normal(len(token), 3)))
'''

VARIANTS = """
[[reading]]
name = "averaged loss"
file = "guarded.py"
old = "F.softplus(-real).mean() + F.softplus(fake).mean()"
new = "0.5 * (F.softplus(-real).mean() + F.softplus(fake).mean())"
accepts = ["1.e"]
says = "The handout does not say whether the two means are summed or averaged."

[[misconception]]
name = "factor one half forgotten"
file = "guarded.py"
old = "0.5 * x.square()"
new = "x.square()"
fails = ["1.a", "1.h"]
says = "The energy has a factor of one half."

[[misconception]]
name = "variance used as standard deviation"
file = "guarded.py"
old = "return sigma_square**0.5 * torch.randn(n)"
new = "return sigma_square * torch.randn(n)"
fails = ["1.b"]
says = "Take the square root of the variance first."

[[misconception]]
name = "ReLU in place of tanh"
file = "guarded.py"
old = "torch.tanh(self.hidden(x))"
new = "torch.relu(self.hidden(x))"
fails = ["1.d"]
says = "The hidden units have a tanh."
"""


def write_guarded_homework(project: Path) -> Homework:
    """Write the homework, its templates and what a project has besides into `project`, which must not exist."""
    reference = project / "reference" / NAME
    graders = project / "tests" / "graders" / NAME
    for folder in (reference, graders):
        folder.mkdir(parents=True)
    (reference / "homework.toml").write_text(DECLARATION)
    (reference / "guarded.py").write_text(REFERENCE)
    (reference / "variants.toml").write_text(VARIANTS)
    (graders / "test_guarded.py").write_text(GRADERS_FILE)
    homework = load_homework(NAME, project)
    write_templates(reference, homework.template, ["guarded.py"])
    for name in ("pyproject.toml", "LICENSE", "setup.sh", "run_autograder"):
        shutil.copyfile(PROJECT / name, project / name)
    return homework
