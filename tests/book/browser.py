"""What opens the built book in a real browser: the program, a server for the pages, and one visit to a page."""

import os
import re
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
#: Every page of the book, in its order, such as "book/index".
PAGES = re.findall(r"^\s*(?:root|- file):\s*(\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"), re.M)

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOW_TO_GET = "apt-get install chromium libatomic1"  # the library is for Playwright's own program
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

# How a page is looked at: colour scheme and size of the window. 360 is the width of a small phone, 660 that of A4 with
# its margins.
MODES = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}},
    "print": {"color_scheme": "dark", "viewport": {"width": 660, "height": 930}},
}


def find_chromium():
    """Path of an installed Chromium or Chrome, None without one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def leave_out(what, how=HOW_TO_GET):
    """Leave the running test out for want of a program, by name; where CI is set it fails."""
    import pytest

    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {what}: {how}")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextmanager
def serve(folder, handler=_Quiet):
    """Serve a folder on a free port of this machine; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Visit:
    """A page that is open, and what happened while it loaded."""

    page: object
    foreign: list = field(default_factory=list)  #: requests to another host
    failed: list = field(default_factory=list)  #: requests that were not answered with success
    errors: list = field(default_factory=list)  #: errors in the console, and uncaught ones


@contextmanager
def visit(browser, address, mode):
    """Open a page in one of `MODES` and wait until all is loaded and the equations are set."""
    context = browser.new_context(**MODES[mode])
    context.set_default_timeout(30_000)
    page = context.new_page()
    seen = Visit(page)
    here = urlsplit(address).netloc

    def on_request(request):
        if urlsplit(request.url).scheme not in ("data", "blob") and urlsplit(request.url).netloc != here:
            seen.foreign.append(request.url)

    page.on("request", on_request)
    page.on("requestfailed", lambda r: seen.failed.append(f"{r.url}: {r.failure}"))
    page.on("response", lambda r: seen.failed.append(f"{r.url}: {r.status}") if r.status >= 400 else None)
    page.on("pageerror", lambda e: seen.errors.append(str(e)))
    page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
    try:
        page.goto(address, wait_until="networkidle")
        if page.locator("script[src*='mathjax']").count():
            page.wait_for_function("window.MathJax?.startup?.promise")
            page.evaluate("MathJax.startup.promise")
            page.wait_for_load_state("networkidle")
        if mode == "print":
            turn(page, mode)
        yield seen
    finally:
        context.close()


def turn(page, mode):
    """Show an open page in another of `MODES`, and wait until it has its colours."""
    page.set_viewport_size(MODES[mode]["viewport"])
    themed = "theme => document.documentElement.dataset.theme == theme"
    page.emulate_media(media="screen", color_scheme=MODES[mode]["color_scheme"])
    page.wait_for_function(themed, arg=MODES[mode]["color_scheme"])
    if mode == "print":
        page.emulate_media(media="print")
        page.wait_for_function(themed, arg="light")  # paper is white, also from a dark screen
