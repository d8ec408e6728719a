"""The equations of 'The recurrent network' are what the library computes."""

import numpy as np
from equations import Reader, blocks_of, displayed, evaluate, lines

from rnnlib import RNN, Dense, Network, bptt
from rnnlib.activations import softmax
from rnnlib.gradcheck import relative_error
from rnnlib.losses import cross_entropy

LATEX = displayed("rnn/recurrent-network")
NOT_COMPUTED = {"eq-ngram": "a counting model, which is the chapter's own and not the library's"}

rng = np.random.default_rng(0)
T, B, D, H, K = 5, 2, 3, 4, 6


def layer_and_input():
    layer = RNN(D, H, rng=rng)
    layer.params["b"][:] = rng.standard_normal(H)
    return layer, rng.standard_normal((T, B, D)), rng.standard_normal((B, H))


def test_the_whole_sequence():
    (layer, xs, h0), readout = layer_and_input(), Dense(H, K, rng=rng)
    hs, _ = layer.forward(xs, h0)
    p = softmax(readout.forward(hs)[0])
    names = {**blocks_of(layer), **readout.params, "h_{t-1}": h0}
    for t in range(T):
        names = evaluate(LATEX["eq-rnn-sequence"], {**names, "x_t": xs[t]})
        assert relative_error(names["h_t"], hs[t]) < 1e-14
        assert relative_error(names["p_t"], p[t]) < 1e-14
        names["h_{t-1}"] = names["h_t"]


def test_the_loss_and_the_draw():
    """Their indices of tokens are beyond the reader, so the text is held and its meaning written out here."""
    latex = " ".join(LATEX["eq-cross-entropy"].split())
    assert latex == r"L = - \frac{1}{T B} \sum_{t=1}^{T} \sum_{n=1}^{B} \log p_{t,n,y_{t,n}} ."
    logits, y = rng.standard_normal((T, B, K)), rng.integers(K, size=(T, B))
    p = softmax(logits)
    total = sum(np.log(p[t, n, y[t, n]]) for t in range(T) for n in range(B))
    assert abs(cross_entropy(logits, y) + total / (T * B)) < 1e-14

    assert LATEX["eq-sampling"].startswith(r"k_t \sim \operatorname{softmax}(o_t / \tau), \qquad x_{t+1} = ")
    network = Network([RNN(K, H, rng=rng), Dense(H, K, rng=rng)])
    first = np.array([1])
    draws = [network.generate(first, 1, rng=np.random.default_rng(seed), temperature=0.5)[0] for seed in range(4000)]
    o, _ = network.forward(np.eye(K)[[1], None])
    expected = Reader(r"\operatorname{softmax}(o_t / \tau)", {**evaluate([], {}), "o_t": o[0, 0], r"\tau": 0.5}).value()
    np.testing.assert_allclose(np.bincount(draws, minlength=K) / 4000, expected, atol=0.04)


def test_the_steps_put_into_one_another():
    layer, xs, h0 = layer_and_input()
    hs, _ = layer.forward(xs, h0)
    names = {**blocks_of(layer), "x_T": xs[-1], "x_{T-1}": xs[-2], "h_{T-1}": hs[-2], "h_{T-2}": hs[-3]}
    (first, second, _) = lines(LATEX["eq-rnn-nested"])
    for left, right in (first, second):
        assert left == "h_T"
        assert relative_error(evaluate([(left, right)], names)["h_T"], hs[-1]) < 1e-14


def test_the_gradient_one_step_back():
    layer, xs, h0 = layer_and_input()
    hs, _, tape = bptt.forward(layer.cell, layer.params, xs[:1], (h0,))
    dh = rng.standard_normal((B, H))
    _, (dh0,), _ = bptt.backward(layer.cell, tape, dh[None])
    names = {**blocks_of(layer), "h_t": hs[0], r"\mathrm{d}h_t": dh}
    assert relative_error(evaluate(LATEX["eq-gradient-step"], names)[r"\mathrm{d}h_{t-1}"], dh0) < 1e-14
