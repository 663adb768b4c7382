"""Put a student's model among known parts, and see what its training does to them.

Nothing here is what a homework asks for: the known networks are smaller and of another kind, so
that they can lie open beside the student's code.
"""

from __future__ import annotations

import argparse
import gzip
import inspect
import os
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from autograder.randomness import Inputs

SIDE = 28
PIXELS = SIDE * SIDE


class KnownEncoder(nn.Module):
    """Two linear maps of the image's averages over blocks of pixels: a mean, and a positive variance.

    Attributes:
        used: the images of every forward pass that a gradient came back through, [batch, 784] each.
    """

    def __init__(self, rng: Inputs, *, latent: int = 2, blocks: int = 16, scale: float = 1.0) -> None:
        """Draw the parameters from `rng`; means spread about `scale` times as far as the averages do."""
        super().__init__()
        self.blocks = blocks
        self.mean_weight = nn.Parameter(rng.normal(latent, blocks, std=scale))
        self.mean_bias = nn.Parameter(rng.uniform(latent, low=-0.3, high=0.3))
        self.variance_weight = nn.Parameter(rng.normal(latent, blocks, std=0.5))
        self.variance_bias = nn.Parameter(rng.uniform(latent, low=0.2, high=0.5))
        self.used: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(mean, variance) [..., latent] of images [..., 784] or [batch, 1, 28, 28]."""
        flat = (x.flatten(1) if x.ndim > 2 else x).to(self.mean_weight.dtype)
        averages = flat.reshape(*flat.shape[:-1], self.blocks, -1).mean(-1)
        mean = averages @ self.mean_weight.T + self.mean_bias
        variance = 0.25 + (averages @ self.variance_weight.T + self.variance_bias) ** 2
        if mean.requires_grad:
            rows = flat.detach().reshape(-1, flat.shape[-1]).clone()
            watched: Any = mean
            watched.register_hook(lambda _: self.used.append(rows))
        return mean, variance


class KnownDecoder(nn.Module):
    """Numbers in (0, 1) for 784 pixels: a sine of a linear map of the code, one value per block of pixels.

    With a block per pixel and `scale` of some units, every code has its own picture.

    Attributes:
        codes: what was decoded, [codes, latent] per call.
    """

    def __init__(self, rng: Inputs, *, latent: int = 2, blocks: int = 16, scale: float = 1.0) -> None:
        """Draw the parameters from `rng`; the argument of the sine has about `scale` as standard deviation."""
        super().__init__()
        self.blocks = blocks
        self.weight = nn.Parameter(rng.normal(blocks, latent, std=scale))
        self.bias = nn.Parameter(rng.uniform(blocks, low=-3.0, high=3.0))
        self.codes: list[torch.Tensor] = []

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Pixels [..., 784] of codes [..., latent]."""
        codes = z.to(self.weight.dtype)
        self.codes.append(codes.detach().reshape(-1, codes.shape[-1]).clone())
        values = 0.5 + 0.49 * torch.sin(codes @ self.weight.T + self.bias)
        return values.repeat_interleave(PIXELS // self.blocks, dim=-1)

    @torch.no_grad()
    def picture(self, code: torch.Tensor) -> torch.Tensor:
        """The image [28, 28] of a code [latent]; it does not count as decoded by the student."""
        pixels: torch.Tensor = self(code)
        self.codes.pop()
        return pixels.reshape(SIDE, SIDE)

    def decoded(self) -> torch.Tensor:
        """All codes in the order in which they were decoded, [how many, latent]."""
        return torch.cat(self.codes) if self.codes else torch.zeros(0, self.weight.shape[1])


def binary_images(rng: Inputs, count: int, *, ink: int = 60) -> torch.Tensor:
    """`count` images [count, 784] of zeros and ones, each with at most `ink` ones at random places."""
    images = torch.zeros(count, PIXELS)
    places = rng.integers(0, PIXELS, count, ink)
    return images.scatter_(1, places, 1.0)


def serve_digits(train: tuple[torch.Tensor, torch.Tensor], test: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Let the student's code find these data wherever it loads MNIST from.

    They are written as MNIST's four files into ./data, which the given loader looks into first, and the
    variable AUTOGRADER_DATA then names that folder.

    Args:
        train, test: images [N, 784] with values in 0..1, and labels [N] in 0..9.
    """
    folder = Path("data").resolve()
    folder.mkdir(exist_ok=True)
    for split, (images, labels) in (("train", train), ("t10k", test)):
        pixels = (images.reshape(-1, SIDE, SIDE).numpy() * 255).round().astype(np.uint8)
        _write_idx(folder / f"{split}-images-idx3-ubyte.gz", pixels)
        _write_idx(folder / f"{split}-labels-idx1-ubyte.gz", labels.numpy().astype(np.uint8))
    os.environ["AUTOGRADER_DATA"] = str(folder)


def _write_idx(path: Path, array: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    # Level 1: random pixels take gzip's highest level seconds.
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), compresslevel=1))


def options(module: Any, **values: object) -> argparse.Namespace:
    """The student's own command-line options at their defaults, with `values` in place of theirs.

    A student may have added an option that their class reads. Where `parse_args` is missing or fails,
    which is graded elsewhere, there are `values` alone.
    """
    try:
        with mock.patch.object(sys, "argv", ["homework.py"]):
            own = dict(vars(module.parse_args()))
    except (Exception, SystemExit):
        own = {}
    return argparse.Namespace(**{**own, **values})


def assemble(
    cls: type,
    args: argparse.Namespace,
    parts: Mapping[str, nn.Module],
    otherwise: Mapping[str, object] | None = None,
) -> Any:
    """An object of the student's class whose constructor met known parts in place of the student's.

    While `cls(args)` runs, each global name in `parts`, such as "Decoder", stands for a function that
    returns the known part whatever it is given; the attribute of that name in lower case is then the
    known part in any case.

    Args:
        otherwise: attributes of the object that is made without its constructor where that one raises,
            besides the options themselves. None lets the exception through.
    """
    try:
        with swapped(_namespace(cls), {name: _always(part) for name, part in parts.items()}):
            made = cls(args)
    except Exception:
        if otherwise is None:
            raise
        made = bare(cls)
        for name, value in {**vars(args), **otherwise}.items():
            setattr(made, name, value)
    for name, part in parts.items():
        setattr(made, name.lower(), part)
    return made


def method_of(cls: type, name: str) -> Callable[..., Any]:
    """The function `name` of a class, to be called without an object, also where it was written to take one.

    Raises:
        AttributeError: the class has no such name.
    """
    written = inspect.getattr_static(cls, name)
    if inspect.isfunction(written) and next(iter(inspect.signature(written).parameters), "") == "self":
        bound: Callable[..., Any] = getattr(bare(cls), name)
        return bound
    found: Callable[..., Any] = getattr(cls, name)
    return found


def bare(cls: type) -> Any:
    """An object of `cls` whose constructor has not run; a module's own tables are there nevertheless."""
    made: Any = object.__new__(cls)
    if isinstance(made, nn.Module):
        nn.Module.__init__(made)
    return made


def _always(part: nn.Module) -> Callable[..., nn.Module]:
    return lambda *_, **__: part


def _namespace(cls: type) -> dict[str, Any]:
    """The globals that the methods of a class look names up in."""
    for member in vars(cls).values():
        function = getattr(member, "__func__", member)
        if hasattr(function, "__globals__"):
            found: dict[str, Any] = function.__globals__
            return found
    return {}


@contextmanager
def swapped(namespace: dict[str, Any], values: Mapping[str, object]) -> Iterator[None]:
    """Put `values` into a namespace for a while. Names that it gets meanwhile stay."""
    missing = object()
    before = {name: namespace.get(name, missing) for name in values}
    namespace.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is missing:
                namespace.pop(name, None)
            else:
                namespace[name] = value


@contextmanager
def learning_rate(rate: float) -> Iterator[list[str]]:
    """Have Adam and its relatives step at this rate and without weight decay, whatever the student chose.

    Both are free where a handout says "Adam". Other optimizers keep what they have.

    Gives the list to which each step adds its optimizer's class by name.
    """
    steps: list[str] = []

    def impose(optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        steps.append(type(optimizer).__name__)
        if "Adam" in steps[-1]:
            for group in optimizer.param_groups:
                group.update(lr=rate, weight_decay=0)

    handle = register_optimizer_step_pre_hook(impose)
    try:
        yield steps
    finally:
        handle.remove()


@contextmanager
def constant_noise(value: float) -> Iterator[None]:
    """Have `torch.randn` and `torch.randn_like` return this value everywhere."""

    def randn(*sizes: Any, **how: Any) -> torch.Tensor:
        size = how.pop("size", sizes[0] if sizes and not isinstance(sizes[0], int) else sizes)
        how.pop("generator", None)
        return torch.full(tuple(size), value, **how)

    def randn_like(like: torch.Tensor, **how: Any) -> torch.Tensor:
        return torch.full_like(like, value, **how)

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(torch, "randn", randn))
        patches.enter_context(mock.patch.object(torch, "randn_like", randn_like))
        yield


def parameter_vector(net: nn.Module) -> torch.Tensor:
    """All parameters of `net` in one vector, a copy."""
    return torch.cat([parameter.detach().flatten() for parameter in net.parameters()]).clone()


def saved_tensors(path: str | os.PathLike[str]) -> list[torch.Tensor] | None:
    """The tensors in a file that `torch.save` wrote, in order: of a state dict, a module, or a dict or list of these.

    None where there is no such file, or where it holds something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=False)
    except Exception:  # unpickling a file of unknown making can raise anything
        return None
    return _tensors(content) or None


def _tensors(content: object) -> list[torch.Tensor]:
    if isinstance(content, torch.Tensor):
        return [content.detach()]
    if isinstance(content, nn.Module):
        return _tensors(content.state_dict())
    values = content.values() if isinstance(content, Mapping) else content if isinstance(content, (list, tuple)) else ()
    return [tensor for value in values for tensor in _tensors(value)]


def holds(path: str | os.PathLike[str], net: nn.Module) -> bool | None:
    """Whether a file has the parameters that `net` has now; None where it has no parameters at all."""
    saved = saved_tensors(path)
    if saved is None:
        return None
    wanted = list(net.state_dict().values())
    return all(any(value.shape == other.shape and torch.equal(value, other) for other in saved) for value in wanted)
