"""Weights travel to torch and back, and the models compute the same there."""

import numpy as np
import pytest
import torch

import rnnlib
from rnnlib import torch_models
from rnnlib.gradcheck import relative_error
from rnnlib.torch_models import device, from_torch, to_torch

T, B, D, H = 6, 3, 4, 5
KINDS = ("RNN", "LSTM", "GRU")


def make(kind, dtype=np.float64):
    """A layer, and an input, an initial h and incoming gradients for it."""
    rng = np.random.default_rng(0)
    data = [rng.standard_normal(shape).astype(dtype) for shape in ((T, B, D), (B, H), (T, B, H))]
    return getattr(rnnlib, kind)(D, H, rng=rng, dtype=dtype), *data


def here(layer, xs, h0, dhs):
    """hs, dxs and dh0 of the layer; a memory c begins as h does."""
    with_memory = isinstance(layer, rnnlib.LSTM)
    hs, _ = layer.forward(xs, (h0, h0) if with_memory else h0)
    dxs, dstate0 = layer.backward(dhs)
    return hs, dxs, dstate0[0] + dstate0[1] if with_memory else dstate0


def there(module, xs, h0, dhs, where):
    """The same of a torch module, on the device asked for."""
    module = module.to(where)
    xs, h0 = (torch.tensor(a, device=where, requires_grad=True) for a in (xs, h0))
    kind = type(module).__name__
    if isinstance(module, torch.nn.RNNBase):
        h = h0.unsqueeze(0)
        state = (h, h) if kind == "LSTM" else h
    else:
        state = (h0, h0) if kind == "LSTM" else (h0,)
    hs = module(xs, state)[0]
    (hs * torch.tensor(dhs, device=where)).sum().backward()
    return [a.detach().cpu().numpy() for a in (hs, xs.grad, h0.grad)]


def to_module(layer):
    """The course's own torch module with the weights of a layer."""
    return getattr(torch_models, type(layer).__name__).from_layer(layer)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("carry", [to_torch, to_module])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_the_same_outputs_and_gradients_over_there(kind, carry, dtype, tolerance):
    layer, *data = make(kind, dtype)
    for ours, theirs in zip(here(layer, *data), there(carry(layer), *data, "cpu"), strict=True):
        assert ours.dtype == theirs.dtype
        assert relative_error(ours, theirs) < tolerance


@pytest.mark.gpu
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("carry", [to_torch, to_module])
def test_the_same_on_the_gpu(kind, carry):
    assert device().type == "cuda"
    layer, *data = make(kind)
    for ours, theirs in zip(here(layer, *data), there(carry(layer), *data, device()), strict=True):
        assert relative_error(ours, theirs) < 1e-10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("there_and_back", [lambda a: from_torch(to_torch(a)), lambda a: to_module(a).to_layer()])
def test_there_and_back_gives_the_same_bits(kind, there_and_back):
    layer = make(kind)[0]
    back = there_and_back(layer)
    assert type(back) is type(layer) and back.params.keys() == layer.params.keys()
    for name, p in layer.params.items():
        np.testing.assert_array_equal(back.params[name], p)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [True, False])
def test_a_module_made_by_torch_comes_over(kind, bias):
    torch.manual_seed(0)
    module = getattr(torch.nn, kind)(D, H, bias=bias, dtype=torch.float64)
    if kind == "GRU" and bias:
        with torch.no_grad():
            module.bias_hh_l0[-H:] = 0
    _, xs, _, _ = make(kind)
    hs, _ = from_torch(module).forward(xs)
    assert relative_error(hs, module(torch.tensor(xs))[0].detach().numpy()) < 1e-13


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_copies(kind):
    layer = make(kind)[0]
    module = to_torch(layer)
    layer.params["W_x"][:] = 0
    assert module.weight_ih_l0.abs().min() > 0


@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        (torch.nn.Linear(2, 3), TypeError, "module is of type Linear; it should be a torch.nn.RNN, LSTM or GRU"),
        (torch.nn.RNN(2, 3, num_layers=2), ValueError, "num_layers = 2; it should be 1"),
        (torch.nn.GRU(2, 3, bidirectional=True), ValueError, "bidirectional = True"),
        (torch.nn.RNN(2, 3, nonlinearity="relu"), ValueError, "nonlinearity = 'relu'; it should be 'tanh'"),
        (torch.nn.LSTM(2, 3, proj_size=2), ValueError, "proj_size = 2; it should be 0"),
        (torch.nn.GRU(2, 3), ValueError, "a bias inside the reset product"),
    ],
)
def test_what_cannot_come_over_is_named(module, error, message):
    with pytest.raises(error, match=message):
        from_torch(module)


def test_a_layer_of_another_kind_is_named():
    with pytest.raises(TypeError, match=r"layer is of type GRU; it should be an rnnlib\.LSTM"):
        torch_models.LSTM.from_layer(make("GRU")[0])
