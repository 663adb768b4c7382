import os
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import matplotlib.pyplot as plt
import torchvision.transforms as T
from torch.optim import Adam
from torch.utils.data import DataLoader
from tqdm import tqdm

import hw3_utils


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 2, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(2, 4, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(4, 8, 3, 1, 0), nn.ReLU(),
            nn.Flatten(), nn.Linear(200, 1))

    def forward(self, x):
        return self.layers(x)


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(zdim, 1568), nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(
            nn.Upsample(scale_factor=2), nn.Conv2d(32, 16, 3, 1, 1), nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2), nn.Conv2d(16, 8, 3, 1, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(8, 1, 3, 1, 1), nn.Sigmoid())

    def forward(self, z):
        return self.layers(self.first(z).view(-1, 32, 7, 7))


class GAN:
    def __init__(self, zdim=64):
        self._zdim = zdim
        self._dev = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        self.disc, self.gen = DNet().to(self._dev), GNet(zdim).to(self._dev)
        self.history = {'d': [], 'g': []}

    def noise(self, n):
        return (torch.rand(n, self._zdim, device=self._dev) - 0.5) * 2

    def _get_loss_d(self, batch_size, batch_data, z):
        r, f = self.disc(batch_data), self.disc(self.gen(z).detach())
        return F.binary_cross_entropy_with_logits(r, torch.ones_like(r)) + \
            F.binary_cross_entropy_with_logits(f, torch.zeros_like(f))

    def _get_loss_g(self, batch_size, z):
        f = self.disc(self.gen(z))
        return F.binary_cross_entropy_with_logits(f, torch.ones_like(f))

    def train(self, iter_d=1, iter_g=1, n_epochs=100, batch_size=256, lr=0.0002):
        hw3_utils.download(hw3_utils.BASE_URL + "train-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz")
        ds = hw3_utils.GANDataset("./data/train-images-idx3-ubyte.gz", self._dev,
                                  transform=T.Compose([T.Normalize((0.0,), (255.0,))]))
        dl = DataLoader(ds, batch_size, shuffle=True, drop_last=True)
        d_optim = Adam(self.disc.parameters(), lr)
        g_optim = Adam(self.gen.parameters(), lr)
        os.makedirs('generated', exist_ok=True)

        for epoch in range(1, n_epochs + 1):
            bar = tqdm(dl, desc=f'epoch {epoch}')
            for real in bar:
                for _ in range(iter_d):
                    d_optim.zero_grad()
                    loss_d = self._get_loss_d(batch_size=real.shape[0], batch_data=real, z=self.noise(real.shape[0]))
                    loss_d.backward()
                    d_optim.step()
                for _ in range(iter_g):
                    g_optim.zero_grad()
                    loss_g = self._get_loss_g(batch_size=real.shape[0], z=self.noise(real.shape[0]))
                    loss_g.backward()
                    g_optim.step()
                bar.set_postfix(d=float(loss_d), g=float(loss_g))
            self.history['d'].append(float(loss_d))
            self.history['g'].append(float(loss_g))
            if epoch % 10 == 0:
                self.show(f'generated/epoch{epoch:03d}.png')

    def show(self, path):
        with torch.no_grad():
            x = self.gen(self.noise(16)).cpu().numpy()
        fig, axs = plt.subplots(4, 4)
        for im, ax in zip(x, axs.flat):
            ax.imshow(im[0], cmap='gray')
            ax.axis('off')
        fig.savefig(path)
        plt.close(fig)
