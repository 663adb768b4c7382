"""Writes replies that are no replies: cut off, of impossible length, empty, doubled, and not even text.

fails: everything
"""

import os
import sys

import torch

from autograder.observation import Header, encode_frame
from autograder.sandbox.replies import framed


def reply(data):
    os.write(3, framed(data))
    os._exit(0)


def whole():
    frame = sys._getframe()
    while "job" not in frame.f_locals:
        frame = frame.f_back
    return encode_frame(Header(job=frame.f_locals["job"].id), {})


def energy(x):
    os.write(3, framed(whole())[:20])
    os._exit(0)


def noise(n, sigma_square):
    reply(b"OBS1\xff\xff\xff\xff{}")


def estimate(n, mean, sigma_square):
    reply(b"")


class Critic(torch.nn.Module):
    def __init__(self):
        os.write(3, b"\xff" * 1000)
        os._exit(0)


def loss(real, fake):
    reply(b"OBS1\0\0\0\2{}" + (2**62).to_bytes(8, "little") + b"{}")


def descend(weight, x, y, rate, steps):
    reply(b"OBS1" + (60_000).to_bytes(4, "big") + b"[" * 60_000)


def nearest(x, centres):
    os.write(3, framed(whole()))
    reply(whole())
