import numpy as np
import torch

PI = torch.tensor(np.pi)


class VAE():
    @staticmethod
    def sample_Bernoulli(p):
        return torch.bernoulli(p)

    @staticmethod
    def logpdf_diagonal_gaussian(z, sigma_square, mu):
        sigma = torch.sqrt(sigma_square)
        exponent = -0.5 * ((z - mu) / sigma) ** 2
        density = torch.exp(exponent) / (sigma * torch.sqrt(2 * PI))
        return torch.log(density).sum(1)
