import argparse
import numpy as np
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
from hw3_utils import array_to_image, concat_images, batch_indices, load_mnist

plt.ion()
plt.switch_backend('TkAgg')


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
        self.N_data, self.train_images, self.train_labels, _, _ = load_mnist()
        self.train_images = torch.from_numpy(self.train_images)
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        return torch.sqrt(sigma_square) * torch.randn_like(mu) + mu

    @staticmethod
    def sample_Bernoulli(p):
        return torch.bernoulli(p)

    def visualize_data_space(self):
        dist = []
        samp = []
        fig, ax = plt.subplots(10, 2, figsize=(4, 20))
        for i in range(10):
            # Sample 10 z from prior
            z = self.sample_diagonal_gaussian(torch.zeros(1, self.latent_dimension), torch.ones(1, self.latent_dimension))
            p = self.decoder(z)
            x = self.sample_Bernoulli(p)
            ax[i, 0].imshow(array_to_image(p.detach().numpy()), cmap='gray')
            ax[i, 1].imshow(array_to_image(x.detach().numpy()), cmap='gray')
            ax[i, 0].axis('off')
            ax[i, 1].axis('off')
        plt.suptitle('p(x|z)  and  x')
        plt.show(block=True)
        plt.savefig('data_space.png')

    def visualize_latent_space(self):
        mu, sigma_square = self.encoder(self.train_images)
        mu = mu.detach().numpy()
        labels = np.argmax(self.train_labels, axis=1)
        plt.figure()
        for digit in range(10):
            idx = labels == digit
            plt.scatter(mu[idx, 0], mu[idx, 1], s=1, label=str(digit))
        plt.legend()
        plt.show()

    @staticmethod
    def interpolate_mu(mua, mub, alpha=0.5):
        return alpha * mub + (1 - alpha) * mua

    def visualize_inter_class_interpolation(self):
        labels = np.argmax(self.train_labels, axis=1)
        images = []
        for a, b in [(0, 1), (3, 5), (7, 2)]:
            first = self.train_images[np.where(labels == a)[0][0]]
            second = self.train_images[np.where(labels == b)[0][0]]
            mua, _ = self.encoder(first.unsqueeze(0))
            mub, _ = self.encoder(second.unsqueeze(0))
            for alpha in np.linspace(0, 1, 11):
                z = self.interpolate_mu(mua, mub, float(alpha))
                images.append(array_to_image(self.decoder(z).detach().numpy()))
        plt.imshow(concat_images(images, 3, 11), cmap='gray')
        plt.title('interpolation 0-1, 3-5, 7-2')
        plt.show()
        plt.pause(5)
