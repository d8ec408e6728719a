"""One step as a circuit, every wire with its shape: the three lines of the formula (fig. 1.2a)."""

from language import arrow, band, canvas, node, words
from style import SYMBOL, save

fig, ax = canvas(height=430)

band(ax, 66, 184, "line 1")
band(ax, 189, 228, "line 2")
band(ax, 276, 362, "line 3")

x = node(ax, 160, 30, "$x_t$", "input")
h_prev = node(ax, 26, 140, "$h_{t-1}$", "state")
add = node(ax, 160, 140, "+", "operation")
b = node(ax, 228, 140, "$b$", "weight")
tanh = node(ax, 160, 208, "tanh", "function")
copy = node(ax, 160, 250, "", "copy")
h = node(ax, 290, 250, "$h_t$", "state")
add_y = node(ax, 160, 340, "+", "operation")
b_y = node(ax, 228, 340, "$b_y$", "weight")
o = node(ax, 160, 400, "$o_t$", "output")

arrow(ax, x, add, weight="$W_x$")
arrow(ax, h_prev, add, weight="$W_h$")
arrow(ax, b, add)
arrow(ax, add, tanh)
arrow(ax, tanh, copy)
arrow(ax, copy, h, later=True)
arrow(ax, copy, add_y, weight="$W_y$")
arrow(ax, b_y, add_y)
arrow(ax, add_y, o)

words(ax, 184, 30, "(B, D)", ha="left")
words(ax, 180, 85, "(D, H)", ha="left")
words(ax, 26, 108, "(B, H)")
words(ax, 93, 116, "(H, H)")
words(ax, 246, 140, "(H,)", ha="left")
words(ax, 108, 169, "$a_t$", size=SYMBOL, ha="right")
words(ax, 152, 169, "(B, H)", ha="right")
words(ax, 290, 218, "(B, H)")
words(ax, 218, 259, "to step $t + 1$")
words(ax, 180, 295, "(H, K)", ha="left")
words(ax, 250, 340, "(K,)", ha="left")
words(ax, 188, 400, "(B, K)", ha="left")

save(fig, __file__)
