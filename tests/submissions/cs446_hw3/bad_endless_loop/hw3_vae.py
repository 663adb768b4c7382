import torch


class VAE():
    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        return mu + sigma_square.sqrt() * torch.randn_like(mu)

    @staticmethod
    def interpolate_mu(mua, mub, alpha=0.5):
        z = mua
        a = 0
        while a != alpha + 0.1:
            z = z + 0.1 * (mub - mua)
            a += 0.1
            if a > 100:
                a = 0
        return z
