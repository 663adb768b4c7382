import torch
import torch.nn as nn
import torch.nn.functional as F


# "decoder" Model, p(x|z)
class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Decoder, self).__init__()
        # two hidden layers, tanh after the first, sigmoid after the second
        self.hidden1 = nn.Linear(latent_dimension, hidden_units)
        self.hidden2 = nn.Linear(hidden_units, hidden_units)
        # ... and the output has to be a probability
        self.output = nn.Linear(hidden_units, data_dimension)

    def forward(self, z):
        h1 = torch.tanh(self.hidden1(z))
        h2 = torch.sigmoid(self.hidden2(h1))
        p = F.sigmoid(self.output(h2))
        return p
