"""Adding and multiplication: the target is a function of the two marked numbers alone."""

import numpy as np
import pytest

from rnnlib import LSTM, Dense, Network
from rnnlib.losses import mean_squared_error
from rnnlib.tasks.adding import adding, multiplication
from rnnlib.tasks.criteria import at_end

TASKS = {
    adding: (-1, 0, lambda x1, x2: 0.5 + (x1 + x2) / 4),
    multiplication: (0, 1, lambda x1, x2: x1 * x2),
}


@pytest.mark.parametrize("task", TASKS)
def test_every_sequence_is_the_papers(task):
    lowest, neutral, answer = TASKS[task]
    B, T = 4000, 60
    xs, targets, lengths = task(T, B, rng=np.random.default_rng(0))
    assert xs.shape == (66, B, 2) and targets.shape == (B, 1) and set(lengths) == set(range(60, 67))
    places, in_first = [], 0
    for b in range(B):
        numbers, markers = xs[: lengths[b], b].T
        assert markers[0] == markers[-1] == -1 and set(markers[1:-1]) <= {0, 1}
        marked = np.flatnonzero(markers == 1)
        if len(marked) == 1:  # the other is the first pair, whose marker is -1 and whose number counts for nothing
            in_first += 1
            assert numbers[0] == neutral
            marked = np.array([0, marked[0]])
        assert targets[b, 0] == pytest.approx(answer(*numbers[marked]), abs=1e-15)
        assert len(marked) == 2 and marked[0] < 10 and marked[1] < T // 2 - 1
        places.append(marked)
        np.testing.assert_array_equal(xs[lengths[b] :, b], 0)
    # One of ten, or one of the T/2 - 1 = 29 where that one was not already taken: 1/10 + (9/10)(1/28).
    assert abs(in_first / B - (0.1 + 0.9 / 28)) < 0.02
    # Places from the 11th to the 29th are marked by the second draw alone, each with probability 1/28.
    counts = np.bincount(np.concatenate(places), minlength=29)
    np.testing.assert_allclose(counts[10:29] / B, 1 / 28, atol=0.012)
    drawn = xs[1:60, :, 0]
    assert drawn.min() >= lowest and drawn.max() <= 1
    assert abs(drawn.mean() - (lowest + 1) / 2) < 0.01
    assert 0 <= targets.min() and targets.max() <= 1


def test_the_least_length_leaves_room_for_both_marks():
    xs, _, _ = adding(20, 2000, rng=np.random.default_rng(1))
    marks = (xs[:, :, 1] == 1).sum(axis=0)
    assert set(marks) == {1, 2}
    assert not (xs[10:, :, 1] == 1).any()


@pytest.mark.parametrize("task", TASKS)
def test_the_seed_decides(task):
    xs, targets, _ = task(40, 5, rng=np.random.default_rng(2), dtype=np.float32)
    assert xs.dtype == targets.dtype == np.float32
    np.testing.assert_array_equal(xs, task(40, 5, rng=np.random.default_rng(2), dtype=np.float32)[0])
    other, _, _ = task(40, 5, rng=np.random.default_rng(3), dtype=np.float32)
    assert other.shape != xs.shape or (other != xs).any()


def test_a_network_takes_the_batch():
    rng = np.random.default_rng(4)
    network = Network([LSTM(2, 4, rng=rng), Dense(4, 1, rng=rng)])
    xs, targets, lengths = adding(20, 3, rng=rng)
    ys = at_end(network.forward(xs, lengths=lengths)[0], lengths)
    assert mean_squared_error(ys, targets) == pytest.approx(((ys - targets) ** 2).mean())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rng: adding(19, 2, rng=rng), ValueError, "T is 19; it should be at least 20"),
        (lambda rng: adding(20.0, 2, rng=rng), ValueError, "T is 20.0; it should be an integer of at least 1"),
        (lambda rng: multiplication(20, 2, rng="seed"), TypeError, "rng is 'seed'; it should be a Generator"),
        (lambda rng: multiplication(20, 2, rng=rng, dtype=None), ValueError, "dtype is None; it should be float32"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
