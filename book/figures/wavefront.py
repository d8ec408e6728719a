"""What can be computed at the same time in a stack of four layers over five steps: the cells of one number."""

from language import arrow, canvas, node, wire, words
from matplotlib.patches import Polygon
from style import save, tint

from rnnlib.plots import COLOURS

LAYERS, STEPS, SHOWN = 4, 5, 4

fig, ax = canvas(height=322)
across = {t: 84 + 51 * (t - 1) for t in range(1, STEPS + 1)}
up = {layer: 92 + 60 * (layer - 1) for layer in range(1, LAYERS + 1)}
cells = {}
for layer, y in up.items():
    words(ax, 6, y, f"layer {layer}", ha="left")
    for t, x in across.items():
        cells[layer, t] = node(ax, x, y, str(layer + t - 1), "cell", half=17, high=17)
for t, x in across.items():
    arrow(ax, node(ax, x, 27, f"$x_{t}$", "input"), cells[1, t])
    for layer in up:
        if layer < LAYERS:
            arrow(ax, cells[layer, t], cells[layer + 1, t])
        if t < STEPS:
            wire(ax, cells[layer, t], cells[layer, t + 1], later=True)
first, last = cells[LAYERS, SHOWN - LAYERS + 1], cells[1, SHOWN]  # of the wave that is shown, its ends
corners = [(first.x - 27, first.y), (first.x, first.y + 27), (last.x + 27, last.y), (last.x, last.y - 27)]
ax.add_patch(Polygon(corners, color=tint(COLOURS["yellow"], 0.75), zorder=0))
words(ax, 186, 311, f"wave {SHOWN}: four cells at the same time", weight="bold")
save(fig, __file__)
