"""Temporal order: of which class a sequence is, the order of a few widely separated symbols says."""

import numpy as np

from rnnlib.validation import check_dtype, check_generator, check_sizes

#: The eight symbols; a symbol's place is its unit in a one-hot input.
SYMBOLS = "EBXYabcd"

#: Of each task, by its number of relevant symbols, the ranges of their positions; the sequence's E is at position 1.
POSITIONS = {2: ((10, 20), (50, 60)), 3: ((10, 20), (33, 43), (66, 76))}

#: The classes' letters in the paper, in the order of the output units, X before Y and the first relevant symbol first.
CLASSES = {2: "QRSU", 3: "QRSUVABC"}


def temporal_order(relevant, B, *, rng, dtype=np.float64):
    """Classify sequences by the order of their Xs and Ys: task 6a with two of them, task 6b with three.

    A sequence is E, then symbols a, b, c, d at random but for an X or a Y at each relevant position, then B. Positions
    are counted from 1, which gives the paper's least distance to the end, 40 and 24.

    Parameters
    ----------
    relevant : int
        2 for task 6a: positions from 10 to 20 and from 50 to 60, four classes. 3 for task 6b: from 10 to 20, 33 to
        43 and 66 to 76, eight classes.
    B : int
        Sequences.
    rng : numpy.random.Generator
        Draws them.
    dtype : numpy dtype
        Of inputs and targets.

    Returns
    -------
    xs : array, shape (T, B, 8)
        The symbols, one-hot, in the order of `SYMBOLS`; T is the greatest length. Padding is 0.
    targets : array, shape (B, 4) or (B, 8)
        The class, one-hot, in the order of `CLASSES`: what the network should give at the sequence's end.
    lengths : array of integers, shape (B,)
        From 100 to 110.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.6. A sequence is right when the error of every output is below 0.3;
    training stops when the last 2,000 are, and the mean error is below 0.1. Gers, Schmidhuber and Cummins 2000 take
    task 6b as it is, and call it the noisy temporal order problem.

    Examples
    --------
    >>> import numpy as np
    >>> xs, targets, lengths = temporal_order(2, 1, rng=np.random.default_rng(0))
    >>> text = "".join(SYMBOLS[k] for k in xs[:, 0].argmax(axis=-1))
    >>> text[:22], [letter for letter in text if letter in "XY"], CLASSES[2][targets[0].argmax()]
    ('EcbbaaaadcYccdccccdbdc', ['Y', 'Y'], 'U')
    """
    _check(relevant, B, rng, dtype)
    tokens, lengths, classes = _draw(relevant, B, rng)
    return np.eye(len(SYMBOLS) + 1, len(SYMBOLS), dtype=dtype)[tokens], _one_hot(classes, relevant, dtype), lengths


def continual_temporal_order(relevant, sequences, B, *, rng, dtype=np.float64):
    """Sequences of the temporal order problem one after the other, in streams without a mark between them.

    Parameters
    ----------
    relevant : int
        As in `temporal_order`; 3 in the paper.
    sequences : int
        How many a stream has; 100 in the paper.
    B : int
        Streams.
    rng : numpy.random.Generator
        Draws them.
    dtype : numpy dtype
        Of inputs and targets.

    Returns
    -------
    xs : array, shape (T, B, 8)
        T is the greatest length of a stream. Padding is 0.
    targets : array, shape (T, B, 4) or (T, B, 8)
        The class, one-hot, at the last symbol of each sequence; 0 elsewhere.
    lengths : array of integers, shape (B,)
        The streams' lengths.
    ends : array of bool, shape (T, B)
        Where a sequence ends, and a class is asked for.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Gers, Schmidhuber and Cummins 2000, section 4.3, which was not seen; the number of sequences is that of notes on
    the paper. Whether there is a target between the sequences' ends could not be found out: `ends` leaves it open.

    Examples
    --------
    >>> import numpy as np
    >>> xs, targets, lengths, ends = continual_temporal_order(3, 5, 2, rng=np.random.default_rng(0))
    >>> ends.sum(axis=0).tolist(), targets.sum(axis=(0, 2)).tolist(), bool(500 <= lengths.min() <= 550)
    ([5, 5], [5.0, 5.0], True)
    """
    _check(relevant, B, rng, dtype)
    check_sizes(sequences=sequences)
    tokens, lengths, classes = _draw(relevant, sequences * B, rng)
    lengths = lengths.reshape(sequences, B)
    after = lengths.cumsum(axis=0)
    T = after[-1].max()
    stream = np.full((T, B), len(SYMBOLS))
    targets, ends = np.zeros((T, B, 2**relevant), dtype=dtype), np.zeros((T, B), dtype=bool)
    columns = tokens.reshape(-1, sequences, B)
    for s in range(sequences):
        for b in range(B):
            stream[after[s, b] - lengths[s, b] : after[s, b], b] = columns[: lengths[s, b], s, b]
        ends[after[s] - 1, np.arange(B)] = True
        targets[after[s] - 1, np.arange(B)] = _one_hot(classes.reshape(sequences, B)[s], relevant, dtype)
    return np.eye(len(SYMBOLS) + 1, len(SYMBOLS), dtype=dtype)[stream], targets, after[-1], ends


def _check(relevant, B, rng, dtype):
    if relevant not in POSITIONS:
        raise ValueError(f"relevant is {relevant!r}; it should be 2 (task 6a) or 3 (task 6b)")
    check_sizes(B=B)
    check_generator(rng)
    check_dtype(dtype)


def _draw(relevant, B, rng):
    """Tokens (T, B), 8 where there is padding; lengths (B,); classes (B,)."""
    lengths = rng.integers(100, 110, B, endpoint=True)
    T, columns = lengths.max(), np.arange(B)
    tokens = rng.integers(SYMBOLS.index("a"), len(SYMBOLS), (T, B))
    tokens[0] = SYMBOLS.index("E")
    classes = np.zeros(B, dtype=np.int64)
    for first, last in POSITIONS[relevant]:
        is_y = rng.integers(0, 2, B)
        tokens[rng.integers(first, last, B, endpoint=True) - 1, columns] = SYMBOLS.index("X") + is_y
        classes = 2 * classes + is_y
    tokens[lengths - 1, columns] = SYMBOLS.index("B")
    tokens[np.arange(T)[:, None] >= lengths] = len(SYMBOLS)
    return tokens, lengths, classes


def _one_hot(classes, relevant, dtype):
    return np.eye(2**relevant, dtype=dtype)[classes]
