"""IMAGINET: two pathways that share word vectors, one for the next word and one for the picture (fig. 5.3b)."""

from language import CARRIES, arrow, canvas, node, wire, words
from style import save

TEXTUAL, VISUAL, CELL = 70, 250, 176

fig, ax = canvas(height=516)

word = node(ax, 160, 28, "$k_t$", "input")
vectors = node(ax, 160, 82, "$W_e$", "weight")
copy = node(ax, 160, 122, "", "copy")
wire(ax, word, vectors, colour=CARRIES["input"])
wire(ax, vectors, (160, 122))
words(ax, 186, 28, "a word", ha="left")
words(ax, 182, 82, "word vectors", ha="left")
words(ax, 168, 107, "$x_t$", size=15.5, ha="left")

total = node(ax, 160, 438, "+", "operation")
wire(ax, total, node(ax, 160, 488, "$L$", "loss"))
for x, side, pathway, name, weight, target, what, share in (
    (TEXTUAL, -1, "text", "textual\npathway", "word", "$o_t$", "next\nword, at\neach step", r"$\alpha$"),
    (VISUAL, 1, "vis", "visual\npathway", "picture", "$v$", "picture,\nafter the\nlast word", r"$1 - \alpha$"),
):
    inner = "left" if side < 0 else "right"
    cell = node(ax, x, CELL, "GRU", "cell", half=25)
    wire(ax, copy, cell, (x, 122))
    wire(
        ax,
        cell,
        cell,
        (x, CELL + 11),
        (x + 48 * side, CELL + 11),
        (x + 48 * side, CELL - 11),
        (x, CELL - 11),
        later=True,
    )
    words(ax, x - 31 * side, CELL, name, ha=inner, va="center", linespacing=1.2)
    readout = node(ax, x, 246, rf"$W_\mathrm{{{weight}}}$", "weight", half=36)
    out = node(ax, x, 308, target, "output")
    loss = node(ax, x, 372, "$L$", "loss")
    words(ax, x - 24 * side, 372, rf"$L^\mathrm{{{pathway}}}$", size=15.5, ha=inner)
    arrow(ax, cell, readout)
    arrow(ax, readout, out)
    arrow(ax, out, loss)
    words(ax, x - 25 * side, 316, what, ha=inner, va="center", linespacing=1.2)
    wire(ax, loss, total, (x, 438))
    node(ax, x - 38 * side, 438, share, "weight", half=13 if side < 0 else 24)

save(fig, __file__)
