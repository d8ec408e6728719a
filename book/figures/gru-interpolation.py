"""A GRU's new state on the line between its candidate and its old state, for five values of z (article's Q11, Q13)."""

from language import canvas, node, words
from style import INK, SYMBOL, save

from rnnlib.activations import tanh

X, H_PREV = 1.5, -0.8
N = float(tanh(1.5 * X + 2 * H_PREV))  # the candidate of a unit with these weights, no bias and r = 1


def at(value):
    """The place of a value on the sheet."""
    return 160 + 105 * value


fig, ax = canvas(height=282)
for row, z in enumerate([0, 0.25, 0.5, 0.75, 1]):
    y = 220 - 50 * row
    h = (1 - z) * N + z * H_PREV
    ax.plot([at(H_PREV), at(N)], [y, y], color=INK, linewidth=1.6)
    for end in (H_PREV, N):
        node(ax, at(end), y, "", "copy")
    node(ax, at(h), y, "", "operation")
    words(ax, 4, y, f"$z$ = {z:g}", ha="left")
    words(ax, 316, y, f"{h:.2f}".replace("-", "−"), ha="right")
for x, letter, look in ((at(H_PREV), "$h_{t-1}$", "center"), (at(N), "$n_t$", "center"), (316, "$h_t$", "right")):
    words(ax, x, 258, letter, size=SYMBOL, ha=look)
save(fig, __file__)
