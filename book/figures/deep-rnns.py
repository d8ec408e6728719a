"""Four ways to make a recurrent network deep: where the additional layers stand (fig. 2.1c)."""

from language import arrow, canvas, node, words
from style import save

fig, ax = canvas(height=628)


def panel(left: float, bottom: float, height: float, title: str, layers: list[tuple[str, str, list[str]]]) -> None:
    """Draw a column of layers from the input up, each with the old states that it also reads."""
    words(ax, left + 108, bottom + height, title, size=13, weight="bold")
    olds, below = {}, node(ax, left + 108, bottom + 22, "$x_t$", "input")
    for k, (letter, kind, reads) in enumerate(layers):
        y = bottom + 90 + 65 * k
        here = node(ax, left + 108, y, f"${letter}$", kind)
        arrow(ax, below, here)
        for old in reads:
            if old not in olds:
                olds[old] = node(ax, left + 30, y, f"${old}$", "state")
                weight = ""
            else:
                weight = "$W_s$"
            arrow(ax, olds[old], here, later=True, weight=weight)
        below = here


transition = ("u_t", "state", ["h_{t-1}"])
panel(0, 352, 264, "DT", [transition, ("h_t", "state", []), ("o_t", "output", [])])
panel(160, 352, 264, "DT(S)", [transition, ("h_t", "state", ["h_{t-1}"]), ("o_t", "output", [])])
panel(
    0,
    0,
    328,
    "DOT(S)",
    [transition, ("h_t", "state", ["h_{t-1}"]), ("v_t", "state", []), ("o_t", "output", [])],
)
stacked = [(f"h^{k}_t", "state", [f"h^{k}_{{t-1}}"]) for k in (1, 2)]
panel(160, 0, 328, "stacked", [*stacked, ("o_t", "output", [])])

save(fig, __file__)
