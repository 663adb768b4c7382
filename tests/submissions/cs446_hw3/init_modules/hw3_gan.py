import torch
import torch.nn as nn
from torch.nn import init


class DNet(nn.Module):

    def __init__(self):
        super(DNet, self).__init__()
        self.c1 = nn.Conv2d(1, 2, 3, 1, 1)
        self.c2 = nn.Conv2d(2, 4, 3, 1, 1)
        self.c3 = nn.Conv2d(4, 8, 3, 1, 0)
        self.l = nn.Linear(200, 1)
        self._weight_init()

    def _weight_init(self):
        for m in self.modules():
            if m.__class__.__name__ in ('Conv2d', 'Linear'):
                init.kaiming_uniform_(m.weight, mode='fan_in', nonlinearity='relu')
                if m.bias is not None:
                    init.constant_(m.bias, 0)

    def forward(self, x):
        m = nn.MaxPool2d(2, 2)
        x = m(nn.ReLU()(self.c1(x)))
        x = m(nn.ReLU()(self.c2(x)))
        x = nn.ReLU()(self.c3(x))
        return self.l(x.view(x.size()[0], -1))


class GNet(nn.Module):

    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.l = nn.Linear(zdim, 1568)
        self.c1 = nn.Conv2d(32, 16, 3, 1, 1)
        self.c2 = nn.Conv2d(16, 8, 3, 1, 1)
        self.c3 = nn.Conv2d(8, 1, 3, 1, 1)
        self._weight_init()

    def _weight_init(self):
        for m in self.modules():
            if m.__class__.__name__ in ('Conv2d', 'Linear'):
                init.kaiming_uniform_(m.weight, mode='fan_in', nonlinearity='relu')
                if m.bias is not None:
                    init.constant_(m.bias, 0)

    def forward(self, z):
        a = nn.LeakyReLU(0.2)
        u = nn.Upsample(scale_factor=2)
        h = a(self.l(z)).view(-1, 32, 7, 7)
        h = a(self.c1(u(h)))
        h = a(self.c2(u(h)))
        return nn.Sigmoid()(self.c3(h))
