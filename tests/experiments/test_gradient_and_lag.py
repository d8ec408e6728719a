"""What is left of a gradient, beside the layers' own backward pass; and a lag that grows when it is named right."""

import numpy as np
import pytest

from experiments import gradient_and_lag
from experiments.gradient_and_lag import AT, CELLS, DIGITS, SEQUENCES, UNITS, left_at_lags, new_layer, of, train
from rnnlib import Dense, Network


@pytest.mark.parametrize("name", CELLS)
def test_what_is_left_is_what_the_layer_brings_back_over_so_many_steps(name):
    layer, lag = new_layer(of(name), 3), 5
    layer.plain = True
    rng = np.random.default_rng([3, 5])
    xs = np.eye(DIGITS)[rng.integers(DIGITS, size=(AT[-1], SEQUENCES))]
    dh = rng.standard_normal((SEQUENCES, UNITS))
    _, state = layer.forward(xs[:-lag])
    hs, _ = layer.forward(xs[-lag:], state)
    dhs = np.zeros_like(hs)
    dhs[-1] = dh / np.linalg.norm(dh, axis=1, keepdims=True)
    _, dstate = layer.backward(dhs)
    dstate = dstate if isinstance(dstate, tuple) else (dstate,)
    expected = np.median(np.linalg.norm(np.concatenate(dstate, axis=1), axis=1))
    left = left_at_lags(layer, 3)
    assert left[0] == 0 and len(left) == len(AT)
    assert left[AT.index(lag)] == pytest.approx(np.log10(expected), abs=6e-4)


def network_of(bias):
    rng = np.random.default_rng(0)
    return Network([new_layer(of(f"LSTM, forget bias {bias}"), 0), Dense(UNITS, DIGITS, rng=rng)])


def test_the_lag_grows_after_three_batches_named_right(monkeypatch):
    named = iter([0.95, 0.95, 0.5, 0.9, 0.95, 0.9, 0.9, 0.95, 1.0, 1.0, 1.0, 0.75])
    seen = []

    def scripted(logits, digits):
        seen.append(len(digits) - 1)
        return next(named)

    monkeypatch.setattr(gradient_and_lag, "named", scripted)
    assert train(network_of(1), 0.003, 11, (20, 40), 0) == (22, 0.75)
    assert seen == [20] * 6 + [22] * 3 + [24] * 2 + [40]


def test_training_ends_when_the_last_lag_is_mastered(monkeypatch):
    seen = []
    monkeypatch.setattr(gradient_and_lag, "named", lambda logits, digits: seen.append(len(digits) - 1) or 1.0)
    assert train(network_of(1), 0.003, 100, (2, 4), 0) == (4, 1.0)
    assert seen == [2] * 3 + [3] * 3 + [4] * 3 + [4]
