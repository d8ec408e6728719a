"""Long time lags: two sequences that differ in their first element alone, without noise (2a, 2b) and in it (3a, 3b)."""

import numpy as np

from rnnlib.tasks.criteria import largest_error
from rnnlib.validation import check_dtype, check_generator, check_number, check_sizes


def first_and_last(p, B, *, rng, random_middle=False, dtype=np.float64):
    r"""Predict each next symbol; the last is the first once more, p steps later: tasks 2a and 2b.

    .. math:: (y, a_1, \dots, a_{p-1}, y) \quad\text{or}\quad (x, a_1, \dots, a_{p-1}, x)

    Symbol :math:`a_i` has the token i - 1, x has p - 1, and y has p. In task 2a these two sequences are all there are,
    each with probability 1/2, and a network can be tested on both. In task 2b the middle is random.

    Parameters
    ----------
    p : int
        The lag, at least 2; 100 in the paper's comparison.
    B : int
        Sequences.
    rng : numpy.random.Generator
        Draws them.
    random_middle : bool
        False for task 2a, True for task 2b, where each of the p - 1 symbols between is drawn from
        :math:`a_1 \dots a_{p-1}`.
    dtype : numpy dtype
        Of the input.

    Returns
    -------
    xs : array, shape (p, B, p + 1)
        The symbols but the last, one-hot.
    targets : array of integers, shape (p, B)
        The symbol after each; in task 2b only the last of a sequence can be predicted.
    lengths : array of integers, shape (B,)
        All p: the sequences are separate.

    Raises
    ------
    TypeError, ValueError
        When a size, `rng` or the dtype is not as above.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.2. A run succeeds in 2a when the error of every output at every step is
    below 0.25 for 10,000 sequences, in 2b that at the sequences' ends.

    Examples
    --------
    >>> import numpy as np
    >>> xs, targets, lengths = first_and_last(4, 2, rng=np.random.default_rng(2))
    >>> xs.argmax(axis=-1).T.tolist(), targets.T.tolist()
    ([[4, 0, 1, 2], [3, 0, 1, 2]], [[0, 1, 2, 4], [0, 1, 2, 3]])
    """
    check_sizes(p=p, B=B)
    if p < 2:
        raise ValueError(f"p is {p}; it should be at least 2")
    check_generator(rng)
    check_dtype(dtype)
    ends = p - 1 + rng.integers(0, 2, B)
    middle = rng.integers(0, p - 1, (p - 1, B)) if random_middle else np.tile(np.arange(p - 1)[:, None], B)
    tokens = np.concatenate([ends[None], middle, ends[None]])
    return np.eye(p + 1, dtype=dtype)[tokens[:-1]], tokens[1:], np.full(B, p)


def two_sequence(T, N, B, *, rng, noisy_signal=False, variance=0.2, dtype=np.float64):
    """Tell of which class a noisy sequence is, from its first elements: tasks 3a and 3b, the 2-sequence problem.

    Parameters
    ----------
    T : int
        The least length, at least N; a length is drawn from T to T + T/10.
    N : int
        How many elements carry the class, the first; 1 and 3 in the paper.
    B : int
        Sequences.
    rng : numpy.random.Generator
        Draws them.
    noisy_signal : bool
        False for task 3a, True for task 3b, where noise is added to the first elements too.
    variance : float
        Of the Gaussian noise of mean 0, above 0.
    dtype : numpy dtype
        Of inputs and targets.

    Returns
    -------
    xs : array, shape (T', B, 1)
        1 in the first N elements for class 1 and -1 for class 2, then noise; T' is the greatest length drawn. Padding
        is 0.
    targets : array, shape (B, 1)
        1 for class 1 and 0 for class 2, each with probability 1/2: what the network should give at the sequence's end.
    lengths : array of integers, shape (B,)

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.3, after Bengio, Simard and Frasconi 1994.

    Examples
    --------
    >>> import numpy as np
    >>> xs, targets, lengths = two_sequence(100, 3, 2, rng=np.random.default_rng(2))
    >>> xs[:3, :, 0].T.tolist(), targets.tolist(), lengths.tolist()
    ([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]], [[0.0], [1.0]], [101, 103])
    """
    check_sizes(T=T, N=N, B=B)
    if N > T:
        raise ValueError(f"N is {N}; it should be at most T = {T}")
    if not check_number("variance", variance) > 0:
        raise ValueError(f"variance is {variance}; it should be above 0")
    check_generator(rng)
    check_dtype(dtype)
    first_class = rng.integers(0, 2, B) == 0
    lengths = rng.integers(T, T + T // 10, B, endpoint=True)
    xs = rng.normal(0, np.sqrt(variance), (lengths.max(), B))
    signal = np.where(first_class, 1.0, -1.0)
    xs[:N] = xs[:N] + signal if noisy_signal else signal
    xs[np.arange(len(xs))[:, None] >= lengths] = 0
    return xs[:, :, None].astype(dtype), first_class[:, None].astype(dtype), lengths


def st1_and_st2(ys, targets, *, allowed=0, average=0.01):
    """The two rules by which training on the 2-sequence problem stops.

    Parameters
    ----------
    ys : array of float32 or float64, shape (B, 1)
        Outputs at the ends of the sequences of a test set; 256 in the paper.
    targets : array, the shape of ys
        From `two_sequence`.
    allowed : int
        How many may be misclassified, their absolute error 0.2 or more; 0 for task 3a, 5 for task 3b.
    average : float
        What the mean absolute error should be below, for ST2; 0.01 for task 3a, 0.04 for task 3b.

    Returns
    -------
    st1 : bool
        Whether no more than `allowed` are misclassified.
    st2 : bool
        Whether moreover the mean absolute error is small.

    Raises
    ------
    TypeError, ValueError
        When an argument's type, shape, dtype or an entry is wrong; the message names it.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.3.

    Examples
    --------
    >>> import numpy as np
    >>> st1_and_st2(np.array([[0.9], [0.1]]), np.array([[1.0], [0.0]]))
    (True, False)
    """
    errors = largest_error(ys, targets)
    allowed, average = check_number("allowed", allowed), check_number("average", average)
    st1 = bool((errors >= 0.2).sum() <= allowed)
    return st1, st1 and bool(errors.mean() < average)
