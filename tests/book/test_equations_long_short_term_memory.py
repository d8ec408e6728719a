r"""The equations of the page on the LSTM's history are those that the library's cells and layers compute."""

import re

import numpy as np
import pytest
from equations import blocks_of, displayed, evaluate, lines

from rnnlib import LSTM, LSTM1997, Bidirectional, Dense, Embedding, PeepholeLSTM
from rnnlib.cells.peephole_lstm import VARIANTS
from rnnlib.gradcheck import relative_error

PAGE = displayed("lstm/long-short-term-memory")

NOT_COMPUTED = {}

T, B, D, H = 4, 2, 3, 5
RNG = np.random.default_rng(0)
XS = RNG.standard_normal((T, B, D))
H0, C0 = RNG.standard_normal((2, B, H))


def run(equations, layer, state0, xs=XS):
    """The states of all steps by the equations, and by the layer; the names after the last step."""
    names = blocks_of(layer) | {f"{s}_{{t-1}}": v for s, v in zip(layer.cell.states, state0, strict=True)}
    read = []
    for x in xs:
        names = evaluate(equations, names | {"x_t": x})
        read.append(names["h_t"])
        names |= {f"{s}_{{t-1}}": names[f"{s}_t"] for s in layer.cell.states}
    hs, state = layer.forward(xs, state0)
    for s, value in zip(layer.cell.states, state, strict=True):
        assert relative_error(np.broadcast_to(names[f"{s}_t"], (B, H)), value) < 1e-13, s
    return np.array(read), hs


@pytest.mark.parametrize(
    ("label", "kind"), [("eq-lstm-1997", LSTM1997), ("eq-lstm-2000", LSTM), ("eq-lstm-peephole", PeepholeLSTM)]
)
def test_the_cells(label, kind):
    read, hs = run(PAGE[label], kind(D, H, rng=np.random.default_rng(1)), (H0, C0))
    assert relative_error(read, hs) < 1e-13


@pytest.mark.parametrize(("line", "name"), list(enumerate(["NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG"])))
def test_a_variant_changes_one_line(line, name):
    left, right = lines(PAGE["eq-lstm-variants"])[line]
    changed = [(one, right if one == left else other) for one, other in lines(PAGE["eq-lstm-peephole"])]
    assert changed != lines(PAGE["eq-lstm-peephole"])
    read, hs = run(changed, PeepholeLSTM(D, H, rng=np.random.default_rng(1), **VARIANTS[name]), (H0, C0))
    assert relative_error(read, hs) < 1e-13


def test_without_peepholes_it_is_the_cell_of_2000():
    read, hs = run(PAGE["eq-lstm-2000"], PeepholeLSTM(D, H, rng=np.random.default_rng(1), **VARIANTS["NP"]), (H0, C0))
    assert relative_error(read, hs) < 1e-13


def test_full_gate_recurrence():
    """eq-lstm-fgr, and likewise for the two other gates, of which the output gate sees the new memory."""
    layer = PeepholeLSTM(D, H, rng=np.random.default_rng(1), **VARIANTS["FGR"])
    (_, sees), (left, right) = lines(PAGE["eq-lstm-fgr"])
    assert left == "i_t"
    of_input_gate, texts = right.replace("q_t", f"({sees})"), {}
    for gate in "ifo":
        text = re.sub(r"W_\{(\w)i\}", rf"W_{{\1{gate}}}", of_input_gate)
        text = text.replace("p_i", f"p_{gate}").replace("b_i", f"b_{gate}")
        texts[f"{gate}_t"] = text.replace("c_{t-1}", "c_t") if gate == "o" else text
    changed = [(left, texts.get(left, right)) for left, right in lines(PAGE["eq-lstm-peephole"])]
    names = blocks_of(layer)
    for k, row in enumerate("ifo"):
        for j, column in enumerate("ifo"):
            names[f"W_{{{row}{column}}}"] = layer.params["W_g"][k * H : (k + 1) * H, j * H : (j + 1) * H]
    state0 = (H0, C0, *np.random.default_rng(2).uniform(size=(3, B, H)))
    names |= {f"{s}_{{t-1}}": v for s, v in zip(layer.cell.states, state0, strict=True)}
    hs, _ = layer.forward(XS, state0)
    for x, h in zip(XS, hs, strict=True):
        names = evaluate(changed, names | {"x_t": x})
        assert relative_error(names["h_t"], h) < 1e-13
        names |= {f"{s}_{{t-1}}": names[f"{s}_t"] for s in layer.cell.states}


def test_both_directions():
    """eq-lstm-bidirectional: one layer from the first step, one from the last, side by side."""
    one, other = (LSTM(D, H, rng=np.random.default_rng(seed)) for seed in (1, 2))
    ys, _ = Bidirectional(one, other).forward(XS)
    zeros = np.zeros((B, H)), np.zeros((B, H))
    (forwards, _), (backwards, _) = (
        run(PAGE["eq-lstm-2000"], layer, zeros, xs) for layer, xs in ((one, XS), (other, XS[::-1]))
    )
    assert relative_error(np.concatenate([forwards, backwards[::-1]], axis=2), ys) < 1e-13


def test_the_readout_of_both_directions_is_a_sum():
    """eq-lstm-two-sided-readout."""
    left, right = RNG.standard_normal((2, T, B, H))
    layer = Dense(2 * H, 2, rng=np.random.default_rng(1))
    W_y, b_y = layer.params.values()
    arrow = dict(zip((r"\overrightarrow", r"\overleftarrow"), ((left, W_y[:H]), (right, W_y[H:])), strict=True))
    (_, joined), (_, split) = lines(PAGE["eq-lstm-two-sided-readout"])
    assert joined == r"[\overrightarrow{h}_t, \overleftarrow{h}_t] W_y + b_y"
    names = {"b_y": b_y}
    for k, (word, (h, W)) in enumerate(arrow.items()):
        split = split.replace(f"{word}{{h}}_t", f"h_{k}").replace(f"{word}{{W}}_y", f"W_{k}")
        names |= {f"h_{k}": h, f"W_{k}": W}
    value = evaluate([("o_t", split)], names)["o_t"]
    assert relative_error(value, layer.forward(np.concatenate([left, right], axis=2))[0]) < 1e-13


def test_words():
    """eq-embedding and eq-embedding-gradient."""
    layer = Embedding(7, D, rng=np.random.default_rng(1))
    tokens = np.array([[3, 0], [3, 3], [6, 2]])
    xs, _ = layer.forward(tokens)
    dxs = RNG.standard_normal(xs.shape)
    layer.backward(dxs)
    steps = [
        evaluate(PAGE["eq-embedding"], {"W_e": layer.params["W_e"], "e_t": e, r"\mathrm{d}x_t": dx})
        for e, dx in zip(np.eye(7)[tokens], dxs, strict=True)
    ]
    assert relative_error(np.array([step["x_t"] for step in steps]), xs) < 1e-15
    gradient = evaluate(PAGE["eq-embedding-gradient"], {}, steps)[r"\mathrm{d}W_e"]
    assert relative_error(gradient, layer.grads["W_e"]) < 1e-14
