"""Make `rnnlib/tasks/chorales.npz`, Bach's chorales as piano roll, from the scores that the package music21 carries.

Nothing else needs music21, so it stands in no list of requirements. To make the file again, anywhere:

    python -m venv /tmp/music && /tmp/music/bin/pip install music21==10.5.1 numpy
    /tmp/music/bin/python -m experiments.data.chorales

What is in the file, `rnnlib/tasks/README.md` says; `rnnlib.tasks.chorales` reads it. A test holds the file's hash.
"""

import re
import sys
from pathlib import Path

import numpy as np

VOICES = ["Soprano", "Alto", "Tenor", "Bass"]
STEPS_PER_QUARTER = 2
LOWEST, KEYS = 21, 88  # MIDI's number of the piano's lowest key, and how many keys there are
TARGET = Path(__file__).resolve().parents[2] / "rnnlib" / "tasks" / "chorales.npz"


def piano_roll(notes):
    """Which keys sound at each step.

    Parameters
    ----------
    notes : list of (start, length, pitch)
        Start and length in quarter notes, pitch as MIDI's number.

    Returns
    -------
    roll : array of bool, shape (T, 88)
        Step k is the moment k/2 quarters from the beginning: a note sounds from its start up to, but not at, its end.
        What is shorter and falls between two steps is lost. T is the number of steps before the last note's end.
    """
    T = int(np.ceil(max(start + length for start, length, _ in notes) * STEPS_PER_QUARTER))
    roll = np.zeros((T, KEYS), dtype=bool)
    for start, length, pitch in notes:
        first, end = (int(np.ceil(moment * STEPS_PER_QUARTER)) for moment in (start, start + length))
        roll[first:end, pitch - LOWEST] = True
    return roll


def catalogue_order(name):
    """A key that sorts names such as ``bwv248.9-1`` by their numbers in Bach's catalogue."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def without_copies(pieces):
    """The pieces that are not, nearly, another before them: equally long and equal at 9 of 10 steps, in any key.

    Parameters
    ----------
    pieces : list of (name, roll, tonic, minor)
        In their order.

    Returns
    -------
    pieces : list of (name, roll, tonic, minor)
    """
    shapes, kept = [], []
    for piece in pieces:
        roll = piece[1]
        shape = np.roll(roll, -int(np.flatnonzero(roll.any(axis=0))[0]), axis=1)
        if not any(len(other) == len(shape) and (other == shape).all(axis=1).mean() >= 0.9 for other in shapes):
            shapes.append(shape)
            kept.append(piece)
    return kept


def write(pieces, path):
    """Write the pieces as one compressed file.

    Parameters
    ----------
    pieces : list of (name, roll, tonic, minor)
        Tonic from 0 for C to 11 for B; whether the key is minor.
    path : Path
    """
    names, rolls, tonics, minors = zip(*pieces, strict=True)
    np.savez_compressed(
        path,
        names=np.array(names),
        lengths=np.array([len(roll) for roll in rolls], dtype=np.int16),
        tonics=np.array(tonics, dtype=np.int8),
        minor=np.array(minors, dtype=bool),
        rolls=np.packbits(np.concatenate(rolls), axis=1),
    )


def read_scores():
    """Every score of music21's Bach with exactly the voices soprano, alto, tenor and bass, besides instruments.

    Returns
    -------
    pieces : list of (name, roll, tonic, minor)
        In the order of the catalogue, without those that are silent at more than a tenth of the steps, where
        instruments play alone. The key is what music21 finds from the pitches. A repeat is not played.
    """
    from music21 import converter, corpus, stream

    pieces = []
    for path in sorted(Path(corpus.__file__).parent.glob("bach/*.*xl"), key=lambda path: catalogue_order(path.stem)):
        score = converter.parse(path)
        parts = [part for part in score.parts if part.partName in VOICES]
        if [part.partName for part in parts] != VOICES:
            print(f"{path.stem}: left out, with the parts {[part.partName for part in score.parts]}")
            continue
        voices = stream.Score(parts)
        notes = [
            (float(note.getOffsetInHierarchy(voices)), float(note.quarterLength), pitch.midi)
            for note in voices.recurse().notes
            for pitch in note.pitches
        ]
        roll = piano_roll(notes)
        if (~roll.any(axis=1)).mean() > 0.1:
            print(f"{path.stem}: left out, silent at {(~roll.any(axis=1)).sum()} of {len(roll)} steps")
            continue
        key = voices.analyze("key")
        pieces.append((path.stem, roll, key.tonic.pitchClass, key.mode == "minor"))
    return pieces


if __name__ == "__main__":
    pieces = without_copies(read_scores())
    write(pieces, Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
    print(f"{len(pieces)} chorales, {sum(len(roll) for _, roll, _, _ in pieces)} steps")
