import sys
import matplotlib
if sys.platform == 'darwin':
    matplotlib.use('MacOSX')
else:
    matplotlib.use('TkAgg')
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from hw3_utils import *


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        hidden = torch.tanh(self.fc1(x))
        return self.fc2_mu(hidden), torch.exp(self.fc2_sigma(hidden))


class VAE():
    def __init__(self, args):
        self.N_data, self.train_images, self.train_labels, self.test_images, self.test_labels = load_mnist()
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        raise NotImplementedError

    def visualize_latent_space(self):
        labels = np.argmax(self.train_labels, axis=1)
        means = [self.encoder(torch.tensor(image))[0] for image in self.train_images]
        means = torch.stack(means).detach().numpy()
        df = {k: means[labels == k] for k in range(10)}
        plt.figure(num='latent space', figsize=[12, 9])
        plt.title('Latent space')
        for k in sorted(df):
            plt.scatter(x=df[k][:, 0], y=df[k][:, 1], marker='.', label=f'digit {k}')
        plt.legend(loc='best')
        manager = plt.get_current_fig_manager()
        plt.grid(True)
        plt.savefig('latent_space.pdf', format='pdf')
