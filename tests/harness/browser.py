"""A headless Chromium for tests that look at pages as a reader does."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Tests may run as root in a container, where Chromium's own sandbox cannot start; there is no GPU.
ARGUMENTS = ("--no-sandbox", "--disable-gpu")


@contextlib.contextmanager
def headless_chromium() -> Iterator[Browser]:
    """A browser with a profile of its own, which is gone afterwards. Skips the test where none is installed."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is installed here; Debian has it as the package `chromium`")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        except Error as error:
            pytest.skip(f"{path} does not start here: {error.message.splitlines()[0]}")
        with contextlib.closing(browser):
            yield browser
