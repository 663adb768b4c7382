import argparse
import numpy as np
import torch
import torch.nn as nn
import torch.distributions as dist
import hw3_utils as utils


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
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.fc2 = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        return torch.sigmoid(self.fc2(torch.tanh(self.fc1(z))))


class VAE(object):
    def __init__(self, args):
        self.args = args
        N_data, train_images, train_labels, test_images, test_labels = utils.load_mnist()
        print("training data:", N_data, train_images.shape, train_labels.shape)
        assert N_data == train_images.shape[0]
        self.train_images = torch.from_numpy(train_images)
        self.train_labels = torch.from_numpy(train_labels)
        self.test_images = torch.from_numpy(test_images)
        self.prior = dist.Normal(torch.zeros(args.latent_dimension), torch.ones(args.latent_dimension))
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    # I removed @staticmethod because I want to use self in here
    def sample_diagonal_gaussian(self, mu, sigma_square):
        return dist.Normal(mu, sigma_square.sqrt()).rsample()

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        return dist.Independent(dist.Normal(mu, sigma_square.sqrt()), 1).log_prob(z)

    @staticmethod
    def logpdf_bernoulli(x, p):
        return dist.Independent(dist.Bernoulli(probs=p), 1).log_prob(x)

    def sample_z(self, mu, sigma_square):
        return self.sample_diagonal_gaussian(mu, sigma_square)

    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        log_q = self.logpdf_diagonal_gaussian(sampled_z, mu, sigma_square)
        zero, one = torch.zeros(mu.shape), torch.ones(mu.shape)
        log_pz = self.logpdf_diagonal_gaussian(sampled_z, zero, one)
        log_px = self.logpdf_bernoulli(x, p)
        return torch.mean(log_px + log_pz - log_q)

    def train(self):
        opt = torch.optim.Adam([{'params': self.encoder.parameters()}, {'params': self.decoder.parameters()}])
        n = int(np.ceil(len(self.train_images) / self.args.batch_size))
        for i in range(self.args.num_epoches * n):
            x = self.train_images[utils.batch_indices(i, n, self.args.batch_size), :]
            mu, s2 = self.encoder(x)
            z = self.sample_z(mu, s2)
            loss = -self.elbo_loss(z, mu, s2, x, self.decoder(z))
            opt.zero_grad()
            loss.backward()
            opt.step()
        torch.save(self.encoder.state_dict(), self.args.e_path)
        torch.save(self.decoder.state_dict(), self.args.d_path)
