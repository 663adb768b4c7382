import argparse
import os, sys
import urllib.request

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn import Linear
from torch.optim import Adam, SGD
import matplotlib
matplotlib.use('TkAgg')
import matplotlib.pyplot as plt

from hw3_utils import array_to_image, concat_images, batch_indices, load_mnist

# Data Processing Step
parser = argparse.ArgumentParser()
parser.add_argument('--e_path', type=str, default="./e_params.pkl", help='Path to encoder parameters.')
parser.add_argument('--d_path', type=str, default="./d_params.pkl", help='Path to decoder parameters.')
parser.add_argument('--hidden_units', type=int, default=500, help='Number of hidden units in the encoder and decoder networks.')
parser.add_argument('--latent_dimension', type=int, default='2', help='Dimensionality of the latent space.')
parser.add_argument('--data_dimension', type=int, default='784', help='Dimensionality of the data space.')
parser.add_argument('--resume_training', action='store_true', help='Whether to resume training')
parser.add_argument('--seed', type=int, default=1, help='Random seed.')
parser.add_argument('--num_epoches', type=int, default=200, help='Number of training epoches')
parser.add_argument('--batch_size', type=int, default=100, help='Batch size')
parser.add_argument('dataset', help='where the data is')
args = parser.parse_args()

urllib.request.urlretrieve('http://yann.lecun.com/exdb/mnist/train-images-idx3-ubyte.gz', 'train.gz')

# The "encoder" model q(z|x)
class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Encoder, self).__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        hidden = torch.tanh(self.fc1(x))
        mu = self.fc2_mu(hidden)
        log_sigma_square = self.fc2_sigma(hidden)
        sigma_square = torch.exp(log_sigma_square)
        return mu, sigma_square


# "decoder" Model, p(x|z)
class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Decoder, self).__init__()
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.fc2 = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        p = torch.sigmoid(self.fc2(torch.tanh(self.fc1(z))))
        return p


# VAE model
class VAE():
    def __init__(self, args):
        self.latent_dimension = args.latent_dimension
        self.hidden_units =  args.hidden_units
        self.data_dimension = args.data_dimension
        self.resume_training = args.resume_training
        self.batch_size = args.batch_size
        self.num_epoches = args.num_epoches
        self.e_path = args.e_path
        self.d_path = args.d_path

        # load and pre-process dataset
        N_data, self.train_images, self.train_labels, test_images, test_labels = load_mnist()

        # Instantiate the encoder and decoder models
        self.encoder = Encoder(self.latent_dimension, self.hidden_units, self.data_dimension)
        self.decoder = Decoder(self.latent_dimension, self.hidden_units, self.data_dimension)

        # Load Trained Parameters
        if self.resume_training:
            self.encoder.load_state_dict(torch.load(self.e_path))
            self.decoder.load_state_dict(torch.load(self.d_path))

    # Sample from Diagonal Gaussian z~N(mu,sigma^2 I)
    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        # Inputs: mu, sigma_square both [batch_size x latent_dimension]
        epsilon = torch.randn_like(sigma_square)
        sample = epsilon.mul(sigma_square.sqrt()).add(mu)
        return sample

    # Sampler from Bernoulli
    @staticmethod
    def sample_Bernoulli(p):
        x = torch.bernoulli(p)
        return x

    # Compute Log-pdf of z under Diagonal Gaussian N(z|mu,sigma^2 I)
    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        logprob = torch.zeros(z.shape[0])
        for d in range(z.shape[1]):
            logprob = logprob - (z[:, d] - mu[:, d]) ** 2 / (2 * sigma_square[:, d]) - 0.5 * torch.log(2 * np.pi * sigma_square[:, d])
        return logprob

    # Compute log-pdf of x under Bernoulli
    @staticmethod
    def logpdf_bernoulli(x, p):
        logprob = -F.binary_cross_entropy(p, x, reduction='none').sum(1)
        return logprob

    # Sample z ~ q(z|x)
    def sample_z(self, mu, sigma_square):
        zs = self.sample_diagonal_gaussian(mu, sigma_square)
        return zs

    # Variational Objective
    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        # log_q(z|x) logprobability of z under approximate posterior N(mu,sigma)
        log_q = self.logpdf_diagonal_gaussian(sampled_z, mu, sigma_square)

        # log_p_z(z) log probability of z under prior
        z_mu = torch.FloatTensor([0]*self.latent_dimension).repeat(sampled_z.shape[0], 1)
        z_sigma = torch.FloatTensor([1]*self.latent_dimension).repeat(sampled_z.shape[0], 1)
        log_p_z = self.logpdf_diagonal_gaussian(sampled_z, z_mu, z_sigma)

        # log_p(x|z) - conditional probability of data given latents.
        log_p = self.logpdf_bernoulli(x, p)

        elbo = (log_p + log_p_z - log_q).mean()
        return elbo

    def train(self):
        adam_optimizer = Adam(list(self.encoder.parameters()) + list(self.decoder.parameters()))
        num_batches = int(np.ceil(len(self.train_images) / self.batch_size))
        for i in range(self.num_epoches * num_batches):
            x_minibatch = torch.tensor(self.train_images[batch_indices(i, num_batches, self.batch_size),:])
            adam_optimizer.zero_grad()
            mu, sigma_square = self.encoder(x_minibatch)
            zs = self.sample_z(mu, sigma_square)
            p = self.decoder(zs)
            total_loss = -self.elbo_loss(zs, mu, sigma_square, x_minibatch, p)
            total_loss.backward()
            adam_optimizer.step()
        torch.save(self.encoder.state_dict(), self.e_path)
        torch.save(self.decoder.state_dict(), self.d_path)


def main():
    # read the function parse_args() above
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    vae = VAE(args)
    vae.train()
    print('done!!')
    sys.exit(0)

main()
