"""Replaces the observer that the grader hands its findings to, and what it has found so far.

fails: energy, loss, nearest, critic, private
passes: everything else
"""

import sys

import torch
from solution import descend, estimate, noise  # noqa: F401

from autograder.observe import Observer


def observer():
    frame = sys._getframe()
    while not isinstance(frame.f_locals.get("observe"), Observer):
        frame = frame.f_back
    return frame.f_locals["observe"]


def energy(x):
    Observer.__call__ = lambda *_, **__: None
    return torch.zeros(len(x))


def loss(real, fake):
    tolerant = Observer.__call__
    Observer.__call__ = lambda self, **values: tolerant(self, rtol=1e30, atol=1e30, **values)
    return torch.zeros(())


def nearest(x, centres):
    mine = observer()
    mine.picture("numbers", torch.ones(4, 4))
    mine.exact(number=True, verdict="passed", score=2)
    Observer.exact = lambda *_, **__: None
    return [0] * len(x)


class Critic(torch.nn.Module):
    def forward(self, x):
        mine = observer()
        mine.entries.clear()
        mine.entries = property(lambda _: [])
        return torch.zeros(len(x))
