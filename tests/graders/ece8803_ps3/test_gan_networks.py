"""Problems 1.b and 1.f: the discriminators and the generators."""

import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.batches import observe_batches, takes
from autograder.probes.gradients import without_gradient
from autograder.probes.layers import layers_of
from autograder.probes.parameters import load_parameters, make_positive, shapes_of
from autograder.probes.tensors import column, plain, shape_of

BATCH = 128  # the notebook's own, in case a network works with no other: that is graded with the batches
NOISE = 96


def known(net, rng, gain=1.4):
    """`net` with given parameters."""
    load_parameters(net, rng, gain=gain)
    return net


def taken(net, images):
    """Images in the form that a discriminator takes, [N, 1, 28, 28] or else [N, 784]; both are right."""
    with torch.no_grad():
        try:
            net(images)
            return images
        except Exception as error:
            try:
                net(images.flatten(1))
            except Exception:
                raise error from None
            return images.flatten(1)


def first(images, count):
    """The first images of a batch, which are enough, [count, 784]; other shapes are graded with the batches."""
    if not isinstance(images, torch.Tensor) or images.dim() == 0:
        return images
    chosen = images[:count]
    return chosen.reshape(count, 784) if chosen.numel() == count * 784 else chosen


def with_rows(output):
    """An output with its axis of images, which squeeze() takes from a single image's as well."""
    return output.reshape(1) if isinstance(output, torch.Tensor) and output.dim() == 0 else output


def form(output):
    """A shape; [N, 784] and [N, 1, 28, 28] are one form, since both are right."""
    shape = shape_of(with_rows(output))
    return f"{shape[0]} images" if shape[1:] in ([784], [1, 28, 28]) else shape


def observe_discriminator_layers(net, rng, observe):
    """The layers, and values that only these layers give."""
    images = taken(known(net, rng), rng.normal(BATCH, 1, 28, 28))
    observe.exact(layers=layers_of(net, images))
    observe(logits=column(net(images)))


def observe_discriminator_parameters(net, rng, observe):
    """The parameters' shapes, and whether the logits depend on all of them and on the images."""
    images = taken(known(net, rng, gain=0.2), rng.uniform(BATCH, 1, 28, 28)).requires_grad_()
    logits = net(images)
    observe.exact(shapes_of_parameters=shapes_of(net.parameters()))
    observe.exact(parameters_without_gradient=shapes_of(without_gradient(logits, net.parameters())))
    observe.exact(gradient_reaches_the_images=not without_gradient(logits, [images]))
    make_positive(net)
    observe(logits_with_positive_parameters=column(net(images)))


def observe_logits(net, rng, observe):
    """The logits of images with grey values of both signs, and of bright ones."""
    known(net, rng)
    observe(logits=column(net(taken(net, rng.normal(BATCH, 1, 28, 28)))))
    observe(logits_of_bright_images=column(net(taken(net, rng.uniform(BATCH, 1, 28, 28, low=0.5, high=2.0)))))


def observe_generator_layers(net, rng, observe):
    """The layers, and values that only these layers give."""
    noise = rng.normal(BATCH, NOISE)
    known(net, rng)
    observe.exact(layers=layers_of(net, noise))
    observe(images=first(net(noise), 4))


def observe_generator_parameters(net, rng, observe, gain):
    """The parameters' shapes, and whether the images depend on all of them and on the noise."""
    known(net, rng, gain=gain).eval()  # so that a normalisation does not take a bias away
    noise = rng.uniform(BATCH, NOISE).requires_grad_()
    images = net(noise)
    observe.exact(shapes_of_parameters=shapes_of(net.parameters()))
    observe.exact(parameters_without_gradient=shapes_of(without_gradient(images, net.parameters())))
    observe.exact(gradient_reaches_the_noise=not without_gradient(images, [noise]))
    make_positive(net)
    observe(images_with_positive_parameters=first(net(noise), 4))


def observe_images(net, rng, observe):
    """The images of noise as in training, and of larger noise."""
    known(net, rng)
    observe(images=first(net(rng.uniform(BATCH, NOISE, low=-1.0)), 8))
    observe(images_of_large_noise=first(net(rng.normal(BATCH, NOISE, std=2.0)), 8))


@number("1.b.ii.1")
@weight(1)
def test_discriminator_layers(gan_mnist, rng, observe):
    """discriminator() runs the layers of its table in their order."""
    observe_discriminator_layers(gan_mnist.discriminator(), rng, observe)


@number("1.b.ii.2")
@weight(1)
def test_discriminator_parameters(gan_mnist, rng, observe):
    """discriminator() has the parameters of its table's layers, and its logits depend on all of them."""
    observe_discriminator_parameters(gan_mnist.discriminator(), rng, observe)


@number("1.b.ii.3")
@weight(1)
@twin(2)
def test_discriminator_logits(gan_mnist, rng, observe):
    """discriminator() computes the right logits with given parameters."""
    observe_logits(gan_mnist.discriminator(), rng, observe)


@number("1.b.ii.4")
@weight(1)
def test_discriminator_batches(gan_mnist, rng, observe):
    """discriminator() gives one logit per image, [N, 1], whatever the size of the batch."""
    net = known(gan_mnist.discriminator(), rng)
    observe_batches(net, taken(net, rng.normal(5, 1, 28, 28)), observe, form)


@number("1.b.iii.1")
@weight(1)
def test_generator_layers(gan_mnist, rng, observe):
    """generator() runs the layers of its table in their order."""
    observe_generator_layers(gan_mnist.generator(NOISE), rng, observe)


@number("1.b.iii.2")
@weight(1)
def test_generator_parameters(gan_mnist, rng, observe):
    """generator() has the parameters of its table's layers, and its images depend on all of them."""
    observe_generator_parameters(gan_mnist.generator(NOISE), rng, observe, gain=0.03)


@number("1.b.iii.3")
@weight(1)
@twin(2)
def test_generator_images(gan_mnist, rng, observe):
    """generator() computes the right images with given parameters."""
    observe_images(gan_mnist.generator(NOISE), rng, observe)


@number("1.b.iii.4")
@weight(1)
def test_generator_batches(gan_mnist, rng, observe):
    """generator(noise_dim) gives one image per noise vector, whatever noise_dim and the size of the batch."""
    observe.exact(takes_noise_of_96=takes(gan_mnist.generator(NOISE), rng.normal(BATCH, NOISE)))
    observe_batches(known(gan_mnist.generator(10), rng), rng.normal(5, 10), observe, form)


@number("1.f.i.1")
@weight(1)
def test_dc_classifier_layers(gan_mnist, rng, observe):
    """build_dc_classifier runs the layers of its table in their order."""
    observe_discriminator_layers(gan_mnist.build_dc_classifier(BATCH), rng, observe)


@number("1.f.i.2")
@weight(1)
def test_dc_classifier_parameters(gan_mnist, rng, observe):
    """build_dc_classifier has the parameters of its table's layers, and its logits depend on all of them."""
    observe_discriminator_parameters(gan_mnist.build_dc_classifier(BATCH), rng, observe)


@number("1.f.i.3")
@weight(1)
@twin(2)
def test_dc_classifier_logits(gan_mnist, rng, observe):
    """build_dc_classifier computes the right logits with given parameters."""
    observe_logits(gan_mnist.build_dc_classifier(BATCH), rng, observe)


@number("1.f.i.4")
@weight(1)
def test_dc_classifier_batches(gan_mnist, rng, observe):
    """build_dc_classifier gives one logit per image, [batch_size, 1], whatever batch_size is."""
    images = rng.normal(5, 1, 28, 28)
    start = rng.numpy.bit_generator.state
    logits = []
    for count in (5, 1):
        rng.numpy.bit_generator.state = start  # the same parameters
        net = known(gan_mnist.build_dc_classifier(count), rng)
        with torch.no_grad():
            logits.append(with_rows(plain(net(taken(net, images[:count])))))
    observe.exact(shape_for_five=form(logits[0]), shape_for_one=form(logits[1]))
    observe(logits_of_five=column(logits[0]), logit_of_one=column(logits[1]))


@number("1.f.ii.1")
@weight(1)
def test_dc_generator_layers(gan_mnist, rng, observe):
    """build_dc_generator runs the layers of its table in their order."""
    observe_generator_layers(gan_mnist.build_dc_generator(NOISE), rng, observe)


@number("1.f.ii.2")
@weight(1)
def test_dc_generator_parameters(gan_mnist, rng, observe):
    """build_dc_generator has the parameters of its table's layers, and its images depend on all of them."""
    observe_generator_parameters(gan_mnist.build_dc_generator(NOISE), rng, observe, gain=0.1)


@number("1.f.ii.3")
@weight(1)
@twin(2)
def test_dc_generator_images(gan_mnist, rng, observe):
    """build_dc_generator computes the right images with given parameters."""
    observe_images(gan_mnist.build_dc_generator(NOISE), rng, observe)


@number("1.f.ii.4")
@weight(1)
def test_dc_generator_evaluation(gan_mnist, rng, observe):
    """In evaluation mode build_dc_generator(noise_dim) gives one image per noise vector, the same in any batch."""
    observe.exact(takes_noise_of_96=takes(gan_mnist.build_dc_generator(NOISE), rng.normal(BATCH, NOISE)))
    net = known(gan_mnist.build_dc_generator(10), rng)
    with torch.no_grad():
        net(rng.normal(BATCH, 10))  # running averages, as training leaves them
    observe_batches(net, rng.normal(5, 10), observe, form)
