import numpy as np
import torch
import torch.nn as nn
from torchvision import datasets, transforms
from hw3_utils import batch_indices


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        h = torch.tanh(self.fc1(x))
        return self.fc2_mu(h), torch.exp(self.fc2_sigma(h))


class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super().__init__()
        self.a = nn.Linear(latent_dimension, hidden_units)
        self.b = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        return self.b(self.a(z).tanh()).sigmoid()


class VAE:
    def __init__(self, args):
        # the link in hw3_utils did not work for me (403), torchvision does
        mnist = datasets.MNIST('./mnist', train=True, download=True, transform=transforms.ToTensor())
        loader = torch.utils.data.DataLoader(mnist, batch_size=len(mnist))
        images, labels = next(iter(loader))
        self.train_images = images.view(-1, 784)
        self.train_labels = nn.functional.one_hot(labels, 10)
        self.latent_dimension = args.latent_dimension
        self.batch_size = args.batch_size
        self.num_epoches = args.num_epoches
        self.e_path, self.d_path = args.e_path, args.d_path
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        return mu + torch.sqrt(sigma_square) * torch.randn(mu.size())

    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        k = z.shape[1]
        return -0.5 * (k * np.log(2 * np.pi) + sigma_square.log().sum(1) + ((z - mu).pow(2) / sigma_square).sum(1))

    @staticmethod
    def logpdf_bernoulli(x, p):
        return (x * torch.log(p + 1e-8) + (1 - x) * torch.log(1 - p + 1e-8)).sum(dim=1)

    def sample_z(self, mu, sigma_square):
        return VAE.sample_diagonal_gaussian(mu, sigma_square)

    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        log_q = VAE.logpdf_diagonal_gaussian(sampled_z, mu, sigma_square)
        log_p_z = VAE.logpdf_diagonal_gaussian(sampled_z, torch.zeros_like(mu), torch.ones_like(mu))
        log_p = VAE.logpdf_bernoulli(x, p)
        return (log_p + log_p_z - log_q).sum() / x.size(0)

    def train(self):
        params = list(self.encoder.parameters()) + list(self.decoder.parameters())
        optim = torch.optim.Adam(params)
        num_batches = int(np.ceil(len(self.train_images) / self.batch_size))
        for epoch in range(self.num_epoches):
            for b in range(num_batches):
                x = self.train_images[batch_indices(b, num_batches, self.batch_size)]
                optim.zero_grad()
                mu, sigma_square = self.encoder(x)
                zs = self.sample_z(mu, sigma_square)
                p = self.decoder(zs)
                elbo = self.elbo_loss(zs, mu, sigma_square, x, p)
                (-elbo).backward()
                optim.step()
        torch.save(self.encoder.state_dict(), self.e_path)
        torch.save(self.decoder.state_dict(), self.d_path)
