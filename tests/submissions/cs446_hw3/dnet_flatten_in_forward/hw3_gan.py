import torch
import torch.nn as nn

class DNet(nn.Module):
    """This is discriminator network."""

    def __init__(self):
        super(DNet, self).__init__()

        self.first_conv = nn.Conv2d(1, 2, kernel_size = 3, stride = 1, padding = 1, bias = True)
        self.second_conv = nn.Conv2d(2, 4, kernel_size = 3, stride = 1, padding = 1, bias = True)
        self.third_conv = nn.Conv2d(4, 8, kernel_size = 3, stride = 1, padding = 0, bias = True)
        self.relu = nn.ReLU()
        self.max_pool = nn.MaxPool2d(kernel_size = 2, stride = 2)
        self.final = nn.Linear(in_features = 200, out_features = 1, bias = True)

        self._weight_init()

    def _weight_init(self):
        for layer in self.children():
            classname = layer.__class__.__name__
            if classname.find('Conv') == -1 and classname.find('Linear') == -1:
                continue
            nn.init.kaiming_uniform_(layer.weight.data)
            nn.init.constant_(layer.bias.data, 0.0)

    def forward(self, x):
        y = self.first_conv(x)
        y = self.relu(y)
        y = self.max_pool(y)

        y = self.second_conv(y)
        y = self.relu(y)
        y = self.max_pool(y)

        y = self.third_conv(y)
        y = self.relu(y)

        y = nn.Flatten()(y)
        y = self.final(y)
        return y
