from hw3_utils import BASE_URL, download, GANDataset
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.utils import save_image
from tqdm.auto import tqdm
import matplotlib.pyplot as plt
import numpy as np
import os, shutil

if os.path.exists('images'):
    shutil.rmtree('images')
os.mkdir('images')

dtype = torch.cuda.FloatTensor
torch.set_default_tensor_type(dtype)

lossLogD = []
lossLogG = []


class DNet(nn.Module):
    """This is discriminator network."""

    def __init__(self):
        super(DNet, self).__init__()

        # TODO: implement layers here
        self.c1 = nn.Conv2d(1,2,(3,3),stride=1,padding=1)
        self.r = nn.ReLU(inplace=True)
        self.m = nn.MaxPool2d((2,2),stride=2)
        self.c2 = nn.Conv2d(2,4,(3,3),stride=1,padding=1)
        self.c3 = nn.Conv2d(4,8,(3,3),stride=1,padding=0)
        self.unflatten = nn.Unflatten(1, (8, 5, 5))
        self.l = nn.Linear(200, 1)

        self._weight_init()

    def _weight_init(self):
        # TODO: implement weight initialization here
        for i in self.children():
            if(isinstance(i, nn.Conv2d) == True or isinstance(i, nn.Linear) == True):
                torch.nn.init.kaiming_uniform_(i.weight.data, nonlinearity="leaky_relu")
                i.bias.data.fill_(0)

    def forward(self, x):
        # TODO: complete forward function
        x = self.m(self.r(self.c1(x)))
        # print(x.size())    torch.Size([256, 2, 14, 14])
        x = self.m(self.r(self.c2(x)))
        x = self.r(self.c3(x))
        flat = nn.Flatten()
        x = self.l(flat(x))
        return x


class GNet(nn.Module):
    """This is generator network."""

    def __init__(self, zdim):
        """
        Parameters
        ----------
            zdim: dimension for latent variable.
        """
        super(GNet, self).__init__()

        # TODO: implement layers here
        self.layers = nn.Sequential(
            nn.Linear(zdim, 1568),
            nn.LeakyReLU(0.2),
        )
        self.layers2 = nn.Sequential(
            nn.Upsample(scale_factor=2),
            nn.Conv2d(32, 16, 3, 1, 1, bias=True),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 8, 3, 1, 1, bias=True),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8, 1, 3, 1, 1, bias=True),
            nn.Sigmoid())

        self._weight_init()

    def _weight_init(self):
        # TODO: implement weight initialization here
        for seq in self.children():
            for i in seq.children():
                if(isinstance(i, nn.Conv2d) == True or isinstance(i, nn.Linear) == True):
                    torch.nn.init.kaiming_uniform_(i.weight.data, nonlinearity="leaky_relu")
                    i.bias.data.fill_(0)

    def forward(self, z):
        """
        Parameters
        ----------
            z: latent variables used to generate images.
        """
        # TODO: complete forward function
        z = self.layers(z)
        z = z.view(z.size()[0], 32, 7, 7)
        z = self.layers2(z)
        return z


class GAN:
    def __init__(self, zdim=64):
        """
        Parameters
        ----------
            zdim: dimension for latent variable.
        """
        torch.manual_seed(2)
        # self._dev = torch.device("cpu")
        self._dev = torch.device("cuda:0") # uncomment if you want to use GPU
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)

    def _get_loss_d(self, batch_size, batch_data, z):
        """This function computes loss for discriminator.

        Parameters
        ----------
            batch_size: #data per batch.
            batch_data: data from dataset.
            z: random latent variable.
        """
        # TODO: implement discriminator's loss function
        loss = nn.BCEWithLogitsLoss()
        y1 = torch.ones((batch_size, 1)).cuda()
        y2 = torch.zeros((batch_size, 1)).cuda()
        a = loss(self.disc(batch_data), y1)
        b = loss(self.disc(self.gen(z)), y2)
        loss_d = (a + b) / 2
        lossLogD.append(loss_d.item())
        return loss_d

    def _get_loss_g(self, batch_size, z):
        """This function computes loss for generator.

        Parameters
        ----------
            batch_size: #data per batch.
            z: random latent variable.
        """
        # TODO: implement generator's loss function
        loss = nn.BCEWithLogitsLoss()
        y1 = torch.ones((batch_size, 1)).cuda()
        loss_g = loss(self.disc(self.gen(z)), y1)
        lossLogG.append(loss_g.item())
        return loss_g

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

        train_loader = DataLoader(
            train_data,
            batch_size=batch_size,
            shuffle=True,
            num_workers=0,
            drop_last=True,
            generator=torch.Generator(device='cuda'),
        )

        dopt = optim.Adam(self.disc.parameters(), lr=lr, weight_decay=0.0)
        dopt.zero_grad()
        gopt = optim.Adam(self.gen.parameters(), lr=lr, weight_decay=0.0)
        gopt.zero_grad()

        for epoch in tqdm(range(n_epochs)):
            for batch_idx, data in tqdm(
                enumerate(train_loader), total=len(train_loader)
            ):

                z = 2 * torch.rand(data.size()[0], self._zdim, device=self._dev) - 1

                if batch_idx == 0 and epoch == 0:
                    plt.imshow(data[0, 0, :, :].detach().cpu().numpy())
                    plt.savefig("goal.pdf")

                if batch_idx == 0 and epoch % 10 == 0:
                    with torch.no_grad():
                        tmpimg = self.gen(z)[0:64, :, :, :].detach().cpu()
                    save_image(
                        tmpimg, "test_{0}.png".format(epoch), nrow=8, normalize=True
                    )

                dopt.zero_grad()
                for k in range(iter_d):
                    loss_d = self._get_loss_d(batch_size, data, z)
                    loss_d.backward()
                    dopt.step()
                    dopt.zero_grad()

                gopt.zero_grad()
                for k in range(iter_g):
                    loss_g = self._get_loss_g(batch_size, z)
                    loss_g.backward()
                    gopt.step()
                    gopt.zero_grad()

            print(f"E: {epoch}; DLoss: {loss_d.item()}; GLoss: {loss_g.item()}")


gan = GAN()
gan.train()
plt.plot(lossLogD)
plt.plot(lossLogG)
plt.savefig('images/losses.png')
