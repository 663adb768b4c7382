import argparse
import os
import sys
import pdb
import time
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn import Linear
from torch.optim import Adam, SGD
from torch.autograd import Variable
import matplotlib.pyplot as plt
import pandas as pd

from hw3_utils import array_to_image, concat_images, batch_indices, load_mnist

os.environ['CUDA_VISIBLE_DEVICES'] = '1'
start = time.time()
device = torch.device('cuda')
print("using", device)

# The "encoder" model q(z|x)
class Encoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Encoder, self).__init__()
        # Input: x input image [batch_size x data_dimension]
        # Output: parameters of a diagonal gaussian
        #   mean : [batch_size x latent_dimension]
        #   variance : [batch_size x latent_dimension]

        self.fc1 = nn.Linear(data_dimension, hidden_units)
        self.fc2_mu = nn.Linear(hidden_units, latent_dimension)
        self.fc2_sigma = nn.Linear(hidden_units, latent_dimension)

    def forward(self, x):
        # Input: x input image [batch_size x data_dimension]
        # Output: parameters of a diagonal gaussian
        #   mean : [batch_size x latent_dimension]
        #   variance : [batch_size x latent_dimension]

        hidden = torch.tanh(self.fc1(x))
        mu = self.fc2_mu(hidden)
        log_sigma_square = self.fc2_sigma(hidden)
        sigma_square = torch.exp(log_sigma_square)
        return mu, sigma_square


# "decoder" Model, p(x|z)
class Decoder(nn.Module):
    def __init__(self, latent_dimension, hidden_units, data_dimension):
        super(Decoder, self).__init__()
        # TODO: deconder layers
        self.fc1 = nn.Linear(latent_dimension, hidden_units)
        self.tanh = nn.Tanh()
        self.fc2 = nn.Linear(hidden_units, data_dimension)
        self.sigmoid = nn.Sigmoid()

    def forward(self, z):
        # Input
        #   z: [batch_size x latent_dimension]
        # Output
        #   p: [batch_size x data_dimension]

        # TODO: decoder function
        z = z.float()
        out = self.fc1(z)
        out = self.tanh(out)
        out = self.fc2(out)
        p = self.sigmoid(out)
        #pdb.set_trace()
        return p


# VAE model
class VAE():
    def __init__(self, args):
        self.latent_dimension = args.latent_dimension
        self.hidden_units =  args.hidden_units
        self.data_dimension = args.data_dimension
        self.resume_training = args.resume_training
        self.batch_size = args.batch_size
        self.num_epoches = args.num_epoches
        self.e_path = args.e_path
        self.d_path = args.d_path

        # load and pre-process dataset
        self.N_data, self.train_images, self.train_labels, self.test_images, self.test_labels = load_mnist()
        self.train_images = torch.from_numpy(self.train_images).to(device)
        self.test_images = torch.from_numpy(self.test_images).to(device)

        # Instantiate the encoder and decoder models
        self.encoder = Encoder(self.latent_dimension, self.hidden_units, self.data_dimension).to(device)
        self.decoder = Decoder(self.latent_dimension, self.hidden_units, self.data_dimension).to(device)

        # Load Trained Parameters
        if self.resume_training:
            self.encoder.load_state_dict(torch.load(self.e_path))
            self.decoder.load_state_dict(torch.load(self.d_path))

        self.losses = []


    # Sample from Diagonal Gaussian z~N(μ,σ^2 I)
    @staticmethod
    def sample_diagonal_gaussian(mu, sigma_square):
        # Inputs: mu, sigma_square both [batch_size x latent_dimension]
        # Output: sample [batch_size x latent_dimension]
        # sample = torch.normal(mu, sigma_square)  <- no gradient, and it wants std
        eps = Variable(torch.randn(mu.size(0), mu.size(1)).to(mu.device))
        std = sigma_square ** 0.5
        sample = mu + std * eps
        return sample

    # Sampler from Bernoulli
    @staticmethod
    def sample_Bernoulli(p):
        # Input: p: [batch_size x data_dimension]
        # Output: x: [batch_size x data_dimension]
        x = torch.from_numpy(np.random.binomial(1, p.cpu().detach().numpy())).float()
        return x


    # Compute Log-pdf of z under Diagonal Gaussian N(z|μ,σ^2 I)
    @staticmethod
    def logpdf_diagonal_gaussian(z, mu, sigma_square):
        # Input:
        #   z: sample [batch_size x latent_dimension]
        #   mu: mean of the gaussian distribution [batch_size x latent_dimension]
        #   sigma_square: variance of the gaussian distribution [batch_size x latent_dimension]
        # Output:
        #    logprob: log-probability of a diagnomal gaussian [batch_size]
        d = z.shape[1]
        logprob = - d/2.0 * np.log(2*np.pi) - 0.5*torch.sum(torch.log(sigma_square), 1) - 0.5 * torch.sum((z-mu)**2/sigma_square, 1)
        return logprob

    # Compute log-pdf of x under Bernoulli
    @staticmethod
    def logpdf_bernoulli(x, p):
        # Input:
        #   x: samples [batch_size x data_dimension]
        #   p: the probability of the x being 1 [batch_size x data_dimension]
        # Output:
        #   logprob: log-probability of a bernoulli distribution [batch_size]
        # logprob = torch.sum(x*torch.log(p) + (1-x)*torch.log(1-p), 1)    nan!!
        logprob = torch.sum(x*torch.log(p+1e-10) + (1-x)*torch.log(1-p+1e-10), 1)
        return logprob

    # Sample z ~ q(z|x)
    def sample_z(self, mu, sigma_square):
        # input:
        #   mu: mean of the gaussian [batch_size x latent_dimension]
        #   sigma_square: variance of the gaussian [batch_size x latent_dimension]
        # Output:
        #   zs: samples from q(z|x) [batch_size x latent_dimension]
        zs = self.sample_diagonal_gaussian(mu, sigma_square)
        return zs


    # Variational Objective
    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        # log_q(z|x) logprobability of z under approximate posterior N(μ,σ)
        log_q = self.logpdf_diagonal_gaussian(sampled_z, mu, sigma_square)

        # log_p_z(z) log probability of z under prior
        z_mu = torch.FloatTensor([0]*self.latent_dimension).repeat(sampled_z.shape[0], 1).to(device)
        z_sigma = torch.FloatTensor([1]*self.latent_dimension).repeat(sampled_z.shape[0], 1).to(device)
        log_p_z = self.logpdf_diagonal_gaussian(sampled_z, z_mu, z_sigma)

        # log_p(x|z) - conditional probability of data given latents.
        log_p = self.logpdf_bernoulli(x, p)

        # TODO: implement the ELBO loss using log_q, log_p_z and log_p
        elbo = torch.mean(log_p_z + log_p - log_q)
        return elbo

    def train(self):

        # Set-up ADAM optimizer
        params = list(self.encoder.parameters()) + list(self.decoder.parameters())
        adam_optimizer = Adam(params)

        # Train for num_epoches
        num_batches = int(np.ceil(len(self.train_images) / self.batch_size))
        num_iters = self.num_epoches * num_batches
        print('training for', num_iters, 'iterations')

        for i in range(num_iters):
            x_minibatch = self.train_images[batch_indices(i, num_batches, self.batch_size),:]
            adam_optimizer.zero_grad()

            mu, sigma_square = self.encoder(x_minibatch)
            zs = self.sample_z(mu, sigma_square)
            p = self.decoder(zs)
            elbo = self.elbo_loss(zs, mu, sigma_square, x_minibatch, p)
            total_loss = -elbo
            total_loss.backward()
            adam_optimizer.step()
            self.losses.append(total_loss.item())

            if i%100 == 0:
                print("Epoch: " + str(i//num_batches) + ", Iter: " + str(i) + ", ELBO:" + str(elbo.item()))

        # Save Optimized Model Parameters
        torch.save(self.encoder.state_dict(), self.e_path)
        torch.save(self.decoder.state_dict(), self.d_path)


    # Generate digits using the VAE
    def visualize_data_space(self):
        # TODO: Sample 10 z from prior
        list_of_images = []
        z = self.sample_diagonal_gaussian(torch.zeros(10,2), torch.ones(10,2)).to(device)
        for i in range(10):
            # TODO: For each z, plot p(x|z)
            prob = self.decoder(z[i])
            list_of_images.append(array_to_image(prob.cpu().detach().numpy()))
            # TODO: Sample x from p(x|z)
            x = self.sample_Bernoulli(prob)
            list_of_images.append(array_to_image(x.cpu().detach().numpy()))
        # TODO: Concatenate plots into a figure (use the function concat_images)
        plot = concat_images(list_of_images, 10, 2)
        # TODO: Save the generated figure and include it in your report
        plt.figure()
        plt.imshow(plot, cmap='gray')
        plt.savefig("VAE_data_space.png")
        plt.show()

    # Produce a scatter plot in the latent space, where each point in the plot will be the mean vector
    # for the distribution $q(z|x)$ given by the encoder. Further, we will colour each point in the plot
    # by the class label for the input data.
    def visualize_latent_space(self):

        # TODO: Encode the training data self.train_images
        mu, sigma = self.encoder(self.train_images)
        # TODO: Take the mean vector of each encoding
        mu = mu.cpu().detach().numpy()
        # TODO: Plot these mean vectors in the latent space with a scatter
        # Colour each point depending on the class label
        y = []
        for row in self.train_labels:
            y.append(np.where(row == 1)[0][0])
        colors = ['red','blue','green','yellow','purple','orange','black','pink','brown','cyan']
        plt.figure(figsize=(10,10))
        plt.scatter(mu[:,0], mu[:,1], c=[colors[k] for k in y], s=1)
        # TODO: Save the generated figure and include it in your report
        plt.savefig("VAE_latent_space.png")
        plt.show()

    # Function which gives linear interpolation z_α between za and zb
    @staticmethod
    def interpolate_mu(mua, mub, alpha = 0.5):
        return alpha*mub + (1-alpha)*mua


    # A common technique to assess latent representations is to interpolate between two points.
    # Here we will encode 3 pairs of data points with different classes.
    # Then we will linearly interpolate between the mean vectors of their encodings.
    # We will plot the generative distributions along the linear interpolation.
    def visualize_inter_class_interpolation(self):

        # TODO: Sample 3 pairs of data with different classes
        pairs = []
        while len(pairs) != 3:
            idx = np.random.randint(0, len(self.train_images), size=2)
            if np.argmax(self.train_labels[idx[0]]) != np.argmax(self.train_labels[idx[1]]):
                pairs.append(idx)

        images = []
        for pair in pairs:
            # TODO: Encode the data in each pair, and take the mean vectors
            mua, _ = self.encoder(self.train_images[pair[0]])
            mub, _ = self.encoder(self.train_images[pair[1]])
            # TODO: Linearly interpolate between these mean vectors (Use the function interpolate_mu)
            alpha = 0
            for k in range(0, 11):
                z = self.interpolate_mu(mua, mub, alpha)
                # TODO: Along the interpolation, plot the distributions p(x|z_α)
                p = self.decoder(z)
                images.append(array_to_image(p.cpu().detach().numpy()))
                alpha = alpha + 0.1

        # Concatenate these plots into one figure
        fig = concat_images(images, 3, 11)
        plt.figure()
        plt.imshow(fig, cmap='gray')
        plt.savefig("VAE_interpolation.png")
        plt.show()


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument('--e_path', type=str, default="./e_params.pkl", help='Path to encoder parameters.')
    parser.add_argument('--d_path', type=str, default="./d_params.pkl", help='Path to decoder parameters.')
    parser.add_argument('--hidden_units', type=int, default=500, help='Number of hidden units in the encoder and decoder networks.')
    parser.add_argument('--latent_dimension', type=int, default='2', help='Dimensionality of the latent space.')
    parser.add_argument('--data_dimension', type=int, default='784', help='Dimensionality of the data space.')
    parser.add_argument('--resume_training', action='store_true', help='Whether to resume training')
    parser.add_argument('--seed', type=int, default=1, help='Random seed.')

    parser.add_argument('--num_epoches', type=int, default=200, help='Number of training epoches')
    parser.add_argument('--batch_size', type=int, default=100, help='Batch size')

    args = parser.parse_args()
    return args


def main():

    # read the function parse_args() to see the arguments
    args = parse_args()

    # set the random seed (this is needed for reproducibility)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    # train the model
    vae = VAE(args)
    vae.train()

    # visualize
    vae.visualize_data_space()
    vae.visualize_latent_space()
    vae.visualize_inter_class_interpolation()
    return vae


model = main()
pd.Series(model.losses).rolling(100).mean().plot()
plt.savefig('losses.png')
print('took', time.time() - start, 'seconds')
sys.exit()
