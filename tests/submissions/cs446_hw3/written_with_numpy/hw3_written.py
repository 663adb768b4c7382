"""Homework 3, problems 1 and 3: what the derivations arrive at, as code.

The derivations themselves are handed in as text. Here go their results, so that a slip shows before anybody
reads the argument. (1.f asks for an argument alone and has nothing here.)

- Numbers are passed as Python floats, tables and vectors as NumPy arrays. Return a Python number, an array, a
  tensor or a SymPy expression: write it with the library you like.
- SymPy expressions may keep symbols, if these are called as the function's parameters are.
- A table of probabilities has one entry per value that the variable can take; its entries are 0 or more and sum
  to 1. Entries that are 0 do occur: 0 log 0 counts as 0, and where the right answer is infinite, return it
  (math.inf, -math.inf).
- log is the natural logarithm. q is short for q_phi(z|x), the encoder's distribution.
"""

from enum import Enum

import numpy as np


def kl(p, q):
    """KL of two tables."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log(p / q), 0)
    return np.sum(terms)


def log_normal(z, mu, var):
    return -0.5 * np.log(2 * np.pi * var) - (z - mu) ** 2 / (2 * var)

# Problem 1: variational auto-encoders


def bernoulli_likelihood(x: np.ndarray, y_hat: np.ndarray) -> float:
    """p(x|z) of binary data under a decoder with independent Bernoulli outputs (1.a).

    x: [G], zeros and ones
    y_hat: [G], the decoder's output, in 0..1
    """
    return np.prod(y_hat**x * (1 - y_hat) ** (1 - x))


def bernoulli_log_likelihood(x: np.ndarray, y_hat: np.ndarray) -> float:
    """log p(x|z) of the same (1.a): finite for images of many thousand pixels, too.

    x: [G], zeros and ones
    y_hat: [G], in 0..1, the ends included. Minus infinity where x cannot occur.
    """
    with np.errstate(divide="ignore"):
        return np.sum(np.where(x == 1, np.log(y_hat), np.log(1 - y_hat)))


def encoder_output_dimension() -> int:
    """How many numbers the encoder gives for one x, if z is in R^2 and the covariance of q is the identity (1.b)."""
    # only the mean is needed, the covariance is known
    return 2


def bound_terms(q: np.ndarray, prior: np.ndarray, likelihood: np.ndarray) -> tuple[float, float]:
    """The two parts of the lower bound on log p(x), for one x and a z that takes K values (1.c).

    q: [K], the table of q(z|x)
    prior: [K], the table of p(z)
    likelihood: [K], p(x|z) of this one x for each value of z: numbers in 0..1 that need not sum to 1
    Returns (first, second) with bound = first - second, where second is the divergence of q from the prior.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.sum(np.where(q > 0, q * np.log(likelihood), 0))
    return first, kl(q, prior)


class KL(Enum):
    """Statements on the Kullback-Leibler divergence of distributions p, q and r over the same values (1.d)."""

    NEVER_NEGATIVE = "KL(p, q) >= 0, whatever p and q are"
    ZERO_ONLY_IF_EQUAL = "KL(p, q) = 0 only if p = q"
    SYMMETRIC = "KL(p, q) = KL(q, p), whatever p and q are"
    TRIANGLE_INEQUALITY = "KL(p, r) <= KL(p, q) + KL(q, r), whatever p, q and r are"
    BOUNDED = "there is a number that KL(p, q) never exceeds, whatever p and q are"
    INFINITE_WHERE_Q_MISSES_P = "KL(p, q) is infinite if q gives probability 0 to a value that p can take"
    INFINITE_WHERE_P_MISSES_Q = "KL(p, q) is infinite if p gives probability 0 to a value that q can take"
    ADDS_UP = "for independent pairs, KL(p1 p2, q1 q2) = KL(p1, q1) + KL(p2, q2)"


def properties_of_kl() -> set[KL]:
    """Every statement of the list above that holds (1.d), as a set: {KL.ONE, KL.ANOTHER}."""
    return {KL.NEVER_NEGATIVE, KL.ZERO_ONLY_IF_EQUAL, KL.INFINITE_WHERE_Q_MISSES_P, KL.ADDS_UP}


def elbo_with_exact_kl(log_likelihood: np.ndarray, z: np.ndarray, mu: float, sigma_square: float) -> np.ndarray:
    """Estimates of the ELBO as in equation 1, one from each sample of z; the divergence is exact in all of them (1.e).

    Here z is a single number with prior N(0, 1), and q is N(mu, sigma_square).

    log_likelihood: [n], log p(x|z) at each sample
    z: [n], samples of q
    mu, sigma_square: numbers; sigma_square is the variance
    Returns [n].
    """
    kl_term = 0.5 * (sigma_square + mu**2 - 1 - np.log(sigma_square))
    return log_likelihood - kl_term


def elbo_by_sampling(log_likelihood: np.ndarray, z: np.ndarray, mu: float, sigma_square: float) -> np.ndarray:
    """Estimates of the ELBO as in equation 2, one from each sample of z (1.e).

    Arguments and result as above.
    """
    return log_likelihood + log_normal(z, 0, 1) - log_normal(z, mu, sigma_square)


def kl_to_itself(mu: float, sigma: float) -> float:
    """KL(q, q) of the density q = N(mu, sigma^2) of one variable (1.g)."""
    return 0


def kl_equal_variance(mu_q: float, mu_p: float, sigma: float) -> float:
    """KL(q, p) of q = N(mu_q, sigma^2) and p = N(mu_p, sigma^2), densities of one variable (1.h).

    sigma is their common standard deviation.
    """
    return (mu_q - mu_p) ** 2 / (2 * sigma**2)


def kl_diagonal(mu_q: np.ndarray, sigma_square_q: np.ndarray, mu_p: np.ndarray, sigma_square_p: np.ndarray) -> float:
    """KL(q, p) of two Gaussians of d dimensions with diagonal covariances (1.h, in general).

    All arguments: [d]; sigma_square_q and sigma_square_p are the variances on the diagonals.
    """
    log_ratio = np.log(sigma_square_p) - np.log(sigma_square_q)
    return 0.5 * np.sum(log_ratio - 1 + (sigma_square_q + (mu_q - mu_p) ** 2) / sigma_square_p)


def best_q(likelihood: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """The q(z|x) that maximises sum_z q(z|x) log p(x|z) - KL(q(z|x), p(z)) among distributions (1.i).

    likelihood: [K], p(x|z) of one x for each value of z: numbers in 0..1 that need not sum to 1, not all of them 0
    prior: [K], the table of p(z)
    Returns [K]: free of the Lagrange multiplier.
    """
    joint = likelihood * prior
    return joint / joint.sum()


class Candidate(Enum):
    """What q(z|x) might best be equal to (1.j), with the handout's numbers."""

    PRIOR = 1  # p(z)
    LIKELIHOOD = 2  # p(x|z)
    POSTERIOR = 3  # p(z|x)
    JOINT = 4  # p(x, z)


def best_q_equals() -> Candidate:
    """The one of the four that q(z|x) should be equal to (1.j)."""
    return Candidate.POSTERIOR


# Problem 3: generative adversarial networks. Here x takes the values 0, 1, ..., K - 1 and z the values 0, ..., M - 1.
# V is the value of the game: the discriminator wants it to be as large as possible, the generator as small.


def gan_value(discriminator: np.ndarray, generator: np.ndarray, p_data: np.ndarray, p_z: np.ndarray) -> float:
    """V of a discriminator and a generator (3.a).

    discriminator: [K], D(x) for each x: the probability, in 0..1, that x is real
    generator: [M], G(z) for each z: one of the integers 0..K-1
    p_data: [K], the table of the data's distribution
    p_z: [M], the table of the distribution of z
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        real = p_data * np.log(discriminator)
        fake = p_z * np.log(1 - discriminator[generator])
    return np.nansum(real) + np.nansum(fake)


def gan_value_of_distributions(discriminator: np.ndarray, p_data: np.ndarray, p_g: np.ndarray) -> float:
    """V by means of p_g, the distribution of what the generator makes (3.b).

    discriminator: [K], D(x) for each x, in 0..1
    p_data, p_g: [K], tables
    """
    with np.errstate(all="ignore"):
        return np.nansum(p_data * np.log(discriminator)) + np.nansum(p_g * np.log(1 - discriminator))


def optimal_discriminator(p_data: np.ndarray, p_g: np.ndarray) -> np.ndarray:
    """The D that maximises V where the generator is fixed (3.c).

    p_data, p_g: [K], tables. Each x occurs in at least one of them.
    Returns [K].
    """
    return p_data / (p_data + p_g)


def jsd(p: np.ndarray, q: np.ndarray) -> float:
    """The Jensen-Shannon divergence of two tables (3.d).

    p, q: [K]
    """
    m = (p + q) / 2
    return 0.5 * kl(p, m) + 0.5 * kl(q, m)


def value_at_optimal_discriminator(p_data: np.ndarray, p_g: np.ndarray) -> float:
    """V where the discriminator is the optimal one for this p_data and p_g (3.d).

    p_data, p_g: [K], tables
    """
    return 2 * jsd(p_data, p_g) - np.log(4)


def kl_uniform(a: float, b: float, c: float, d: float) -> float:
    """KL(U[a, b], U[c, d]) of two uniform distributions, a < b and c < d (3.e, in general).

    KL(P1, P2) of the handout is kl_uniform(0, 1, 0.5, 1.5).
    """
    if a < c or b > d:
        return np.inf
    return np.log((d - c) / (b - a))


def wasserstein_uniform(a: float, b: float, c: float, d: float) -> float:
    """W1(U[a, b], U[c, d]), the Wasserstein-1 distance of two uniform distributions, a < b and c < d (3.e, in general).

    W1(P1, P2) of the handout is wasserstein_uniform(0, 1, 0.5, 1.5).
    """
    # move the quantile t of one to the quantile t of the other; the distance is linear in t
    left = a - c
    right = b - d
    if left * right >= 0:
        return np.abs(left + right) / 2
    return (left**2 + right**2) / (2 * np.abs(left - right))
