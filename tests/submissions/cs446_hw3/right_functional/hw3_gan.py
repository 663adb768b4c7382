from hw3_utils import BASE_URL, download, GANDataset

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torchvision
import torchvision.transforms as transforms
from torch.utils.data import DataLoader


class DNet(nn.Module):
    """This is discriminator network."""

    def __init__(self):
        super(DNet, self).__init__()
        self.w1 = nn.Conv2d(1, 2, 3, padding=1)
        self.w2 = nn.Conv2d(2, 4, 3, padding=1)
        self.w3 = nn.Conv2d(4, 8, 3)
        self.w4 = nn.Linear(200, 1)
        self._weight_init()

    def _weight_init(self):
        for layer in self.children():
            bound = (6 / layer.weight[0].numel()) ** 0.5
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        x = F.max_pool2d(self.w1(x).clamp(min=0), 2)
        x = F.max_pool2d(self.w2(x).clamp_min(0), 2)
        x = torch.maximum(self.w3(x), torch.zeros(()))
        return F.linear(x.reshape(len(x), 200), self.w4.weight, self.w4.bias)


class GNet(nn.Module):
    """This is generator network."""

    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.w1 = nn.Linear(zdim, 1568)
        self.w2 = nn.Conv2d(32, 16, 3, padding=1)
        self.w3 = nn.Conv2d(16, 8, 3, padding=1)
        self.w4 = nn.Conv2d(8, 1, 3, padding=1)
        self._weight_init()

    def _weight_init(self):
        for layer in self.children():
            bound = (6 / layer.weight[0].numel()) ** 0.5
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.zeros_(layer.bias)

    def forward(self, z):
        h = F.leaky_relu(self.w1(z), 0.2).reshape(len(z), 32, 7, 7)
        h = h.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        h = F.leaky_relu(self.w2(h), 0.2)
        h = h.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        h = F.leaky_relu(self.w3(h), 0.2)
        return 1 / (1 + torch.exp(-self.w4(h)))


class GAN:
    def __init__(self, zdim=64):
        self._dev = torch.device("cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)

    def _get_loss_d(self, batch_size, batch_data, z):
        real = self.disc(batch_data)
        with torch.no_grad():
            images = self.gen(z)
        fake = self.disc(images)
        # -log sigmoid(a) and -log(1 - sigmoid(b))
        return (-F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()) / 2

    def _get_loss_g(self, batch_size, z):
        return -F.logsigmoid(self.disc(self.gen(z))).mean()

    def train(self, iter_d=1, iter_g=1, n_epochs=100, batch_size=256, lr=0.0002):
        f_name = "train-images-idx3-ubyte.gz"
        download(BASE_URL + f_name, f_name)
        train_data = GANDataset(
            f"./data/{f_name}",
            self._dev,
            transform=transforms.Compose([transforms.Normalize((0.0,), (255.0,))]),
        )
        train_loader = DataLoader(train_data, batch_size=batch_size, shuffle=True, num_workers=0, drop_last=True)
        dopt = optim.Adam(self.disc.parameters(), lr=lr, weight_decay=0.0)
        gopt = optim.Adam(self.gen.parameters(), lr=lr, weight_decay=0.0)
        for epoch in range(n_epochs):
            for batch_idx, data in enumerate(train_loader):
                z = 2 * torch.rand(data.size()[0], self._zdim, device=self._dev) - 1
                for k in range(iter_d):
                    dopt.zero_grad()
                    loss_d = self._get_loss_d(data.size()[0], data, z)
                    loss_d.backward()
                    dopt.step()
                for k in range(iter_g):
                    gopt.zero_grad()
                    loss_g = self._get_loss_g(data.size()[0], z)
                    loss_g.backward()
                    gopt.step()
            with torch.no_grad():
                torchvision.utils.save_image(self.gen(z)[0:64], "test_{0}.png".format(epoch), nrow=8)
            print(f"E: {epoch}; DLoss: {loss_d.item()}; GLoss: {loss_g.item()}")


if __name__ == "__main__":
    gan = GAN()
    gan.train()
