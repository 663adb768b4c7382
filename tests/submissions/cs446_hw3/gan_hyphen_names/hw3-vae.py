import torch


class VAE():
    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        eps = torch.randn(mu.shape)
        return mu + eps * sigma_square ** 0.5
