"""The second opinion itself: beside torch's own layers, and what it refuses. Beside rnnlib it is in test_family.py."""

import numpy as np
import pytest
import torch

import rnnlib
from rnnlib import torch_models
from rnnlib.gradcheck import relative_error

T, B, D, H = 6, 3, 4, 5

#: Name, options here, options of torch's own.
TORCH_HAS = [
    ("RNN", {}, {}),
    ("RNN", {"nonlinearity": "relu"}, {"nonlinearity": "relu"}),
    ("LSTM", {}, {}),
    ("GRU", {"recurrent_bias": True}, {}),
]


@pytest.mark.parametrize(("kind", "options", "options_there"), TORCH_HAS)
def test_the_same_as_torch_s_own_layer_padding_too(kind, options, options_there):
    torch.manual_seed(0)
    module = getattr(torch_models, kind)(D, H, **options)
    own = getattr(torch.nn, kind)(D, H, dtype=torch.float64, **options_there)
    bias_h = torch.zeros_like(own.bias_hh_l0)
    if kind == "GRU":
        bias_h[2 * H :] = module.b_h
    weights = {"weight_ih_l0": module.W_x.T, "weight_hh_l0": module.W_h.T, "bias_ih_l0": module.b, "bias_hh_l0": bias_h}
    own.load_state_dict(weights)
    xs = torch.randn(T, B, D, dtype=torch.float64)
    state0 = tuple(torch.randn(B, H, dtype=torch.float64) for _ in range(2 if kind == "LSTM" else 1))
    state0_own = tuple(s.unsqueeze(0) for s in state0)

    lengths = torch.tensor([6, 4, 1])
    packed = torch.nn.utils.rnn.pack_padded_sequence(xs, lengths)
    for given, there in ((None, xs), (lengths, packed)):
        hs, state = module(xs, state0, given)
        hs_own, state_own = own(there, state0_own if kind == "LSTM" else state0_own[0])
        if given is not None:
            hs_own = torch.nn.utils.rnn.pad_packed_sequence(hs_own)[0]
        assert relative_error(hs.detach().numpy(), hs_own.detach().numpy()) < 1e-14
        for s, s_own in zip(state, state_own if kind == "LSTM" else (state_own,), strict=True):
            assert relative_error(s.detach().numpy(), s_own[0].detach().numpy()) < 1e-14


def test_initial_parameters_are_uniform_within_the_bound():
    torch.manual_seed(0)
    for p in torch_models.LSTM(8, 16).parameters():
        assert 0.85 / 4 < p.abs().max() <= 1 / 4 and p.min() < 0 < p.max()


def test_the_device_is_one_that_torch_has():
    assert torch.zeros(1, device=torch_models.device()).device.type == torch_models.device().type
    assert torch_models.device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_what_does_not_fit_is_named():
    gru = rnnlib.GRU(D, H, rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match=r"layer is of type GRU; it should be an rnnlib\.LSTM"):
        torch_models.LSTM.from_layer(gru)
    with pytest.raises(TypeError, match=r"depth is no option of GRU; it has \['recurrent_bias', 'reset', 'update'\]"):
        torch_models.GRU(D, H, depth=2)
