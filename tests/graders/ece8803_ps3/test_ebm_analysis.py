"""Parts 2.c.i and 2.c.ii: sampling from noise, transformed images, and a table of scores."""

import torch
from gradescope_utils.autograder_utils.decorators import number, weight
from torch import nn

from autograder.marks import twin
from autograder.probes.energies import SHAPE
from autograder.probes.tensors import shape_of
from autograder.randomness import seed_generators


class Drift:
    """Stands for MCMC: each step makes every pixel a little brighter."""

    STEP = 1e-3

    def __init__(self):
        self.step_sizes = []

    def __call__(self, model, inp_imgs, steps=60, step_size=10, return_img_per_step=False):  # noqa: ARG002
        self.step_sizes.append(step_size)
        if not return_img_per_step:
            return inp_imgs + self.STEP * steps
        return inp_imgs + self.STEP * torch.arange(1, steps + 1).reshape(-1, 1, 1, 1, 1)


class Brightness(nn.Module):
    """Outputs [N] between about -20 and 20: the mean grey value of the right half, and a bend of the left one's."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(10.0))

    def forward(self, images):
        left, right = images[..., :14].flatten(1).mean(1), images[..., 14:].flatten(1).mean(1)
        return self.gain * (right + torch.sin(3 * left))


def trajectory(ebm_mnist, **how):
    """(what sample_trajectory returns, the step sizes that it asks of generate_samples)."""
    drift = Drift()
    ebm_mnist.Sampler.generate_samples = staticmethod(drift)
    return ebm_mnist.sample_trajectory(Brightness(), **how), drift.step_sizes


def is_sequence_of_pictures(images):
    return isinstance(images, torch.Tensor) and images.dim() == 5 and len(images) > 1


def pictures(rng, count=16):
    """Images with values in [-0.95, 0.95] that no symmetry leaves as they are."""
    return rng.uniform(count, *SHAPE, low=-0.95, high=0.95)


def depends_on_images(transform, images, others):
    """Whether a transformation, which may be random, gives different images different results."""
    results = []
    for given in (images, others):
        seed_generators(0)
        results.append(transform(given.clone()))
    return not torch.equal(*results)


@number("2.c.i.1")
@weight(1)
@twin(1)
def test_trajectory(ebm_mnist, rng, observe):
    """sample_trajectory returns the starting images and those after every so many steps."""
    every, parts, count = (int(rng.integers(low, high, 1)) for low, high in ((5, 12), (3, 7), (2, 6)))
    images, step_sizes = trajectory(ebm_mnist, num_imgs=count, steps=every * parts, every=every)
    observe.exact(shape=shape_of(images), step_sizes=sorted(set(step_sizes)))
    if is_sequence_of_pictures(images):
        taken = (images - images[0]).flatten(1).mean(1) / Drift.STEP
        observe(steps_between_the_first_image_and_each=taken, atol=0.01)


@number("2.c.i.2")
@weight(1)
def test_start_of_the_trajectory(ebm_mnist, observe):
    """sample_trajectory starts from noise that is uniform in [-1, 1], and takes 256 steps unless told otherwise."""
    images, _ = trajectory(ebm_mnist)
    if is_sequence_of_pictures(images):
        observe.exact(steps=round(float((images[-1] - images[0]).mean()) / Drift.STEP))
        observe.samples(pixels_at_the_start=images[0].flatten())
    observe.exact(is_a_sequence_of_pictures=is_sequence_of_pictures(images))


@number("2.c.ii.1")
@weight(0.5)
@twin(0.5)
def test_added_noise(ebm_mnist, rng, observe):
    """add_noise adds Gaussian noise of the given standard deviation, and clamps to [-1, 1]."""
    images = rng.uniform(10, *SHAPE, low=-0.2, high=0.2)
    for std in (0.1, 0.02):
        given = images.clone()
        noise = ebm_mnist.add_noise(given, std=std) - images
        differs = bool((noise[1:] - noise[:-1]).abs().mean() > std / 10)
        # What is the same for all images counts once, or it would be no sample of independent draws.
        observe.samples(**{f"noise_of_standard_deviation_{std}": (noise if differs else noise[:1]).flatten()})
        observe.exact(**{
            f"at_standard_deviation_{std}": {
                "noise differs from image to image": differs,
                "the given images stay as they are": torch.equal(given, images),
            }
        })  # fmt: skip
    extremes = torch.where(rng.uniform(4, *SHAPE) < 0.5, 1.0, -1.0)
    noisy = ebm_mnist.add_noise(extremes.clone())
    observe.exact(values_are_in_range=bool((noisy.abs() <= 1 + 1e-6).all()))
    observe(darkest_and_brightest_pixel=torch.stack([noisy.min(), noisy.max()]), atol=0.3)
    observe.samples(pixels_of_black_and_white_images=noisy.flatten())


@number("2.c.ii.2")
@weight(1)
def test_flip(ebm_mnist, rng, observe):
    """flip turns images upside down and from left to right."""
    observe(images=ebm_mnist.flip(pictures(rng, 3)))


@number("2.c.ii.3")
@weight(1)
def test_resize(ebm_mnist, rng, observe):
    """resize puts images at half their size into the lower right quarter of an empty image."""
    observe(images=ebm_mnist.resize(pictures(rng, 3)))


@number("2.c.ii.4")
@weight(0.5)
def test_own_transformation(ebm_mnist, rng, observe):
    """own_transform gives other images of the same shape, with values in [-1, 1]."""
    images, others = pictures(rng, 8), pictures(rng, 8)
    given = images.clone()
    changed = ebm_mnist.own_transform(given)
    observe.exact(shape=shape_of(changed), given_images_stay_as_they_are=torch.equal(given, images))
    if isinstance(changed, torch.Tensor) and changed.shape == images.shape:
        observe.exact(
            values_are_in_range=bool((changed.abs() <= 1 + 1e-5).all()),
            images_are_others=bool((changed - images).abs().mean() > 1e-3),
            result_depends_on_images=depends_on_images(ebm_mnist.own_transform, images, others),
        )


@number("2.c.ii.5")
@weight(0.5)
@twin(1)
def test_score_table(ebm_mnist, rng, observe):
    """score_table gives the mean and the standard deviation of the model's outputs by name."""
    given = {
        "bright": rng.uniform(12, *SHAPE, low=0.3, high=0.8),
        "any": pictures(rng),
        "dark": -pictures(rng, 7).abs(),
    }
    given = {name: images * rng.uniform(len(images), 1, 1, 1) for name, images in given.items()}
    table = ebm_mnist.score_table(Brightness(), given)
    observe.exact(names=list(table))
    for name in given:
        if name in table:
            mean, deviation = table[name]
            observe(**{f"mean_{name}": float(mean), f"deviation_{name}": float(deviation)})
