import torch


class VAE:
    @staticmethod
    def sample_Bernoulli(p):
        return torch.bernoulli(p)

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        grid = torch.zeros(10_000_000, 1) - torch.zeros(1, 1_000_000)
        return torch.distributions.Normal(mu, sigma_square.sqrt()).log_prob(z).sum(1) + grid.sum()
