"""Give a network known parameters, and tell the shapes of those that it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from autograder.randomness import Inputs


def load_parameters(net: nn.Module, rng: Inputs, *, gain: float = 1.4, bias: float = 0.2) -> None:
    """Overwrite every parameter of `net` with numbers that depend on its shape alone.

    The first parameter of shape [8, 4, 3, 3] always gets the same numbers from the same state of
    `rng`, the second other ones, and so on. Layers are taken by the shape of their largest
    parameter, so the order in which layers of different shapes are declared does not matter, also
    where their biases have one shape; nor do names and nesting. One draw is taken from `rng`,
    whatever the network.

    Args:
        gain: weights (two axes or more) are Gaussian with standard deviation gain / √fan-in. The
            default keeps the size of activations through ReLU layers, so that the last layer
            still shows what the first one did.
        bias: standard deviation of parameters with one axis or none; not zero, so that padding
            and the place of a non-linearity show.
    """
    base = int(rng.integers(0, 2**31 - 1, 1))
    seen: Counter[tuple[int, ...]] = Counter()
    with torch.no_grad():
        for parameter in _by_layer(net):
            shape = tuple(parameter.shape)
            draws = np.random.default_rng([base, seen[shape], *shape]).standard_normal(shape)
            scale = gain / np.sqrt(max(fan_in(parameter), 1)) if len(shape) > 1 else bias
            parameter.copy_(torch.from_numpy(np.asarray(scale * draws, dtype=np.float32)))
            seen[shape] += 1


def _by_layer(net: nn.Module) -> Iterable[nn.Parameter]:
    """The parameters of `net`, each once: those of a layer together, and layers by their largest parameter's shape."""
    layers = [list(module.parameters(recurse=False)) for module in net.modules()]
    layers.sort(key=lambda own: max(([parameter.dim(), *parameter.shape] for parameter in own), default=[]))
    return dict.fromkeys(parameter for own in layers for parameter in own)


def fan_in(weight: torch.Tensor) -> int:
    """Inputs of one output of a layer with this `weight`, shape [outputs, inputs, *kernel]."""
    return int(np.prod(weight.shape[1:]))


def shapes_of(tensors: Iterable[torch.Tensor]) -> list[list[int]]:
    """The shapes of `tensors`, sorted, so that two networks can be compared whatever their order of declaration."""
    return sorted(list(tensor.shape) for tensor in tensors)


def make_positive(net: nn.Module) -> None:
    """Take the signs off all parameters: with a positive input, rectifiers then change nothing."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
