"""Cases: the arguments that a function is tried on, drawn from a seed."""

import os
from dataclasses import dataclass

import numpy as np

#: Parts of the battery that a case belongs to.
ORDINARY, SMALL, EXTREME, SINGLE = "values", "small sizes", "extreme inputs", "float32"


@dataclass(frozen=True)
class Case:
    """One call of the function."""

    part: str  #: ORDINARY, SMALL, EXTREME or SINGLE
    words: str  #: what is particular about it: ``T = 5, B = 3``
    args: dict[str, object]  #: by name, in the order of the signature; arrays, numbers or named tuples of arrays

    def copies(self):
        """Fresh copies of the arguments, so that what a function does to them stays in its call.

        Returns
        -------
        args : list
        """
        return [a.copy() if isinstance(a, np.ndarray) else a for a in self.args.values()]


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
    return {
        name: a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a
        for name, a in args.items()
    }
