import torch
from torch.nn import Conv2d, Linear, LeakyReLU, MaxPool2d, Module, ReLU, Sequential, Sigmoid, Upsample, Flatten, Unflatten
from torch.nn.init import kaiming_uniform_, zeros_


class DNet(Module):

    def __init__(self):
        Module.__init__(self)
        self.main = Sequential(
            Conv2d(1, 2, 3, 1, 1),
            ReLU(inplace=True),
            MaxPool2d(2, 2),
            Conv2d(2, 4, 3, 1, 1),
            ReLU(inplace=True),
            MaxPool2d(2, 2),
            Conv2d(4, 8, 3, 1, 0),
            ReLU(inplace=True),
            Flatten(),
            Linear(200, 1)
        )
        self._weight_init()

    def _weight_init(self):
        for layer in self.main.children():
            if hasattr(layer, 'weight'):
                kaiming_uniform_(layer.weight)
            if hasattr(layer, 'bias'):
                zeros_(layer.bias)

    def forward(self, x):
        return self.main(x)


class GNet(Module):

    def __init__(self, zdim):
        Module.__init__(self)
        self.main = Sequential(
            Linear(zdim, 1568),
            LeakyReLU(0.2, inplace=True),
            Unflatten(1, (32, 7, 7)),
            Upsample(scale_factor=2),
            Conv2d(32, 16, 3, 1, 1),
            LeakyReLU(0.2, inplace=True),
            Upsample(scale_factor=2),
            Conv2d(16, 8, 3, 1, 1),
            LeakyReLU(0.2, inplace=True),
            Conv2d(8, 1, 3, 1, 1),
            Sigmoid()
        )
        self._weight_init()

    def _weight_init(self):
        for layer in self.main.children():
            if hasattr(layer, 'weight'):
                kaiming_uniform_(layer.weight)
            if hasattr(layer, 'bias'):
                zeros_(layer.bias)

    def forward(self, z):
        return self.main(z)
