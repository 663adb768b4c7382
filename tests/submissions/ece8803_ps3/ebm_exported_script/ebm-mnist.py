#!/usr/bin/env python
# coding: utf-8

# # Problem 2: an energy-based model of MNIST

# In[1]:


get_ipython().run_line_magic('matplotlib', 'inline')
import os, random
import numpy as np
import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from torchvision import transforms
from torch.utils.data import DataLoader
IMG_SHAPE = (1, 28, 28)
device = torch.device("cuda:0") if torch.cuda.is_available() else torch.device("cpu")


# In[2]:


class Swish(nn.Module):

    def forward(self, x):
        return x * torch.sigmoid(x)


# In[3]:


class CNNModel(nn.Module):

    def __init__(self, hidden_features=32, out_dim=1, **kwargs):
        super().__init__()
        c1, c2, c3 = hidden_features // 2, hidden_features, hidden_features * 2
        self.cnn_layers = nn.Sequential(
            nn.Conv2d(1, c1, kernel_size=5, stride=2, padding=4),
            Swish(),
            nn.Conv2d(c1, c2, kernel_size=3, stride=2, padding=1),
            Swish(),
            nn.Conv2d(c2, c3, kernel_size=3, stride=2, padding=1),
            Swish(),
            nn.Conv2d(c3, c3, kernel_size=3, stride=2, padding=1),
            Swish(),
            nn.Flatten(),
            nn.Linear(c3 * 4, c3),
            Swish(),
            nn.Linear(c3, out_dim)
        )

    def forward(self, x):
        x = self.cnn_layers(x).squeeze(dim=-1)
        return x


# In[4]:


class Sampler:

    def __init__(self, model, img_shape, sample_size, max_len=8192):
        super().__init__()
        self.model = model
        self.img_shape = img_shape
        self.sample_size = sample_size
        self.max_len = max_len
        self.examples = [(torch.rand((1,) + img_shape) * 2 - 1) for _ in range(self.sample_size)]

    def sample_new_exmps(self, steps=60, step_size=10):
        # 95% of the batch come from the buffer, 5% from scratch
        n_new = np.random.binomial(self.sample_size, 0.05)
        rand_imgs = torch.rand((n_new,) + self.img_shape) * 2 - 1
        old_imgs = torch.cat(random.choices(self.examples, k=self.sample_size - n_new), dim=0)
        inp_imgs = torch.cat([rand_imgs, old_imgs], dim=0).detach().to(device)
        inp_imgs = Sampler.generate_samples(self.model, inp_imgs, steps=steps, step_size=step_size)
        self.examples = list(inp_imgs.to(torch.device("cpu")).chunk(self.sample_size, dim=0)) + self.examples
        self.examples = self.examples[:self.max_len]
        return inp_imgs

    @staticmethod
    def generate_samples(model, inp_imgs, steps=60, step_size=10, return_img_per_step=False):
        is_training = model.training
        model.eval()
        for p in model.parameters():
            p.requires_grad = False
        inp_imgs.requires_grad = True
        had_gradients_enabled = torch.is_grad_enabled()
        torch.set_grad_enabled(True)
        noise = torch.randn(inp_imgs.shape, device=inp_imgs.device)
        imgs_per_step = []
        for _ in range(steps):
            noise.normal_(0, 0.005)
            inp_imgs.data.add_(noise.data)
            inp_imgs.data.clamp_(min=-1.0, max=1.0)
            out_imgs = -model(inp_imgs)
            out_imgs.sum().backward()
            inp_imgs.grad.data.clamp_(-0.03, 0.03)
            inp_imgs.data.add_(-step_size * inp_imgs.grad.data)
            inp_imgs.grad.detach_()
            inp_imgs.grad.zero_()
            inp_imgs.data.clamp_(min=-1.0, max=1.0)
            if return_img_per_step:
                imgs_per_step.append(inp_imgs.clone().detach())
        for p in model.parameters():
            p.requires_grad = True
        model.train(is_training)
        torch.set_grad_enabled(had_gradients_enabled)
        if return_img_per_step:
            return torch.stack(imgs_per_step, dim=0)
        else:
            return inp_imgs


# In[5]:


def contrastive_divergence_loss(real_out, fake_out):
    return fake_out.mean() - real_out.mean()

def regularization_loss(real_out, fake_out, alpha):
    return alpha * (real_out ** 2 + fake_out ** 2).mean()


# In[6]:


def training_step(model, sampler, optimizer, real_imgs, alpha):
    small_noise = torch.randn_like(real_imgs) * 0.005
    real_imgs.add_(small_noise).clamp_(min=-1.0, max=1.0)
    fake_imgs = sampler.sample_new_exmps(steps=60, step_size=10)
    inp_imgs = torch.cat([real_imgs, fake_imgs], dim=0)
    real_out, fake_out = model(inp_imgs).chunk(2, dim=0)
    reg_loss = regularization_loss(real_out, fake_out, alpha)
    cdiv_loss = contrastive_divergence_loss(real_out, fake_out)
    loss = reg_loss + cdiv_loss
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.1)
    optimizer.step()
    return loss


# In[7]:


train_set = torchvision.datasets.MNIST(root="../data", train=True, transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]), download=True)
train_loader = DataLoader(train_set, batch_size=128, shuffle=True, drop_last=True)
model = CNNModel().to(device)
sampler = Sampler(model, IMG_SHAPE, 128)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, betas=(0.0, 0.999))
for epoch in range(60):
    for imgs, _ in train_loader:
        loss = training_step(model, sampler, optimizer, imgs.to(device), 0.1)
    print(epoch, loss)
torch.save(model.state_dict(), "ebm.pt")


# In[8]:


def sample_trajectory(model, num_imgs=8, steps=256, every=32):
    start_imgs = torch.rand((num_imgs,) + IMG_SHAPE).to(device) * 2 - 1
    imgs_per_step = Sampler.generate_samples(model, start_imgs.clone(), steps=steps, step_size=10, return_img_per_step=True)
    chosen = [start_imgs] + [imgs_per_step[i] for i in range(every - 1, steps, every)]
    return torch.stack(chosen, dim=0)


# In[9]:


def add_noise(imgs, std=0.3):
    noisy = imgs + torch.randn_like(imgs) * std
    return torch.clamp(noisy, min=-1.0, max=1.0)

def flip(imgs):
    return imgs.flip(dims=(-2, -1))

def resize(imgs):
    img_tiny = torch.zeros_like(imgs) - 1
    img_tiny[:, :, imgs.shape[2] // 2:, imgs.shape[3] // 2:] = imgs[:, :, ::2, ::2]
    return img_tiny

def own_transform(imgs):
    return torch.roll(imgs, shifts=9, dims=3)


# In[10]:


@torch.no_grad()
def score_table(model, imgs_by_name):
    model.eval()
    result = {}
    for name in imgs_by_name:
        out = model(imgs_by_name[name])
        result[name] = (out.mean(), out.std())
    return result


# **Answer 2.a**
# 
# The energy of data goes down.
