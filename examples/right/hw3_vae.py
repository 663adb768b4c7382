"""A right solution, built otherwise than the reference: networks as nn.Sequential, log-densities as squared distances
and cross-entropies of other kinds, a decoder with two hidden layers, subplots in place of one large image."""

import argparse
import itertools
import math
import random

import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.nn.functional as F

from hw3_utils import array_to_image, load_mnist


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(data_dimension, hidden_units), nn.Tanh())
        self.mu = nn.Linear(hidden_units, latent_dimension)
        self.log_sigma_square = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        h = self.body(x)
        return self.mu(h), self.log_sigma_square(h).exp()


class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        # "two hidden layers ...: tanh after the first layer and sigmoid after the second", then one probability per pixel
        self.hidden = nn.Sequential(
            nn.Linear(latent_dimension, hidden_units),
            nn.Tanh(),
            nn.Linear(hidden_units, hidden_units),
            nn.Sigmoid(),
        )
        self.pixels = nn.Sequential(nn.Linear(hidden_units, data_dimension), nn.Sigmoid())

    def forward(self, z):
        return self.pixels(self.hidden(z))


class VAE:
    def __init__(self, args):
        for name, value in vars(args).items():
            setattr(self, name, value)
        _, images, one_hot, _, _ = load_mnist()
        self.train_images = torch.from_numpy(images)
        self.train_labels = torch.from_numpy(one_hot)
        self.encoder = Encoder(self.latent_dimension, self.hidden_units, self.data_dimension)
        self.decoder = Decoder(self.latent_dimension, self.hidden_units, self.data_dimension)
        if self.resume_training:
            self.encoder.load_state_dict(torch.load(self.e_path))
            self.decoder.load_state_dict(torch.load(self.d_path))

    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        sigma = torch.sqrt(sigma_square)
        return torch.randn(mu.shape) * sigma + mu

    @staticmethod
    def sample_Bernoulli(p):
        return torch.where(torch.rand(p.shape) < p, 1.0, 0.0)

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        log_normaliser = 0.5 * (2 * math.pi * sigma_square).log()
        squared_distance = (z - mu) ** 2 / (2 * sigma_square)
        return -(squared_distance + log_normaliser).sum(dim=-1)

    @staticmethod
    def logpdf_bernoulli(x, p):
        # log p where x is 1, log(1 - p) where x is 0; kept away from log 0
        smallest = 1e-12
        log_p = p.clamp(min=smallest).log()
        log_not_p = (1 - p).clamp(min=smallest).log()
        return (x * log_p + (1 - x) * log_not_p).sum(dim=-1)

    def sample_z(self, mu, sigma_square):
        return self.sample_diagonal_gaussian(mu, sigma_square)

    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        reconstruction = self.logpdf_bernoulli(x, p)
        prior = self.logpdf_diagonal_gaussian(sampled_z, torch.zeros_like(mu), torch.ones_like(mu))
        posterior = self.logpdf_diagonal_gaussian(sampled_z, mu, sigma_square)
        return (reconstruction + prior - posterior).mean()

    def train(self):
        parameters = itertools.chain(self.encoder.parameters(), self.decoder.parameters())
        optimizer = torch.optim.Adam(parameters)
        for epoch in range(self.num_epoches):
            for x in self.train_images[torch.randperm(len(self.train_images))].split(self.batch_size):
                mu, sigma_square = self.encoder(x)
                z = self.sample_z(mu, sigma_square)
                loss = -self.elbo_loss(z, mu, sigma_square, x, self.decoder(z))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            print(f"epoch {epoch + 1}: ELBO {-loss.item():.2f}")
        torch.save(self.encoder.state_dict(), self.e_path)
        torch.save(self.decoder.state_dict(), self.d_path)

    def _draw(self, rows, name):
        """Rows of vectors of 784 grey values, each as an image of its own."""
        figure, axes = plt.subplots(len(rows), len(rows[0]), figsize=(len(rows[0]), len(rows)))
        for row, line in zip(rows, axes):
            for vector, ax in zip(row, line):
                ax.imshow(array_to_image(vector), cmap="gray", vmin=0, vmax=1)
                ax.axis("off")
        figure.savefig(name)
        plt.close(figure)

    @torch.no_grad()
    def visualize_data_space(self):
        rows = []
        for _ in range(10):
            z = self.sample_diagonal_gaussian(torch.zeros(1, self.latent_dimension), torch.ones(1, self.latent_dimension))
            p = self.decoder(z)
            rows.append([p, self.sample_Bernoulli(p)])
        self._draw(rows, "data_space.png")

    @torch.no_grad()
    def visualize_latent_space(self):
        means = self.encoder(self.train_images)[0]
        digits = self.train_labels.argmax(dim=1)
        figure, ax = plt.subplots(figsize=(8, 7))
        for digit in range(10):
            chosen = means[digits == digit]
            ax.scatter(chosen[:, 0], chosen[:, 1], s=4, color=f"C{digit}", label=str(digit))
        ax.legend(title="class")
        figure.savefig("latent_space.png")
        plt.close(figure)

    @staticmethod
    def interpolate_mu(mua, mub, alpha=0.5):
        return torch.lerp(mua, mub, alpha)

    @torch.no_grad()
    def visualize_inter_class_interpolation(self):
        digits = self.train_labels.argmax(dim=1).tolist()
        rows = []
        while len(rows) < 3:
            first, second = random.sample(range(len(digits)), 2)
            if digits[first] == digits[second]:
                continue
            mua, mub = self.encoder(self.train_images[[first, second]])[0]
            rows.append([self.decoder(self.interpolate_mu(mua, mub, step / 10)) for step in range(11)])
        self._draw(rows, "interpolation.png")


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--e_path", default="./e_params.pkl")
    parser.add_argument("--d_path", default="./d_params.pkl")
    parser.add_argument("--hidden_units", type=int, default=500)
    parser.add_argument("--latent_dimension", type=int, default=2)
    parser.add_argument("--data_dimension", type=int, default=784)
    parser.add_argument("--resume_training", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--num_epoches", type=int, default=200)
    parser.add_argument("--batch_size", type=int, default=100)
    return parser.parse_args()


def main():
    args = parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    vae = VAE(args)
    vae.train()
    vae.visualize_data_space()
    vae.visualize_latent_space()
    vae.visualize_inter_class_interpolation()


if __name__ == "__main__":
    main()
