"""The form of a child's reply: one byte before anything of the student runs, then a frame for each job that is done.

The first byte tells whose fault it is where nothing follows: what goes wrong before it is ours, all after it the
student's. Every frame comes with its length in front, so that those of a child that is ended on the way are whole.
"""

from __future__ import annotations

import struct

from autograder.sandbox.channels import Channels

READY = b"+"
_LENGTH = struct.Struct("<Q")
HEAD = _LENGTH.size  # bytes in front of every frame


def framed(frame: bytes) -> bytes:
    """A frame as it is sent."""
    return _LENGTH.pack(len(frame)) + frame


class Replies:
    """Finds the frames in a child's reply, as it arrives.

    Attributes:
        count: whole frames so far.
    """

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._ends: list[int] = [len(READY)]

    @property
    def count(self) -> int:
        return len(self._ends) - 1

    @property
    def ready(self) -> bool:
        """Whether the child had all that it needs before the student's code ran."""
        return self._channels.reply_piece(0, len(READY)) == READY

    @property
    def rest(self) -> int:
        """How many bytes follow the last whole frame."""
        return max(0, self._channels.reply_size - self._ends[-1])

    def look(self) -> int:
        """The number of whole frames by now."""
        while len(head := self._channels.reply_piece(self._ends[-1], HEAD)) == HEAD:
            end = self._ends[-1] + HEAD + _LENGTH.unpack(head)[0]
            if end > self._channels.reply_size:
                break
            self._ends.append(end)
        return self.count

    def frame(self, index: int) -> bytes:
        """The whole frame number `index`, from 0."""
        begin, end = self._ends[index] + HEAD, self._ends[index + 1]
        return self._channels.reply_piece(begin, end - begin)
