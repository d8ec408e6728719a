"""The probabilities of four logits as the temperature rises: from one class that has all to four alike (fig. 1.2b)."""

import numpy as np
from style import save, sheet

from rnnlib.activations import softmax
from rnnlib.plots import COLOURS

LETTERS = ["e", "a", "t", "z"]
LOGITS = np.array([2.0, 1.0, 0.0, -1.0])
LOOKS = [("blue", "-"), ("vermillion", "--"), ("green", "-."), ("purple", ":")]

temperatures = np.geomspace(0.1, 10, 200)
probabilities = softmax(LOGITS / temperatures[:, None])

fig = sheet(height=250)
ax = fig.add_axes((0.17, 0.2, 0.8, 0.75))
for k, (colour, dashes) in enumerate(LOOKS):
    ax.semilogx(temperatures, probabilities[:, k], color=COLOURS[colour], linestyle=dashes, linewidth=1.8)
    ax.text(12, probabilities[-1, k] + 0.075 * (1.5 - k), LETTERS[k], size=13, ha="left", va="center")
ax.axvline(1, color="black", linewidth=0.6)
ax.set(xlim=(0.1, 15), ylim=(-0.03, 1.03), xlabel="temperature", ylabel="probability")
ax.set_xticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
ax.minorticks_off()
save(fig, __file__)
