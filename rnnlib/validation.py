"""One wording for every complaint about an argument: its name, what it is, what it should be."""

import numpy as np


def check_array(name, value, shape, dtype=None):
    """Raise unless `value` is a finite floating-point array of the given shape.

    Parameters
    ----------
    name : str
        The argument's name, as the caller knows it.
    value : object
        What the caller passed.
    shape : dict of str to int or None
        The axes in order, letter to size; None lets any size of at least 1 pass, as in ``{"T": None, "D": 5}``.
    dtype : numpy dtype, optional
        The exact dtype wanted; by default float32 and float64 pass.

    Raises
    ------
    TypeError
        When `value` is not a numpy array.
    ValueError
        When its shape or dtype is another, or an entry is NaN or infinite.
    """
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"{name} is of type {type(value).__name__}; it should be a numpy array of shape {_wanted(shape)}"
        )
    sizes = shape.values()
    fits = value.ndim == len(shape) and all(
        n >= 1 if want is None else n == want for n, want in zip(value.shape, sizes, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} has shape {value.shape}; it should be {_wanted(shape)}")
    if dtype is None:
        if value.dtype not in (np.float32, np.float64):
            raise ValueError(f"{name} has dtype {value.dtype}; it should be float32 or float64")
    elif value.dtype != dtype:
        raise ValueError(f"{name} has dtype {value.dtype}; it should be {np.dtype(dtype)}")
    finite = np.isfinite(value)
    if not finite.all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"{name} is {value[index]} at index {index}; every entry should be finite")


def check_targets(name, value, shape, classes):
    """Raise unless `value` is an integer array of exactly this shape with entries in 0 … classes - 1.

    Parameters
    ----------
    name : str
        The argument's name, as the caller knows it.
    value : object
        What the caller passed.
    shape : tuple of int
        The exact shape wanted.
    classes : int
        K, the number of classes.

    Raises
    ------
    TypeError
        When `value` is not a numpy array.
    ValueError
        When its shape or dtype is another, or an entry is not a class.
    """
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} is of type {type(value).__name__}; it should be a numpy array of integers")
    if value.shape != shape:
        raise ValueError(f"{name} has shape {value.shape}; it should be {shape}, one class for each row of logits")
    if value.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {value.dtype}; it should be an integer type")
    outside = (value < 0) | (value >= classes)
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(f"{name} is {value[index]} at index {index}; it should be a class from 0 to {classes - 1}")


def _wanted(shape):
    known = ", ".join(f"{letter} = {size}" for letter, size in shape.items() if size is not None)
    letters = "(" + ", ".join(shape) + ("," if len(shape) == 1 else "") + ")"
    return f"{letters} with {known}" if known else letters
