from hw3_utils import BASE_URL, download, GANDataset
import os
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader


class DNet(nn.Module):
    """This is discriminator network."""

    def __init__(self):
        super(DNet, self).__init__()

        # TODO: implement layers here
        self.layer1 = nn.Conv2d(in_channels=1, out_channels=2, kernel_size=(3, 3), stride=1, padding=1)
        self.layer2 = nn.ReLU()
        self.layer3 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.layer4 = nn.Conv2d(in_channels=2, out_channels=4, kernel_size=(3, 3), stride=1, padding=1)
        self.layer5 = nn.ReLU()
        self.layer6 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.layer7 = nn.Conv2d(in_channels=4, out_channels=8, kernel_size=(3, 3), stride=1, padding=0)
        self.layer8 = nn.ReLU()
        self.layer9 = nn.Linear(200, 1)

        self._weight_init()

    def _weight_init(self):
        # TODO: implement weight initialization here
        for layer in self.children():
            if type(layer) == nn.Conv2d or type(layer) == nn.Linear:
                nn.init.kaiming_uniform_(layer.weight)
                layer.bias.data.fill_(0)

    def forward(self, x):
        # TODO: complete forward function
        out1 = self.layer1(x)
        out2 = self.layer2(out1)
        out3 = self.layer3(out2)
        out4 = self.layer4(out3)
        out5 = self.layer5(out4)
        out6 = self.layer6(out5)
        out7 = self.layer7(out6)
        out8 = self.layer8(out7)
        # print(out8.shape)
        out8 = out8.reshape(out8.shape[0], -1)
        out9 = self.layer9(out8)
        return out9


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
        self.layer1 = nn.Linear(zdim, 1568)
        self.layer2 = nn.LeakyReLU(0.2)
        self.layer3 = nn.Upsample(scale_factor=2)
        self.layer4 = nn.Conv2d(32, 16, 3, 1, 1, bias=True)
        self.layer5 = nn.LeakyReLU(0.2)
        self.layer6 = nn.Upsample(scale_factor=2)
        self.layer7 = nn.Conv2d(16, 8, 3, 1, 1, bias=True)
        self.layer8 = nn.LeakyReLU(0.2)
        self.layer9 = nn.Conv2d(8, 1, 3, 1, 1, bias=True)
        self.layer10 = nn.Sigmoid()

        self._weight_init()

    def _weight_init(self):
        # TODO: implement weight initialization here
        for layer in self.children():
            if type(layer) == nn.Conv2d or type(layer) == nn.Linear:
                nn.init.kaiming_uniform_(layer.weight)
                layer.bias.data.fill_(0)

    def forward(self, z):
        """
        Parameters
        ----------
            z: latent variables used to generate images.
        """
        # TODO: complete forward function
        out = self.layer2(self.layer1(z))
        out = out.reshape(out.shape[0], 32, 7, 7)
        out = self.layer5(self.layer4(self.layer3(out)))
        out = self.layer8(self.layer7(self.layer6(out)))
        return self.layer10(self.layer9(out))
