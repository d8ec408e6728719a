"""The picture language of the network drawings: one shape, colour and kind of letter for each kind of thing.

A script asks `canvas` for a sheet, puts nodes on it, joins them with `arrow`, and calls `style.save`.
"""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch, RegularPolygon
from style import INK, LABEL, SYMBOL, WIDTH, sheet, tint

from rnnlib.plots import COLOURS


@dataclass(frozen=True)
class Kind:
    """How one kind of thing is drawn: its outline, its colour and the radius of its circumscribed box."""

    shape: str
    colour: str
    radius: float


# A later chapter adds its kinds (a gate, a memory) here and nowhere else.
KINDS = {
    "input": Kind("square", COLOURS["green"], 17),
    "state": Kind("circle", COLOURS["blue"], 20),
    "output": Kind("hexagon", COLOURS["vermillion"], 20),
    "weight": Kind("pill", COLOURS["purple"], 13),
    "function": Kind("box", COLOURS["orange"], 14),
    "operation": Kind("circle", INK, 11),
    "copy": Kind("dot", INK, 3.5),
}


@dataclass(frozen=True)
class Node:
    """A thing on the canvas: where it is, and the outline at which its arrows end."""

    x: float
    y: float
    outline: Patch


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return an empty sheet whose units are pixels at a phone's width, y upward from the lower edge."""
    fig = sheet(height)
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(0, height))
    ax.axis("off")
    return fig, ax


def node(ax: Axes, x: float, y: float, text: str, kind: str) -> Node:
    """Draw one thing of a kind of `KINDS` at (x, y) with its letter or word inside."""
    k = KINDS[kind]
    look = {"facecolor": tint(k.colour), "edgecolor": k.colour, "linewidth": 1.8, "zorder": 3}
    r = k.radius
    if k.shape == "square":
        outline = FancyBboxPatch((x - r, y - r), 2 * r, 2 * r, boxstyle="square,pad=0", **look)
    elif k.shape == "circle":
        outline = Circle((x, y), r, **look)
    elif k.shape == "hexagon":
        outline = RegularPolygon((x, y), 6, radius=r, orientation=0.5236, **look)
    elif k.shape == "dot":
        outline = Circle((x, y), r, **look | {"facecolor": k.colour})
    else:
        half = r if "$" in text else 5 + 3.5 * len(text)
        style = f"round,pad=0,rounding_size={r if k.shape == 'pill' else 4}"
        outline = FancyBboxPatch((x - half, y - r), 2 * half, 2 * r, boxstyle=style, **look)
    ax.add_patch(outline)
    if text:
        ax.text(x, y, text, size=SYMBOL if "$" in text else LABEL + 1, ha="center", va="center_baseline", zorder=4)
    return Node(x, y, outline)


def arrow(
    ax: Axes, start: Node, end: Node, *, weight: str = "", at: float = 0.5, later: bool = False, bend: float = 0.0
) -> None:
    """Join two nodes; dashed where the value arrives one time step later, curved by `bend`.

    A `weight` sits on the arrow at the fraction `at` of the way: the value is multiplied by it as it passes.
    """
    ax.add_patch(
        FancyArrowPatch(
            (start.x, start.y),
            (end.x, end.y),
            patchA=start.outline,
            patchB=end.outline,
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>,head_length=6,head_width=3",
            shrinkA=0,
            shrinkB=1,
            color=COLOURS["blue"] if later else INK,
            linestyle=(0, (4, 2.5)) if later else "-",
            linewidth=1.6,
            zorder=2,
        )
    )
    if weight:
        node(ax, start.x + at * (end.x - start.x), start.y + at * (end.y - start.y), weight, "weight")


def words(ax: Axes, x: float, y: float, text: str, *, size: float = LABEL, **look) -> None:
    """Write words or a shape beside a drawing, centred on (x, y) unless told otherwise."""
    ax.text(x, y, text, size=size, **{"ha": "center", "va": "center_baseline", "zorder": 4} | look)


def band(ax: Axes, bottom: float, top: float, text: str) -> None:
    """Shade the part of a drawing that belongs together, and name it at the left edge."""
    ax.axhspan(bottom, top, color=COLOURS["black"], alpha=0.06, linewidth=0, zorder=0)
    words(ax, 6, top - 11, text, ha="left", weight="bold")
