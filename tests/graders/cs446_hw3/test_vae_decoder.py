"""Problem 2.a: the decoder."""

from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.layers import layers_of
from autograder.probes.parameters import load_parameters, shapes_of


@number("2.a.1")
@weight(2)
def test_decoder_layers(hw3_vae, rng, observe):
    """Decoder(2, 500, 784) runs the handout's layers in their order."""
    decoder = hw3_vae.Decoder(2, 500, 784)
    load_parameters(decoder, rng)
    z = rng.normal(4, 2)
    # Clamping the probabilities away from 0 and 1 is a guard of the logarithm, not a layer.
    layers = [layer for layer in layers_of(decoder, z) if layer["layer"] not in ("clamp", "Clamp")]
    observe.exact(layers=layers)
    observe.exact(parameters=shapes_of(decoder.parameters()))
    observe(p=decoder(z))


@number("2.a.2")
@weight(2)
@twin(2)
def test_decoder_probabilities(hw3_vae, rng, observe):
    """Decoder computes p with given parameters, at the sizes that its constructor is given."""
    latent, hidden, data = (int(rng.integers(low, high, 1)) for low, high in ((3, 7), (20, 60), (70, 120)))
    decoder = hw3_vae.Decoder(latent, hidden, data)
    load_parameters(decoder, rng)
    observe(p_of_five_codes=decoder(rng.normal(5, latent, std=2)))
    observe(p_of_one_code=decoder(rng.normal(1, latent)))
