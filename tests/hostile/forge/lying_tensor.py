"""Returns tensors of a class that claims to be equal, close and convertible to whatever is wanted.

fails: energy, loss, descend, private
passes: everything else
"""

import torch
from solution import Critic, estimate, nearest, noise  # noqa: F401


class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ in ("allclose", "equal", "isclose", "__eq__", "eq", "all"):
            return True
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))

    def __eq__(self, other):
        return True

    def __bool__(self):
        return True

    __hash__ = torch.Tensor.__hash__


class Chameleon(torch.Tensor):
    """Becomes another tensor when it is converted."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return NotImplemented

    @property
    def shape(self):
        return torch.Size([])

    def numpy(self, *_, **__):
        return self

    detach = cpu = numpy


def energy(x):
    return torch.zeros(len(x)).as_subclass(Liar)


def loss(real, fake):
    return torch.zeros(()).as_subclass(Chameleon)


def descend(weight, x, y, rate, steps):
    lie = torch.zeros(3, 1).as_subclass(Liar)
    lie.requires_grad_()
    return lie
