#!/usr/bin/env python
# coding: utf-8

# # ECE 8803, problem set 3, problem 1: GANs on MNIST

# In[1]:


get_ipython().run_line_magic('matplotlib', 'inline')
import os

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from scipy import linalg
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

# In[2]:


BATCH_SIZE = 128
NOISE_DIM = 96

# Passes over the training set. Set these variables where your training set or your patience is smaller.
NUM_EPOCHS = int(os.environ.get("GAN_EPOCHS", "10"))
NUM_EPOCHS_DC = int(os.environ.get("GAN_EPOCHS_DC", "5"))

dtype = torch.cuda.FloatTensor if torch.cuda.is_available() else torch.FloatTensor

# In[3]:


mnist_train = datasets.MNIST("./data", train=True, download=True, transform=transforms.ToTensor())
loader_train = DataLoader(mnist_train, batch_size=BATCH_SIZE, shuffle=True, drop_last=True)

# In[4]:


def preprocess_img(x):
    return 2 * x - 1

# In[5]:


def deprocess_img(x):
    return (x + 1) / 2

# In[6]:


def show_images(images, title="", columns=8):
    images = images.detach().cpu().reshape(-1, 28, 28)
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(columns, rows), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image in zip(axes.flat, images):
        axis.imshow(image, cmap="gray", vmin=0, vmax=1)
    figure.suptitle(title)
    plt.show()

# In[7]:


def count_params(model):
    return sum(parameter.numel() for parameter in model.parameters())

# In[8]:


real_images = next(iter(loader_train))[0][:16]
show_images(real_images, "real digits")

# In[9]:


def sample_noise(batch_size, dim, seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    return 2 * torch.rand(batch_size, dim) - 1


# In[10]:


def discriminator(seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 256),
        nn.LeakyReLU(0.01),
        nn.Linear(256, 256),
        nn.LeakyReLU(0.01),
        nn.Linear(256, 1),
    )


# In[11]:


print("parameters of the discriminator:", count_params(discriminator()), "(should be 267009)")

# In[12]:


def generator(noise_dim=NOISE_DIM, seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(noise_dim, 1024),
        nn.ReLU(),
        nn.Linear(1024, 1024),
        nn.ReLU(),
        nn.Linear(1024, 784),
        nn.Tanh(),
    )


# In[13]:


print("parameters of the generator:", count_params(generator(NOISE_DIM)), "(should be 1952528)")

# In[14]:


def bce_loss(input, target):
    return (input.clamp(min=0) - input * target + torch.log1p(torch.exp(-input.abs()))).mean()

# In[15]:


def discriminator_loss(logits_real, logits_fake):
    return F.softplus(-logits_real).mean() + F.softplus(logits_fake).mean()

# In[16]:


def generator_loss(logits_fake):
    return F.softplus(-logits_fake).mean()

# In[17]:


def get_optimizer(model):
    return optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))


# In[18]:


def run_a_gan(D, G, D_solver, G_solver, discriminator_loss, generator_loss, loader_train,
              show_every=250, batch_size=128, noise_size=96, num_epochs=10):
    shown = []
    step = 0
    for epoch in range(num_epochs):
        for x, _ in loader_train:
            if len(x) != batch_size:
                continue
            real = preprocess_img(x.type(dtype))

            D_solver.zero_grad()
            fake = G(sample_noise(batch_size, noise_size).type(dtype)).detach()
            d_loss = discriminator_loss(D(real), D(fake.view(batch_size, 1, 28, 28)))
            d_loss.backward()
            D_solver.step()

            G_solver.zero_grad()
            fake = G(sample_noise(batch_size, noise_size).type(dtype))
            g_loss = generator_loss(D(fake.view(batch_size, 1, 28, 28)))
            g_loss.backward()
            G_solver.step()

            if step % show_every == 0:
                print(f"epoch {epoch}, step {step}: loss of D {d_loss.item():.4f}, of G {g_loss.item():.4f}")
                shown.append(deprocess_img(fake[:16].detach().cpu().reshape(-1, 784)))
            step += 1
    print(f"{step} steps: loss of D {d_loss.item():.4f}, of G {g_loss.item():.4f}")
    shown.append(deprocess_img(fake[:16].detach().cpu().reshape(-1, 784)))
    return shown

# In[19]:


D = discriminator(seed=1).type(dtype)
G = generator(seed=2).type(dtype)
shown = run_a_gan(D, G, get_optimizer(D), get_optimizer(G), discriminator_loss, generator_loss, loader_train,
                  batch_size=BATCH_SIZE, noise_size=NOISE_DIM, num_epochs=NUM_EPOCHS)

# In[20]:


show_images(shown[0], "vanilla GAN, at the start")
show_images(shown[len(shown) // 2], "vanilla GAN, half way")
show_images(shown[-1], "vanilla GAN, at the end")

# In[21]:


def ls_discriminator_loss(scores_real, scores_fake):
    loss_real = 0.5 * (scores_real - 1).square().mean()
    loss_fake = 0.5 * scores_fake.square().mean()
    return loss_real + loss_fake


# In[22]:


def ls_generator_loss(scores_fake):
    return 0.5 * (scores_fake - 1).square().mean()


# In[23]:


D_ls = discriminator(seed=3).type(dtype)
G_ls = generator(seed=4).type(dtype)
shown_ls = run_a_gan(D_ls, G_ls, get_optimizer(D_ls), get_optimizer(G_ls), ls_discriminator_loss, ls_generator_loss,
                     loader_train, batch_size=BATCH_SIZE, noise_size=NOISE_DIM, num_epochs=NUM_EPOCHS)

# In[24]:


show_images(shown_ls[len(shown_ls) // 2], "least-squares GAN, half way")
show_images(shown_ls[-1], "least-squares GAN, at the end")

# In[25]:


def build_dc_classifier(batch_size):
    return nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=5),
        nn.LeakyReLU(0.01),
        nn.MaxPool2d(2, stride=2),
        nn.Conv2d(32, 64, kernel_size=5),
        nn.LeakyReLU(0.01),
        nn.MaxPool2d(2, stride=2),
        nn.Flatten(),
        nn.Linear(4 * 4 * 64, 1024),
        nn.LeakyReLU(0.01),
        nn.Linear(1024, 1),
    )


# In[26]:


print("parameters of the convolutional discriminator:", count_params(build_dc_classifier(BATCH_SIZE)), "(should be 1102721)")

# In[27]:


def build_dc_generator(noise_dim=NOISE_DIM):
    return nn.Sequential(
        nn.Linear(noise_dim, 1024),
        nn.ReLU(),
        nn.BatchNorm1d(1024),
        nn.Linear(1024, 7 * 7 * 128),
        nn.ReLU(),
        nn.BatchNorm1d(7 * 7 * 128),
        nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, kernel_size=4, stride=2, padding=1),
        nn.Tanh(),
        nn.Flatten(),
    )


# In[28]:


print("parameters of the convolutional generator:", count_params(build_dc_generator(NOISE_DIM)), "(should be 6675009)")

# In[29]:


def initialize_weights(model):
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.ConvTranspose2d)):
            nn.init.xavier_uniform_(layer.weight)

# In[30]:


D_dc = build_dc_classifier(BATCH_SIZE).type(dtype)
G_dc = build_dc_generator(NOISE_DIM).type(dtype)
initialize_weights(D_dc)
initialize_weights(G_dc)
shown_dc = run_a_gan(D_dc, G_dc, get_optimizer(D_dc), get_optimizer(G_dc), discriminator_loss, generator_loss,
                     loader_train, batch_size=BATCH_SIZE, noise_size=NOISE_DIM, num_epochs=NUM_EPOCHS_DC)

# In[31]:


show_images(shown_dc[len(shown_dc) // 2], "convolutional GAN, half way")
show_images(shown_dc[-1], "convolutional GAN, at the end")

# In[32]:


def draw_samples(G, count):
    G.eval()
    with torch.no_grad():
        return G(sample_noise(count, NOISE_DIM).type(dtype)).cpu().reshape(count, 784)

# In[33]:


COUNT = 2000
samples = {name: draw_samples(model, COUNT) for name, model in {"vanilla": G, "least squares": G_ls, "convolutional": G_dc}.items()}
rows = torch.randperm(len(mnist_train), generator=torch.Generator().manual_seed(5))  # the file's order is not random
real = torch.stack([mnist_train[row][0] for row in rows[: 2 * COUNT]])
samples["real, others"] = preprocess_img(real[COUNT:])
real = preprocess_img(real[:COUNT])
for name, images in samples.items():
    show_images(deprocess_img(images[:16]), name)

# In[34]:


class DigitClassifier(nn.Module):

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=5, stride=2, padding=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 32),
            nn.Tanh(),
        )
        self.head = nn.Linear(32, 10)

    def features(self, images):
        """Features [N, 32] of images [N, 1, 28, 28] in [-1, 1]."""
        return self.body(images)

    def forward(self, images):
        return self.head(self.features(images))

# In[35]:


def train_classifier(loader, num_epochs=5, seed=0):
    torch.manual_seed(seed)
    classifier = DigitClassifier().type(dtype)
    solver = optim.Adam(classifier.parameters(), lr=1e-3)
    for epoch in range(num_epochs):
        for images, labels in loader:
            solver.zero_grad()
            logits = classifier(preprocess_img(images.type(dtype)))
            F.cross_entropy(logits, labels.to(logits.device)).backward()
            solver.step()
    return classifier.eval()

# In[36]:


def feature_statistics(features):
    rows = features.detach().cpu().double().numpy()
    return rows.mean(axis=0), np.cov(rows, rowvar=False)


# In[37]:


def frechet_distance(mu_1, sigma_1, mu_2, sigma_2):
    sqrt_1 = linalg.sqrtm(sigma_1 + 1e-10 * np.eye(len(mu_1))).real
    s = linalg.svdvals(sqrt_1 @ linalg.sqrtm(sigma_2 + 1e-10 * np.eye(len(mu_2))).real)
    return np.sum((mu_1 - mu_2) ** 2) + np.trace(sigma_1 + sigma_2) - 2 * s.sum()

# In[38]:


def compare(samples_by_name, real, features):
    # everything in one place
    F_real = features(real.reshape(-1, 1, 28, 28)).detach().numpy()
    m_r, C_r = F_real.mean(0), np.cov(F_real.T)
    result = {}
    for name in samples_by_name:
        F_fake = features(samples_by_name[name].reshape(-1, 1, 28, 28)).detach().numpy()
        m_f, C_f = F_fake.mean(0), np.cov(F_fake.T)
        result[name] = np.sum((m_r - m_f) ** 2) + np.trace(C_r + C_f - 2 * linalg.sqrtm(C_r @ C_f).real)
    return result

# In[39]:


classifier = train_classifier(loader_train)
distances = compare({name: images.type(dtype) for name, images in samples.items()}, real.type(dtype), classifier.features)
for name, distance in distances.items():
    print(f"{name:15s} {distance:8.4f}")
