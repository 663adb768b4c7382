import argparse
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn import Linear
from torch.optim import Adam, SGD
import matplotlib.pyplot as plt

from hw3_utils import array_to_image, concat_images, batch_indices, load_mnist


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
        # TODO: deconder layers

    def forward(self, z):
        # TODO: decoder
        pass


# VAE model
class VAE():
    def __init__(self, args):
        self.latent_dimension = args.latent_dimension
        self.hidden_units = args.hidden_units
        self.data_dimension = args.data_dimension
        self.resume_training = args.resume_training
        self.batch_size = args.batch_size
        self.num_epoches = args.num_epoches
        self.e_path = args.e_path
        self.d_path = args.d_path
        self.N_data, self.train_images, self.train_labels, self.test_images, self.test_labels = load_mnist()
        self.encoder = Encoder(self.latent_dimension, self.hidden_units, self.data_dimension)
        self.decoder = Decoder(self.latent_dimension, self.hidden_units, self.data_dimension)

    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        pass

    @staticmethod
    def sample_Bernoulli(p):
        pass

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        pass

    @staticmethod
    def logpdf_bernoulli(x, p):
        pass

    def sample_z(self, mu, sigma_square):
        zs = self.sample_diagonal_gaussian(mu, sigma_square)
        return zs

    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        pass

    def train(self):
        pass

    def visualize_data_space(self):
        # TODO: Sample 10 z from prior
        # TODO: For each z, plot p(x|z)
        # TODO: Sample x from p(x|z)
        # TODO: Concatenate plots into a figure (use the function concat_images)
        # TODO: Save the generated figure and include it in your report
        pass

    def visualize_latent_space(self):
        pass

    @staticmethod
    def interpolate_mu(mua, mub, alpha=0.5):
        pass

    def visualize_inter_class_interpolation(self):
        pass


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument('--e_path', type=str, default="./e_params.pkl")
    parser.add_argument('--d_path', type=str, default="./d_params.pkl")
    parser.add_argument('--hidden_units', type=int, default=500)
    parser.add_argument('--latent_dimension', type=int, default='2')
    parser.add_argument('--data_dimension', type=int, default='784')
    parser.add_argument('--resume_training', action='store_true')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--num_epoches', type=int, default=200)
    parser.add_argument('--batch_size', type=int, default=100)
    args = parser.parse_args()
    return args


def main():
    args = parse_args()
    vae = VAE(args)
    vae.train()


if __name__ == "__main__":
    main()
