"""Layers with weights of ordinary size, and what goes in and comes out of them, for the tests of every converter."""

import numpy as np

from rnnlib import recurrent

SIZES = [(6, 3, 4, 5), (1, 1, 1, 1), (4, 1, 3, 2), (3, 2, 1, 7), (40, 3, 6, 32)]  # T, B, D, H
PRECISIONS = [(np.float32, 1e-6), (np.float64, 1e-12)]

#: Layers with an equal in every library.
COMMON = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu"}),
    ("LSTM", {}),
    ("GRU", {}),
    ("GRU", {"recurrent_bias": True}),
    ("GRU", {"recurrent_bias": True, "update": "renew"}),
]
BEFORE = [("GRU", {"reset": "before"}), ("GRU", {"reset": "before", "update": "renew"})]
PEEPHOLES = [("PeepholeLSTM", {"peepholes": p, "coupled": c}) for p in (True, False) for c in (True, False)]


def name_of(case):
    """A layer of the lists above in words, for a test's name."""
    kind, options = case
    return " ".join([kind, *(f"{name}={value}" for name, value in options.items())])


def make(case, sizes, dtype=np.float64, seed=1):
    """A layer, an input, and an initial state as a list."""
    (kind, options), (T, B, D, H) = case, sizes
    rng = np.random.default_rng(seed)
    layer = getattr(recurrent, kind)(D, H, rng=rng, dtype=dtype, **options)
    layer.params = {name: (H**-0.5 * rng.standard_normal(p.shape)).astype(dtype) for name, p in layer.params.items()}
    xs = rng.standard_normal((T, B, D)).astype(dtype)
    return layer, xs, [rng.standard_normal((B, H)).astype(dtype) for _ in layer.cell.states]


def run(layer, xs, state0):
    """The outputs of a layer and its last state: a list of arrays."""
    hs, state = layer.forward(xs, tuple(state0) if len(state0) > 1 else state0[0])
    return [hs, *(state if len(state0) > 1 else [state])]


def assert_same_bits(one, other):
    """Two layers are of one type and dtype and have the same parameters."""
    assert type(one) is type(other) and one.dtype == other.dtype
    assert one.params.keys() == other.params.keys()
    for name, p in one.params.items():
        np.testing.assert_array_equal(p, other.params[name], strict=True)


def turned(params, H):
    """The parameters of a GRU with the sign of z's weights changed."""
    return {name: np.concatenate([p[..., :H], -p[..., H : 2 * H], p[..., 2 * H :]], -1) for name, p in params.items()}
