"""The built pages as files: what is there, what is not, and that every reference within them holds."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import PAGES, ROOT

LISTED = sorted(PAGES)
GENERATED = {"genindex.html", "index.html", "search.html"}
LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """Tags with their attributes."""

    def __init__(self, path):
        super().__init__()
        self.tags = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


class Definitions(HTMLParser):
    """The glossary's definitions: the terms of each and the text of its parts in Traditional Chinese."""

    def __init__(self, path):
        super().__init__()
        self.entries, self.path = [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "dt" and "dl.glossary" in self.path and (not self.entries or self.entries[-1]["defined"]):
            self.entries.append({"terms": [], "chinese": "", "defined": ""})
        if tag not in VOID:
            self.path.append(
                "dl.glossary"
                if tag == "dl" and "glossary" in attributes.get("class", "")
                else "zh"
                if attributes.get("lang") == "zh-Hant"
                else tag
            )

    def handle_endtag(self, tag):
        if tag not in VOID:
            self.path.pop()

    def handle_data(self, text):
        if "dl.glossary" not in self.path or not text.strip():
            return
        entry = self.entries[-1]
        if "dd" not in self.path:
            entry["terms"].append(text.strip())
        else:
            entry["defined"] += text
            entry["chinese"] += text if "zh" in self.path else ""


@pytest.fixture(scope="module")
def pages(book):
    """Every page by its path within the book."""
    return {
        path.relative_to(book.html).as_posix(): Page(path)
        for path in sorted(book.html.rglob("*.html"))
        if "_static" not in path.parts
    }


def test_the_pages_are_those_of_the_toc(pages):
    assert sorted(page.removesuffix(".html") for page in set(pages) - GENERATED) == LISTED


def test_the_build_was_strict_and_its_cache_empty(book):
    assert "build succeeded" in book.log
    assert "WARNING:" not in book.log
    assert "Using cached" not in book.log


def test_nothing_of_a_solution_or_a_hidden_folder_is_published(book):
    published = [path for path in book.html.rglob("*") if path.is_file()]
    assert [path for path in published if "solutions" in path.parts or "planted" in path.name] == []
    marks = [book.secret.encode(), b"BEGIN SOLUTION", b"BEGIN HIDDEN TESTS"]
    # The page for instructors says how an exercise of one's own is marked.
    found = [(path, mark) for path in published for mark in marks if mark in path.read_bytes()]
    assert [(path, mark) for path, mark in found if path.stem != "instructors" or mark == marks[0]] == []
    assert "solutions" not in " ".join(search_index(book)["docnames"])


def search_index(book):
    text = (book.html / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))


def meta(page):
    """What a page's head says of it, by name or by Open Graph's property."""
    return {a.get("name") or a.get("property"): a.get("content") for tag, a in page.tags if tag == "meta"}


def test_every_page_has_a_description_of_its_own(pages):
    descriptions = {name: meta(pages[f"{name}.html"]).get("description") or "" for name in LISTED}
    assert {name: text for name, text in descriptions.items() if not 50 <= len(text) <= 200} == {}
    assert len(set(descriptions.values())) == len(descriptions)


def test_a_link_to_a_page_shows_its_title_its_description_and_the_card(book, pages):
    for name in LISTED:
        shown = meta(pages[f"{name}.html"])
        assert shown["og:title"] and shown["og:site_name"] == "Recurrent Neural Networks from Scratch"
        assert shown["og:description"] == shown["description"]
        assert shown["twitter:card"] == "summary_large_image"
        card = ((book.html / f"{name}.html").parent / shown["og:image"]).read_bytes()
        assert card[:8] == b"\x89PNG\r\n\x1a\n"
        assert [int.from_bytes(card[i : i + 4], "big") for i in (16, 20)] == [1200, 630]


def test_every_page_has_the_favicon(book, pages):
    for name in LISTED:
        (icon,) = (a["href"] for tag, a in pages[f"{name}.html"].tags if tag == "link" and a.get("rel") == "icon")
        assert "<svg" in ((book.html / f"{name}.html").parent / icon).read_text(encoding="utf-8")


def test_a_page_is_light(book, pages):
    for name in LISTED:
        assert (book.html / f"{name}.html").stat().st_size < 1_500_000
        # Of the theme's scripts, no page loads that of all icons (1.5 MB), nor the search's index beside its own page.
        scripts = [a["src"] for tag, a in pages[f"{name}.html"].tags if tag == "script" and a.get("src")]
        assert [s for s in scripts if re.search("fontawesome|searchindex|searchtools", s)] == []
    assert (book.html / "_static/vendor/fontawesome/webfonts/fa-solid-900.woff").stat().st_size < 10_000


def test_no_page_names_a_folder_of_the_machine_that_built_it(book):
    for path in book.html.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        # The library is imported from the repository, and the book is built from a copy of it.
        assert str(ROOT) not in text and str(book.html.parents[1]) not in text, path


def test_every_image_says_what_is_to_be_seen(pages):
    bad = [
        (name, attributes.get("src"))
        for name, page in pages.items()
        for tag, attributes in page.tags
        if tag == "img"
        and not re.search(r"\w \w", attributes.get("alt") or "")  # without alt text Sphinx gives the file's name
        and "logo__image" not in attributes.get("class", "")  # the course's name stands beside it
    ]
    assert bad == []


def test_nothing_is_loaded_from_another_host(book, pages):
    loaded = [
        (name, attributes[LOADS[tag]])
        for name, page in pages.items()
        for tag, attributes in page.tags
        if tag in LOADS and attributes.get(LOADS[tag])
    ]
    assert loaded
    assert [(name, url) for name, url in loaded if urlsplit(url).netloc] == []
    sheets = {path: path.read_text(encoding="utf-8") for path in book.html.rglob("*.css")}
    imports = {
        path: re.findall(r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^\"')\s]+)", s) for path, s in sheets.items()
    }
    assert {path: found for path, found in imports.items() if found} == {}


def test_every_link_within_the_book_leads_somewhere(book, pages):
    """To a file, and to a place in it: lychee follows every link and fragment without asking another host."""
    program = Path(sys.executable).with_name("lychee")
    command = [program, "--offline", "--include-fragments=anchor-only", "--no-progress", "--format=json"]
    command += [f"--root-dir={book.html}", *sorted(pages)]
    done = subprocess.run(command, cwd=book.html, capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout)
    assert found["total"] > 1000
    assert found["error_map"] == {}
    assert done.returncode == 0, done.stderr


def test_every_glossary_term_has_a_chinese_name_and_a_definition(book):
    entries = Definitions(book.html / "book" / "glossary.html").entries
    assert len(entries) > 50
    assert [e["terms"] for e in entries if not re.search(r"[\u4e00-\u9fff]", e["chinese"])] == []
    assert [e["terms"] for e in entries if len(e["defined"]) < len(e["chinese"]) + 20] == []


def test_the_bibliography_has_every_reference_of_the_article(book):
    text = (book.html / "book" / "references.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))
    numbers = [int(n) for n in re.findall(r"umber (\d+) of the article", text)]
    numbers += [int(n) for n in re.findall(r"are number (\d+) of the article", text) if int(n) not in numbers]
    # Number 16 is empty in the article.
    assert sorted(numbers) == [n for n in range(1, 40) if n != 16]


def test_a_citation_looks_as_its_entry_in_the_bibliography(book):
    text = (book.html / "book" / "references.html").read_text(encoding="utf-8")
    assert "Hochreiter and Schmidhuber, 1997" in text
    assert "Chung et al., 2014" in text


def test_the_api_page_has_every_module_that_a_reader_calls():
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "rnnlib").rglob("*.py")
        if re.search(r"^ *(def|class) ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    called = {f"rnnlib.checks.{name}" for name in ("exercises", "help", "caches")}
    inner = {name for name in modules if name.startswith("rnnlib.checks.")} - called
    inner |= {
        "rnnlib.validation",
        "rnnlib.fast.in_numpy",
        "rnnlib.fast.in_c",
        "rnnlib.fast.online_in_c",
    }  # what other modules call
    shown = re.findall(r"automodule:: (\S+)", (ROOT / "book" / "api.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(modules - inner)
