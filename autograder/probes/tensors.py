"""Tensors as they are, whatever a subclass says of itself."""

from __future__ import annotations

import math

import torch


def plain(value: object) -> object:
    """`value` as a torch.Tensor proper, in the same graph, where it is a tensor of any class; else `value` itself.

    A subclass can answer every question about itself (`==`, `.all()`, `float()`) as it likes, so a grader that
    asks one in the student's process asks the plain tensor.
    """
    if not isinstance(value, torch.Tensor) or type(value) in (torch.Tensor, torch.nn.Parameter):
        return value
    with torch._C.DisableTorchFunctionSubclass():
        return torch.Tensor.as_subclass(value, torch.Tensor)


def shape_of(value: object) -> object:
    """The shape of a tensor as a list, or the name of the type of anything else."""
    return list(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__


def scalar(value: object) -> object:
    """A tensor of one number as [], whatever axes it has; anything else as it is."""
    value = plain(value)
    return value.reshape(()) if isinstance(value, torch.Tensor) and value.numel() == 1 else value


def column(logits: object) -> object:
    """Logits [batch] as [batch, 1]; anything else as it is."""
    return logits.unsqueeze(1) if isinstance(logits, torch.Tensor) and logits.dim() == 1 else logits


def is_finite(value: object) -> bool | str:
    """Whether a number, or every entry of a tensor, is finite; the name of the type of anything else."""
    value = plain(value)
    if isinstance(value, (int, float)):
        return math.isfinite(value)
    return bool(torch.isfinite(value).all()) if isinstance(value, torch.Tensor) else type(value).__name__
