import numpy as np
import torch
import torch.nn as nn
from torch.optim import Adam
from hw3_utils import batch_indices, load_mnist


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
        self.num_epoches = args.num_epoches
        self.batch_size = args.batch_size
        _, images, _, _, _ = load_mnist()
        self.train_images = torch.from_numpy(images)
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        return mu + torch.sqrt(sigma_square) * torch.randn_like(mu)

    def sample_z(self, mu, sigma_square):
        return self.sample_z(mu, sigma_square)

    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        return -((x - p) ** 2).sum(1).mean()

    def train(self):
        optimizer = Adam(list(self.encoder.parameters()) + list(self.decoder.parameters()))
        num_batches = int(np.ceil(len(self.train_images) / self.batch_size))
        for i in range(self.num_epoches * num_batches):
            x = self.train_images[batch_indices(i, num_batches, self.batch_size)]
            mu, sigma_square = self.encoder(x)
            z = self.sample_z(mu, sigma_square)
            loss = -self.elbo_loss(z, mu, sigma_square, x, self.decoder(z))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
