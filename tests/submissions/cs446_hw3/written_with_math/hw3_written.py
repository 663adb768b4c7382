"""HW3 written part, plain Python only."""

import math
from enum import Enum


class KL(Enum):
    NEVER_NEGATIVE = "KL(p, q) >= 0, whatever p and q are"
    ZERO_ONLY_IF_EQUAL = "KL(p, q) = 0 only if p = q"
    SYMMETRIC = "KL(p, q) = KL(q, p), whatever p and q are"
    TRIANGLE_INEQUALITY = "KL(p, r) <= KL(p, q) + KL(q, r), whatever p, q and r are"
    BOUNDED = "there is a number that KL(p, q) never exceeds, whatever p and q are"
    INFINITE_WHERE_Q_MISSES_P = "KL(p, q) is infinite if q gives probability 0 to a value that p can take"
    INFINITE_WHERE_P_MISSES_Q = "KL(p, q) is infinite if p gives probability 0 to a value that q can take"
    ADDS_UP = "for independent pairs, KL(p1 p2, q1 q2) = KL(p1, q1) + KL(p2, q2)"


class Candidate(Enum):
    PRIOR = 1
    LIKELIHOOD = 2
    POSTERIOR = 3
    JOINT = 4


def log(v):
    return math.log(v) if v > 0 else -math.inf


def times_log(p, v):
    """p log v, with 0 log 0 = 0"""
    if p == 0:
        return 0
    return p * log(v)


def kl(p, q):
    total = 0
    for pi, qi in zip(p, q):
        if pi > 0:
            if qi == 0:
                return math.inf
            total += pi * math.log(pi / qi)
    return total


def bernoulli_likelihood(x, y_hat):
    result = 1
    for xj, yj in zip(x, y_hat):
        if xj == 1:
            result *= yj
        else:
            result *= 1 - yj
    return result


def bernoulli_log_likelihood(x, y_hat):
    return sum(log(y) if xj else log(1 - y) for xj, y in zip(x, y_hat))


def encoder_output_dimension():
    return 2


def bound_terms(q, prior, likelihood):
    first = sum(times_log(a, b) for a, b in zip(q, likelihood))
    return [first, kl(q, prior)]


def properties_of_kl():
    return {s for s in KL if s in (KL.NEVER_NEGATIVE, KL.ZERO_ONLY_IF_EQUAL, KL.INFINITE_WHERE_Q_MISSES_P, KL.ADDS_UP)}


def elbo_with_exact_kl(log_likelihood, z, mu, sigma_square):
    divergence = (mu**2 + sigma_square - math.log(sigma_square) - 1) / 2
    return [value - divergence for value in log_likelihood]


def elbo_by_sampling(log_likelihood, z, mu, sigma_square):
    result = []
    for i in range(len(z)):
        log_prior = -z[i] ** 2 / 2 - math.log(2 * math.pi) / 2
        log_q = -((z[i] - mu) ** 2) / (2 * sigma_square) - math.log(2 * math.pi * sigma_square) / 2
        result.append(log_likelihood[i] + log_prior - log_q)
    return result


def kl_to_itself(mu, sigma):
    return 0


def kl_equal_variance(mu_q, mu_p, sigma):
    return (mu_q - mu_p) ** 2 / (2 * sigma**2)


def kl_diagonal(mu_q, sigma_square_q, mu_p, sigma_square_p):
    total = 0
    for m1, v1, m2, v2 in zip(mu_q, sigma_square_q, mu_p, sigma_square_p):
        total += math.log(math.sqrt(v2) / math.sqrt(v1)) + (v1 + (m1 - m2) ** 2) / (2 * v2) - 1 / 2
    return total


def best_q(likelihood, prior):
    products = [a * b for a, b in zip(likelihood, prior)]
    return [v / sum(products) for v in products]


def best_q_equals():
    return Candidate.POSTERIOR


def gan_value(discriminator, generator, p_data, p_z):
    total = 0
    for x in range(len(p_data)):
        total += times_log(p_data[x], discriminator[x])
    for z in range(len(p_z)):
        total += times_log(p_z[z], 1 - discriminator[generator[z]])
    return total


def gan_value_of_distributions(discriminator, p_data, p_g):
    return sum(times_log(p, D) + times_log(g, 1 - D) for D, p, g in zip(discriminator, p_data, p_g))


def optimal_discriminator(p_data, p_g):
    return [p / (p + g) for p, g in zip(p_data, p_g)]


def jsd(p, q):
    m = [(a + b) / 2 for a, b in zip(p, q)]
    return kl(p, m) / 2 + kl(q, m) / 2


def value_at_optimal_discriminator(p_data, p_g):
    return -2 * math.log(2) + 2 * jsd(p_data, p_g)


def kl_uniform(a, b, c, d):
    if c <= a and b <= d:
        return math.log((d - c) / (b - a))
    return math.inf


def wasserstein_uniform(a, b, c, d):
    # |F^-1 - G^-1| goes from |a - c| to |b - d| in a straight line, or crosses 0 on the way
    start, end = a - c, b - d
    if start * end < 0:
        s, e = abs(start), abs(end)
        return (s * s + e * e) / (2 * (s + e))
    return abs(start + end) / 2
