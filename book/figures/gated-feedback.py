"""Gated feedback: every layer's old state reaches every layer, through a gate for each pair (fig. 5.3a)."""

from language import arrow, canvas, node, words
from style import save

fig, ax = canvas(height=356)

words(ax, 36, 342, "step $t - 1$")
words(ax, 282, 342, "step $t$")
heights = {1: 112, 2: 290}
old = {layer: node(ax, 30, y, f"$h^{layer}_{{t-1}}$", "state") for layer, y in heights.items()}
new = {layer: node(ax, 288, y, f"$h^{layer}_t$", "state") for layer, y in heights.items()}
x = node(ax, 288, 30, "$x_t$", "input")
arrow(ax, x, new[1])
arrow(ax, new[1], new[2])
for i in heights:
    for j in heights:
        along = 0.24 if i != j else 0.5
        at = (old[i].x + along * (new[j].x - old[i].x), old[i].y + along * (new[j].y - old[i].y))
        gate = node(ax, *at, "×", "product")
        arrow(ax, old[i], gate, later=True)
        arrow(ax, gate, new[j], later=True)
        up = 25 if j == 2 and i == 2 else -25 if i == j else 0
        words(ax, at[0] + (0 if i == j else 42), at[1] + up, rf"$g^{{{i} \to {j}}}_t$", size=15.5)

save(fig, __file__)
