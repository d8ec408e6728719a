"""Weights travel to layers of Keras and back, and compute the same there."""

import subprocess
import sys

import numpy as np
import pytest
from carrying import BEFORE, COMMON, SIZES, assert_same_bits, make, name_of, run

from rnnlib.convert.keras import from_keras, keras, to_keras
from rnnlib.gradcheck import relative_error

T, B, D, H = 6, 3, 4, 5
CASES = COMMON + BEFORE
#: On torch, Keras takes these two layers over to torch's own. The others' products are of float32 throughout: its
#: `keras.ops.matmul` takes float64 to float32 and back.
DOUBLE = ("LSTM", "GRU reset_after=True")


def over_there(keras_layer, xs, state0):
    """What `run` gives, of a layer of Keras that returns all outputs and states."""
    outputs = keras_layer(xs.transpose(1, 0, 2), initial_state=list(state0))
    hs, *state = (a.detach().numpy() for a in outputs)
    return [hs.transpose(1, 0, 2), *state]


def tolerance(keras_layer, dtype):
    name = type(keras_layer).__name__
    if name == "GRU":
        name += f" reset_after={keras_layer.cell.reset_after}"
    return 1e-12 if dtype == np.float64 and name in DOUBLE else 1e-6


def random_layer(kind, dtype="float32", **settings):
    """A layer of Keras with random weights, biases too."""
    settings = {"return_sequences": True, "return_state": True} | settings
    keras_layer = getattr(keras.layers, kind)(H, dtype=dtype, **settings)
    keras_layer.build((1, None, D))
    rng = np.random.default_rng(0)
    keras_layer.set_weights([0.7 * rng.standard_normal(w.shape) for w in keras_layer.weights])
    return keras_layer


def values(keras_layer):
    return [w.value.detach().numpy() for w in keras_layer.weights]


FOREIGN = [
    ("SimpleRNN", {}),
    ("SimpleRNN", {"activation": "relu"}),
    ("SimpleRNN", {"use_bias": False}),
    ("LSTM", {}),
    ("LSTM", {"use_bias": False}),
    ("GRU", {}),
    ("GRU", {"use_bias": False}),
    ("GRU", {"reset_after": False}),
    ("GRU", {"reset_after": False, "use_bias": False}),
]


@pytest.mark.parametrize("case", CASES, ids=name_of)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer_computes_the_same_there(case, sizes, dtype):
    layer, *data = make(case, sizes, dtype)
    keras_layer = to_keras(layer)
    for ours, theirs in zip(run(layer, *data), over_there(keras_layer, *data), strict=True):
        assert ours.dtype == theirs.dtype == dtype
        assert relative_error(ours, theirs) < tolerance(keras_layer, dtype)


@pytest.mark.parametrize("case", [case for case in CASES if "update" not in case[1]], ids=name_of)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_there_and_back_gives_the_same_bits(case, dtype):
    layer = make(case, (T, B, D, H), dtype)[0]
    assert_same_bits(from_keras(to_keras(layer)), layer)


@pytest.mark.parametrize("case", FOREIGN, ids=name_of)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_layer_made_by_keras_computes_the_same_here(case, dtype):
    keras_layer = random_layer(case[0], dtype, **case[1])
    layer = from_keras(keras_layer)
    data = make((type(layer).__name__, {}), (T, B, D, H), np.dtype(dtype))[1:]
    for ours, theirs in zip(run(layer, *data), over_there(keras_layer, *data), strict=True):
        assert ours.dtype == theirs.dtype == np.dtype(dtype)
        assert relative_error(ours, theirs) < tolerance(keras_layer, np.dtype(dtype))


@pytest.mark.parametrize("case", [case for case in FOREIGN if "use_bias" not in case[1]], ids=name_of)
def test_a_layer_made_by_keras_comes_back_with_the_same_bits_but_for_biases_that_are_added(case):
    keras_layer = random_layer(case[0], **case[1])
    back, there = values(to_keras(from_keras(keras_layer))), values(keras_layer)
    if there[2].ndim == 2:
        first, second = there[2]
        inside = np.concatenate([np.zeros(2 * H, np.float32), second[2 * H :]])
        there[2] = np.stack([first + (second - inside), inside])
    for one, other in zip(back, there, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_weights_are_copies():
    layer = make(("RNN", {}), (T, B, D, H))[0]
    keras_layer = to_keras(layer)
    back = from_keras(keras_layer)
    layer.params["W_x"][:] = 0
    assert np.abs(values(keras_layer)[0]).min() > 0
    keras_layer.set_weights([0 * w for w in values(keras_layer)])
    assert np.abs(back.params["W_x"]).min() > 0


@pytest.mark.parametrize(
    ("keras_layer", "error", "message"),
    [
        (lambda: keras.layers.Dense(3), TypeError, r"is of type Dense; it should be a keras\.layers\.SimpleRNN, LSTM"),
        (lambda: keras.layers.LSTM(3), ValueError, "keras_layer has no weights yet; call its build"),
        (lambda: random_layer("LSTM", activation="relu"), ValueError, "has activation = 'relu'; it should be 'tanh'"),
        (
            lambda: random_layer("SimpleRNN", activation="sigmoid"),
            ValueError,
            "has activation = 'sigmoid'; it should be 'tanh' or 'relu'",
        ),
        (
            lambda: random_layer("GRU", recurrent_activation="hard_sigmoid"),
            ValueError,
            "has recurrent_activation = 'hard_sigmoid'; it should be 'sigmoid'",
        ),
        (lambda: random_layer("GRU", go_backwards=True), ValueError, "has go_backwards = True; it should be False"),
        (lambda: random_layer("GRU", stateful=True), ValueError, "has stateful = True; it should be False"),
        (lambda: random_layer("LSTM", dropout=0.2), ValueError, "has dropout = 0.2; it should be 0"),
        (lambda: random_layer("LSTM", recurrent_dropout=0.2), ValueError, "has recurrent_dropout = 0.2"),
        (
            lambda: random_layer("LSTM", dtype="mixed_float16"),
            ValueError,
            "has dtype = 'mixed_float16'; it should be 'float32' or 'float64'",
        ),
    ],
)
def test_what_cannot_come_over_is_named(keras_layer, error, message):
    with pytest.raises(error, match=message):
        from_keras(keras_layer())


def test_what_keras_has_not_is_named():
    with pytest.raises(TypeError, match="layer is of type MultiplicativeRNN; Keras has RNN, LSTM, GRU alone"):
        to_keras(make(("MultiplicativeRNN", {}), (T, B, D, H))[0])


OTHER_BACKENDS = {
    "asked for": "import os; os.environ['KERAS_BACKEND'] = 'numpy'",
    "in use": """import sys, types; keras = sys.modules["keras"] = types.ModuleType("keras")
keras.backend = types.SimpleNamespace(backend=lambda: "numpy")""",
}


@pytest.mark.parametrize("how", OTHER_BACKENDS)
def test_another_backend_is_named(how):
    script = f"{OTHER_BACKENDS[how]}\nimport rnnlib.convert.keras"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "ImportError: Keras is set to the backend 'numpy'; it should be 'torch': set the environment" in done.stderr
