from argparse import ArgumentParser, Namespace
import numpy as np
import torch
from torch import nn, Tensor
import torch.nn.functional as F
import matplotlib.pyplot as plt
import hw3_utils


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        hidden = self.fc1(x).tanh()
        return self.fc2_mu(hidden), self.fc2_sigma(hidden).exp()


class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.fc2 = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        return self.fc2(self.fc1(z).tanh()).sigmoid()


class VAE(nn.Module):
    def __init__(self, args: Namespace):
        nn.Module.__init__(self)
        self.args = args
        n, images, labels, _, _ = hw3_utils.load_mnist()
        self.register_buffer('train_images', torch.from_numpy(images))
        self.register_buffer('train_labels', torch.from_numpy(labels))
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    @staticmethod
    def sample_diagonal_gaussian(mu: Tensor, sigma_square: Tensor) -> Tensor:
        return mu + torch.randn_like(mu) * sigma_square.sqrt()

    @staticmethod
    def sample_Bernoulli(p: Tensor) -> Tensor:
        return p.bernoulli()

    @staticmethod
    def logpdf_diagonal_gaussian(z: Tensor, mu: Tensor, sigma_square: Tensor) -> Tensor:
        return -F.gaussian_nll_loss(mu, z, sigma_square, full=True, reduction='none', eps=1e-12).sum(1)

    @staticmethod
    def logpdf_bernoulli(x: Tensor, p: Tensor) -> Tensor:
        return F.binary_cross_entropy(p, x, reduction='none').neg().sum(-1)

    def sample_z(self, mu, sigma_square):
        return self.sample_diagonal_gaussian(mu, sigma_square)

    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        terms = [
            self.logpdf_bernoulli(x, p),
            self.logpdf_diagonal_gaussian(sampled_z, torch.zeros_like(mu), torch.ones_like(sigma_square)),
            -self.logpdf_diagonal_gaussian(sampled_z, mu, sigma_square),
        ]
        return torch.stack(terms).sum(0).mean()

    def forward(self, x):
        mu, sigma_square = self.encoder(x)
        z = self.sample_z(mu, sigma_square)
        return z, mu, sigma_square, self.decoder(z)

    def train(self, mode=True):
        optimizer = torch.optim.Adam(self.parameters(), lr=1e-3)
        batches = int(np.ceil(len(self.train_images) / self.args.batch_size))
        for epoch in range(self.args.num_epoches):
            elbos = []
            for i in range(batches):
                x = self.train_images[hw3_utils.batch_indices(i, batches, self.args.batch_size)]
                z, mu, sigma_square, p = self(x)
                elbo = self.elbo_loss(z, mu, sigma_square, x, p)
                optimizer.zero_grad()
                (-elbo).backward()
                optimizer.step()
                elbos.append(elbo.item())
            print(f'epoch {epoch} ELBO {np.mean(elbos):.2f}')
        torch.save(self.encoder.state_dict(), self.args.e_path)
        torch.save(self.decoder.state_dict(), self.args.d_path)

    @torch.no_grad()
    def visualize_latent_space(self):
        mu, _ = self.encoder(self.train_images)
        label = self.train_labels.argmax(1)
        fig, ax = plt.subplots()
        sc = ax.scatter(*mu.T, c=label, cmap=plt.cm.get_cmap('jet', 10) if hasattr(plt.cm, 'get_cmap') else 'jet', alpha=0.5)
        fig.colorbar(sc, ticks=range(10))
        fig.savefig('latent.png')


def parse_args():
    p = ArgumentParser()
    p.add_argument('--e_path', default='./e_params.pkl')
    p.add_argument('--d_path', default='./d_params.pkl')
    p.add_argument('--hidden_units', type=int, default=500)
    p.add_argument('--latent_dimension', type=int, default=2)
    p.add_argument('--data_dimension', type=int, default=784)
    p.add_argument('--resume_training', action='store_true')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--num_epoches', type=int, default=200)
    p.add_argument('--batch_size', type=int, default=100)
    p.add_argument('--name', default='run1', help='what I call this run')
    return p.parse_args()


if __name__ == '__main__':
    args = parse_args()
    torch.manual_seed(args.seed)
    VAE(args).train()
