"""The results of problems 1 and 3, each part with a mistake."""

from enum import Enum
from math import exp, inf, log, pi


class Candidate(Enum):
    PRIOR = 1
    LIKELIHOOD = 2
    POSTERIOR = 3
    JOINT = 4


class KL(Enum):
    NEVER_NEGATIVE = 1
    ZERO_ONLY_IF_EQUAL = 2
    SYMMETRIC = 3
    TRIANGLE_INEQUALITY = 4
    BOUNDED = 5
    INFINITE_WHERE_Q_MISSES_P = 6
    INFINITE_WHERE_P_MISSES_Q = 7
    ADDS_UP = 8


def weighted_log(weight, value):
    """weight log value, with 0 log 0 = 0"""
    if weight == 0:
        return 0.0
    return weight * log(value) if value > 0 else -inf


def kl(p, q):
    return sum(weighted_log(a, a) - weighted_log(a, b) for a, b in zip(p, q))


def bernoulli_log_likelihood(x, y_hat):
    return sum(k * log(y) + (1 - k) * log(1 - y) for k, y in zip(x, y_hat))


def bernoulli_likelihood(x, y_hat):
    return exp(bernoulli_log_likelihood(x, y_hat))


encoder_output_dimension = 2  # the mean is all that is left to predict


def bound_terms(q, prior, likelihood):
    return sum(weighted_log(a, b) for a, b in zip(q, likelihood)), kl(q, prior)


def properties_of_kl():
    return ["NEVER_NEGATIV", "ZERO_ONLY_IF_EQUAL", "INFINITE_WHERE_Q_MISSES_P", "ADDS_UP"]


def log_normal(z, mu, var):
    return -(log(2 * pi * var) + (z - mu) ** 2 / var) / 2


def elbo_with_exact_kl(log_likelihood, z, mu, sigma_square):
    return [ll - kl_diagonal([mu], [sigma_square], [0], [1]) for ll in log_likelihood]


def elbo_by_sampling(log_likelihood, z, mu, sigma_square):
    return [ll + log_normal(s, 0, 1) - log_normal(s, mu, sigma_square) for ll, s in zip(log_likelihood, z)]


def kl_to_itself(mu, sigma):
    return None


def kl_equal_variance(mu_q, mu_p, sigma):
    return ((mu_q - mu_p) / sigma) ** 2


def kl_diagonal(mu_q, sigma_square_q, mu_p, sigma_square_p):
    total = 0
    for m, v, n, w in zip(mu_p, sigma_square_p, mu_q, sigma_square_q):
        total += (log(w) - log(v) + v / w + (m - n) ** 2 / w - 1) / 2
    return total


def best_q(likelihood, prior):
    weights = [a * b for a, b in zip(likelihood, prior)]
    return [weight / sum(weights) for weight in weights]


best_q_equals = Candidate.POSTERIR


def gan_value_of_distributions(discriminator, p_data, p_g):
    return sum(weighted_log(a, d) + weighted_log(b, 1 - d) for d, a, b in zip(discriminator, p_data, p_g))


def gan_value(discriminator, generator, p_data, p_z):
    p_g = [0.0] * len(p_data)
    for x, p in zip(generator, p_z):
        p_g[x] += p
    return gan_value_of_distributions(discriminator, p_data, p_g)


def optimal_discriminator(p_data, p_g):
    return [a / (a + b) for a, b in zip(p_data, p_g)]


def jsd(p, q):
    middle = [(a + b) / 2 for a, b in zip(p, q)]
    return (kl(p, middle) + kl(q, middle)) / 2


def value_at_optimal_discriminator(p_data, p_g):
    return -log(4) - 2 * jsd(p_data, p_g)


def kl_uniform(a, b, c, d):
    return log(d - c) - log(b - a)


def wasserstein_uniform(a, b, c, d):
    # sort both into the same order and see how far each grain has to go
    start, end = c - a, d - b
    return abs(start + end) / 2
    crossing = start / (start - end)
    return abs(start) * crossing / 2 + abs(end) * (1 - crossing) / 2
