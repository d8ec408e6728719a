"""Copy memory: say again, after a long wait, what was read."""

import numpy as np

from rnnlib.validation import check_dtype, check_generator, check_sizes


def copy_memory(T, B, *, rng, symbols=8, items=10, dtype=np.float64):
    """Remember some symbols over T steps, then say them in their order.

    A sequence has T + 2·items steps: the symbols to remember, T - 1 blanks, a delimiter that asks for them, and
    blanks while they are said. The answer is blank until then. With ten items and eight symbols the paper's task.

    Parameters
    ----------
    T : int
        How long to wait.
    B : int
        Sequences.
    rng : numpy.random.Generator
        Draws the symbols to remember, each with the same probability.
    symbols : int
        How many kinds there are: tokens from 0 to symbols - 1. The blank has the token `symbols`, the delimiter the
        next.
    items : int
        How many are to be remembered.
    dtype : numpy dtype
        Of the input.

    Returns
    -------
    xs : array, shape (T + 2·items, B, symbols + 2)
        One-hot.
    targets : array of integers, shape (T + 2·items, B)
        From 0 to `symbols`, the blank.
    lengths : array of integers, shape (B,)
        All T + 2·items: the sequences are separate.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Arjovsky, Shah and Bengio 2016, section 5.1, after Hochreiter and Schmidhuber 1997.

    Examples
    --------
    >>> import numpy as np
    >>> xs, targets, lengths = copy_memory(4, 1, rng=np.random.default_rng(0), items=3)
    >>> xs[:, 0].argmax(axis=-1).tolist()
    [6, 5, 4, 8, 8, 8, 9, 8, 8, 8]
    >>> targets[:, 0].tolist()
    [8, 8, 8, 8, 8, 8, 8, 6, 5, 4]
    """
    check_sizes(T=T, B=B, symbols=symbols, items=items)
    check_generator(rng)
    check_dtype(dtype)
    steps, blank = T + 2 * items, symbols
    tokens, targets = np.full((steps, B), blank), np.full((steps, B), blank)
    tokens[:items] = targets[-items:] = rng.integers(0, symbols, (items, B))
    tokens[items + T - 1] = blank + 1
    return np.eye(symbols + 2, dtype=dtype)[tokens], targets, np.full(B, steps)


def memoryless_loss(T, *, symbols=8, items=10):
    r"""The cross-entropy of the best answer that remembers nothing: blanks, then each symbol alike.

    .. math:: L = \frac{\text{items} \cdot \log \text{symbols}}{T + 2 \cdot \text{items}}

    Parameters
    ----------
    T, symbols, items : int
        As in `copy_memory`.

    Returns
    -------
    loss : float
        In nats a step.

    Raises
    ------
    ValueError
        When a size is less than 1.

    Source
    ------
    Arjovsky, Shah and Bengio 2016, section 5.1.

    Examples
    --------
    >>> round(memoryless_loss(100), 4)
    0.1733
    """
    check_sizes(T=T, symbols=symbols, items=items)
    return float(items * np.log(symbols) / (T + 2 * items))
