"""Read what a child sends, each stream up to its cap, for as long as they are open."""

from __future__ import annotations

import os
import selectors
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class ReplyLimits:
    """What the trusted side keeps of one child, in bytes."""

    reply: int
    output: int


class Channels:
    """The reply and the output of one child; the descriptors are closed by `close`."""

    def __init__(self, reply: int, output: int, limits: ReplyLimits) -> None:
        self._selector = selectors.DefaultSelector()
        self._caps = {reply: limits.reply, output: limits.output}
        self._data = {reply: bytearray(), output: bytearray()}
        self._over: set[int] = set()
        self._reply, self._output = reply, output
        for fd in (reply, output):
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ)

    @property
    def open(self) -> bool:
        return bool(self._selector.get_map())

    @property
    def reply_size(self) -> int:
        return len(self._data[self._reply])

    def reply_piece(self, begin: int, size: int) -> bytes:
        """So many bytes of the reply, or as many of them as there are."""
        return bytes(memoryview(self._data[self._reply])[begin : begin + size])

    @property
    def reply_is_too_large(self) -> bool:
        return self._reply in self._over

    @property
    def output(self) -> str:
        return self._data[self._output].decode("utf-8", "replace")

    @property
    def output_was_cut(self) -> bool:
        return self._output in self._over

    def read(self, seconds: float) -> bool:
        """Take what has arrived within `seconds`; whether anything had."""
        ready = self._selector.select(seconds) if self.open else []
        for key, _ in ready:
            fd = key.fd
            try:
                piece = os.read(fd, 1 << 20)
            except BlockingIOError:
                continue
            if not piece:
                self._selector.unregister(fd)
                continue
            room = self._caps[fd] - len(self._data[fd])
            self._data[fd] += piece[: max(0, room)]
            if len(piece) > room:
                self._over.add(fd)
        return bool(ready)

    def drain(self, seconds: float) -> None:
        """Take what a child that has ended left in the pipes, for `seconds` at most."""
        stop = time.monotonic() + seconds
        while self.open and time.monotonic() < stop and self.read(0.0):
            continue

    def close(self) -> None:
        self._selector.close()
        os.close(self._reply)
        os.close(self._output)
