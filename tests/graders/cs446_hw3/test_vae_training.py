"""Problem 2.d: training."""

from contextlib import ExitStack
from unittest import mock

import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.tensors import plain
from autograder.probes.training import (
    KnownDecoder,
    KnownEncoder,
    assemble,
    binary_images,
    constant_noise,
    holds,
    learning_rate,
    options,
    parameter_vector,
    serve_digits,
)
from autograder.randomness import Inputs


def args_for(hw3_vae, *, epochs, batch):
    return options(
        hw3_vae, latent_dimension=2, hidden_units=16, data_dimension=784, batch_size=batch, num_epoches=epochs,
        resume_training=False, e_path="encoder.pt", d_path="decoder.pt",
    )  # fmt: skip


def labels_for(images):
    return torch.arange(len(images)) % 10


def without_constructor(images):
    return {"train_images": images, "train_labels": torch.eye(10, dtype=torch.int64)[labels_for(images)]}


def vae_with(hw3_vae, args, images, parts):
    """The student's VAE around known parts, with these training images."""
    digits = (images, labels_for(images))
    serve_digits(digits, digits)
    return assemble(hw3_vae.VAE, args, parts, otherwise=without_constructor(images))


def known_sample(mu, sigma_square):
    return mu + 0.5 * sigma_square


def known_sample_z(self, mu, sigma_square):
    return known_sample(mu, sigma_square)


def sign_of_elbo(vae, images):
    """-1 where the student's elbo_loss is what to minimise, as it is for those who return -ELBO; 1 otherwise.

    That is judged in 2.c. Here only train() must fit to it.
    """

    def negative(x, p):
        return -(x + p).sum(-1)

    def zero(z, mu, sigma_square):
        return torch.zeros(len(z))

    known = {"logpdf_bernoulli": staticmethod(negative), "logpdf_diagonal_gaussian": staticmethod(zero)}
    mu, sigma_square = torch.zeros(len(images), 2), torch.ones(len(images), 2)
    try:
        with torch.no_grad(), mock.patch.multiple(type(vae), create=True, **known):
            elbo = plain(vae.elbo_loss(mu + 0.5, mu, sigma_square, images, torch.full_like(images, 0.5)))
            return -1.0 if bool(elbo.mean() > 0) else 1.0
    except Exception:
        return 1.0


def known_objective(sign):
    """Something else than the ELBO to maximise (times `sign`): bounded by 0, with a gradient to every argument."""

    def elbo_loss(self, sampled_z, mu, sigma_square, x, p):
        fit = 0.2 * (p - x).square().sum(-1)
        size = 0.3 * (mu - 0.4).square().sum(-1) + (sigma_square - 0.6).square().sum(-1)
        return -sign * torch.mean(fit + size + 0.1 * sampled_z.square().sum(-1))

    return elbo_loss


@number("2.d.1")
@weight(2)
@twin(1)
def test_training_steps(hw3_vae, rng, observe):
    """train() moves the parameters of encoder and decoder as Adam does when it maximises a known objective."""
    # All images are one, so that their order in an epoch is free; the rate is free as well.
    images = rng.bernoulli(0.4, 1, 784).expand(12, 784).clone()
    encoder, decoder = KnownEncoder(rng), KnownDecoder(rng)
    vae = vae_with(hw3_vae, args_for(hw3_vae, epochs=2, batch=4), images, {"Encoder": encoder, "Decoder": decoder})
    before = [parameter_vector(net) for net in (encoder, decoder)]
    objective = known_objective(sign_of_elbo(vae, images))
    with (
        mock.patch.object(hw3_vae.VAE, "elbo_loss", objective, create=True),
        mock.patch.object(hw3_vae.VAE, "sample_diagonal_gaussian", staticmethod(known_sample), create=True),
        mock.patch.object(hw3_vae.VAE, "sample_z", known_sample_z, create=True),
        constant_noise(0.25),
        learning_rate(0.01) as steps,
    ):
        vae.train()
    observe.exact(optimizer_takes_steps=bool(steps), sizes_of_minibatches=[len(batch) for batch in encoder.used][:100])
    changes = [parameter_vector(net) - vector for net, vector in zip((encoder, decoder), before, strict=True)]
    observe(change_of_encoder=changes[0], change_of_decoder=changes[1], rtol=1e-3, atol=2e-4)


@number("2.d.2")
@weight(1)
def test_training_epochs(hw3_vae, rng, observe):
    """Every epoch uses every training image once, in minibatches."""
    images = binary_images(rng, 24)
    encoder, decoder = KnownEncoder(rng), KnownDecoder(rng)
    vae = vae_with(hw3_vae, args_for(hw3_vae, epochs=3, batch=8), images, {"Encoder": encoder, "Decoder": decoder})
    with mock.patch.object(hw3_vae.VAE, "elbo_loss", known_objective(1.0), create=True):
        vae.train()
    used = torch.cat(encoder.used) if encoder.used else images[:0]
    observe.exact(sizes_of_minibatches=[len(batch) for batch in encoder.used][:100])
    observe.exact(times_each_image_was_used=sorted(torch.unique(used, dim=0, return_counts=True)[1].tolist()))


@number("2.d.3")
@weight(1)
def test_training_saves(hw3_vae, rng, observe):
    """train() saves the trained encoder at e_path and the trained decoder at d_path."""
    images = binary_images(rng, 12)
    encoder, decoder = KnownEncoder(rng), KnownDecoder(rng)
    args = args_for(hw3_vae, epochs=1, batch=4)
    vae = vae_with(hw3_vae, args, images, {"Encoder": encoder, "Decoder": decoder})
    with (
        mock.patch.object(hw3_vae.VAE, "elbo_loss", known_objective(1.0), create=True),
        mock.patch.object(hw3_vae.VAE, "sample_diagonal_gaussian", staticmethod(known_sample), create=True),
    ):
        vae.train()
    observe.exact(
        file_of_encoder=parameters_in(args.e_path, encoder, decoder),
        file_of_decoder=parameters_in(args.d_path, decoder, encoder),
    )


def parameters_in(path, net, other):
    if holds(path, net) is None:
        return "no parameters"
    if holds(path, net):
        return "the trained parameters"
    return "the other network's parameters" if holds(path, other) else "other parameters"


@number("2.d.4")
@weight(1)
def test_training_defaults(hw3_vae, rng, observe):
    """Without options on the command line, train() runs the handout's 200 epochs, with its sizes."""
    with mock.patch("sys.argv", ["hw3_vae.py"]):
        args = hw3_vae.parse_args()
    names = ("hidden_units", "latent_dimension", "data_dimension")
    observe.exact(**{name: getattr(args, name, "missing") for name in names})
    # Four images are one minibatch, so that epochs can be counted. A folder that the student saves into is not here.
    args.e_path, args.d_path = "encoder.pt", "decoder.pt"
    images = binary_images(rng, 4)
    encoder, decoder = KnownEncoder(rng), KnownDecoder(rng)
    vae = vae_with(hw3_vae, args, images, {"Encoder": encoder, "Decoder": decoder})
    with mock.patch.object(hw3_vae.VAE, "elbo_loss", known_objective(1.0), create=True):
        vae.train()
    observe.exact(epochs=len(encoder.used))


class SmallDecoder(torch.nn.Module):
    """Another decoder than the handout's; a sample of another dtype, which is judged in 2.b, is no obstacle."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = torch.nn.Linear(2, 32), torch.nn.Linear(32, 784)

    def forward(self, z):
        return torch.sigmoid(self.outer(torch.relu(self.inner(z.float()))))


@number("2.d.5")
@weight(1)
@twin(1)
def test_training_raises_elbo(hw3_vae, rng, observe):
    """A short run of train() raises the ELBO and makes the images recognisable."""
    shapes = rng.bernoulli(0.3, 4, 784)
    images = (shapes[rng.integers(0, 4, 120)] - rng.bernoulli(0.01, 120, 784)).abs()
    seed = int(rng.integers(0, 2**31, 1))
    try:
        run = short_run(hw3_vae, Inputs(seed), images)
    except Exception:
        run = None
    if run is None or min(run["gains"]) < 0.35:
        # A mistake in the ELBO or its parts costs once, in 2.b and 2.c: train() may show itself with another objective.
        run = short_run(hw3_vae, Inputs(seed), images, with_known_objective=True)
    observe.exact(
        optimizer=run["optimizer"],
        sizes_of_minibatches=run["sizes"],
        enough_minibatches=run["minibatches"] >= 60,
        encoder_changes=run["changes"][0],
        decoder_changes=run["changes"][1],
        elbo_falls=run["gains"][0] < -0.1,
    )
    observe.band(side="at_least", gain_in_elbo=run["gains"][0])
    observe.band(side="at_least", gain_in_reconstruction=run["gains"][1])


def short_run(hw3_vae, rng, images, *, with_known_objective=False):
    """What train() does in ten epochs to a known encoder and a small decoder."""
    encoder, decoder = KnownEncoder(rng, scale=3), SmallDecoder()
    args = args_for(hw3_vae, epochs=10, batch=20)
    vae = vae_with(hw3_vae, args, images, {"Encoder": encoder, "Decoder": decoder})

    def quality():
        with torch.no_grad():
            mu, sigma_square = vae.encoder(images)
            z = vae.sample_z(mu, sigma_square)
            elbo = torch.as_tensor(plain(vae.elbo_loss(z, mu, sigma_square, images, vae.decoder(z))))
            error = (vae.decoder(mu) - images).abs().mean()
        return float(elbo.mean()), float(error)

    start = [parameter_vector(net) for net in (encoder, decoder)]
    with ExitStack() as known:
        steps = known.enter_context(learning_rate(0.003))
        if with_known_objective:
            objective = known_objective(sign_of_elbo(vae, images))
            known.enter_context(mock.patch.object(hw3_vae.VAE, "elbo_loss", objective, create=True))
        before = quality()
        vae.train()
        after = quality()
    return {
        # As fractions of what they were, so that neither the ELBO's sign nor its scale matters; 2.c judges those.
        "gains": [max(-0.5, 1 - new / old) for new, old in zip(after, before, strict=True)],
        "changes": [
            not torch.equal(parameter_vector(net), vector)
            for net, vector in zip((encoder, decoder), start, strict=True)
        ],
        # Any relative of Adam's will do for this.
        "optimizer": sorted({"Adam" if "Adam" in name else name for name in steps}),
        "minibatches": len(encoder.used),
        "sizes": sorted({len(batch) for batch in encoder.used}),
    }
