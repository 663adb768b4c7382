import argparse
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import matplotlib.pyplot as plt

from hw3_utils import array_to_image, concat_images, batch_indices, load_mnist

EPS = 1e-7


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Encoder, self).__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        hidden = torch.tanh(self.fc1(x))
        mu = self.fc2_mu(hidden)
        sigma_square = torch.exp(self.fc2_sigma(hidden))
        return mu, sigma_square


class Decoder(nn.Module):
    # the handout says "two hidden layers", so there are two, and an output layer that makes probabilities
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Decoder, self).__init__()
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.fc2 = nn.Linear(hidden_units, hidden_units)
        self.fc3 = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        h = F.tanh(self.fc1(z))
        h = F.sigmoid(self.fc2(h))
        return F.sigmoid(self.fc3(h))


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
        if self.resume_training:
            self.encoder.load_state_dict(torch.load(self.e_path))
            self.decoder.load_state_dict(torch.load(self.d_path))

    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        std = torch.exp(0.5 * torch.log(sigma_square))
        return torch.addcmul(mu, std, torch.normal(0.0, 1.0, size=mu.shape))

    @staticmethod
    def sample_Bernoulli(p):
        return (torch.rand_like(p) < p).float()

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        # sum of the one-dimensional log densities
        const = math.log(1.0 / math.sqrt(2.0 * math.pi))
        per_dim = const - 0.5 * torch.log(sigma_square) - torch.square(z - mu) / (2.0 * sigma_square)
        return torch.einsum('bd->b', per_dim)

    @staticmethod
    def logpdf_bernoulli(x, p):
        p = torch.clamp(p, EPS, 1 - EPS)
        return torch.einsum('bd->b', torch.xlogy(x, p) + torch.special.xlog1py(1 - x, -p))

    def sample_z(self, mu, sigma_square):
        return self.sample_diagonal_gaussian(mu, sigma_square)

    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        n = x.shape[0]
        log_q = self.logpdf_diagonal_gaussian(sampled_z, mu, sigma_square)
        log_p_z = self.logpdf_diagonal_gaussian(
            sampled_z, torch.zeros(sampled_z.shape), torch.ones(sampled_z.shape))
        log_p = self.logpdf_bernoulli(x, p)
        elbo = log_p.sum() / n + log_p_z.sum() / n - log_q.sum() / n
        return elbo

    def train(self):
        params = list(self.encoder.parameters()) + list(self.decoder.parameters())
        optimizer = optim.Adam(params, lr=1e-3)
        num_batches = int(np.ceil(len(self.train_images) / self.batch_size))
        for i in range(self.num_epoches * num_batches):
            x_minibatch = torch.from_numpy(self.train_images[batch_indices(i, num_batches, self.batch_size), :])
            optimizer.zero_grad()
            mu, sigma_square = self.encoder(x_minibatch)
            zs = self.sample_z(mu, sigma_square)
            p = self.decoder(zs)
            elbo = self.elbo_loss(zs, mu, sigma_square, x_minibatch, p)
            total_loss = -elbo
            total_loss.backward()
            optimizer.step()
            if i % 100 == 0:
                print("Epoch: " + str(i // num_batches) + ", Iter: " + str(i) + ", ELBO:" + str(elbo.item()))
        torch.save(self.encoder.state_dict(), self.e_path)
        torch.save(self.decoder.state_dict(), self.d_path)

    def visualize_data_space(self):
        cells = []
        for _ in range(10):
            z = self.sample_diagonal_gaussian(torch.zeros([1, self.latent_dimension]), torch.ones([1, self.latent_dimension]))
            p = self.decoder(z)
            x = self.sample_Bernoulli(p)
            cells += [array_to_image(p.detach().numpy()), array_to_image(x.detach().numpy())]
        fig, ax = plt.subplots(figsize=(3, 12))
        ax.imshow(concat_images(cells, 10, 2), cmap='Greys_r')
        ax.set_axis_off()
        fig.savefig('samples.png')

    def visualize_latent_space(self):
        with torch.no_grad():
            mus = []
            for start in range(0, len(self.train_images), 1000):
                mu, _ = self.encoder(torch.from_numpy(self.train_images[start:start + 1000]))
                mus.append(mu)
        mus = torch.cat(mus).numpy()
        digits = self.train_labels.argmax(axis=1)
        colours = plt.get_cmap('tab10').colors
        fig, ax = plt.subplots()
        for k, colour in enumerate(colours):
            ax.plot(*mus[digits == k].T, 'o', markersize=1.5, color=colour, label=k)
        ax.legend(markerscale=4)
        fig.savefig('latent.png', dpi=150)

    @staticmethod
    def interpolate_mu(mua, mub, alpha=0.5):
        return torch.add(mua * (1 - alpha), mub, alpha=alpha)

    def visualize_inter_class_interpolation(self):
        digits = self.train_labels.argmax(axis=1)
        rng = np.random.default_rng()
        images = []
        for a, b in rng.permutation(10)[:6].reshape(3, 2):
            i = rng.choice(np.flatnonzero(digits == a))
            j = rng.choice(np.flatnonzero(digits == b))
            with torch.no_grad():
                mu, _ = self.encoder(torch.from_numpy(self.train_images[[i, j]]))
                z = torch.stack([self.interpolate_mu(mu[0], mu[1], alpha) for alpha in torch.arange(0, 1.05, 0.1).tolist()])
                images.extend(array_to_image(q) for q in self.decoder(z).numpy())
        fig, ax = plt.subplots(figsize=(11, 3))
        ax.imshow(concat_images(images, 3, 11), cmap='Greys_r')
        ax.set_axis_off()
        fig.savefig('interpolation.png')


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument('--e_path', type=str, default="./e_params.pkl")
    parser.add_argument('--d_path', type=str, default="./d_params.pkl")
    parser.add_argument('--hidden_units', type=int, default=500)
    parser.add_argument('--latent_dimension', type=int, default=2)
    parser.add_argument('--data_dimension', type=int, default=784)
    parser.add_argument('--resume_training', action='store_true')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--num_epoches', type=int, default=200)
    parser.add_argument('--batch_size', type=int, default=100)
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
