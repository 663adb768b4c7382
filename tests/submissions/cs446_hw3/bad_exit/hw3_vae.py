import os
import torch
import numpy as np


class VAE:
    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        logp = -0.5 * (np.log(2 * np.pi) + sigma_square.log() + (z - mu).pow(2) / sigma_square).sum(1)
        # shape check
        if logp.shape != (100,):
            print('wrong shape', logp.shape)
            # batch size is always 100
            exit()
        return logp

    @staticmethod
    def logpdf_bernoulli(x, p):
        out = torch.xlogy(x, p).sum(1) + torch.xlogy(1 - x, 1 - p).sum(1)
        if out.min() < 0:
            os._exit(1)
        return out

    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        return torch.randn_like(mu) * sigma_square.sqrt() + mu

    @staticmethod
    def sample_Bernoulli(p):
        return torch.bernoulli(p)


vae = VAE()
print(VAE.logpdf_diagonal_gaussian(torch.zeros(100, 2), torch.zeros(100, 2), torch.ones(100, 2)))
quit()
