"""Networks of LSTM layers: stacked, and a bidirectional pair that reads forward and backward (fig. 4.1)."""

from language import CARRIES, canvas, node, wire, words
from style import save

COLUMNS = ((62, 1), (164, 2), (266, 3))
BLUE = CARRIES["state"]

fig, ax = canvas(height=640)

words(ax, 160, 626, "stacked", size=14, weight="bold")
words(ax, 8, 430, "layer 1", rotation=90)
words(ax, 8, 507, "layer 2", rotation=90)
before = {430: (20, 430), 507: (20, 507)}
for x, t in COLUMNS:
    below = node(ax, x, 363, f"$x_{t}$", "input")
    for y in before:
        cell = node(ax, x, y, "LSTM", "cell", half=25)
        wire(ax, below, cell, colour=CARRIES["input"] if y == 430 else BLUE)
        wire(ax, before[y], cell, later=True)
        before[y] = below = cell
    wire(ax, below, node(ax, x, 580, f"$o_{t}$", "output"), colour=BLUE)
for y in before:
    wire(ax, before[y], (318, y), later=True)

words(ax, 160, 312, "bidirectional", size=14, weight="bold")
words(ax, 8, 112, "forward", rotation=90)
words(ax, 8, 190, "backward", rotation=90)
ahead, behind = {}, {}
for k, (x, t) in enumerate(COLUMNS):
    x_t = node(ax, x, 30, f"$x_{t}$", "input")
    o_t = node(ax, x, 266, f"$o_{t}$", "output")
    ahead[k] = node(ax, x - 22, 112, "LSTM", "cell", half=24)
    behind[k] = node(ax, x + 24, 190, "LSTM", "cell", half=24)
    left, right = x - 9, x + 10
    wire(ax, x_t, ahead[k], (left, 30), (left, 112), colour=CARRIES["input"])
    wire(ax, x_t, behind[k], (right, 30), (right, 190), colour=CARRIES["input"], over=[(right, 112)] if k < 2 else [])
    wire(ax, ahead[k], o_t, (left, 112), (left, 266), colour=BLUE, over=[(left, 190)] if k else [])
    wire(ax, behind[k], o_t, (right, 190), (right, 266), colour=BLUE)
for k in (0, 1):
    wire(ax, ahead[k], ahead[k + 1], later=True)
    wire(ax, behind[k + 1], behind[k], later=True)

save(fig, __file__)
