"""Length of the gradient against the lag, by the spectral radius of W_h, in a linear network and through tanh."""

import numpy as np
from style import save, sheet

from rnnlib import bptt, cells
from rnnlib.plots import COLOURS

# The network of the interactive figure: W_h = ρ Q with Q orthogonal, and the input's part of its pre-activations.
H, T = 8, 40
J, K = np.meshgrid(range(H), range(H), indexing="ij")
Q = np.sqrt(np.where(J == 0, 1, 2) / H) * np.cos(np.pi * (K + 0.5) * J / H)
INPUTS = 0.5 * np.sin(1.7 * np.outer(np.arange(1, T + 1), np.arange(1, H + 1)))[:, None]
LOOKS = {0.8: ("blue", "-"), 1.0: ("green", "-."), 1.2: ("vermillion", "--")}


def lengths(radius, inputs):
    """The gradient's length 0, 1, … T steps back from the last state."""
    cell, params = cells.Elman(), {"W_x": np.eye(H), "W_h": radius * Q, "b": np.zeros(H)}
    hs, _, _ = bptt.forward(cell, params, inputs, (np.zeros((1, H)),))
    states = np.concatenate([np.zeros((1, 1, H)), hs])
    found = [1.0]
    for start in reversed(range(T)):
        _, _, tape = bptt.forward(cell, params, inputs[start:], (states[start],))
        dhs = np.zeros((T - start, 1, H))
        dhs[-1] = 1 / np.sqrt(H)
        _, (dh,), _ = bptt.backward(cell, tape, dhs)
        found.append(np.linalg.norm(dh))
    return found


fig = sheet(height=430)
panels = fig.subplots(2, 1)
fig.subplots_adjust(left=0.16, right=0.83, top=0.95, bottom=0.1, hspace=0.35)
# Where the input is 0 every state is 0, and the derivative of tanh is 1: the network is linear.
for ax, title, inputs in zip(panels, ("linear", "with tanh"), (0 * INPUTS, INPUTS), strict=True):
    for radius, (colour, dashes) in LOOKS.items():
        line = lengths(radius, inputs)
        ax.semilogy(line, color=COLOURS[colour], linestyle=dashes, linewidth=1.8)
        ax.text(T + 1, line[-1], f"ρ = {radius:g}", size=12, va="center")
    ax.axhline(1, color="black", linewidth=0.6)
    ax.set(xlim=(0, T), ylim=(1e-7, 1e5), xlabel="lag $k$ (steps back)" if inputs.any() else "")
    ax.set_yticks([1e-6, 1e-4, 1e-2, 1, 1e2, 1e4], ["10⁻⁶", "10⁻⁴", "10⁻²", "1", "10²", "10⁴"])
    ax.set_title(f"length of the gradient, {title}", size=12, loc="left")
    ax.minorticks_off()
save(fig, __file__)
