import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
import torchvision.transforms as T
import torch.optim as optim
from torch.utils.data import DataLoader

dtype = torch.cuda.FloatTensor  ## UNCOMMENT THIS LINE IF YOU'RE ON A GPU!
torch.backends.cudnn.benchmark = True
print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else 'no gpu??')


class DNet(nn.Module):
    def __init__(self):
        super(DNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, 1, 1)
        self.conv2 = nn.Conv2d(2, 4, 3, 1, 1)
        self.conv3 = nn.Conv2d(4, 8, 3, 1, 0)
        self.fc = nn.Linear(200, 1)
        self._weight_init()

    def _weight_init(self):
        for c in self.children():
            nn.init.kaiming_uniform_(c.weight)
            c.bias.data = torch.zeros(c.bias.shape).type(dtype)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.conv3(x))
        return self.fc(x.view(x.size(0), -1))


class GNet(nn.Module):
    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.fc = nn.Linear(zdim, 1568)
        self.conv1 = nn.Conv2d(32, 16, 3, 1, 1)
        self.conv2 = nn.Conv2d(16, 8, 3, 1, 1)
        self.conv3 = nn.Conv2d(8, 1, 3, 1, 1)
        self._weight_init()

    def _weight_init(self):
        for c in self.children():
            nn.init.kaiming_uniform_(c.weight)
            c.bias.data = torch.zeros(c.bias.shape).type(dtype)

    def forward(self, z):
        h = F.leaky_relu(self.fc(z), 0.2).view(-1, 32, 7, 7)
        h = F.leaky_relu(self.conv1(F.interpolate(h, scale_factor=2)), 0.2)
        h = F.leaky_relu(self.conv2(F.interpolate(h, scale_factor=2)), 0.2)
        return torch.sigmoid(self.conv3(h))


def bce_loss(input, target):
    """
    Numerically stable version of the binary cross-entropy loss function.
    As per https://github.com/pytorch/pytorch/issues/751
    """
    neg_abs = - input.abs()
    loss = input.clamp(min=0) - input * target + (1 + neg_abs.exp()).log()
    return loss.mean()


class GAN:
    def __init__(self, zdim=64):
        torch.manual_seed(2)
        self._dev = torch.device("cuda:0")
        self._zdim = zdim
        self.disc = DNet().type(dtype)
        self.gen = GNet(self._zdim).cuda()

    def _get_loss_d(self, batch_size, batch_data, z):
        logits_real = self.disc(batch_data.type(dtype))
        logits_fake = self.disc(self.gen(z.cuda())).cuda()
        ones = torch.ones(logits_real.shape).type(dtype)
        zeros = torch.cuda.FloatTensor(logits_fake.shape).fill_(0)
        return bce_loss(logits_real, ones) + bce_loss(logits_fake, zeros)

    def _get_loss_g(self, batch_size, z):
        logits_fake = self.disc(self.gen(z.to(self._dev)))
        labels = torch.autograd.Variable(torch.ones(batch_size, 1).cuda(), requires_grad=False)
        return bce_loss(logits_fake, labels)
