"""Parts 2.b.i and 2.b.ii: the activation and the network of the energy-based model."""

from contextlib import contextmanager
from unittest import mock

import torch
import torch.nn.functional as F
from gradescope_utils.autograder_utils.decorators import number, weight
from torch import nn

from autograder.marks import twin
from autograder.probes.gradients import gradients, without_gradient
from autograder.probes.layers import layers_of
from autograder.probes.parameters import load_parameters, shapes_of
from autograder.probes.tensors import plain, shape_of
from autograder.probes.training import swapped

STAND_IN_SLOPE = 0.37


class StandIn(nn.Module):
    """Takes the place of the student's activation, which is graded in 2.b.i."""

    def __init__(self, *_, **__):
        super().__init__()

    def forward(self, x):
        return bend(x)


def bend(x, *_, **__):
    return F.leaky_relu(x, STAND_IN_SLOPE)


@contextmanager
def known_activation(ebm_mnist):
    """While networks are built and used, Swish is another function, and so is torch's own."""
    _ = ebm_mnist.CNNModel  # loaded first, or its slice would bring the student's Swish back
    with (
        swapped(vars(ebm_mnist), {"Swish": StandIn}),
        mock.patch.object(nn.SiLU, "forward", lambda _, x: bend(x)),
        mock.patch.object(F, "silu", bend),
    ):
        yield


def known_network(ebm_mnist, rng, gain=1.4, **options):
    """A network of the student's class with given parameters. To be called under `known_activation`."""
    net = ebm_mnist.CNNModel(**options)
    load_parameters(in_order_of_use(net), rng, gain=gain)
    return net


def in_order_of_use(net):
    """A list of the network's layers as it uses them, then of what else has parameters.

    Three of its biases have the same shape, and a student may declare the layers in any order. A lazy layer has no
    parameters before its first use.
    """
    used = []
    layers = [layer for layer in net.modules() if next(layer.parameters(recurse=False), None) is not None]
    handles = [layer.register_forward_hook(lambda layer, *_: used.append(layer)) for layer in layers]
    with torch.no_grad():
        net(torch.zeros(2, 1, 28, 28))
    for handle in handles:
        handle.remove()
    return nn.ModuleList([*used, net])


def images(rng, count):
    return rng.normal(count, 1, 28, 28)


def flat(scores):
    """Scores of N images as [N]; other axes are graded in 2.b.ii.4."""
    return scores.reshape(-1) if isinstance(scores, torch.Tensor) else scores


@number("2.b.i.1")
@weight(1)
@twin(1)
def test_swish(ebm_mnist, rng, observe):
    """Swish gives x · sigmoid(x) for tensors of any shape."""
    swish = ebm_mnist.Swish()
    observe(vector=swish(rng.normal(200, std=3)), images=swish(rng.uniform(2, 3, 4, 4, low=-5, high=5)))


@number("2.b.i.2")
@weight(1)
def test_swish_gradient(ebm_mnist, rng, observe):
    """Swish has the right gradient, and stays finite far from zero."""
    swish = ebm_mnist.Swish()
    x = rng.normal(200, std=3).requires_grad_()
    observe(gradient=gradients(swish(x), [x])[0])
    far = torch.tensor([-1e4, -500.0, -100.0, 100.0, 500.0, 1e4], requires_grad=True)
    value = swish(far)
    observe(far_from_zero=value, gradient_far_from_zero=gradients(value, [far])[0])


@number("2.b.ii.1")
@weight(1)
def test_network_layers(ebm_mnist, rng, observe):
    """CNNModel runs the layers of the table in their order."""
    inputs = images(rng, 8)
    with known_activation(ebm_mnist):
        net = known_network(ebm_mnist, rng)
        observe.exact(layers=layers_of(net, inputs))
        observe(scores=flat(net(inputs)))


@number("2.b.ii.2")
@weight(1)
def test_network_parameters(ebm_mnist, rng, observe):
    """CNNModel has the parameters of the table's layers, and its scores depend on all of them and on the images."""
    inputs = images(rng, 8).requires_grad_()
    with known_activation(ebm_mnist):
        net = known_network(ebm_mnist, rng)
        scores = net(inputs)
    observe.exact(shapes_of_parameters=shapes_of(net.parameters()))
    observe.exact(parameters_without_gradient=shapes_of(without_gradient(scores, net.parameters())))
    observe.exact(gradient_reaches_the_images=not without_gradient(scores, [inputs]))


@number("2.b.ii.3")
@weight(1)
@twin(3)
def test_network_scores(ebm_mnist, rng, observe):
    """CNNModel computes the right scores with given parameters."""
    with known_activation(ebm_mnist):
        net = known_network(ebm_mnist, rng)
        observe(scores=flat(net(images(rng, 16))))
        observe(scores_of_bright_images=flat(net(rng.uniform(16, 1, 28, 28, low=0.0, high=3.0))))


@number("2.b.ii.4")
@weight(1)
def test_network_batches(ebm_mnist, rng, observe):
    """CNNModel gives one score per image, [N], whatever the size of the batch."""
    inputs = images(rng, 5)
    with known_activation(ebm_mnist), torch.no_grad():
        net = known_network(ebm_mnist, rng).eval()
        together = plain(net(inputs))
        alone = [plain(net(inputs[row : row + 1])) for row in range(len(inputs))]
    observe.exact(shape_for_five=shape_of(together), shape_for_one=shape_of(alone[0]))
    if all(isinstance(score, torch.Tensor) and score.numel() == 1 for score in alone) and together.numel() == 5:
        observe(
            difference_between_batch_and_single=together.reshape(5) - torch.stack([flat(score)[0] for score in alone])
        )


@number("2.b.ii.5")
@weight(1)
def test_network_widths(ebm_mnist, rng, observe):
    """CNNModel has the widths that hidden_features and out_dim ask for."""
    with known_activation(ebm_mnist):
        for features in (16, 48):
            net = known_network(ebm_mnist, rng, hidden_features=features)
            biases = sorted(len(parameter) for parameter in net.parameters() if parameter.dim() == 1)
            observe.exact(**{f"widths_for_{features}_features": biases})
            observe(**{f"scores_with_{features}_features": flat(net(images(rng, 4)))})
        several = ebm_mnist.CNNModel(out_dim=3)
        observe.exact(shape_for_three_outputs=shape_of(several(images(rng, 5))))
