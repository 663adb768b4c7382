"""What a network makes of batches of several sizes, and whether the images in a batch touch each other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from autograder.observe import Observer
from autograder.probes.tensors import plain, shape_of


def observe_batches(
    net: nn.Module, inputs: torch.Tensor, observe: Observer, form: Callable[[object], object] = shape_of
) -> None:
    """Observe shapes for five inputs and for one, and whether the others in a batch change an output.

    Args:
        net: is put into evaluation mode.
        inputs: [5, ...]
        form: what of an output's shape matters.
    """
    net.eval()
    with torch.no_grad():
        together = plain(net(inputs))
        alone = [plain(net(inputs[row : row + 1])) for row in range(len(inputs))]
    observe.exact(shape_for_five=form(together), shape_for_one=form(alone[0]))
    single = [output for output in alone if isinstance(output, torch.Tensor)]
    if len(single) == len(alone) and len({output.numel() for output in single}) == 1:
        flat = torch.stack([output.flatten() for output in single])
        if isinstance(together, torch.Tensor) and together.numel() == flat.numel():
            observe(difference_between_batch_and_single=flat - together.reshape(flat.shape))
        else:
            observe(difference_between_batch_and_single=None)
        observe.exact(different_inputs_give_different_outputs=bool((flat - flat[0]).abs()[1:].max() > 1e-6))


def takes(net: Callable[[torch.Tensor], object], *forms: torch.Tensor) -> bool:
    """Whether a network takes its inputs in one of these forms, whatever it makes of them."""
    for inputs in forms:
        try:
            with torch.no_grad():
                net(inputs)
            return True
        except Exception:
            continue
    return False
