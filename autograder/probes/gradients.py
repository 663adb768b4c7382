"""Gradients as data, whatever a student returned."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from autograder.probes.tensors import plain


def gradients(of: object, to: Iterable[torch.Tensor]) -> list[torch.Tensor | None]:
    """The gradient of the sum of `of` with respect to each tensor in `to`; None where none arrives.

    Nothing is accumulated into `.grad`, and the graph stays usable. An `of` that is no tensor, or
    a tensor without a graph (detached, computed under no_grad), has no gradient at all.
    """
    targets = list(to)
    of = plain(of)
    if not targets or not isinstance(of, torch.Tensor) or not of.requires_grad:
        return [None] * len(targets)
    found = torch.autograd.grad(of.sum(), targets, retain_graph=True, allow_unused=True)
    return list(found)


def flat_gradient(of: object, to: Iterable[torch.Tensor]) -> torch.Tensor | None:
    """All gradients of `gradients` in one vector, zeros where some tensor gets none; None where all do."""
    targets = list(to)
    found = gradients(of, targets)
    if all(gradient is None for gradient in found):
        return None
    return torch.cat(
        [
            (torch.zeros_like(target) if gradient is None else gradient).flatten()
            for target, gradient in zip(targets, found, strict=True)
        ]
    )


def without_gradient(of: object, to: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Those tensors in `to` that `of` does not depend on: their gradient is missing or zero throughout."""
    targets = list(to)
    return [
        target
        for target, gradient in zip(targets, gradients(of, targets), strict=True)
        if gradient is None or not bool(gradient.any())
    ]
