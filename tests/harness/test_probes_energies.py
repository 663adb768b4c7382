"""Known energies, and the convention that a sampler and a loss agree on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from autograder.probes.energies import SHAPE, Bowl, Slope, block_means, output_sign


def sampler(sign: int):
    """Climbs the output of a model where `sign` is 1, and descends it where it is -1."""

    def sample(model: nn.Module, images: torch.Tensor, steps: int, step_size: float) -> torch.Tensor:
        for _ in range(steps):
            images = images.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(model(images).sum(), images)
            images = images + sign * step_size * gradient
        return images.detach()

    return sample


def loss(sign: int):
    return lambda real, fake: sign * (fake.mean() - real.mean())


@pytest.mark.parametrize(
    ("of_loss", "of_sampler", "expected"),
    [(1, 1, 1), (-1, -1, -1), (1, -1, 1), (-1, 1, 1)],
)
def test_energies_are_believed_where_loss_and_sampler_agree(of_loss: int, of_sampler: int, expected: int) -> None:
    assert output_sign(loss(of_loss), sampler(of_sampler)) == expected


def test_the_sampler_is_not_asked_where_the_loss_is_that_of_scores() -> None:
    asked = []
    assert output_sign(loss(1), lambda *_, **__: asked.append(True)) == 1
    assert not asked


def test_what_raises_or_returns_nothing_counts_as_scores() -> None:
    def broken(*_: object, **__: object) -> None:
        raise NotImplementedError

    assert output_sign(broken, sampler(-1)) == 1
    assert output_sign(lambda *_: None, sampler(-1)) == 1
    assert output_sign(loss(-1), broken) == 1


def test_the_convention_is_found_under_no_grad() -> None:
    with torch.no_grad():
        assert output_sign(loss(-1), sampler(-1)) == -1
        assert not torch.is_grad_enabled()


def test_a_slope_has_its_gradient_in_every_pixel_of_a_block() -> None:
    images = torch.zeros(3, *SHAPE, requires_grad=True)
    slopes = torch.tensor([0.5, -2.0])
    for sign in (1, -1):
        (gradient,) = torch.autograd.grad(Slope(slopes, sign)(images).sum(), images)
        assert torch.allclose(block_means(gradient, 2), sign * slopes)


def test_a_slope_tells_in_which_mode_it_was_called() -> None:
    model = Slope(torch.zeros(1))
    model(torch.zeros(2, *SHAPE))
    model.eval()(torch.zeros(2, *SHAPE))
    assert model.modes == [True, False]


def test_a_bowl_pulls_towards_its_centre() -> None:
    images = torch.full((2, *SHAPE), 0.7, requires_grad=True)
    (gradient,) = torch.autograd.grad(Bowl(torch.full((1,), 0.5), 3.0)(images).sum(), images)
    assert torch.allclose(gradient, torch.full_like(images, -0.6), atol=1e-6)
