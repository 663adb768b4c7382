"""Tensors as they are, whatever a subclass says of itself."""

from __future__ import annotations

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
