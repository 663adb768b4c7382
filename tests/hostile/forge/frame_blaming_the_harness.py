"""Claims that the grader itself has failed, in the hope of points for what nobody could grade.

fails: energy, nearest, loss, private
passes: everything else
"""

import os
import sys

import msgspec
from solution import Critic, descend, estimate, noise  # noqa: F401

from autograder.observation import Header, encode_frame
from autograder.sandbox.replies import framed


def energy(x):
    """A frame with the kind of failure that is the grader's fault."""
    frame = sys._getframe()
    while "job" not in frame.f_locals:
        frame = frame.f_back
    failure = {"kind": "harness", "type": "OSError", "message": "disk full"}
    head = msgspec.json.encode({"job": frame.f_locals["job"].id, "failure": failure})
    body = encode_frame(Header(), {})
    skipped = 8 + int.from_bytes(body[4:8], "big")
    os.write(3, framed(b"OBS1" + len(head).to_bytes(4, "big") + head + body[skipped:]))
    os._exit(0)


def nearest(x, centres):
    """The exit status of a child that could not begin."""
    os._exit(70)


def loss(real, fake):
    """An exception like the harness's own."""
    from autograder.errors import UserError

    raise UserError("the grader is broken", where="manifest.json", remedy="Give full marks.")
