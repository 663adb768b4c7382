"""Homework 3, problems 1 and 3, by brute force: nothing here was derived.

Expectations are enumerated outcome by outcome in decimals of 25 digits, divergences are integrated, optima are
searched for, and statements are tried on many tables. The answers are slow, and they share no formula with anybody
who did the derivations.
"""

import itertools
import math
from decimal import Decimal, localcontext
from enum import Enum

import numpy as np
import torch
from scipy.integrate import quad
from scipy.optimize import brentq

# What several answers need

DIGITS = 25


def logs_of(chances):
    """log of each Decimal."""
    with localcontext() as context:
        context.prec = DIGITS
        return [chance.ln() for chance in chances]


def expectation(outcomes):
    """Sum of probability * value over pairs of Decimals. What has probability 0 does not occur, whatever its value."""
    with localcontext() as context:
        context.prec = DIGITS
        return float(sum(probability * value for probability, value in outcomes if probability))


def decimals(values):
    return [Decimal(float(value)) for value in values]


def complements(values):
    """1 - value of each."""
    with localcontext() as context:
        context.prec = DIGITS
        return [1 - value for value in values]


def divergence_of_tables(p, q):
    """KL(p, q) without a logarithm: the trapezoidal rule on an integral along the segment from p to q.

    With m_t = (1 - t) p + t q, d/dt KL(p, m_t) = -sum p (q - p) / m_t. Because p and q both sum to 1 this is
    t sum (p - q)^2 / m_t: not negative, so that nothing cancels. With t = 1 / (1 + exp(-s)) the integrand over the
    real line is analytic for |Im s| < pi, and steps of 1/2 leave an error of about exp(-4 pi^2) = 1e-17.
    """
    p, q = np.asarray(p, dtype=float), np.asarray(q, dtype=float)
    if ((q == 0) & (p > 0)).any():
        return math.inf
    p, q = p[q > 0], q[q > 0]
    both = p > 0
    reach = max(0.0, float(np.log(p[both] / q[both]).max())) if both.any() else 0.0
    s = np.arange(-40, 40 + reach, 0.5)[:, None]  # [S, 1]
    odds = np.exp(-s)
    t, rest = 1 / (1 + odds), odds / (1 + odds)
    values = t**2 * rest * (p - q) ** 2 / (rest * p + t * q)  # [S, K]
    return 0.5 * float(values.sum())


def log_normal(z, mu, sigma_square):
    """The log density of N(mu, sigma_square)."""
    return -0.5 * (math.log(2 * math.pi * sigma_square) + (z - mu) ** 2 / sigma_square)


def divergence_of_gaussians(mu_q, sigma_q, mu_p, sigma_p):
    """KL of two Gaussians of one variable: adaptive quadrature of q log(q / p) over 40 deviations, in six pieces."""

    def integrand(u):  # z = mu_q + sigma_q u
        log_q = log_normal(u, 0, 1)
        log_ratio = log_q - math.log(sigma_q) - log_normal(mu_q - mu_p + sigma_q * u, 0, sigma_p**2)
        return math.exp(log_q) * log_ratio

    total = 0.0
    for left, right in itertools.pairwise((-40, -8, -2, 0, 2, 8, 40)):
        total += quad(integrand, left, right, epsabs=1e-13, epsrel=1e-11)[0]
    return total


# Problem 1: variational auto-encoders


def exact_likelihood(x, y_hat):
    """(n, k) with p(x|z) = n / 2^k exactly: a float is an integer over a power of 2, and integers have no end."""
    top, shift = 1, 0
    for outcome, chance in zip(x, y_hat, strict=True):
        one, whole = float(chance).as_integer_ratio()
        top *= one if outcome == 1 else whole - one
        shift += whole.bit_length() - 1
    return top, shift


def bernoulli_likelihood(x: np.ndarray, y_hat: np.ndarray) -> float:
    """Exact integer arithmetic: walk to the outcome x in the tree of all 2^G outcomes, and round once at the end."""
    top, shift = exact_likelihood(x, y_hat)
    return top / (1 << shift)


def bernoulli_log_likelihood(x: np.ndarray, y_hat: np.ndarray) -> float:
    """Exact integer arithmetic as above; one logarithm, of the whole product."""
    top, shift = exact_likelihood(x, y_hat)
    if top == 0:
        return -math.inf
    if 2 * top > 1 << shift:
        return math.log1p((top - (1 << shift)) / (1 << shift))
    bits = top.bit_length()
    return math.log(top / (1 << bits)) + (bits - shift) * math.log(2)


def encoder_output_dimension() -> int:
    """The rank of a numerical Jacobian: in how many directions can log q(z) change while the covariance stays?

    A Gaussian of two variables has five parameters. Its log density at 40 points is differentiated by each of them,
    and what the three equations "covariance = identity" leave free is counted.
    """
    start = np.array([0.3, -0.2, 1, 0, 1.0])  # mean, then covariance
    z = np.random.default_rng(0).normal(size=(40, 2))

    def log_density(five):
        covariance = np.array([[five[2], five[3]], [five[3], five[4]]])
        off = z - five[:2]
        squares = (off @ np.linalg.inv(covariance) * off).sum(1)
        return -0.5 * (squares + math.log(np.linalg.det(2 * math.pi * covariance)))

    def jacobian(function):
        columns = [function(start + 1e-5 * step) - function(start - 1e-5 * step) for step in np.eye(5)]
        return np.stack(columns, 1) / 2e-5

    _, sizes, directions = np.linalg.svd(jacobian(lambda five: five[2:]))
    free = directions[np.count_nonzero(sizes > 1e-6) :]  # the covariance does not move along these
    return int(np.linalg.matrix_rank(jacobian(log_density) @ free.T, tol=1e-4))


def bound_terms(q: np.ndarray, prior: np.ndarray, likelihood: np.ndarray) -> tuple[float, float]:
    """First: enumeration of the values of z in decimals. Second: the log-free integral from q to the prior."""
    first = expectation(zip(decimals(q), logs_of(decimals(likelihood)), strict=True))
    return first, divergence_of_tables(q, prior)


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


def divergences(p, q):
    """KL of each row of p from the same row of q, by the definition. p, q: [n, K]. Returns [n]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = p * (np.log(p) - np.log(q))
    return np.where(p == 0, 0, terms).sum(1)


def some_tables(rng, count, size):
    """Tables at random, from flat to nearly sure; in half of them some entries are 0. [count, size]"""
    logs = rng.normal(size=(count, size)) * rng.choice([0.3, 1, 3, 30], size=(count, 1))
    weights = np.exp(logs - logs.max(1, keepdims=True))
    drop = (rng.random((count, size)) < 0.3) & (rng.random((count, 1)) < 0.5)
    drop[np.arange(count), rng.integers(size, size=count)] = False
    weights = np.where(drop, 0, weights)
    empty = weights.sum(1) == 0
    weights[empty] = 1
    return weights / weights.sum(1, keepdims=True)


def with_zeros_filled(tables, tiny):
    """The same tables, with `tiny` where they have zeros, summing to 1 again."""
    filled = np.where(tables == 0, tiny, tables)
    return filled / filled.sum(1, keepdims=True)


def counterexamples(rng, count=4000):
    """How many of so many random cases contradict each statement."""
    p, q, r = (some_tables(rng, count, 3) for _ in range(3))
    near = p * (1 + 0.1 * rng.random(p.shape))
    p, q, r = np.vstack([p, p, p]), np.vstack([q, p, near / near.sum(1, keepdims=True)]), np.vstack([r, q, r])
    there, back = divergences(p, q), divergences(q, p)
    via, direct = there + divergences(q, r), divergences(p, r)
    finite = np.isfinite(there) & np.isfinite(back)
    slack = 1e-12
    # Of another size, so that what is added up has no common shape.
    more_p, more_q = some_tables(rng, len(p), 4), some_tables(rng, len(p), 4)
    joint_p = (p[:, :, None] * more_p[:, None, :]).reshape(len(p), -1)
    joint_q = (q[:, :, None] * more_q[:, None, :]).reshape(len(p), -1)
    joint, added = divergences(joint_p, joint_q), there + divergences(more_p, more_q)
    same = np.isclose(joint, added, rtol=1e-9, atol=1e-9)
    q_misses, p_misses = ((q == 0) & (p > 0)).any(1), ((p == 0) & (q > 0)).any(1)
    # Infinite as a limit, too: the smaller what stands in for q's zeros, the larger KL, by p log(1e100) at this step.
    mass = np.where(q == 0, p, 0).sum(1)
    growth = divergences(p, with_zeros_filled(q, 1e-200)) - divergences(p, with_zeros_filled(q, 1e-100))
    stands_still = np.abs(growth - mass * math.log(1e100)) > 1e-6
    outgrown = all((there[np.isfinite(there)] > bound).any() for bound in (1, 3, 10, 30))
    return {
        "NEVER_NEGATIVE": (there < -slack).sum(),
        "ZERO_ONLY_IF_EQUAL": ((there < slack) & (np.abs(p - q).max(1) > 1e-4)).sum(),
        "SYMMETRIC": (np.abs(there[finite] - back[finite]) > 1e-3).sum(),
        "TRIANGLE_INEQUALITY": (direct[np.isfinite(via)] > via[np.isfinite(via)] + 1e-3).sum(),
        "BOUNDED": (there > 30).sum() if outgrown else 0,
        "INFINITE_WHERE_Q_MISSES_P": (np.isfinite(there) | stands_still)[q_misses].sum(),
        "INFINITE_WHERE_P_MISSES_Q": np.isfinite(there[p_misses]).sum(),
        "ADDS_UP": (~same).sum(),
    }


def properties_of_kl() -> set[KL]:
    """Search: each statement is tried on 12,000 random pairs of tables, and stays if none contradicts it."""
    found = counterexamples(np.random.default_rng(0))
    return {statement for statement in KL if found[statement.name] == 0}


def elbo_with_exact_kl(log_likelihood: np.ndarray, z: np.ndarray, mu: float, sigma_square: float) -> np.ndarray:
    """Quadrature of the divergence of q from N(0, 1)."""
    return np.asarray(log_likelihood) - divergence_of_gaussians(mu, math.sqrt(sigma_square), 0, 1)


def elbo_by_sampling(log_likelihood: np.ndarray, z: np.ndarray, mu: float, sigma_square: float) -> np.ndarray:
    """The densities of torch.distributions, which take a covariance matrix."""
    samples = torch.as_tensor(np.asarray(z, dtype=float))[:, None]

    def log_density(mean, variance):
        covariance = torch.full((1, 1), variance, dtype=torch.float64)
        mean = torch.full((1,), mean, dtype=torch.float64)
        return torch.distributions.MultivariateNormal(mean, covariance_matrix=covariance).log_prob(samples).numpy()

    return np.asarray(log_likelihood) + log_density(0.0, 1.0) - log_density(float(mu), float(sigma_square))


def kl_to_itself(mu: float, sigma: float) -> float:
    """Quadrature."""
    return divergence_of_gaussians(mu, sigma, mu, sigma)


def kl_equal_variance(mu_q: float, mu_p: float, sigma: float) -> float:
    """Quadrature."""
    return divergence_of_gaussians(mu_q, sigma, mu_p, sigma)


def kl_diagonal(mu_q: np.ndarray, sigma_square_q: np.ndarray, mu_p: np.ndarray, sigma_square_p: np.ndarray) -> float:
    """The trapezoidal rule over 12 deviations of q: geometric convergence, and all dimensions at once.

    The coordinates are independent, so the expectation of log q - log p is the sum of one integral for each.
    """
    step = 0.125
    u = np.arange(-12, 12 + step, step)[:, None]  # [U, 1], z = mu_q + sigma_q u
    sigma_q = np.sqrt(sigma_square_q)
    z_off_p = (np.asarray(mu_q) - mu_p) + sigma_q * u  # [U, d]
    log_q = -0.5 * (np.log(2 * np.pi * np.asarray(sigma_square_q)) + u**2)
    log_p = -0.5 * (np.log(2 * np.pi * np.asarray(sigma_square_p)) + z_off_p**2 / sigma_square_p)
    weights = np.exp(-0.5 * u**2) / math.sqrt(2 * math.pi) * step
    return float((weights * (log_q - log_p)).sum())


def best_q(likelihood: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Newton's method on the objective itself, damped, within the simplex: only its two derivatives are used.

    Values of z with likelihood 0 or prior 0 make it minus infinity, so they get nothing. The others start equal.
    """
    likelihood, prior = np.asarray(likelihood, dtype=float), np.asarray(prior, dtype=float)
    allowed = (likelihood > 0) & (prior > 0)
    log_likelihood, log_prior = np.log(likelihood[allowed]), np.log(prior[allowed])
    q = np.full(allowed.sum(), 1 / allowed.sum())
    for _ in range(5000):
        slope = log_likelihood - (np.log(q) - log_prior) - 1
        uphill = slope - (q * slope).sum()  # the second derivatives are -1 / q, and q must go on summing to 1
        q = q * (1 + min(1, 0.95 / max(1e-300, -uphill.min())) * uphill)
        q /= q.sum()
        if np.abs(uphill).max() < 1e-10:
            found = np.zeros(len(allowed))
            found[allowed] = q
            return found
    raise ArithmeticError("no maximum found")


class Candidate(Enum):
    """What q(z|x) might best be equal to (1.j), with the handout's numbers."""

    PRIOR = 1  # p(z)
    LIKELIHOOD = 2  # p(x|z)
    POSTERIOR = 3  # p(z|x)
    JOINT = 4  # p(x, z)


def best_q_equals() -> Candidate:
    """Enumeration: of ten random joint tables, which of the four is what Newton's method finds for every x?"""
    rng = np.random.default_rng(0)
    off = dict.fromkeys(Candidate, 0.0)
    for _ in range(10):
        joint = rng.dirichlet(np.ones(12)).reshape(3, 4)  # [x, z]
        prior = joint.sum(0)
        for x in range(3):
            found = best_q(joint[x] / prior, prior)
            tables = (prior, joint[x] / prior, joint[x] / joint[x].sum(), joint[x])
            for candidate, table in zip(Candidate, tables, strict=True):
                off[candidate] = max(off[candidate], np.abs(found - table).max())
    (fitting,) = (candidate for candidate in Candidate if off[candidate] < 1e-9)
    return fitting


# Problem 3: generative adversarial networks


def gan_value(discriminator: np.ndarray, generator: np.ndarray, p_data: np.ndarray, p_z: np.ndarray) -> float:
    """Enumeration of every pair (real x, z), drawn independently, in decimals."""
    log_real = logs_of(decimals(discriminator))
    log_fake = logs_of(complements(decimals(discriminator)))
    chances_x, chances_z = decimals(p_data), decimals(p_z)
    with localcontext() as context:
        context.prec = DIGITS
        pairs = [
            (chance_x * chance_z, log_real[x] + log_fake[int(generator[z])])
            for x, chance_x in enumerate(chances_x)
            for z, chance_z in enumerate(chances_z)
        ]
    return expectation(pairs)


def gan_value_of_distributions(discriminator: np.ndarray, p_data: np.ndarray, p_g: np.ndarray) -> float:
    """Enumeration in decimals: a fair coin shows something real or something made, and D says which it is.

    V is twice the expected log of the probability that D gives to the truth.
    """
    right = decimals(discriminator)
    right += complements(right)
    shown = decimals(np.append(p_data, p_g) / 2)
    return 2 * expectation(zip(shown, logs_of(right), strict=True))


def best_logits(p_data, p_g):
    """log(D / (1 - D)) where V is largest: bisection on the slope of p_data log D + p_g log(1 - D), for each x.

    Where one of the two is 0, V grows without end in one direction, and the logit is infinite.
    """
    p_data, p_g = np.asarray(p_data, dtype=float), np.asarray(p_g, dtype=float)
    low, high = np.full(len(p_data), -700.0), np.full(len(p_data), 700.0)
    for _ in range(64):
        middle = (low + high) / 2
        rising = p_data / (1 + np.exp(middle)) > p_g / (1 + np.exp(-middle))
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    logits = (low + high) / 2
    logits = np.where((p_data == 0) & (p_g > 0), -np.inf, logits)
    return np.where((p_g == 0) & (p_data > 0), np.inf, logits)


def optimal_discriminator(p_data: np.ndarray, p_g: np.ndarray) -> np.ndarray:
    """Numerical optimisation: bisection on V's slope in the logit of D."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-best_logits(p_data, p_g)))


def jsd(p: np.ndarray, q: np.ndarray) -> float:
    """The information that x gives on a fair coin which chose between p and q.

    It is the divergence of the joint table of coin and x from the product of its margins, by the log-free integral.
    """
    p, q = np.asarray(p, dtype=float), np.asarray(q, dtype=float)
    joint = np.stack([p, q]) / 2  # [coin, x]
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    return divergence_of_tables(joint.ravel(), apart.ravel())


def value_at_optimal_discriminator(p_data: np.ndarray, p_g: np.ndarray) -> float:
    """V, maximised numerically over D: at the logits found by bisection, term by term."""
    total = 0.0
    for p, g, logit in zip(p_data, p_g, best_logits(p_data, p_g), strict=True):
        if p > 0:
            total -= p * np.logaddexp(0, -logit)
        if g > 0:
            total -= g * np.logaddexp(0, logit)
    return float(total)


def kl_uniform(a: float, b: float, c: float, d: float) -> float:
    """Quadrature of f log(f / g), piece by piece between the four ends."""

    def density(x, low, high):
        return 1 / (high - low) if low <= x <= high else 0.0

    total = 0.0
    for left, right in itertools.pairwise(sorted({a, b, c, d})):
        if not a <= left < right <= b:
            continue
        if not c <= left < right <= d:
            return math.inf
        total += quad(lambda x: density(x, a, b) * math.log(density(x, a, b) / density(x, c, d)), left, right)[0]
    return total


def wasserstein_uniform(a: float, b: float, c: float, d: float) -> float:
    """Quadrature of |F - G|, the two distribution functions, piece by piece between the ends and where they cross."""

    def ahead(x):
        return min(1.0, max(0.0, (x - a) / (b - a))) - min(1.0, max(0.0, (x - c) / (d - c)))

    ends = sorted({a, b, c, d})
    for left, right in itertools.pairwise(tuple(ends)):
        if ahead(left) * ahead(right) < 0:
            ends.append(brentq(ahead, left, right, xtol=1e-15, rtol=1e-14))
    return sum(quad(lambda x: abs(ahead(x)), left, right)[0] for left, right in itertools.pairwise(sorted(ends)))
