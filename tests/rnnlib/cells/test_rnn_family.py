"""The simple recurrent network and its relatives: multiplicative, and with a deep transition."""

import numpy as np
import pytest

import rnnlib
from rnnlib.gradcheck import gradient_errors, relative_error

KINDS = [
    (rnnlib.MultiplicativeRNN, {}),
    (rnnlib.MultiplicativeRNN, {"factors": 1}),
    (rnnlib.MultiplicativeRNN, {"factors": 7}),
    (rnnlib.DeepTransitionRNN, {}),
    (rnnlib.DeepTransitionRNN, {"shortcut": False}),
    (rnnlib.DeepTransitionRNN, {"depth": 4}),
    (rnnlib.DeepTransitionRNN, {"depth": 3, "shortcut": False}),
]
SIZES = [(3, 5, 4, 2), (1, 5, 4, 2), (3, 1, 4, 2), (3, 5, 1, 2), (3, 5, 4, 1), (1, 1, 1, 1)]  # D, H, T, B


def draw(layer, T, B, seed):
    """An input and an initial state."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((T, B, layer.input_size)), rng.standard_normal((B, layer.hidden_size))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_gradients_agree_with_differences(differences, kind, options, size):
    D, H, T, B = size
    errors = differences(kind(D, H, rng=np.random.default_rng(1), **options), T, B)
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("size", SIZES)
def test_gradients_of_the_rectifier_agree_with_differences(size):
    D, H, T, B = size
    layer = rnnlib.RNN(D, H, rng=np.random.default_rng(2), nonlinearity="relu")
    xs, h0 = draw(layer, T, B, seed=4)
    hs, _ = layer.forward(xs, h0)
    a = xs @ layer.params["W_x"] + layer.params["b"] + np.concatenate([h0[None], hs[:-1]]) @ layer.params["W_h"]
    assert abs(a).min() > 1e-3  # far from the kink, as a difference of 1e-5 needs it
    np.testing.assert_array_equal(hs, np.where(hs > 0, hs, 0))
    dhs, dh = (np.random.default_rng(5).standard_normal(shape) for shape in (hs.shape, h0.shape))
    dxs, dh0 = layer.backward(dhs, dh)

    def loss():
        hs, h = layer.forward(xs, h0)
        return (hs * dhs).sum() + (h * dh).sum()

    errors = gradient_errors(loss, {"xs": xs, "h": h0, **layer.params}, {"xs": dxs, "h": dh0, **layer.grads})
    assert max(errors.values()) < 1e-6, errors


def test_the_multiplicative_network_computes_its_equations():
    layer = rnnlib.MultiplicativeRNN(3, 5, rng=np.random.default_rng(0), factors=4)
    xs, h = draw(layer, T=6, B=2, seed=1)
    hs, last = layer.forward(xs, h)
    p = layer.params
    assert {name: value.shape for name, value in p.items()} == {
        "W_x": (3, 5),
        "W_h": (5, 4),
        "b": (5,),
        "W_xf": (3, 4),
        "W_f": (4, 5),
    }
    for t in range(6):
        f = np.einsum("bd,df,bh,hf->bf", xs[t], p["W_xf"], h, p["W_h"])
        h = np.tanh(f @ p["W_f"] + xs[t] @ p["W_x"] + p["b"])
        np.testing.assert_allclose(hs[t], h, rtol=1e-12)
    np.testing.assert_array_equal(last, hs[-1])


def test_a_one_hot_input_chooses_the_recurrent_matrix():
    layer = rnnlib.MultiplicativeRNN(4, 5, rng=np.random.default_rng(0), factors=3)
    _, h0 = draw(layer, T=1, B=2, seed=1)
    p = layer.params
    for letter in range(4):
        xs = np.zeros((1, 2, 4))
        xs[:, :, letter] = 1
        plain = rnnlib.RNN(4, 5, rng=np.random.default_rng(0))
        plain.params = {**{k: p[k] for k in ("W_x", "b")}, "W_h": p["W_h"] @ np.diag(p["W_xf"][letter]) @ p["W_f"]}
        np.testing.assert_allclose(layer.forward(xs, h0)[0], plain.forward(xs, h0)[0], rtol=1e-12)


def test_factors_are_as_many_as_units_unless_told():
    layer = rnnlib.MultiplicativeRNN(3, 5, rng=np.random.default_rng(0))
    assert layer.params["W_h"].shape == (5, 5)
    assert layer.count_parameters() == 3 * 5 + 5 * 5 + 5 + 3 * 5 + 5 * 5


@pytest.mark.parametrize("shortcut", [True, False])
@pytest.mark.parametrize("depth", [2, 4])
def test_the_deep_transition_computes_its_equations(depth, shortcut):
    layer = rnnlib.DeepTransitionRNN(3, 5, rng=np.random.default_rng(0), depth=depth, shortcut=shortcut)
    xs, h = draw(layer, T=6, B=2, seed=1)
    hs, last = layer.forward(xs, h)
    p = layer.params
    assert ("W_s" in p) == shortcut
    assert len(p) == 3 + 2 * (depth - 1) + shortcut
    for t in range(6):
        u = np.tanh(xs[t] @ p["W_x"] + h @ p["W_h"] + p["b"])
        for k in range(2, depth):
            u = np.tanh(u @ p[f"W_{k}"] + p[f"b_{k}"])
        h = np.tanh(u @ p[f"W_{depth}"] + p[f"b_{depth}"] + (h @ p["W_s"] if shortcut else 0))
        np.testing.assert_allclose(hs[t], h, rtol=1e-12)
    np.testing.assert_array_equal(last, hs[-1])


def test_a_shortcut_alone_is_the_simple_network_without_input():
    layer = rnnlib.DeepTransitionRNN(3, 5, rng=np.random.default_rng(0), depth=2)
    layer.params["W_2"][:] = 0
    plain = rnnlib.RNN(3, 5, rng=np.random.default_rng(0))
    p = layer.params
    plain.params = {"W_x": np.zeros((3, 5)), "W_h": p["W_s"], "b": p["b_2"]}
    xs, h0 = draw(layer, T=6, B=2, seed=1)
    np.testing.assert_allclose(layer.forward(xs, h0)[0], plain.forward(xs, h0)[0], rtol=1e-12)


def test_two_steps_of_the_simple_network_are_one_step_of_depth_two():
    """With x in every other step of a simple network, and no shortcut, the layers are the two steps."""
    layer = rnnlib.DeepTransitionRNN(3, 5, rng=np.random.default_rng(0), depth=2, shortcut=False)
    layer.params |= {"W_2": layer.params["W_h"], "b_2": layer.params["b"]}
    plain = rnnlib.RNN(3, 5, rng=np.random.default_rng(0))
    plain.params = {name: layer.params[name] for name in ("W_x", "W_h", "b")}
    xs, h0 = draw(layer, T=4, B=2, seed=1)
    every_other = np.zeros((8, 2, 3))
    every_other[::2] = xs
    np.testing.assert_allclose(layer.forward(xs, h0)[0], plain.forward(every_other, h0)[0][1::2], rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (rnnlib.MultiplicativeRNN, {"factors": 0}, "factors is 0; it should be an integer of at least 1"),
        (rnnlib.MultiplicativeRNN, {"factors": 2.0}, "factors is 2.0; it should be an integer of at least 1"),
        (rnnlib.DeepTransitionRNN, {"depth": 1}, "depth is 1; it should be at least 2"),
        (rnnlib.DeepTransitionRNN, {"depth": "2"}, "depth is '2'; it should be an integer"),
    ],
)
def test_wrong_options_are_named(kind, options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        kind(3, 4, rng=np.random.default_rng(0), **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_large_inputs_saturate_without_a_warning(kind, options, dtype):
    layer = kind(3, 5, rng=np.random.default_rng(0), dtype=dtype, **options)
    xs = np.full((4, 2, 3), 1e4, dtype)
    xs[::2] = -1e4
    hs, _ = layer.forward(xs)
    dxs, dh0 = layer.backward(np.ones_like(hs))
    assert hs.dtype == dxs.dtype == dh0.dtype == dtype
    assert all(g.dtype == dtype and np.isfinite(g).all() for g in layer.grads.values())
    assert np.isfinite(dxs).all() and np.isfinite(dh0).all() and (abs(hs) <= 1).all()
    if isinstance(layer, rnnlib.MultiplicativeRNN):
        np.testing.assert_array_equal(abs(hs), 1)


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_float32_follows_float64(kind, options):
    coarse, fine = (kind(3, 5, rng=np.random.default_rng(0), dtype=d, **options) for d in (np.float32, np.float64))
    xs, h0 = draw(fine, T=6, B=2, seed=1)
    hs, _ = fine.forward(xs, h0)
    hs32, _ = coarse.forward(xs.astype(np.float32), h0.astype(np.float32))
    assert relative_error(hs, hs32) < 1e-6
    fine.backward(np.ones_like(hs))
    coarse.backward(np.ones_like(hs32))
    for name, g in fine.grads.items():
        assert relative_error(g, coarse.grads[name]) < 1e-5, name


def test_dense_layers_on_top_make_it_deep_in_output_too():
    """DOT(S)-RNN: a deep transition with shortcut, then a hidden layer between the state and the output."""
    rng = np.random.default_rng(0)
    D, H, M, K = 3, 5, 4, 2
    layers = [
        rnnlib.DeepTransitionRNN(D, H, rng=rng),
        rnnlib.Dense(H, M, rng=rng, activation="tanh"),
        rnnlib.Dense(M, K, rng=rng),
    ]
    network = rnnlib.Network(layers)
    xs, h = draw(layers[0], T=4, B=2, seed=1)
    ys, _ = network.forward(xs, [h, None, None])
    dys = np.random.default_rng(2).standard_normal(ys.shape)
    dxs, _ = network.backward(dys)
    p = network.params
    for t in range(4):
        u = np.tanh(xs[t] @ p["0.W_x"] + h @ p["0.W_h"] + p["0.b"])
        h = np.tanh(u @ p["0.W_2"] + p["0.b_2"] + h @ p["0.W_s"])
        y = np.tanh(h @ p["1.W_y"] + p["1.b_y"]) @ p["2.W_y"] + p["2.b_y"]
        np.testing.assert_allclose(ys[t], y, rtol=1e-12)

    h0 = draw(layers[0], T=4, B=2, seed=1)[1]
    errors = gradient_errors(
        lambda: (network.forward(xs, [h0, None, None])[0] * dys).sum(), {"xs": xs, **p}, {"xs": dxs, **network.grads}
    )
    assert max(errors.values()) < 1e-6, errors
