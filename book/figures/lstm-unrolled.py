"""The LSTM drawn once for each time step: two values travel, the memory c and the state h (fig. 4.2)."""

from language import CARRIES, THICK, canvas, node, wire, words
from style import save

UP, DOWN = 148, 100  # the heights of c and h on their way through the cells

fig, ax = canvas(height=250)

c = node(ax, 26, UP, "$c_0$", "memory")
h = node(ax, 26, DOWN, "$h_0$", "state")
for x, t in ((98, 1), (184, 2), (270, 3)):
    cell = node(ax, x, 124, "LSTM", "cell", half=25, high=46)
    x_t = node(ax, x, 40, f"$x_{t}$", "input")
    h_t = node(ax, x, 215, f"$h_{t}$", "state")
    wire(ax, x_t, cell)
    wire(ax, cell, h_t, colour=CARRIES["state"])
    wire(ax, c, cell, (c.x, UP), (x, UP), later=True, colour=CARRIES["memory"], width=THICK["memory"])
    wire(ax, h, cell, (h.x, DOWN), (x, DOWN), later=True)
    if t > 1:
        words(ax, x - 44, UP + 17, f"$c_{t - 1}$", size=15.5)
        words(ax, x - 44, DOWN - 17, f"$h_{t - 1}$", size=15.5)
    c = h = cell
wire(ax, cell, (318, UP), (cell.x, UP), later=True, colour=CARRIES["memory"], width=THICK["memory"])
wire(ax, cell, (318, DOWN), (cell.x, DOWN), later=True)

words(ax, 76, 9, "time", ha="right")
wire(ax, (84, 9), (312, 9), width=1.2)

save(fig, __file__)
