"""Changes the grader that runs: its globals, its code, its input, through the frames above.

fails: energy, nearest, loss, private
passes: everything else
"""

import sys

import torch
from solution import Critic, descend, estimate, noise  # noqa: F401


def grader_frame():
    frame = sys._getframe()
    while not frame.f_code.co_name.startswith("test_"):
        frame = frame.f_back
    return frame


def energy(x):
    frame = grader_frame()
    frame.f_globals["torch"] = None
    x.zero_()
    return torch.zeros(len(x))


def loss(real, fake):
    real.fill_(float("inf"))
    fake.fill_(float("-inf"))
    return torch.zeros(())


def nearest(x, centres):
    module = sys.modules["grader"]
    for name in [name for name in vars(module) if name.startswith("test_")]:
        getattr(module, name).__code__ = (lambda guarded, rng, observe: None).__code__
    sys.settrace(lambda *_: None)
    return [0] * len(x)
