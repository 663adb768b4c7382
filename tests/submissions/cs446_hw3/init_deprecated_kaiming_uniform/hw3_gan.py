import torch
import torch.nn as nn


class DNet(nn.Module):
    def __init__(self):
        super(DNet, self).__init__()
        self.conv1=nn.Conv2d(1,2,3,1,1)
        self.relu1=nn.ReLU()
        self.max1=nn.MaxPool2d(2,2)
        self.conv2=nn.Conv2d(2,4,3,1,1)
        self.relu2=nn.ReLU()
        self.max2=nn.MaxPool2d(2,2)
        self.conv3=nn.Conv2d(4,8,3,1,0)
        self.relu3=nn.ReLU()
        self.linear=nn.Linear(200,1)
        self._weight_init()

    def _weight_init(self):
        for child in self.children():
            if isinstance(child,nn.Conv2d) or isinstance(child,nn.Linear):
                torch.nn.init.kaiming_uniform(child.weight)
                torch.nn.init.uniform(child.bias,0,0)

    def forward(self, x):
        x=self.max1(self.relu1(self.conv1(x)))
        x=self.max2(self.relu2(self.conv2(x)))
        x=self.relu3(self.conv3(x))
        x=x.view(-1,200)
        return self.linear(x)


class GNet(nn.Module):
    def __init__(self, zdim):
        super(GNet, self).__init__()
        self.linear=nn.Linear(zdim,1568)
        self.lr1=nn.LeakyReLU(0.2)
        self.up1=nn.Upsample(scale_factor=2)
        self.conv1=nn.Conv2d(32,16,3,1,1)
        self.lr2=nn.LeakyReLU(0.2)
        self.up2=nn.Upsample(scale_factor=2)
        self.conv2=nn.Conv2d(16,8,3,1,1)
        self.lr3=nn.LeakyReLU(0.2)
        self.conv3=nn.Conv2d(8,1,3,1,1)
        self.sigmoid=nn.Sigmoid()
        self._weight_init()

    def _weight_init(self):
        for child in self.children():
            if isinstance(child,nn.Conv2d) or isinstance(child,nn.Linear):
                torch.nn.init.kaiming_uniform(child.weight)
                torch.nn.init.uniform(child.bias,0,0)

    def forward(self, z):
        z=self.lr1(self.linear(z))
        z=z.view(-1,32,7,7)
        z=self.lr2(self.conv1(self.up1(z)))
        z=self.lr3(self.conv2(self.up2(z)))
        return self.sigmoid(self.conv3(z))
