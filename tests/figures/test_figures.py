"""The book's figures: each script draws its own, the same at every run, as text that a page can show and read out."""

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from math import exp
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"
MODULES = {"style", "language", "cells"}
SLUGS = sorted(path.stem for path in (BOOK / "figures").glob("*.py") if path.stem not in MODULES)
SVG = "{http://www.w3.org/2000/svg}"
PAGES = {path: path.read_text(encoding="utf-8") for path in sorted(BOOK.rglob("*.md"))}
FIGURE = re.compile(r"^`{3,}\{(?:figure|image)\} (\S+)\n((?::[\w-]+:.*\n)*)", re.MULTILINE)
INTERACTIVE = re.compile(r"^`{3,}\{interactive\} \S+\n((?::[\w-]+:.*\n)*)", re.MULTILINE)

DRAW_ALL = "import runpy, sys; [runpy.run_path(script, run_name='__main__') for script in sys.argv[1:]]"


def draw(folder, slugs, hash_seed):
    """Run copies of the scripts in `folder`, one process for all, and return the process."""
    for name in (*MODULES, *slugs):
        shutil.copy(BOOK / "figures" / f"{name}.py", folder)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", DRAW_ALL, *(str(folder / f"{slug}.py") for slug in slugs)],
        env={"PYTHONPATH": str(folder), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Two folders, each with every figure, drawn by two processes whose sets and dicts are ordered differently."""
    folders = []
    for hash_seed in ("1", "2"):
        folder = tmp_path_factory.mktemp("figures")
        result = draw(folder, SLUGS, hash_seed)
        assert result.returncode == 0, result.stderr
        folders.append(folder)
    return folders


@pytest.mark.parametrize("slug", SLUGS)
def test_drawn_twice_gives_the_same_bytes(drawn, slug):
    first, second = ((folder / f"{slug}.svg").read_bytes() for folder in drawn)
    assert first.startswith(b"<svg ")
    assert first == second


@pytest.mark.parametrize("slug", SLUGS)
def test_text_is_text_in_a_font_that_every_machine_has_and_readable_on_a_phone(drawn, slug):
    root = ET.parse(drawn[0] / f"{slug}.svg").getroot()
    width = float(root.get("viewBox").split()[2])
    styles = [e.get("style") for e in root.iter() if e.tag in (f"{SVG}text", f"{SVG}tspan") and e.get("style")]
    assert len(styles) >= 5
    assert not [e for e in root.iter(f"{SVG}use") if "DejaVu" in "".join(e.attrib.values())], (
        "letters drawn as outlines"
    )
    for style in styles:
        size = float(re.search(r"([\d.]+)px", style)[1])
        assert size * 320 / width >= 10.5, f"{size} px on a figure {width} wide"
        assert style.rstrip("; ").count("sans-serif") == 1


@pytest.mark.parametrize("slug", SLUGS)
def test_nothing_outside_the_file_is_referred_to(drawn, slug):
    svg = (drawn[0] / f"{slug}.svg").read_text(encoding="utf-8")
    assert "<image" not in svg and "@import" not in svg
    references = re.findall(r'(?:href|src)="([^"]*)"', svg) + re.findall(r"url\(([^)]*)\)", svg)
    assert all(reference.startswith("#") for reference in references), references
    assert set(re.findall(r"https?://[^\s\"<]+", svg)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_the_ground_is_transparent(drawn):
    for slug in SLUGS:
        root = ET.parse(drawn[0] / f"{slug}.svg").getroot()
        ground = root.find(f".//{SVG}g[@id='patch_1']/{SVG}path")
        assert ground.get("style") == "fill: none", slug


def used():
    """Every figure of the book's pages: the page, the file that it shows, and its options."""
    for page, text in PAGES.items():
        for file, options in FIGURE.findall(text):
            yield page, (page.parent / file).resolve(), options
        for options in INTERACTIVE.findall(text):
            still = re.search(r"^:still: (\S+)$", options, re.MULTILINE)
            yield page, (page.parent / still[1]).resolve(), options


def test_every_figure_of_a_page_has_a_script_and_alt_text():
    figures = list(used())
    assert figures
    for page, file, options in figures:
        assert file.parent != BOOK / "figures" or file.stem in SLUGS, (
            f"{page.name} shows {file.name}, which no script draws"
        )
        alt = re.search(r"^:alt: (.+)$", options, re.MULTILINE)
        assert alt, f"{file.name} in {page.name} has no alt text"
        assert len(alt[1].split()) >= 15 and alt[1].rstrip().endswith("."), f"{page.name}: {alt[1]!r} states no finding"


def test_every_plot_that_a_page_draws_has_alt_text():
    cells = [cell for text in PAGES.values() for cell in re.findall(r"^```\{code-cell\}.*?^```$", text, re.M | re.S)]
    plots = [cell for cell in cells if "plt.show()" in cell]
    assert len(plots) >= 3
    for cell in plots:
        assert re.search(r"^mystnb:\n  image:\n    alt: \S.{60,}\.$", cell, re.M), cell[:300]
    assert not [cell for cell in cells if "plt.subplots" in cell and cell not in plots]


@pytest.mark.parametrize("slug", SLUGS)
def test_no_figure_is_an_orphan(slug):
    assert BOOK / "figures" / f"{slug}.svg" in {file for _, file, _ in used()}


def test_what_reaches_over_the_edge_is_refused(tmp_path):
    shutil.copy(BOOK / "figures" / "fnn-and-rnn.py", tmp_path / "whole.py")
    script = (tmp_path / "whole.py").read_text(encoding="utf-8").replace("canvas(height=300)", "canvas(height=280)")
    for name in MODULES:
        shutil.copy(BOOK / "figures" / f"{name}.py", tmp_path)
    (tmp_path / "cut.py").write_text(script, encoding="utf-8")
    result = subprocess.run([sys.executable, tmp_path / "cut.py"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "ValueError: Text(75, 283, 'feed-forward') reaches from" in result.stderr
    assert not (tmp_path / "cut.svg").exists()


def test_softmax_figure_shows_the_softmax(drawn):
    logits = [2.0, 1.0, 0.0, -1.0]
    panels = {g.get("id"): g for g in ET.parse(drawn[0] / "softmax.svg").iter(f"{SVG}g")}
    for panel, temperature in (("axes_2", 1.0), ("axes_3", 0.5), ("axes_4", 2.0)):
        shown = "".join(panels[panel].itertext())
        total = sum(exp(o / temperature) for o in logits)
        assert all(f"{exp(o / temperature) / total:.3f}" in shown for o in logits)
        assert "sum 1.000" in shown
        assert f"softmax(/{temperature:g})o" in "".join(shown.split())  # letters of the mathematics come last
