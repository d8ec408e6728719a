"""Training learns what can be learned, carries the state, and shows its progress on standard output."""

import itertools

import numpy as np
import pytest

from rnnlib import RNN, Bidirectional, Dense, Embedding, Network
from rnnlib.optim import SGD, Adam
from rnnlib.tasks.text import CharText
from rnnlib.training import fit


def model(K, H=16, seed=0):
    rng = np.random.default_rng(seed)
    return Network([RNN(K, H, rng=rng), Dense(H, K, rng=rng)])


def test_a_text_that_needs_memory_is_learned():
    # after "a" comes "b" or "c" in turn: a model without memory cannot get below log(2) / 2 = 0.347 nats
    data = CharText("abac" * 100)
    net = model(len(data.vocabulary))
    losses = fit(net, data.batches(8, 4), Adam(net.params, 0.02), steps=300, max_norm=5.0, progress=False)
    assert losses[0] == pytest.approx(np.log(3), abs=0.3)
    assert losses[-20:].mean() < 0.02


def test_the_state_is_carried_from_batch_to_batch():
    # one step at a time: without the carried state the turn of "b" and "c" cannot be known
    data = CharText("abac" * 100)
    net = model(len(data.vocabulary))
    losses = fit(net, data.batches(1, 1), Adam(net.params, 0.01), steps=3000, max_norm=5.0, progress=False)
    assert losses[-100:].mean() < 0.2


def test_clipping_bounds_the_step():
    data = CharText("abac" * 100)
    net = model(len(data.vocabulary))
    before = {name: p.copy() for name, p in net.params.items()}
    fit(net, data.batches(8, 4), SGD(net.params, lr=1.0), steps=1, max_norm=1e-3, progress=False)
    moved = np.sqrt(sum(((p - before[name]) ** 2).sum() for name, p in net.params.items()))
    assert moved == pytest.approx(1e-3)


def test_the_bar_goes_to_standard_output_with_the_loss(capsys):
    data = CharText("abac" * 100)
    net = model(len(data.vocabulary))
    fit(net, data.batches(8, 4), Adam(net.params), steps=3)
    out, err = capsys.readouterr()
    assert "3/3" in out and "loss=" in out
    assert err == ""


def test_too_few_batches_are_named():
    data = CharText("abac" * 100)
    net = model(len(data.vocabulary))
    few = itertools.islice(data.batches(8, 4), 2)
    with pytest.raises(ValueError, match="batches ended after 2; there should be at least steps = 3"):
        fit(net, few, Adam(net.params), steps=3, progress=False)


def padded_batches(seed=0):
    """Separate sequences of unequal length: the class of a word is the word after it, 0 at the end."""
    rng = np.random.default_rng(seed)
    while True:
        tokens, lengths = rng.integers(1, 5, (6, 8)), rng.integers(2, 7, 8)
        targets = np.concatenate([tokens[1:], np.zeros((1, 8), int)])
        targets[lengths - 1, np.arange(8)] = 0
        yield tokens, targets, lengths


def test_padded_batches_of_separate_sequences_are_learned():
    # to know the next word, and the end, takes the direction from the end: log(5) nats without it
    rng = np.random.default_rng(1)
    both_ways = Bidirectional(RNN(4, 8, rng=rng), RNN(4, 8, rng=rng))
    net = Network([Embedding(5, 4, rng=rng), both_ways, Dense(16, 5, rng=rng)])
    losses = fit(net, padded_batches(), Adam(net.params, 0.02), steps=400, max_norm=5.0, progress=False)
    assert losses[0] == pytest.approx(np.log(5), abs=0.5)
    assert losses[-20:].mean() < 0.02


def test_a_batch_with_lengths_begins_anew():
    tokens, targets, lengths = next(padded_batches())
    rng = np.random.default_rng(2)
    net = Network([Embedding(5, 4, rng=rng), RNN(4, 8, rng=rng), Dense(8, 5, rng=rng)])
    frozen = SGD(net.params, lr=1e-300)
    same = fit(net, [(tokens, targets, lengths)] * 2, frozen, steps=2, progress=False)
    carried = fit(net, [(tokens, targets)] * 2, frozen, steps=2, progress=False)
    assert same[0] == same[1]
    assert carried[0] != carried[1]


def test_a_bidirectional_network_needs_lengths():
    rng = np.random.default_rng(3)
    net = Network([Bidirectional(RNN(2, 1, rng=rng), RNN(2, 1, rng=rng))])
    batch = np.ones((3, 1, 2)), np.zeros((3, 1), int)
    with pytest.raises(ValueError, match="lengths is missing in a batch; a network with a bidirectional layer needs"):
        fit(net, [batch], SGD(net.params, lr=0.1), steps=1, progress=False)
