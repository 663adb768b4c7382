import torch

eps = 0.0001  # avoid nan


class VAE(object):

    @staticmethod
    def logpdf_bernoulli(x, p):
        # Input:
        #   x: samples [batch_size x data_dimension]
        #   p: the probability of the x being 1 [batch_size x data_dimension]
        # Output:
        #   logprob: log-probability of a bernoulli distribution [batch_size]
        on = torch.mul(x, torch.log(p + eps))
        off = torch.mul(1.0 - x, torch.log(1.0 - p + eps))
        return torch.sum(on + off, dim=1)
