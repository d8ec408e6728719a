"""Comparison of what came back with what was expected, and the words for where it differs."""

from dataclasses import replace

import numpy as np

#: A number is right when it is this close, times the largest expected number of its array or 1, whichever is more.
#: `make grader-proof` measures how far right solutions are off: at most 8e-13 in float64 and 1e-6 in float32. Each
#: mistake of the catalogue is off by 0.05 and more in some case. An exercise may have a tolerance of its own.
#: The dtype of what came back decides; that it is too narrow for the arguments is another verdict.
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}

AXES = {
    "T": "time step",
    "B": "batch row",
    "D": "input",
    "E": "input",
    "H": "unit",
    "K": "class",
    "V": "word",
    "G": "column",
    "N": "chunk",
}


def differing(got, want, tolerance=None):
    """Where two arrays differ.

    Parameters
    ----------
    got, want : arrays of one shape
        `want` is finite; a NaN or infinity in `got` differs.
    tolerance : float, optional
        In place of `TOLERANCE`.

    Returns
    -------
    mask : array of bool
    """
    if want.dtype.kind in "iu":
        return got != want
    tolerance = tolerance or TOLERANCE["float32" if got.dtype == np.float32 else "float64"]
    return ~(np.abs(got - want) <= tolerance * max(1.0, np.abs(want).max(initial=0)))


def same(got, other, tolerance=None):
    """Whether two answers agree, not-a-number and infinities in the same places.

    Parameters
    ----------
    got, other : tuples of arrays
    tolerance : float, optional
        In place of `TOLERANCE`.

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
        if differing(a[finite], b[finite], tolerance).any():
            return False
    return True


def first_difference(output, got, want, reveal, tolerance=None):
    """Say where an array first differs from the expected one, and by how much.

    Parameters
    ----------
    output : Output
        What the array is called, and its axes.
    got, want : arrays of one shape
    reveal : bool
        Give the expected number and the error.
    tolerance : float, optional
        In place of `TOLERANCE`.

    Returns
    -------
    words : str or None
        None when they agree.
    """
    wrong = differing(got, want, tolerance)
    if not wrong.any():
        return None
    places = np.argwhere(wrong)
    if output.backward:  # what is computed first is the last time step
        places = places[places[:, 0] == places[-1, 0]]
    index = tuple(int(i) for i in places[0])
    mine, right = got[index], want[index]
    yours, expected = show(mine, right if reveal else mine), show(right, mine)
    if not index:
        if not reveal:
            return f"`{output.name}` is {yours}, which is wrong."
        ratio = f"{mine / right:.4g}"
        times = "" if ratio in ("1", "inf", "-inf", "nan") else f": {ratio} times as much"
        return f"`{output.name}` is {yours}, expected {expected}{times}."
    letters = axes_of(output, want.ndim)
    place = ", ".join(
        part_in_words(output, letter, i, n) for letter, i, n in zip(letters, index, want.shape, strict=True)
    )
    name = output.name
    inside = index
    if "[t]" in name:
        name, inside = name.replace("[t]", f"[{index[0]}]"), index[1:]
    words = f"First at `{name}[{', '.join(map(str, inside))}]` ({place}; counted from 0): yours is {yours}"
    words += f", expected {expected}. " if reveal else ". "
    if output.backward:
        after = len(want) - 1 - index[0]
        words += "It is the last step, the first on the way back. " if after == 0 else ""
        words += f"The step{'s' if after > 1 else ''} after it {'are' if after > 1 else 'is'} right. " if after else ""
    elif letters[0] == "T" and index[0] > 0:
        words += f"The step{'s' if index[0] > 1 else ''} before {'are' if index[0] > 1 else 'is'} right. "
    if letters[-1] == "G" and output.blocks:
        parts = zip(output.blocks, np.split(wrong, len(output.blocks), axis=-1), strict=True)
        right = [block for block, part in parts if not part.any()]
        words += f"The block{'s' if len(right) > 1 else ''} {listed(right)} " if right else ""
        words += f"{'are' if len(right) > 1 else 'is'} right. " if right else ""
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
    return axes_in_brackets(replace(output, axes="".join(letters[size] for size in shape)))


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


def listed(names):
    """``i, f and g``.

    Parameters
    ----------
    names : list of str
        At least one.

    Returns
    -------
    words : str
    """
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])


def part_in_words(output, letter, i, n):
    """Where an index stands on one axis: ``time step 3``, or ``column 7: block f, unit 2``.

    Parameters
    ----------
    output : Output
    letter : str
        The axis.
    i : int
        The index.
    n : int
        The axis' size.

    Returns
    -------
    words : str
    """
    if letter != "G" or not output.blocks:
        return f"{AXES[letter]} {i}"
    block, unit = divmod(i, n // len(output.blocks))
    return f"{AXES[letter]} {i}: block {output.blocks[block]}, unit {unit}"


def axes_in_brackets(output):
    """The axes of an output: ``(T, B, H)``, ``(D, 4H)``.

    Parameters
    ----------
    output : Output

    Returns
    -------
    words : str
    """
    blocks = f"{len(output.blocks)}H"
    return in_brackets([blocks if axis == "G" else axis for axis in output.axes.replace("...", "")])


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
