"""Initial weights and biases of networks that were just built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from autograder.probes.parameters import fan_in
from autograder.randomness import Inputs


def fresh_networks(build: Callable[[], nn.Module], count: int) -> list[nn.Module]:
    """`count` networks from `build()`, each with its own random weights.

    Some students seed torch inside `__init__`, which would make all of them one network; while they
    are built, `torch.manual_seed` therefore does nothing.
    """
    owners: tuple[Any, ...] = (torch, torch.random)
    seeding = [owner.manual_seed for owner in owners]
    try:
        for owner in owners:
            owner.manual_seed = lambda *_: torch.default_generator
        return [build() for _ in range(count)]
    finally:
        for owner, original in zip(owners, seeding, strict=True):
            owner.manual_seed = original


def weights(net: nn.Module) -> list[torch.Tensor]:
    """The weights of all layers (parameters with two axes or more), in order of declaration."""
    return [parameter.detach() for parameter in net.parameters() if parameter.dim() > 1]


def biases(net: nn.Module) -> dict[str, torch.Tensor]:
    """The biases of all layers by name.

    Parameters with one axis, except those called "weight", as normalisation layers have.
    """
    return {
        name: parameter.detach()
        for name, parameter in net.named_parameters()
        if parameter.dim() == 1 and name.rpartition(".")[2] != "weight"
    }


def kind_of(weight: torch.Tensor) -> str:
    """The layer to which a weight of this shape belongs: "Linear" for two axes, "Conv2d" for four."""
    return {2: "Linear", 4: "Conv2d"}.get(weight.dim(), f"{weight.dim()} axes")


def scaled_draws(nets: Sequence[nn.Module], kind: str, count: int, rng: Inputs) -> torch.Tensor | None:
    """`count` entries of weights of layers of one `kind`, each times the square root of its layer's fan-in.

    Every layer of the kind gives the same number of entries, drawn without repetition from all of
    `nets`, so that one wrong layer shows; the scale makes layers of different size comparable.
    Returns [count], or None where there is no such layer.
    """
    layers = _by_layer(nets, kind)
    if not layers:
        return None
    share = -(-count // len(layers))
    draws = []
    for entries in layers:
        chosen = rng.numpy.permutation(len(entries))[:share]
        draws.append(entries[torch.from_numpy(chosen)])
    pooled = torch.cat(draws)
    return pooled[torch.from_numpy(rng.numpy.permutation(len(pooled))[:count])]


def _by_layer(nets: Sequence[nn.Module], kind: str) -> list[torch.Tensor]:
    """One vector per layer of a kind: its scaled weights in all of `nets`."""
    layers: list[list[torch.Tensor]] = []
    for net in nets:
        chosen = [weight for weight in weights(net) if kind_of(weight) == kind]
        layers.extend([] for _ in range(len(chosen) - len(layers)))
        for entries, weight in zip(layers, chosen, strict=False):
            entries.append((weight * fan_in(weight) ** 0.5).flatten())
    return [torch.cat(entries) for entries in layers]
