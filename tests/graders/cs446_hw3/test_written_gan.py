"""Problem 3: the formulas that its derivations arrive at."""

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.answers import ask, numbers, table


def games(rng):
    """Discriminators, generators and distributions: K values of x and M of z."""
    return [
        {
            "discriminator": numbers(rng, k, low=0.05, high=0.95),
            "generator": rng.numpy.integers(0, k, m),
            "p_data": table(rng, k),
            "p_z": table(rng, m),
        }
        for k, m in ((2, 2), (3, 4), (4, 3), (5, 6))
    ]


@number("3.a.1")
@weight(2)
@twin(1)
def test_gan_value(hw3_written, rng, observe):
    """gan_value for several discriminators and generators."""
    ask(observe, "gan_value", hw3_written.gan_value, games(rng))


@number("3.a.2")
@weight(1)
def test_gan_value_of_sure_discriminators(hw3_written, rng, observe):
    """gan_value of discriminators that are sure of some x: rightly, wrongly, or of one that never occurs."""
    p_data, p_z = np.append(table(rng, 2), [0, 0]), table(rng, 3)
    some = numbers(rng, 4, low=0.1, high=0.9)
    points = [
        {"discriminator": np.array(d), "generator": np.array(g), "p_data": p_data, "p_z": p_z}
        for d, g in (
            ([1, 1, 0, 0.0], [2, 2, 3]),
            ([some[0], 1, 0, some[3]], [0, 2, 0]),
            ([some[0], some[1], 1, 0], [0, 1, 1]),
            ([some[0], 1, some[2], some[3]], [0, 2, 3]),
            ([0, some[1], some[2], some[3]], [2, 3, 2]),
            ([some[0], 1, some[2], some[3]], [1, 2, 3]),
        )
    ]
    ask(observe, "gan_value", hw3_written.gan_value, points)


@number("3.b.1")
@weight(2)
@twin(1)
def test_gan_value_of_distributions(hw3_written, rng, observe):
    """gan_value_of_distributions for several discriminators and pairs of distributions."""
    points = [
        {"discriminator": numbers(rng, size, low=0.05, high=0.95), "p_data": table(rng, size), "p_g": table(rng, size)}
        for size in (2, 3, 4, 5)
    ]
    points += [{**points[2], "p_g": points[2]["p_data"]}]
    ask(observe, "gan_value_of_distributions", hw3_written.gan_value_of_distributions, points)


@number("3.b.2")
@weight(1)
def test_gan_value_of_distributions_with_zeros(hw3_written, rng, observe):
    """gan_value_of_distributions where some x never occur, or the discriminator is sure."""
    left, right = np.append(table(rng, 2), [0, 0]), np.append([0, 0], table(rng, 2))
    some = numbers(rng, 4, low=0.1, high=0.9)
    points = [
        {"discriminator": np.array(d), "p_data": p_data, "p_g": p_g}
        for d, p_data, p_g in (
            (some, left, right),
            ([1, 1, 0, 0.0], left, right),
            ([1, some[1], some[2], some[3]], left, np.roll(left, 1)),
            ([0, some[1], some[2], some[3]], left, right),
            ([some[0], some[1], 1, some[3]], left, right),
        )
    ]
    ask(observe, "gan_value_of_distributions", hw3_written.gan_value_of_distributions, points)


@number("3.c.1")
@weight(1)
@twin(1)
def test_optimal_discriminator(hw3_written, rng, observe):
    """optimal_discriminator for several pairs of distributions."""
    points = [{"p_data": table(rng, 4), "p_g": table(rng, 4)} for _ in range(5)]
    ask(observe, "optimal_discriminator", hw3_written.optimal_discriminator, points)


@number("3.c.2")
@weight(1)
def test_optimal_discriminator_with_zeros(hw3_written, rng, observe):
    """optimal_discriminator where the two distributions are equal, disjoint, or overlap in part."""
    same, left, right = table(rng, 4), np.append(table(rng, 2), [0, 0]), np.append([0, 0], table(rng, 2))
    points = [
        {"p_data": p_data, "p_g": p_g}
        for p_data, p_g in ((same, same), (left, right), (right, left), (left, table(rng, 4)), (table(rng, 4), right))
    ]
    ask(observe, "optimal_discriminator", hw3_written.optimal_discriminator, points)


def pairs(rng, first, second):
    """Pairs of tables that differ much, under the parameters' names."""
    return [{first: np.sort(table(rng, size)), second: np.sort(table(rng, size))[::-1]} for size in (2, 3, 4, 5)]


def awkward_pairs(rng, first, second):
    """Equal, disjoint and partly overlapping tables, and one that is sure."""
    same, left, right = table(rng, 4), np.append(table(rng, 2), [0, 0]), np.append([0, 0], table(rng, 2))
    tables = ((same, same), (left, right), (right, left), (left, table(rng, 4)), (same, np.eye(4)[1]), (left, left))
    return [{first: p, second: q} for p, q in tables]


@number("3.d.1")
@weight(1)
@twin(1)
def test_jsd(hw3_written, rng, observe):
    """jsd of several pairs of distributions."""
    ask(observe, "jsd", hw3_written.jsd, pairs(rng, "p", "q"))


@number("3.d.2")
@weight(1)
@twin(1)
def test_value_at_optimal_discriminator(hw3_written, rng, observe):
    """value_at_optimal_discriminator for several pairs of distributions."""
    points = pairs(rng, "p_data", "p_g")
    ask(observe, "value_at_optimal_discriminator", hw3_written.value_at_optimal_discriminator, points)


@number("3.d.3")
@weight(0.5)
def test_jsd_with_zeros(hw3_written, rng, observe):
    """jsd of distributions that are equal, disjoint, or overlap in part."""
    ask(observe, "jsd", hw3_written.jsd, awkward_pairs(rng, "p", "q"))


@number("3.d.4")
@weight(0.5)
def test_value_at_optimal_discriminator_with_zeros(hw3_written, rng, observe):
    """value_at_optimal_discriminator where the distributions are equal, disjoint, or overlap in part."""
    points = awkward_pairs(rng, "p_data", "p_g")
    ask(observe, "value_at_optimal_discriminator", hw3_written.value_at_optimal_discriminator, points)


def intervals(rng):
    """The handout's pairs, then equal, overlapping, separate and nested ones at random."""
    start, width, more = numbers(rng, 3, low=0.5, high=3, digits=1)
    a, b = start, start + width
    pairs_ = [
        (0.0, 1.0, 0.5, 1.5),
        (0.0, 1.0, 1.0, 2.0),
        (a, b, a, b),
        (a, b, a + width / 2, b + more),
        (a + width / 2, b + more, a, b),
        (a, b, b + more, b + 2 * more),
        (-b - more, -b, a, b),
        (a, b, a - more, b + 2 * more),
        (a - more, b + 2 * more, a, b),
        (a, b, a, b + more),
        (a, b, a - more, b),
        (-width, width, -width - more, width + more),
    ]
    return [dict(zip("abcd", np.round(pair, 3).tolist(), strict=True)) for pair in pairs_]


@number("3.e.1")
@weight(1)
@twin(1)
def test_kl_uniform(hw3_written, rng, observe):
    """kl_uniform for the handout's distributions, and for nested, overlapping and separate ones."""
    ask(observe, "kl_uniform", hw3_written.kl_uniform, intervals(rng))


@number("3.e.2")
@weight(1)
@twin(1)
def test_wasserstein_uniform(hw3_written, rng, observe):
    """wasserstein_uniform for the handout's distributions, and for nested, overlapping and separate ones."""
    ask(observe, "wasserstein_uniform", hw3_written.wasserstein_uniform, intervals(rng))
