"""A browser for the tests of every folder: one for each process, since Playwright allows no second."""

import pytest

from tests.book.browser import FLAGS, NAMES, find_chromium, leave_out


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium. Where it cannot start, a test is left out by name; where CI is set it fails."""
    path = find_chromium()
    if path is None:
        leave_out(f"a browser, one of {', '.join(NAMES)}")
    from playwright.sync_api import sync_playwright

    manager = sync_playwright()
    try:
        api = manager.start()
    except Exception as error:
        leave_out(f"Playwright's program to start ({error})")
    browser = api.chromium.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()
    api.stop()
