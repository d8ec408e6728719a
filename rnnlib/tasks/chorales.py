"""Bach's chorales as piano roll: which keys sound at each step."""

from functools import cache
from pathlib import Path

import numpy as np

from rnnlib.validation import check_dtype

_FILE = Path(__file__).with_name("chorales.npz")  # made by experiments/data/chorales.py

#: MIDI's number of the first of the 88 keys; key k is pitch 21 + k.
LOWEST = 21

#: Of every five chorales in the order of Bach's catalogue, the first three are to train on.
SPLITS = {"train": (0, 1, 2), "valid": (3,), "test": (4,)}


def chorales(split, *, steps_per_quarter=1, transposed=True):
    """The chorales of one part of the data.

    Parameters
    ----------
    split : str
        ``"train"``, ``"valid"`` or ``"test"``: of every five chorales, in the order of the catalogue of Bach's works,
        the first three, the fourth and the fifth.
    steps_per_quarter : int
        1 for a step each quarter note, as Boulanger-Lewandowski, Bengio and Vincent 2012 have it: what sounds between
        two quarters is passed over. 2 for a step each eighth note.
    transposed : bool
        Bring each to C major or C minor, by at most 6 keys, as in that paper; else leave it in its own key.

    Returns
    -------
    pieces : list of arrays of uint8, shape (T, 88)
        1 where a key of the piano sounds at a step, lowest key first; mostly four at a time.

    Raises
    ------
    ValueError
        When an argument is not as above.

    Source
    ------
    The scores of music21's corpus; rnnlib/tasks/README.md says what was done to them. This is not the set "JSB
    chorales" of Boulanger-Lewandowski, Bengio and Vincent 2012, with which Chung et al. 2014, Pascanu et al. 2014 and
    Greff et al. 2016 work: pieces, split and the keys that they are brought to differ. A negative log-likelihood on
    these chorales compares with a published one in order, not in the second decimal.

    Examples
    --------
    >>> pieces = chorales("test")
    >>> len(pieces), pieces[0].shape
    (77, (48, 88))
    >>> (pieces[0][0].nonzero()[0] + LOWEST).tolist()  # MIDI pitches of its first chord
    [60, 63, 67, 72]
    """
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; it should be one of {', '.join(SPLITS)}")
    if steps_per_quarter not in (1, 2):
        raise ValueError(f"steps_per_quarter is {steps_per_quarter!r}; it should be 1 or 2")
    pieces = []
    for place, (_, roll, tonic, _) in enumerate(_all_pieces()):
        if place % 5 in SPLITS[split]:
            shift = (6 - tonic) % 12 - 6 if transposed else 0
            pieces.append(np.roll(roll, shift, axis=1)[:: 2 // steps_per_quarter])
    return pieces


def next_step_batch(pieces, dtype=np.float64):
    """Pieces as a padded batch, each step to be predicted from those before it.

    Parameters
    ----------
    pieces : sequence of arrays of 0 and 1, shape (T, 88)
        B of them, each of at least two steps.
    dtype : numpy dtype
        Of inputs and targets.

    Returns
    -------
    xs : array, shape (T, B, 88)
        All steps but the last; T is the longest piece's number of steps minus 1. Padding is 0.
    targets : array, shape (T, B, 88)
        The step after each. Padding is 0.
    lengths : array of integers, shape (B,)
        The pieces' numbers of steps minus 1.

    Raises
    ------
    ValueError
        When there is no piece, one is not of that shape, or the dtype is neither float32 nor float64.

    Examples
    --------
    >>> xs, targets, lengths = next_step_batch(chorales("valid")[:3])
    >>> xs.shape, lengths.tolist()
    ((47, 3, 88), [47, 39, 39])
    """
    check_dtype(dtype)
    if not len(pieces):
        raise ValueError("pieces is empty; it should hold at least one piece")
    for b, piece in enumerate(pieces):
        if np.ndim(piece) != 2 or np.shape(piece)[0] < 2 or np.shape(piece)[1] != 88:
            raise ValueError(f"pieces[{b}] has shape {np.shape(piece)}; it should be (T, 88) with T at least 2")
    lengths = np.array([len(piece) - 1 for piece in pieces])
    xs = np.zeros((lengths.max(), len(pieces), 88), dtype=dtype)
    targets = np.zeros_like(xs)
    for b, piece in enumerate(pieces):
        xs[: lengths[b], b], targets[: lengths[b], b] = piece[:-1], piece[1:]
    return xs, targets, lengths


@cache
def _all_pieces():
    """Every piece as (name, roll, tonic, minor), in the order of the catalogue, at eighth notes, in its own key."""
    with np.load(_FILE) as file:
        rolls = np.split(np.unpackbits(file["rolls"], axis=1), file["lengths"].astype(int).cumsum()[:-1])
        return list(zip(file["names"].tolist(), rolls, file["tonics"].tolist(), file["minor"].tolist(), strict=True))
