import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from hw3_utils import array_to_image, concat_images, batch_indices, load_mnist

log2pi = np.log(2 * np.pi)


class VAE():
    # Sample from Diagonal Gaussian z~N(mu,sigma^2 I)
    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        # Inputs: mu, sigma_square both [batch_size x latent_dimension]
        eps = torch.from_numpy(np.random.randn(*mu.shape))
        sample = mu + torch.sqrt(sigma_square) * eps
        return sample

    @staticmethod
    def sample_Bernoulli(p):
        u = torch.rand(p.shape)
        return torch.where(u < p, torch.ones_like(p), torch.zeros_like(p))

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        return (-0.5 * log2pi - 0.5 * torch.log(sigma_square) - (z - mu) ** 2 / (2 * sigma_square)).sum(axis=1)
