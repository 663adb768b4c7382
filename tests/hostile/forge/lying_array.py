"""Returns arrays that answer NumPy's questions themselves.

fails: energy, loss, descend, nearest, private
passes: everything else
"""

import numpy as np
from solution import Critic, estimate, noise  # noqa: F401


class Liar(np.ndarray):
    def __array_function__(self, function, types, args, kwargs):
        return True

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return True

    def __array__(self, *_, **__):
        return np.zeros(3)

    def __reduce__(self):
        return (exec, ("raise SystemExit",))


class Interface:
    __array_interface__ = {"shape": (6,), "typestr": "<f4", "data": (4096, False), "version": 3}  # noqa: RUF012


class Priority:
    __array_priority__ = 1e9

    def __array__(self, *_, **__):
        raise SystemExit(0)


def energy(x):
    return np.zeros(len(x), dtype=np.float32).view(Liar)


def loss(real, fake):
    return Interface()


def descend(weight, x, y, rate, steps):
    return Priority()


def nearest(x, centres):
    return np.zeros(len(x), dtype=object)
