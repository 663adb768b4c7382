import random
import numpy as np
import torch
import torch.nn as nn
from PIL import Image
from torchvision.utils import make_grid, save_image
import matplotlib
matplotlib.use('Agg')
from matplotlib import pyplot as plt
from hw3_utils import load_mnist


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        hidden = torch.tanh(self.fc1(x))
        return self.fc2_mu(hidden), torch.exp(self.fc2_sigma(hidden))


class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.fc2 = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        return torch.sigmoid(self.fc2(torch.tanh(self.fc1(z))))


class VAE():
    def __init__(self, args):
        self.args = args
        _, images, labels, _, _ = load_mnist()
        self.train_images = torch.from_numpy(images)
        self.train_labels = labels
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        return mu + torch.sqrt(sigma_square) * torch.randn_like(mu)

    @staticmethod
    def sample_Bernoulli(p):
        return torch.bernoulli(p)

    def visualize_data_space(self):
        z = self.sample_diagonal_gaussian(torch.zeros(10, 2), torch.ones(10, 2))
        p = self.decoder(z).view(10, 1, 28, 28)
        x = self.sample_Bernoulli(p)
        both = torch.stack((p, x), dim=1).flatten(0, 1)
        save_image(make_grid(both, nrow=2, padding=4, pad_value=1), 'data_space.png')

    def visualize_latent_space(self):
        colours = ['#e6194b', '#3cb44b', '#ffe119', '#4363d8', '#f58231', '#911eb4', '#46f0f0', '#f032e6', '#bcf60c', '#008080']
        fig = plt.figure()
        ax = fig.add_subplot(111)
        for image, label in zip(self.train_images, self.train_labels):
            mu, _ = self.encoder(image.unsqueeze(0))
            x, y = mu[0].detach().numpy()
            ax.plot(x, y, '.', color=colours[label.argmax()])
        fig.savefig('latent_space.jpg')

    @staticmethod
    def interpolate_mu(mua, mub, alpha=0.5):
        return mua * (1 - alpha) + mub * alpha

    def visualize_inter_class_interpolation(self):
        classes = random.sample(range(10), 6)
        sheet = Image.new('L', (11 * 30, 3 * 30), color=255)
        for row in range(3):
            mus = []
            for c in classes[2 * row:2 * row + 2]:
                candidates = np.nonzero(self.train_labels[:, c])[0]
                k = random.choice(candidates.tolist())
                mus.append(self.encoder(self.train_images[k:k + 1])[0])
            for col in range(11):
                z = self.interpolate_mu(mus[0], mus[1], col * 0.1)
                p = self.decoder(z).detach().numpy().reshape(28, 28)
                tile = Image.fromarray((p * 255).astype('uint8'))
                sheet.paste(tile, (col * 30, row * 30))
        sheet.save('interpolation.png')
