"""Problem 4.c: the initialisation of both networks."""

import inspect

from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.initialisation import biases, fresh_networks, scaled_draws

ENTRIES = 8000


def observe_weights(nets, rng, observe):
    """The distribution of the weights of each kind of layer, in units of 1/√fan-in.

    These units make the layers comparable, and a network with other layers than the tables' is not punished again. With
    so many entries the test notices a bound that is 9 % off, or one layer of three whose bound is 30 % off.
    """
    observe.samples(weights_of_convolutions=scaled_draws(nets, "Conv2d", ENTRIES, rng))
    observe.samples(weights_of_linear_layers=scaled_draws(nets, "Linear", ENTRIES, rng))


def observe_biases(nets, observe):
    """In how many layers _weight_init leaves a bias that is not zero.

    Whether the constructor calls it is graded with the weights: where biases are not zero, it is called here.
    """
    for net in nets:
        if any(bool(bias.any()) for bias in biases(net).values()):
            initialise(net)
    wrong = {name for net in nets for name, bias in biases(net).items() if bool((bias != 0).any())}
    observe.exact(
        there_are_biases=all(len(biases(net)) > 0 for net in nets), layers_with_a_bias_that_is_not_zero=len(wrong)
    )


def initialise(net):
    """Call the student's _weight_init, which takes the network or one layer at a time."""
    takes_layers = len(inspect.signature(net._weight_init).parameters) > 0
    if takes_layers:
        net.apply(net._weight_init)
    else:
        net._weight_init()


@number("4.c.1")
@weight(2)
@twin(1)
def test_discriminator_weights(hw3_gan, rng, observe):
    """A new DNet has Kaiming-uniform weights in every layer."""
    observe_weights(fresh_networks(hw3_gan.DNet, 150), rng, observe)


@number("4.c.2")
@weight(1)
def test_discriminator_biases(hw3_gan, observe):
    """DNet's _weight_init sets every bias to zero."""
    observe_biases(fresh_networks(hw3_gan.DNet, 3), observe)


@number("4.c.3")
@weight(2)
@twin(1)
def test_generator_weights(hw3_gan, rng, observe):
    """A new GNet has Kaiming-uniform weights in every layer."""
    observe_weights(fresh_networks(lambda: hw3_gan.GNet(64), 38), rng, observe)


@number("4.c.4")
@weight(1)
def test_generator_biases(hw3_gan, observe):
    """GNet's _weight_init sets every bias to zero."""
    observe_biases(fresh_networks(lambda: hw3_gan.GNet(64), 3), observe)
