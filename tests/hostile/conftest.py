"""Prints the table of breaches at the end of a test run, as `make hostile` does."""

from __future__ import annotations

from typing import Any

import pytest
from runner import TABLE

_SENT = "hostile submissions"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of several processes that run tests sends its table to the one that prints."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None and TABLE in session.config.stash:
        output[_SENT] = session.config.stash[TABLE]


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_testnodedown(node: Any) -> None:
    sent = getattr(node, "workeroutput", {}).get(_SENT)
    if sent is not None:
        node.config.stash[TABLE] = sent


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if TABLE in config.stash:
        terminalreporter.section("hostile submissions")
        terminalreporter.write_line(config.stash[TABLE])
