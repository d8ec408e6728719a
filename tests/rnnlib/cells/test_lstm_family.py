"""The LSTM of 1997, the one with peepholes, and its variants: special cases in which one is another."""

import numpy as np
import pytest
import torch

import rnnlib
from rnnlib.cells.peephole_lstm import VARIANTS
from rnnlib.gradcheck import relative_error
from rnnlib.init import gers_biases

SIZES = [(3, 5, 4, 2), (1, 5, 4, 2), (3, 1, 4, 2), (3, 5, 1, 2), (3, 5, 4, 1), (1, 1, 1, 1)]  # D, H, T, B
D, H, T, B = SIZES[0]
NONE = {"peepholes": False}
CENTRED = {"input_activation": "centred2", "output_activation": "centred1"}


def layer(kind, seed=0, D=D, **options):
    made = kind(D, H, rng=np.random.default_rng(seed), **options)
    for p in made.params.values():
        p *= 2  # strong enough for every line of the equations to matter
    return made


def with_params(made, params):
    """A layer with other weights."""
    assert {name: p.shape for name, p in made.params.items()} == {name: p.shape for name, p in params.items()}
    made.params = params
    return made


def run(made, seed=1):
    """Outputs, last state and gradients by name for a random input, initial state and incoming gradients."""
    rng = np.random.default_rng(seed)
    xs, state0, dhs, dstate = (
        rng.standard_normal((T, B, made.input_size)),
        tuple(rng.standard_normal((2, B, H))),
        rng.standard_normal((T, B, H)),
        tuple(rng.standard_normal((2, B, H))),
    )
    hs, state = made.forward(xs, state0)
    dxs, dstate0 = made.backward(dhs, dstate)
    return hs, state, {"xs": dxs, "h0": dstate0[0], "c0": dstate0[1], **made.grads}


def assert_same(one, other, limit=1e-14):
    """Two runs agree in all that the first has."""
    assert relative_error(one[0], other[0]) < limit
    for a, b in zip(one[1], other[1], strict=True):
        assert relative_error(a, b) < limit
    for name, g in one[2].items():
        assert relative_error(g, other[2][name]) < limit, name


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("options", [{}, *VARIANTS.values(), CENTRED], ids=["all", *VARIANTS, "centred"])
def test_gradients_of_the_variants_agree_with_differences(differences, options, size):
    D, H, T, B = size
    errors = differences(rnnlib.PeepholeLSTM(D, H, rng=np.random.default_rng(1), **options), T, B)
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("size", SIZES)
def test_gradients_of_the_first_lstm_agree_with_differences(differences, size):
    D, H, T, B = size
    errors = differences(rnnlib.LSTM1997(D, H, rng=np.random.default_rng(1)), T, B)
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("variant", ["all", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR"])
def test_each_variant_computes_its_equations(variant):
    made = layer(rnnlib.PeepholeLSTM, **({} if variant == "all" else VARIANTS[variant]))
    absent = {"NIG": "i", "NFG": "f", "NOG": "o", "CIFG": "f"}.get(variant)
    blocks = [block for block in "ifgo" if block != absent]
    p = made.params
    W_x, W_h, b = (
        dict(zip(blocks, np.split(p[name], len(blocks), axis=-1), strict=True)) for name in ("W_x", "W_h", "b")
    )
    peepholes = {gate: p.get(f"p_{gate}", np.zeros(H)) for gate in "ifo"}
    assert {name for name in p if name[:2] == "p_"} == {
        f"p_{gate}" for gate in "ifo" if gate != absent and variant != "NP"
    }

    def logistic(a):
        return 1 / (1 + np.exp(-a))

    rng = np.random.default_rng(3)
    xs, state0 = rng.standard_normal((T, B, D)), tuple(rng.standard_normal((len(made.cell.states), B, H)))
    hs, last = made.forward(xs, state0)
    h, c, *gates = state0
    for t in range(T):
        a = {block: xs[t] @ W_x[block] + h @ W_h[block] + b[block] for block in blocks}
        for k, to in enumerate("ifo" if gates else ""):
            for j, gate in enumerate(gates):
                a[to] = a[to] + gate @ p["W_g"][j * H : (j + 1) * H, k * H : (k + 1) * H]
        i = 1 if variant == "NIG" else logistic(a["i"] + peepholes["i"] * c)
        if variant == "CIFG":
            f = 1 - i
        else:
            f = 1 if variant == "NFG" else logistic(a["f"] + peepholes["f"] * c)
        g = a["g"] if variant == "NIAF" else np.tanh(a["g"])
        c = f * c + i * g
        o = 1 if variant == "NOG" else logistic(a["o"] + peepholes["o"] * c)
        h = o * (c if variant == "NOAF" else np.tanh(c))
        gates = [i, f, o] if variant == "FGR" else []
        np.testing.assert_allclose(hs[t], h, rtol=1e-11)
    assert len(last) == 2 + len(gates)
    for array, expected in zip(last, (h, c, *gates), strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-11)


def test_without_peepholes_it_is_the_lstm():
    lstm = layer(rnnlib.LSTM)
    assert_same(run(lstm), run(with_params(layer(rnnlib.PeepholeLSTM, 5, **NONE), lstm.params)))


def test_with_peepholes_of_zero_it_is_the_one_without_and_with_others_it_is_not():
    without = layer(rnnlib.PeepholeLSTM, **NONE)
    zero = {f"p_{gate}": np.zeros(H) for gate in "ifo"}
    expected = run(without)
    assert_same(expected, run(with_params(layer(rnnlib.PeepholeLSTM), without.params | zero)))
    for gate in "ifo":
        one = without.params | zero | {f"p_{gate}": np.ones(H)}
        assert relative_error(run(with_params(layer(rnnlib.PeepholeLSTM), one))[0], expected[0]) > 0.01, gate


def test_gates_that_are_always_open_are_gates_that_are_not_there():
    """A bias of 40 opens a gate to the last bit; the variant without it has one block less."""
    for k, (gate, option) in {0: ("i", "input_gate"), 1: ("f", "forget_gate"), 3: ("o", "output_gate")}.items():
        full = layer(rnnlib.PeepholeLSTM, **NONE)
        full.params["b"][k * H : (k + 1) * H] = 40 + 20 * 10
        kept = [j for j in range(4) if j != k]
        columns = np.concatenate([np.arange(j * H, (j + 1) * H) for j in kept])
        less = with_params(
            layer(rnnlib.PeepholeLSTM, **{option: False}, **NONE),
            {name: p[..., columns] for name, p in full.params.items()},
        )
        hs, state, grads = run(full)
        grads |= {name: grads[name][..., columns] for name in ("W_x", "W_h", "b")}
        assert_same(run(less), (hs, state, grads), 1e-13)
        assert gate not in less.cell.blocks


def test_coupled_is_an_lstm_whose_forget_gate_has_the_input_gate_s_weights_with_the_sign_turned():
    coupled = layer(rnnlib.PeepholeLSTM, coupled=True)
    params = {}
    for name in ("W_x", "W_h", "b"):
        i, g, o = np.split(coupled.params[name], 3, axis=-1)
        params[name] = np.concatenate([i, -i, g, o], axis=-1)
    p_i, p_o = coupled.params["p_i"], coupled.params["p_o"]
    params |= {"p_i": p_i, "p_f": -p_i, "p_o": p_o}
    hs, state, grads = run(with_params(layer(rnnlib.PeepholeLSTM), params))
    for name in ("W_x", "W_h", "b"):
        i, f, g, o = np.split(grads[name], 4, axis=-1)
        grads[name] = np.concatenate([i - f, g, o], axis=-1)
    grads["p_i"] = grads["p_i"] - grads.pop("p_f")
    assert_same(run(coupled), (hs, state, grads), 1e-13)


def test_full_gate_recurrence_of_weight_zero_is_none():
    plain = layer(rnnlib.PeepholeLSTM)
    made = with_params(
        layer(rnnlib.PeepholeLSTM, full_gate_recurrence=True), plain.params | {"W_g": np.zeros((3 * H, 3 * H))}
    )
    xs = np.random.default_rng(2).standard_normal((T, B, D))
    hs, (h, c, *gates) = made.forward(xs)
    hs_plain, (h_plain, c_plain) = plain.forward(xs)
    for one, other in [(hs, hs_plain), (h, h_plain), (c, c_plain)]:
        assert relative_error(one, other) < 1e-14
    assert all(0 < gate.min() and gate.max() < 1 for gate in gates)


def test_the_first_lstm_is_the_one_without_a_forget_gate_and_peepholes_and_with_centred_functions():
    first = layer(rnnlib.LSTM1997)
    assert_same(
        run(first), run(with_params(layer(rnnlib.PeepholeLSTM, forget_gate=False, **NONE, **CENTRED), first.params))
    )


def test_the_truncated_gradient_is_autograd_s_with_the_state_before_cut_off_the_products():
    made = layer(rnnlib.LSTM1997, truncated=True)
    hs, _, grads = run(made)
    full = run(layer(rnnlib.LSTM1997))
    np.testing.assert_array_equal(hs, full[0])
    assert relative_error(grads["W_h"], full[2]["W_h"]) > 0.01

    rng = np.random.default_rng(1)
    xs, (h, c), dhs, (dh, dc) = (
        rng.standard_normal((T, B, D)),
        rng.standard_normal((2, B, H)),
        rng.standard_normal((T, B, H)),
        rng.standard_normal((2, B, H)),
    )
    tensors = {"xs": xs, "h0": h, "c0": c, **made.params}
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in tensors.items()}
    h, c, loss = tensors["h0"], tensors["c0"], 0
    for t in range(T):
        a = tensors["xs"][t] @ tensors["W_x"] + h.detach() @ tensors["W_h"] + tensors["b"]
        i, g, o = a.split(H, dim=1)
        c = c + torch.sigmoid(i) * (4 * torch.sigmoid(g) - 2)
        h = torch.sigmoid(o) * (2 * torch.sigmoid(c) - 1)
        loss = loss + (h * torch.tensor(dhs[t])).sum()
    (loss + (h * torch.tensor(dh)).sum() + (c * torch.tensor(dc)).sum()).backward()
    assert tensors["h0"].grad is None
    np.testing.assert_array_equal(grads.pop("h0"), np.zeros((B, H)))
    for name, grad in grads.items():
        assert relative_error(grad, tensors[name].grad.numpy()) < 1e-13, name


def test_the_biases_of_gers_reach_their_gates():
    for kind in (rnnlib.LSTM, rnnlib.PeepholeLSTM):
        i, f, _, o = np.split(kind(D, H, rng=np.random.default_rng(0), biases=gers_biases(H)).params["b"], 4)
        np.testing.assert_array_equal(f, [0.5, 1, 1.5, 2, 0.5])
        np.testing.assert_array_equal(i, -f)
        np.testing.assert_array_equal(o, -f)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coupled": True, "forget_gate": False}, "coupled is True; it needs the input gate and the forget gate"),
        ({"coupled": True, "input_gate": False}, "coupled is True"),
        (
            {"full_gate_recurrence": True, "output_gate": False},
            "full_gate_recurrence is True; it needs all three gates",
        ),
        ({"full_gate_recurrence": True, "coupled": True}, "full_gate_recurrence is True"),
        ({"input_activation": "relu"}, "input_activation is 'relu'; it should be 'tanh' or 'identity' or"),
        ({"output_activation": None}, "output_activation is None"),
    ],
)
def test_options_that_do_not_go_together_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        rnnlib.PeepholeLSTM(D, H, rng=np.random.default_rng(0), **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (rnnlib.LSTM1997, {}),
        (rnnlib.LSTM1997, {"truncated": True}),
        (rnnlib.PeepholeLSTM, {}),
        (rnnlib.PeepholeLSTM, CENTRED),
        *[(rnnlib.PeepholeLSTM, options) for options in VARIANTS.values()],
    ],
)
def test_large_inputs_saturate_without_a_warning(kind, options, dtype):
    """Gates become 0 or 1, and so c a whole number unless what it adds up is not squashed."""
    made = kind(D, H, rng=np.random.default_rng(0), dtype=dtype, **options)
    np.copysign(0.3, made.params["W_x"], out=made.params["W_x"])  # with one large input, no sum is small by chance
    xs = np.zeros((T, B, D), dtype)
    xs[..., 0] = 1e4
    xs[::2] *= -1
    hs, state = made.forward(xs)
    dxs, dstate0 = made.backward(np.ones_like(hs))
    for array in (hs, *state, dxs, *dstate0, *made.grads.values()):
        assert array.dtype == dtype
        assert np.isfinite(array).all()
    if "input_activation" not in options or options is CENTRED:
        np.testing.assert_allclose(state[1], np.round(state[1]), atol=1e-12)
    if "output_activation" not in options or options is CENTRED:
        assert (abs(hs) <= 1).all()
