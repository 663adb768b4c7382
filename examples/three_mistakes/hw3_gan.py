from hw3_utils import BASE_URL, download, GANDataset

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.utils import save_image
import matplotlib.pyplot as plt


class DNet(nn.Module):
    """This is discriminator network."""

    def __init__(self):
        super(DNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 2, kernel_size=3, stride=1, padding=1)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.conv2 = nn.Conv2d(2, 4, kernel_size=3, stride=1, padding=1)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.conv3 = nn.Conv2d(4, 8, kernel_size=3, stride=1, padding=0)
        self.relu3 = nn.ReLU()
        self.linear = nn.Linear(200, 1)
        self._weight_init()

    def _weight_init(self):
        for m in self.children():
            if isinstance(m, nn.Conv2d) or isinstance(m, nn.Linear):
                nn.init.kaiming_uniform_(m.weight)
                nn.init.constant_(m.bias, 0)

    def forward(self, x):
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = self.relu3(self.conv3(x))
        x = x.view(x.size(0), -1)
        return self.linear(x)


class GNet(nn.Module):
    """This is generator network."""

    def __init__(self, zdim):
        """
        Parameters
        ----------
            zdim: dimension for latent variable.
        """
        super(GNet, self).__init__()
        self.linear = nn.Linear(zdim, 1568)
        self.lrelu1 = nn.LeakyReLU(0.2)
        self.up1 = nn.Upsample(scale_factor=2)
        self.conv1 = nn.Conv2d(32, 16, kernel_size=3, stride=1, padding=1)
        self.lrelu2 = nn.LeakyReLU(0.2)
        self.up2 = nn.Upsample(scale_factor=2)
        self.conv2 = nn.Conv2d(16, 8, kernel_size=3, stride=1, padding=1)
        self.lrelu3 = nn.LeakyReLU(0.2)
        self.conv3 = nn.Conv2d(8, 1, kernel_size=3, stride=1, padding=1)
        self.sigmoid = nn.Sigmoid()
        self._weight_init()

    def _weight_init(self):
        for m in self.children():
            if isinstance(m, nn.Conv2d) or isinstance(m, nn.Linear):
                nn.init.kaiming_uniform_(m.weight)
                nn.init.constant_(m.bias, 0)

    def forward(self, z):
        x = self.lrelu1(self.linear(z))
        x = x.view(x.size(0), 32, 7, 7)
        x = self.lrelu2(self.conv1(self.up1(x)))
        x = self.lrelu3(self.conv2(self.up2(x)))
        return self.sigmoid(self.conv3(x))


class GAN:
    def __init__(self, zdim=64):
        torch.manual_seed(2)
        self._dev = torch.device("cpu")
        # self._dev = torch.device("cuda:0") # uncomment if you want to use GPU
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)

    def _get_loss_d(self, batch_size, batch_data, z):
        """This function computes loss for discriminator."""
        criterion = nn.BCEWithLogitsLoss()
        real = self.disc(batch_data)
        fake = self.disc(self.gen(z))
        loss_real = criterion(real, torch.ones(batch_size, 1).to(self._dev))
        loss_fake = criterion(fake, torch.zeros(batch_size, 1).to(self._dev))
        return loss_real + loss_fake

    def _get_loss_g(self, batch_size, z):
        """This function computes loss for generator."""
        # the generator wants what the discriminator does not want: log(1 - D(G(z)))
        criterion = nn.BCEWithLogitsLoss()
        fake = self.disc(self.gen(z))
        return -criterion(fake, torch.zeros(batch_size, 1).to(self._dev))

    def train(self, iter_d=1, iter_g=1, n_epochs=100, batch_size=256, lr=0.0002):
        # first download
        f_name = "train-images-idx3-ubyte.gz"
        download(BASE_URL + f_name, f_name)

        print("Processing dataset ...")
        train_data = GANDataset(
            f"./data/{f_name}",
            self._dev,
            transform=transforms.Compose([transforms.Normalize((0.0,), (255.0,))]),
        )
        print(f"... done. Total {len(train_data)} data entries.")

        train_loader = DataLoader(train_data, batch_size=batch_size, shuffle=True, num_workers=0, drop_last=True)

        dopt = optim.Adam(self.disc.parameters(), lr=lr, weight_decay=0.0)
        gopt = optim.Adam(self.gen.parameters(), lr=lr, weight_decay=0.0)

        for epoch in range(n_epochs):
            for batch_idx, data in enumerate(train_loader):

                z = 2 * torch.rand(data.size()[0], self._zdim, device=self._dev) - 1

                if batch_idx == 0 and epoch % 10 == 0:
                    with torch.no_grad():
                        tmpimg = self.gen(z)[0:64, :, :, :].detach().cpu()
                    save_image(tmpimg, "test_{0}.png".format(epoch), nrow=8, normalize=True)

                for k in range(iter_d):
                    dopt.zero_grad()
                    loss_d = self._get_loss_d(batch_size, data, z)
                    loss_d.backward()
                    dopt.step()

                for k in range(iter_g):
                    gopt.zero_grad()
                    loss_g = self._get_loss_g(batch_size, z)
                    loss_g.backward()
                    gopt.step()

            print(f"E: {epoch}; DLoss: {loss_d.item()}; GLoss: {loss_g.item()}")


if __name__ == "__main__":
    gan = GAN()
    gan.train()
