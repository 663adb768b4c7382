"""Computations that every build of torch must do alike, as far as rounding allows."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from autograder.probes.parameters import load_parameters
from autograder.randomness import Inputs


def standard_computations(rng: Inputs) -> dict[str, torch.Tensor]:
    """What homework on generative models is made of, each as one vector: layers, losses, gradients, training steps."""
    x, image, z = rng.normal(6, 5), rng.normal(2, 3, 8, 8), rng.normal(2, 4, 3, 3)
    kernel, transposed, labels = rng.normal(4, 3, 3, 3), rng.normal(4, 2, 4, 4), rng.uniform(6, 5)
    computed = {
        "convolution": F.conv2d(image, kernel, stride=2, padding=1),
        "transposed convolution": F.conv_transpose2d(z, transposed, stride=2, padding=1),
        "pooling": F.max_pool2d(image, 2),
        "batch normalisation": F.batch_norm(x, None, None, training=True),
        "activations": torch.stack([F.leaky_relu(x, 0.2), x.tanh(), x.sigmoid(), F.softplus(x), x.softmax(1)]),
        "reductions": torch.stack([x.mean(), x.std(), x.exp().sum(), x.logsumexp(0).sum(), (x @ x.T).trace()]),
        "losses": torch.stack(
            [
                F.binary_cross_entropy_with_logits(x, labels),
                F.binary_cross_entropy(labels, x.sigmoid()),
                F.mse_loss(x, labels),
            ]
        ),
    }
    for name, optimiser in (("Adam", torch.optim.Adam), ("SGD with momentum", _momentum)):
        net = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1))
        load_parameters(net, rng)
        steps = optimiser(net.parameters(), lr=0.01)
        for _ in range(5):
            steps.zero_grad()
            net(x).square().mean().backward()
            steps.step()
        computed[name] = torch.cat([parameter.flatten() for parameter in net.parameters()])
    return {name: value.detach().flatten() for name, value in computed.items()}


def _momentum(parameters: object, lr: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=lr, momentum=0.9)  # type: ignore[arg-type]
