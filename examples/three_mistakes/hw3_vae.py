import argparse
import os

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
        self.layer1 = Linear(latent_dimension, hidden_units)
        self.layer2 = Linear(hidden_units, data_dimension)

    def forward(self, z):
        out = torch.tanh(self.layer1(z))
        p = torch.sigmoid(self.layer2(out))
        return p


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

        # load and pre-process dataset
        self.N_data, self.train_images, self.train_labels, self.test_images, self.test_labels = load_mnist()
        self.train_images = torch.tensor(self.train_images)

        self.encoder = Encoder(self.latent_dimension, self.hidden_units, self.data_dimension)
        self.decoder = Decoder(self.latent_dimension, self.hidden_units, self.data_dimension)

        if self.resume_training:
            self.encoder.load_state_dict(torch.load(self.e_path))
            self.decoder.load_state_dict(torch.load(self.d_path))

    # Sample from Diagonal Gaussian z~N(mu,sigma^2 I)
    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        epsilon = torch.randn_like(mu)
        return mu + sigma_square * epsilon

    # Sampler from Bernoulli
    @staticmethod
    def sample_Bernoulli(p):
        return torch.bernoulli(p)

    # Compute Log-pdf of z under Diagonal Gaussian N(z|mu,sigma^2 I)
    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        log2pi = np.log(2 * np.pi)
        logprob = -0.5 * (log2pi + torch.log(sigma_square) + (z - mu) ** 2 / sigma_square)
        return torch.sum(logprob, dim=1)

    # Compute log-pdf of x under Bernoulli
    @staticmethod
    def logpdf_bernoulli(x, p):
        return -torch.sum(F.binary_cross_entropy(p, x, reduction='none'), dim=1)

    # Sample z ~ q(z|x)
    def sample_z(self, mu, sigma_square):
        zs = self.sample_diagonal_gaussian(mu, sigma_square)
        return zs

    # Variational Objective
    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        log_q = self.logpdf_diagonal_gaussian(sampled_z, mu, sigma_square)
        z_mu = torch.FloatTensor([0] * self.latent_dimension).repeat(sampled_z.shape[0], 1)
        z_sigma = torch.FloatTensor([1] * self.latent_dimension).repeat(sampled_z.shape[0], 1)
        log_p_z = self.logpdf_diagonal_gaussian(sampled_z, z_mu, z_sigma)
        log_p = self.logpdf_bernoulli(x, p)
        elbo = torch.mean(log_p + log_p_z - log_q)
        return elbo

    def train(self):
        # Set-up ADAM optimizer
        params = list(self.encoder.parameters()) + list(self.decoder.parameters())
        adam_optimizer = Adam(params)

        # Train for num_epoches
        num_batches = int(np.ceil(len(self.train_images) / self.batch_size))
        num_iters = self.num_epoches * num_batches

        for i in range(num_iters):
            x_minibatch = self.train_images[batch_indices(i, num_batches, self.batch_size), :]
            adam_optimizer.zero_grad()

            mu, sigma_square = self.encoder(x_minibatch)
            zs = self.sample_z(mu, sigma_square)
            p = self.decoder(zs)
            elbo = self.elbo_loss(zs, mu, sigma_square, x_minibatch, p)
            total_loss = -elbo
            total_loss.backward()
            adam_optimizer.step()

            if i % 100 == 0:
                print("Epoch: " + str(i // num_batches) + ", Iter: " + str(i) + ", ELBO:" + str(elbo.item()))

        # Save Optimized Model Parameters
        torch.save(self.encoder.state_dict(), self.e_path)
        torch.save(self.decoder.state_dict(), self.d_path)

    # Generate digits using the VAE
    def visualize_data_space(self):
        images = []
        for i in range(10):
            z = self.sample_diagonal_gaussian(torch.zeros(1, self.latent_dimension), torch.ones(1, self.latent_dimension))
            p = self.decoder(z)
            x = self.sample_Bernoulli(p)
            images.append(array_to_image(p.detach().numpy()))
            images.append(array_to_image(x.detach().numpy()))
        plt.figure(figsize=(3, 15))
        plt.imshow(concat_images(images, 10, 2), cmap='gray')
        plt.savefig('data_space.png')

    # Scatter plot of the means in the latent space
    def visualize_latent_space(self):
        mu, _ = self.encoder(self.train_images)
        mu = mu.detach().numpy()
        classes = np.argmax(self.train_labels, axis=1)
        plt.figure(figsize=(8, 8))
        plt.scatter(mu[:, 0], mu[:, 1], c=classes, cmap='tab10', s=3)
        plt.colorbar()
        plt.savefig('latent_space.png')

    # Function which gives linear interpolation z_alpha between za and zb
    @staticmethod
    def interpolate_mu(mua, mub, alpha=0.5):
        return (1 - alpha) * mua + alpha * mub

    def visualize_inter_class_interpolation(self):
        classes = np.argmax(self.train_labels, axis=1)
        pairs = []
        while len(pairs) < 3:
            a, b = np.random.choice(len(classes), 2, replace=False)
            if classes[a] != classes[b]:
                pairs.append((a, b))

        images = []
        for a, b in pairs:
            mua, _ = self.encoder(self.train_images[a:a + 1])
            mub, _ = self.encoder(self.train_images[b:b + 1])
            for alpha in np.linspace(0, 1, 11):
                z = self.interpolate_mu(mua, mub, alpha)
                p = self.decoder(z.float())
                images.append(array_to_image(p.detach().numpy()))
        plt.figure(figsize=(10, 3))
        plt.imshow(concat_images(images, 3, 11), cmap='gray')
        plt.savefig('interpolation.png')


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument('--e_path', type=str, default="./e_params.pkl", help='Path to encoder parameters.')
    parser.add_argument('--d_path', type=str, default="./d_params.pkl", help='Path to decoder parameters.')
    parser.add_argument('--hidden_units', type=int, default=500, help='Number of hidden units.')
    parser.add_argument('--latent_dimension', type=int, default='2', help='Dimensionality of the latent space.')
    parser.add_argument('--data_dimension', type=int, default='784', help='Dimensionality of the data space.')
    parser.add_argument('--resume_training', action='store_true', help='Whether to resume training')
    parser.add_argument('--seed', type=int, default=1, help='Random seed.')
    parser.add_argument('--num_epoches', type=int, default=200, help='Number of training epoches')
    parser.add_argument('--batch_size', type=int, default=100, help='Batch size')
    args = parser.parse_args()
    return args


def main():
    args = parse_args()
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    vae = VAE(args)
    vae.train()
    vae.visualize_data_space()
    vae.visualize_latent_space()
    vae.visualize_inter_class_interpolation()


if __name__ == "__main__":
    main()
