"""The engine: beside torch's autograd, beside differences, and truncation by its definition."""

import numpy as np
import pytest
import torch

from rnnlib import bptt
from rnnlib.cells.elman import Elman
from rnnlib.gradcheck import gradient_errors, relative_error
from rnnlib.torch_models import ElmanRNN

T, B, D, H = 6, 3, 4, 5  # all different: an exchanged axis shows


def draw(seed=0, dtype=np.float64, T=T, B=B, D=D, H=H):
    """Parameters, input, initial state and incoming gradients, none of them zero or symmetric."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return (0.6 * rng.standard_normal(shape)).astype(dtype)

    params = {"W_x": normal(D, H), "W_h": normal(H, H), "b": normal(H)}
    return params, normal(T, B, D), normal(B, H), normal(T, B, H), normal(B, H)


def run(params, xs, h0, dhs, dh_last=None, **truncation):
    cell = Elman()
    hs, (h,), tape = bptt.forward(cell, params, xs, (h0,))
    dstate = None if dh_last is None else (dh_last,)
    dxs, (dh0,), grads = bptt.backward(cell, params, tape, dhs, dstate, **truncation)
    return hs, h, {"xs": dxs, "h0": dh0, **grads}


def torch_run(params, xs, h0, dhs, dh_last):
    """The same by autograd, on the GPU when there is one."""
    module = ElmanRNN(*params["W_x"].shape)
    module.load_state_dict({name: torch.tensor(p) for name, p in params.items()})
    xs, h0 = (torch.tensor(a, requires_grad=True) for a in (xs, h0))
    hs, h = module(xs, h0)
    ((hs * torch.tensor(dhs)).sum() + (h * torch.tensor(dh_last)).sum()).backward()
    grads = {"xs": xs.grad, "h0": h0.grad, **{name: p.grad for name, p in module.named_parameters()}}
    return hs.detach().numpy(), {name: g.numpy() for name, g in grads.items()}


def truncated_by_definition(params, xs, h0, dhs, window, every):
    """Williams and Peng's rule with a full BPTT for each pass over a copy of the steps it may see."""
    length = len(dhs)
    hs = run(params, xs, h0, dhs)[0]
    total = {name: np.zeros_like(p) for name, p in {"xs": xs, "h0": h0, **params}.items()}
    ends = [*range(every, length, every), length]
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        stop = max(0, end - window)
        outputs = dhs[stop:end].copy()
        outputs[: start - stop] = 0
        state = h0 if stop == 0 else hs[stop - 1]
        grads = run(params, xs[stop:end], state, outputs)[2]
        total["xs"][stop:end] += grads.pop("xs")
        dh0 = grads.pop("h0")
        if stop == 0:
            total["h0"] += dh0
        for name, g in grads.items():
            total[name] += g
    return total


@pytest.mark.parametrize("shape", [(6, 3, 4, 5), (1, 3, 4, 5), (6, 1, 4, 5), (7, 2, 1, 3), (5, 4, 3, 1)])
def test_gradients_agree_with_autograd(shape):
    drawn = draw(1, **dict(zip("TBDH", shape, strict=True)))
    hs, h, grads = run(*drawn)
    hs_torch, grads_torch = torch_run(*drawn)
    np.testing.assert_allclose(hs, hs_torch, rtol=1e-13)
    np.testing.assert_array_equal(h, hs[-1])
    for name, g in grads.items():
        assert relative_error(g, grads_torch[name]) < 1e-10, name


def test_gradients_agree_with_differences():
    params, xs, h0, dhs, dh_last = draw(2)
    _, _, grads = run(params, xs, h0, dhs, dh_last)

    def loss():
        hs, (h,), _ = bptt.forward(Elman(), params, xs, (h0,))
        return (hs * dhs).sum() + (h * dh_last).sum()

    errors = gradient_errors(loss, {"xs": xs, "h0": h0, **params}, grads)
    assert errors.keys() == grads.keys()
    assert max(errors.values()) < 1e-6, errors


def test_the_equation_step_by_step():
    params, xs, h0, dhs, _ = draw(3)
    hs, _, _ = run(params, xs, h0, dhs)
    for b in range(B):
        h = h0[b]
        for t in range(T):
            a = [
                sum(xs[t, b, d] * params["W_x"][d, j] for d in range(D))
                + sum(h[i] * params["W_h"][i, j] for i in range(H))
                + params["b"][j]
                for j in range(H)
            ]
            h = np.tanh(a)
            np.testing.assert_allclose(hs[t, b], h, rtol=1e-12)


@pytest.mark.parametrize(("window", "every"), [(1, 1), (2, 1), (3, 2), (4, 4), (5, 3), (6, 1), (20, 4), (6, 6)])
def test_truncation_is_what_it_is_defined_as(window, every):
    params, xs, h0, dhs, _ = draw(4)
    grads = run(params, xs, h0, dhs, window=window, every=every)[2]
    expected = truncated_by_definition(params, xs, h0, dhs, window, every)
    for name, g in grads.items():
        assert relative_error(g, expected[name]) < 1e-13, name


def test_a_window_as_long_as_the_sequence_is_full_bptt():
    drawn = draw(5)
    full = run(*drawn)[2]
    for window, every in [(T, 1), (T, T), (T + 3, 2)]:
        truncated = run(*drawn, window=window, every=every)[2]
        for name, g in full.items():
            assert relative_error(g, truncated[name]) < 1e-14, name


def test_truncation_changes_the_gradient():
    params, xs, h0, dhs, _ = draw(6)
    full, short = (run(params, xs, h0, dhs, **kw)[2]["W_h"] for kw in ({}, {"window": 2}))
    assert relative_error(full, short) > 0.01


def test_float32_stays_float32():
    params, xs, h0, dhs, dh_last = draw(7, np.float32)
    hs, h, grads = run(params, xs, h0, dhs, dh_last)
    assert {a.dtype for a in (hs, h, *grads.values())} == {np.dtype(np.float32)}
    reference = torch_run(*([draw(7)[0], *draw(7)[1:]]))[1]
    for name, g in grads.items():
        assert relative_error(g, reference[name]) < 1e-5, name


def test_arguments_are_not_changed_and_two_calls_give_the_same_bits():
    drawn, again = draw(8), draw(8)
    first, second = run(*drawn), run(*drawn)
    for a, b in zip([*drawn[0].values(), *drawn[1:]], [*again[0].values(), *again[1:]], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(first[0], second[0])
    for name, g in first[2].items():
        np.testing.assert_array_equal(g, second[2][name])


def test_changing_the_returned_states_does_not_change_the_gradients():
    params, xs, h0, dhs, _ = draw(9)
    cell = Elman()
    hs, _, tape = bptt.forward(cell, params, xs, (h0,))
    hs[:] = 0
    grads = bptt.backward(cell, params, tape, dhs)[2]
    np.testing.assert_array_equal(grads["W_h"], run(params, xs, h0, dhs)[2]["W_h"])


def test_inputs_of_1e4_saturate_without_a_warning():
    params, xs, h0, dhs, _ = draw(10)
    hs, _, grads = run(params, xs * 1e4, h0, dhs)
    assert np.abs(hs).max() == 1
    assert all(np.isfinite(g).all() for g in grads.values())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"xs": np.zeros((T, B, D + 1))}, ValueError, r"xs has shape \(6, 3, 5\); it should be \(T, B, D\) with D = 4"),
        ({"xs": np.zeros((0, B, D))}, ValueError, r"xs has shape \(0, 3, 4\)"),
        ({"xs": np.zeros((T, B, D), np.float32)}, ValueError, "xs has dtype float32; it should be float64"),
        ({"xs": np.full((T, B, D), np.inf)}, ValueError, r"xs is inf at index \(0, 0, 0\)"),
        (
            {"h0": np.zeros((H, B))},
            ValueError,
            r"h of state0 has shape \(5, 3\); it should be \(B, H\) with B = 3",
        ),
        ({"h0": [0.0]}, TypeError, "h of state0 is of type list"),
        ({"W_h": np.zeros((H, H + 1))}, ValueError, r"W_h has shape \(5, 6\)"),
        ({"b": np.full(H, np.nan)}, ValueError, r"b is nan at index \(0,\)"),
        ({"dhs": np.zeros((T, H, B))}, ValueError, r"dhs has shape \(6, 5, 3\)"),
        ({"dh_last": np.zeros((B + 1, H))}, ValueError, r"h of dstate has shape \(4, 5\)"),
        ({"window": 2, "every": 3}, ValueError, "window is 2; it should be at least every = 3"),
        ({"every": 0}, ValueError, "every is 0; it should be at least 1"),
    ],
)
def test_wrong_arguments_are_named(change, error, message):
    params, xs, h0, dhs, dh_last = draw(11)
    arguments = {**params, "xs": xs, "h0": h0, "dhs": dhs, "dh_last": dh_last} | change
    params = {name: arguments.pop(name) for name in params}
    with pytest.raises(error, match=message):
        run(params, **arguments)


def test_a_state_that_is_no_tuple_is_named():
    params, xs, h0, _, _ = draw(12)
    with pytest.raises(TypeError, match=r"state0 is a ndarray; it should be a tuple of 1: \(h,\)"):
        bptt.forward(Elman(), params, xs, h0)
