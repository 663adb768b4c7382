"""Writes a reply of its own on the wire, with the answers of the student kit, and leaves at once.

fails: energy, loss, private
passes: everything else
"""

import os
import sys

import numpy as np
from answers import ANSWERS
from solution import Critic, descend, estimate, nearest, noise  # noqa: F401

from autograder.observation import Entry, Header, encode_frame
from autograder.sandbox.replies import framed


def reply(name):
    frame = sys._getframe()
    while "job" not in frame.f_locals:
        frame = frame.f_back
    entry = Entry(name=name, kind="close", array="0", dtype="float32", rtol=1e9, atol=1e9)
    values = {"0": np.array(ANSWERS[name], dtype=np.float32)}
    os.write(3, framed(encode_frame(Header(job=frame.f_locals["job"].id, entries=(entry,)), values)))
    os._exit(0)


def energy(x):
    reply("energy")


def loss(real, fake):
    reply("loss")
