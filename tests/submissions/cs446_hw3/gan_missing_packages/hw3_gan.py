import os
import pandas as pd
import seaborn as sns
import torch
import torch.nn as nn
from torchsummary import summary
from torch.utils.tensorboard import SummaryWriter
import wandb
from my_logger import Logger
from hw3_utils import BASE_URL, download, GANDataset
from google.colab import drive

drive.mount('/content/drive')
os.chdir('/content/drive/MyDrive/cs446/hw3')

sns.set_style('whitegrid')
logger = Logger('runs/gan')
wandb.init(project='cs446-hw3')


class DNet(nn.Module):
    def __init__(self):
        super(DNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, 1, 1)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(2, 4, 3, 1, 1)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2, 2)
        self.conv3 = nn.Conv2d(4, 8, 3, 1, 0)
        self.relu3 = nn.ReLU()
        self.fc = nn.Linear(200, 1)
        self._weight_init()

    def _weight_init(self):
        for layer in self.children():
            if not isinstance(layer, (nn.ReLU, nn.MaxPool2d)):
                nn.init.kaiming_uniform_(layer.weight)
                layer.bias.data.fill_(0.0)

    def forward(self, x):
        x = self.relu1(self.conv1(x))
        x = self.pool1(x)
        x = self.relu2(self.conv2(x))
        x = self.pool2(x)
        x = self.relu3(self.conv3(x))
        x = x.flatten(start_dim=1)
        return self.fc(x)


summary(DNet(), (1, 28, 28))


class GNet(nn.Module):
    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.fc = nn.Linear(zdim, 784)

    def forward(self, z):
        return self.fc(z).sigmoid().view(-1, 1, 28, 28)


class GAN:
    def __init__(self, zdim=64):
        self._dev = torch.device("cpu")
        self._zdim = zdim
        self.disc = DNet().to(self._dev)
        self.gen = GNet(self._zdim).to(self._dev)

    def _get_loss_d(self, batch_size, batch_data, z):
        loss_f = nn.BCEWithLogitsLoss()
        real_out = self.disc(batch_data)
        fake_out = self.disc(self.gen(z))
        out = torch.cat([real_out, fake_out])
        labels = torch.cat([torch.ones_like(real_out), torch.zeros_like(fake_out)])
        return 2 * loss_f(out, labels)

    def _get_loss_g(self, batch_size, z):
        out = self.disc(self.gen(z))
        return nn.BCEWithLogitsLoss()(out, torch.ones_like(out))


if __name__ == '__main__':
    gan = GAN()
    gan.train()
    df = pd.DataFrame({'loss_d': gan.losses_d, 'loss_g': gan.losses_g})
    df.to_csv('losses.csv')
