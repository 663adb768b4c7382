"""Parts 2.b.v and 2.b.vi: contrastive divergence and regularization."""

from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.energies import output_sign
from autograder.probes.gradients import gradients
from autograder.probes.tensors import scalar
from autograder.probes.training import method_of

ALPHA = 0.3


def sign_of(ebm_mnist):
    """-1 where the student's model gives energies, which is right where loss and sampler agree; else 1."""
    return output_sign(
        lambda real, fake: ebm_mnist.contrastive_divergence_loss(real, fake),
        lambda *args, **how: method_of(ebm_mnist.Sampler, "generate_samples")(*args, **how),
    )


def outputs(rng, count, sign=1, gap=2.0):
    """Outputs for real images and for samples in the student's convention, as leaves of a graph.

    The real images' scores are higher by about `gap`.
    """
    real, fake = rng.normal(count, mean=gap - 1.2, std=1.5), rng.normal(count, mean=-1.2)
    return (sign * real).requires_grad_(), (sign * fake).requires_grad_()


@number("2.b.v.1")
@weight(1)
@twin(1)
def test_contrastive_divergence(ebm_mnist, rng, observe):
    """contrastive_divergence_loss is right for given outputs."""
    sign = sign_of(ebm_mnist)
    for count, gap in ((8, 2.0), (128, -2.0)):
        loss = ebm_mnist.contrastive_divergence_loss(*outputs(rng, count, sign, gap))
        observe(**{f"loss_of_{count}_images": scalar(loss)})


@number("2.b.v.2")
@weight(1)
def test_contrastive_divergence_gradient(ebm_mnist, rng, observe):
    """The gradient of contrastive_divergence_loss reaches the outputs for real images and for samples."""
    sign = sign_of(ebm_mnist)
    for gap, when in ((2.0, "higher"), (-2.0, "lower")):
        given = outputs(rng, 8, sign, gap)
        real, fake = gradients(ebm_mnist.contrastive_divergence_loss(*given), given)
        observe(**{f"gradient_to_real_scores_that_are_{when}": None if real is None else sign * real})
        observe(**{f"gradient_to_samples_where_real_scores_are_{when}": None if fake is None else sign * fake})


@number("2.b.vi.1")
@weight(1)
@twin(1)
def test_regularization(ebm_mnist, rng, observe):
    """regularization_loss is right for given outputs and alpha."""
    for count, alpha in ((8, ALPHA), (128, 0.1)):
        loss = ebm_mnist.regularization_loss(*outputs(rng, count), alpha)
        observe(**{f"loss_of_{count}_images": scalar(loss)})


@number("2.b.vi.2")
@weight(0.5)
@twin(0.5)
def test_regularization_gradient(ebm_mnist, rng, observe):
    """The gradient of regularization_loss reaches the outputs for real images and for samples."""
    given = outputs(rng, 8)
    real, fake = gradients(ebm_mnist.regularization_loss(*given, ALPHA), given)
    observe(gradient_to_real_scores=real, gradient_to_scores_of_samples=fake)
