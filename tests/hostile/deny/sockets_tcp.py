"""Listens and connects on the loopback, over TCP.

fails: loss, nearest
passes: everything else
control: reached
"""

import errno
import socket

from accomplice import reached
from solution import Critic, descend, energy, estimate, noise  # noqa: F401


def loss(real, fake):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname(), timeout=2):
            reached("there is a connection")


def nearest(x, centres):
    with socket.socket() as caller:
        caller.settimeout(2)
        if caller.connect_ex(("127.0.0.1", 9)) == errno.ECONNREFUSED:
            reached("the answer that nobody listens")
    return []
