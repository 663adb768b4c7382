import torch
import torch.nn as nn
from hw3_utils import BASE_URL, download, GANDataset


class DNet(nn.Module):
    def __init__(self):
        super(DNet, self).__init__()
        self.lin = nn.Linear(28*28, 1)

    def forward(self, x):
        return self.lin(x.reshape(-1, 28*28))


class GNet(nn.Module):
    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.lin = nn.Linear(zdim, 28*28)

    def forward(self, z):
        return torch.sigmoid(self.lin(z)).reshape(-1, 1, 28, 28)


class GAN:
    def __init__(self, zdim=64):
        torch.manual_seed(2)
        self._dev = torch.device("cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)

    def _get_loss_d(self, batch_size, batch_data, z):
        sig = nn.Sigmoid()
        bce = nn.BCELoss(reduction='mean')
        d_x = sig(self.disc(batch_data)).view(-1)
        d_gz = sig(self.disc(self.gen(z).detach())).view(-1)
        loss = bce(d_x, torch.ones(batch_size)) + bce(d_gz, torch.zeros(batch_size))
        return loss

    def _get_loss_g(self, batch_size, z):
        sig = nn.Sigmoid()
        bce = nn.BCELoss(reduction='mean')
        d_gz = sig(self.disc(self.gen(z))).view(-1)
        return bce(d_gz, torch.ones(batch_size))
