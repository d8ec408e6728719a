"""The equations of the page on multiplicative and deep networks, read from its LaTeX, beside the library."""

import numpy as np
import pytest
from equations import blocks_of, displayed, evaluate

from rnnlib import RNN, DeepTransitionRNN, Dense, MultiplicativeRNN, Network
from rnnlib.gradcheck import relative_error

EQUATIONS = displayed("rnn/multiplicative-and-deep")
NOT_COMPUTED = {}

T, B, D, H, F, K = 4, 2, 3, 5, 6, 7


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def run(layer, rng):
    """Inputs, and the states from a random initial one on."""
    xs, h0 = rng.standard_normal((T, B, D)), rng.standard_normal((B, H))
    hs, _ = layer.forward(xs, h0)
    return xs, np.concatenate([h0[None], hs])


def back(layer, x, h_prev, dh):
    """One step forward and back: the gradient by the state before."""
    layer.forward(x[None], h_prev)
    return layer.backward(dh[None])[1]


def test_every_label_is_accounted_for():
    assert set(EQUATIONS) == NOT_COMPUTED.keys() | {
        "eq-mrnn-tensor",
        "eq-mrnn",
        "eq-mrnn-matrix",
        "eq-mrnn-gradient-step",
        "eq-dt",
        "eq-dts",
        "eq-deep-output",
        "eq-stacked",
        "eq-dts-gradient-step",
    }


def test_eq_mrnn(rng):
    layer = MultiplicativeRNN(D, H, rng=rng, factors=F)
    xs, hs = run(layer, rng)
    for x, h_prev, h in zip(xs, hs[:-1], hs[1:], strict=True):
        after = evaluate(EQUATIONS["eq-mrnn"], {**blocks_of(layer), "x_t": x, "h_{t-1}": h_prev})
        assert relative_error(after["h_t"], h) < 1e-13


def test_eq_mrnn_matrix_and_eq_mrnn_tensor_row_by_row(rng):
    layer = MultiplicativeRNN(D, H, rng=rng, factors=F)
    xs, hs = run(layer, rng)
    for x, h_prev, h in zip(xs[1], hs[1], hs[2], strict=True):
        names = {**blocks_of(layer), r"\operatorname{diag}": np.diag, "x": x, "x_t": x, "h_{t-1}": h_prev}
        names = evaluate(EQUATIONS["eq-mrnn-matrix"], names)
        assert names["W^{(k)}"].shape == (H, H)
        assert relative_error(evaluate(EQUATIONS["eq-mrnn-tensor"], names)["h_t"], h) < 1e-13


def test_eq_mrnn_gradient_step(rng):
    layer = MultiplicativeRNN(D, H, rng=rng, factors=F)
    xs, hs = run(layer, rng)
    dh = rng.standard_normal((B, H))
    names = {**blocks_of(layer), "x_t": xs[2], "h_t": hs[3], r"\mathrm{d}h_t": dh}
    dh_prev = evaluate(EQUATIONS["eq-mrnn-gradient-step"], names)[r"\mathrm{d}h_{t-1}"]
    assert relative_error(dh_prev, back(layer, xs[2], hs[2], dh)) < 1e-13


@pytest.mark.parametrize("shortcut", [False, True])
def test_eq_dt_and_eq_dts(rng, shortcut):
    layer = DeepTransitionRNN(D, H, rng=rng, shortcut=shortcut)
    xs, hs = run(layer, rng)
    for x, h_prev, h in zip(xs, hs[:-1], hs[1:], strict=True):
        names = evaluate(EQUATIONS["eq-dt"], {**blocks_of(layer), "x_t": x, "h_{t-1}": h_prev})
        if shortcut:
            assert relative_error(names["h_t"], h) > 1e-3
            names = evaluate(EQUATIONS["eq-dts"], names)
        assert relative_error(names["h_t"], h) < 1e-13


def test_eq_dts_gradient_step(rng):
    layer = DeepTransitionRNN(D, H, rng=rng)
    xs, hs = run(layer, rng)
    dh = rng.standard_normal((B, H))
    names = evaluate(EQUATIONS["eq-dt"], {**blocks_of(layer), "x_t": xs[2], "h_{t-1}": hs[2]})
    names |= {"h_t": hs[3], r"\mathrm{d}h_t": dh}
    dh_prev = evaluate(EQUATIONS["eq-dts-gradient-step"], names)[r"\mathrm{d}h_{t-1}"]
    assert relative_error(dh_prev, back(layer, xs[2], hs[2], dh)) < 1e-13


def test_eq_deep_output(rng):
    network = Network([Dense(H, H, rng=rng, activation="tanh"), Dense(H, K, rng=rng)])
    h = rng.standard_normal((B, H))
    letters = dict(zip(["W_v", "b_v", "W_y", "b_y"], network.params.values(), strict=True))
    o = evaluate(EQUATIONS["eq-deep-output"], {**letters, "h_t": h})["o_t"]
    assert relative_error(o, network.forward(h[None])[0][0]) < 1e-13


def test_eq_stacked(rng):
    network = Network([RNN(D, H, rng=rng), RNN(H, H, rng=rng), Dense(H, K, rng=rng)])
    letters = ["W^1_x", "W^1_h", "b^{1}", "W^2_x", "W^2_h", "b^{2}", "W_y", "b_y"]
    letters = dict(zip(letters, network.params.values(), strict=True))
    xs, states = rng.standard_normal((T, B, D)), [rng.standard_normal((B, H)) for _ in range(2)]
    os, _ = network.forward(xs, [*states, None])
    for x, o in zip(xs, os, strict=True):
        names = {**letters, "x_t": x, "h^1_{t-1}": states[0], "h^2_{t-1}": states[1]}
        after = evaluate(EQUATIONS["eq-stacked"], names)
        assert relative_error(after["o_t"], o) < 1e-13
        states = [after["h^1_t"], after["h^2_t"]]
