"""The adding and the multiplication problem: two marked numbers in a long sequence of numbers."""

import numpy as np

from rnnlib.validation import check_dtype, check_generator, check_sizes


def adding(T, B, *, rng, dtype=np.float64):
    r"""Add the two marked numbers of a sequence of pairs.

    .. math:: \hat y = 0.5 + \frac{X_1 + X_2}{4}

    The first component of a pair is a number from [-1, 1]. The second is 1 for two pairs: one of the first ten, whose
    number is :math:`X_1`, and another of the first T/2 - 1, whose number is :math:`X_2`. It is -1 for the first and
    the last pair, else 0. Where the first pair is among the two, its marker stays -1, its number becomes 0.

    Parameters
    ----------
    T : int
        The least length, at least 20; a length is drawn from T to T + T/10.
    B : int
        Sequences.
    rng : numpy.random.Generator
        Draws them.
    dtype : numpy dtype
        Of inputs and targets.

    Returns
    -------
    xs : array, shape (T', B, 2)
        Number and marker; T' is the greatest length drawn. Padding is 0.
    targets : array, shape (B, 1)
        From 0 to 1: what the network should give at the sequence's end.
    lengths : array of integers, shape (B,)

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.4. A sequence is right when the absolute error is below 0.04; training
    stops when the last 2,000 are, and the mean error is below 0.01 (`rnnlib.tasks.criteria.learned`).

    Examples
    --------
    >>> import numpy as np
    >>> xs, targets, lengths = adding(100, 3, rng=np.random.default_rng(0))
    >>> marked = [xs[xs[:, b, 1] == 1, b, 0] for b in range(3)]
    >>> bool(np.allclose(targets[:, 0], [0.5 + numbers.sum() / 4 for numbers in marked]))
    True
    """
    xs, x1, x2, lengths = _draw(T, B, rng, dtype, lowest=-1, neutral=0)
    return xs, (0.5 + (x1 + x2) / 4)[:, None].astype(dtype), lengths


def multiplication(T, B, *, rng, dtype=np.float64):
    r"""Multiply the two marked numbers of a sequence of pairs.

    .. math:: \hat y = X_1 X_2

    As `adding`, but for the numbers, which are from [0, 1], and the number of a first pair among the two, which
    becomes 1.

    Parameters
    ----------
    T : int
        The least length, at least 20; a length is drawn from T to T + T/10.
    B : int
        Sequences.
    rng : numpy.random.Generator
        Draws them.
    dtype : numpy dtype
        Of inputs and targets.

    Returns
    -------
    xs : array, shape (T', B, 2)
        Number and marker; T' is the greatest length drawn. Padding is 0.
    targets : array, shape (B, 1)
        From 0 to 1: what the network should give at the sequence's end.
    lengths : array of integers, shape (B,)

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.5. Training is judged when fewer than 140, and again when fewer than 13,
    of the last 2,000 sequences have an error above 0.04 (`rnnlib.tasks.criteria.few_wrong`).

    Examples
    --------
    >>> import numpy as np
    >>> xs, targets, lengths = multiplication(100, 3, rng=np.random.default_rng(0))
    >>> marked = [xs[xs[:, b, 1] == 1, b, 0] for b in range(3)]
    >>> bool(np.allclose(targets[:, 0], [numbers.prod() for numbers in marked]))
    True
    """
    xs, x1, x2, lengths = _draw(T, B, rng, dtype, lowest=0, neutral=1)
    return xs, (x1 * x2)[:, None].astype(dtype), lengths


def _draw(T, B, rng, dtype, lowest, neutral):
    """The pairs, both marked numbers (B,), and the lengths."""
    check_sizes(T=T, B=B)
    if T < 20:
        raise ValueError(f"T is {T}; it should be at least 20")
    check_generator(rng)
    check_dtype(dtype)
    columns = np.arange(B)
    lengths = rng.integers(T, T + T // 10, B, endpoint=True)
    xs = np.zeros((lengths.max(), B, 2))
    xs[:, :, 0] = rng.uniform(lowest, 1, xs.shape[:2])
    first = rng.integers(0, 10, B)
    among = T // 2 - 1
    second = rng.integers(0, among - (first < among))  # a place among those that are still unmarked
    second += second >= first
    for place in (first, second):
        xs[place, columns, 1] = 1
        xs[0, place == 0, 0] = neutral
    x1, x2 = xs[first, columns, 0], xs[second, columns, 0]
    xs[0, :, 1] = -1
    xs[lengths - 1, columns, 1] = -1
    xs[np.arange(len(xs))[:, None] >= lengths] = 0
    return xs.astype(dtype), x1, x2, lengths
