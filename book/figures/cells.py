"""The circuits of the cells, drawn from descriptions, so that a label cannot drift from the equations.

A description is a list of `Part`s. What a part reads is there as data, with the way that the wire takes; a test
computes each description with numbers and compares it with the equations of the cell's docstring. Dots where a wire
is copied, and bows where wires cross without touching, are found, not drawn by hand.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from language import CARRIES, THICK, THIN, Node, Point, canvas, course, node, wire, words
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from style import INK, SYMBOL, fade

Route = tuple[Point, ...]

NAME = 10.5  # size of the words that name a gate


@dataclass(frozen=True)
class Part:
    """One thing of a circuit.

    `name` is its letter in the equations or, for an operation, any word. A gate and a candidate weigh each letter that
    they read, each with weights of its own, add a bias and squash; what they peep at (`peeps`) is weighed unit by unit.
    What comes from an operation is added as it is. The tuples are corners of the wires, see `language.wire`; one that
    begins on a wire into the thing that is read taps that wire. `carries` is the kind of thing that leaves an
    operation.
    """

    name: str
    kind: str
    x: float
    y: float
    reads: dict[str, Route] = field(default_factory=dict)
    peeps: dict[str, Route] = field(default_factory=dict)
    text: str = ""
    carries: str = ""
    half: float = 0


@dataclass(frozen=True)
class Circuit:
    """A cell: its parts, words beside them (text, x, y, which part they name, how they are set), and its height."""

    parts: tuple[Part, ...]
    names: tuple[tuple[str, float, float, str, str], ...]
    height: float


SIGNS = {"operation": "+", "product": "×"}

# Columns and heights that the circuits have in common, so that their differences show. Heights count downward from the
# line on which a state goes through the cell.
LEFT, KEEP, IN, MIDDLE, NEW, OUT, RIGHT = 24, 68, 121, 148, 175, 240, 296
TOP, MIX = 0, -74
STEPS = (("from step\n$t - 1$", 34, 42, "", "center"), ("to step\n$t + 1$", 286, 42, "", "center"))


def gate(letter: str, kind: str, x: float, y: float, h_bus: float, x_bus: float, *before: Point) -> Part:
    """Return a gate or candidate that reads h, by way of `before`, on its left foot, and x on its right one."""
    h_way, x_way = (*before, (x - 9, h_bus), (x - 9, y)), ((MIDDLE, x_bus), (x + 9, x_bus), (x + 9, y))
    reads = {"h_{t-1}": h_way, "x_t": x_way}
    return Part(letter, kind, x, y, reads)


def lstm() -> Circuit:
    """Return the cell of `rnnlib.cells.LSTM`."""
    row, h_bus, x_bus, x_t = -150, -206, -232, -272
    parts = (
        Part("x_t", "input", MIDDLE, x_t),
        Part("h_{t-1}", "state", LEFT, h_bus),
        Part("c_{t-1}", "memory", LEFT, TOP),
        gate("f_t", "gate", KEEP, row, h_bus, x_bus),
        gate("i_t", "gate", IN, row, h_bus, x_bus),
        gate("g_t", "candidate", NEW, row, h_bus, x_bus),
        gate("o_t", "gate", OUT, row, h_bus, x_bus),
        Part("keep", "product", KEEP, TOP, {"f_t": (), "c_{t-1}": ()}, carries="memory"),
        Part("let in", "product", MIDDLE, MIX, {"i_t": ((IN, MIX),), "g_t": ((NEW, MIX),)}),
        Part("add", "operation", MIDDLE, TOP, {"keep": (), "let in": ()}, carries="memory"),
        Part("c_t", "memory", RIGHT, TOP, {"add": ()}),
        Part("tanh", "function", 200, -38, {"c_t": ((200, TOP),)}, text="tanh"),
        Part("let out", "product", OUT, MIX, {"o_t": (), "tanh": ((200, MIX),)}, carries="state"),
        Part("h_t", "state", RIGHT, MIX, {"let out": ()}),
    )
    names = (
        ("forget\ngate", 24, row, "f_t", "center"),
        ("input\ngate", IN + 5, row + 38, "i_t", "left"),
        ("candidate", NEW + 5, row + 32, "g_t", "left"),
        ("output\ngate", OUT + 25, row, "o_t", "left"),
    )
    return Circuit(parts, names + STEPS, 292)


def peephole_lstm() -> Circuit:
    """Return the cell of `rnnlib.cells.PeepholeLSTM`: the gates also see the memory, the output gate the new one."""
    plain = lstm()
    row = next(part.y for part in plain.parts if part.name == "f_t")
    foot, branch, side = row - 6, -54, 95
    ways = {
        "f_t": {"c_{t-1}": ((LEFT, foot), (KEEP, foot))},
        "i_t": {"c_{t-1}": ((LEFT, branch), (side, branch), (side, foot), (IN, foot))},
        "o_t": {"c_t": ((262, TOP), (262, foot), (OUT, foot))},
    }
    parts = tuple(replace(part, peeps=ways.get(part.name, {})) for part in plain.parts)
    moved = {
        "f_t": ("forget\ngate", KEEP - 5, row + 38, "f_t", "right"),
        "o_t": ("output\ngate", OUT + 25, row - 22, "o_t", "left"),
    }
    names = tuple(moved.get(name[3], name) for name in plain.names)
    weights = (("$p_f$", 37, foot + 11), ("$p_i$", side + 11, foot + 50), ("$p_o$", 277, foot + 40))
    return replace(plain, parts=parts, names=names + tuple((*weight, "", "center") for weight in weights))


def gru(reset: str = "after") -> Circuit:
    """Return the cell of `rnnlib.cells.GRU`, the reset gate acting after the product with the weights or before it."""
    row, low, high, h_bus, x_bus, x_t = -150, -204, -246, -272, -296, -336
    foot, r_way = NEW + 11, 216  # where the candidate reads the state, and the way of r beside it
    branch = {"h_{t-1}": ((LEFT, h_bus), (foot, h_bus))}
    if reset == "after":
        inner = (
            Part("W_{hn}", "weight", foot, high, branch, half=19),
            Part("reset", "product", foot, low, {"W_{hn}": (), "r_t": ((r_way, row), (r_way, low))}),
        )
    else:
        inner = (
            Part("reset", "product", foot, high, branch | {"r_t": ((r_way, row), (r_way, high))}),
            Part("W_{hn}", "weight", foot, low, {"reset": ()}, half=19),
        )
    x_way = ((MIDDLE, x_bus), (NEW - 13, x_bus), (NEW - 13, row))
    parts = (
        Part("x_t", "input", MIDDLE, x_t),
        Part("h_{t-1}", "state", LEFT, TOP),
        gate("z_t", "gate", KEEP, row, h_bus, x_bus, (LEFT, h_bus)),
        gate("r_t", "gate", OUT, row, h_bus, x_bus, (LEFT, h_bus)),
        *inner,
        Part("n_t", "candidate", NEW, row, {"x_t": x_way, inner[1].name: ((foot, row),)}),
        Part("keep", "product", KEEP, TOP, {"z_t": (), "h_{t-1}": ()}, carries="state"),
        Part("1 −", "function", 107, MIX, {"z_t": ((KEEP, MIX),)}, text="1 −", half=14),
        Part("renew", "product", MIDDLE, MIX, {"1 −": (), "n_t": ((NEW, MIX),)}),
        Part("add", "operation", MIDDLE, TOP, {"keep": (), "renew": ()}, carries="state"),
        Part("h_t", "state", RIGHT, TOP, {"add": ()}),
    )
    names = (
        ("update\ngate", KEEP + 5, row + 38, "z_t", "left"),
        ("reset\ngate", OUT + 25, row, "r_t", "left"),
        ("candidate", NEW + 5, row + 32, "n_t", "left"),
    )
    return Circuit(parts, names + STEPS, 354)


def multiplicative_rnn() -> Circuit:
    """Return the cell of `rnnlib.cells.MultiplicativeRNN`: the input multiplies what the old state says."""
    x_bus, x_t, weighed, sum_at = -76, -120, -40, 218
    parts = (
        Part("x_t", "input", 167, x_t),
        Part("h_{t-1}", "state", LEFT, TOP),
        Part("W_h", "weight", 70, TOP, {"h_{t-1}": ()}),
        Part("W_{xf}", "weight", 116, weighed, {"x_t": ((167, x_bus), (116, x_bus))}, half=19),
        Part("f_t", "product", 116, TOP, {"W_h": (), "W_{xf}": ()}),
        Part("W_f", "weight", 172, TOP, {"f_t": ()}),
        Part("W_x", "weight", sum_at, weighed, {"x_t": ((167, x_bus), (sum_at, x_bus))}),
        Part("b", "weight", 268, TOP),
        Part("add", "operation", sum_at, TOP, {"W_f": (), "W_x": (), "b": ()}),
        Part("tanh", "function", sum_at, 48, {"add": ()}, text="tanh"),
        Part("h_t", "state", RIGHT, 48, {"tanh": ()}),
    )
    names = (
        ("$f_t$", 144, 14, "f_t", "center"),
        ("factors", 116, 24, "f_t", "center"),
        ("from step\n$t - 1$", 34, 42, "", "center"),
        ("to step\n$t + 1$", 286, 90, "", "center"),
    )
    return Circuit(parts, names, 142)


@dataclass(frozen=True)
class Wire:
    """What `wires` found: whose value it carries, where it goes, its corners, and whether it is a peephole."""

    root: str
    source: str
    target: str
    points: tuple[Point, ...]
    peephole: bool


def wires(parts: Collection[Part], nodes: dict[str, Node]) -> list[Wire]:
    """Return all wires of a circuit; a tap belongs to the root of the wire that it taps."""
    asked = [
        (source, part.name, route, peephole)
        for part in parts
        for ways, peephole in ((part.reads, False), (part.peeps, True))
        for source, route in ways.items()
    ]
    whole = [
        Wire(s, s, target, tuple(course(nodes[s], nodes[target], route)), peep) for s, target, route, peep in asked
    ]
    found = []
    for w, (_, _, route, _) in zip(whole, asked, strict=True):
        tapped = [other for other in whole if route and other.target == w.source and on(route[0], other.points)]
        if tapped:
            w = replace(w, root=tapped[0].root, points=tuple(course(route[0], nodes[w.target], route[1:])))
        found.append(w)
    return found


def on(point: Point, points: Collection[Point]) -> bool:
    """Whether the point is on the line through the points, all of whose pieces are upright or level."""
    x, y = point
    for (x0, y0), (x1, y1) in pairwise(points):
        if (x0 == x1 == x and min(y0, y1) <= y <= max(y0, y1)) or (y0 == y1 == y and min(x0, x1) <= x <= max(x0, x1)):
            return True
    return False


def copies(found: Collection[Wire]) -> list[tuple[str, Point]]:
    """Return the points at which the wires of one root part, with the root."""
    dots = []
    for root in dict.fromkeys(w.root for w in found):
        own = [w.points for w in found if w.root == root]
        corners = dict.fromkeys(point for points in own for point in points)
        for point in corners:
            ways = set()
            for points in own:
                for (x0, y0), (x1, y1) in pairwise(points):
                    if on(point, ((x0, y0), (x1, y1))):
                        for x, y in ((x0, y0), (x1, y1)):
                            if (x, y) != point:
                                ways.add(((x > point[0]) - (x < point[0]), (y > point[1]) - (y < point[1])))
            if len(ways) > 2:
                dots.append((root, point))
    return dots


def crossings(this: Wire, found: Collection[Wire]) -> list[Point]:
    """Return the points at which an upright piece of this wire crosses a level piece of another root's."""
    points = []
    for (x0, y0), (x1, y1) in pairwise(this.points):
        for other in found:
            for (u0, v0), (u1, v1) in pairwise(other.points):
                if other.root != this.root and x0 == x1 and v0 == v1:
                    if min(u0, u1) < x0 < max(u0, u1) and min(y0, y1) < v0 < max(y0, y1):
                        points.append((x0, v0))
    return list(dict.fromkeys(points))


def draw(ax: Axes, circuit: Circuit, top: float, *, lit: Collection[str] = ()) -> dict[str, Node]:
    """Draw a circuit whose state line is at the height `top`; where parts are `lit`, all others stand back.

    A wire is lit with both its ends, or by itself: ">f_t" lights what flows into f, "f_t>" what flows out.
    """
    faint = {part.name: bool(lit) and part.name not in lit for part in circuit.parts}
    nodes = {}
    for part in circuit.parts:
        text = part.text or SIGNS.get(part.kind) or f"${part.name}$"
        nodes[part.name] = node(ax, part.x, top + part.y, text, part.kind, half=part.half, faint=faint[part.name])
    found = wires([raised(part, top) for part in circuit.parts], nodes)
    dots = copies(found)
    kinds = {part.name: part.carries or part.kind for part in circuit.parts}

    def stands_back(w: Wire) -> bool:
        return (faint[w.source] or faint[w.target]) and not {f">{w.target}", f"{w.source}>"} & set(lit)

    drawn: list[Wire] = []
    for w in sorted(found, key=stands_back):
        kind = kinds[w.root]
        own = [other for other in drawn if other.points[0] == w.points[0]]
        wire(
            ax,
            *ends_first(after_copies(w.points, [dot for root, dot in dots if root == w.root], own)),
            colour=INK if w.peephole else CARRIES.get(kind, INK),
            width=THIN if w.peephole else THICK.get(kind, THIN),
            peephole=w.peephole,
            over=crossings(w, found),
            faint=stands_back(w),
        )
        drawn.append(w)
    for root, dot in dots:
        node(ax, *dot, "", "copy", faint=all(stands_back(w) for w in found if w.root == root and on(dot, w.points)))
    for text, x, y, named, side in circuit.names:
        size = SYMBOL if text.startswith("$") else NAME
        colour = fade(INK) if lit and named not in lit else INK
        words(ax, x, top + y, text, size=size, ha=side, va="center", color=colour, linespacing=1.15)
    return nodes


def ends_first(points: list[Point]) -> list[Point]:
    """Return the points in the order in which `language.wire` takes them."""
    return [points[0], points[-1], *points[1:-1]]


def after_copies(points: Sequence[Point], dots: Collection[Point], drawn: Collection[Wire]) -> list[Point]:
    """Return the part of a wire that is not drawn yet: what follows the last dot that it shares with a drawn one."""
    rest = list(points)
    for dot in dots:
        if any(on(dot, other.points) for other in drawn) and on(dot, rest):
            piece = next(k for k, ends in enumerate(pairwise(rest)) if on(dot, ends))
            rest = [dot, *(point for point in rest[piece + 1 :] if point != dot)]
    return rest


def raised(part: Part, by: float) -> Part:
    """Return the part with its wires counted from the sheet's lower edge."""
    reads, peeps = (
        {source: tuple((x, y + by) for x, y in route) for source, route in ways.items()}
        for ways in (part.reads, part.peeps)
    )
    return replace(part, reads=reads, peeps=peeps)


def sheet_of(circuit: Circuit, *, lit: Collection[str] = (), above: float = 58) -> Figure:
    """Return a sheet with one circuit on it, and so much room above its state line."""
    fig, ax = canvas(circuit.height + above)
    draw(ax, circuit, circuit.height, lit=lit)
    return fig
