"""Temporal order: the class is the order of the Xs and Ys, at the positions that the paper names."""

import numpy as np
import pytest

from rnnlib import LSTM, Dense, Network
from rnnlib.losses import mean_squared_error
from rnnlib.tasks.criteria import at_end, largest_error
from rnnlib.tasks.temporal_order import CLASSES, SYMBOLS, continual_temporal_order, temporal_order

#: The paper's rules, written out.
RULES = {"XX": "Q", "XY": "R", "YX": "S", "YY": "U"}
RULES |= dict(zip(["XXX", "XXY", "XYX", "XYY", "YXX", "YXY", "YYX", "YYY"], "QRSUVABC", strict=True))


def read(xs):
    """One sequence's symbols as text."""
    assert (xs.sum(axis=-1) == 1).all()
    return "".join(SYMBOLS[k] for k in xs.argmax(axis=-1))


@pytest.mark.parametrize(("relevant", "ranges"), [(2, [(10, 20), (50, 60)]), (3, [(10, 20), (33, 43), (66, 76)])])
def test_every_sequence_is_the_papers(relevant, ranges):
    xs, targets, lengths = temporal_order(relevant, 3000, rng=np.random.default_rng(relevant))
    assert xs.shape == (110, 3000, 8) and targets.shape == (3000, 2**relevant)
    assert set(lengths) == set(range(100, 111))
    places, letters = [], ""
    for b in range(3000):
        text = read(xs[: lengths[b], b])
        order = "".join(symbol for symbol in text if symbol in "XY")
        assert CLASSES[relevant][targets[b].argmax()] == RULES[order] and targets[b].sum() == 1
        assert text[0] == "E" and text[-1] == "B"
        assert set(text[1:-1]) <= set("abcdXY")
        places.append([place for place, symbol in enumerate(text, start=1) if symbol in "XY"])
        letters += text[1:-1]
        np.testing.assert_array_equal(xs[lengths[b] :, b], 0)
    for (first, last), found in zip(ranges, np.array(places).T, strict=True):
        counts = np.bincount(found, minlength=last + 1)[first:]
        assert len(counts) == last - first + 1 and found.min() == first
        np.testing.assert_allclose(counts / 3000, 1 / 11, atol=0.025)
    np.testing.assert_allclose(targets.mean(axis=0), 0.5**relevant, atol=0.03)
    share = np.array([letters.count(symbol) for symbol in "abcd"]) / sum(letters.count(symbol) for symbol in "abcd")
    np.testing.assert_allclose(share, 0.25, atol=0.01)
    assert min(lengths - np.array(places)[:, -1]) in ({2: 40, 3: 24}[relevant], {2: 41, 3: 25}[relevant])


def test_the_rest_of_a_sequence_does_not_tell_the_class():
    xs, targets, _ = temporal_order(2, 6000, rng=np.random.default_rng(7))
    fillers = xs[:100, :, 4:].sum(axis=0)  # how often each of a, b, c, d comes
    for one_class in targets.T:
        assert np.abs(fillers[one_class == 1].mean(axis=0) - fillers.mean(axis=0)).max() < 0.4


def test_a_stream_is_sequences_of_the_task_on_end():
    xs, targets, lengths, ends = continual_temporal_order(3, 6, 4, rng=np.random.default_rng(8))
    assert xs.shape[:2] == targets.shape[:2] == ends.shape == (lengths.max(), 4)
    for b in range(4):
        text = read(xs[: lengths[b], b])
        pieces = [piece + "B" for piece in text.split("B")[:-1]]
        assert len(pieces) == 6 and text.endswith("B")
        assert all(piece[0] == "E" and 100 <= len(piece) <= 110 for piece in pieces)
        np.testing.assert_array_equal(np.flatnonzero(ends[:, b]), np.cumsum([len(piece) for piece in pieces]) - 1)
        wanted = [RULES["".join(symbol for symbol in piece if symbol in "XY")] for piece in pieces]
        assert [CLASSES[3][k] for k in targets[ends[:, b], b].argmax(axis=-1)] == wanted
        np.testing.assert_array_equal(xs[lengths[b] :, b], 0)
    np.testing.assert_array_equal(targets.sum(axis=-1), ends)


def test_the_seed_decides():
    for call in (
        lambda seed: temporal_order(2, 5, rng=np.random.default_rng(seed), dtype=np.float32),
        lambda seed: continual_temporal_order(2, 3, 5, rng=np.random.default_rng(seed), dtype=np.float32),
    ):
        xs, targets = call(0)[:2]
        assert xs.dtype == targets.dtype == np.float32
        np.testing.assert_array_equal(xs, call(0)[0])
        assert xs.shape != call(1)[0].shape or (xs != call(1)[0]).any()


def test_a_network_takes_the_batch():
    rng = np.random.default_rng(9)
    network = Network([LSTM(8, 4, rng=rng), Dense(4, 4, rng=rng)])
    xs, targets, lengths = temporal_order(2, 3, rng=rng)
    ys = at_end(network.forward(xs, lengths=lengths)[0], lengths)
    assert mean_squared_error(ys, targets) == pytest.approx(((ys - targets) ** 2).mean())
    np.testing.assert_allclose(largest_error(ys, targets), np.abs(ys - targets).max(axis=1))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rng: temporal_order(4, 2, rng=rng), ValueError, r"relevant is 4; it should be 2 \(task 6a\) or 3"),
        (lambda rng: temporal_order(2, 0, rng=rng), ValueError, "B is 0; it should be an integer of at least 1"),
        (lambda rng: temporal_order(2, 1, rng=1), TypeError, "rng is 1; it should be a Generator"),
        (lambda rng: temporal_order(2, 1, rng=rng, dtype="x"), ValueError, "dtype is x; it should be float32"),
        (lambda rng: continual_temporal_order(2, 0, 1, rng=rng), ValueError, "sequences is 0; it should be an integer"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
