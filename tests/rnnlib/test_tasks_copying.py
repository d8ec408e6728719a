"""Copy memory: what is said at the end is what was read at the beginning."""

import itertools

import numpy as np
import pytest

from rnnlib import RNN, Dense, Network
from rnnlib.losses import cross_entropy
from rnnlib.optim import Adam
from rnnlib.tasks.copying import copy_memory, memoryless_loss
from rnnlib.training import fit


def test_every_sequence_is_the_papers():
    T, B = 30, 2000
    xs, targets, lengths = copy_memory(T, B, rng=np.random.default_rng(0))
    assert xs.shape == (T + 20, B, 10) and targets.shape == (T + 20, B) and set(lengths) == {T + 20}
    np.testing.assert_array_equal(xs.sum(axis=-1), 1)
    tokens = xs.argmax(axis=-1)
    np.testing.assert_array_equal(tokens[10 : T + 9], 8)  # T - 1 blanks
    np.testing.assert_array_equal(tokens[T + 9], 9)  # the delimiter
    np.testing.assert_array_equal(tokens[T + 10 :], 8)
    np.testing.assert_array_equal(targets[: T + 10], 8)
    np.testing.assert_array_equal(targets[T + 10 :], tokens[:10])
    np.testing.assert_allclose(np.bincount(tokens[:10].ravel()) / (10 * B), 1 / 8, atol=0.01)
    assert np.abs(np.corrcoef(tokens[:10]) - np.eye(10)).max() < 0.1


def test_the_loss_without_memory_is_that_of_the_best_constant_answer():
    _, targets, lengths = copy_memory(20, 500, rng=np.random.default_rng(1), symbols=4, items=3)
    logits = np.full((*targets.shape, 5), -1e3)
    logits[:-3, :, 4] = 0  # blank, for sure
    logits[-3:, :, :4] = 0  # each symbol alike
    assert cross_entropy(logits, targets, lengths) == pytest.approx(memoryless_loss(20, symbols=4, items=3))
    assert memoryless_loss(20, symbols=4, items=3) == pytest.approx(3 * np.log(4) / 26)


def test_the_seed_decides():
    xs, _, _ = copy_memory(5, 3, rng=np.random.default_rng(2), dtype=np.float32)
    assert xs.dtype == np.float32
    np.testing.assert_array_equal(xs, copy_memory(5, 3, rng=np.random.default_rng(2), dtype=np.float32)[0])
    assert (xs != copy_memory(5, 3, rng=np.random.default_rng(3))[0]).any()


def test_a_network_learns_a_short_copy():
    rng = np.random.default_rng(3)
    network = Network([RNN(5, 16, rng=rng), Dense(16, 5, rng=rng)])
    batches = (copy_memory(1, 32, rng=rng, symbols=3, items=1) for _ in itertools.count())
    losses = fit(network, batches, Adam(network.params, 0.02), steps=150, progress=False)
    assert losses[-10:].mean() < 0.2 * memoryless_loss(1, symbols=3, items=1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rng: copy_memory(0, 2, rng=rng), ValueError, "T is 0; it should be an integer of at least 1"),
        (lambda rng: copy_memory(2, 2, rng=rng, items=0), ValueError, "items is 0; it should be an integer"),
        (lambda rng: copy_memory(2, 2, rng=0), TypeError, "rng is 0; it should be a Generator"),
        (lambda rng: copy_memory(2, 2, rng=rng, dtype=int), ValueError, "dtype is int64; it should be float32"),
        (lambda rng: memoryless_loss(5, symbols=0), ValueError, "symbols is 0; it should be an integer"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
