"""The gated feedback network over each kind of layer, beside its equations, plain stacks and differences."""

import numpy as np
import pytest

import rnnlib
from rnnlib.gradcheck import relative_error

KINDS = {"tanh": (rnnlib.RNN, "h"), "lstm": (rnnlib.LSTM, "ifgo"), "gru": (rnnlib.GRU, "rzn")}
CANDIDATE = {"tanh": 0, "lstm": 2, "gru": 2}
SIZES = [(3, 4, 4, 2), (1, 4, 4, 2), (3, 1, 4, 2), (3, 4, 1, 2), (3, 4, 4, 1), (1, 1, 1, 1)]  # D, H, T, B
D, H, T, B = 3, 4, 6, 2


@pytest.fixture(params=KINDS)
def over(request):
    """What a layer is."""
    return request.param


def make(over, layers, seed=0, dtype=np.float64, **drawing):
    """A layer of gated feedback, no two of whose parameters are alike."""
    rng = np.random.default_rng(seed)
    return rnnlib.GatedFeedback(D, H, rng=rng, dtype=dtype, layers=layers, over=over, **drawing)


def as_tuple(state):
    return state if isinstance(state, tuple) else (state,)


def draw(layer, seed=1):
    """An input, an initial state in the layer's form, and a gradient for each output."""
    rng = np.random.default_rng(seed)
    state = tuple(0.6 * rng.standard_normal((B, H)) for _ in layer.cell.states)
    return rng.standard_normal((T, B, D)), state if len(state) > 1 else state[0], rng.standard_normal((T, B, H))


def numbered(name, j):
    """The name of a parameter of layer j, from 1."""
    return name if j == 1 else f"{name}{j}"


def feedback(params, i, j, G):
    """The matrix U from layer i to layer j, a view."""
    start = (G - 1 + j - 1) * H
    return params[numbered("W_h", i)][:, start : start + H]


def logistic(a):
    return 1 / (1 + np.exp(-a))


def by_equations(over, layers, p, xs, state):
    """All states at each step, by the docstring's equations, one pair of layers at a time."""
    G = len(KINDS[over][1])
    hs, cs, path = list(state[:layers]), list(state[layers:]), []
    for x in xs:
        star, old, v = np.concatenate(hs, axis=1), list(hs), x
        for j in range(1, layers + 1):
            s = 0
            for i in range(1, layers + 1):
                column = (j - 1) * layers + i - 1
                gate = logistic(v @ p[numbered("W_gx", j)][:, i - 1] + star @ p["W_gh"][:, column])
                s = s + gate[:, None] * (old[i - 1] @ feedback(p, i, j, G))
            a = np.split(v @ p[numbered("W_x", j)] + p[numbered("b", j)], G, axis=1)
            own = [old[j - 1] @ p[numbered("W_h", j)][:, k * H : (k + 1) * H] for k in range(G - 1)]
            if over == "tanh":
                v = np.tanh(a[0] + s)
            elif over == "lstm":
                i_, f, o = (logistic(a[k] + u) for k, u in zip((0, 1, 3), own, strict=True))
                cs[j - 1] = f * cs[j - 1] + i_ * np.tanh(a[2] + s)
                v = o * np.tanh(cs[j - 1])
            else:
                r, z = logistic(a[0] + own[0]), logistic(a[1] + own[1])
                v = (1 - z) * np.tanh(a[2] + r * s) + z * old[j - 1]
            hs[j - 1] = v
        path.append((*hs, *cs))
    return path


@pytest.mark.parametrize(("layers", "size"), [*((2, size) for size in SIZES), (1, SIZES[0]), (3, (2, 3, 2, 2))])
def test_gradients_agree_with_differences(differences, over, layers, size):
    D, H, T, B = size
    layer = rnnlib.GatedFeedback(D, H, rng=np.random.default_rng(1), layers=layers, over=over)
    errors = differences(layer, T, B)
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_it_computes_its_equations(over, layers):
    layer = make(over, layers)
    xs, state0, _ = draw(layer)
    hs, last = layer.forward(xs, state0)
    path = by_equations(over, layers, layer.params, xs, as_tuple(state0))
    for t in range(T):
        np.testing.assert_allclose(hs[t], path[t][layers - 1], rtol=1e-11)
    for array, expected in zip(as_tuple(last), path[-1], strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-11)


def test_its_parameters_and_states_are_named_and_shaped_as_it_says(over):
    G = len(KINDS[over][1])
    layer = make(over, 3)
    above = {"W_x": (H, G * H), "W_h": (H, (G + 2) * H), "b": (G * H,), "W_gx": (H, 3)}
    first = {**above, "W_x": (D, G * H), "W_gx": (D, 3)}
    expected = first | {f"{name}{j}": shape for j in (2, 3) for name, shape in above.items()} | {"W_gh": (3 * H, 9)}
    assert {name: p.shape for name, p in layer.params.items()} == expected
    letters = "hc" if over == "lstm" else "h"
    assert layer.cell.states == tuple(f"{letter}{j}" for letter in letters for j in (1, 2, 3))


def stack_of(over, layer, layers, factor):
    """The same weights as plain layers on top of each other, with U from a layer to itself times a factor."""
    G, k, p = len(KINDS[over][1]), CANDIDATE[over], layer.params
    stack = []
    for j in range(1, layers + 1):
        plain = KINDS[over][0](D if j == 1 else H, H, rng=np.random.default_rng(0))
        own = np.split(p[numbered("W_h", j)][:, : (G - 1) * H], G - 1, axis=1) if G > 1 else []
        W_h = np.concatenate([*own[:k], factor * feedback(p, j, j, G), *own[k:]], axis=1)
        plain.params = {"W_x": p[numbered("W_x", j)], "W_h": W_h, "b": p[numbered("b", j)]}
        stack.append(plain)
    return rnnlib.Network(stack)


def without_feedback_between_layers(over, layer, layers):
    for i in range(1, layers + 1):
        for j in range(1, layers + 1):
            if i != j:
                feedback(layer.params, i, j, len(KINDS[over][1]))[:] = 0


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_half_open_gates_within_each_layer_make_a_stack(over, layers):
    """A gate without weights is σ(0), so the stack's own recurrent product is halved."""
    layer = make(over, layers)
    xs, state0, dhs = draw(layer)
    without_feedback_between_layers(over, layer, layers)
    for name, p in layer.params.items():
        if name.startswith("W_g"):
            p[:] = 0
    stack = stack_of(over, layer, layers, factor=0.5)
    states = as_tuple(state0)
    own = [states[j::layers] if over == "lstm" else states[j] for j in range(layers)]
    hs, _ = stack.forward(xs, own)
    np.testing.assert_allclose(layer.forward(xs, state0)[0], hs, rtol=1e-12)
    dxs, _ = layer.backward(dhs)
    np.testing.assert_allclose(dxs, stack.backward(dhs)[0], rtol=1e-9, atol=1e-15)
    for j in range(1, layers + 1):
        np.testing.assert_allclose(layer.grads[numbered("W_x", j)], stack.grads[f"{j - 1}.W_x"], rtol=1e-9, atol=1e-15)


#: Biases of one unit that hold it far from 0, whatever comes in.
HELD = {"tanh": {"h": 50}, "lstm": {"i": 50, "f": -50, "g": 50, "o": 50}, "gru": {"z": -50, "n": 50}}


@pytest.mark.parametrize("layers", [1, 2])
def test_open_gates_within_each_layer_make_a_stack(over, layers):
    """A last feature of x that is 1, and a unit of the first layer that is held, open every gate."""
    held = {block: np.r_[value, np.zeros(H - 1)] for block, value in HELD[over].items()}
    layer = make(over, layers, biases=held)
    xs, state0, _ = draw(layer)
    xs[:, :, -1] = 1
    closed = stack_of(over, layer, layers, factor=1.0).forward(xs)[0]
    assert not np.allclose(layer.forward(xs)[0], closed)
    without_feedback_between_layers(over, layer, layers)
    layer.params["W_gh"][:] = 0
    for j in range(1, layers + 1):
        opens = -1 if j == 1 else 0
        layer.params[numbered("W_gx", j)][:] = 0
        layer.params[numbered("W_gx", j)][opens] = 1e3
    states = as_tuple(state0)
    own = [states[j::layers] if over == "lstm" else states[j] for j in range(layers)]
    hs, _ = stack_of(over, layer, layers, factor=1.0).forward(xs, own)
    np.testing.assert_allclose(layer.forward(xs, state0)[0], hs, rtol=1e-12)


def test_what_an_upper_layer_kept_comes_back_to_the_lower_one(over):
    layer = make(over, 2)
    xs, state0, _ = draw(layer)
    other = [s.copy() for s in as_tuple(state0)]
    other[1] += 0.1
    first = [layer.forward(xs[:1], s)[1][0] for s in (state0, tuple(other))]
    assert abs(first[0] - first[1]).max() > 1e-4
    G = len(KINDS[over][1])
    feedback(layer.params, 2, 1, G)[:] = 0
    first = [layer.forward(xs[:1], s)[1][0] for s in (state0, tuple(other))]
    layer.params["W_gh"][H:] = 0
    no_path = [layer.forward(xs[:1], s)[1][0] for s in (state0, tuple(other))]
    assert abs(first[0] - first[1]).max() > 1e-6  # through the gates alone
    np.testing.assert_array_equal(no_path[0], no_path[1])


def test_padding_changes_nothing(over):
    layer = make(over, 2)
    xs, state0, dhs = draw(layer)
    lengths = np.array([T, 2])
    hs, last = layer.forward(xs, state0, lengths)
    dxs, dstate0 = layer.backward(dhs)
    total = {name: np.zeros_like(p) for name, p in layer.params.items()}
    for b, length in enumerate(lengths):
        alone, last_alone = layer.forward(xs[:length, b : b + 1], tuple(s[b : b + 1] for s in state0))
        dxs_alone, dstate0_alone = layer.backward(dhs[:length, b : b + 1])
        np.testing.assert_allclose(hs[:length, b], alone[:, 0], rtol=1e-12)
        np.testing.assert_array_equal(hs[length:, b], 0)
        np.testing.assert_allclose(dxs[:length, b], dxs_alone[:, 0], rtol=1e-10)
        np.testing.assert_array_equal(dxs[length:, b], 0)
        for batch, single in zip((*last, *dstate0), (*last_alone, *dstate0_alone), strict=True):
            np.testing.assert_allclose(batch[b], single[0], rtol=1e-10)
        for name, g in layer.grads.items():
            total[name] += g
    layer.forward(xs, state0, lengths)
    layer.backward(dhs)
    for name, g in layer.grads.items():
        assert relative_error(g, total[name]) < 1e-12, name


def test_biases_are_those_of_every_layer(over):
    block = KINDS[over][1][-1]
    layer = make(over, 3, init="glorot", biases={block: 0.7})
    for name in ("b", "b2", "b3"):
        np.testing.assert_array_equal(layer.params[name], [0] * (len(layer.params[name]) - H) + [0.7] * H)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": 0}, "layers is 0; it should be an integer of at least 1"),
        ({"layers": 1.5}, "layers is 1.5; it should be an integer of at least 1"),
        ({"over": "rnn"}, "over is 'rnn'; it should be 'tanh' or 'lstm' or 'gru'"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        rnnlib.GatedFeedback(D, H, rng=np.random.default_rng(0), **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_inputs_saturate_without_a_warning(over, dtype):
    layer = make(over, 2, dtype=dtype)
    xs = np.full((T, B, D), 1e4, dtype)
    xs[::2] = -1e4
    hs, last = layer.forward(xs)
    dxs, dstate0 = layer.backward(np.ones_like(hs))
    assert {a.dtype for a in (hs, dxs, *last, *dstate0, *layer.grads.values())} == {np.dtype(dtype)}
    assert all(np.isfinite(a).all() for a in (hs, dxs, *last, *dstate0, *layer.grads.values()))
    assert (abs(hs) <= 1).all()
    first = abs(last[0])
    if over != "lstm":  # the first layer is at its ends, or still at its start
        assert np.isin(first, [0, 1]).all() and first.max() == 1


def test_float32_follows_float64(over):
    fine, coarse = make(over, 2), make(over, 2, dtype=np.float32)
    xs, state0, dhs = draw(fine)
    hs, _ = fine.forward(xs, state0)
    fine.backward(dhs)
    hs32, _ = coarse.forward(xs.astype(np.float32), tuple(s.astype(np.float32) for s in state0))
    coarse.backward(dhs.astype(np.float32))
    assert relative_error(hs, hs32) < 1e-6
    for name, g in fine.grads.items():
        assert relative_error(g, coarse.grads[name]) < 1e-5, name
