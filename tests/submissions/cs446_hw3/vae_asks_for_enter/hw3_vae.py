import random
import torch
from torch import nn
import matplotlib.pyplot as plt
from hw3_utils import array_to_image, concat_images, load_mnist


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        h = self.fc1(x).tanh()
        return self.fc2_mu(h), self.fc2_sigma(h).exp()


class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.fc2 = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        return self.fc2(self.fc1(z).tanh()).sigmoid()


class VAE:
    def __init__(self, args):
        _, images, labels, _, _ = load_mnist()
        self.train_images = torch.from_numpy(images)
        self.train_labels = torch.from_numpy(labels).argmax(1)
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    @staticmethod
    def interpolate_mu(mua, mub, alpha=0.5):
        return torch.lerp(mua, mub, alpha)

    @torch.no_grad()
    def visualize_inter_class_interpolation(self):
        rows = []
        while len(rows) < 3:
            i, j = random.sample(range(len(self.train_labels)), 2)
            if self.train_labels[i] == self.train_labels[j]:
                continue
            mu, _ = self.encoder(self.train_images[[i, j]])
            zs = torch.stack([self.interpolate_mu(mu[0], mu[1], k / 10) for k in range(11)])
            rows.append(self.decoder(zs))
        images = [array_to_image(p) for row in rows for p in row]
        plt.imshow(concat_images(images, 3, 11), cmap='gray_r')
        plt.savefig('inter.png')
        answer = input('looks ok? [enter]')
        if answer == 'n':
            self.visualize_inter_class_interpolation()
