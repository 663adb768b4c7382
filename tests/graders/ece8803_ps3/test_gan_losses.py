"""Problems 1.c and 1.e: the losses of vanilla and of least-squares GANs."""

import math

import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.gradients import flat_gradient
from autograder.probes.tensors import is_finite, plain, scalar

BATCHES = (128, 16)
LARGE = 1e4


def has_one_axis(gan_mnist):
    """Whether the student's own discriminator gives logits [N]; a loss that is right for these is right."""
    try:
        with torch.no_grad():
            return gan_mnist.discriminator()(torch.zeros(2, 1, 28, 28)).dim() == 1
    except Exception:  # whatever is wrong with the network is graded in 1.b
        return False


def outputs(gan_mnist, values):
    """A discriminator's outputs [N, 1], to which a gradient can be taken, in the form that the student's own has."""
    shape = (-1,) if has_one_axis(gan_mnist) else (-1, 1)
    return values.reshape(shape).requires_grad_()


def observe_values(loss, arguments, gan_mnist, rng, observe):
    """The loss of outputs of usual size, in two batches, with as many random tensors as it has `arguments`."""
    for batch in BATCHES:
        values = [outputs(gan_mnist, rng.normal(batch, mean=0.3, std=2.0)) for _ in range(arguments)]
        observe(**{f"loss_of_{batch}": scalar(loss(*values))})


def observe_gradient(name, loss, arguments, gan_mnist, rng, observe):
    """The gradient with respect to the outputs, in units of 1/N."""
    values = [outputs(gan_mnist, rng.normal(BATCHES[0], mean=0.3, std=2.0)) for _ in range(arguments)]
    gradient = flat_gradient(loss(*values), values)
    observe(**{f"gradient_of_the_{name}": None if gradient is None else BATCHES[0] * gradient})


def as_float(value):
    """A loss as a number; NaN for what is none."""
    value = plain(value)
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return float(value.detach())
    return float(value) if isinstance(value, (int, float)) else math.nan


@number("1.c.1")
@weight(1)
@twin(2)
def test_discriminator_loss(gan_mnist, rng, observe):
    """discriminator_loss is right for given logits."""
    observe_values(gan_mnist.discriminator_loss, 2, gan_mnist, rng, observe)


@number("1.c.2")
@weight(1)
@twin(2)
def test_generator_loss(gan_mnist, rng, observe):
    """generator_loss is right for given logits."""
    observe_values(gan_mnist.generator_loss, 1, gan_mnist, rng, observe)


@number("1.c.3")
@weight(1)
def test_loss_gradients(gan_mnist, rng, observe):
    """The gradients of both losses with respect to the logits are right."""
    observe_gradient("discriminator_loss", gan_mnist.discriminator_loss, 2, gan_mnist, rng, observe)
    observe_gradient("generator_loss", gan_mnist.generator_loss, 1, gan_mnist, rng, observe)


@number("1.c.4")
@weight(1)
def test_losses_of_large_logits(gan_mnist, rng, observe):
    """Both losses and their gradients stay finite, and follow the logits, at 10,000 and -10,000."""
    size = LARGE * rng.uniform(1, low=0.8, high=1.2)
    for name, loss, count in (
        ("discriminator_loss", gan_mnist.discriminator_loss, 2),
        ("generator_loss", gan_mnist.generator_loss, 1),
    ):
        values, finite = [], []
        # The discriminator is very sure of itself; it errs the first time. One image each: a sum is a mean then.
        for sign in (-1.0, 1.0):
            logits = [outputs(gan_mnist, sign * size), outputs(gan_mnist, -sign * size)][-count:]
            value = loss(*logits)
            gradient = flat_gradient(value, logits)
            finite += [is_finite(value), gradient is None or is_finite(gradient)]
            values.append(as_float(value))
        observe.exact(**{f"{name}_is_finite": finite})
        # Whichever case costs, and with whatever sign: these are graded in 1.c.1 and 1.c.2.
        observe(**{f"largest_{name}_over_10000": max(map(abs, values)) / LARGE})


@number("1.e.1")
@weight(1)
@twin(1)
def test_ls_discriminator_loss(gan_mnist, rng, observe):
    """ls_discriminator_loss and its gradient are right for given scores."""
    observe_values(gan_mnist.ls_discriminator_loss, 2, gan_mnist, rng, observe)
    observe_gradient("loss", gan_mnist.ls_discriminator_loss, 2, gan_mnist, rng, observe)


@number("1.e.2")
@weight(1)
@twin(1)
def test_ls_generator_loss(gan_mnist, rng, observe):
    """ls_generator_loss and its gradient are right for given scores."""
    observe_values(gan_mnist.ls_generator_loss, 1, gan_mnist, rng, observe)
    observe_gradient("loss", gan_mnist.ls_generator_loss, 1, gan_mnist, rng, observe)
