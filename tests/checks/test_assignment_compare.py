"""Assignment 05-compare: its references are the library's functions, and what its mistakes are made of is right."""

import numpy as np
import pytest

from rnnlib import GRU, LSTM, RNN, bptt
from rnnlib.cells.mut import MUT1
from rnnlib.checks import battery, exercises
from rnnlib.checks.assignments import compare
from rnnlib.losses import cross_entropy

ASSIGNMENT = {exercise.name: exercise for exercise in exercises() if exercise.assignment == "05-compare"}


def drawn(dtype):
    args = compare._step_arguments(np.random.default_rng(0), 5, 4)
    return {name: a.astype(dtype) for name, a in args.items()}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_mut1_is_the_librarys(dtype):
    args = drawn(dtype)
    x, h_prev, *weights = args.values()
    params = dict(zip(("W_x", "W_h", "b"), weights, strict=True))
    hs, _, tape = bptt.forward(MUT1(), params, x[None], (h_prev,))
    h, cache = compare.mut1_step(*args.values())
    close = {"rtol": 0, "atol": 40 * np.finfo(dtype).eps, "strict": True}
    np.testing.assert_allclose(h, hs[0], **close)
    dh = np.random.default_rng(1).standard_normal(h.shape).astype(dtype)
    dxs, (dh0,), grads = bptt.backward(MUT1(), tape, dh[None])
    expected = dxs[0], dh0, grads["W_x"], grads["W_h"], grads["b"]
    for got, want in zip(compare.mut1_step_backward(dh, cache, *weights[:2]), expected, strict=True):
        np.testing.assert_allclose(got, want, **close)


def test_the_lines_that_mistakes_change_are_right_as_they_stand():
    args = drawn(np.float64)
    h, cache = compare.mut1_step(*args.values())
    np.testing.assert_allclose(compare._step()(*args.values())[0], h, rtol=0, atol=1e-15)
    weights = args["W_x"], args["W_h"]
    for got, want in zip(
        compare._back()(h, cache, *weights), compare.mut1_step_backward(h, cache, *weights), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("layer", "gates"), [(RNN, 1), (GRU, 3), (LSTM, 4)])
def test_parameters_are_counted_as_the_layers_count_them(layer, gates):
    assert compare.count_parameters(7, 5, gates) == layer(7, 5, rng=np.random.default_rng(0)).count_parameters()


def test_the_size_is_the_largest_that_stays_within_the_budget():
    for gates in (1, 3, 4):
        for budget in range(compare.count_parameters(6, 1, gates), 400):
            H = compare.hidden_size_for(6, gates, budget)
            assert compare.count_parameters(6, H, gates) <= budget < compare.count_parameters(6, H + 1, gates)


def test_the_held_out_loss_is_the_loss_of_training():
    rng = np.random.default_rng(0)
    logits, targets, lengths = rng.standard_normal((6, 3, 5)), rng.integers(5, size=(6, 3)), np.array([6, 1, 4])
    losses = [[cross_entropy(logits[t, i : i + 1], targets[t, i : i + 1]) for i in range(3)] for t in range(6)]
    loss = compare.held_out_loss(np.array(losses), lengths)
    np.testing.assert_allclose(loss, cross_entropy(logits, targets, lengths), rtol=1e-14)


def test_a_count_that_never_reaches_the_budget_is_not_charged_to_the_search(monkeypatch):
    monkeypatch.setattr(battery.calls, "TIME_LIMIT", 0.2)
    names = {}
    source = """
def count_parameters(D, H, gates):
    return gates * D

def hidden_size_for(D, gates, budget):
    H = 0
    while count_parameters(D, H + 1, gates) <= budget:
        H += 1
    return H
"""
    exec(compile(source, "<ipython-input-1-x>", "exec"), names)
    assert battery.judge(names["count_parameters"], ASSIGNMENT["count_parameters"]).points == 0.0
    assert battery.judge(names["hidden_size_for"], ASSIGNMENT["hidden_size_for"]).points == 1.0
