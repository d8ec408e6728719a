"""A feed-forward network beside a recurrent one: the difference is one connection (the article's fig. 1.1a)."""

from language import arrow, canvas, node, words
from style import save

fig, ax = canvas(height=300)

for centre, title, step in ((75, "feed-forward", ""), (210, "recurrent", "_t")):
    words(ax, centre, 283, title, size=14, weight="bold")
    x = node(ax, centre, 40, f"$x{step}$", "input")
    h = node(ax, centre, 145, f"$h{step}$", "state")
    o = node(ax, centre, 248, f"$o{step}$", "output")
    arrow(ax, x, h, weight="$W_x$")
    arrow(ax, h, o, weight="$W_y$")

W_h = node(ax, 286, 145, "$W_h$", "weight")  # the last h drawn is the recurrent network's
arrow(ax, h, W_h, later=True, bend=0.55)
arrow(ax, W_h, h, later=True, bend=0.55)
words(ax, 268, 84, "one time\nstep later", linespacing=1.2)
for height, word in ((40, "input"), (145, "hidden"), (248, "output")):
    words(ax, 8, height, word, rotation=90)

save(fig, __file__)
