"""Fair comparisons: networks of equal numbers of weights, and differences between runs that share a seed."""

import numpy as np


def largest_within(build, weights):
    """The most units that a number of weights allows.

    Parameters
    ----------
    build : callable
        ``build(units)`` gives a network that has more weights the more units it has.
    weights : int
        The number not to be exceeded.

    Returns
    -------
    units : int

    Raises
    ------
    ValueError
        When one unit is too many.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import RNN
    >>> largest_within(lambda H: RNN(10, H, rng=np.random.default_rng(0)), 500)  # 17² + 11 · 17 = 476
    17
    """
    least, most = 0, 1
    while build(most).count_parameters() <= weights:
        least, most = most, 2 * most
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if build(middle).count_parameters() <= weights else (least, middle)
    if not least:
        raise ValueError(f"weights is {weights}; a network of one unit has {build(1).count_parameters()}")
    return least


def difference(lower, higher):
    """The mean difference of two kinds of runs, paired by seed, with its standard error.

    Parameters
    ----------
    lower, higher : sequence of float
        A number for each seed, in the same order; at least two.

    Returns
    -------
    mean, error : float
        Of ``lower - higher``; `error` is the standard deviation (n - 1) over the square root of n.
    """
    apart = np.subtract(lower, higher)
    return float(apart.mean()), float(apart.std(ddof=1) / np.sqrt(len(apart)))


def is_lower(claim, lower, higher, unit):
    """A finding: of two kinds of runs, one gives the lower numbers.

    It agrees when the mean difference is negative and more than two standard errors from 0.

    Parameters
    ----------
    claim : str
        What the paper says.
    lower, higher : sequence of float
        As in `difference`.
    unit : str
        Of the numbers.

    Returns
    -------
    finding : dict
    """
    mean, error = difference(lower, higher)
    return {
        "claim": claim,
        "here": f"{np.mean(lower):.3f} against {np.mean(higher):.3f} {unit}: a difference of {mean:+.3f} ± {error:.3f} "
        f"(standard error, {len(lower)} seeds)",
        "agrees": bool(mean < -2 * error),
    }
