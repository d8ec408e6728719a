"""What a link to a page shows elsewhere: the page's title and description, and one picture for the whole course.

Sphinx has the extension sphinxext-opengraph for this, which takes the description from a page's first paragraphs and
writes addresses that lead nowhere while the course has none of its own; the tags below are fewer than what it would
need besides.
"""

import re
from html import escape, unescape
from pathlib import Path
from urllib.parse import urljoin

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

CARD = "_static/social-card.png"
ALT = "Recurrent Neural Networks from Scratch: three cells in a row, each handing its state to the next."


def add_tags(app, pagename, templatename, context, doctree):
    """Add Open Graph's tags, which others read too, to a page that is written from a source file."""
    if doctree is None:
        return
    described = re.search(r'<meta content="([^"]*)" name="description"', context["metatags"])
    base = app.config.html_baseurl
    tags = {
        "og:type": "article",
        "og:site_name": app.config.html_title,
        "og:title": unescape(re.sub("<[^>]*>", "", context["title"])),
        "og:description": unescape(described[1]) if described else "",  # a test asks every page for one
        "og:image": urljoin(base, CARD) if base else context["pathto"](CARD, 1),
        "og:image:alt": ALT,
        "og:image:width": "1200",
        "og:image:height": "630",
    }
    if base:
        tags["og:url"] = urljoin(base, app.builder.get_target_uri(pagename))
    lines = [f'<meta property="{name}" content="{escape(content)}" />' for name, content in tags.items()]
    context["metatags"] += "\n".join([*lines, '<meta name="twitter:card" content="summary_large_image" />\n'])


def draw_card(app, exception):
    """Draw the picture: 1200 by 630 pixels, as Open Graph's readers want it."""
    if exception or app.builder.format != "html":
        return
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, 1200), ylim=(0, 630))
    ax.axis("off")
    ax.add_patch(Rectangle((0, 0), 1200, 18, color="#0072B2"))
    ax.text(80, 500, "Recurrent Neural Networks", fontsize=46, weight="bold", color="#1a1a1a")
    ax.text(80, 425, "from Scratch", fontsize=46, weight="bold", color="#1a1a1a")
    ax.text(80, 350, "RNN · BPTT · LSTM · GRU: figures, equations, code that runs", fontsize=23, color="#444444")
    for t, x in enumerate((300, 600, 900)):
        for tail, head in (((x, 60), (x, 110)), ((x, 230), (x, 280))):
            ax.add_patch(FancyArrowPatch(tail, head, arrowstyle="-|>", mutation_scale=26, lw=5, color="#56B4E9"))
        start = (x - 235, 170) if t else (x - 150, 170)
        ax.add_patch(FancyArrowPatch(start, (x - 62, 170), arrowstyle="-|>", mutation_scale=30, lw=6, color="#D55E00"))
        ax.add_patch(Circle((x, 170), 60, color="#0072B2"))
        ax.text(x, 168, f"$h_{t + 1}$", fontsize=40, color="white", ha="center", va="center")
    figure.savefig(Path(app.outdir) / CARD, metadata={"Software": None})


def mend_roles(app, pagename, templatename, context, doctree):
    """Give an entry of the bibliography the role that its list asks for: docutils' own is deprecated."""
    if "body" in context:
        context["body"] = context["body"].replace(' role="doc-biblioentry"', ' role="listitem"')


def setup(app):
    app.connect("html-page-context", add_tags)
    app.connect("html-page-context", mend_roles)
    app.connect("build-finished", draw_card)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
