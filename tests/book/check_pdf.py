"""The PDF of the whole book: its links lead to pages, its text is text, and it has an outline."""

import os
import re
import subprocess
import sys
import unicodedata

import pytest
from browser import PAGES, ROOT
from pypdf import PdfReader


@pytest.fixture(scope="module")
def pdf(book, tmp_path_factory):
    """The PDF, printed from the built book."""
    out = tmp_path_factory.mktemp("pdf") / "book.pdf"
    command = [sys.executable, "-m", "tests.book.pdf", str(out), str(book.html)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, env=os.environ)
    if done.returncode:
        pytest.fail(done.stderr, pytrace=False)
    return PdfReader(out)


def test_every_link_within_the_pdf_leads_to_a_page(pdf):
    places, inner, outer = pdf.named_destinations, 0, 0
    dead = []
    for page in pdf.pages:
        for annotation in map(lambda a: a.get_object(), page.get("/Annots") or []):
            if annotation.get("/Subtype") != "/Link":
                continue
            action = annotation.get("/A", {})
            if "/URI" in action:
                outer += 1
                if not re.match(r"https?://(?!127\.)|mailto:", action["/URI"]):
                    dead.append(action["/URI"])
                continue
            inner += 1
            place = annotation.get("/Dest", action.get("/D"))
            if str(place) not in places and not (isinstance(place, list) and place[0].get_object()["/Type"] == "/Page"):
                dead.append(str(place))
    assert dead == []
    assert inner > 150 and outer > 20


def test_the_outline_has_every_page_of_the_toc(pdf):
    chapters = [entry for entry in pdf.outline if not isinstance(entry, list)]
    assert len(chapters) == len(PAGES)
    assert "1. From a feed-forward to a recurrent network" in [chapter.title for chapter in chapters]
    numbers = [pdf.get_destination_page_number(chapter) for chapter in chapters]
    assert numbers == sorted(numbers) and numbers[0] > 0


def test_the_contents_name_the_page_on_which_a_chapter_begins(pdf):
    text = pdf.pages[1].extract_text()
    numbered = [entry for entry in pdf.outline if not isinstance(entry, list) and re.match(r"\d+\. ", entry.title)]
    assert len(numbered) > 10
    flat = re.sub(r"\s+", " ", text)
    for entry in numbered:
        assert f"{entry.title} {pdf.get_destination_page_number(entry) + 1}" in flat


def test_the_text_is_there_also_in_chinese(pdf):
    chapters = {
        entry.title: pdf.get_destination_page_number(entry) for entry in pdf.outline if not isinstance(entry, list)
    }
    text = "".join(page.extract_text() for page in pdf.pages[chapters["Glossary"] : chapters["References"]])
    text = unicodedata.normalize("NFKC", text)  # a Chinese font may give a character by the code of its radical
    assert "忘記閘" in text and "反向傳播" in text and "forget gate" in text
