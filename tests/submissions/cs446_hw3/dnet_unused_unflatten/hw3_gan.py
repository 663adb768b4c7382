import torch
import torch.nn as nn
import torch.nn.init as init


class DNet(nn.Module):
    def __init__(self):
        super(DNet, self).__init__()
        self.conv_1 = nn.Conv2d(1, 2, 3, 1, 1)
        self.relu_1 = nn.ReLU()
        self.maxpool_1 = nn.MaxPool2d(2, 2)
        self.conv_2 = nn.Conv2d(2, 4, 3, 1, 1)
        self.relu_2 = nn.ReLU()
        self.maxpool_2 = nn.MaxPool2d(2, 2)
        self.conv_3 = nn.Conv2d(4, 8, 3, 1, 0)
        self.relu_3 = nn.ReLU()
        self.flatten = nn.Flatten()
        self.unflatten = nn.Unflatten(1, (8, 5, 5))
        self.drop = nn.Dropout(0.3)  # not in the table, dont use
        self.linear = nn.Linear(200, 1)
        self._weight_init()

    def _weight_init(self):
        layers = [self.conv_1, self.conv_2, self.conv_3, self.linear]
        for l in layers:
            init.kaiming_uniform_(l.weight, nonlinearity='relu')
            init.zeros_(l.bias)

    def forward(self, x):
        x = self.conv_1(x)
        x = self.relu_1(x)
        x = self.maxpool_1(x)
        x = self.conv_2(x)
        x = self.relu_2(x)
        x = self.maxpool_2(x)
        x = self.conv_3(x)
        x = self.relu_3(x)
        x = self.flatten(x)
        # x = self.drop(x)
        x = self.linear(x)
        return x


class GNet(nn.Module):
    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.zdim = zdim
        self.linear = nn.Linear(zdim, 1568)
        self.lrelu_1 = nn.LeakyReLU(0.2)
        self.unflatten = nn.Unflatten(1, (32, 7, 7))
        self.upsample_1 = nn.Upsample(scale_factor=2)
        self.conv_1 = nn.Conv2d(32, 16, 3, 1, 1)
        self.lrelu_2 = nn.LeakyReLU(0.2)
        self.upsample_2 = nn.Upsample(scale_factor=2)
        self.conv_2 = nn.Conv2d(16, 8, 3, 1, 1)
        self.lrelu_3 = nn.LeakyReLU(0.2)
        self.conv_3 = nn.Conv2d(8, 1, 3, 1, 1)
        self.sigmoid = nn.Sigmoid()
        self._weight_init()

    def _weight_init(self):
        layers = [self.linear, self.conv_1, self.conv_2, self.conv_3]
        for l in layers:
            init.kaiming_uniform_(l.weight, nonlinearity='relu')
            init.zeros_(l.bias)

    def forward(self, z):
        z = self.lrelu_1(self.linear(z))
        # unflatten complained about the type here, view is the same thing
        z = z.view(z.shape[0], 32, 7, 7)
        z = self.upsample_1(z)
        z = self.lrelu_2(self.conv_1(z))
        z = self.upsample_2(z)
        z = self.lrelu_3(self.conv_2(z))
        z = self.sigmoid(self.conv_3(z))
        return z
