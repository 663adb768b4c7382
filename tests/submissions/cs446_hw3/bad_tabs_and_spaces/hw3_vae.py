import torch
import torch.nn as nn

class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Decoder, self).__init__()
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.fc2 = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        h = torch.tanh(self.fc1(z))
	return torch.sigmoid(self.fc2(h))

class VAE():
    @staticmethod
    def sample_Bernoulli(p):
        return torch.bernoulli(p)
