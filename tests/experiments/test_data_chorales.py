"""What makes the chorales' file: notes become steps, copies are found, and what is written is what is read."""

import numpy as np

from experiments.data.chorales import catalogue_order, piano_roll, without_copies, write


def keys(roll):
    """The MIDI pitches that sound at each step."""
    return [(row.nonzero()[0] + 21).tolist() for row in roll]


def test_a_note_sounds_from_its_start_up_to_its_end():
    notes = [(0, 1, 60), (0, 0.5, 64), (1, 1.5, 62), (0.5, 0.25, 65), (0.25, 0.25, 66), (2.5, 0.5, 60)]
    assert keys(piano_roll(notes)) == [[60, 64], [60, 65], [62], [62], [62], [60]]


def test_the_roll_ends_with_the_last_note():
    roll = piano_roll([(0, 2, 21), (2, 0.75, 108)])
    assert roll.shape == (6, 88) and keys(roll) == [[21]] * 4 + [[108]] * 2


def test_the_catalogues_order_is_by_numbers():
    names = ["bwv248.9-1", "bwv66.6", "bwv248.12-2", "bwv10.7", "bwv248.9-s", "bwv371"]
    wanted = ["bwv10.7", "bwv66.6", "bwv248.9-1", "bwv248.9-s", "bwv248.12-2", "bwv371"]
    assert sorted(names, key=catalogue_order) == wanted


def test_a_copy_in_another_key_is_left_out_and_a_variation_stays():
    rng = np.random.default_rng(0)
    roll = np.zeros((20, 88), dtype=bool)
    roll[np.arange(20), rng.integers(30, 50, 20)] = True
    higher = np.roll(roll, 3, axis=1)
    nearly, varied = higher.copy(), roll.copy()
    nearly[[4, 5], 60] = True
    varied[[4, 5, 6], 60] = True
    shorter = roll[:19]
    pieces = [(str(k), piece, 0, False) for k, piece in enumerate([roll, higher, nearly, varied, shorter])]
    assert [name for name, *_ in without_copies(pieces)] == ["0", "3", "4"]


def test_what_is_written_is_what_is_read(tmp_path):
    rolls = [piano_roll([(0, 1, 60)]), piano_roll([(0, 1.5, 72), (0, 1.5, 48)])]
    write([("bwv1", rolls[0], 0, False), ("bwv2", rolls[1], 9, True)], tmp_path / "two.npz")
    with np.load(tmp_path / "two.npz") as file:
        assert file["names"].tolist() == ["bwv1", "bwv2"] and file["lengths"].tolist() == [2, 3]
        assert file["tonics"].tolist() == [0, 9] and file["minor"].tolist() == [False, True]
        np.testing.assert_array_equal(np.unpackbits(file["rolls"], axis=1), np.concatenate(rolls))
