"""Problems 4.a and 4.b: the discriminator and the generator."""

import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.batches import observe_batches
from autograder.probes.gradients import without_gradient
from autograder.probes.layers import layers_of
from autograder.probes.parameters import load_parameters, make_positive, shapes_of
from autograder.probes.tensors import column

BATCH = 256  # the handout's own, in case a network works with no other: that is graded in 4.a.4 and 4.b.4
ZDIM = 64


def known(network, rng, *args, gain=1.4):
    """A network of the student's class with given parameters. Its own initialisation is graded in 4.c."""
    network._weight_init = lambda *_: None
    net = network(*args)
    load_parameters(net, rng, gain=gain)
    return net


def first(images, count):
    """The first images of a batch, which are enough, as [count, 1, 28, 28]; other axes are graded in 4.b.4."""
    if not isinstance(images, torch.Tensor) or images.dim() == 0:
        return images
    chosen = images[:count]
    return chosen.reshape(-1, 1, 28, 28) if chosen.dim() < 4 and chosen.numel() == count * 784 else chosen


@number("4.a.1")
@weight(2)
def test_discriminator_layers(hw3_gan, rng, observe):
    """DNet runs the layers of Table 1 in their order."""
    net = known(hw3_gan.DNet, rng)
    images = rng.normal(BATCH, 1, 28, 28)
    observe.exact(layers=layers_of(net, images))
    observe(logits=column(net(images)))


@number("4.a.2")
@weight(2)
def test_discriminator_parameters(hw3_gan, rng, observe):
    """DNet has the parameters of Table 1's layers, and its logits depend on all of them."""
    net = known(hw3_gan.DNet, rng, gain=0.2)
    images = rng.uniform(BATCH, 1, 28, 28).requires_grad_()
    logits = net(images)
    observe.exact(shapes_of_parameters=shapes_of(net.parameters()))
    observe.exact(parameters_without_gradient=shapes_of(without_gradient(logits, net.parameters())))
    observe.exact(gradient_reaches_the_images=not without_gradient(logits, [images]))
    make_positive(net)
    observe(logits_with_positive_parameters=column(net(images)))


@number("4.a.3")
@weight(1)
@twin(3)
def test_discriminator_logits(hw3_gan, rng, observe):
    """DNet computes the right logits with given parameters."""
    net = known(hw3_gan.DNet, rng)
    observe(logits=column(net(rng.normal(BATCH, 1, 28, 28))))
    observe(logits_of_bright_images=column(net(rng.uniform(BATCH, 1, 28, 28, low=0.5, high=3.0))))


@number("4.a.4")
@weight(1)
def test_discriminator_batches(hw3_gan, rng, observe):
    """DNet gives one logit per image, [batch, 1], whatever the size of the batch."""
    observe_batches(known(hw3_gan.DNet, rng), rng.normal(5, 1, 28, 28), observe)


@number("4.b.1")
@weight(3)
def test_generator_layers(hw3_gan, rng, observe):
    """GNet runs the layers of Table 2 in their order."""
    net = known(hw3_gan.GNet, rng, ZDIM)
    z = rng.normal(BATCH, ZDIM)
    observe.exact(layers=layers_of(net, z))
    observe(images=first(net(z), 4))


@number("4.b.2")
@weight(2)
def test_generator_parameters(hw3_gan, rng, observe):
    """GNet has the parameters of Table 2's layers, and its images depend on all of them."""
    net = known(hw3_gan.GNet, rng, ZDIM, gain=0.1)
    z = rng.uniform(BATCH, ZDIM).requires_grad_()
    images = net(z)
    observe.exact(shapes_of_parameters=shapes_of(net.parameters()))
    observe.exact(parameters_without_gradient=shapes_of(without_gradient(images, net.parameters())))
    observe.exact(gradient_reaches_z=not without_gradient(images, [z]))
    make_positive(net)
    observe(images_with_positive_parameters=first(net(z), 4))


@number("4.b.3")
@weight(1)
@twin(3)
def test_generator_images(hw3_gan, rng, observe):
    """GNet computes the right images with given parameters."""
    net = known(hw3_gan.GNet, rng, ZDIM)
    observe(images=first(net(rng.uniform(BATCH, ZDIM, low=-1.0)), 8))
    observe(images_of_large_z=first(net(rng.normal(BATCH, ZDIM, std=2.0)), 8))


@number("4.b.4")
@weight(1)
def test_generator_batches(hw3_gan, rng, observe):
    """GNet(zdim) gives one image per z, [batch, 1, 28, 28], whatever zdim and the size of the batch."""
    observe_batches(known(hw3_gan.GNet, rng, 10), rng.normal(5, 10), observe)
