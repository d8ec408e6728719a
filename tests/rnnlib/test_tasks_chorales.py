"""The chorales that ship: the file is the one that was made, its music is music, and the parts do not overlap."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import rnnlib
from rnnlib import GRU, Dense, Network
from rnnlib.losses import mean_squared_error
from rnnlib.tasks.chorales import LOWEST, chorales, next_step_batch

FILE = Path(rnnlib.__file__).parent / "tasks" / "chorales.npz"
ALL = [(split, piece) for split in ("train", "valid", "test") for piece in chorales(split, steps_per_quarter=2)]


def chord(piece, step):
    """The MIDI pitches that sound."""
    return (piece[step].nonzero()[0] + LOWEST).tolist()


def raw():
    with np.load(FILE) as file:
        return {name: file[name] for name in file.files}


def test_the_file_is_the_one_that_was_made():
    arrays = raw()
    digest = hashlib.sha256()
    for name in ("names", "lengths", "tonics", "minor", "rolls"):
        digest.update(arrays[name].astype("S16" if name == "names" else arrays[name].dtype).tobytes())
    assert digest.hexdigest() == "a7182971f50532ba6743a962c494d153b865a1805e7967754c839596d5aa768d"
    assert FILE.stat().st_size < 300_000


def test_the_readme_counts_as_the_file_does():
    arrays = raw()
    text = (FILE.parent / "README.md").read_text(encoding="utf-8")
    assert f"{len(arrays['names'])} of Bach's four-part chorales" in text
    assert f"({len(arrays['rolls']):,}, 11)" in text
    assert arrays["rolls"].shape[1] == 11 and arrays["lengths"].sum() == len(arrays["rolls"])


@pytest.mark.parametrize(
    ("name", "chords"),
    [
        ("bwv269", [[43, 59, 62, 67], [43, 59, 62, 67], [55, 59, 62, 67]]),  # G, then the bass an octave higher
        ("bwv66.6", [[57, 57, 64, 73], [56, 59, 64, 71], [54, 61, 66, 69]]),  # A, E, f sharp: two eighths, a quarter
    ],
)
def test_a_chorale_begins_as_its_score_does(name, chords):
    place = raw()["names"].tolist().index(name)
    split = ("train", "train", "train", "valid", "test")[place % 5]
    before = sum(split == ("train", "train", "train", "valid", "test")[k % 5] for k in range(place))
    piece = chorales(split, steps_per_quarter=2, transposed=False)[before]
    assert [chord(piece, step) for step in range(3)] == [sorted(set(pitches)) for pitches in chords]


def test_parts_are_three_one_one_of_five():
    sizes = {split: len(chorales(split)) for split in ("train", "valid", "test")}
    assert sizes == {"train": 234, "valid": 78, "test": 77}
    pieces = {piece.tobytes() for _, piece in ALL}
    assert len(pieces) == sum(sizes.values())


def test_it_is_four_voices_in_their_ranges():
    rolls = np.concatenate([piece for _, piece in ALL])
    sounding = rolls.sum(axis=1)
    assert sounding.max() == 4 and (sounding >= 3).mean() > 0.98
    assert (sounding == 0).mean() < 0.01
    own = np.concatenate([piece for split in ("train", "valid", "test") for piece in chorales(split, transposed=False)])
    pitches = np.flatnonzero(own.any(axis=0)) + LOWEST
    assert pitches.min() == 36 and pitches.max() == 81  # from the basses' C to the sopranos' a''


def test_transposed_they_are_in_c():
    for split in ("train", "valid", "test"):
        for piece, own in zip(chorales(split), chorales(split, transposed=False), strict=True):
            assert piece.sum() == own.sum()
            shift = piece.nonzero()[1].min() - own.nonzero()[1].min()
            assert -6 <= shift <= 5
            np.testing.assert_array_equal(piece, np.roll(own, shift, axis=1))
    bass = [chord(piece, -1)[0] % 12 for _, piece in ALL if piece[-1].any()]
    shares = np.bincount(bass, minlength=12) / len(bass)
    assert shares[0] > 0.75 and shares.argmax() == 0  # most end on the tonic


def test_a_quarter_is_every_second_eighth():
    for fine, coarse in zip(chorales("test", steps_per_quarter=2), chorales("test"), strict=True):
        np.testing.assert_array_equal(fine[::2], coarse)


def test_a_change_to_what_came_out_changes_nothing():
    piece = chorales("valid")[0]
    before = piece.copy()
    piece[:] = 0
    np.testing.assert_array_equal(chorales("valid")[0], before)


def test_a_batch_by_hand_and_through_a_network():
    pieces = chorales("train")[:3]
    xs, targets, lengths = next_step_batch(pieces, np.float32)
    assert xs.dtype == np.float32 and lengths.tolist() == [len(piece) - 1 for piece in pieces]
    for b, piece in enumerate(pieces):
        np.testing.assert_array_equal(xs[: lengths[b], b], piece[:-1])
        np.testing.assert_array_equal(targets[: lengths[b], b], piece[1:])
        assert not xs[lengths[b] :, b].any() and not targets[lengths[b] :, b].any()
    rng = np.random.default_rng(0)
    network = Network([GRU(88, 5, rng=rng, dtype=np.float32), Dense(5, 88, rng=rng, dtype=np.float32)])
    logits, _ = network.forward(xs, lengths=lengths)
    alive = np.arange(len(xs))[:, None] < lengths
    expected = ((logits - targets)[alive] ** 2).mean()
    assert mean_squared_error(logits[alive], targets[alive]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: chorales("dev"), "split is 'dev'; it should be one of train, valid, test"),
        (lambda: chorales("test", steps_per_quarter=4), "steps_per_quarter is 4; it should be 1 or 2"),
        (lambda: next_step_batch([]), "pieces is empty; it should hold at least one piece"),
        (lambda: next_step_batch([np.zeros((1, 88))]), r"pieces\[0\] has shape \(1, 88\); it should be \(T, 88\)"),
        (lambda: next_step_batch([np.zeros((5, 88))], int), "dtype is int64; it should be float32 or float64"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
