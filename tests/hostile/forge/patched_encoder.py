"""Replaces the functions of the harness that write the reply.

fails: energy, loss, nearest, private
passes: everything else
"""

import msgspec
import torch
from solution import Critic, descend, estimate, noise  # noqa: F401

from autograder.observation import Entry, Header, encode_frame
from autograder.sandbox import child


def energy(x):
    """The same frame, with tolerances that forgive all."""

    def forgiving(header, arrays):
        entries = [msgspec.structs.replace(entry, rtol=1e300, atol=1e300, kind="picture") for entry in header.entries]
        return encode_frame(msgspec.structs.replace(header, entries=tuple(entries)), arrays)

    child.encode_frame = forgiving
    return torch.zeros(len(x))


def loss(real, fake):
    """A frame without the entry that would be compared."""
    child.encode_frame = lambda header, _: encode_frame(Header(job=header.job), {})
    return torch.zeros(())


def nearest(x, centres):
    """A frame with the entry in many kinds at once."""

    def many(header, _):
        kinds = ("exact", "close", "samples", "band", "leaderboard")
        entries = [Entry(name="numbers", kind=kind, text="true") for kind in kinds]
        return encode_frame(Header(job=header.job, entries=tuple(entries)), {})

    child.encode_frame = many
    return [0] * len(x)
