"""Weights travel to torch and back, and the models compute the same there."""

import numpy as np
import pytest
import torch

from rnnlib import RNN
from rnnlib.gradcheck import relative_error
from rnnlib.torch_models import ElmanRNN, device, from_torch, to_torch

T, B, D, H = 6, 3, 4, 5


def layer_and_data(dtype=np.float64):
    rng = np.random.default_rng(0)
    data = [rng.standard_normal(shape).astype(dtype) for shape in ((T, B, D), (B, H), (T, B, H))]
    return RNN(D, H, rng=rng, dtype=dtype), *data


def outputs_and_gradients(module, xs, h0, dhs, where):
    """hs, dxs and dh0 of a torch module, on the device asked for."""
    module = module.to(where)
    xs, h0 = (torch.tensor(a, device=where, requires_grad=True) for a in (xs, h0))
    hs = module(xs, h0.unsqueeze(0) if isinstance(module, torch.nn.RNN) else h0)[0]
    (hs * torch.tensor(dhs, device=where)).sum().backward()
    return [a.detach().cpu().numpy() for a in (hs, xs.grad, h0.grad)]


@pytest.mark.parametrize("carry", [to_torch, ElmanRNN.from_layer], ids=["torch.nn.RNN", "ElmanRNN"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_the_same_outputs_and_gradients_over_there(carry, dtype, tolerance):
    layer, xs, h0, dhs = layer_and_data(dtype)
    hs, _ = layer.forward(xs, h0)
    dxs, dh0 = layer.backward(dhs)
    for ours, theirs in zip((hs, dxs, dh0), outputs_and_gradients(carry(layer), xs, h0, dhs, "cpu"), strict=True):
        assert ours.dtype == theirs.dtype
        assert relative_error(ours, theirs) < tolerance


@pytest.mark.gpu
@pytest.mark.parametrize("carry", [to_torch, ElmanRNN.from_layer], ids=["torch.nn.RNN", "ElmanRNN"])
def test_the_same_on_the_gpu(carry):
    assert device().type == "cuda"
    layer, xs, h0, dhs = layer_and_data()
    hs, _ = layer.forward(xs, h0)
    dxs, dh0 = layer.backward(dhs)
    for ours, theirs in zip((hs, dxs, dh0), outputs_and_gradients(carry(layer), xs, h0, dhs, device()), strict=True):
        assert relative_error(ours, theirs) < 1e-10


@pytest.mark.parametrize(
    "there_and_back", [lambda a: from_torch(to_torch(a)), lambda a: ElmanRNN.from_layer(a).to_layer()]
)
def test_there_and_back_gives_the_same_bits(there_and_back):
    layer = layer_and_data()[0]
    back = there_and_back(layer)
    assert back.params.keys() == layer.params.keys()
    for name, p in layer.params.items():
        np.testing.assert_array_equal(back.params[name], p)


@pytest.mark.parametrize("bias", [True, False])
def test_a_module_made_by_torch_comes_over(bias):
    module = torch.nn.RNN(D, H, bias=bias, dtype=torch.float64)
    _, xs, h0, _ = layer_and_data()
    hs, _ = from_torch(module).forward(xs, h0)
    expected = module(torch.tensor(xs), torch.tensor(h0)[None])[0].detach().numpy()
    np.testing.assert_allclose(hs, expected, rtol=1e-12)


def test_weights_are_copies():
    layer = layer_and_data()[0]
    module = to_torch(layer)
    layer.params["W_x"][:] = 0
    assert module.weight_ih_l0.abs().min() > 0


@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        (torch.nn.Linear(2, 3), TypeError, "module is of type Linear; it should be a torch.nn.RNN"),
        (torch.nn.RNN(2, 3, num_layers=2), ValueError, "num_layers = 2; it should be 1"),
        (torch.nn.RNN(2, 3, bidirectional=True), ValueError, "bidirectional = True"),
        (torch.nn.RNN(2, 3, nonlinearity="relu"), ValueError, "nonlinearity = 'relu'; it should be 'tanh'"),
    ],
)
def test_what_cannot_come_over_is_named(module, error, message):
    with pytest.raises(error, match=message):
        from_torch(module)
