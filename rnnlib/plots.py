"""What the book and the notebooks draw. matplotlib is imported when something is drawn, not before."""

#: The colours of Okabe and Ito, which colour-blind readers can tell apart.
COLOURS = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}


def use_style():
    """Set matplotlib to the course's look: colours with a second cue in the dashes, no top and right spine."""
    import matplotlib.pyplot as plt
    from cycler import cycler

    colours = [COLOURS[name] for name in ("blue", "vermillion", "green", "purple", "orange", "sky")]
    dashes = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1))]
    plt.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=colours) + cycler(linestyle=dashes),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.figsize": (6.0, 3.4),
            "figure.dpi": 110,
            "font.size": 11,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def loss_curve(losses, ax=None, smooth=25, label=None):
    """Draw the loss of each batch, faint, and its moving average, strong.

    Parameters
    ----------
    losses : array, shape (steps,)
        From `rnnlib.training.fit`, in nats a prediction.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when left out.
    smooth : int
        Batches in the moving average.
    label : str, optional
        For the legend.

    Returns
    -------
    ax : matplotlib Axes
    """
    import matplotlib.pyplot as plt
    import numpy as np

    if ax is None:
        ax = plt.subplots()[1]
    (line,) = ax.plot(losses, alpha=0.25, linewidth=0.8, linestyle="-")
    if len(losses) >= smooth:
        mean = np.convolve(losses, np.ones(smooth) / smooth, mode="valid")
        ax.plot(np.arange(smooth - 1, len(losses)), mean, color=line.get_color(), linestyle="-", label=label)
    ax.set_xlabel("training step")
    ax.set_ylabel("loss (nats a character)")
    return ax


def hidden_states(hs, labels=None, ax=None):
    """Draw the hidden states of one sequence, a row a unit, a column a time step.

    Parameters
    ----------
    hs : array, shape (T, H)
        From -1 to 1.
    labels : sequence of T str, optional
        What was read at each step, such as the characters.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    ax : matplotlib Axes
    """
    import matplotlib.pyplot as plt

    if ax is None:
        ax = plt.subplots()[1]
    image = ax.imshow(hs.T, aspect="auto", cmap="PuOr", vmin=-1, vmax=1, interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label="h")
    ax.set_xlabel("time step")
    ax.set_ylabel("hidden unit")
    if labels is not None:
        ax.set_xticks(range(len(hs)), labels)
    return ax
