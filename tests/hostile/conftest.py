"""Prints the table of breaches at the end of a test run, as `make hostile` does."""

from __future__ import annotations

import pytest
from runner import TABLE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if TABLE in config.stash:
        terminalreporter.section("hostile submissions")
        terminalreporter.write_line(config.stash[TABLE])
