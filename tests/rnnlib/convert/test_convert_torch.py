"""Weights travel to `torch.nn`'s modules and back, and compute the same there, forward and backward."""

import numpy as np
import pytest
import torch
from carrying import BEFORE, COMMON, PRECISIONS, SIZES, assert_same_bits, make, name_of, run, turned

import rnnlib
from rnnlib.convert.torch import from_torch, to_torch
from rnnlib.gradcheck import relative_error

T, B, D, H = 6, 3, 4, 5


def over_there(module, xs, state0):
    """What `run` gives, of a module of one layer and direction."""
    state0 = [torch.tensor(s)[None] for s in state0]
    hs, state = module(torch.tensor(xs), tuple(state0) if len(state0) > 1 else state0[0])
    return [a.detach().numpy() for a in (hs, *(s[0] for s in (state if len(state0) > 1 else [state])))]


@pytest.mark.parametrize("case", COMMON, ids=name_of)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_a_layer_computes_the_same_there(case, sizes, dtype, tolerance):
    layer, *data = make(case, sizes, dtype)
    for ours, theirs in zip(run(layer, *data), over_there(to_torch(layer), *data), strict=True):
        assert ours.dtype == theirs.dtype == dtype
        assert relative_error(ours, theirs) < tolerance


@pytest.mark.parametrize("case", COMMON, ids=name_of)
def test_a_layer_has_the_same_gradients_there(case):
    layer, xs, state0 = make(case, (T, B, D, H))
    dhs = np.random.default_rng(1).standard_normal((T, B, H))
    run(layer, xs, state0)
    dxs, _ = layer.backward(dhs)
    module, inputs = to_torch(layer), torch.tensor(xs, requires_grad=True)
    states = [torch.tensor(s)[None] for s in state0]
    hs, _ = module(inputs, tuple(states) if len(states) > 1 else states[0])
    (hs * torch.tensor(dhs)).sum().backward()
    assert relative_error(dxs, inputs.grad.numpy()) < 1e-10
    there = {"W_x": module.weight_ih_l0.grad.numpy().T, "W_h": module.weight_hh_l0.grad.numpy().T}
    there |= {"b": module.bias_ih_l0.grad.numpy(), "b_h": module.bias_hh_l0.grad.numpy()[-H:]}
    if layer.options.get("update") == "renew":
        there = turned({name: there[name] for name in ("W_x", "W_h", "b")}, H) | {"b_h": there["b_h"]}
    for name, g in layer.grads.items():
        assert relative_error(g, there[name]) < 1e-10, name


@pytest.mark.parametrize("case", [case for case in COMMON if "update" not in case[1]], ids=name_of)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_there_and_back_gives_the_same_bits(case, dtype):
    layer = make(case, (T, B, D, H), dtype)[0]
    assert_same_bits(from_torch(to_torch(layer)), layer)


def test_z_that_renews_comes_back_as_one_that_keeps_with_the_sign_of_its_weights_changed():
    layer = make(("GRU", {"update": "renew"}), (T, B, D, H))[0]
    back = from_torch(to_torch(layer))
    assert back.options["update"] == "keep"
    for name, p in turned(layer.params, H).items():
        np.testing.assert_array_equal(back.params[name], p)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_a_module_made_by_torch_computes_the_same_here(kind, sizes, bias, dtype, tolerance):
    _, xs, state0 = make((kind, {}), sizes, dtype)
    torch.manual_seed(0)
    module = getattr(torch.nn, kind)(*sizes[2:], bias=bias, dtype=torch.tensor(xs).dtype)
    layer = from_torch(module)
    assert ("b_h" in layer.params) == (kind == "GRU" and bias)
    for ours, theirs in zip(run(layer, xs, state0), over_there(module, xs, state0), strict=True):
        assert ours.dtype == theirs.dtype == dtype
        assert relative_error(ours, theirs) < tolerance


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_module_comes_back_with_the_same_weights_and_the_sum_of_its_biases(kind):
    torch.manual_seed(0)
    module = getattr(torch.nn, kind)(D, H, dtype=torch.float64)
    if kind == "RNN":
        module = torch.nn.RNN(D, H, nonlinearity="relu", batch_first=True, dtype=torch.float64)
    back = to_torch(from_torch(module))
    assert type(back) is type(module) and getattr(back, "nonlinearity", "") == getattr(module, "nonlinearity", "")
    for name in ("weight_ih_l0", "weight_hh_l0"):
        assert torch.equal(getattr(back, name), getattr(module, name))
    assert torch.equal(back.bias_ih_l0 + back.bias_hh_l0, module.bias_ih_l0 + module.bias_hh_l0)
    assert torch.equal(back.bias_hh_l0[-H:], module.bias_hh_l0[-H:] if kind == "GRU" else torch.zeros(H))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize(("num_layers", "bidirectional"), [(2, False), (1, True), (3, True)])
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_layers_and_directions_travel_both_ways(kind, num_layers, bidirectional, dtype, tolerance):
    xs = np.random.default_rng(0).standard_normal((T, B, D)).astype(dtype)
    torch.manual_seed(0)
    settings = {"num_layers": num_layers, "bidirectional": bidirectional, "dtype": torch.tensor(xs).dtype}
    module = getattr(torch.nn, kind)(D, H, **settings)
    model = from_torch(module)
    assert isinstance(model, rnnlib.Network if num_layers > 1 else rnnlib.Bidirectional)
    ys, _ = model.forward(xs)
    assert relative_error(ys, module(torch.tensor(xs))[0].detach().numpy()) < tolerance
    there = to_torch(model)
    assert relative_error(ys, there(torch.tensor(xs))[0].detach().numpy()) < tolerance
    assert there.state_dict().keys() == module.state_dict().keys()
    for name, p in from_torch(there).params.items():
        np.testing.assert_array_equal(p, model.params[name], strict=True)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("num_layers", "bidirectional"), [(1, False), (3, False), (2, True)])
def test_a_state_dict_is_its_module(kind, bias, num_layers, bidirectional):
    options = {"nonlinearity": "relu"} if kind == "RNN" else {}
    module = getattr(torch.nn, kind)(D, H, num_layers, bias=bias, bidirectional=bidirectional, **options)
    expected, model = from_torch(module), from_torch(module.state_dict(), **options)
    xs = np.random.default_rng(0).standard_normal((T, B, D)).astype(np.float32)
    assert type(model) is type(expected) and list(model.params) == list(expected.params)
    np.testing.assert_array_equal(model.forward(xs)[0], expected.forward(xs)[0])


def state_dict(kind="LSTM", rename=None, **change):
    weights = getattr(torch.nn, kind)(2, 3).state_dict()
    return {(rename or "") + name: change.get(name, p) for name, p in weights.items()} | {
        name: p for name, p in change.items() if name not in weights
    }


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: from_torch({}), "state dict of no RNN, LSTM or GRU: its weights of layer 0"),
        (
            lambda: from_torch(state_dict(rename="rnn.")),
            r"state dict with the key 'rnn.weight_ih_l0'; it should be that of one RNN",
        ),
        (
            lambda: from_torch(torch.nn.LSTM(2, 3, proj_size=2).state_dict()),
            "state dict with the key 'weight_hr_l0'; it should be that of one RNN",
        ),
        (lambda: from_torch(state_dict(weight_hh_l0=torch.zeros(6, 3))), "state dict of no RNN, LSTM or GRU"),
        (lambda: from_torch(state_dict(bias_hh_l0=torch.zeros(5))), r"that does not fit together: .*bias_hh_l0"),
        (lambda: from_torch(state_dict(weight_ih_l2=torch.zeros(12, 3))), r"not fit together: .*weight_ih_l1"),
        (lambda: from_torch(state_dict("RNN")), "nonlinearity is None; for an RNN's state dict it should be"),
        (lambda: from_torch(state_dict("RNN"), "selu"), "nonlinearity is 'selu'; for an RNN's state dict"),
        (lambda: from_torch(state_dict(), "tanh"), "nonlinearity is 'tanh'; .*: the state dict is of a LSTM"),
        (lambda: from_torch(torch.nn.RNN(2, 3), "relu"), "nonlinearity is 'relu'; .* the module has its own"),
    ],
)
def test_a_state_dict_that_cannot_come_over_is_named(call, message):
    with pytest.raises(ValueError, match=r"(?s)" + message):
        call()


def test_weights_are_copies():
    layer = make(("RNN", {}), (T, B, D, H))[0]
    module = to_torch(layer)
    back = from_torch(module)
    layer.params["W_x"][:] = 0
    with torch.no_grad():
        assert module.weight_ih_l0.abs().min() > 0
        module.weight_ih_l0[:] = 0
    assert np.abs(back.params["W_x"]).min() > 0


def layers(*kinds, H=3, **options):
    """Layers that fit to each other."""
    rng = np.random.default_rng(0)
    return [getattr(rnnlib, kind)(3, H, rng=rng, **options) for kind in kinds]


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (lambda: layers("DeepTransitionRNN")[0], TypeError, "DeepTransitionRNN; PyTorch has RNN, LSTM, GRU alone"),
        (lambda: layers("PeepholeLSTM")[0], TypeError, "layer is of type PeepholeLSTM; PyTorch has RNN, LSTM, GRU"),
        (
            lambda: rnnlib.Network([*layers("RNN"), rnnlib.Dense(3, 2, rng=np.random.default_rng(0))]),
            TypeError,
            "layer is of type Dense",
        ),
        (lambda: make(BEFORE[0], (1, 1, 1, 1))[0], ValueError, "layer has reset = 'before'; it should be 'after'"),
        (lambda: rnnlib.Network(layers("RNN", "GRU")), ValueError, "layers differ in type: 'RNN' and 'GRU'; PyTorch"),
        (
            lambda: rnnlib.Bidirectional(*layers("RNN"), *layers("RNN", nonlinearity="relu")),
            ValueError,
            "layers differ in nonlinearity: 'tanh' and 'relu'; PyTorch has one for all",
        ),
        (
            lambda: rnnlib.Bidirectional(*layers("RNN"), *layers("RNN", H=4)),
            ValueError,
            "layers differ in hidden_size: 3 and 4",
        ),
        (
            lambda: rnnlib.Network([*layers("GRU"), rnnlib.Bidirectional(*layers("GRU", "GRU"))]),
            ValueError,
            "layers are bidirectional in part; they should all be, or none, since PyTorch has no other",
        ),
    ],
)
def test_what_torch_has_not_is_named(model, error, message):
    with pytest.raises(error, match=message):
        to_torch(model())


@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        (torch.nn.Linear(2, 3), TypeError, "module is of type Linear; it should be a torch.nn.RNN, LSTM or GRU"),
        (torch.nn.LSTM(2, 3, proj_size=2), ValueError, "module has proj_size = 2; it should be 0"),
        (torch.nn.LSTM(2, 3, 2, dropout=0.5), ValueError, "module has dropout = 0.5; it should be 0"),
        (
            torch.nn.LSTM(2, 3, dtype=torch.bfloat16),
            ValueError,
            "module has dtype torch.bfloat16; it should be torch.fl",
        ),
    ],
)
def test_what_cannot_come_over_is_named(module, error, message):
    with pytest.raises(error, match=message):
        from_torch(module)
