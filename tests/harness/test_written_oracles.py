"""The reference's closed forms for problems 1 and 3 agree with oracles that share no formula with them.

The oracles are a submission, cs446_hw3/written_by_oracles: integration, enumeration, search and optimisation.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from torch import distributions

PROJECT = Path(__file__).resolve().parents[2]
POINTS = 1000
RELATIVE = 1e-6

Array = np.ndarray[Any, np.dtype[np.float64]]
Generator = np.random.Generator
Point = Mapping[str, Any]


def load(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PROJECT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = load("written_reference", "reference/cs446_hw3/hw3_written.py")
ORACLES = load("written_oracles", "tests/submissions/cs446_hw3/written_by_oracles/hw3_written.py")

# Points. Each function takes the point's index, so that every kind comes up equally often among the 1,000.


def table(rng: Generator, size: int, spread: float = 1.0) -> Array:
    """[size], entries above 0 that sum to 1; their logarithms deviate by `spread`."""
    weights: Array = np.exp(spread * rng.normal(size=size))
    weights /= weights.sum()
    return weights


def with_zeros(rng: Generator, some: Array) -> Array:
    """The same table with some entries 0, though never all."""
    keep = rng.random(len(some)) < 0.6
    keep[rng.integers(len(some))] = True
    left: Array = np.where(keep, some, 0)
    left /= left.sum()
    return left


def table_pair(rng: Generator, index: int) -> tuple[Array, Array]:
    """Two tables: plain, equal, disjoint, with zeros, sure, nearly equal, long, or with entries down to about 1e-40."""
    size = int(rng.integers(2, 9))
    p, q = table(rng, size), table(rng, size)
    kind = index % 10
    if kind == 2:
        return p, p.copy()
    if kind == 3:
        return np.append(p, np.zeros(size)), np.append(np.zeros(size), q)
    if kind == 4:
        return with_zeros(rng, p), with_zeros(rng, q)
    if kind == 5:
        return with_zeros(rng, p), q
    if kind == 6:
        return (np.eye(size)[rng.integers(size)], q) if index % 20 < 10 else (p, np.eye(size)[rng.integers(size)])
    if kind == 7:
        near = p * (1 + 1e-3 * rng.normal(size=size))
        return p, near / near.sum()
    if kind == 8:
        size = int(rng.integers(200, 600))
        return table(rng, size), table(rng, size)
    if kind == 9:
        return table(rng, size, 30), table(rng, size, 30)
    return p, q


def pair_called(first: str, second: str) -> Callable[[Generator, int], Point]:
    return lambda rng, index: dict(zip((first, second), table_pair(rng, index), strict=True))


def pair_without_gaps(rng: Generator, index: int) -> Point:
    """As above; each value occurs in at least one of the tables."""
    p, q = table_pair(rng, index)
    return {"p_data": p[p + q > 0], "p_g": q[p + q > 0]}


def some_chances(rng: Generator, size: int, index: int) -> Array:
    """[size] in 0..1: ordinary; in a third of the cases some are 0 or 1, in another they are very close to it."""
    chances = rng.uniform(0.01, 0.99, size)
    if index % 3:
        ends = rng.integers(0, 2, size).astype(float) if index % 3 == 1 else rng.choice([1e-9, 1 - 1e-9], size)
        chances = np.where(rng.random(size) < 0.3, ends, chances)
    return chances


def binary_data(rng: Generator, index: int) -> Point:
    """x and y_hat: short or long; ordinary, nearly sure, rightly sure, or sure where it may be wrong."""
    pixels = int(rng.integers(784, 2000) if index % 20 == 0 else rng.integers(1, 25))
    x, y_hat = rng.integers(0, 2, pixels).astype(float), rng.uniform(0.01, 0.99, pixels)
    kind = index % 7
    if kind == 1:
        y_hat = np.where(rng.random(pixels) < 0.5, x, y_hat)
    if kind == 2:
        y_hat = x.copy()
    if kind == 3:
        y_hat = np.where(rng.random(pixels) < 0.2, rng.integers(0, 2, pixels), y_hat)
    if kind == 4:
        y_hat = np.abs(x - rng.choice([1e-3, 1e-9, 1e-15], pixels))
    if kind == 5:
        y_hat = np.abs(1 - x - rng.choice([1e-3, 1e-9, 1e-12], pixels))
    return {"x": x, "y_hat": y_hat}


def encoder_and_model(rng: Generator, index: int) -> Point:
    q, prior = table_pair(rng, index)
    likelihood = some_chances(rng, len(q), index)
    return {"q": q, "prior": prior, "likelihood": likelihood * 1e-200 if index % 11 == 0 else likelihood}


def variance(rng: Generator, index: int) -> float:
    """Ordinary in half of the cases, else anything from 1e-6 to 1e6."""
    return float(rng.uniform(0.2, 4) if index % 2 else 10 ** rng.uniform(-6, 6))


def samples_of_q(rng: Generator, index: int) -> Point:
    mu, sigma_square = float(rng.normal() * rng.choice([1, 30])), variance(rng, index)
    if index % 9 == 0:
        mu, sigma_square = 0.0, 1.0
    if index % 9 == 1:
        mu, sigma_square = 1e-3, 1.001
    n = 1000 if index % 50 == 2 else int(rng.integers(1, 9))
    log_likelihood = rng.uniform(-200, 0, n) if index % 9 != 2 else np.where(rng.random(n) < 0.5, -np.inf, 0)
    z = mu + math.sqrt(sigma_square) * rng.normal(size=n)
    return {"log_likelihood": log_likelihood, "z": z, "mu": mu, "sigma_square": sigma_square}


def one_gaussian(rng: Generator, index: int) -> Point:
    return {"mu": float(rng.normal() * rng.choice([0, 1, 100])), "sigma": math.sqrt(variance(rng, index))}


def two_means(rng: Generator, index: int) -> Point:
    mu_q, mu_p = (float(rng.normal() * rng.choice([1, 100])) for _ in range(2))
    return {
        "mu_q": mu_q,
        "mu_p": mu_q if index % 7 == 0 else mu_q + 0.01 if index % 7 == 1 else mu_p,
        "sigma": math.sqrt(variance(rng, index)),
    }


def diagonal_gaussians(rng: Generator, index: int) -> Point:
    """Variances and means alike, apart or equal; of one to eight dimensions, or of hundreds."""
    size = int(rng.integers(100, 500) if index % 20 == 0 else rng.integers(1, 9))
    mu_q, mu_p = 3 * rng.normal(size=(2, size))
    variance_q, variance_p = (np.array([variance(rng, index) for _ in range(size)]) for _ in range(2))
    kind = index % 7
    if kind in (1, 3):
        mu_p = mu_q.copy()
    if kind in (2, 3):
        variance_p = variance_q.copy()
    if kind == 4:
        mu_p, variance_p = mu_q + 1e-2 * np.sqrt(variance_q), variance_q * 1.01
    return {"mu_q": mu_q, "sigma_square_q": variance_q, "mu_p": mu_p, "sigma_square_p": variance_p}


def model(rng: Generator, index: int) -> Point:
    """Likelihood and prior, not both of them 0 everywhere: ordinary, with zeros, constant, tiny, far apart, or long."""
    kind = index % 8
    size = int(rng.integers(100, 400) if kind == 7 else rng.integers(1, 9))
    prior, likelihood = table(rng, size), rng.uniform(0.01, 1, size)
    if kind == 1:
        prior = with_zeros(rng, prior)
    if kind == 2:
        likelihood = with_zeros(rng, likelihood)
    if kind == 3:
        prior = np.eye(size)[rng.integers(size)]
    if kind == 4:
        likelihood = np.full(size, likelihood[0]) if index % 16 < 8 else likelihood
        prior = np.full(size, 1 / size) if index % 16 >= 8 else prior
    if kind == 5:
        likelihood = likelihood * 10.0 ** -rng.integers(10, 250)
    if kind == 6:
        likelihood, prior = np.exp(-rng.uniform(0, 300, size)), table(rng, size, 10)
    return {"likelihood": likelihood, "prior": prior}


def game(rng: Generator, index: int) -> Point:
    k, m = rng.integers(40, 60, 2) if index % 20 == 0 else rng.integers(2, 8, 2)
    p_data, p_z = table(rng, k), table(rng, m)
    return {
        "discriminator": some_chances(rng, k, index // 2),
        "generator": rng.integers(0, k, m),
        "p_data": with_zeros(rng, p_data) if index % 2 else p_data,
        "p_z": with_zeros(rng, p_z) if index % 4 == 0 else p_z,
    }


def game_of_distributions(rng: Generator, index: int) -> Point:
    p_data, p_g = table_pair(rng, index)
    return {"discriminator": some_chances(rng, len(p_data), index // 10), "p_data": p_data, "p_g": p_g}


def intervals(rng: Generator, index: int) -> Point:
    """Overlapping, equal, nested (also with a common end or centre), touching, apart, nearly equal, tiny in huge."""
    start, width, more, less = rng.normal() * 5, *rng.uniform(0.1, 4, 3)
    end = start + width
    kinds = (
        (start, end, start + width * rng.random(), end + more),
        (start + width * rng.random(), end + more, start, end),
        (start, end, start, end),
        (start, end, start - more, end + less),
        (start - more, end + less, start, end),
        (start, end, start, end + more),
        (start, end, start - more, end),
        (start, end, start - more, end + more),
        (start, end, end, end + more),
        (end + more, end + more + less, start, end),
        (start, end, start - 1e-3, end + 1e-3),
        (start, start + 1e-4, start - 1e4, start + 1e4),
        (start, end, *sorted(rng.normal(size=2) * 5)),
    )
    return dict(zip("abcd", map(float, kinds[index % len(kinds)]), strict=True))


POINTS_OF: Mapping[str, Callable[[Generator, int], Point]] = {
    "bernoulli_likelihood": binary_data,
    "bernoulli_log_likelihood": binary_data,
    "bound_terms": encoder_and_model,
    "elbo_with_exact_kl": samples_of_q,
    "elbo_by_sampling": samples_of_q,
    "kl_to_itself": one_gaussian,
    "kl_equal_variance": two_means,
    "kl_diagonal": diagonal_gaussians,
    "best_q": model,
    "gan_value": game,
    "gan_value_of_distributions": game_of_distributions,
    "optimal_discriminator": pair_without_gaps,
    "jsd": pair_called("p", "q"),
    "value_at_optimal_discriminator": pair_called("p_data", "p_g"),
    "kl_uniform": intervals,
    "wasserstein_uniform": intervals,
}

# What is below `floor` / RELATIVE in size is compared absolutely, with `floor`.
# Sums whose terms cancel: up to 2,000 terms of size about 1 carry up to 1e-16 each.
FLOOR_OF_SUMS = 1e-12
# Products and quotients of numbers >= 0 cancel nothing: relative down to where doubles lose digits (2e-308).
FLOOR_OF_PRODUCTS = 1e-300
FLOORS = dict.fromkeys(("bernoulli_likelihood", "best_q", "optimal_discriminator"), FLOOR_OF_PRODUCTS)


def deviation(found: Any, right: Any, floor: float) -> float:
    """The largest |found - right| / |right|, or relative to floor / RELATIVE where |right| is smaller than that.

    Infinite where the shapes differ, something is no number, or one of the two alone is infinite.
    """
    a, b = np.asarray(found, dtype=float), np.asarray(right, dtype=float)
    if a.shape != b.shape or np.isnan(a).any() or np.isnan(b).any() or ((np.isinf(a) | np.isinf(b)) & (a != b)).any():
        return math.inf
    scale = np.maximum(np.abs(b), floor / RELATIVE)
    with np.errstate(invalid="ignore"):
        apart = np.where(a == b, 0.0, np.abs(a - b) / scale)
    return float(apart.max())


@functools.cache
def answered(name: str) -> tuple[tuple[Point, Any], ...]:
    """1,000 points, and what the oracle says."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    points = [POINTS_OF[name](rng, index) for index in range(POINTS)]
    return tuple((point, getattr(ORACLES, name)(**point)) for point in points)


def deviations(name: str, function: Callable[..., Any]) -> list[float]:
    """How far a function is from the oracle at each of the points. What it divides by 0 on the way is its affair."""
    floor = FLOORS.get(name, FLOOR_OF_SUMS)
    with np.errstate(all="ignore"):
        return [deviation(function(**point), right, floor) for point, right in answered(name)]


@pytest.mark.parametrize("name", POINTS_OF)
def test_reference_agrees_with_the_oracle(name: str) -> None:
    reference = getattr(REFERENCE, name)
    apart = deviations(name, reference)
    worst = int(np.argmax(apart))
    if apart[worst] > RELATIVE:
        point, right = answered(name)[worst]
        shown = "\n".join(f"    {argument} = {value!r}" for argument, value in point.items())
        pytest.fail(
            f"{name} at {sum(one > RELATIVE for one in apart)} of {POINTS} points; the worst, {apart[worst]:.2g} apart,"
            f" is point {worst}:\n{shown}\n  reference: {reference(**point)!r}\n  oracle: {right!r}",
            pytrace=False,
        )


@pytest.mark.parametrize("name", POINTS_OF)
def test_a_slip_is_caught(name: str) -> None:
    """The same comparison refuses the reference's formula times 1.00001; plus 1e-5 where the value is always 0."""
    reference = getattr(REFERENCE, name)

    def slipped(**point: Any) -> Array:
        value = np.asarray(reference(**point))
        return value + 1e-5 if name == "kl_to_itself" else value * 1.00001

    assert sum(one > RELATIVE for one in deviations(name, slipped)) > POINTS // 3


@pytest.mark.parametrize(
    ("found", "right"),
    [
        (1.0, math.inf),
        (math.inf, 1.0),
        (math.inf, -math.inf),
        (math.nan, 0.0),
        (0.0, math.nan),
        ([1.0], 1.0),
        ([0.0, -math.inf], [0.0, 0.0]),
        ([0.0, 1.0], [0.0, math.inf]),
    ],
)
def test_infinities_and_shapes_are_compared(found: Any, right: Any) -> None:
    assert deviation(found, right, FLOOR_OF_SUMS) == math.inf
    assert deviation(right, found, FLOOR_OF_SUMS) == math.inf
    assert deviation(math.inf, math.inf, FLOOR_OF_SUMS) == 0


# Mistakes that are made.
MISTAKES: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "divergence of the prior from q": (
        "bound_terms",
        lambda q, prior, likelihood: (
            REFERENCE.bound_terms(q, prior, likelihood)[0],
            REFERENCE.bound_terms(prior, q, likelihood)[1],
        ),
    ),
    "half of it": ("kl_to_itself", lambda mu, sigma: 0.5),
    "deviation for variance": ("kl_equal_variance", lambda mu_q, mu_p, sigma: (mu_q - mu_p) ** 2 / (2 * sigma)),
    "the other order": (
        "kl_diagonal",
        lambda mu_q, sigma_square_q, mu_p, sigma_square_p: REFERENCE.kl_diagonal(
            mu_p, sigma_square_p, mu_q, sigma_square_q
        ),
    ),
    "likelihood alone": ("best_q", lambda likelihood, prior: likelihood / likelihood.sum()),
    "the generator's other loss": (
        "gan_value",
        lambda discriminator, generator, p_data, p_z: (
            np.log(discriminator) @ p_data - np.log(discriminator[generator]) @ p_z
        ),
    ),
    "the fake ones' share": ("optimal_discriminator", lambda p_data, p_g: p_g / (p_data + p_g)),
    "no half": ("jsd", lambda p, q: 2 * REFERENCE.jsd(p, q)),
    "log 2 once": ("value_at_optimal_discriminator", lambda p_data, p_g: 2 * REFERENCE.jsd(p_data, p_g) - math.log(2)),
    "finite where they overlap": ("kl_uniform", lambda a, b, c, d: math.log((d - c) / (b - a))),
    "distance of the centres": ("wasserstein_uniform", lambda a, b, c, d: abs(a + b - c - d) / 2),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_caught(mistake: str) -> None:
    name, function = MISTAKES[mistake]
    assert sum(one > RELATIVE for one in deviations(name, function)) > POINTS // 10


def test_choices_agree_with_the_search() -> None:
    assert REFERENCE.encoder_output_dimension() == ORACLES.encoder_output_dimension()
    assert REFERENCE.best_q_equals().name == ORACLES.best_q_equals().name
    statements = {statement.name for statement in REFERENCE.properties_of_kl()}
    assert statements == {statement.name for statement in ORACLES.properties_of_kl()}
    assert [statement.name for statement in REFERENCE.KL] == [statement.name for statement in ORACLES.KL]


@pytest.mark.parametrize("seed", range(5))
def test_statements_on_kl_by_random_tables(seed: int) -> None:
    """A false statement has counterexamples among 12,000 pairs, and a true one none, whatever the seed."""
    true = {statement.name for statement in REFERENCE.properties_of_kl()}
    for statement, count in ORACLES.counterexamples(np.random.default_rng(seed)).items():
        assert count == 0 if statement in true else count >= 10, f"{statement}: {count} counterexamples"


WRONG_DIVERGENCES: Mapping[str, Callable[[Array, Array], Array]] = {
    "NEVER_NEGATIVE": lambda p, q: (p - q).max(1) - 0.1,
    "ZERO_ONLY_IF_EQUAL": lambda p, q: np.zeros(len(p)),
    "INFINITE_WHERE_Q_MISSES_P": lambda p, q: np.abs(p - q).sum(1),
    "ADDS_UP": lambda p, q: ((p - q) ** 2).sum(1),
}


@pytest.mark.parametrize("statement", WRONG_DIVERGENCES)
def test_the_search_would_find_a_counterexample(statement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For another measure than KL, each of the true statements is contradicted."""
    monkeypatch.setattr(ORACLES, "divergences", WRONG_DIVERGENCES[statement])
    assert ORACLES.counterexamples(np.random.default_rng(0))[statement] >= 10


def test_oracles_agree_with_libraries() -> None:
    """Where a library knows the answer, it is the oracle's: a third opinion."""
    rng = np.random.default_rng(0)

    def tensor(values: Any) -> torch.Tensor:
        return torch.as_tensor(values, dtype=torch.float64)

    for _ in range(50):
        p, q = table(rng, 5), table(rng, 5)
        categorical = distributions.kl_divergence(
            distributions.Categorical(tensor(p)), distributions.Categorical(tensor(q))
        )
        means, deviations_ = rng.normal(size=(2, 3)), rng.uniform(0.3, 3, (2, 3))
        gaussians = [
            distributions.Independent(distributions.Normal(tensor(mean), tensor(sigma)), 1)
            for mean, sigma in zip(means, deviations_, strict=True)
        ]
        low, outer = sorted(rng.uniform(0, 1, 2)), sorted(rng.uniform(1, 2, 2))
        uniforms = (distributions.Uniform(-low[0], low[1]), distributions.Uniform(-outer[0], outer[1]))
        variances = deviations_**2
        opinions = {
            "bound_terms": (ORACLES.bound_terms(p, q, p)[1], categorical),
            "jsd": (ORACLES.jsd(p, q), jensenshannon(p, q) ** 2),
            "kl_diagonal": (
                ORACLES.kl_diagonal(means[0], variances[0], means[1], variances[1]),
                distributions.kl_divergence(*gaussians),
            ),
            "kl_equal_variance": (
                ORACLES.kl_equal_variance(means[0, 0], means[1, 0], deviations_[0, 0]),
                distributions.kl_divergence(
                    *(distributions.Normal(tensor(mean), tensor(deviations_[0, 0])) for mean in means[:, 0])
                ),
            ),
            "kl_uniform": (
                ORACLES.kl_uniform(-low[0], low[1], -outer[0], outer[1]),
                distributions.kl_divergence(*uniforms),
            ),
        }
        for name, (oracle, library) in opinions.items():
            assert deviation(float(oracle), float(library), FLOOR_OF_SUMS) < RELATIVE, name
