"""When a prediction is right and when training is over: the rules that the tasks' papers share."""

import numpy as np

from rnnlib.validation import check_array, check_lengths, check_number, check_sizes


def at_end(ys, lengths):
    """What a network gives at each sequence's last step, where tasks of one answer are judged.

    Parameters
    ----------
    ys : array, shape (T, B, K)
        The outputs at every step.
    lengths : array of integers, shape (B,)
        How many steps each sequence has.

    Returns
    -------
    last : array, shape (B, K)

    Raises
    ------
    TypeError, ValueError
        When an argument's type, shape, dtype or an entry is wrong; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> ys = np.arange(6.0).reshape(3, 2, 1)
    >>> at_end(ys, np.array([3, 1])).tolist()
    [[4.0], [1.0]]
    """
    check_array("ys", ys, {"T": None, "B": None, "K": None})
    T, B, _ = ys.shape
    check_lengths(lengths, B, T)
    return ys[lengths - 1, np.arange(B)]


def largest_error(ys, targets):
    """The largest absolute error of any output unit.

    Parameters
    ----------
    ys : array of float32 or float64, shape (..., K)
        What a network gives.
    targets : array, the shape of ys
        What it should give.

    Returns
    -------
    errors : array, shape (...)

    Raises
    ------
    TypeError, ValueError
        When an argument's type, shape, dtype or an entry is wrong; the message names it.

    Source
    ------
    Hochreiter and Schmidhuber 1997, table 11, where "ABS(0.04)" stands for "below 0.04 at the sequence's end".

    Examples
    --------
    >>> import numpy as np
    >>> largest_error(np.array([[0.5, 0.25]]), np.array([[1.0, 0.0]])).tolist()
    [0.5]
    """
    check_array("targets", targets, {f"axis {i}": None for i in range(np.ndim(targets))})
    check_array("ys", ys, targets.shape)
    return np.abs(ys - targets).max(axis=-1)


def learned(errors, *, right, average, recent=2000):
    """Whether training is over: the most recent sequences are all right, and their error is small on average.

    Parameters
    ----------
    errors : array of float32 or float64, shape (n, ...)
        The error of each sequence at its end, in the order of training; further axes are networks side by side.
    right : float
        A sequence is right when its error is below this.
    average : float
        The mean error should be below this.
    recent : int
        How many sequences are looked at, the last ones.

    Returns
    -------
    over : bool, or array of bool, shape (...)
        False where there were fewer than `recent` sequences.

    Raises
    ------
    TypeError, ValueError
        When an argument's type, shape, dtype or an entry is wrong; the message names it.

    Source
    ------
    Hochreiter and Schmidhuber 1997, table 11, ST3. The paper does not say over what the training error is averaged;
    here over the same recent sequences.

    Examples
    --------
    >>> import numpy as np
    >>> learned(np.full(2000, 0.009), right=0.04, average=0.01)
    True
    >>> learned(np.full(2000, 0.011), right=0.04, average=0.01)
    False
    """
    last = _last(errors, recent)
    right, average = check_number("right", right), check_number("average", average)
    if last is None:
        return _as_bool(np.zeros(errors.shape[1:], dtype=bool))
    return _as_bool((last < right).all(axis=0) & (last.mean(axis=0) < average))


def few_wrong(errors, *, right, wrong, recent=2000):
    """Whether fewer than so many of the most recent sequences are wrong.

    Parameters
    ----------
    errors : array of float32 or float64, shape (n, ...)
        As in `learned`.
    right : float
        A sequence is wrong when its error is above this.
    wrong : int
        How many are too many.
    recent : int
        How many sequences are looked at, the last ones.

    Returns
    -------
    over : bool, or array of bool, shape (...)
        False where there were fewer than `recent` sequences.

    Raises
    ------
    TypeError, ValueError
        When an argument's type, shape, dtype or an entry is wrong; the message names it.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.5: n_seq of 140 and of 13, for the multiplication problem.

    Examples
    --------
    >>> import numpy as np
    >>> errors = np.where(np.arange(2000) < 13, 0.05, 0.0)
    >>> few_wrong(errors, right=0.04, wrong=140), few_wrong(errors, right=0.04, wrong=13)
    (True, False)
    """
    last = _last(errors, recent)
    right = check_number("right", right)
    check_sizes(wrong=wrong)
    if last is None:
        return _as_bool(np.zeros(errors.shape[1:], dtype=bool))
    return _as_bool((last > right).sum(axis=0) < wrong)


def steps_before_error(right):
    """How long a stream is predicted without an error.

    Parameters
    ----------
    right : array of bool, shape (T, ...)
        Whether each step's prediction is right.

    Returns
    -------
    steps : array of integers, shape (...)
        The number of steps before the first wrong one; T where there is none.

    Raises
    ------
    TypeError, ValueError
        When `right` is no array of bool, or has no step.

    Source
    ------
    Gers, Schmidhuber and Cummins 2000, who end a stream at its first wrong prediction.

    Examples
    --------
    >>> import numpy as np
    >>> steps_before_error(np.array([[True, True], [True, False], [True, True]])).tolist()
    [3, 1]
    """
    if not isinstance(right, np.ndarray):
        raise TypeError(f"right is of type {type(right).__name__}; it should be a numpy array of bool, shape (T, ...)")
    if right.dtype != bool or right.ndim < 1 or right.shape[0] < 1:
        raise ValueError(f"right has dtype {right.dtype} and shape {right.shape}; it should be bool and (T, ...)")
    return np.where(right.all(axis=0), right.shape[0], right.argmin(axis=0))


def _last(errors, recent):
    """The last `recent` rows of the errors, or None where there are fewer."""
    check_array("errors", errors, {f"axis {i}": None for i in range(max(np.ndim(errors), 1))})
    check_sizes(recent=recent)
    return errors[-recent:] if len(errors) >= recent else None


def _as_bool(answer):
    return bool(answer) if np.ndim(answer) == 0 else answer
