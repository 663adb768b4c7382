import torch
import torch.nn as nn
import torch.nn.functional as F

class DNet(nn.Module):
    def __init__(self):
        super(DNet, self).__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 2, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(2, 4, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(4, 8, 3, 1, 0), nn.ReLU())
        self.classifier = nn.Linear(8*5*5, 1)
        self.apply(self._weight_init)

    def _weight_init(self, m):
        if isinstance(m, nn.Conv2d) or isinstance(m, nn.Linear):
            nn.init.kaiming_uniform_(m.weight)
            m.bias.data.zero_()

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x.flatten(1))

class GNet(nn.Module):
    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.lin = nn.Sequential(nn.Linear(zdim, 1568), nn.LeakyReLU(0.2))
        self.deconv = nn.Sequential(
            nn.Upsample(scale_factor=2), nn.Conv2d(32, 16, 3, 1, 1), nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2), nn.Conv2d(16, 8, 3, 1, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(8, 1, 3, 1, 1), nn.Sigmoid())
        self.apply(self._weight_init)

    def _weight_init(self, m):
        if isinstance(m, nn.Conv2d) or isinstance(m, nn.Linear):
            nn.init.kaiming_uniform_(m.weight)
            m.bias.data.zero_()

    def forward(self, z):
        return self.deconv(self.lin(z).view(-1, 32, 7, 7))
