"""How a character model writes: the character drawn at one step is the input of the next."""

from itertools import pairwise

from language import arrow, canvas, node, words
from style import save

READ_AND_DRAWN = "imp"

fig, ax = canvas(height=410)

before = node(ax, 22, 155, "$h_0$", "state")
drawn = None
for step, (read, written) in enumerate(pairwise(READ_AND_DRAWN), start=1):
    centre = 100 + 150 * (step - 1)
    x = node(ax, centre, 52, f"$x_{step}$", "input")
    h = node(ax, centre, 155, f"$h_{step}$", "state")
    o = node(ax, centre, 228, f"$o_{step}$", "output")
    p = node(ax, centre, 288, "softmax", "function")
    draw = node(ax, centre, 342, "draw", "function")
    for start, end in ((x, h), (h, o), (o, p), (p, draw)):
        arrow(ax, start, end)
    arrow(ax, before, h, later=True)
    if drawn:
        arrow(ax, drawn, x, later=True, bend=-0.09)
    words(ax, centre, 14, f"reads “{read}”", size=13)
    words(ax, centre, 384, f"writes “{written}”", size=13)
    before, drawn = h, draw

words(ax, 300, 155, "…", size=18)

save(fig, __file__)
