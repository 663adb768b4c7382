"""How tests are divided where several processes run them, as `make test` has it (pytest -n).

Three files run a stated sample, always the same one; with their variable set to 1 they run everything:
HOSTILE_EVERY (tests/hostile: ordinary user, each 3rd; tests/regrade: hostile students, each 10th), VALIDATE_EVERY
(tests/harness/test_homeworks.py: graders that a misconception does not name, each 3rd) and SUBMISSIONS_EVERY
(tests/harness/test_submissions.py: graders that a submission must pass, each 3rd).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

# Their tests share something that takes long to make, so one process runs them all. The largest file is begun first.
WHOLE = (
    "test_hostile",
    "test_class",
    "test_fuzz_frames",
    "test_fuzz_submissions",
    "test_setup_sh",
    "test_run_autograder",
    "test_bundle",
    "test_regrade_cli",
    "test_report_browser",
    "test_report_site",
    "test_offline_datasets",
)
# The whole kill matrix keeps every processor busy by itself, as the hostile submissions do that are begun first.
LAST = "test_every_rule_holds"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: getattr(item, "originalname", "") == LAST)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Tests are handed out one by one, and the files of WHOLE as a whole."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if file.rpartition("/")[2].removesuffix(".py") in WHOLE else nodeid

    return Scheduling(config, log)
