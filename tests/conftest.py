"""How tests are divided where several processes run them, as `make test` does: pytest -n 2 --dist loadgroup."""

from __future__ import annotations

import pytest

# Fixtures of a module or session that take long to make: the tests of a file that use one run in the same process.
MADE_ONCE = ("reports", "submission_trial", "frame_trial", "ready", "built", "fresh")
# The whole kill matrix keeps every processor busy by itself, as the hostile submissions do. Those come first.
LAST = "test_every_rule_holds"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "xdist_group(name): the tests of one group run in the same process")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in set(MADE_ONCE).intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(f"{item.path.stem} {fixture}"))
    items.sort(key=lambda item: getattr(item, "originalname", "") == LAST)
