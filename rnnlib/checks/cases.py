"""Cases: the arguments that a function is tried on, drawn from a seed."""

import os
from dataclasses import dataclass, field

import numpy as np

#: Parts of the battery that a case belongs to.
ORDINARY, SMALL, EXTREME, SINGLE = "values", "small sizes", "extreme inputs", "float32"


@dataclass(frozen=True)
class Case:
    """One call of the function."""

    part: str  #: ORDINARY, SMALL, EXTREME or SINGLE
    words: str  #: what is particular about it: ``T = 5, B = 3``
    args: dict[
        str, object
    ]  #: by name, in the order of the signature: arrays, numbers, functions, or collections of them
    #: Of a gradient: the arguments with which the forward function is called, by name, and the gradient by each thing
    #: that it gives back (None for what has none). The gradient asked is that of the sum of their products.
    forward: dict[str, object] | None = field(default=None, repr=False)
    upstream: tuple = field(default=(), repr=False)

    def copies(self):
        """Fresh copies of the arguments, so that what a function does to them stays in its call.

        Returns
        -------
        args : list
        """
        return [each_array(np.copy, a) for a in self.args.values()]


def each_array(function, value):
    """Apply a function to an argument that is an array, or to every array in a tuple, a list or a dict.

    Parameters
    ----------
    function : function
        From array to array.
    value : array, tuple (named or not), list or dict of arrays, or anything else
        What is none of these stays as it is.

    Returns
    -------
    value : as it came
    """
    if isinstance(value, np.ndarray):
        return function(value)
    if isinstance(value, tuple | list):
        entries = [each_array(function, entry) for entry in value]
        return value._make(entries) if hasattr(value, "_make") else type(value)(entries)
    if isinstance(value, dict):
        return {key: each_array(function, entry) for key, entry in value.items()}
    return value


def unchanged(was, now):
    """Whether an argument has still the numbers that it had, rounding aside: who adds and subtracts ε leaves some.

    Parameters
    ----------
    was, now : arrays, numbers, functions, or tuples, lists or dicts of them

    Returns
    -------
    same : bool
    """
    if isinstance(was, dict):
        return isinstance(now, dict) and was.keys() == now.keys() and all(unchanged(was[key], now[key]) for key in was)
    if isinstance(was, tuple | list):
        return isinstance(now, tuple | list) and len(was) == len(now) and all(map(unchanged, was, now))
    if not isinstance(was, np.ndarray):
        return not isinstance(now, np.ndarray) and was == now
    if not isinstance(now, np.ndarray) or now.shape != was.shape or now.dtype.kind not in "biufc":
        return False
    return np.allclose(now, was, rtol=1e-12, atol=1e-12) if was.dtype.kind == "f" else np.array_equal(was, now)


def generator(name, hidden):
    """The Generator that an exercise's cases are drawn from: another for each name, and for the hidden check.

    Parameters
    ----------
    name : str
        Of the exercise.
    hidden : bool
        Seed it from ``RNNLIB_HIDDEN_SEED``.

    Returns
    -------
    rng : numpy.random.Generator
    """
    seed = "hidden " + os.environ.get("RNNLIB_HIDDEN_SEED", "") if hidden else "visible"
    return np.random.default_rng(list(f"{name} {seed}".encode()))


def draw_sizes(rng, letters, start=2):
    """A different size for each axis, so that no two can be mistaken for each other.

    Parameters
    ----------
    rng : numpy.random.Generator
    letters : str
        One an axis, such as ``"TBDH"``.
    start : int
        The smallest size.

    Returns
    -------
    sizes : dict of str to int
        From `start` on, in any order; T is never the smallest, so that a sequence has at least three steps.
    """
    sizes = rng.permutation(np.arange(start, start + len(letters))).tolist()
    if letters[0] == "T" and sizes[0] == start:
        sizes[0], sizes[-1] = sizes[-1], sizes[0]
    return dict(zip(letters, sizes, strict=True))


def in_words(sizes):
    """``T = 5, B = 3`` for ``{"T": 5, "B": 3}``.

    Parameters
    ----------
    sizes : dict of str to int

    Returns
    -------
    words : str
    """
    return ", ".join(f"{letter} = {size}" for letter, size in sizes.items())


def to_single(args):
    """The same arguments with floating-point arrays in float32.

    Parameters
    ----------
    args : dict

    Returns
    -------
    args : dict
    """
    return {name: to_dtype(np.float32, a) for name, a in args.items()}


def to_dtype(dtype, value):
    """An argument with its floating-point arrays in another dtype.

    Parameters
    ----------
    dtype : numpy dtype
    value : as in `each_array`

    Returns
    -------
    value : as it came
    """
    return each_array(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a, value)
