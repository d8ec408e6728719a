"""A character model reading "defi": at each step it is scored on the character that comes next."""

from language import arrow, canvas, node, words
from style import save

TEXT = "defi"

fig, ax = canvas(height=410)

words(ax, 22, 14, "read")
before = node(ax, 22, 155, "$h_0$", "state")
for step, character in enumerate(TEXT[:-1]):
    centre = 110 + 89 * step
    x = node(ax, centre, 52, f"$x_{step + 1}$", "input")
    h = node(ax, centre, 155, f"$h_{step + 1}$", "state")
    o = node(ax, centre, 258, f"$o_{step + 1}$", "output")
    p = node(ax, centre, 316, "softmax", "function")
    arrow(ax, x, h, weight="$W_x$")
    arrow(ax, before, h, weight="$W_h$", later=True)
    arrow(ax, h, o, weight="$W_y$")
    arrow(ax, o, p)
    words(ax, centre, 14, f"“{character}”", size=15)
    words(ax, centre, 350, f"P(“{TEXT[step + 1]}”)", size=14)
    before = h
words(ax, 22, 350, "next")
words(ax, 199, 388, "loss: the mean of − log P", size=13)

save(fig, __file__)
