"""The equations of 'From a feed-forward to a recurrent network' are what the library computes."""

import numpy as np
from equations import blocks_of, displayed, evaluate

from rnnlib import RNN, Dense
from rnnlib.activations import softmax
from rnnlib.gradcheck import relative_error

LATEX = displayed("introduction/from-fnn-to-rnn")
NOT_COMPUTED = {}

rng = np.random.default_rng(0)
T, B, D, H, K = 5, 2, 3, 4, 6


def test_the_feed_forward_network():
    first, readout = RNN(D, H, rng=rng), Dense(H, K, rng=rng)
    first.params["W_h"][:] = 0
    x = rng.standard_normal((B, D))
    names = evaluate(LATEX["eq-fnn"], {"x": x, **blocks_of(first), **readout.params})
    hs, _ = first.forward(x[None])
    assert relative_error(names["h"], hs[0]) < 1e-14
    assert relative_error(names["o"], readout.forward(hs)[0][0]) < 1e-14


def test_the_three_lines_of_a_step():
    recurrent, readout = RNN(D, H, rng=rng), Dense(H, K, rng=rng)
    readout.params["b_y"][:] = rng.standard_normal(K)
    xs, h0 = rng.standard_normal((T, B, D)), rng.standard_normal((B, H))
    hs, _ = recurrent.forward(xs, h0)
    logits, _ = readout.forward(hs)
    names = {**blocks_of(recurrent), **readout.params, "h_{t-1}": h0}
    for t in range(T):
        names["x_t"] = xs[t]
        for label in ("eq-rnn-preactivation", "eq-rnn-state", "eq-rnn-readout"):
            names = evaluate(LATEX[label], names)
        assert relative_error(names["h_t"], hs[t]) < 1e-14
        assert relative_error(names["o_t"], logits[t]) < 1e-14
        names["h_{t-1}"] = names["h_t"]


def test_the_softmax_entry_by_entry():
    """Its indices of classes are beyond the reader, so the text is held and its meaning written out here."""
    latex = " ".join(LATEX["eq-softmax"].split())
    assert latex == r"p_{t,k} = \frac{e^{o_{t,k}}}{\sum_{j=1}^{K} e^{o_{t,j}}} ."
    o = rng.standard_normal((B, K))
    p = softmax(o)
    for n in range(B):
        for k in range(K):
            assert abs(p[n, k] - np.exp(o[n, k]) / sum(np.exp(o[n, j]) for j in range(K))) < 1e-15
