"""Known energies to send a student's sampler through, and the sign convention that the student follows.

A model of this kind gives one number per image. One course calls it the score, high for data, another the energy, low
for data. Both are right where sampler and loss agree, so graders hand out known models in the student's convention.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

SHAPE = (1, 28, 28)
"""Of one image."""


class Slope(nn.Module):
    """Scores [N] that are linear in the image; each of equally many pixels in a row has a slope of its own.

    Args:
        slopes: gradient of the score with respect to every pixel of a block, [blocks]; blocks divide 784.
        sign: 1 for scores, -1 for energies.

    Attributes:
        modes: whether the model was in training mode, for each call.
    """

    def __init__(self, slopes: torch.Tensor, sign: int = 1) -> None:
        super().__init__()
        self.slopes = nn.Parameter(slopes.clone())
        self.sign = sign
        self.modes: list[bool] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores [N] of images [N, ...] of 784 pixels each."""
        self.modes.append(self.training)
        sums = images.reshape(len(images), len(self.slopes), -1).sum(-1)  # (N, blocks)
        return self.sign * (sums * self.slopes).sum(-1)


class Bowl(nn.Module):
    """Scores [N] whose negative is a quadratic: half of `steepness` times the squared distance from a centre.

    Args:
        centre: broadcast to an image.
        sign: 1 for scores, -1 for energies.
    """

    def __init__(self, centre: torch.Tensor, steepness: float, sign: int = 1) -> None:
        super().__init__()
        self.centre = nn.Parameter(centre.clone())
        self.steepness = steepness
        self.sign = sign

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores [N] of images [N, ...]."""
        return -0.5 * self.sign * self.steepness * (images - self.centre).square().flatten(1).sum(-1)


def output_sign(loss: Callable[..., Any], sample: Callable[..., Any]) -> int:
    """-1 where a student's model gives energies: both the loss and the sampler say so. Else 1, the score.

    So a student who turns the sign in both is right, and one who turns it in one place is wrong in that place alone.
    What raises is judged elsewhere. The sampler is not asked where the loss has settled the matter.

    Args:
        loss: of outputs for real images and for samples, [N] each.
        sample: leads images along: sample(model, images, steps=, step_size=).
    """
    low, high = torch.full((4,), -1.0), torch.full((4,), 1.0)
    try:
        if not float(loss(low, high)) < float(loss(high, low)):
            return 1
        with torch.enable_grad():
            moved = sample(Slope(torch.full((1,), 0.02)), torch.zeros(4, *SHAPE), steps=2, step_size=10)
        return -1 if float(moved.mean()) < -0.01 else 1
    except Exception:
        return 1


def block_means(images: torch.Tensor, blocks: int) -> torch.Tensor:
    """Mean grey value of each block of a `Slope`, over all images: [blocks] of images [N, ...]."""
    return images.detach().reshape(len(images), blocks, -1).mean(-1).mean(0)
