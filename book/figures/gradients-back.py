"""Backpropagation through time: each step's loss sends its gradient down, the next step sends it back (fig. 3.1a)."""

from language import canvas, node, wire, words
from style import save

X, H, O, L = 50, 138, 222, 300  # the heights of the rows
AHEAD, BACK = H + 12, H - 12  # the ways of the state and of its gradient

fig, ax = canvas(height=366)

words(ax, 6, 354, "forward, $t = 1, 2, …, T$", ha="left")
wire(ax, (170, 354), (314, 354), width=1.2)
words(ax, 314, 10, "backward, $t = T, …, 2, 1$", ha="right")
wire(ax, (148, 10), (6, 10), gradient=True)

columns = {}
for x, t in ((40, "1"), (146, "2"), (252, "T")):
    rows = (X, "x", "input"), (H, "h", "state"), (O, "o", "output"), (L, "L", "loss")
    columns[t] = [node(ax, x, y, f"${letter}_{t}$", kind) for y, letter, kind in rows]
    for below, above in zip(columns[t], columns[t][1:], strict=False):
        wire(ax, below, above, (x - 7, below.y), (x - 7, above.y))
    x_t, h, o, loss = columns[t]
    wire(ax, loss, o, (x + 7, L), (x + 7, O), gradient=True)
    corner = (x + 42, O)
    if t == "T":
        wire(ax, o, h, corner, (x + 42, BACK), (x, BACK), gradient=True)
    else:
        plus = node(ax, x + 42, BACK, "+", "operation")
        wire(ax, o, plus, corner, gradient=True, over=[(x + 42, AHEAD)])
        wire(ax, plus, h, (x, BACK), gradient=True)
    words(ax, x + 42, BACK - 27, rf"$\mathrm{{d}}h_{t}$", size=15.5)
for t, later in (("1", "2"), ("2", "T")):
    h, after = columns[t][1], columns[later][1]
    wire(ax, h, after, (h.x, AHEAD), (after.x, AHEAD), later=True)
    wire(ax, after, (h.x + 53, BACK), (after.x, BACK), gradient=True)
words(ax, 199, O, "…", size=18)

save(fig, __file__)
