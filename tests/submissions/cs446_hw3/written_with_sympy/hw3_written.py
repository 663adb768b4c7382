"""HW3 written part: the results as I derived them, in SymPy."""

import sympy as sp
from enum import Enum
from sympy import Abs, Max, Min, Piecewise, Rational, exp, log, oo, pi, sqrt


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


# log that knows log 0, and u log v that knows 0 log 0
u, v = sp.symbols("u v")
LOG = Piecewise((log(v), v > 0), (-oo, True))


def ulogv(a, b):
    if a == 0:
        return sp.Integer(0)
    return a * LOG.subs(v, b)


def kl(p, q):
    return sp.Add(*[ulogv(a, a) - ulogv(a, b) for a, b in zip(p, q)])


# 1.a
def bernoulli_likelihood(x, y_hat):
    return sp.prod([y**k * (1 - y) ** (1 - k) for k, y in zip(x, y_hat)])


def bernoulli_log_likelihood(x, y_hat):
    return sum(LOG.subs(v, y if k == 1 else 1 - y) for k, y in zip(x, y_hat))


# 1.b
encoder_output_dimension = sp.Integer(2)


# 1.c
def bound_terms(q, prior, likelihood):
    return sp.Add(*[ulogv(a, b) for a, b in zip(q, likelihood)]), kl(q, prior)


# 1.d
def properties_of_kl():
    return {KL.NEVER_NEGATIVE, KL.ZERO_ONLY_IF_EQUAL, KL.INFINITE_WHERE_Q_MISSES_P, KL.ADDS_UP}


# 1.e
mu, sigma_square = sp.symbols("mu sigma_square")
KL_TO_PRIOR = Rational(1, 2) * (sigma_square + mu**2 - 1 - log(sigma_square))


def elbo_with_exact_kl(log_likelihood, z, mu, sigma_square):
    # mu and sigma_square stay symbols in the divergence
    return sp.Matrix(log_likelihood) - KL_TO_PRIOR * sp.ones(len(log_likelihood), 1)


def gaussian(z, m, s2):
    return exp(-((z - m) ** 2) / (2 * s2)) / sqrt(2 * pi * s2)


def elbo_by_sampling(log_likelihood, z, mu, sigma_square):
    t, m, s = sp.symbols("t m s", positive=True)
    difference = sp.expand_log(log(gaussian(t, 0, 1)) - log(gaussian(t, m, s)), force=True)
    numbers = {m: mu, s: sigma_square}
    return [a + difference.subs(numbers).subs(t, b) for a, b in zip(log_likelihood, z)]


# 1.g
kl_to_itself = sp.S.Zero

# 1.h
mu_q, mu_p = sp.symbols("mu_q mu_p", real=True)
sigma = sp.Symbol("sigma", positive=True)
kl_equal_variance = (mu_q - mu_p) ** 2 / (2 * sigma**2)


def kl_diagonal(mu_q, sigma_square_q, mu_p, sigma_square_p):
    total = sp.Integer(0)
    for m1, s1, m2, s2 in zip(mu_q, sigma_square_q, mu_p, sigma_square_p):
        total += log(s2 / s1) / 2 + (s1 + (m1 - m2) ** 2) / (2 * s2) - Rational(1, 2)
    return total


# 1.i
def best_q(likelihood, prior):
    joint = sp.Matrix(likelihood).multiply_elementwise(sp.Matrix(prior))
    return joint / sum(joint)


# 1.j
def best_q_equals():
    return Candidate.POSTERIOR


# 3.a
def gan_value(discriminator, generator, p_data, p_z):
    real = sum(ulogv(p, D) for p, D in zip(p_data, discriminator))
    fake = sum(ulogv(p, 1 - discriminator[g]) for p, g in zip(p_z, generator))
    return real + fake


# 3.b
def gan_value_of_distributions(discriminator, p_data, p_g):
    return sum(ulogv(p, D) + ulogv(g, 1 - D) for D, p, g in zip(discriminator, p_data, p_g))


# 3.c: the derivative of p log(D) + g log(1 - D) is 0
def optimal_discriminator(p_data, p_g):
    p, g, D = sp.symbols("p g D")
    (best,) = sp.solve(sp.diff(p * log(D) + g * log(1 - D), D), D)
    return sp.Matrix([[best.subs({p: a, g: b}) for a, b in zip(p_data, p_g)]])


# 3.d
def jsd(p, q):
    m = [(a + b) / 2 for a, b in zip(p, q)]
    return Rational(1, 2) * kl(p, m) + Rational(1, 2) * kl(q, m)


def value_at_optimal_discriminator(p_data, p_g):
    return 2 * jsd(p_data, p_g) - log(4)


# 3.e
a, b, c, d = sp.symbols("a b c d", real=True)
kl_uniform = Piecewise((log((d - c) / (b - a)), (c <= a) & (b <= d)), (oo, True))

# both ends move the same way: distance of the middles; otherwise two triangles
left, right = Abs(a - c), Abs(b - d)
wasserstein_uniform = Piecewise(
    (Max(a + b, c + d) / 2 - Min(a + b, c + d) / 2, (a - c) * (b - d) >= 0),
    ((left**2 + right**2) / (2 * (left + right)), True),
)
