"""The recurrent network drawn once for every time step: one set of weights, used T times (fig. 1.1b)."""

from language import arrow, canvas, node, words
from style import save

fig, ax = canvas(height=280)

before = node(ax, 22, 150, "$h_0$", "state")
for centre, t in ((116, "1"), (207, "2"), (298, "T")):
    x = node(ax, centre, 50, f"$x_{t}$", "input")
    h = node(ax, centre, 150, f"$h_{t}$", "state")
    o = node(ax, centre, 250, f"$o_{t}$", "output")
    arrow(ax, x, h, weight="$W_x$")
    arrow(ax, h, o, weight="$W_y$")
    arrow(ax, before, h, weight="$W_h$", later=True)
    before = h

words(ax, 252, 172, "…", size=18)
words(ax, 78, 14, "time", ha="right")
ax.annotate("", (314, 14), (86, 14), arrowprops={"arrowstyle": "-|>", "linewidth": 1.2})

save(fig, __file__)
