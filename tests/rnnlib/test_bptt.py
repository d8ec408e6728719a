"""The engine with every cell: beside torch's autograd, beside differences, and truncation by its definition."""

import numpy as np
import pytest
import torch

from rnnlib import bptt, cells, torch_models
from rnnlib.gradcheck import gradient_errors, relative_error

CELLS = {"RNN": cells.Elman(), "LSTM": cells.LSTM(), "GRU": cells.GRU()}
T, B, D, H = 6, 3, 4, 5  # all different: an exchanged axis shows


@pytest.fixture(params=CELLS)
def kind(request):
    """Name of a layer, whose cell is in `CELLS`."""
    return request.param


def draw(kind, seed=0, dtype=np.float64, T=T, B=B, D=D, H=H):
    """Parameters, input, initial state and incoming gradients, none of them zero or symmetric."""
    rng, cell = np.random.default_rng(seed), CELLS[kind]
    G = len(cell.blocks)

    def normal(*shape):
        return (0.6 * rng.standard_normal(shape)).astype(dtype)

    def state():
        return tuple(normal(B, H) for _ in cell.states)

    params = {"W_x": normal(D, G * H), "W_h": normal(H, G * H), "b": normal(G * H)}
    return params, normal(T, B, D), state(), normal(T, B, H), state()


def run(kind, params, xs, state0, dhs, dstate=None, **truncation):
    """Outputs, last state, and gradients by name: xs, the states, the parameters."""
    cell = CELLS[kind]
    hs, state, tape = bptt.forward(cell, params, xs, state0)
    dxs, dstate0, grads = bptt.backward(cell, tape, dhs, dstate, **truncation)
    return hs, state, {"xs": dxs, **dict(zip(cell.states, dstate0, strict=True)), **grads}


def torch_run(kind, params, xs, state0, dhs, dstate):
    """The same by autograd."""
    module = getattr(torch_models, kind)(xs.shape[2], dhs.shape[2])
    module.load_state_dict({name: torch.tensor(p) for name, p in params.items()})
    xs = torch.tensor(xs, requires_grad=True)
    state0 = tuple(torch.tensor(s, requires_grad=True) for s in state0)
    hs, state = module(xs, state0)
    loss = (hs * torch.tensor(dhs)).sum()
    for last, d in zip(state, dstate, strict=True):
        loss = loss + (last * torch.tensor(d)).sum()
    loss.backward()
    grads = {"xs": xs.grad, **{name: p.grad for name, p in module.named_parameters()}}
    grads |= {name: s.grad for name, s in zip(CELLS[kind].states, state0, strict=True)}
    return hs.detach().numpy(), {name: g.numpy() for name, g in grads.items()}


def truncated_by_definition(kind, params, xs, state0, dhs, window, every):
    """Williams and Peng's rule with a full BPTT for each pass over a copy of the steps it may see."""
    length, names = len(dhs), CELLS[kind].states
    total = {"xs": np.zeros_like(xs), **{name: np.zeros_like(p) for name, p in params.items()}}
    total |= {name: np.zeros_like(s) for name, s in zip(names, state0, strict=True)}
    ends = [*range(every, length, every), length]
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        stop = max(0, end - window)
        outputs = dhs[stop:end].copy()
        outputs[: start - stop] = 0
        state = state0 if stop == 0 else bptt.forward(CELLS[kind], params, xs[:stop], state0)[1]
        grads = run(kind, params, xs[stop:end], state, outputs)[2]
        total["xs"][stop:end] += grads.pop("xs")
        for name in names:
            dstate = grads.pop(name)
            if stop == 0:
                total[name] += dstate
        for name, g in grads.items():
            total[name] += g
    return total


@pytest.mark.parametrize("shape", [(6, 3, 4, 5), (1, 3, 4, 5), (6, 1, 4, 5), (7, 2, 1, 3), (5, 4, 3, 1)])
def test_gradients_agree_with_autograd(kind, shape):
    drawn = draw(kind, 1, **dict(zip("TBDH", shape, strict=True)))
    hs, state, grads = run(kind, *drawn)
    hs_torch, grads_torch = torch_run(kind, *drawn)
    assert relative_error(hs, hs_torch) < 1e-13
    np.testing.assert_array_equal(state[0], hs[-1])
    assert grads.keys() == grads_torch.keys()
    for name, g in grads.items():
        assert relative_error(g, grads_torch[name]) < 1e-10, name


def test_gradients_agree_with_differences(kind):
    params, xs, state0, dhs, dstate = draw(kind, 2)
    _, _, grads = run(kind, params, xs, state0, dhs, dstate)

    def loss():
        hs, state, _ = bptt.forward(CELLS[kind], params, xs, state0)
        return (hs * dhs).sum() + sum((s * d).sum() for s, d in zip(state, dstate, strict=True))

    states = dict(zip(CELLS[kind].states, state0, strict=True))
    errors = gradient_errors(loss, {"xs": xs, **states, **params}, grads)
    assert errors.keys() == grads.keys()
    assert max(errors.values()) < 1e-6, errors


def logistic(a):
    return 1 / (1 + np.exp(-a))


def one_unit_after_another(kind, params, x, state):
    """The displayed equations of a cell for one row, written unit by unit."""
    units = len(state[0])
    of_x = [sum(x[d] * params["W_x"][d, j] for d in range(len(x))) + params["b"][j] for j in range(len(params["b"]))]
    of_h = [sum(state[0][i] * params["W_h"][i, j] for i in range(units)) for j in range(len(params["b"]))]
    h, c = [], []
    for j in range(units):
        x_j, h_j = of_x[j::units], of_h[j::units]
        if kind == "RNN":
            h.append(np.tanh(x_j[0] + h_j[0]))
        elif kind == "LSTM":
            i, f, o = (logistic(x_j[k] + h_j[k]) for k in (0, 1, 3))
            c.append(f * state[1][j] + i * np.tanh(x_j[2] + h_j[2]))
            h.append(o * np.tanh(c[j]))
        else:
            r, z = (logistic(x_j[k] + h_j[k]) for k in (0, 1))
            h.append((1 - z) * np.tanh(x_j[2] + r * h_j[2]) + z * state[0][j])
    return (h, c) if c else (h,)


def test_the_displayed_equations_step_by_step(kind):
    params, xs, state0, dhs, _ = draw(kind, 3)
    hs, state_after, _ = run(kind, params, xs, state0, dhs)
    for row in range(B):
        state = tuple(s[row] for s in state0)
        for t in range(T):
            state = one_unit_after_another(kind, params, xs[t, row], state)
            assert relative_error(hs[t, row], state[0]) < 1e-13
        for after, expected in zip(state_after, state, strict=True):
            assert relative_error(after[row], np.array(expected)) < 1e-13


@pytest.mark.parametrize(("window", "every"), [(1, 1), (2, 1), (3, 2), (4, 4), (5, 3), (6, 1), (20, 4), (6, 6)])
def test_truncation_is_what_it_is_defined_as(kind, window, every):
    params, xs, state0, dhs, _ = draw(kind, 4)
    grads = run(kind, params, xs, state0, dhs, window=window, every=every)[2]
    expected = truncated_by_definition(kind, params, xs, state0, dhs, window, every)
    assert grads.keys() == expected.keys()
    for name, g in grads.items():
        assert relative_error(g, expected[name]) < 1e-13, name


def test_a_window_as_long_as_the_sequence_is_full_bptt(kind):
    drawn = draw(kind, 5)
    full = run(kind, *drawn)[2]
    for window, every in [(T, 1), (T, T), (T + 3, 2)]:
        truncated = run(kind, *drawn, window=window, every=every)[2]
        for name, g in full.items():
            assert relative_error(g, truncated[name]) < 1e-14, name


def test_truncation_changes_the_gradient(kind):
    params, xs, state0, dhs, _ = draw(kind, 6)
    full, short = (run(kind, params, xs, state0, dhs, **kw)[2]["W_h"] for kw in ({}, {"window": 2}))
    assert relative_error(full, short) > 0.01


def test_float32_stays_float32(kind):
    hs, state, grads = run(kind, *draw(kind, 7, np.float32))
    assert {a.dtype for a in (hs, *state, *grads.values())} == {np.dtype(np.float32)}
    reference = torch_run(kind, *draw(kind, 7))[1]
    for name, g in grads.items():
        assert relative_error(g, reference[name]) < 1e-5, name


def test_arguments_are_not_changed_and_two_calls_give_the_same_bits(kind):
    def flat(drawn):
        params, xs, state0, dhs, dstate = drawn
        return [*params.values(), xs, *state0, dhs, *dstate]

    drawn, again = draw(kind, 8), draw(kind, 8)
    first, second = run(kind, *drawn), run(kind, *drawn)
    for a, b in zip(flat(drawn), flat(again), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(first[0], second[0])
    for name, g in first[2].items():
        np.testing.assert_array_equal(g, second[2][name])


def test_changing_the_returned_states_does_not_change_the_gradients(kind):
    params, xs, state0, dhs, _ = draw(kind, 9)
    hs, _, tape = bptt.forward(CELLS[kind], params, xs, state0)
    hs[:] = 0
    grads = bptt.backward(CELLS[kind], tape, dhs)[2]
    np.testing.assert_array_equal(grads["W_h"], run(kind, params, xs, state0, dhs)[2]["W_h"])


def test_inputs_of_1e4_saturate_without_a_warning(kind):
    params, xs, state0, dhs, _ = draw(kind, 10)
    hs, _, grads = run(kind, params, xs * 1e4, state0, dhs)
    assert np.abs(hs).max() <= max(1, np.abs(state0[0]).max())  # a GRU may keep its initial state
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
    params, xs, (h0,), dhs, (dh_last,) = draw("RNN", 11)
    arguments = {**params, "xs": xs, "h0": h0, "dhs": dhs, "dh_last": dh_last} | change
    params = {name: arguments.pop(name) for name in params}
    states = {"state0": (arguments.pop("h0"),), "dstate": (arguments.pop("dh_last"),)}
    with pytest.raises(error, match=message):
        run("RNN", params, **arguments, **states)


@pytest.mark.parametrize("kind, wanted", [("RNN", r"1: \(h,\)"), ("LSTM", r"2: \(h, c\)")])
def test_a_state_that_is_no_tuple_is_named(kind, wanted):
    params, xs, state0, _, _ = draw(kind, 12)
    with pytest.raises(TypeError, match=f"state0 is a ndarray; it should be a tuple of {wanted}"):
        bptt.forward(CELLS[kind], params, xs, state0[0])
