from hw3_utils import BASE_URL, download, GANDataset
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class DNet(nn.Module):
    """This is discriminator network."""

    def __init__(self):
        super(DNet, self).__init__()

        # TODO: implement layers here

        self._weight_init()

    def _weight_init(self):
        # TODO: implement weight initialization here
        pass

    def forward(self, x):
        # TODO: complete forward function
        pass


class GNet(nn.Module):
    """This is generator network."""

    def __init__(self, zdim):
        super(GNet, self).__init__()

        # TODO: implement layers here

        self._weight_init()

    def _weight_init(self):
        # TODO: implement weight initialization here
        pass

    def forward(self, z):
        # TODO: complete forward function
        pass


class GAN:
    def __init__(self, zdim=64):
        torch.manual_seed(2)
        self._dev = torch.device("cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)

    def _get_loss_d(self, batch_size, batch_data, z):
        # TODO: implement discriminator's loss function
        pass

    def _get_loss_g(self, batch_size, z):
        # TODO: implement generator's loss function
        pass

    def train(self, iter_d=1, iter_g=1, n_epochs=100, batch_size=256, lr=0.0002):
        # TODO
        pass


if __name__ == "__main__":
    gan = GAN()
    gan.train()
