import torch
import torch.nn as nn
from torch.nn import Linear


# "decoder" Model, p(x|z)
class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Decoder, self).__init__()
        # TODO: deconder layers
        # input: latent_dimension, output: data_dimension
        self.model = nn.Sequential(Linear(latent_dimension, hidden_units),
                                   nn.Tanh(),
                                   Linear(hidden_units, data_dimension),
                                   nn.Sigmoid())

    def forward(self, z):
        # Input z: [batch_size x latent_dimension]
        # Output p: [batch_size x data_dimension]
        p = self.model(z)
        return p
