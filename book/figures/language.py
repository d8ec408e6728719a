"""The picture language of the network drawings: one shape, colour and kind of letter for each kind of thing.

A script asks `canvas` for a sheet, puts nodes on it, joins them with `arrow`, and calls `style.save`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch, PathPatch, Polygon, RegularPolygon
from matplotlib.path import Path
from style import INK, LABEL, SYMBOL, WIDTH, fade, sheet, tint

from rnnlib.plots import COLOURS


@dataclass(frozen=True)
class Kind:
    """How one kind of thing is drawn: its outline, its colour and the radius of its circumscribed box.

    A `sign` is the function that the thing ends with; it stands below the letter. A `fill` is a strong ground, for a
    colour too light for an edge.
    """

    shape: str
    colour: str
    radius: float
    sign: str = ""
    fill: str = ""


# A later chapter adds its kinds here and nowhere else.
KINDS = {
    "input": Kind("square", COLOURS["green"], 17),
    "state": Kind("circle", COLOURS["blue"], 20),
    "memory": Kind("cylinder", COLOURS["sky"], 20),
    "output": Kind("hexagon", COLOURS["vermillion"], 20),
    "loss": Kind("octagon", COLOURS["vermillion"], 18),
    "weight": Kind("pill", COLOURS["purple"], 13),
    "gate": Kind("trapezium", INK, 22, sign="σ", fill=COLOURS["yellow"]),
    "candidate": Kind("house", COLOURS["orange"], 22, sign="tanh"),
    "function": Kind("box", COLOURS["orange"], 14),
    "cell": Kind("frame", INK, 22, fill="#ffffff"),
    "operation": Kind("circle", INK, 11),
    "product": Kind("diamond", INK, 13),
    "copy": Kind("dot", INK, 3.5),
}
LIFT = 7  # of a letter that has a sign below it
THICK = {"memory": 3.0}  # lines from these kinds; all others are THIN
THIN = 1.6
CARRIES = {"input": COLOURS["green"], "state": COLOURS["blue"], "memory": COLOURS["sky"]}  # colours of their wires
HEAD = "-|>,head_length=6,head_width=3"
HOP = 4.5  # radius of the bow with which a wire passes over another

Point = tuple[float, float]


@dataclass(frozen=True)
class Node:
    """A thing on the canvas: where it is, and the outline at which its arrows end."""

    x: float
    y: float
    outline: Patch

    def holds(self, point: Point) -> bool:
        """Whether the point is inside the outline."""
        transform = self.outline.get_patch_transform()
        return bool(self.outline.get_path().transformed(transform).contains_point(point))

    def edge(self, inside: Point, outside: Point) -> Point:
        """Return the point between the two at which the outline is crossed."""
        for _ in range(30):
            middle = ((inside[0] + outside[0]) / 2, (inside[1] + outside[1]) / 2)
            if self.holds(middle):
                inside = middle
            else:
                outside = middle
        return round(outside[0], 3), round(outside[1], 3)


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return an empty sheet whose units are pixels at a phone's width, y upward from the lower edge."""
    fig = sheet(height)
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(0, height))
    ax.axis("off")
    return fig, ax


def node(
    ax: Axes, x: float, y: float, text: str, kind: str, *, half: float = 0, high: float = 0, faint: bool = False
) -> Node:
    """Draw one thing of a kind of `KINDS` at (x, y) with its letter or word inside.

    `half` is half its width where a word or a long letter needs more than the kind's radius, `high` half its height
    where wires need it (a frame, a pill or a box); a `faint` thing is there to be recognised, not to be looked at.
    """
    k = KINDS[kind]
    colour, ink = (fade(k.colour), fade(INK)) if faint else (k.colour, INK)
    ground = tint(k.fill, 0.6) if k.fill else tint(k.colour)
    look = {"facecolor": fade(ground) if faint else ground, "edgecolor": colour, "linewidth": 1.8, "zorder": 3}
    r = k.radius
    half = half or (r if "$" in text else 5 + 3.5 * len(text))
    if k.shape == "square":
        outline = FancyBboxPatch((x - r, y - r), 2 * r, 2 * r, boxstyle="square,pad=0", **look)
    elif k.shape == "circle":
        outline = Circle((x, y), r, **look)
    elif k.shape == "hexagon":
        outline = RegularPolygon((x, y), 6, radius=r, orientation=0.5236, **look)
    elif k.shape == "octagon":
        outline = RegularPolygon((x, y), 8, radius=r, orientation=0.3927, **look)
    elif k.shape == "diamond":
        outline = Polygon([(x - r, y), (x, y - r), (x + r, y), (x, y + r)], **look)
    elif k.shape == "trapezium":
        outline = Polygon([(x - r, y - r), (x + r, y - r), (x + r - 8, y + r), (x - r + 8, y + r)], **look)
    elif k.shape == "house":
        corners = [(x - r, y - r), (x + r, y - r), (x + r, y + r - 12), (x, y + r), (x - r, y + r - 12)]
        outline = Polygon(corners, **look)
    elif k.shape == "cylinder":
        outline = cylinder(x, y, r, look)
        ax.add_patch(lid(x, y, r, look))
    elif k.shape == "dot":
        outline = Circle((x, y), r, **look | {"facecolor": colour})
    else:
        style = {"pill": f"rounding_size={r}", "box": "rounding_size=4", "frame": "rounding_size=1"}[k.shape]
        high = high or r
        outline = FancyBboxPatch((x - half, y - high), 2 * half, 2 * high, boxstyle=f"round,pad=0,{style}", **look)
    ax.add_patch(outline)
    if k.shape == "frame":  # a second line inside the first
        inner = (x - half + 4, y - high + 4), 2 * half - 8, 2 * high - 8
        ax.add_patch(FancyBboxPatch(*inner, boxstyle="square,pad=0", **look | {"facecolor": "none", "linewidth": 0.8}))
    if k.sign:
        words(ax, x, y - 13, k.sign, size=LABEL, color=ink)
    if text:
        size = SYMBOL if "$" in text or len(text) == 1 else LABEL + 1
        lift = LIFT if k.sign else 3 if "^" in text and "_" in text else 0
        words(ax, x, y + lift, text, size=size, color=ink)
    return Node(x, y, outline)


def cylinder(x: float, y: float, r: float, look: dict) -> PathPatch:
    """Return the outline of a store: straight sides, a bulging bottom, a bulging lid."""
    e = 0.3 * r
    low, high = y - r + e, y + r - e
    points = [(x - r, high), (x - r, low), (x - r, low - 4 / 3 * e), (x + r, low - 4 / 3 * e), (x + r, low)]
    points += [(x + r, high), (x + r, high + 4 / 3 * e), (x - r, high + 4 / 3 * e), (x - r, high), (x - r, high)]
    M, L, C = Path.MOVETO, Path.LINETO, Path.CURVE4
    return PathPatch(Path(points, [M, L, C, C, C, L, C, C, C, Path.CLOSEPOLY]), **look)


def lid(x: float, y: float, r: float, look: dict) -> PathPatch:
    """Return the near rim of a store's lid."""
    e = 0.3 * r
    high = y + r - e
    points = [(x - r, high), (x - r, high - 4 / 3 * e), (x + r, high - 4 / 3 * e), (x + r, high)]
    return PathPatch(Path(points, [Path.MOVETO] + 3 * [Path.CURVE4]), **look | {"facecolor": "none", "zorder": 3.5})


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


def wire(
    ax: Axes,
    start: Node | Point,
    end: Node | Point,
    *via: Point,
    colour: str = "",
    width: float = THIN,
    later: bool = False,
    peephole: bool = False,
    gradient: bool = False,
    over: Iterable[Point] = (),
    faint: bool = False,
) -> None:
    """Join two nodes by straight pieces through the points `via`; bow over the points `over`, where wires cross.

    Dashed where the value arrives one time step later, dotted where it is only looked at, with an open head where it is
    a gradient, on its way back. The line begins and ends at
    the outlines; a first or last point of `via` inside one says where. A point in a node's place is an end in the open.
    """
    points = course(start, end, via)
    colour = colour or (COLOURS["blue"] if later else COLOURS["vermillion"] if gradient else INK)
    width, head = (2.4, "->,head_length=5,head_width=3.5") if gradient else (width, HEAD)
    colour = fade(colour) if faint else colour
    look = {"color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0, "zorder": 1 if faint else 2}
    if later or peephole:  # a broken line would tear the head, which is drawn by itself
        (x, y), (x0, y0) = points[-1], points[-2]
        away = 7 / ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
        neck = (x - away * (x - x0), y - away * (y - y0))
        ax.add_patch(FancyArrowPatch(neck, (x, y), arrowstyle=head, **look))
        points[-1] = (neck[0], neck[1])
        look |= {"arrowstyle": "-", "linestyle": (0, (4, 2.5)) if later else (0, (0.9, 1.5))}
    ax.add_patch(FancyArrowPatch(path=bowed(points, list(over)), **{"arrowstyle": head} | look))


def course(start: Node | Point, end: Node | Point, via: Iterable[Point] = ()) -> list[Point]:
    """Return the corners of a wire from outline to outline."""
    points = list(via)
    if not isinstance(start, Node):
        points.insert(0, start)
    elif not points or not start.holds(points[0]):
        points.insert(0, (start.x, start.y))
    if not isinstance(end, Node):
        points.append(end)
    elif len(points) < 2 or not end.holds(points[-1]):
        points.append((end.x, end.y))
    if isinstance(start, Node):
        points[0] = start.edge(points[0], points[1])
    if isinstance(end, Node):
        points[-1] = end.edge(points[-1], points[-2])
    return points


def bowed(points: list[Point], over: list[Point]) -> Path:
    """Return the line through the points, with a bow over each point of `over`, which lies on an upright piece."""
    corners, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        up = 1 if y1 > y0 else -1
        for x, y in sorted(over, key=lambda point: up * point[1]):
            if x0 == x1 == x and min(y0, y1) < y < max(y0, y1):
                reach = 4 / 3 * HOP
                corners += [(x, y - up * HOP), (x + reach, y - up * HOP), (x + reach, y + up * HOP), (x, y + up * HOP)]
                codes += [Path.LINETO] + 3 * [Path.CURVE4]
        corners.append((x1, y1))
        codes.append(Path.LINETO)
    return Path(corners, codes)


def words(ax: Axes, x: float, y: float, text: str, *, size: float = LABEL, **look) -> None:
    """Write words or a shape beside a drawing, centred on (x, y) unless told otherwise."""
    ax.text(x, y, text, size=size, **{"ha": "center", "va": "center_baseline", "zorder": 4} | look)


def band(ax: Axes, bottom: float, top: float, text: str) -> None:
    """Shade the part of a drawing that belongs together, and name it at the left edge."""
    ax.axhspan(bottom, top, color=COLOURS["black"], alpha=0.06, linewidth=0, zorder=0)
    words(ax, 6, top - 11, text, ha="left", weight="bold")
