import torch
import math


class VAE():
    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        return mu + torch.sqrt(sigma_square) * torch.randn_like(mu)

    @staticmethod
    def sample_Bernoulli(p):
        return torch.distributions.Bernoulli(p).sample()

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        a = math.log(2 * math.pi) * z.shape[1]
        b = torch.log(sigma_square).sum(dim=-1)
        c = ((z - mu) ** 2 / sigma_square).sum(dim=-1)
        return -(a + b + c) / 2

    @staticmethod
    def logpdf_bernoulli(x, p):
        p = p.clamp(1e-6, 1 - 1e-6)
        logprob = x * p.log() + (1 - x) * (1 - p).log()
        return logprob
