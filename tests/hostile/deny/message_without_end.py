"""Raises exceptions whose text is huge, never comes, or breaks whoever asks for it.

fails: energy, loss, nearest, estimate, private
passes: everything else
"""

from accomplice import lasting
from solution import Critic, descend, noise  # noqa: F401


class Endless(Exception):
    def __str__(self):
        for _ in lasting():
            pass
        return ""


class Broken(Exception):
    @property
    def __class__(self):
        raise SystemExit(0)

    def __str__(self):
        raise KeyboardInterrupt


def energy(x):
    raise ValueError("x" * 50_000_000)


def loss(real, fake):
    raise Endless


def nearest(x, centres):
    raise Broken


def estimate(n, mean, sigma_square):
    error = ValueError("a chain")
    for _ in range(5000):
        cause, error = error, ValueError("\ud800")
        error.__cause__ = cause
    raise error
