import numpy as np
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
from hw3_utils import array_to_image, concat_images, batch_indices, load_mnist


class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Encoder, self).__init__()
        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        hidden = torch.tanh(self.fc1(x))
        return self.fc2_mu(hidden), torch.exp(self.fc2_sigma(hidden))


class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Decoder, self).__init__()
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.fc2 = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        return torch.sigmoid(self.fc2(torch.tanh(self.fc1(z))))


class VAE():
    def __init__(self, args):
        self.latent_dimension = args.latent_dimension
        _, self.train_images, self.train_labels, _, _ = load_mnist()
        self.encoder = Encoder(args.latent_dimension, args.hidden_units, args.data_dimension)
        self.decoder = Decoder(args.latent_dimension, args.hidden_units, args.data_dimension)

    def visualize_latent_space(self):
        # TODO: Encode the training data self.train_images
        encodings, _ = self.encoder(torch.Tensor(self.train_images))
        encodings = encodings.detach().numpy()
        # TODO: Take the mean vector of each encoding
        mean = np.mean(encodings, axis=1)
        # TODO: Plot these mean vectors in the latent space with a scatter
        # Colour each point depending on the class label
        labels = np.argmax(self.train_labels, axis=1)
        plt.figure(figsize=(10, 10))
        # why is it a straight line???
        plt.scatter(mean, mean, c=labels, cmap='tab10', s=4)
        plt.colorbar()
        # TODO: Save the generated figure and include it in your report
        plt.savefig('latent.png')
