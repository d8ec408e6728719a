"""Backpropagation through time as an algorithm: forward, backward, update (fig. 3.1b)."""

from language import CARRIES, band, canvas, node, wire, words
from style import save

COLUMNS = ((104, "1"), (184, "2"), (286, "T"))
X, FORWARD, LOSS, BACKWARD, SUM, UPDATE = 362, 424, 278, 212, 118, 34

fig, ax = canvas(height=480)

band(ax, 334, 476, "1. forward, $t = 1, 2, …, T$")
band(ax, 180, 328, "2. backward, $t = T, …, 2, 1$")
band(ax, 4, 174, "3. update")

before = node(ax, 28, FORWARD, "$h_0$", "state")
for x, t in COLUMNS:
    h = node(ax, x, FORWARD, f"$h_{t}$", "state")
    wire(ax, node(ax, x, X, f"$x_{t}$", "input"), h, colour=CARRIES["input"])
    wire(ax, before, h, later=True)
    before = h

total = node(ax, 184, SUM, "+", "operation")
after = None
for x, t in reversed(COLUMNS):
    h = node(ax, x, BACKWARD, f"$h_{t}$", "state")
    wire(ax, node(ax, x, LOSS, f"$L_{t}$", "loss"), h, gradient=True)
    wire(ax, h, total, *([] if x == 184 else [(x, SUM)]), gradient=True)
    if after:
        wire(ax, after, h, gradient=True)
        words(ax, (after.x + x) / 2, BACKWARD + 16, "…" if t == "2" else "", size=18)
    after = h
words(ax, 235, FORWARD + 16, "…", size=18)
weights = node(ax, 184, UPDATE, "$W$", "weight")
wire(ax, total, weights, gradient=True)
words(ax, 196, 76, r"$-\eta\,\mathrm{d}W$", size=15.5, ha="left")

save(fig, __file__)
