"""Part 2.b.iii: sampling by Langevin dynamics, one property of a step at a time, then the distribution it leads to."""

import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.energies import SHAPE, Bowl, Slope, block_means, output_sign
from autograder.probes.tensors import shape_of
from autograder.probes.training import method_of

BLOCKS = 4
FLAT = torch.zeros(BLOCKS)


class Langevin:
    """The student's generate_samples, and known models with outputs in the student's convention."""

    def __init__(self, ebm_mnist):
        self.run = method_of(ebm_mnist.Sampler, "generate_samples")
        self.sign = output_sign(lambda real, fake: ebm_mnist.contrastive_divergence_loss(real, fake), self.run)

    def on(self, slopes, images, **how):
        """Images led along by a score with these slopes per block of pixels."""
        return self.run(Slope(slopes, self.sign), images.clone(), **how)

    def moves(self, slopes, images, repeats=1, **how):
        """How far the slopes move each block of pixels on average: [blocks].

        Each run is compared with one on a flat score, so that what is wrong with the noise alone does not count here.
        """
        runs = [self.on(slopes, images, **how) - self.on(FLAT, images, **how) for _ in range(repeats)]
        return block_means(torch.cat(runs), BLOCKS)


def grey(rng, count):
    """Images [count, 1, 28, 28] with room around their grey values, all above zero."""
    return rng.uniform(count, *SHAPE, low=0.4, high=0.6)


def graph_of(output):
    """Whether there is a graph behind a tensor."""
    return output.grad_fn is not None if isinstance(output, torch.Tensor) else type(output).__name__


@number("2.b.iii.1")
@weight(1)
@twin(1)
def test_noise(ebm_mnist, rng, observe):
    """Where the score is flat, each step of generate_samples adds its own Gaussian noise and nothing else."""
    langevin = Langevin(ebm_mnist)
    images = grey(rng, 10)
    for steps, step_size in ((1, 10), (9, 100)):
        moved = langevin.on(FLAT, images, steps=steps, step_size=step_size) - images
        when = "1_step" if steps == 1 else f"{steps}_steps"
        differs = bool((moved[1:] - moved[:-1]).abs().mean() > 1e-5)
        # What is the same for all images counts once, or it would be no sample of independent draws.
        observe.samples(**{f"change_of_pixels_after_{when}": (moved if differs else moved[:1]).flatten()})
        observe.exact(**{f"change_differs_from_image_to_image_after_{when}": differs})


@number("2.b.iii.2")
@weight(1)
@twin(1)
def test_gradient_step(ebm_mnist, rng, observe):
    """generate_samples moves each image along its own gradient, by step_size times the gradient in each step."""
    langevin = Langevin(ebm_mnist)
    slopes = torch.tensor([0.02, -0.025, 0.01, -0.005]) * rng.uniform(BLOCKS, low=0.8, high=1.2)
    images = grey(rng, 256)
    observe(change_after_one_step=langevin.moves(slopes, images, steps=1, step_size=10), atol=6e-3)
    observe(change_after_three_steps=langevin.moves(slopes, images, steps=3, step_size=4), atol=6e-3)


@number("2.b.iii.3")
@weight(1)
@twin(1)
def test_clipped_gradient(ebm_mnist, rng, observe):
    """generate_samples clips the entries of the gradient, and leaves small entries as they are."""
    langevin = Langevin(ebm_mnist)
    slopes = torch.tensor([4.0, -0.5, 0.06, -0.015]) * rng.uniform(BLOCKS, low=0.8, high=1.2)
    # One image at a time, so that a mean over the batch, which is graded in 2.b.iii.2, makes no difference.
    moves = langevin.moves(slopes, grey(rng, 1), repeats=64, steps=1, step_size=2)
    observe(change_of_pixels=moves, atol=4e-3)


@number("2.b.iii.4")
@weight(0.5)
@twin(0.5)
def test_clamped_images(ebm_mnist, rng, observe):
    """generate_samples keeps images in [-1, 1], whatever they are driven to."""
    langevin = Langevin(ebm_mnist)
    slopes = torch.tensor([0.5, -0.5, 0.02, -0.02])
    images = rng.uniform(1, *SHAPE, low=-0.8, high=0.8)
    for steps in (1, 20):
        driven = langevin.on(slopes, images, steps=steps, step_size=100)
        when = f"{steps}_step" if steps == 1 else f"{steps}_steps"
        observe.exact(**{f"values_are_in_range_after_{when}": bool((driven.abs() <= 1 + 1e-6).all())})
        extremes = torch.stack([driven.min(), driven.max()]).detach()
        observe(**{f"darkest_and_brightest_pixel_after_{when}": extremes}, atol=0.05, rtol=0.01)


@number("2.b.iii.5")
@weight(1)
@twin(1)
def test_images_per_step(ebm_mnist, rng, observe):
    """With return_img_per_step, generate_samples returns the images after every step."""
    langevin = Langevin(ebm_mnist)
    images = torch.full((4, *SHAPE), 0.1)
    slopes = torch.full((BLOCKS,), float(rng.uniform(1, low=0.012, high=0.015)))
    how = {"steps": 5, "step_size": 5, "return_img_per_step": True}
    per_step, control = langevin.on(slopes, images, **how), langevin.on(FLAT, images, **how)
    observe.exact(shape=shape_of(per_step))
    if isinstance(per_step, torch.Tensor) and per_step.shape[1:] == images.shape:
        moved = (per_step - control).detach().flatten(1).mean(1)  # (steps,)
        observe(share_of_the_way_after_each_step=moved / moved[-1], atol=0.04)


@number("2.b.iii.6")
@weight(1)
def test_model_is_restored(ebm_mnist, rng, observe):
    """generate_samples uses the model in evaluation mode, and leaves mode and parameters as they were."""
    langevin = Langevin(ebm_mnist)
    for training in (True, False):
        model = Slope(torch.full((BLOCKS,), 0.01), langevin.sign).train(training)
        langevin.run(model, grey(rng, 3), steps=4, step_size=10)
        when = "training" if training else "evaluation"
        gradient = model.slopes.grad
        observe.exact(**{
            f"a_model_in_{when}_mode": {
                "evaluation mode while sampling": not any(model.modes),
                "back in its mode": model.training is training,
                "parameters require gradients again": model.slopes.requires_grad,
                "gradients of parameters untouched": gradient is None or not bool(gradient.any()),
                "values of parameters untouched": bool((model.slopes == 0.01).all()),
            }
        })  # fmt: skip


@number("2.b.iii.7")
@weight(1)
def test_gradients_elsewhere(ebm_mnist, rng, observe):
    """generate_samples works under torch.no_grad(), leaves torch's gradient mode alone, and returns no graph."""
    langevin = Langevin(ebm_mnist)
    slopes = torch.full((BLOCKS,), 0.02)
    how = {"steps": 2, "step_size": 10}
    with torch.enable_grad():
        images = langevin.on(slopes, grey(rng, 3), **how)
        observe.exact(result_has_a_graph=graph_of(images), gradients_enabled_as_before=torch.is_grad_enabled())
    with torch.no_grad():
        start = grey(rng, 3)
        images = langevin.on(slopes, start, **how)
        disabled = not torch.is_grad_enabled()
    observe.exact(gradients_disabled_as_before=disabled)
    observe.exact(images_change_under_no_grad=bool((images - start).abs().mean() > 0.003))


@number("2.b.iii.8")
@weight(1)
@twin(1)
def test_stationary_distribution(ebm_mnist, rng, observe):
    """On a quadratic energy, the images of generate_samples come to have the right distribution."""
    langevin = Langevin(ebm_mnist)
    # Each step shrinks the distance from the centre by 3 %, so that 80 steps forget 92 % of the start; the spread of
    # pixels is then four times the noise of one step, whether noise or gradient comes first.
    centre = float(rng.uniform(1, low=0.3, high=0.5))
    model = Bowl(torch.full((1,), centre), 0.003, langevin.sign)
    pixels = [langevin.run(model, torch.full((1, *SHAPE), centre), steps=80, step_size=10) for _ in range(10)]
    observe.samples(pixels=torch.cat(pixels).flatten())
