import numpy as np
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
from hw3_utils import array_to_image, concat_images, batch_indices, load_mnist


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Encoder, self).__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        hidden = torch.tanh(self.fc1(x))
        return self.fc2_mu(hidden), torch.exp(self.fc2_sigma(hidden))


class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Decoder, self).__init__()
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.fc2 = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        return torch.sigmoid(self.fc2(torch.tanh(self.fc1(z))))


class VAE():
    def __init__(self, args):
        self.latent_dimension = args.latent_dimension
        _, self.train_images, self.train_labels, _, _ = load_mnist()
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        eps = torch.randn_like(mu)
        return mu + eps * torch.sqrt(sigma_square)

    @staticmethod
    def sample_Bernoulli(p):
        return torch.bernoulli(p)

    # Generate digits using the VAE
    def visualize_data_space(self):
        plots = []
        # TODO: Sample 10 z from prior
        for i in range(10):
            z = self.sample_diagonal_gaussian(torch.zeros(1, 2), torch.zeros(1, 2))
            # TODO: For each z, plot p(x|z)
            p = self.decoder(z)
            plots.append(array_to_image(p[0].detach().numpy()))
            # TODO: Sample x from p(x|z)
            x = self.sample_Bernoulli(p)
            plots.append(array_to_image(x[0].detach().numpy()))
        # TODO: Concatenate plots into a figure (use the function concat_images)
        fig = concat_images(plots, 10, 2)
        # TODO: Save the generated figure and include it in your report
        plt.imsave('data_space.png', fig, cmap='gray')
