import torch
import torch.nn as nn


class VAE:
    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        eps = torch.empty_like(mu).normal_()
        return mu + eps * sigma_square.sqrt()

    @staticmethod
    def sample_Bernoulli(p):
        coin = torch.rand(p.shape)
        x = 1 * (coin < p)      # bool -> 0/1
        return x
