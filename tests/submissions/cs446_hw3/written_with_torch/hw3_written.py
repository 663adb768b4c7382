"""HW3 written part with PyTorch."""

from enum import Enum

import torch
import torch.distributions as D
from torch.distributions import kl_divergence


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


def bernoulli_likelihood(x, y_hat):
    x = torch.tensor(x, dtype=torch.float32)
    y_hat = torch.tensor(y_hat, dtype=torch.float32)
    return torch.prod(y_hat**x * (1 - y_hat) ** (1 - x))


def bernoulli_log_likelihood(x, y_hat):
    return (torch.xlogy(x, y_hat) + torch.xlogy(1 - x, 1 - y_hat)).sum()


def encoder_output_dimension():
    return 2


def bound_terms(q, prior, likelihood):
    q = torch.as_tensor(q)
    first = torch.xlogy(q, torch.as_tensor(likelihood)).sum()
    second = kl_divergence(D.Categorical(probs=q), D.Categorical(probs=torch.as_tensor(prior)))
    return first, second


def properties_of_kl():
    return {KL.NEVER_NEGATIVE, KL.ZERO_ONLY_IF_EQUAL, KL.INFINITE_WHERE_Q_MISSES_P, KL.ADDS_UP}


def elbo_with_exact_kl(log_likelihood, z, mu, sigma_square):
    log_likelihood = torch.tensor(log_likelihood, dtype=torch.float32)
    q = D.Normal(mu, sigma_square**0.5)
    return log_likelihood - kl_divergence(q, D.Normal(0.0, 1.0))


def elbo_by_sampling(log_likelihood, z, mu, sigma_square):
    z = torch.from_numpy(z)
    q = D.Normal(mu, sigma_square**0.5)
    prior = D.Normal(0.0, 1.0)
    return torch.from_numpy(log_likelihood) + prior.log_prob(z) - q.log_prob(z)


def kl_to_itself(mu, sigma):
    return torch.zeros(())


def kl_equal_variance(mu_q, mu_p, sigma):
    return kl_divergence(D.Normal(mu_q, sigma), D.Normal(mu_p, sigma))


def kl_diagonal(mu_q, sigma_square_q, mu_p, sigma_square_p):
    return 0.5 * torch.sum(
        torch.log(sigma_square_p / sigma_square_q) - 1 + (sigma_square_q + (mu_q - mu_p) ** 2) / sigma_square_p
    )


def best_q(likelihood, prior):
    likelihood = torch.tensor(likelihood, dtype=torch.float32)
    prior = torch.tensor(prior, dtype=torch.float32)
    return likelihood * prior / torch.dot(likelihood, prior)


def best_q_equals():
    return Candidate.POSTERIOR


def gan_value(discriminator, generator, p_data, p_z):
    discriminator = torch.tensor(discriminator)
    fake = discriminator[torch.tensor(generator)]
    return torch.xlogy(torch.tensor(p_data), discriminator).sum() + torch.xlogy(torch.tensor(p_z), 1 - fake).sum()


def gan_value_of_distributions(discriminator, p_data, p_g):
    return torch.nansum(p_data * torch.log(discriminator)) + torch.nansum(p_g * torch.log(1 - discriminator))


def optimal_discriminator(p_data, p_g):
    p_data = torch.tensor(p_data, dtype=torch.float32)
    p_g = torch.tensor(p_g, dtype=torch.float32)
    return p_data / (p_data + p_g)


def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum()


def jsd(p, q):
    p = torch.tensor(p, dtype=torch.float32)
    q = torch.tensor(q, dtype=torch.float32)
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2


def value_at_optimal_discriminator(p_data, p_g):
    return 2 * jsd(p_data, p_g) - torch.log(torch.tensor(4.0))


def kl_uniform(a, b, c, d):
    return kl_divergence(D.Uniform(a, b), D.Uniform(c, d))


def wasserstein_uniform(a, b, c, d):
    # inverse cdfs at many quantiles
    t = torch.linspace(0, 1, 100001, dtype=torch.float64)
    return torch.trapezoid(torch.abs(a + (b - a) * t - c - (d - c) * t), t)
