"""Listens on Unix sockets, in its folder and in the abstract name space.

fails: loss, nearest
passes: everything else
control: reached
"""

import socket

from accomplice import MARK, reached
from solution import Critic, descend, energy, estimate, noise  # noqa: F401


def loss(real, fake):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("server")
        server.listen()
    reached("a socket listens")


def nearest(x, centres):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{MARK}")
        server.listen()
    reached("an abstract socket")
