"""One wording for every complaint about an argument: its name, what it is, what it should be."""

from numbers import Real

import numpy as np


def check_array(name, value, shape, dtype=None):
    """Raise unless `value` is a finite floating-point array of the given shape.

    Parameters
    ----------
    name : str
        The argument's name, as the caller knows it.
    value : object
        What the caller passed.
    shape : dict of str to int or None, or tuple of int
        The axes in order, letter to size; None lets any size of at least 1 pass, as in ``{"T": None, "D": 5}``. A tuple
        gives the sizes without letters.
    dtype : numpy dtype, optional
        The exact dtype wanted; by default float32 and float64 pass.

    Raises
    ------
    TypeError
        When `value` is not a numpy array.
    ValueError
        When its shape or dtype is another, or an entry is NaN or infinite.
    """
    if not _is_array(value):
        raise TypeError(
            f"{name} is of type {type(value).__name__}; it should be a numpy array of shape {_wanted(shape)}"
        )
    sizes = shape.values() if isinstance(shape, dict) else shape
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
    if not _is_array(value):
        raise TypeError(f"{name} is of type {type(value).__name__}; it should be a numpy array of integers")
    if value.shape != shape:
        raise ValueError(f"{name} has shape {value.shape}; it should be {shape}, one class for each row of logits")
    if value.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {value.dtype}; it should be an integer type")
    outside = (value < 0) | (value >= classes)
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(f"{name} is {value[index]} at index {index}; it should be a class from 0 to {classes - 1}")


def check_lengths(lengths, B, T):
    """Raise unless `lengths` says for each sequence of a padded batch how many of its steps count.

    Parameters
    ----------
    lengths : object
        What the caller passed.
    B, T : int
        Batch size and number of steps, padding included.

    Raises
    ------
    TypeError
        When it is not a numpy array.
    ValueError
        When it is not of integers and shape (B,), or an entry is not from 1 to T.
    """
    if not _is_array(lengths):
        raise TypeError(f"lengths is of type {type(lengths).__name__}; it should be a numpy array of shape (B,)")
    if lengths.shape != (B,):
        raise ValueError(f"lengths has shape {lengths.shape}; it should be (B,) with B = {B}")
    if lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths has dtype {lengths.dtype}; it should be an integer type")
    outside = (lengths < 1) | (lengths > T)
    if outside.any():
        b = int(np.argmax(outside))
        raise ValueError(f"lengths is {lengths[b]} at index ({b},); it should be from 1 to T = {T}")


def check_sizes(**sizes):
    """Raise unless every argument is an integer of at least 1.

    Parameters
    ----------
    **sizes : object
        What the caller passed, under the arguments' names.

    Raises
    ------
    ValueError
        When one is not.
    """
    for name, size in sizes.items():
        if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
            raise ValueError(f"{name} is {size!r}; it should be an integer of at least 1")


def check_number(name, value):
    """Raise unless `value` is a real number, Python's or numpy's.

    Parameters
    ----------
    name : str
        The argument's name, as the caller knows it.
    value : object
        What the caller passed.

    Returns
    -------
    number : float
        Python's own: unlike a numpy number, it leaves a float32 array that it is multiplied with float32.

    Raises
    ------
    TypeError
        When it is not.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; it should be a number")
    return float(value)


def check_dtype(dtype):
    """Raise unless `dtype` is one that layers compute in.

    Parameters
    ----------
    dtype : numpy dtype

    Raises
    ------
    ValueError
        When it is neither float32 nor float64.
    """
    try:
        known = None if dtype is None else np.dtype(dtype)  # numpy takes None for float64
    except TypeError:
        known = None
    if known not in (np.float32, np.float64):
        raise ValueError(f"dtype is {dtype if known is None else known}; it should be float32 or float64")


def check_generator(rng):
    """Raise unless `rng` is a source of random numbers.

    Parameters
    ----------
    rng : object
        What the caller passed.

    Raises
    ------
    TypeError
        When it is no `numpy.random.Generator`.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; it should be a Generator, such as numpy.random.default_rng(0)")


def check_forward_was_called(saved):
    """Raise unless a layer has what its forward pass keeps.

    Parameters
    ----------
    saved : object
        None before the first forward pass.

    Raises
    ------
    RuntimeError
        When it is None.
    """
    if saved is None:
        raise RuntimeError("backward was called before forward; run forward first, on the input to learn from")


def _is_array(value):
    """Whether it is a numpy array that computes as one: a mask would be passed over, a matrix has another product."""
    return isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray | np.matrix)


def _wanted(shape):
    if not isinstance(shape, dict):
        return str(shape)
    known = ", ".join(f"{letter} = {size}" for letter, size in shape.items() if size is not None)
    letters = "(" + ", ".join(shape) + ("," if len(shape) == 1 else "") + ")"
    return f"{letters} with {known}" if known else letters
