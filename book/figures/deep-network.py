"""The unrolled network turned upright: one layer for each time step, all with the same weights (fig. 2.1a)."""

from language import arrow, canvas, node, words
from style import save

fig, ax = canvas(height=440)

below = node(ax, 100, 28, "$h_0$", "state")
for height, t in ((120, "1"), (215, "2"), (325, "T")):
    h = node(ax, 100, height, f"$h_{t}$", "state")
    x = node(ax, 220, height, f"$x_{t}$", "input")
    arrow(ax, below, h, weight="$W_h$", later=True)
    arrow(ax, x, h, weight="$W_x$")
    words(ax, 250, height, f"layer ${t}$", ha="left")
    below = h
o = node(ax, 100, 412, "$o_T$", "output")
arrow(ax, below, o, weight="$W_y$")
words(ax, 130, 270, "⋮", size=18)

save(fig, __file__)
