import torch
import torch.nn as nn
import torch.nn.functional as F
from hw3_utils import GANDataset, download, BASE_URL


class DNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(784, 1))  # not done yet, losses first

    def forward(self, x):
        return self.net(x)


class GNet(nn.Module):
    def __init__(self, zdim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(zdim, 784), nn.Sigmoid())

    def forward(self, z):
        return self.net(z).view(-1, 1, 28, 28)


class GAN:
    def __init__(self, zdim=64):
        """
        Parameters
        ----------
            zdim: dimension for latent variable.
        """
        torch.manual_seed(2)
        self._dev = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)

    def _get_loss_d(self, batch_size, batch_data, z):
        criterion = nn.BCEWithLogitsLoss()

        # real images should be classified as 1
        d_real = self.disc(batch_data)
        real_label = torch.full((batch_size, 1), 1.0, device=self._dev)
        loss_real = criterion(d_real, real_label)

        # fake images should be classified as 0
        g_out = self.gen(z)
        d_fake = self.disc(g_out)
        fake_label = torch.full((batch_size, 1), 0.0, device=self._dev)
        loss_fake = criterion(d_fake, fake_label)

        loss_d = (loss_real + loss_fake) / 2
        return loss_d

    def _get_loss_g(self, batch_size, z):
        criterion = nn.BCEWithLogitsLoss()
        g_out = self.gen(z)
        d_out = self.disc(g_out)
        loss_g = criterion(d_out, torch.full((batch_size, 1), 1.0, device=self._dev))
        return loss_g
