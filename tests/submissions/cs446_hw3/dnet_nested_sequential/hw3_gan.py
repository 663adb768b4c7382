import torch.nn as nn


class View(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.view(x.size(0), *self.shape)

    def __repr__(self):
        return f'View{self.shape}'


def conv_block(in_c, out_c, pad, pool=True):
    layers = [nn.Conv2d(in_c, out_c, kernel_size=3, stride=1, padding=pad), nn.ReLU()]
    if pool:
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return nn.Sequential(*layers)


def up_block(in_c, out_c):
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        nn.Conv2d(in_c, out_c, kernel_size=3, stride=1, padding=1, bias=True),
        nn.LeakyReLU(0.2),
    )


def init_weights(net):
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(m.weight)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


class DNet(nn.Module):
    """This is discriminator network."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Sequential(
                conv_block(1, 2, pad=1),
                conv_block(2, 4, pad=1),
                conv_block(4, 8, pad=0, pool=False),
            ),
            nn.Sequential(nn.Flatten(), nn.Linear(200, 1)),
        )
        self._weight_init()

    def _weight_init(self):
        init_weights(self)

    def forward(self, x):
        return self.net(x)


class GNet(nn.Module):
    """This is generator network."""

    def __init__(self, zdim):
        super().__init__()
        self.net = nn.Sequential(
            nn.Sequential(nn.Linear(zdim, 1568), nn.LeakyReLU(0.2), View(32, 7, 7)),
            nn.Sequential(up_block(32, 16), up_block(16, 8)),
            nn.Sequential(nn.Conv2d(8, 1, 3, 1, 1), nn.Sigmoid()),
        )
        self._weight_init()

    def _weight_init(self):
        init_weights(self)

    def forward(self, z):
        return self.net(z)
