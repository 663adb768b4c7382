"""Problems 4.d and 4.e: the losses of discriminator and generator."""

import math
from contextlib import suppress
from typing import NamedTuple

import torch
from gradescope_utils.autograder_utils.decorators import number, weight
from torch import nn

from autograder.marks import twin
from autograder.probes.gradients import flat_gradient
from autograder.probes.layers import layers_of
from autograder.probes.tensors import is_finite, plain, scalar
from autograder.probes.training import swapped

PIXELS = 28 * 28
ZDIM = 64


class Form(NamedTuple):
    """How a discriminator gives what Table 1 asks for: logits [batch, 1] unless stated otherwise."""

    one_axis: bool = False
    probabilities: bool = False


class Judge(nn.Module):
    """A known discriminator: a linear map of the image, logits [batch, 1] of about `size`.

    `like` tells in which other form the student's own DNet gives them.
    """

    def __init__(self, rng, size):
        super().__init__()
        self.weight = nn.Parameter(rng.normal(PIXELS, 1, std=size * 12**0.5 / PIXELS**0.5))
        self.bias = nn.Parameter(rng.uniform(1, low=-0.5, high=0.5))
        self.like = Form()

    def forward(self, images):
        logits = (images.reshape(len(images), -1) - 0.5) @ self.weight + self.bias  # (batch, 1)
        output = logits.sigmoid() if self.like.probabilities else logits
        return output.squeeze(1) if self.like.one_axis else output


def form_of_own_network(hw3_gan):
    """The form in which the student's DNet gives its outputs."""
    images = torch.linspace(-1.0, 1.0, 3 * PIXELS).reshape(3, 1, 28, 28)
    try:
        hw3_gan.DNet._weight_init = lambda *_: None
        net = hw3_gan.DNet()
        return Form(one_axis=net(images).dim() == 1, probabilities=layers_of(net, images)[-1] == {"layer": "Sigmoid"})
    except Exception:  # whatever is wrong with the network is graded in 4.a
        return Form()


class Painter(nn.Module):
    """A known generator: a sine of a linear map of z, brought to 0..1."""

    def __init__(self, rng):
        super().__init__()
        self.weight = nn.Parameter(rng.normal(ZDIM, PIXELS))
        self.phase = nn.Parameter(rng.uniform(PIXELS, low=-3.0, high=3.0))

    def forward(self, z):
        return (0.5 + 0.5 * torch.sin(z @ self.weight + self.phase)).reshape(-1, 1, 28, 28)


def gan_with(hw3_gan, judge, painter):
    """The student's GAN around two known networks, whatever it calls them."""
    own = hw3_gan.GAN  # loaded before its networks are swapped
    with swapped(vars(hw3_gan), {"DNet": lambda *_, **__: judge, "GNet": lambda *_, **__: painter}):
        gan = own()
    for name, part in (("disc", judge), ("gen", painter)):
        if not any(value is part for value in vars(gan).values()):
            setattr(gan, name, part)
    return gan


def with_fitting_logits(hw3_gan, judge, call):
    """`call()` with logits [batch, 1] from the judge; with what the student's DNet gives where those do not fit.

    A DNet that gives [batch], or probabilities, is wrong, which is graded in 4.a. A loss that is right for it is right.
    """
    try:
        loss = call()
        if not (isinstance(loss, torch.Tensor) and bool(loss.isnan().any())):
            return loss
        error = None
    except Exception as raised:
        loss, error = None, raised
    judge.like = form_of_own_network(hw3_gan)
    if judge.like != Form():
        with suppress(Exception):
            return call()
    if error is not None:
        raise error
    return loss


def discriminator_loss(hw3_gan, rng, batch_size, size=2.0):
    """The student's loss of the discriminator in a known situation, and the known networks."""
    judge, painter = Judge(rng, size), Painter(rng)
    images, z = rng.uniform(batch_size, 1, 28, 28), rng.uniform(batch_size, ZDIM, low=-1.0)
    gan = gan_with(hw3_gan, judge, painter)
    loss = with_fitting_logits(hw3_gan, judge, lambda: gan._get_loss_d(batch_size, images, z))
    return loss, judge, painter


def generator_loss(hw3_gan, rng, batch_size, size=2.0):
    """The student's loss of the generator in a known situation, and the known networks."""
    judge, painter = Judge(rng, size), Painter(rng)
    z = rng.uniform(batch_size, ZDIM, low=-1.0)
    gan = gan_with(hw3_gan, judge, painter)
    loss = with_fitting_logits(hw3_gan, judge, lambda: gan._get_loss_g(batch_size, z))
    return loss, judge, painter


def differ(loss, other):
    """Whether two losses are different, as they are for logits of another size; what is not finite is graded apart."""
    given = (loss, other)
    values = [float(plain(value).detach().sum()) for value in given if isinstance(value, torch.Tensor)]
    values += [float(value) for value in given if isinstance(value, (int, float))]
    if not all(map(math.isfinite, values)):
        return True
    return len(values) == 2 and abs(values[0] - values[1]) > 1e-3


def is_finite_gradient(loss, net):
    """Whether no entry of a gradient is NaN or infinite; a gradient that is missing is graded elsewhere."""
    gradient = flat_gradient(loss, net.parameters())
    return gradient is None or is_finite(gradient)


@number("4.d.1")
@weight(2)
@twin(2)
def test_discriminator_loss(hw3_gan, rng, observe):
    """_get_loss_d is right for given networks, images and z."""
    for batch_size in (16, 256):
        loss, *_ = discriminator_loss(hw3_gan, rng, batch_size)
        observe(**{f"loss_of_{batch_size}_images": scalar(loss)})


@number("4.d.2")
@weight(1)
@twin(1)
def test_discriminator_loss_gradient(hw3_gan, rng, observe):
    """The gradient of _get_loss_d with respect to the discriminator is right."""
    loss, judge, _ = discriminator_loss(hw3_gan, rng, 32)
    observe(gradient_of_the_discriminator=flat_gradient(loss, judge.parameters()))


@number("4.d.3")
@weight(1)
def test_discriminator_loss_is_finite(hw3_gan, rng, observe):
    """_get_loss_d and its gradient stay finite when the discriminator is very sure of itself."""
    loss, judge, _ = discriminator_loss(hw3_gan, rng, 32, size=3000.0)
    other, *_ = discriminator_loss(hw3_gan, rng, 32)
    observe.exact(loss_is_finite=is_finite(loss), loss_follows_the_logits=differ(loss, other))
    observe.exact(gradient_is_finite=is_finite_gradient(loss, judge))


@number("4.e.1")
@weight(1)
@twin(1)
def test_generator_loss(hw3_gan, rng, observe):
    """_get_loss_g is right for given networks and z."""
    for batch_size in (16, 256):
        loss, *_ = generator_loss(hw3_gan, rng, batch_size)
        observe(**{f"loss_of_{batch_size}_images": scalar(loss)})


@number("4.e.2")
@weight(1)
@twin(1)
def test_generator_loss_gradient(hw3_gan, rng, observe):
    """The gradient of _get_loss_g with respect to the generator is right."""
    loss, _, painter = generator_loss(hw3_gan, rng, 32)
    observe(gradient_of_the_generator=flat_gradient(loss, painter.parameters()))


@number("4.e.3")
@weight(1)
def test_generator_loss_is_finite(hw3_gan, rng, observe):
    """_get_loss_g and its gradient stay finite when the discriminator is very sure of itself."""
    loss, _, painter = generator_loss(hw3_gan, rng, 32, size=3000.0)
    other, *_ = generator_loss(hw3_gan, rng, 32)
    observe.exact(loss_is_finite=is_finite(loss), loss_follows_the_logits=differ(loss, other))
    observe.exact(gradient_is_finite=is_finite_gradient(loss, painter))
