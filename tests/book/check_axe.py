"""Every page in light and dark under axe-core: no violation of ours, and the theme's own by name with a reason.

Run by `make check-book`: axe takes minutes for the whole book.
"""

from pathlib import Path

import axe_playwright_python
import pytest
from browser import PAGES

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

# A violation that stays: the rule, what the element's HTML has in it, and why it is not ours to mend.
THEME: dict[tuple[str, str], str] = {}

# MathJax's drawing is hidden from screen readers, which read the MathML beside it, and has a thousand parts a page.
RUN = "only => axe.run({exclude: ['mjx-container > mjx-math']}, {resultTypes: ['violations'], ...only})"
# A page in dark is the same page: only its colours are others.
RULES = {"light": {}, "dark": {"runOnly": ["color-contrast", "link-in-text-block"]}}


@pytest.mark.parametrize("mode", RULES)
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing_but_what_the_theme_is_known_for(look, page, mode):
    with look(f"{page}.html", mode) as seen:
        seen.page.evaluate(AXE)
        violations = seen.page.evaluate(RUN, RULES[mode])["violations"]
    found = [(v["id"], node["html"], node["failureSummary"]) for v in violations for node in v["nodes"]]
    ours = [f for f in found if not any(f[0] == rule and part in f[1] for rule, part in THEME)]
    assert ours == []
