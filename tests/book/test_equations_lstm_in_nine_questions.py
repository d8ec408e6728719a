"""The equations of "The LSTM cell in nine questions" are those that `rnnlib.LSTM` computes."""

import numpy as np
from equations import blocks_of, displayed, evaluate

from rnnlib import LSTM
from rnnlib.gradcheck import relative_error

#: Labelled equations that no code implements, and why.
NOT_COMPUTED = {}

PAGE = displayed("introduction/lstm-in-nine-questions")
STEP = ["eq-lstm-i", "eq-lstm-f", "eq-lstm-g", "eq-lstm-o", "eq-lstm-c", "eq-lstm-h"]


def test_the_page_has_these_equations_and_no_other():
    assert set(PAGE) == {*STEP, *NOT_COMPUTED}


def test_the_layer_computes_eq_lstm_i_f_g_o_c_and_h():
    rng = np.random.default_rng(0)
    T, B, D, H = 4, 2, 3, 5
    layer = LSTM(D, H, rng=rng)
    layer.params["b"][:] = rng.standard_normal(4 * H)
    xs, h, c = rng.standard_normal((T, B, D)), rng.standard_normal((B, H)), rng.standard_normal((B, H))
    hs, (_, c_last) = layer.forward(xs, (h, c))
    for x, wanted in zip(xs, hs, strict=True):
        names = {**blocks_of(layer), "x_t": x, "h_{t-1}": h, "c_{t-1}": c}
        for label in STEP:
            names = evaluate(PAGE[label], names)
        h, c = names["h_t"], names["c_t"]
        assert relative_error(h, wanted) < 1e-13
    assert relative_error(c, c_last) < 1e-13
