"""Long time lags: the class is in the first element, or the first few, and nowhere else."""

import itertools

import numpy as np
import pytest

from rnnlib import RNN, Dense, Network
from rnnlib.losses import cross_entropy, mean_squared_error
from rnnlib.optim import Adam
from rnnlib.tasks.criteria import at_end
from rnnlib.tasks.lags import first_and_last, st1_and_st2, two_sequence
from rnnlib.training import fit


def test_task_2a_has_two_sequences():
    xs, targets, lengths = first_and_last(5, 400, rng=np.random.default_rng(0))
    assert xs.shape == (5, 400, 6) and targets.shape == (5, 400) and lengths.tolist() == [5] * 400
    tokens = xs.argmax(axis=-1)
    whole = np.concatenate([tokens, targets[-1:]]).T
    assert {tuple(row) for row in whole.tolist()} == {(4, 0, 1, 2, 3, 4), (5, 0, 1, 2, 3, 5)}
    np.testing.assert_array_equal(xs.sum(axis=-1), 1)
    np.testing.assert_array_equal(targets[:-1], tokens[1:])
    assert abs((tokens[0] == 4).mean() - 0.5) < 0.1


def test_task_2b_has_a_random_middle_and_the_same_ends():
    xs, targets, _ = first_and_last(5, 4000, rng=np.random.default_rng(1), random_middle=True)
    tokens = xs.argmax(axis=-1)
    np.testing.assert_array_equal(targets[-1], tokens[0])
    assert set(tokens[0]) == {4, 5}
    for row in tokens[1:]:
        np.testing.assert_allclose(np.bincount(row, minlength=6) / 4000, [0.25] * 4 + [0, 0], atol=0.03)
    inside = np.corrcoef(tokens)  # nothing on the way tells of the end
    assert np.abs(inside - np.eye(5)).max() < 0.08


def test_task_3a_says_the_class_in_the_first_elements_alone():
    xs, targets, lengths = two_sequence(100, 3, 4000, rng=np.random.default_rng(2))
    assert xs.shape == (110, 4000, 1) and targets.shape == (4000, 1)
    signal = 2 * targets[:, 0] - 1
    np.testing.assert_array_equal(xs[:3, :, 0], np.tile(signal, (3, 1)))
    assert set(targets[:, 0]) == {0, 1} and abs(targets.mean() - 0.5) < 0.03
    noise = xs[3:100, :, 0]
    assert abs(noise.mean()) < 0.003 and abs(noise.var() - 0.2) < 0.003
    assert np.abs((noise * signal).mean(axis=1)).max() < 0.03
    assert set(lengths) == set(range(100, 111))
    for b in range(50):
        np.testing.assert_array_equal(xs[lengths[b] :, b], 0)
        assert (xs[: lengths[b], b] != 0).all()


def test_task_3b_has_noise_on_the_signal_too():
    xs, targets, _ = two_sequence(100, 1, 4000, rng=np.random.default_rng(3), noisy_signal=True, variance=0.1)
    error = xs[0, :, 0] - (2 * targets[:, 0] - 1)
    assert abs(error.mean()) < 0.02 and abs(error.var() - 0.1) < 0.01
    assert abs(xs[1, :, 0].mean()) < 0.02


def test_the_stopping_rules_at_their_borders():
    targets = np.ones((256, 1))
    ys = targets - 0.0099
    assert st1_and_st2(ys, targets) == (True, True)
    assert st1_and_st2(targets - 0.0101, targets) == (True, False)
    ys[0] = 1.2001
    assert st1_and_st2(ys, targets) == (False, False)
    ys[:5] = 0.7
    assert st1_and_st2(ys, targets, allowed=5, average=0.04) == (True, True)
    ys[5] = 0.7
    assert st1_and_st2(ys, targets, allowed=5, average=0.04) == (False, False)


def test_the_seed_decides():
    for call in (
        lambda seed: first_and_last(30, 8, rng=np.random.default_rng(seed), random_middle=True, dtype=np.float32),
        lambda seed: two_sequence(30, 2, 8, rng=np.random.default_rng(seed), dtype=np.float32),
    ):
        xs, _, _ = call(0)
        assert xs.dtype == np.float32
        np.testing.assert_array_equal(xs, call(0)[0])
        assert xs.shape != call(1)[0].shape or (xs != call(1)[0]).any()


def test_networks_take_the_batches():
    rng = np.random.default_rng(4)
    network = Network([RNN(3, 8, rng=rng), Dense(8, 3, rng=rng)])
    batches = (first_and_last(2, 16, rng=rng) for _ in itertools.count())
    losses = fit(network, batches, Adam(network.params, 0.02), steps=150, progress=False)
    assert losses[-1] < 0.2 * losses[0]  # a lag of 2 is short enough for it
    xs, targets, lengths = first_and_last(2, 200, rng=rng)
    logits, _ = network.forward(xs, lengths=lengths)
    assert cross_entropy(logits[-1], targets[-1]) < 0.3

    network = Network([RNN(1, 8, rng=rng), Dense(8, 1, rng=rng)])
    xs, targets, lengths = two_sequence(20, 1, 6, rng=rng)
    ys = at_end(network.forward(xs, lengths=lengths)[0], lengths)
    assert mean_squared_error(ys, targets) == pytest.approx(((ys - targets) ** 2).mean())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rng: first_and_last(1, 2, rng=rng), ValueError, "p is 1; it should be at least 2"),
        (lambda rng: first_and_last(4, 0, rng=rng), ValueError, "B is 0; it should be an integer of at least 1"),
        (lambda rng: first_and_last(4, 2, rng=None), TypeError, "rng is None; it should be a Generator"),
        (lambda rng: first_and_last(4, 2, rng=rng, dtype=int), ValueError, "dtype is int64"),
        (lambda rng: two_sequence(10, 11, 2, rng=rng), ValueError, "N is 11; it should be at most T = 10"),
        (lambda rng: two_sequence(10, 1, 2, rng=rng, variance=0), ValueError, "variance is 0; it should be above 0"),
        (lambda rng: st1_and_st2(np.ones(3), np.ones(4)), ValueError, r"ys has shape \(3,\); it should be \(4,\)"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
