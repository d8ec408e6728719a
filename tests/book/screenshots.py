"""Pictures of every page of the built book in light, dark, phone width and as on paper, to be looked at by a person.

python -m tests.book.screenshots OUT [PAGE ...]     of _build/html, or of the folder in the variable BOOK
"""

import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.book.browser import FLAGS, HOW_TO_GET, MODES, find_chromium, serve, visit


def main(out, *pages):
    """Write OUT/<page>-<mode>.png for the given pages (such as book/glossary.html), or for all."""
    chromium = find_chromium() or sys.exit(f"Chromium is needed: {HOW_TO_GET}")
    html = Path(os.environ.get("BOOK", "_build/html"))
    pages = pages or sorted(path.relative_to(html).as_posix() for path in html.glob("book/**/*.html"))
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with serve(html) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for page in pages:
            for mode in MODES:
                picture = out / f"{page.removeprefix('book/').removesuffix('.html').replace('/', '-')}-{mode}.png"
                with visit(browser, f"{address}/{page}", mode) as seen:
                    seen.page.screenshot(path=picture, full_page=True)
                print(picture)
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
