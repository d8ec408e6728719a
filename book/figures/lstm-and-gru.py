"""The LSTM above the GRU, the same parts in the same places: what the GRU does without (fig. 5.1)."""

from cells import draw, gru, lstm
from language import canvas, words
from style import save

fig, ax = canvas(height=764)

for title, circuit, top in (("LSTM", lstm(), 706), ("GRU", gru(), 354)):
    draw(ax, circuit, top)
    words(ax, 160, top + 42, title, size=14, weight="bold")

save(fig, __file__)
