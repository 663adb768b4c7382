"""The report on a class: a folder of HTML pages that need no network, no server and no build step."""

from __future__ import annotations

from autograder.report.site import write_report

__all__ = ["write_report"]
