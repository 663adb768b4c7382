import torch
import numpy as np
import torch.nn as nn
from hw3_utils import load_mnist


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Encoder, self).__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        h = torch.tanh(self.fc1(x))
        return self.fc2_mu(h), torch.exp(self.fc2_sigma(h))


class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Decoder, self).__init__()
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.fc2 = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        return torch.sigmoid(self.fc2(torch.tanh(self.fc1(z))))


class VAE:
    def __init__(self, args):
        self.latent_dimension = args.latent_dimension
        _, self.train_images, self.train_labels, _, _ = load_mnist()
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        l = -0.5 * np.log(2 * np.pi) - 0.5 * torch.log(sigma_square) - 0.5 * (z - mu) ** 2 / sigma_square
        return l.sum(1)

    @staticmethod
    def logpdf_bernoulli(x, p):
        l = x * torch.log(p.clamp(min=1e-9)) + (1 - x) * torch.log((1 - p).clamp(min=1e-9))
        return l.sum(1)

    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        elbo = torch.zeros(1)
        log_q = self.logpdf_diagonal_gaussian(sampled_z, mu, sigma_square)
        log_p_z = self.logpdf_diagonal_gaussian(sampled_z, torch.zeros(mu.shape), torch.ones(mu.shape))
        log_p = self.logpdf_bernoulli(x, p)
        for i in range(len(x)):
            elbo = elbo + (log_p[i] + log_p_z[i] - log_q[i])
        elbo = elbo / len(x)
        return elbo
