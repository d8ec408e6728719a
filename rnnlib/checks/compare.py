"""Comparison of what came back with what was expected, and the words for where it differs."""

import numpy as np

#: A number is right when it is this close, times the largest expected number of its array or 1, whichever is more.
#: Measured on 300 seeds, the right solutions of `rnnlib.checks.styles` are off by at most 2e-12 in float64 (where
#: inputs reach 10000; else 3e-15) and 9e-7 in float32; each mistake of the catalogue, in some case, by 0.08 and more.
#: The dtype of what came back decides; that it is too narrow for the arguments is another verdict.
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}

AXES = {"T": "time step", "B": "batch row", "D": "input", "H": "unit", "K": "class"}


def differing(got, want):
    """Where two arrays differ.

    Parameters
    ----------
    got, want : arrays of one shape
        `want` is finite; a NaN or infinity in `got` differs.
    tolerance : float

    Returns
    -------
    mask : array of bool
    """
    if want.dtype.kind in "iu":
        return got != want
    tolerance = TOLERANCE["float32" if got.dtype == np.float32 else "float64"]
    return ~(np.abs(got - want) <= tolerance * max(1.0, np.abs(want).max(initial=0)))


def same(got, other):
    """Whether two answers agree, not-a-number and infinities in the same places.

    Parameters
    ----------
    got, other : tuples of arrays

    Returns
    -------
    agree : bool
    """
    if [a.shape for a in got] != [b.shape for b in other]:
        return False
    for a, b in zip(got, other, strict=True):
        finite = np.isfinite(a)
        if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
            return False
        if differing(a[finite], b[finite]).any():
            return False
    return True


def first_difference(output, got, want, reveal):
    """Say where an array first differs from the expected one, and by how much.

    Parameters
    ----------
    output : Output
        What the array is called, and its axes.
    got, want : arrays of one shape
    reveal : bool
        Give the expected number and the error.

    Returns
    -------
    words : str or None
        None when they agree.
    """
    wrong = differing(got, want)
    if not wrong.any():
        return None
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    mine, right = got[index], want[index]
    yours, expected = show(mine, right if reveal else mine), show(right, mine)
    if not index:
        if not reveal:
            return f"`{output.name}` is {yours}, which is wrong."
        ratio = f"{mine / right:.4g}"
        times = "" if ratio in ("1", "inf", "-inf", "nan") else f": {ratio} times as much"
        return f"`{output.name}` is {yours}, expected {expected}{times}."
    letters = axes_of(output, want.ndim)
    place = ", ".join(f"{AXES[letter]} {i}" for letter, i in zip(letters, index, strict=True))
    words = f"First at `{output.name}[{', '.join(map(str, index))}]` ({place}; counted from 0): yours is {yours}"
    words += f", expected {expected}. " if reveal else ". "
    if letters[0] == "T" and index[0] > 0:
        words += f"The step{'s' if index[0] > 1 else ''} before {'are' if index[0] > 1 else 'is'} right. "
    words += f"{wrong.sum()} of {wrong.size} entries differ"
    if reveal and not output.integer and np.isfinite(got).all():
        error = np.abs(got - want).max() / np.abs(want).max()
        words += f"; the largest error is {error:.2g} times the largest expected number"
    return words + "."


def shape_in_letters(output, want, shape):
    """Name the axes of a wrong shape, where each of its sizes is that of one expected axis.

    Parameters
    ----------
    output : Output
    want, shape : tuples of int
        The expected shape, whose sizes all differ, and the one that came.

    Returns
    -------
    letters : str or None
        Such as ``(B, T, H)``; None where a size is none of the expected, or one comes twice.
    """
    letters = dict(zip(want, axes_of(output, len(want)), strict=True))
    if len(letters) < len(want) or len(set(shape)) < len(shape) or not set(shape) <= letters.keys():
        return None
    return in_brackets([letters[size] for size in shape])


def axes_of(output, ndim):
    """A letter for each axis of an output with that many; leading axes stand for time and batch.

    Parameters
    ----------
    output : Output
    ndim : int

    Returns
    -------
    letters : list of str
    """
    if not output.axes.startswith("..."):
        return list(output.axes)
    return ["T", "B", *output.axes[3:]][-ndim:]


def in_brackets(entries):
    """``(T, B)``, or ``(T,)``.

    Parameters
    ----------
    entries : sequence

    Returns
    -------
    words : str
    """
    return "(" + ", ".join(map(str, entries)) + ("," if len(entries) == 1 else "") + ")"


def show(number, beside):
    """A number in six digits, or in all where six would not tell it from the one beside it.

    Parameters
    ----------
    number, beside : number

    Returns
    -------
    words : str
    """
    short = f"{number:.6g}"
    return repr(number.item()) if number != beside and short == f"{beside:.6g}" else short
