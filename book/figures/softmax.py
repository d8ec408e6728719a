"""One row of logits made into probabilities at three temperatures: the sum stays 1 (fig. 1.2b)."""

import numpy as np
from style import save, sheet, tint

from rnnlib.activations import softmax
from rnnlib.plots import COLOURS

LETTERS = ["e", "a", "t", "z"]
LOGITS = np.array([2.0, 1.0, 0.0, -1.0])

fig = sheet(height=420)
panels = fig.subplots(4, 1)
fig.subplots_adjust(left=0.03, right=0.97, top=0.985, bottom=0.06, hspace=0.32)

rows = [("logits $o$, any numbers", LOGITS, COLOURS["vermillion"], "")]
for temperature in (1.0, 0.5, 2.0):
    p = softmax(LOGITS / temperature)
    rows.append((f"softmax($o$ / {temperature:g})\nsum {p.sum():.3f}", p, COLOURS["blue"], "///"))

for ax, (title, values, colour, hatch) in zip(panels, rows, strict=True):
    ax.bar(LETTERS, values, 0.62, facecolor=tint(colour), edgecolor=colour, linewidth=1.5, hatch=hatch)
    ax.text(0.99, 0.96, title, size=12, ha="right", va="top", linespacing=1.5, transform=ax.transAxes)
    ax.axhline(0, color="black", linewidth=1)
    ax.set_ylim((0, 1.12) if hatch else (-1.1, 3.1))
    ax.tick_params(length=0, labelsize=13)
    ax.set_yticks([])
    ax.spines[["left", "bottom"]].set_visible(False)
    for k, value in enumerate(values):
        label = f"{value:.3f}" if hatch else f"{value:g}".replace("-", "−")
        ax.annotate(label, (k, max(value, 0)), (0, 3), textcoords="offset points", ha="center", size=12)

save(fig, __file__)
