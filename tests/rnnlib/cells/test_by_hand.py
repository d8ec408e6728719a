"""A layer on functions written by hand computes what the cell in its place computes, however the engine runs it."""

import numpy as np
import pytest

from rnnlib import GRU, LSTM, MUT1, RNN, by_hand, lend


@pytest.mark.parametrize(
    ("layer_type", "step"), [(RNN, "rnn_step"), (LSTM, "lstm_step"), (GRU, "gru_step"), (MUT1, "mut1_step")]
)
@pytest.mark.parametrize("window", [None, 1, 3])
@pytest.mark.parametrize("lengths", [None, np.array([5, 2])])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_it_equals_the_librarys_cell(layer_type, step, window, lengths, dtype):
    D, H = (4, 4) if layer_type is MUT1 else (3, 4)
    ours, theirs = (layer_type(D, H, rng=np.random.default_rng(0), dtype=dtype) for _ in range(2))
    assert by_hand(theirs, lend(step), lend(f"{step}_backward")) is theirs
    rng = np.random.default_rng(1)
    xs, dhs = (rng.standard_normal((5, 2, n)).astype(dtype) for n in (D, H))
    close = {"rtol": 0, "atol": 50 * np.finfo(dtype).eps}
    for _ in range(2):  # the second pass finds nothing of the first
        hs, states = zip(*(layer.forward(xs, lengths=lengths) for layer in (ours, theirs)), strict=True)
        np.testing.assert_allclose(hs[1], hs[0], **close, strict=True)
        np.testing.assert_allclose(np.stack(states[1]), np.stack(states[0]), **close)
        (dxs, dstate0), (dxs_by_hand, dstate0_by_hand) = (
            layer.backward(dhs, window=window) for layer in (ours, theirs)
        )
        np.testing.assert_allclose(dxs_by_hand, dxs, **close, strict=True)
        np.testing.assert_allclose(np.stack(dstate0_by_hand), np.stack(dstate0), **close)
        assert theirs.grads.keys() == ours.grads.keys()
        for name, gradient in ours.grads.items():
            np.testing.assert_allclose(theirs.grads[name], gradient, **close, strict=True)
