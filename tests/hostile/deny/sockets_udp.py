"""Sends datagrams on the loopback.

fails: loss
passes: everything else
control: reached
"""

import socket

from accomplice import reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"full marks", ("127.0.0.1", 9))
    reached("a datagram was sent")
