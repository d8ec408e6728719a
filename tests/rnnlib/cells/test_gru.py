"""The gated recurrent unit with its options, beside its equations, torch and differences."""

import numpy as np
import pytest
import torch

import rnnlib
from rnnlib.gradcheck import relative_error

OPTIONS = [
    {},
    {"update": "renew"},
    {"recurrent_bias": True},
    {"recurrent_bias": True, "update": "renew"},
    {"reset": "before"},
    {"reset": "before", "update": "renew"},
]
SIZES = [(3, 5, 4, 2), (1, 5, 4, 2), (3, 1, 4, 2), (3, 5, 1, 2), (3, 5, 4, 1), (1, 1, 1, 1)]  # D, H, T, B
D, H, T, B = 3, 5, 6, 2


def make(seed=0, dtype=np.float64, **options):
    """A layer, no two of whose parameters are alike."""
    return rnnlib.GRU(D, H, rng=np.random.default_rng(seed), dtype=dtype, **options)


def draw(seed=1):
    """An input, an initial state, and a gradient for each output."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((T, B, D)), rng.standard_normal((B, H)), rng.standard_normal((T, B, H))


def run(layer, xs, h0, dhs):
    """Outputs, and the gradients by name."""
    hs, _ = layer.forward(xs, h0)
    dxs, dh0 = layer.backward(dhs)
    return hs, {"xs": dxs, "h0": dh0, **layer.grads}


def logistic(a):
    return 1 / (1 + np.exp(-a))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("options", OPTIONS)
def test_gradients_agree_with_differences(differences, options, size):
    D, H, T, B = size
    errors = differences(rnnlib.GRU(D, H, rng=np.random.default_rng(1), **options), T, B)
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("options", OPTIONS)
def test_it_computes_its_equations(options):
    layer = make(**options)
    xs, h, _ = draw()
    hs, last = layer.forward(xs, h)
    W_x, W_h, b = (layer.params[name] for name in ("W_x", "W_h", "b"))
    b_h = layer.params.get("b_h", np.zeros(H))
    assert ("b_h" in layer.params) == ("recurrent_bias" in options)
    blocks = slice(0, H), slice(H, 2 * H), slice(2 * H, 3 * H)
    for t in range(T):
        (x_r, x_z, x_n), (W_hr, W_hz, W_hn) = ([xs[t] @ W_x[:, k] + b[k] for k in blocks], [W_h[:, k] for k in blocks])
        r = logistic(x_r + h @ W_hr)
        z = logistic(x_z + h @ W_hz)
        before = options.get("reset") == "before"
        n = np.tanh(x_n + ((r * h) @ W_hn if before else r * (h @ W_hn + b_h)))
        h = z * n + (1 - z) * h if options.get("update") == "renew" else (1 - z) * n + z * h
        np.testing.assert_allclose(hs[t], h, rtol=1e-12)
    np.testing.assert_array_equal(last, hs[-1])


def test_by_default_it_resets_after_and_keeps_without_a_second_bias():
    """An open z with a closed candidate leaves the state; a closed r leaves the candidate's input alone."""
    layer = make()
    xs, h0, _ = draw()
    assert sorted(layer.params) == ["W_h", "W_x", "b"]
    layer.params["b"][H : 2 * H] = 50
    np.testing.assert_array_equal(layer.forward(xs, h0)[1], h0)
    explicit = make(reset="after", update="keep", recurrent_bias=False)
    np.testing.assert_array_equal(make().forward(xs, h0)[0], explicit.forward(xs, h0)[0])


@pytest.mark.parametrize("reset", ["after", "before"])
def test_to_renew_is_to_keep_with_the_sign_of_z_turned(reset):
    keep, renew = make(reset=reset), make(reset=reset, update="renew")
    for p in keep.params.values():
        p[..., H : 2 * H] *= -1
    hs, grads = run(keep, *draw())
    hs_renew, grads_renew = run(renew, *draw())
    np.testing.assert_allclose(hs, hs_renew, rtol=1e-12)
    for name, g in grads.items():
        if name in keep.params:
            g[..., H : 2 * H] *= -1
        assert relative_error(g, grads_renew[name]) < 1e-12, name
    assert not np.allclose(hs, run(make(reset=reset), *draw())[0])


def test_the_place_of_an_open_reset_does_not_matter():
    after, before = make(), make(reset="before")
    assert not np.allclose(run(after, *draw())[0], run(before, *draw())[0])
    for layer in (after, before):
        layer.params["b"][:H] = 50
    hs, grads = run(after, *draw())
    hs_before, grads_before = run(before, *draw())
    np.testing.assert_allclose(hs, hs_before, rtol=1e-12)
    for name, g in grads.items():
        np.testing.assert_allclose(g, grads_before[name], rtol=1e-9, atol=1e-14, err_msg=name)


def test_a_recurrent_bias_of_zero_is_none():
    plain, biased = make(), make(recurrent_bias=True)
    assert list(biased.params) == [*plain.params, "b_h"]  # drawn last: the others are the same
    assert not np.allclose(run(plain, *draw())[0], run(biased, *draw())[0])
    biased.params["b_h"][:] = 0
    hs, grads = run(plain, *draw())
    hs_biased, grads_biased = run(biased, *draw())
    np.testing.assert_array_equal(hs, hs_biased)
    for name, g in grads.items():
        np.testing.assert_array_equal(g, grads_biased[name], err_msg=name)


def test_with_a_recurrent_bias_it_is_torchs():
    layer = make(recurrent_bias=True)
    xs, h0, dhs = draw()
    module = torch.nn.GRU(D, H, dtype=torch.float64)
    p = layer.params
    module.load_state_dict(
        {
            "weight_ih_l0": torch.tensor(p["W_x"].T),
            "weight_hh_l0": torch.tensor(p["W_h"].T),
            "bias_ih_l0": torch.tensor(p["b"]),
            "bias_hh_l0": torch.tensor(np.concatenate([np.zeros(2 * H), p["b_h"]])),
        }
    )
    inputs, state = torch.tensor(xs, requires_grad=True), torch.tensor(h0[None], requires_grad=True)
    outputs, _ = module(inputs, state)
    outputs.backward(torch.tensor(dhs))
    hs, grads = run(layer, xs, h0, dhs)
    expected = {
        "xs": inputs.grad,
        "h0": state.grad[0],
        "W_x": module.weight_ih_l0.grad.T,
        "W_h": module.weight_hh_l0.grad.T,
        "b": module.bias_ih_l0.grad,
        "b_h": module.bias_hh_l0.grad[2 * H :],
    }
    assert relative_error(hs, outputs.detach().numpy()) < 1e-13
    assert grads.keys() == expected.keys()
    for name, g in grads.items():
        assert relative_error(g, expected[name].numpy()) < 1e-10, name


@pytest.mark.parametrize("options", OPTIONS)
def test_a_window_of_all_steps_is_full_bptt(options):
    layer = make(**options)
    xs, h0, dhs = draw()
    _, full = run(layer, xs, h0, dhs)
    dxs, dh0 = layer.backward(dhs, window=T, every=2)
    for name, g in {"xs": dxs, "h0": dh0, **layer.grads}.items():
        assert relative_error(g, full[name]) < 1e-12, name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reset": "both"}, "reset is 'both'; it should be 'after' or 'before'"),
        ({"reset": True}, "reset is True; it should be 'after' or 'before'"),
        ({"update": "replace"}, "update is 'replace'; it should be 'keep' or 'renew'"),
        ({"recurrent_bias": True, "reset": "before"}, "recurrent_bias is True; it should be False where reset"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make(**options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", OPTIONS)
def test_large_inputs_saturate_without_a_warning(options, dtype):
    layer = make(dtype=dtype, **options)
    xs = np.full((T, B, D), 1e4, dtype)
    xs[::2] = -1e4
    hs, h = layer.forward(xs)
    dxs, dh0 = layer.backward(np.ones_like(hs))
    assert hs.dtype == h.dtype == dxs.dtype == dh0.dtype == dtype
    assert all(g.dtype == dtype and np.isfinite(g).all() for g in layer.grads.values())
    assert np.isin(abs(hs), [0, 1]).all() and abs(hs).max() == 1  # old state or candidate, and nothing between


@pytest.mark.parametrize("options", OPTIONS)
def test_float32_follows_float64(options):
    xs, h0, dhs = draw()
    hs, grads = run(make(**options), xs, h0, dhs)
    hs32, grads32 = run(make(dtype=np.float32, **options), *(a.astype(np.float32) for a in (xs, h0, dhs)))
    assert relative_error(hs, hs32) < 1e-6
    for name, g in grads.items():
        assert relative_error(g, grads32[name]) < 1e-5, name
