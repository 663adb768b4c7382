"""The results of problems 1 and 3, each part with a mistake."""

from enum import Enum
from math import exp, inf, log, pi


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
    product = bernoulli_likelihood(x, y_hat)
    return log(product) if product > 0 else -inf


def bernoulli_likelihood(x, y_hat):
    product = 1.0
    for k, y in zip(x, y_hat):
        product *= y if k == 1 else 1 - y
    return product


encoder_output_dimension = 4  # two means and two variances


def bound_terms(q, prior, likelihood):
    return sum(weighted_log(a, b) for a, b in zip(q, likelihood)), kl(prior, q)


def properties_of_kl():
    return ["SYMMETRIC", "NEVER_NEGATIVE", "ZERO_ONLY_IF_EQUAL", "INFINITE_WHERE_Q_MISSES_P", "ADDS_UP"]


def log_normal(z, mu, var):
    return -(log(2 * pi * var) + (z - mu) ** 2 / var) / 2


def elbo_with_exact_kl(log_likelihood, z, mu, sigma_square):
    return [ll - (sigma_square + mu**2 - 1 - log(sigma_square)) for ll in log_likelihood]


def elbo_by_sampling(log_likelihood, z, mu, sigma_square):
    return [ll - log_normal(s, mu, sigma_square) for ll, s in zip(log_likelihood, z)]


kl_to_itself = 1 / 2


def kl_equal_variance(mu_q, mu_p, sigma):
    return (mu_q - mu_p) ** 2 / (2 * sigma)


def kl_diagonal(mu_q, sigma_square_q, mu_p, sigma_square_p):
    total = 0
    for m, v, n, w in zip(mu_q, sigma_square_q, mu_p, sigma_square_p):
        total += (log(w) - log(v) + v / w + (m - n) ** 2 / w - 1)
    return total


def best_q(likelihood, prior):
    weights = [a * b for a, b in zip(likelihood, prior)]
    return weights


best_q_equals = 4


def gan_value_of_distributions(discriminator, p_data, p_g):
    return sum(weighted_log(a, d) + weighted_log(b, 1 - d) for d, a, b in zip(discriminator, p_data, p_g)) / log(2)


def gan_value(discriminator, generator, p_data, p_z):
    real = sum(weighted_log(p, d) for p, d in zip(p_data, discriminator))
    return real + sum(weighted_log(p, discriminator[x]) for x, p in zip(generator, p_z))


def optimal_discriminator(p_data, p_g):
    return [b / (a + b) for a, b in zip(p_data, p_g)]


def jsd(p, q):
    middle = [(a + b) / 2 for a, b in zip(p, q)]
    return (kl(p, middle) + kl(q, middle)) / 2


def value_at_optimal_discriminator(p_data, p_g):
    return log(4) + 2 * jsd(p_data, p_g)


def kl_uniform(a, b, c, d):
    if c <= a and b <= d:
        return log(d - c) - log(b - a)
    return 0 if a < d and c < b else inf


def wasserstein_uniform(a, b, c, d):
    return (max(b, d) - min(a, c)) / 2
