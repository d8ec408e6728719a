"""Every shape and every line of the figures, with its name."""

from language import CARRIES, KINDS, THICK, canvas, node, wire, words
from style import save

NAMES = {
    "input": ("$x_t$", "input"),
    "state": ("$h_t$", "state, or another\nhidden value"),
    "memory": ("$c_t$", "memory"),
    "output": ("$o_t$", "output"),
    "loss": ("$L$", "loss"),
    "weight": ("$W_x$", "weights or bias"),
    "gate": ("$f_t$", "gate, 0 to 1"),
    "candidate": ("$g_t$", "candidate,\n−1 to 1"),
    "function": ("tanh", "function"),
    "cell": ("LSTM", "a whole cell"),
    "operation": ("+", "sum"),
    "product": ("×", "product, entry\nby entry"),
    "copy": ("", "copy: one value,\nseveral ways"),
}
ROWS = -(-len(NAMES) // 2)
LINES = 6
TOP = 56 * ROWS + 34 * LINES + 30

fig, ax = canvas(height=TOP)

for k, (kind, (text, name)) in enumerate((kind, NAMES[kind]) for kind in KINDS):
    x, y = (28, 186)[k // ROWS], TOP - 30 - 56 * (k % ROWS)
    node(ax, x, y, text, kind, half=25 if kind == "cell" else 0)
    words(ax, x + 31, y, name, ha="left", va="center", linespacing=1.2)

LINE_NAMES = (
    ("a value on its way", {}),
    ("arrives one time step later", {"later": True}),
    ("the memory on its way", {"colour": CARRIES["memory"], "width": THICK["memory"]}),
    ("a peephole: a gate looks at the memory", {"peephole": True}),
    ("a gradient, on its way back", {"gradient": True}),
)
for k, (name, look) in enumerate(LINE_NAMES):
    y = 34 * (LINES - k) - 14
    wire(ax, (8, y), (52, y), **look)
    words(ax, 60, y, name, ha="left")
wire(ax, (8, 20), (52, 20))
wire(ax, (28, 6), (28, 36), over=[(28, 20)])
words(ax, 60, 20, "two that cross and do not touch", ha="left")

save(fig, __file__)
