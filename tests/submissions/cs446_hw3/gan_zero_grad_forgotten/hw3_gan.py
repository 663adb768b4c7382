from hw3_utils import BASE_URL, download, GANDataset
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.utils import save_image


class DNet(nn.Module):
    def __init__(self):
        super(DNet, self).__init__()
        self.m = nn.Sequential(
            nn.Conv2d(1, 2, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(2, 4, 3, 1, 1), nn.ReLU(),
            nn.MaxPool2d(2, 2), nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(200, 1))

    def forward(self, x):
        return self.m(x)


class GNet(nn.Module):
    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.m = nn.Sequential(
            nn.Linear(zdim, 1568), nn.LeakyReLU(0.2), nn.Unflatten(1, (32, 7, 7)), nn.Upsample(scale_factor=2),
            nn.Conv2d(32, 16, 3, 1, 1), nn.LeakyReLU(0.2), nn.Upsample(scale_factor=2), nn.Conv2d(16, 8, 3, 1, 1),
            nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3, 1, 1), nn.Sigmoid())

    def forward(self, z):
        return self.m(z)


class GAN:
    def __init__(self, zdim=64):
        self._dev = torch.device("cpu")
        self._zdim = zdim
        self.disc = DNet()
        self.gen = GNet(self._zdim)
        self.loss = nn.BCEWithLogitsLoss()

    def _get_loss_d(self, batch_size, batch_data, z):
        a = self.loss(self.disc(batch_data), torch.ones(batch_size, 1))
        b = self.loss(self.disc(self.gen(z)), torch.zeros(batch_size, 1))
        return a + b

    def _get_loss_g(self, batch_size, z):
        return self.loss(self.disc(self.gen(z)), torch.ones(batch_size, 1))

    def train(self, iter_d=1, iter_g=1, n_epochs=100, batch_size=256, lr=0.0002):
        f_name = "train-images-idx3-ubyte.gz"
        download(BASE_URL + f_name, f_name)
        train_data = GANDataset(f"./data/{f_name}", self._dev, transform=transforms.Normalize((0.0,), (255.0,)))
        train_loader = DataLoader(train_data, batch_size=batch_size, shuffle=True, drop_last=True)
        dopt = optim.Adam(self.disc.parameters(), lr=lr)
        gopt = optim.Adam(self.gen.parameters(), lr=lr)

        for epoch in range(n_epochs):
            for batch_idx, data in enumerate(train_loader):
                z = 2 * torch.rand(data.size()[0], self._zdim) - 1
                if batch_idx == 0:
                    save_image(data[:64], f"images_{epoch}.png", nrow=8)
                for k in range(iter_d):
                    loss_d = self._get_loss_d(batch_size, data, z)
                    loss_d.backward()
                    dopt.step()
                for k in range(iter_g):
                    loss_g = self._get_loss_g(batch_size, z)
                    loss_g.backward()
                    gopt.step()
            print(epoch, loss_d.item(), loss_g.item())
