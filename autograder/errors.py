"""Errors that a person meets: what happened, where, and what to do about it."""

from __future__ import annotations


class UserError(Exception):
    """Something an instructor, a TA or a student can put right.

    The command line prints it without a traceback and exits with status 2.

    Args:
        what: one sentence on what is wrong.
        where: the file and key, line or path it concerns.
        remedy: one sentence on what to do.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{remedy}"
