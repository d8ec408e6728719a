"""The numbers of the interactive figures: what their modules compute, in node, is what rnnlib computes."""

from itertools import product

import numpy as np
import pytest

from rnnlib import RNN, bptt, cells
from rnnlib.activations import softmax

CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def columns(results):
    """A list of dicts as a dict of arrays."""
    return {key: np.array([result[key] for result in results]) for key in results[0]}


def by_hand(gate):
    """The pre-activation for which the logistic function is the given gate; ±1000 where it is 1 or 0."""
    with np.errstate(divide="ignore"):
        return np.clip(np.log(gate) - np.log1p(-gate), -1000, 1000)


def uniform(rng, low, high, count):
    """Settings of a slider, its two ends among them."""
    return np.concatenate([[low, high], rng.uniform(low, high, count - 2)])[rng.permutation(count)]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def rows(settings):
    """A dict of arrays as a list of dicts, for node."""
    return [dict(zip(settings, row, strict=True)) for row in zip(*(a.tolist() for a in settings.values()), strict=True)]


def test_the_lstm_cell_computes_what_rnnlib_does(in_node, rng):
    N = 300
    ranges = {"x": (-2, 2), "h_prev": (-1, 1), "c_prev": (-3, 3), "i": (0, 1), "f": (0, 1), "o": (0, 1)}
    settings = {name: uniform(rng, low, high, N) for name, (low, high) in ranges.items()}
    settings |= {f"{gate}_by_hand": rng.random(N) < 0.5 for gate in "ifo"}
    found = columns(in_node("lstm-cell", "step", rows(settings)))

    weights = in_node("lstm-cell")["WEIGHTS"]
    x, h_prev, c_prev = (settings[name][:, None] for name in ("x", "h_prev", "c_prev"))
    W_x, W_h, b = (np.array([[weights[gate][name] for gate in "ifgo"]]) for name in ("W_x", "W_h", "b"))
    a_x, a_h = x @ W_x + b, h_prev @ W_h
    for gate in "ifo":
        k, hand = "ifgo".index(gate), settings[f"{gate}_by_hand"]
        a_x[:, k] = np.where(hand, by_hand(settings[gate]), a_x[:, k])
        a_h[:, k] = np.where(hand, 0, a_h[:, k])
    (h, c), saved = cells.LSTM().pointwise(a_x, a_h, (h_prev, c_prev))
    for name, value in zip("ifgoch", (*saved[:4], c, h), strict=True):
        np.testing.assert_allclose(found[name], value[:, 0], err_msg=name, **CLOSE)


def test_an_open_forget_gate_and_a_shut_input_gate_keep_the_memory(in_node):
    hand = {"i": 0, "f": 1, "i_by_hand": True, "f_by_hand": True, "o": 0.5, "o_by_hand": False}
    settings = [{"x": x, "h_prev": h, "c_prev": 1.3, **hand} for x in (-2, 0.7, 2) for h in (-1, 0.4)]
    assert [step["c"] for step in in_node("lstm-cell", "step", settings)] == [1.3] * 6


@pytest.mark.parametrize("update", ["keep", "renew"])
def test_the_gru_computes_what_rnnlib_does(in_node, rng, update):
    N = 300
    ranges = {"x": (-2, 2), "h_prev": (-1, 1), "r": (0, 1), "z": (0, 1)}
    settings = {name: uniform(rng, low, high, N) for name, (low, high) in ranges.items()}
    found = columns(in_node("gru-interpolation", "step", [row | {"update": update} for row in rows(settings)]))

    weights = in_node("gru-interpolation")["WEIGHTS"]
    x, h_prev, r, z = (settings[name][:, None] for name in ("x", "h_prev", "r", "z"))
    W_h = np.array([[0, 0, weights["W_hn"]]], float)
    a_x = np.concatenate([by_hand(r), by_hand(z), x * weights["W_xn"]], axis=1)
    (h,), (_, keeps, n, *_) = cells.GRU(update=update).step(a_x, (h_prev,), bptt.Products({"W_h": W_h}))
    for name, value in {"n": n, "kept": keeps, "renewed": 1 - keeps, "h": h}.items():
        np.testing.assert_allclose(found[name], value[:, 0], err_msg=name, **CLOSE)


def test_bptt_computes_what_rnnlib_does_whatever_paths_are_cut(in_node, rng):
    module = in_node("bptt-steps")
    T, xs, targets = module["T"], np.array(module["INPUTS"])[:, None, None], np.array(module["TARGETS"])
    layer = RNN(1, 1, rng=rng)
    for name, weight in (module["WEIGHTS"] | {"b": 0}).items():
        layer.params[name][:] = weight
    bits = [True, False]
    cuts = [(list(losses), list(edges)) for losses in product(bits, repeat=T) for edges in product(bits, repeat=T - 1)]
    found = in_node("bptt-steps", "backward", [{"losses": losses, "edges": edges} for losses, edges in cuts])
    assert len(found) == 512
    for (losses, edges), result in zip(cuts, found, strict=True):
        # Where an edge is cut a new piece begins: it goes on from the state, and its gradient stops at its own start.
        ends = [t for t in range(1, T) if not edges[t - 1]] + [T]
        hs, da, dW_h, from_later, state = [], [], 0.0, [], np.zeros((1, 1))
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            piece, state_after = layer.forward(xs[start:end], state)
            dhs = (piece[:, 0, 0] - targets[start:end]) * losses[start:end]
            dxs, _ = layer.backward(dhs[:, None, None])
            hs.extend(piece[:, 0, 0])
            da.extend(dxs[:, 0, 0] / module["WEIGHTS"]["W_x"])
            from_later.extend([*(np.array(da[start + 1 : end]) * module["WEIGHTS"]["W_h"]), 0.0])
            dW_h += layer.grads["W_h"][0, 0]
            state = state_after
        hs, da = np.array(hs), np.array(da)
        expected = {"h": [0, *hs], "da": da, "dh": da / (1 - hs**2), "from_later": from_later, "dW_h": dW_h}
        expected |= {"from_loss": (hs - targets) * losses, "terms": np.array([0, *hs[:-1]]) * da}
        assert result.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(result[name], value, err_msg=f"{name}, {losses}, {edges}", **CLOSE)


def test_an_edge_cut_everywhere_is_truncation_to_one_step(in_node, rng):
    module = in_node("bptt-steps")
    T, xs = module["T"], np.array(module["INPUTS"])[:, None, None]
    layer = RNN(1, 1, rng=rng)
    for name, weight in (module["WEIGHTS"] | {"b": 0}).items():
        layer.params[name][:] = weight
    hs, _ = layer.forward(xs)
    layer.backward(hs - np.array(module["TARGETS"])[:, None, None], window=1)
    (found,) = in_node("bptt-steps", "backward", [{"losses": [True] * T, "edges": [False] * (T - 1)}])
    np.testing.assert_allclose(found["dW_h"], layer.grads["W_h"][0, 0], **CLOSE)


@pytest.mark.parametrize("tanh", [False, True])
def test_the_gradient_against_the_lag_is_that_of_rnnlib(in_node, rng, tanh):
    module = in_node("gradient-lag")
    H, T, Q, xs = module["UNITS"], module["LAGS"], np.array(module["Q"]), np.array(module["INPUTS"])[:, None]
    np.testing.assert_allclose(Q @ Q.T, np.eye(H), atol=1e-14)
    radii = [0.6, 0.9, 1.0, 1.17, 1.4]
    found = in_node("gradient-lag", "lengths", [{"radius": radius, "tanh": tanh} for radius in radii])
    cell = cells.Elman()
    for radius, lengths in zip(radii, found, strict=True):
        params = {"W_x": np.eye(H), "W_h": radius * Q, "b": np.zeros(H)}
        assert abs(np.abs(np.linalg.eigvals(params["W_h"])).max() - radius) < 1e-12
        inputs = xs if tanh else 0 * xs  # with all states 0 the derivative of tanh is 1: the network is linear
        hs, _, _ = bptt.forward(cell, params, inputs, (np.zeros((1, H)),))
        expected = [1.0]
        for k in range(1, T + 1):
            before = hs[T - k - 1] if k < T else np.zeros((1, H))
            _, _, tape = bptt.forward(cell, params, inputs[T - k :], (before,))
            dhs = np.zeros((k, 1, H))
            dhs[-1] = module["LAST"]
            _, (dh,), _ = bptt.backward(cell, tape, dhs)
            expected.append(np.linalg.norm(dh))
        np.testing.assert_allclose(lengths, expected, rtol=1e-9)
        if not tanh:
            np.testing.assert_allclose(lengths, radius ** np.arange(T + 1), rtol=1e-9)


def test_the_softmax_is_that_of_rnnlib(in_node, rng):
    logits, temperatures = rng.uniform(-3, 3, (300, 4)), uniform(rng, 0.1, 5, 300)
    logits[0] *= 1e5  # more than an exponential can hold
    settings = [{"logits": o.tolist(), "temperature": tau} for o, tau in zip(logits, temperatures, strict=True)]
    found = columns(in_node("softmax-temperature", "probabilities", settings))
    p = softmax(logits / temperatures[:, None])
    np.testing.assert_allclose(found["p"], p, **CLOSE)
    np.testing.assert_allclose(found["sum"], 1, **CLOSE)
    np.testing.assert_allclose(found["entropy"], -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1), **CLOSE)


def test_numbers_have_a_real_minus_sign_and_zero_has_none(in_node):
    assert in_node("common", "number", [-0.5, 2, -0.001, 0]) == ["−0.50", "2.00", "0.00", "0.00"]
    assert in_node("common", "bracketed", [-0.5, 2, -0.001]) == ["(−0.50)", "2.00", "0.00"]
    lengths = [0.349, 45.26, 999.6, 1234, 9.96e-7, 0.0123]
    assert in_node("gradient-lag", "inWords", lengths) == ["0.349", "45", "1000", "1.2 · 10³", "1.0 · 10⁻⁶", "0.0123"]
