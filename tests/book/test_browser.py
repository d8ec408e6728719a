"""The built pages in a real browser: equations, colours, width, console, network, search."""

import re

import pytest
from browser import MODES, PAGES, ROOT, turn
from test_pages import Definitions

# How far the page as a whole can be scrolled sideways.
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
NOTATION = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_from_its_own_host_without_an_error_and_keeps_to_its_width(look, page):
    with look(f"{page}.html", "phone") as seen:
        # Every equation is set, and none shows an error.
        assert seen.page.locator("mjx-merror").count() == 0
        assert seen.page.locator("mjx-container").count() == seen.page.locator("span.math, div.math").count()
        for mode in MODES:
            turn(seen.page, mode)
            assert seen.page.evaluate(SIDEWAYS) == 0, mode
        # Also with a font that is wider than this one.
        seen.page.add_style_tag(content="* { letter-spacing: 0.12em !important }")
        for mode in MODES:
            turn(seen.page, mode)
            assert seen.page.evaluate(SIDEWAYS) == 0, f"{mode}, wide letters"
        assert seen.foreign == []
        assert seen.failed == []
        assert seen.errors == []


def test_the_equations_of_the_notation_page_are_set(look):
    with look("book/notation.html") as seen:
        assert seen.page.locator("mjx-container").count() > 50


def test_a_dark_page_is_dark_and_its_figures_lie_on_a_light_card(look):
    luminance = """e => {
        const [r, g, b] = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number);
        return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
    }"""
    with look("book/index.html", "dark") as seen:
        assert seen.page.locator("body").evaluate(luminance) < 0.1
        assert seen.page.locator("figure img").first.evaluate(luminance) > 0.8
    with look("book/index.html", "light") as seen:
        assert seen.page.locator("body").evaluate(luminance) > 0.9


def test_wide_tables_and_equations_scroll_in_their_own_box(look):
    with look("book/notation.html", "phone") as seen:
        boxes = seen.page.locator(".pst-scrollable-table-container")
        assert boxes.count() == len(re.findall(r"^\|[-|: ]+\|$", NOTATION, re.M))
        wide = seen.page.locator("#rnn-and-readout .pst-scrollable-table-container")
        assert wide.evaluate("e => e.scrollWidth > e.clientWidth")
        assert all(box.bounding_box()["width"] <= 360 for box in boxes.all())


def test_there_is_one_search_button_and_it_leads_to_what_is_found(look):
    with look("book/index.html") as seen:
        assert seen.page.locator(".search-button-field:visible, .search-button:visible").count() == 1
        seen.page.locator(".search-button-field:visible, .search-button:visible").click()
        seen.page.keyboard.type("vanishing gradient")
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_selector("ul.search li a")
        found = seen.page.locator("ul.search li a").evaluate_all("links => links.map(a => a.href)")
        assert any("book/glossary.html" in link for link in found)
        assert seen.errors == []


def test_the_search_finds_every_term_of_the_glossary_in_english_and_chinese(look, book):
    # What the page's form does for one query, for all of them on one page: those that do not lead to the glossary.
    missed = """terms => terms.filter(term => {
        const results = Search._performSearch(...Search._parseQuery(term));
        return !results.some(([page]) => page === "book/glossary");
    })"""
    entries = Definitions(book.html / "book" / "glossary.html").entries
    english = [term for entry in entries for term in entry["terms"] if term != "#"]
    chinese = [name for entry in entries for name in re.findall(r"[\u4e00-\u9fff]+", entry["chinese"])]
    assert len(english) > 50 and len(chinese) > 50
    with look("search.html") as seen:
        seen.page.wait_for_function("Search.hasIndex()")
        assert seen.page.evaluate(missed, ["xyzzyq"]) != []
        assert seen.page.evaluate(missed, english) == []
        assert seen.page.evaluate(missed, chinese) == []


def test_on_paper_there_is_the_article_alone(look):
    with look("book/rnn/recurrent-network.html", "print") as seen:
        for part in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article", "button", ".headerlink"):
            assert seen.page.locator(f"{part}:visible").count() == 0, part
        # Also from a dark screen: dark text on white paper.
        colours = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
        text, paper = seen.page.locator("body").evaluate(colours)
        assert paper == "rgb(255, 255, 255)"
        assert max(map(int, re.findall(r"\d+", text))) < 100
        seen.page.emulate_media(media="screen")
        seen.page.wait_for_function("document.documentElement.dataset.theme == 'dark'")
