"""Uses powers that only root has: mounts, another root folder, the machine's name and clock, a reboot's first call.

fails: loss
passes: everything else
control: reached
"""

import contextlib
import ctypes
import os
import socket
import time

from accomplice import reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    libc = ctypes.CDLL(None, use_errno=True)
    done = []
    with contextlib.suppress(OSError):
        os.chroot(".")
        done.append("chroot")
    with contextlib.suppress(OSError):
        socket.sethostname(socket.gethostname())
        done.append("sethostname")
    with contextlib.suppress(OSError):
        time.clock_settime(time.CLOCK_REALTIME, time.time())
        done.append("clock")
    if not libc.unshare(0x10000000):
        done.append("a user namespace")
    if not libc.mount(b"none", b".", b"tmpfs", 0, b"size=1m"):
        done.append("mount")
    with contextlib.suppress(OSError):
        os.setresuid(0, 0, 0)
        done.append("root")
    if done:
        reached(", ".join(done))
    raise ValueError("nothing was done")
