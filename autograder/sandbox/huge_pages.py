"""Put the zygote's memory into huge pages, so that a fork has hundreds of page table entries to copy and not 70,000.

A fork copies the entries of all memory that is not a file's, and the child's end takes them down again; with torch
imported that is most of what an empty child costs. The kernel collapses pages in place (MADV_COLLAPSE, Linux 6.1): no
address and no content changes, and a child that writes still copies 4 KB at a time. Where the kernel cannot or will
not, all stays as it was.
"""

from __future__ import annotations

import ctypes
import re
import sys

HUGE = 2 * 1024 * 1024
_MADV_COLLAPSE = 25
# A mapping that is private, writable and no file's, with its first and last address.
_ANONYMOUS = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw-p [0-9a-f]+ 00:00 0 *(?:\[heap\])?$", re.M)


def collapse_memory() -> int:
    """Collapse all of this process's own memory that fills huge pages; how many bytes are in mappings that now are."""
    if sys.platform != "linux":
        return 0
    try:
        with open("/proc/self/maps", encoding="ascii", errors="replace") as maps:
            found = _ANONYMOUS.findall(maps.read())
        madvise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return 0
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    collapsed = 0
    for first, last in found:
        begin, end = -(-int(first, 16) // HUGE) * HUGE, int(last, 16) // HUGE * HUGE
        if begin < end and madvise(begin, end - begin, _MADV_COLLAPSE) == 0:
            collapsed += end - begin
    return collapsed
