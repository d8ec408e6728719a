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
    state, dstate = (tuple(rng.standard_normal((2, H)).astype(dtype) for _ in ours.cell.states) for _ in range(2))
    if len(state) == 1:
        (state,), (dstate,) = state, dstate
    close = {"rtol": 0, "atol": 100 * np.finfo(dtype).eps}
    for _ in range(2):  # the second pass finds nothing of the first
        results = []
        for layer in (ours, theirs):
            hs, last = layer.forward(xs, state, lengths)
            dxs, dstate0 = layer.backward(dhs, dstate, window=window)
            results.append({"hs": hs, "last": np.stack(last), "dxs": dxs, "dstate0": np.stack(dstate0), **layer.grads})
        assert results[0].keys() == results[1].keys()
        for name, value in results[0].items():
            np.testing.assert_allclose(results[1][name], value, **close, strict=True, err_msg=name)
