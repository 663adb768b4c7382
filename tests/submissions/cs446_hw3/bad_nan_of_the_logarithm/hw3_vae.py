import torch


class VAE():

    # Compute log-pdf of x under Bernoulli
    @staticmethod
    def logpdf_bernoulli(x, p):
        logprob = x*torch.log(p) + (1-x)*torch.log(1-p)
        return logprob.sum(axis=-1)
