import ctypes
import math
import torch


def fast_sum(pointer, n):
    # sum of n floats behind a pointer
    buffer = ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float))
    return sum(buffer[i] for i in range(n))


class VAE:
    @staticmethod
    def sample_Bernoulli(p):
        return torch.bernoulli(p)

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        logp = -torch.log(sigma_square).sum(1) / 2
        logp -= ((z - mu) ** 2 / (2 * sigma_square)).sum(1)
        logp -= z.size(1) * math.log(2 * math.pi) / 2
        return logp

    @staticmethod
    def logpdf_bernoulli(x, p):
        terms = x * torch.log(p) + (1 - x) * torch.log(1 - p)
        rows = [fast_sum(i + 1, terms.shape[1]) for i in range(len(terms))]
        return torch.tensor(rows)
