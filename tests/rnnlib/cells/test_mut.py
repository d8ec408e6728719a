"""MUT1, MUT2 and MUT3: gradients, the projection, and special cases in which one is a GRU."""

import numpy as np
import pytest

import rnnlib
from rnnlib.gradcheck import relative_error

KINDS = [rnnlib.MUT1, rnnlib.MUT2, rnnlib.MUT3]
SIZES = [
    (3, 5, 4, 2),
    (5, 5, 4, 2),
    (1, 5, 4, 2),
    (3, 1, 4, 2),
    (1, 1, 4, 2),
    (3, 5, 1, 2),
    (3, 5, 4, 1),
    (1, 1, 1, 1),
]  # D, H, T, B


def layer(kind, D=5, H=5, seed=0):
    return kind(D, H, rng=np.random.default_rng(seed), init="orthogonal")


def blocks(p, names):
    return dict(zip(names, np.split(p, len(names), axis=-1), strict=True))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_agree_with_differences(differences, kind, size):
    D, H, T, B = size
    errors = differences(kind(D, H, rng=np.random.default_rng(1)), T, B)
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("D", [5, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_it_computes_its_equations(kind, D):
    """In the order of the paper, the update gate first; with D = 5 = H the bare input is x itself."""

    def logistic(a):
        return 1 / (1 + np.exp(-a))

    made = layer(kind, D, 5)
    made.params["b"] += np.random.default_rng(1).standard_normal(15)
    of_x, of_h = {rnnlib.MUT1: ("rz", "rn"), rnnlib.MUT2: ("zn", "rzn"), rnnlib.MUT3: ("rzn", "rzn")}[kind]
    projected = D != 5 and kind is not rnnlib.MUT3
    W_x = blocks(made.params["W_x"], of_x + "p" * projected)
    W_h, b = blocks(made.params["W_h"], of_h), blocks(made.params["b"], "rzn")
    xs, h = np.random.default_rng(2).standard_normal((4, 2, D)), np.random.default_rng(3).standard_normal((2, 5))
    hs, last = made.forward(xs, h)
    for x, h_next in zip(xs, hs, strict=True):
        bare = x @ W_x["p"] if projected else x
        if kind is rnnlib.MUT1:
            z = logistic(x @ W_x["z"] + b["z"])
            r = logistic(x @ W_x["r"] + h @ W_h["r"] + b["r"])
            n = np.tanh((r * h) @ W_h["n"] + np.tanh(bare) + b["n"])
        elif kind is rnnlib.MUT2:
            z = logistic(x @ W_x["z"] + h @ W_h["z"] + b["z"])
            r = logistic(bare + h @ W_h["r"] + b["r"])
            n = np.tanh((r * h) @ W_h["n"] + x @ W_x["n"] + b["n"])
        else:
            z = logistic(x @ W_x["z"] + np.tanh(h) @ W_h["z"] + b["z"])
            r = logistic(x @ W_x["r"] + h @ W_h["r"] + b["r"])
            n = np.tanh((r * h) @ W_h["n"] + x @ W_x["n"] + b["n"])
        h = n * z + h * (1 - z)
        np.testing.assert_allclose(h_next, h, rtol=1e-11)
    np.testing.assert_array_equal(last, hs[-1])


@pytest.mark.parametrize(("kind", "columns"), [(rnnlib.MUT1, (2, 3)), (rnnlib.MUT2, (2, 3)), (rnnlib.MUT3, (3, 3))])
def test_there_is_a_projection_where_the_bare_input_would_not_fit(kind, columns):
    assert layer(kind, 5, 5).params["W_x"].shape == (5, columns[0] * 5)
    assert layer(kind, 3, 5).params["W_x"].shape == (3, columns[1] * 5)


@pytest.mark.parametrize("kind", [rnnlib.MUT1, rnnlib.MUT2])
def test_projecting_by_hand_is_the_same(kind):
    """A projecting layer on x, beside a bare one of equal sizes that is fed the projected x."""
    projecting, xs = layer(kind, 3, 5), np.random.default_rng(2).standard_normal((4, 2, 3))
    first, second, W_p = np.split(projecting.params["W_x"], 3, axis=1)
    back = np.linalg.pinv(W_p)  # x comes back from x W_p, since there are more units than inputs
    bare = layer(kind, 5, 5)
    bare.params = projecting.params | {"W_x": np.concatenate([back @ first, back @ second], axis=1)}
    assert relative_error(projecting.forward(xs)[0], bare.forward(xs @ W_p)[0]) < 1e-13


def test_mut3_differs_from_the_gru_in_the_state_that_z_sees_alone():
    mut3, xs = layer(rnnlib.MUT3), np.random.default_rng(3).standard_normal((1, 2, 5))
    gru = rnnlib.GRU(5, 5, rng=np.random.default_rng(0), reset="before", update="renew")
    gru.params = mut3.params
    h0 = np.random.default_rng(4).standard_normal((2, 5))
    assert relative_error(mut3.forward(xs, h0)[0], gru.forward(xs, h0)[0]) > 1e-3
    W_h = blocks(gru.params["W_h"], "rzn")
    gru.params = gru.params | {"W_h": np.concatenate([W_h["r"], 0 * W_h["z"], W_h["n"]], axis=1)}
    b = gru.params["b"] + np.zeros(15)
    z_from_h = np.tanh(h0) @ W_h["z"]
    for row in range(2):  # z's part of h goes into the bias instead
        gru.params["b"] = b + np.concatenate([np.zeros(5), z_from_h[row], np.zeros(5)])
        expected = gru.forward(xs[:, row, None], h0[row, None])[0]
        assert relative_error(mut3.forward(xs, h0)[0][:, row, None], expected) < 1e-14


def test_the_update_gate_of_mut1_sees_the_input_alone_and_renews():
    made = layer(rnnlib.MUT1)
    made.params["b"][5:10] = 1000  # z = 1
    xs, h0 = np.random.default_rng(5).standard_normal((2, 2, 5)), np.random.default_rng(6).standard_normal((2, 5))
    p = made.params
    r = 1 / (1 + np.exp(-(xs[0] @ p["W_x"][:, :5] + h0 @ p["W_h"][:, :5] + p["b"][:5])))
    n = np.tanh((r * h0) @ p["W_h"][:, 5:] + np.tanh(xs[0]) + p["b"][10:])
    assert relative_error(made.forward(xs, h0)[0][0], n) < 1e-14
    made.params["b"][5:10] = -1000  # z = 0
    np.testing.assert_array_equal(made.forward(xs, h0)[0][1], h0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("D", [5, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_large_inputs_saturate_without_a_warning(kind, D, dtype):
    made = kind(D, 5, rng=np.random.default_rng(0), dtype=dtype)
    np.copysign(0.3, made.params["W_x"], out=made.params["W_x"])  # with one large input, no sum is small by chance
    xs = np.zeros((4, 2, D), dtype)
    xs[..., 0] = 1e4
    xs[::2] *= -1
    hs, _ = made.forward(xs)
    dxs, dh0 = made.backward(np.ones_like(hs))
    for array in (hs, dxs, dh0, *made.grads.values()):
        assert array.dtype == dtype
        assert np.isfinite(array).all()
    if kind is not rnnlib.MUT1:  # whose candidate squashes x before it adds the state's part
        np.testing.assert_allclose(hs, np.round(hs), atol=1e-12)
        assert abs(hs).max() == 1
