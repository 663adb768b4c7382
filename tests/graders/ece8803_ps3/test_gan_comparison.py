"""Problem 1.g: the measured comparison of generated images with real ones."""

import numpy as np
import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.training import swapped

DIMENSION = 6


def covariance(rng, rank=DIMENSION):
    """A covariance matrix [d, d] of this rank, float64."""
    factor = rng.normal(DIMENSION, rank).double().numpy()
    return factor @ factor.T / rank


def mean(rng):
    return rng.normal(DIMENSION).double().numpy()


def number_of(distance):
    """A distance as a number, be it a float, an array or a tensor of one entry; of a complex one its real part."""
    is_array = isinstance(distance, (torch.Tensor, np.ndarray))
    number = distance.reshape(()) if is_array and tuple(distance.shape) in ((1,), (1, 1)) else distance
    return number.real if np.iscomplexobj(number) else number  # whether it is real is graded in 1.g.3


def known_statistics(own):
    """A function in place of the student's `own`: means, and a diagonal matrix of largest values.

    Features that come with a gradient go to `own` as well, so that it raises where it cannot take them so.
    """

    def statistics(features):
        if isinstance(features, torch.Tensor) and features.requires_grad and works(own, features.detach()):
            own(features)
        rows = torch.as_tensor(features).detach().double()
        return rows.mean(0).numpy(), np.diag(rows.amax(0).numpy())

    return statistics


def works(function, argument):
    """Whether a function takes its argument; why it does not is graded elsewhere."""
    try:
        function(argument)
    except Exception:
        return False
    return True


def known_distance(mu_1, sigma_1, mu_2, sigma_2):
    """The sum of differences of entries, in place of the distance that is asked for."""
    return np.abs(np.asarray(mu_1) - np.asarray(mu_2)).sum() + 0.01 * np.abs(sigma_1 - sigma_2).sum()


def upper_half(images):
    """Known features [N, 4]: squares of the means of four blocks of the upper half. What is below does not matter.

    They carry a gradient, as a network's do. Squares put grey values in 0..1 into another order than those in -1..1.
    """
    means = torch.nn.functional.avg_pool2d(images[:, :, :14], (14, 7)).flatten(1)
    return means.square() * torch.ones(4, requires_grad=True)


def image_sets(rng, count=60):
    """Real images, and four sets that lie at different distances from them by the upper half.

    Below, "near" differs from the real ones most, so that pixels give another order than features.
    """
    real = 0.1 * rng.normal(count, 1, 28, 28)
    sets = {}
    for name, above, below in (("far", 0.7, 0.0), ("near", 0.1, 0.9), ("farther", -0.9, 0.1), ("middle", 0.5, 0.3)):
        images = 0.1 * rng.normal(count, 1, 28, 28)
        images[:, :, :14] += above
        images[:, :, 14:] += below
        sets[name] = images
    return real, sets


@number("1.g.1")
@weight(1)
def test_feature_statistics(gan_mnist, rng, observe):
    """feature_statistics gives the mean and the covariance matrix of features."""
    features = rng.normal(40, DIMENSION) @ rng.normal(DIMENSION, DIMENSION) + rng.normal(DIMENSION, std=2.0)
    statistics = gan_mnist.feature_statistics(features)
    mu, sigma = statistics if isinstance(statistics, (tuple, list)) and len(statistics) == 2 else (statistics, None)
    observe(mu=mu, sigma=sigma)


@number("1.g.2")
@weight(1)
@twin(1)
def test_frechet_distance(gan_mnist, rng, observe):
    """frechet_distance is right for given means and covariance matrices."""
    first, second = (mean(rng), covariance(rng)), (mean(rng), covariance(rng))
    observe(same_covariance=number_of(gan_mnist.frechet_distance(first[0], first[1], second[0], first[1])))
    observe(same_mean=number_of(gan_mnist.frechet_distance(first[0], first[1], first[0], second[1])))
    observe(both_differ=number_of(gan_mnist.frechet_distance(*first, *second)))


@number("1.g.3")
@weight(1)
def test_frechet_distance_of_singular_covariances(gan_mnist, rng, observe):
    """frechet_distance is a real, finite number where covariance matrices are singular."""
    mu, other = mean(rng), mean(rng)
    flat, flatter, nothing = covariance(rng, rank=3), covariance(rng, rank=2), np.zeros((DIMENSION, DIMENSION))
    close = {"rtol": 1e-2, "atol": 1e-2}  # the root of a singular matrix is known to half of the digits only
    distances = {
        "rank_3_and_rank_2": gan_mnist.frechet_distance(mu, flat, other, flatter),
        "rank_3_and_itself": gan_mnist.frechet_distance(mu, flat, mu, flat),
        "rank_2_and_zero": gan_mnist.frechet_distance(mu, flatter, other, nothing),
    }
    observe.exact(distances_are_real_numbers=not any(map(np.iscomplexobj, distances.values())))
    observe(**{name: number_of(distance) for name, distance in distances.items()}, **close)


@number("1.g.4")
@weight(1)
def test_comparison(gan_mnist, rng, observe):
    """compare gives each set's distance to the real images, by their features."""
    real, sets = image_sets(rng)
    sets["real"] = real.clone()
    sets["near"] = sets["near"].flatten(1)
    compare = gan_mnist.compare
    known = {
        "feature_statistics": known_statistics(vars(gan_mnist).get("feature_statistics")),
        "frechet_distance": known_distance,
    }  # 1.g.1 to 3 grade the own ones
    with swapped(vars(gan_mnist), known):
        distances = compare(sets, real, upper_half)
    observe.exact(kind=type(distances).__name__)
    if isinstance(distances, dict):
        numbers = {str(name): float(distance) for name, distance in distances.items()}
        observe.exact(names=sorted(numbers), from_near_to_far=sorted(numbers, key=numbers.__getitem__))
        observe.exact(real_images_are_at_no_distance=abs(numbers.get("real", 1.0)) < 1e-3)
