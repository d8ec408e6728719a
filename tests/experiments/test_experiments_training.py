"""The experiments' training: what it does with rnnlib is what it does with torch."""

import numpy as np
import pytest

import rnnlib
from experiments.training import Trainer, mean_over_batches
from rnnlib import Dense, Embedding, Network
from rnnlib.losses import bernoulli_cross_entropy

LAYERS = {
    "LSTM": {}, "GRU": {"reset": "before"}, "RNN": {}, "PeepholeLSTM": {"coupled": True}, "MUT1": {}, "LSTM1997": {},
    "DeepTransitionRNN": {}, "MultiplicativeRNN": {"factors": 5}, "GatedFeedback": {"over": "lstm"},
}  # fmt: skip


def network(name, stacked=False):
    rng = np.random.default_rng(0)
    layers = [getattr(rnnlib, name)(4, 5, rng=rng, **LAYERS[name])]
    layers += [rnnlib.LSTM(5, 5, rng=rng)] if stacked else []
    return Network([*layers, Dense(5, 3, rng=rng)])


def batch(loss, seed=1):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, (6, 2)) if loss == "classes" else (rng.uniform(size=(6, 2, 3)) < 0.4).astype(float)
    return rng.normal(size=(6, 2, 4)), targets, np.array([6, 4])


@pytest.mark.parametrize("loss", ["classes", "sets"])
@pytest.mark.parametrize("name", LAYERS)
def test_rnnlib_and_torch_train_alike(name, loss):
    here, there = (
        Trainer(network(name, stacked=name == "LSTM"), loss, lr=0.02, max_norm=0.5, device=device)
        for device in ("cpu", "torch")
    )
    losses = [[side.step(*batch(loss, seed)) for seed in range(8)] for side in (here, there)]
    np.testing.assert_allclose(*losses, rtol=1e-6)
    assert losses[0][-1] != losses[0][0]
    xs, _, lengths = batch(loss)
    alive = np.arange(len(xs))[:, None] < lengths
    np.testing.assert_allclose(here.logits(xs, lengths)[alive], there.logits(xs, lengths)[alive], rtol=1e-5, atol=1e-7)
    assert here.evaluate(*batch(loss)) == pytest.approx(there.evaluate(*batch(loss)), rel=1e-5)


@pytest.mark.parametrize("name", ["LSTM", "GatedFeedback"])
def test_noise_is_on_the_weights_while_the_gradient_is_taken_and_only_then(name):
    here, there = (
        Trainer(network(name), "sets", 0.02, device=device, noise=0.3, rng=np.random.default_rng(5))
        for device in ("cpu", "torch")
    )
    plain, drawn = network(name), np.random.default_rng(5)
    before = {key: p.copy() for key, p in plain.params.items()}
    for p in plain.params.values():
        p += drawn.normal(0, 0.3, p.shape)
    disturbed = Trainer(plain, "sets", 0.02)
    assert here.step(*batch("sets")) == disturbed.step(*batch("sets"))
    for key, p in here.network.params.items():
        assert 0 < np.abs(p - before[key]).max() <= 0.021, (
            "Adam's first step is the learning rate, and the noise is gone"
        )
    there.step(*batch("sets"))
    losses = [[side.step(*batch("sets", seed)) for seed in range(2, 8)] for side in (here, there)]
    np.testing.assert_allclose(*losses, rtol=1e-6)


def test_the_loss_is_that_of_before_the_step_and_gets_less():
    trainer = Trainer(network("LSTM"), "classes", lr=0.01)
    before = trainer.evaluate(*batch("classes"))
    assert trainer.step(*batch("classes")) == before
    assert trainer.evaluate(*batch("classes")) < before


def test_the_mean_counts_each_time_step_alike():
    trainer, batches = Trainer(network("GRU"), "sets", lr=0.01), [batch("sets", seed)[:2] for seed in (1, 2)]
    lengths = [np.array([6, 6]), np.array([2, 1])]
    steps = [bernoulli_cross_entropy(trainer.logits(xs[:n, b : b + 1]), ys[:n, b : b + 1]) * n
             for (xs, ys), ns in zip(batches, lengths, strict=True) for b, n in enumerate(ns)]  # fmt: skip
    told = mean_over_batches(trainer, [(*one, n) for one, n in zip(batches, lengths, strict=True)])
    assert told == pytest.approx(sum(steps) / 15, rel=1e-12)


def test_a_layer_that_torch_has_no_module_for_is_named():
    rng = np.random.default_rng(0)
    words = Network([Embedding(4, 5, rng=rng), Dense(5, 3, rng=rng)])
    with pytest.raises(ValueError, match="the network has a Embedding; torch has no module for it here"):
        Trainer(words, "classes", lr=0.1, device="torch")
