import torch
import torch.nn as nn
import torch.nn.functional as F
from math import log, pi
from hw3_utils import load_mnist


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        h = torch.tanh(self.fc1(x))
        return self.fc2_mu(h), torch.exp(self.fc2_sigma(h))


class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(latent_dimension, hidden_units), nn.Tanh(), nn.Linear(hidden_units, data_dimension), nn.Sigmoid())

    def forward(self, z):
        return self.net(z)


class VAE:
    def __init__(self, args):
        self.train_images = torch.from_numpy(load_mnist()[1])
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        return -0.5 * (log(2 * pi) + torch.log(sigma_square) + (z - mu) ** 2 / sigma_square).sum(1)

    @staticmethod
    def logpdf_bernoulli(x, p):
        return -F.binary_cross_entropy(p, x, reduction='none').sum(1)

    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        kl = 0.5 * (mu ** 2 + sigma_square - torch.log(sigma_square) - 1).sum(1)
        elbo = self.logpdf_bernoulli(x, p) - kl
        return elbo.mean()
