"""The README's pictures, taken of the built book and of a check's report.

python -m tests.book.readme_pictures     writes .github/pictures/book.png and report.png
"""

import sys
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from rnnlib.checks.battery import judge
from rnnlib.checks.exercises import find
from rnnlib.checks.report import as_html
from tests.book.browser import FLAGS, HOW_TO_GET, find_chromium, serve, visit

PICTURES = Path(".github/pictures")
CODE = """def rnn_step(x, h_prev, W_x, W_h, b):
    return np.tanh(x @ W_x - h_prev @ W_h + b)

check(rnn_step)"""
CELL = """<body style="margin: 24px; width: 760px; font: 15px/1.5 sans-serif; background: white">
<pre style="margin: 0 0 12px; padding: 10px 14px; background: #f5f5f5; border: 1px solid #ddd">{code}</pre>{report}"""


def rnn_step(x, h_prev, W_x, W_h, b):
    """What `CODE` shows: a step with a wrong sign."""
    return np.tanh(x @ W_x - h_prev @ W_h + b)


def main():
    """Take both pictures."""
    chromium = find_chromium() or sys.exit(f"Chromium is needed: {HOW_TO_GET}")
    PICTURES.mkdir(parents=True, exist_ok=True)
    report = as_html(judge(rnn_step, find(rnn_step, caller={})))
    with serve("_build/html") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with visit(browser, f"{address}/book/introduction/from-fnn-to-rnn.html", "light") as seen:
            seen.page.locator("#the-idea-in-one-figure").scroll_into_view_if_needed()
            seen.page.evaluate("document.querySelector('#the-idea-in-one-figure').scrollIntoView()")
            seen.page.wait_for_timeout(500)
            seen.page.screenshot(path=PICTURES / "book.png")
        page = browser.new_page(viewport={"width": 820, "height": 400})
        page.set_content(CELL.format(code=CODE, report=report))
        page.screenshot(path=PICTURES / "report.png", full_page=True)
        browser.close()
    for path in sorted(PICTURES.glob("*.png")):
        print(path)


if __name__ == "__main__":
    main()
