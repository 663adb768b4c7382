"""Problem 1.b, noise: what the generator starts from."""

import numpy as np
import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.tensors import plain, shape_of


def as_tensor(value):
    """A tensor of what may be an array; what is neither stays as it is. The type is graded in 1.b.i.2."""
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else plain(value)


def kind_of(value):
    """What the noise is, in words; float32 and float64 are alike, since training converts them."""
    if not isinstance(value, torch.Tensor):
        return type(value).__name__
    return "float tensor" if value.is_floating_point() else f"tensor of {value.dtype}"


def differ(first, second):
    """Whether two draws are two; None where they cannot be compared."""
    first, second = as_tensor(first), as_tensor(second)
    if not (isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor) and first.shape == second.shape):
        return None
    return not torch.equal(first, second)


@number("1.b.i.1")
@weight(1)
@twin(1)
def test_noise_distribution(gan_mnist, rng, observe):
    """sample_noise draws every entry independently, uniform in [-1, 1]."""
    dim = int(rng.integers(3, 7, 1))
    noise = as_tensor(gan_mnist.sample_noise(5000, dim))
    if isinstance(noise, torch.Tensor) and noise.shape == (dim, 5000):
        noise = noise.T  # exchanged axes are graded in 1.b.i.2
    is_a_batch = isinstance(noise, torch.Tensor) and noise.dim() == 2
    rows = noise.unique(dim=0) if is_a_batch else ()
    observe.exact(rows_are_draws_of_their_own=len(rows) > 1 if is_a_batch else shape_of(noise))
    if len(rows) > 1:  # else there is nothing to compare but one row
        observe.samples(noise=noise, sums_of_rows=noise.sum(dim=1))
        observe.exact(entries_are_draws_of_their_own=noise.unique().numel() > 0.9 * noise.numel())


@number("1.b.i.2")
@weight(1)
def test_noise_shape(gan_mnist, observe):
    """sample_noise gives a float tensor [batch_size, dim], new at every call, the same for the same seed."""
    noise = gan_mnist.sample_noise(7, 5)
    again = gan_mnist.sample_noise(7, 5)
    observe.exact(kind=kind_of(noise), shape=list(getattr(noise, "shape", ())))
    observe.exact(two_calls_differ=differ(noise, again))
    seeded = [gan_mnist.sample_noise(7, 5, seed=seed) for seed in (11, 11, 12)]
    observe.exact(same_seed_differs=differ(seeded[0], seeded[1]), other_seed_differs=differ(seeded[0], seeded[2]))
