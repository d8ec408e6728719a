"""The look of every figure of the book: colours, sizes, fonts, and how a figure is saved.

A figure is a script `<slug>.py` that draws `<slug>.svg` beside it. Its unit is a CSS pixel on a phone 320 pixels wide.
Colours are those of `rnnlib.plots`, and none carries a meaning alone. Figures are dark on a transparent ground: the
page puts them on a light card when its own ground is dark.
"""

from io import StringIO
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK = "#1a1a1a"
FONTS = "'DejaVu Sans', Verdana, sans-serif"  # of nearly equal widths, so that text fits on any machine

WIDTH = 320  # of a figure, in pixels on a phone; one unit of a canvas is one pixel there
SYMBOL = 15.5  # size of a letter of the mathematics; its subscripts are 0.7 of this, 11 pixels
LABEL = 12  # size of words and shapes

mpl.rcParams.update(
    {
        "font.family": "DejaVu Sans",
        "font.size": LABEL,
        "mathtext.fontset": "dejavusans",
        "svg.fonttype": "none",
        "svg.hashsalt": "rnn",
        "text.color": INK,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)


def sheet(height: float) -> Figure:
    """Return an empty figure of the width of a phone, for a script that draws plots on it."""
    fig = Figure(figsize=(WIDTH / 72, height / 72))
    FigureCanvasAgg(fig)
    return fig


def tint(colour: str, share: float = 0.15) -> tuple[float, float, float]:
    """Return the colour thinned with white, opaque, so that dark text is readable on it."""
    return tuple(1 - share * (1 - c) for c in mpl.colors.to_rgb(colour))


def fade(colour: str | tuple[float, float, float]) -> tuple[float, float, float]:
    """Return the colour of what stands back so that another part of the figure is seen."""
    return tint(colour, 0.32)


def save(fig: Figure, script: str) -> None:
    """Write the figure beside its script as SVG: text as text, the same bytes at every run.

    Raises ValueError when a text or a shape reaches over the edge of the sheet and would be cut off, or when two texts
    overlap.
    """
    for artist in [artist for ax in fig.axes for artist in (*ax.texts, *ax.patches)]:
        box = artist.get_window_extent()
        if (box.min < fig.bbox.min).any() or (box.max > fig.bbox.max).any():
            raise ValueError(f"{artist} reaches from {box.min} to {box.max}; the sheet ends at {fig.bbox.max}")
    texts = [text for ax in fig.axes for text in ax.texts if text.get_text()]
    for text, other in combinations(texts, 2):
        if text.get_window_extent().overlaps(other.get_window_extent()):
            raise ValueError(f"{text} and {other} overlap")
    out = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    fig.savefig(out, format="svg", transparent=True, metadata=nothing)
    svg = out.getvalue()
    svg = svg[svg.index("<svg ") :].replace("'DejaVu Sans'", FONTS)
    Path(script).with_suffix(".svg").write_text(svg, encoding="utf-8", newline="\n")
