"""The interactive figures in a real browser, on pages that the directive makes, and where the still stands for them."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from browser import MODES, serve, visit

from rnnlib.activations import softmax

BOOK = Path(__file__).parents[2] / "book"
SLUGS = sorted(path.stem for path in (BOOK / "_static" / "interactive").glob("*.js") if path.stem != "common")
ALT = "What is to be seen in the still picture."
SIZES = {name: mode for name, mode in MODES.items() if name != "print"} | {
    "narrow": {"color_scheme": "dark", "viewport": {"width": 320, "height": 700}}
}

CONF = f"""
import sys
sys.path.insert(0, {str(BOOK / "_extensions")!r})
extensions = ["interactive", "myst_parser"]
html_theme = "sphinx_book_theme"
html_context = {{"default_mode": "auto"}}
html_static_path = [{str(BOOK / "_static")!r}]
html_css_files = ["course.css"]
html_favicon = {str(BOOK / "_static" / "favicon.svg")!r}
"""
STILL = '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200"><circle cx="160" cy="100" r="80"/></svg>'
# Colours as the browser computes them, of a text and of the page behind it.
CONTRASTS = """place => {
    const light = text => {
        const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = e => {
        for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$/.test(c)) return light(c);
        }
    };
    return [...place.querySelectorAll("p, label, legend, button, span, svg text")].map(e => {
        const style = getComputedStyle(e), a = light(e.closest("svg") ? style.fill : style.color), b = ground(e);
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    });
}"""


def figure(slug, options=f":alt: {ALT}\n:still: still.svg\n", caption="What the *caption* says."):
    """The text of a page with one interactive figure."""
    return f"# Page\n\n```{{interactive}} {slug}\n:name: figure-{slug}\n{options}\n{caption}\n```\n"


def sphinx(folder, pages, builder="html", *options):
    """Write a project in `folder` and build it; the process and the folder with what was built."""
    part = folder / "source" / "part"
    part.mkdir(parents=True, exist_ok=True)
    (folder / "source" / "conf.py").write_text(CONF)
    (part / "still.svg").write_text(STILL)
    for name, text in pages.items():
        (part / f"{name}.md").write_text(text)
    listed = "".join(f"part/{name}\n" for name in pages)
    (folder / "source" / "index.md").write_text(f"# Index\n\n```{{toctree}}\n{listed}```\n")
    command = [sys.executable, "-m", "sphinx", "-b", builder, *options, folder / "source", folder / builder]
    return subprocess.run(command, capture_output=True, text=True, timeout=120), folder / builder


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """A folder of pages, one for each interactive figure."""
    done, html = sphinx(tmp_path_factory.mktemp("interactive"), {slug: figure(slug) for slug in SLUGS}, "html", "-W")
    assert done.returncode == 0, done.stderr
    return html


@pytest.fixture
def open_figure(chromium, html):
    """Open the page of a figure: ``with open_figure("lstm-cell", "dark") as seen``."""
    with serve(html) as address:
        yield lambda slug, mode="light": visit(chromium, f"{address}/part/{slug}.html", mode)


def test_a_page_loads_what_its_figures_need_and_no_other_page_does(html):
    assert "interactive" not in (html / "index.html").read_text().partition("</head>")[0]
    for slug in SLUGS:
        text = (html / "part" / f"{slug}.html").read_text()
        loaded = re.findall(r'(?:src|href)="(\.\./_static/interactive/[\w.-]+)', text)
        assert sorted(loaded) == sorted([f"../_static/interactive/{slug}.js", "../_static/interactive/interactive.css"])
        assert all((html / "part" / path).is_file() for path in loaded)
        assert len(re.findall(r'<script type="module"', text)) == 1


def test_other_formats_have_the_still_and_the_caption(tmp_path):
    done, text = sphinx(tmp_path, {"lstm-cell": figure("lstm-cell")}, "text", "-W")
    assert done.returncode == 0, done.stderr
    words = " ".join((text / "part" / "lstm-cell.txt").read_text().split())
    assert f"[image: {ALT}]" in words
    assert "What the *caption* says." in words


def test_a_figure_without_module_alt_text_still_or_caption_is_refused(tmp_path):
    alt, still = f":alt: {ALT}\n", ":still: still.svg\n"
    pages = {"module": figure("none"), "alt": figure(SLUGS[0], still), "still": figure(SLUGS[0], alt)}
    done, _ = sphinx(tmp_path, pages | {"caption": figure(SLUGS[0], caption="")}, "text")
    said = dict(re.findall(r"part/(\w+)\.md:\d+: ERROR: (.+)", done.stderr))
    wanted = {"module": "no module none.js", "alt": "needs the option :alt:", "still": "needs the option :still:"}
    wanted["caption"] = "needs a caption"
    assert said.keys() == wanted.keys()
    assert [name for name, words in wanted.items() if words not in said[name]] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_without_javascript_and_on_paper_the_still_stands(chromium, html, slug):
    with serve(html) as address:
        for javascript, medium in ((False, "screen"), (True, "print")):
            context = chromium.new_context(java_script_enabled=javascript)
            page = context.new_page()
            page.goto(f"{address}/part/{slug}.html")
            page.emulate_media(media=medium)
            still = page.locator("figure.interactive img")
            assert still.is_visible()
            assert still.get_attribute("alt") == ALT
            assert page.locator("figure.interactive figcaption").is_visible()
            assert page.locator("figure.interactive :is(input, button, svg):visible").count() == 0
            context.close()


@pytest.mark.parametrize("mode", SIZES)
@pytest.mark.parametrize("slug", SLUGS)
def test_a_figure_is_there_readable_and_named(open_figure, monkeypatch, slug, mode):
    monkeypatch.setitem(MODES, mode, SIZES[mode])
    with open_figure(slug, mode) as seen:
        assert (seen.errors, seen.failed, seen.foreign) == ([], [], [])
        place = seen.page.locator(".interactive-place")
        assert not seen.page.locator("figure.interactive img").is_visible()
        assert seen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert min(place.evaluate(CONTRASTS)) >= 4.5
        # The drawing says what it shows; every control has a name, and room for a finger.
        says = place.locator("[aria-live=polite]").text_content()
        assert place.locator("svg[role=img]").get_attribute("aria-label").endswith(says)
        assert len(says) > 40 and "NaN" not in place.text_content() and "undefined" not in place.text_content()
        inputs = place.locator("input")
        assert inputs.evaluate_all("all => all.map(e => e.labels.length)") == [1] * inputs.count()
        assert all(label.text_content().strip() for label in place.locator("label").all())
        for target in place.locator("input[type=range], label.interactive-choice, button").all():
            box = target.bounding_box()
            assert min(box["width"], box["height"]) >= 24
        texts = place.locator("svg text").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect()).filter(b => b.width).map(b => [b.left, b.right, b.height])"
        )
        width = seen.page.viewport_size["width"]
        assert all(left >= 0 and right <= width for left, right, _ in texts)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_key_moves_a_slider_and_every_word_follows(open_figure, slug):
    with open_figure(slug) as seen:
        place = seen.page.locator(".interactive-place")
        for slider in place.locator("input[type=range]:enabled").all():
            before = place.text_content(), place.locator("svg").get_attribute("aria-label"), slider.input_value()
            slider.focus()
            assert slider.evaluate("e => e.matches(':focus-visible') && getComputedStyle(e).outlineStyle") == "solid"
            seen.page.keyboard.press("ArrowLeft")
            after = place.text_content(), place.locator("svg").get_attribute("aria-label"), slider.input_value()
            assert all(a != b for a, b in zip(before, after, strict=True)), slider.get_attribute("id")
            assert slider.get_attribute("aria-valuetext") in place.text_content()
        first = place.locator("[aria-live]").text_content()
        place.get_by_role("button", name="Start again").click()
        assert place.locator("[aria-live]").text_content() != first
        assert seen.errors == []


def test_no_figure_moves_by_itself():
    for path in (BOOK / "_static" / "interactive").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"setTimeout|setInterval|requestAnimationFrame|transition|animation", text), path.name


def test_the_reader_of_the_lstm_cell_sees_the_memory_kept(open_figure):
    with open_figure("lstm-cell") as seen:
        place = seen.page.locator(".interactive-place")
        says = place.locator("[aria-live]")
        forget, write = place.get_by_label("f, forget gate"), place.get_by_label("i, input gate")
        assert forget.is_disabled()
        for gate, name, key in ((forget, "forget", "End"), (write, "input", "Home")):
            place.get_by_label(f"set the {name} gate by hand").check()
            gate.press(key)
        for key in ("Home", "End"):
            place.get_by_label("xt, input").press(key)
            assert "= 1.50: the memory is kept" in says.text_content()
        place.get_by_role("button", name="One step on").click()
        assert "= 1.50: the memory is kept" in says.text_content()
        forget.press("Home")
        assert "= 0.00: it was 1.50" in says.text_content()


def test_the_reader_of_the_gru_turns_the_convention_round(open_figure):
    with open_figure("gru-interpolation") as seen:
        place = seen.page.locator(".interactive-place")
        place.get_by_label("z, update gate").press("End")
        assert "−0.80, the old state" in place.locator("[aria-live]").text_content()
        place.get_by_label("it renews").check()
        assert "0.57, the candidate" in place.locator("[aria-live]").text_content()


def test_the_reader_of_bptt_walks_back_and_cuts_paths(open_figure, in_node):
    module = in_node("bptt-steps")
    full, pieces = [True] * (module["T"] - 1), [True, False, True, False]
    found = in_node("bptt-steps", "backward", [{"losses": [True] * 5, "edges": edges} for edges in (full, pieces)])
    with open_figure("bptt-steps") as seen:
        place = seen.page.locator(".interactive-place")
        says = place.locator("[aria-live]")
        for _ in range(5):  # one more than there are steps
            place.get_by_role("button", name="One step back").click()
        number = [f"{result['dW_h']:.3f}".replace("-", "−") for result in found]
        assert number[0] != number[1]
        assert says.text_content().startswith("dh1 = ")
        assert f"dW_h: {number[0]}".replace("_", "") in place.locator("svg").text_content()
        place.get_by_role("button", name="pieces of 2").click()
        edges = place.get_by_role("group", name="Edges back in time").locator("input")
        assert edges.evaluate_all("all => all.map(e => e.checked)") == pieces
        assert f"dWh is {number[1]} in the end; with all of them {number[0]}" in says.text_content()
        place.get_by_label("L5").uncheck()
        assert f"with all of them {number[0]}" in says.text_content()
        place.get_by_role("button", name="Full BPTT").click()
        assert f"dWh is {number[0]} in the end" in says.text_content()


def test_the_reader_of_the_gradient_sees_tanh_turn_growth_into_decay(open_figure):
    with open_figure("gradient-lag") as seen:
        place = seen.page.locator(".interactive-place")
        place.get_by_label("k, lag").press("End")
        for _ in range(30):
            place.get_by_label("ρ, spectral radius").press("ArrowRight")
        says = place.locator("[aria-live]")
        assert "ρ = 1.20 in a linear network, the gradient is 1.5 · 10³ times as long" in says.text_content()
        assert "explodes" in says.text_content()
        place.get_by_label("tanh").check()
        assert "vanishes" in says.text_content()


def test_the_softmax_on_its_page_of_the_book(look):
    with look("book/introduction/from-fnn-to-rnn.html", "phone") as seen:
        place = seen.page.locator(".interactive-place")
        slider = place.get_by_label("τ, temperature")
        slider.focus()
        for step in range(3):
            p = softmax(np.array([2.0, 1.0, 0.0, -1.0]) / (1 - 0.1 * step))
            assert f"probability is {p[0]:.3f}" in place.locator("[aria-live]").text_content()
            assert all(f"{each:.3f}" in place.locator("svg").text_content() for each in p)
            seen.page.keyboard.press("ArrowLeft")
        assert seen.errors == []
