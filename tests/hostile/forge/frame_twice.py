"""Writes a reply with guessed answers before the true one, so that there are two.

fails: energy, private
passes: everything else
"""

import os
import sys

import numpy as np
from answers import ANSWERS
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401

from autograder.observation import Entry, Header, encode_frame
from autograder.sandbox.replies import framed


def energy(x):
    frame = sys._getframe()
    while "job" not in frame.f_locals:
        frame = frame.f_back
    entry = Entry(name="energy", kind="close", array="0", dtype="float32")
    values = {"0": np.array(ANSWERS["energy"], dtype=np.float32)}
    os.write(3, framed(encode_frame(Header(job=frame.f_locals["job"].id, entries=(entry,)), values)))
    return x.sum(1) * 0
