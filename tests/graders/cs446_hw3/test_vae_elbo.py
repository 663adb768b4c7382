"""Problem 2.c: the variational objective.

Known functions, of the same arguments but another kind, stand in for the student's log-densities, so that
a mistake in those does not cost twice.
"""

from unittest import mock

import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.gradients import gradients
from autograder.probes.tensors import scalar
from autograder.probes.training import KnownDecoder, KnownEncoder, assemble, options


def of_a_code(z, mu, sigma_square):
    mu, sigma_square = torch.as_tensor(mu), torch.as_tensor(sigma_square)
    return (0.3 * z * mu + 0.2 * z.square() * sigma_square + 0.7 * mu - 0.4 * sigma_square + 0.1 * z.square()).sum(-1)


def of_an_image(x, p):
    return (0.5 * p.square() - x * p + 0.25 * x).sum(-1)


def nothing(first, second, third=0.0):
    return 0.0 * (first + second + third).sum(-1)


def no_image(x, p):
    return nothing(x, p)


def constant(x, p):
    return 1.0 + nothing(x, p)


def no_code(z, mu, sigma_square):
    return nothing(z, mu, sigma_square)


def elbo_of(hw3_vae, rng, image_function, code_function, arguments):
    """The student's elbo_loss with known functions in place of the log-densities.

    Some sum over the pixels here and not in their log-densities. That is no mistake of this part, so where
    the known functions do not fit, the student's own are used.
    """
    parts = {"Encoder": KnownEncoder(rng), "Decoder": KnownDecoder(rng)}
    args = options(
        hw3_vae, latent_dimension=2, hidden_units=8, data_dimension=784, batch_size=4, num_epoches=1,
        resume_training=False, e_path="encoder.pt", d_path="decoder.pt",
    )  # fmt: skip
    vae = assemble(hw3_vae.VAE, args, parts, otherwise={})
    try:
        with (
            mock.patch.object(hw3_vae.VAE, "logpdf_bernoulli", staticmethod(image_function), create=True),
            mock.patch.object(hw3_vae.VAE, "logpdf_diagonal_gaussian", staticmethod(code_function), create=True),
        ):
            return scalar(vae.elbo_loss(*arguments))
    except Exception:
        return scalar(vae.elbo_loss(*arguments))


@number("2.c.1")
@weight(2)
@twin(1)
def test_elbo_reconstruction(hw3_vae, rng, observe):
    """elbo_loss has the mean of log p(x|z) over the batch (here q(z|x) is the prior, so the rest vanishes)."""
    for name, batch in (("five_images", 5), ("one_image", 1)):
        z, mu, sigma_square = rng.normal(batch, 2), torch.zeros(batch, 2), torch.ones(batch, 2)
        x, p = rng.bernoulli(0.4, batch, 12), rng.uniform(batch, 12, low=0.05, high=0.95)
        observe(**{name: elbo_of(hw3_vae, rng, of_an_image, no_code, (z, mu, sigma_square, x, p))})


@number("2.c.2")
@weight(2)
@twin(1)
def test_elbo_prior_and_posterior(hw3_vae, rng, observe):
    """elbo_loss has log p(z) - log q(z|x), at the sampled z."""
    for name, batch in (("five_images", 5), ("one_image", 1)):
        z, mu = rng.normal(batch, 2, std=1.5), rng.normal(batch, 2)
        sigma_square = rng.uniform(batch, 2, low=0.2, high=0.8)
        x, p = rng.bernoulli(0.4, batch, 12), rng.uniform(batch, 12, low=0.05, high=0.95)
        arguments = (z, mu, sigma_square, x, p)
        elbo = elbo_of(hw3_vae, rng, no_image, of_a_code, arguments)
        observe(**{name: elbo})
    # Told beside it, because minus the whole ELBO and exchanged signs of these two terms look alike above.
    more = elbo_of(hw3_vae, rng, constant, of_a_code, arguments)
    if isinstance(elbo, torch.Tensor) and isinstance(more, torch.Tensor):
        observe.exact(sign_of_log_p_x=round(float(torch.sign((more - elbo).mean()))))


@number("2.c.3")
@weight(1)
@twin(1)
def test_elbo_gradient(hw3_vae, rng, observe):
    """Gradients of elbo_loss reach the encoder's and the decoder's output."""
    inputs = {
        "z": rng.normal(5, 2),
        "mu": rng.normal(5, 2),
        "sigma_square": rng.uniform(5, 2, low=0.2, high=0.8),
        "x": rng.bernoulli(0.4, 5, 12),
        "p": rng.uniform(5, 12, low=0.05, high=0.95),
    }
    graded = {name: inputs[name].requires_grad_() for name in ("mu", "sigma_square", "p", "z")}
    elbo = elbo_of(hw3_vae, rng, of_an_image, of_a_code, tuple(inputs.values()))
    observe.exact(returned_a_number=isinstance(elbo, (torch.Tensor, float)))
    found = dict(zip(graded, gradients(elbo, graded.values()), strict=True))
    arrives = {name: gradient is not None and bool(gradient.any()) for name, gradient in found.items()}
    if arrives["mu"]:
        # With Eq. 1 in closed form z has none, which 2.c.2 judges.
        del arrives["z"]
    observe.exact(gradient_arrives=arrives)
