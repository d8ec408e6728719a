"""The whole book as one PDF with links, outline and page numbers, printed by Chromium from the built pages.

python -m tests.book.pdf [OUT]     of _build/html; writes _build/book.pdf

Sphinx's own builder for a single page knows nothing of some nodes that the chapters use; joining the pages that are
there needs no second build, and every extension's work is in them already.
"""

import posixpath
import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject, TextStringObject

from tests.book.browser import FLAGS, HOW_TO_GET, find_chromium, serve, visit

PAGE = "whole-book.html"
FRONT = "book/index.html"
FOOTER = """<div style="width: 100%; text-align: center; font: 8px 'DejaVu Sans', sans-serif; color: #444">
<span class="pageNumber"></span></div>"""
PAPER = {"format": "A4", "margin": {"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"}}

NUMBER = "numbers => document.querySelectorAll('[data-of]').forEach(e => { e.textContent = numbers[e.dataset.of] })"
TITLES = """[...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter(e => e.checkVisibility()).map(e => e.textContent.trim())"""


def read(html, page):
    """A built page, parsed."""
    return BeautifulSoup((html / page).read_text(encoding="utf-8"), "html.parser")


def from_root(page, path):
    """A path on a page, such as `../_static/logo.svg`, as a path from the book's root."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path))


def name(page, fragment=""):
    """The id, in the joined document, of a page such as `book/glossary.html` or of a place in it."""
    return page.removesuffix(".html").replace("/", "-") + (f"--{fragment}" if fragment else "")


def link(page, address, pages):
    """Where an address on a page leads in the joined document: None when to something that is not in it."""
    url = urlsplit(address)
    if url.scheme or url.netloc:
        return address
    target = from_root(page, url.path) if url.path else page
    return f"#{name(target, url.fragment)}" if target in pages else None


def chapter(html, page, pages):
    """A page's article, with ids of its own and links that lead within the joined document."""
    article = read(html, page).select_one("article.bd-article")
    for part in article.select("script, button, .headerlink, details.hide.above-input, .toctree-wrapper"):
        part.decompose()
    for details in article.select("details"):
        details["open"] = ""
    for tag in article.find_all(id=True):
        tag["id"] = name(page, tag["id"])
    for tag in article.find_all(["img", "source", "object"]):
        for key in {"src", "data"} & tag.attrs.keys():
            tag[key] = from_root(page, tag[key])
    for a in article.find_all("a", href=True):
        target = link(page, a["href"], pages)
        if target is None:
            del a["href"]
        else:
            a["href"] = target
    article["id"] = name(page)
    return str(article)


def contents(front, pages):
    """The list of parts and chapters, from the sidebar; each line ends with a place for its page's number."""
    lines = []
    for part in front.select("nav.bd-links p.caption, nav.bd-links li.toctree-l1 > a"):
        text = part.get_text(" ", strip=True)
        target = link(FRONT, part.get("href", ""), pages)
        if part.name == "p":
            lines.append(f'<p class="part">{text}</p>')
        elif target:
            lines.append(f'<p><a href="{target}">{text}</a> <span data-of="{target[1:]}">000</span></p>')
    return "\n".join(lines)


def join(html):
    """All pages in the order of the sidebar as one HTML document."""
    front = read(html, FRONT)
    listed = [urlsplit(a["href"]).path for a in front.select("nav.bd-links li a[href]")]
    pages = list(dict.fromkeys([FRONT, *(from_root(FRONT, path) for path in listed if path)]))
    sheets = [from_root(FRONT, sheet["href"]) for sheet in front.select('link[rel="stylesheet"]')]
    title = front.select_one(".logo__title").get_text(strip=True)
    return "\n".join(
        [
            '<!doctype html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">',
            f"<title>{title}</title>",
            *(f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets),
            *scripts(html, pages),
            '</head><body class="whole-book"><main class="bd-content"><div class="bd-article-container">',
            f'<header><img src="_static/logo.svg" alt=""><p class="title">{title}</p>',
            "<p>Text and figures: CC BY 4.0. Code: BSD-3-Clause.</p></header>",
            f'<nav><p class="title">Contents</p>{contents(front, pages)}</nav>',
            *(chapter(html, page, pages) for page in pages),
            "</div></main></body></html>",
        ]
    )


def scripts(html, pages):
    """The tags that set equations, from the first page that has them."""
    for page in pages:
        found = [s for s in read(html, page).select("head script") if re.search(r"equations\.js|[Mm]ath[Jj]ax", str(s))]
        if any("tex-chtml" in script.get("src", "") for script in found):
            for script in found:
                if script.get("src"):
                    script["src"] = from_root(page, script["src"])
            return map(str, found)
    return []


def main(out="_build/book.pdf", html="_build/html"):
    """Print the book: twice, since the contents can name a chapter's page only when it is known."""
    chromium = find_chromium() or sys.exit(f"Chromium is needed: {HOW_TO_GET}")
    fonts = shutil.which("fc-list")
    if fonts and not subprocess.run([fonts, ":lang=zh-tw"], capture_output=True).stdout:
        sys.exit("A font with Chinese characters is needed for the glossary: apt-get install fonts-noto-cjk")
    html = Path(html)
    joined = html / PAGE
    joined.write_text(join(html), encoding="utf-8")
    try:
        with serve(html) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            with visit(browser, f"{address}/{PAGE}", "print") as seen:
                seen.page.set_default_timeout(300_000)
                draft = PdfReader(BytesIO(printed(seen.page)))
                numbers = {
                    place.lstrip("/"): draft.get_destination_page_number(destination) + 1
                    for place, destination in draft.named_destinations.items()
                }
                seen.page.evaluate(NUMBER, numbers)
                pdf = PdfWriter(clone_from=BytesIO(printed(seen.page)))
                titles = seen.page.evaluate(TITLES)
                book = seen.page.title()
            browser.close()
    finally:
        joined.unlink()
    # Chromium writes the title of a heading at the top of a page twice into one entry of the outline.
    for entry, title in zip(outline(pdf.root_object["/Outlines"]), titles, strict=True):
        entry[NameObject("/Title")] = TextStringObject(title)
    pdf.metadata = {"/Title": book}
    pdf.write(out)
    print(f"The book is in {Path(out).resolve()}, {len(pdf.pages)} pages")


def outline(parent):
    """The entries of a PDF's outline, from the first to the last, each before those below it."""
    entry = parent.get("/First")
    while entry is not None:
        yield entry.get_object()
        yield from outline(entry.get_object())
        entry = entry.get_object().get("/Next")


def printed(page):
    """The PDF of an open page."""
    return page.pdf(
        **PAPER,
        outline=True,
        tagged=True,
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOTER,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
