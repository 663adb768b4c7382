"""Returns objects that equal everything and are true.

fails: energy, loss, nearest, estimate, private
passes: everything else
"""

from solution import Critic, descend, noise  # noqa: F401


class Same:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __bool__(self):
        return True

    def __getattr__(self, name):
        return self

    def __call__(self, *_, **__):
        return self

    def __float__(self):
        return 3.0

    def __iter__(self):
        return iter([self])

    def __hash__(self):
        return 0


class SameInt(int):
    __eq__ = __bool__ = lambda *_: True
    __hash__ = int.__hash__


class SameList(list):
    def __eq__(self, other):
        return True

    def __iter__(self):
        return iter(())

    __hash__ = None


class SameFloat(float):
    __eq__ = __bool__ = lambda *_: True
    __hash__ = float.__hash__


def energy(x):
    return Same()


def loss(real, fake):
    return SameFloat(0.0)


def estimate(n, mean, sigma_square):
    return SameFloat("nan")


def nearest(x, centres):
    return SameList(SameInt(0) for _ in x)
