"""Timing: measure the delay of a spike, make spikes with a given delay, and periodic functions out of nothing."""

import numpy as np

from rnnlib.tasks.criteria import largest_error, steps_before_error
from rnnlib.validation import check_dtype, check_generator, check_number, check_sizes


def spike_delays(F, spikes, B, *, rng, delays=(0, 1), dtype=np.float64):
    r"""Measuring spike delays (MSD): at each spike, say by how much it was late.

    .. math:: T(n) = T(n-1) + F + I(n), \qquad T(0) = 0

    Spike n comes at step T(n), counted from 1: F steps after the one before, plus a delay I(n). A single spike,
    ``spikes=1``, is the paper's NMSD, where the state is reset after each.

    Parameters
    ----------
    F : int
        The least interval, in steps; 10 and more in the paper.
    spikes : int
        Spikes of a stream; in the paper 100 in training and 1,000 in a test.
    B : int
        Streams.
    rng : numpy.random.Generator
        Draws the delays, each alike.
    delays : sequence of int
        From which I(n) is drawn, each at least 0; {0, 1} in most of the paper's experiments.
    dtype : numpy dtype
        Of inputs and targets.

    Returns
    -------
    xs : array, shape (T, B, 1)
        1 at a spike, else 0; T is the step of the latest last spike.
    targets : array, shape (T, B, 1)
        I(n) at spike n, else 0.
    lengths : array of integers, shape (B,)
        The step of each stream's last spike.
    judged : array of bool, shape (T, B)
        Where the output is asked for: at the spikes.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Gers, Schraudolph and Schmidhuber 2002, section 4.2, which was not seen; intervals, delays and numbers of spikes are
    those of notes on the paper.

    Examples
    --------
    >>> import numpy as np
    >>> xs, targets, lengths, judged = spike_delays(3, 3, 1, rng=np.random.default_rng(0))
    >>> xs[:, 0, 0].astype(int).tolist(), targets[judged][:, 0].astype(int).tolist(), lengths.tolist()
    ([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1], [1, 1, 1], [12])
    """
    late, spike, lengths = _draw(F, spikes, B, rng, delays, dtype)
    targets = np.zeros(spike.shape)
    targets[spike] = 1
    xs = targets.copy()
    targets.T[spike.T] = late.T.ravel()
    return xs[:, :, None].astype(dtype), targets[:, :, None].astype(dtype), lengths, spike


def timed_spikes(F, spikes, B, *, rng, delays=(0, 1), dtype=np.float64):
    """Generating timed spikes (GTS): the reverse of `spike_delays`, make each spike when its delay says.

    Parameters
    ----------
    F, spikes, B, rng, delays, dtype : see `spike_delays`
        The spikes are drawn as there.

    Returns
    -------
    xs : array, shape (T, B, 1)
        The delay I(n) of the spike that comes next, at every step after the spike before and up to it.
    targets : array, shape (T, B, 1)
        1 at a spike, else 0.
    lengths : array of integers, shape (B,)
        The step of each stream's last spike.
    judged : array of bool, shape (T, B)
        Where the output is asked for: at every step of the stream, not in the padding.

    Raises
    ------
    TypeError, ValueError
        As `spike_delays`.

    Source
    ------
    Gers, Schraudolph and Schmidhuber 2002, section 4.3, which was not seen. For how long the paper's input shows the
    delay could not be found out; here it does all the time.

    Examples
    --------
    >>> import numpy as np
    >>> xs, targets, _, _ = timed_spikes(2, 3, 1, rng=np.random.default_rng(1), delays=(0, 2))
    >>> xs[:, 0, 0].astype(int).tolist(), targets[:, 0, 0].astype(int).tolist()
    ([0, 0, 2, 2, 2, 2, 2, 2, 2, 2], [0, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    """
    late, spike, lengths = _draw(F, spikes, B, rng, delays, dtype)
    xs = np.zeros(spike.shape)
    for b in range(B):
        xs[: lengths[b], b] = np.repeat(late[:, b], F + late[:, b])
    judged = np.arange(len(spike))[:, None] < lengths
    return xs[:, :, None].astype(dtype), spike[:, :, None].astype(dtype), lengths, judged


def periodic_function(shape, F, T, B=1, *, dtype=np.float64):
    r"""Periodic function generation (PFG): follow a curve without any input.

    .. math::

        f_{\cos}(t) &= \tfrac12 \Bigl( 1 - \cos \frac{2 \pi t}{F} \Bigr) \\
        f_{\text{tri}}(t) &= \begin{cases}
            2 - 2 (t \bmod F) / F & \text{where } t \bmod F > F/2 \\
            2 (t \bmod F) / F & \text{elsewhere} \end{cases} \\
        f_{\text{rect}}(t) &= \begin{cases}
            1 & \text{where } t \bmod F > F/2 \\
            0 & \text{elsewhere} \end{cases}

    Parameters
    ----------
    shape : str
        ``"cosine"``, ``"triangle"`` or ``"rectangle"``.
    F : int
        The period in steps, at least 2; 10 and 25 in the paper.
    T : int
        Steps, t = 0 … T - 1.
    B : int
        Sequences, all equal.
    dtype : numpy dtype
        Of inputs and targets.

    Returns
    -------
    xs : array, shape (T, B, 1)
        0.
    targets : array, shape (T, B, 1)
        The curve, from 0 to 1.
    lengths : array of integers, shape (B,)
        All T.

    Raises
    ------
    ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Gers, Schraudolph and Schmidhuber 2002, section 4.4, which was not seen. The curves are those of notes on the paper,
    where the triangle's two cases are swapped, which would make it jump. A step is right when the error is below 0.3.

    Examples
    --------
    >>> xs, targets, lengths = periodic_function("triangle", 4, 6)
    >>> targets[:, 0, 0].tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """
    check_sizes(F=F, T=T, B=B)
    if F < 2:
        raise ValueError(f"F is {F}; it should be at least 2")
    check_dtype(dtype)
    t = np.arange(T) % F
    late = t > F / 2
    curves = {
        "cosine": (1 - np.cos(2 * np.pi * t / F)) / 2,
        "triangle": np.where(late, 2 - 2 * t / F, 2 * t / F),
        "rectangle": late,
    }
    if shape not in curves:
        raise ValueError(f"shape is {shape!r}; it should be one of {', '.join(curves)}")
    targets = np.repeat(curves[shape].astype(dtype)[:, None, None], B, axis=1)
    return np.zeros_like(targets), targets, np.full(B, T)


def spikes_before_error(ys, targets, judged, spikes, *, tolerance=0.49):
    """How many spikes a network gets right before its first error.

    Parameters
    ----------
    ys : array of float32 or float64, shape (T, B, 1)
        What it gives.
    targets : array, the shape of ys
        What it should give, from `spike_delays` or `timed_spikes`.
    judged : array of bool, shape (T, B)
        From there too.
    spikes : array of bool, shape (T, B)
        Where there is a spike: ``xs[..., 0] == 1`` for `spike_delays`, ``targets[..., 0] == 1`` for `timed_spikes`.
    tolerance : float
        A step is right when the absolute error is below it.

    Returns
    -------
    count : array of integers, shape (B,)

    Raises
    ------
    TypeError, ValueError
        When an argument's type, shape, dtype or an entry is wrong; the message names it.

    Source
    ------
    Gers, Schraudolph and Schmidhuber 2002, section 4.1, which was not seen: a stream ends at the first error of 0.49 or
    more, or, in a test, after 1,000 spikes, as notes on the paper say.

    Examples
    --------
    >>> import numpy as np
    >>> xs, targets, lengths, judged = spike_delays(3, 5, 1, rng=np.random.default_rng(2))
    >>> targets[judged][:, 0].astype(int).tolist()
    [1, 0, 0, 0, 0]
    >>> spikes_before_error(np.full_like(targets, 0.6), targets, judged, xs[..., 0] == 1).tolist()
    [1]
    """
    errors = largest_error(ys, targets)
    for name, mask in (("judged", judged), ("spikes", spikes)):
        if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != errors.shape:
            raise ValueError(
                f"{name} is not an array of bool of shape {errors.shape}, that of ys without its last axis"
            )
    steps = steps_before_error((errors < check_number("tolerance", tolerance)) | ~judged)
    return (spikes & (np.arange(len(errors))[:, None] < steps)).sum(axis=0)


def _draw(F, spikes, B, rng, delays, dtype):
    """The delays (spikes, B), where there is a spike (T, B), and the lengths (B,)."""
    check_sizes(F=F, spikes=spikes, B=B)
    check_generator(rng)
    check_dtype(dtype)
    choices = np.asarray(delays)
    if choices.ndim != 1 or not choices.size or choices.dtype.kind not in "iu" or (choices < 0).any():
        raise ValueError(f"delays is {delays!r}; it should be a sequence of integers, each at least 0")
    late = rng.choice(choices, (spikes, B))
    at = (F + late).cumsum(axis=0)
    spike = np.zeros((at[-1].max(), B), dtype=bool)
    spike[at - 1, np.arange(B)] = True
    return late, spike, at[-1]
