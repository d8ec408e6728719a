"""The equations of "The gated recurrent unit" are those that `rnnlib.GRU` computes, forward and backward."""

import numpy as np
import pytest
from equations import FUNCTIONS, Reader, blocks_of, displayed, evaluate, lines

from rnnlib import GRU
from rnnlib.gradcheck import relative_error

#: Labelled equations that no code implements, and why.
NOT_COMPUTED = {"eq-gru-bound": "an inequality: what an interpolation cannot leave"}

PAGE = displayed("gru/gated-recurrent-unit")
STEP = ["eq-gru-r", "eq-gru-z", "eq-gru-n", "eq-gru-h"]
BACKWARD = ["eq-gru-mixture-backward", "eq-gru-candidate-backward", "eq-gru-gates-backward"]
PRODUCTS = ["eq-gru-state-backward", "eq-gru-weights-backward"]
OTHERS = ["eq-gru-renew", "eq-gru-before", "eq-gru-turn"]


def case(**options):
    """A layer with biases that are not 0, an input and an initial state."""
    rng = np.random.default_rng(0)
    T, B, D, H = 4, 2, 3, 5
    layer = GRU(D, H, rng=rng, **options)
    layer.params["b"][:] = rng.standard_normal(3 * H)
    return layer, rng.standard_normal((T, B, D)), rng.standard_normal((B, H)), rng


def forward(layer, xs, h, labels):
    """The names of each step, by the page's equations."""
    steps = []
    for x in xs:
        names = {**blocks_of(layer), "x_t": x, "h_{t-1}": h}
        names["h^n_t"] = h @ names["W_{hn}"]  # as the page's text defines it
        for label in labels:
            names = evaluate(PAGE[label], names)
        steps.append(names)
        h = names["h_t"]
    return steps


def test_the_page_has_these_equations_and_no_other():
    assert set(PAGE) == {*STEP, *BACKWARD, *PRODUCTS, *OTHERS, *NOT_COMPUTED}


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({}, STEP),
        ({"update": "renew"}, ["eq-gru-r", "eq-gru-z", "eq-gru-n", "eq-gru-renew"]),
        ({"reset": "before"}, ["eq-gru-r", "eq-gru-z", "eq-gru-before", "eq-gru-h"]),
    ],
    ids=["eq-gru-h", "eq-gru-renew", "eq-gru-before"],
)
def test_the_layer_computes_the_equations_of_a_step(options, labels):
    layer, xs, h0, _ = case(**options)
    hs, _ = layer.forward(xs, h0)
    for names, wanted in zip(forward(layer, xs, h0, labels), hs, strict=True):
        assert relative_error(names["h_t"], wanted) < 1e-13


def test_eq_gru_turn_holds():
    ((left, right),) = lines(PAGE["eq-gru-turn"])
    names = {**FUNCTIONS, "a": np.linspace(-5, 5, 11)}
    assert relative_error(Reader(left, names).value(), Reader(right, names).value()) < 1e-14


def test_the_layer_computes_the_backward_pass():
    layer, xs, h0, rng = case()
    steps = forward(layer, xs, h0, STEP)
    dhs = rng.standard_normal((len(xs), *h0.shape))
    layer.forward(xs, h0)
    dxs, dh0 = layer.backward(dhs)

    after, weights = 0, dict(layer.params)
    for t in reversed(range(len(xs))):
        names = {**steps[t], **weights, r"\mathrm{d}h_t": dhs[t] + after}
        for label in BACKWARD:
            names = evaluate(PAGE[label], names)
        r, z, a_n, h_n = (names[rf"\mathrm{{d}}{name}_t"] for name in ("a^r", "a^z", "a^n", "h^n"))
        names[r"\mathrm{d}a^x_t"] = np.concatenate([r, z, a_n], axis=1)  # side by side, as the page's text says
        names[r"\mathrm{d}a^h_t"] = np.concatenate([r, z, h_n], axis=1)
        names = evaluate(PAGE["eq-gru-state-backward"], names)
        assert relative_error(names[r"\mathrm{d}x_t"], dxs[t]) < 1e-13
        steps[t], after = names, names[r"\mathrm{d}h_{t-1}"]
    assert relative_error(after, dh0) < 1e-13

    found = evaluate(PAGE["eq-gru-weights-backward"], {}, steps)
    for name, symbol in (("W_x", "W_x"), ("W_h", "W_h"), ("b", "b")):
        assert relative_error(found[rf"\mathrm{{d}}{symbol}"], layer.grads[name]) < 1e-13, name
