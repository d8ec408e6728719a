"""Saving and loading: every bit comes back, a file that is wrong is named, and nothing is unpickled."""

import json
import os
import pickle
import zipfile

import numpy as np
import pytest

import rnnlib
from rnnlib import GRU, LSTM, RNN, Bidirectional, DeepTransitionRNN, Dense, Embedding, Imaginet, Network
from rnnlib.storage import FORMAT


def rng():
    return np.random.default_rng(0)


def writer(dtype=np.float64):
    layers = [Embedding(5, 3, rng=rng(), dtype=dtype), LSTM(3, 4, rng=rng(), dtype=dtype)]
    return Network(
        [*layers, Dense(4, 6, rng=rng(), dtype=dtype, activation="tanh"), Dense(6, 5, rng=rng(), dtype=dtype)]
    )


MODELS = {
    "rnn": lambda: RNN(3, 4, rng=rng(), nonlinearity="relu", init="orthogonal", biases={"h": 0.5}),
    "float32": lambda: GRU(3, 4, rng=rng(), dtype=np.float32),
    "option": lambda: DeepTransitionRNN(np.int64(3), 4, rng=rng(), depth=3, shortcut=False),
    "dense": lambda: Dense(3, 4, rng=rng()),
    "network": writer,
    "bidirectional": lambda: Network(
        [Bidirectional(GRU(3, 2, rng=rng()), RNN(3, 4, rng=rng())), Dense(6, 2, rng=rng(), activation="relu")]
    ),
    "imaginet": lambda: Imaginet(5, 3, 4, 2, alpha=0.25, rng=rng()),
}


def changed(model):
    """The model with parameters that no generator would draw, zeros of both signs among them."""
    for i, p in enumerate(model.params.values()):
        p[...] = np.random.default_rng(i).standard_normal(p.shape) * 10.0 ** (5 * i - 20)
        p.flat[0] = -0.0
    return model


@pytest.mark.parametrize("name", MODELS)
def test_every_bit_comes_back(name, tmp_path):
    model = changed(MODELS[name]())
    rnnlib.save(tmp_path / "model.npz", model)
    same = rnnlib.load(str(tmp_path / "model.npz"))
    assert type(same) is type(model)
    assert list(same.params) == list(model.params)
    for key, p in model.params.items():
        assert same.params[key].dtype == p.dtype
        assert same.params[key].tobytes() == p.tobytes()
    assert os.listdir(tmp_path) == ["model.npz"]


@pytest.mark.parametrize("name", ["rnn", "option", "network", "bidirectional"])
def test_what_is_loaded_computes_and_learns_the_same(name, tmp_path):
    model, lengths = MODELS[name](), np.array([5, 3])
    rnnlib.save(tmp_path / "model.npz", model)
    same = rnnlib.load(tmp_path / "model.npz")
    xs = rng().integers(0, 5, (5, 2)) if name == "network" else 3 * rng().standard_normal((5, 2, 3))
    ys, _ = model.forward(xs, lengths=lengths)
    np.testing.assert_array_equal(same.forward(xs, lengths=lengths)[0], ys)
    model.backward(np.ones_like(ys))
    same.backward(np.ones_like(ys))
    for key, g in model.grads.items():
        np.testing.assert_array_equal(same.grads[key], g)


def test_alpha_comes_back(tmp_path):
    rnnlib.save(tmp_path / "model.npz", MODELS["imaginet"]())
    assert rnnlib.load(tmp_path / "model.npz").alpha == 0.25


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_loaded_writes_the_same_text(dtype, tmp_path):
    model = writer(dtype)
    rnnlib.save(tmp_path / "model.npz", model)
    texts = [m.generate(np.array([1, 2]), 40, rng=rng()).tolist() for m in (model, rnnlib.load(tmp_path / "model.npz"))]
    assert texts[0] == texts[1]


def test_the_same_model_gives_the_same_file(tmp_path):
    for name in ("one", "other"):
        rnnlib.save(tmp_path / name, writer())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_the_file_says_in_words_what_is_in_it(tmp_path):
    rnnlib.save(tmp_path / "model.npz", MODELS["float32"]())
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        assert set(file.files) == {"format", "model", "W_x", "W_h", "b"}
        assert file["format"] == 1
        assert json.loads(str(file["model"])) == {
            "type": "GRU",
            "arguments": {"input_size": 3, "hidden_size": 4, "dtype": "float32"},
        }


@pytest.mark.parametrize("at", ["savez", "fsync", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_save_leaves_the_old_file(at, error, tmp_path, monkeypatch):
    path, old, new = tmp_path / "model.npz", changed(MODELS["dense"]()), MODELS["dense"]()
    rnnlib.save(path, old)
    before = path.read_bytes()

    def half_written(file, **arrays):
        file.write(b"PK half of it")
        raise error("no space left on device")

    def stopped(*args):
        raise error("stopped")

    monkeypatch.setattr(*{"savez": (np, "savez", half_written)}.get(at, (os, at, stopped)))
    with pytest.raises(error):
        rnnlib.save(path, new)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.npz"]
    rnnlib.save(path, new)
    np.testing.assert_array_equal(rnnlib.load(path).params["W_y"], new.params["W_y"])


class Boom:
    """Unpickling it would leave a trace."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return open, (self.trace, "w")


@pytest.mark.parametrize("entry", ["W_y", "model", "format"])
def test_nothing_is_unpickled(entry, tmp_path):
    path, trace = tmp_path / "model.npz", tmp_path / "trace"
    rnnlib.save(path, MODELS["dense"]())
    with np.load(path) as file:
        entries = dict(file)
    entries[entry] = np.array([Boom(trace)], dtype=object)
    np.savez(path, allow_pickle=True, **entries)
    with pytest.raises(
        ValueError, match=r"model.npz is damaged, or was not written by rnnlib.save: Object arrays cannot"
    ):
        rnnlib.load(path)
    path.write_bytes(pickle.dumps(Boom(trace)))
    with pytest.raises(ValueError, match=r"model.npz is not an .npz file"):
        rnnlib.load(path)
    assert not trace.exists()


def rewrite(path, change):
    """Change the entries of a saved dense layer."""
    rnnlib.save(path, MODELS["dense"]())
    with np.load(path) as file:
        entries = dict(file)
    change(entries)
    np.savez(path, **entries)


def describe(**description):
    return lambda entries: entries.update(model=np.array(json.dumps(description)))


def nested(depth):
    """A description of a network in a network in a network, as nobody made it."""
    return lambda entries: entries.update(
        model=np.array('{"type": "Network", "arguments": {"layers": [' * depth + "]}}" * depth)
    )


SIZES = {"input_size": 3, "output_size": 4, "dtype": "float64", "activation": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.pop("format"), "is an .npz file, but not one that rnnlib.save wrote"),
        (lambda e: e.update(format=np.array("1")), "is an .npz file, but not one"),
        (lambda e: e.update(format=np.int64(0)), "is an .npz file, but not one"),
        (
            lambda e: e.update(format=np.int64(FORMAT + 1)),
            "was written by a newer rnnlib: format 2; this one reads 1",
        ),
        (lambda e: e.pop("model"), "cannot be read as a model"),
        (lambda e: e.update(model=np.array("{")), "cannot be read as a model"),
        (lambda e: e.update(model=np.array("[]")), "cannot be read as a model"),
        (nested(5000), "cannot be read as a model: .*recursion"),
        (describe(type="Dense", arguments={**SIZES, "input_size": 10**13}), "cannot be read as a model: .*allocate"),
        (describe(arguments={}), "cannot be read as a model: 'type'"),
        (describe(type="Transformer", arguments={}), "a layer is of type 'Transformer', which this rnnlib does not"),
        (describe(type="Layer", arguments={}), "a layer is of type 'Layer', which this rnnlib does not have"),
        (describe(type="Dense", arguments={"rows": 3}), "cannot be read as a model: .*unexpected keyword argument"),
        (describe(type="Dense", arguments={**SIZES, "input_size": 0}), "input_size is 0; it should be"),
        (describe(type="Dense", arguments={**SIZES, "activation": "cos"}), "activation is 'cos'"),
        (
            describe(type="Dense", arguments={**SIZES, "input_size": 2}),
            r"W_y has shape \(3, 4\); it should be \(2, 4\)",
        ),
        (
            describe(type="Dense", arguments={**SIZES, "dtype": "float32"}),
            "W_y has dtype float64; it should be float32",
        ),
        (describe(type="Network", arguments={"layers": []}), "layers is empty"),
        (lambda e: e.pop("b_y"), r"parameters that are missing: \['b_y'\]; that are not the model's: \[\]"),
        (lambda e: e.update(W_z=np.ones(2)), r"missing: \[\]; that are not the model's: \['W_z'\]"),
        (lambda e: e.update(b_y=np.ones(4, int)), "b_y has dtype int64; it should be float64"),
        (lambda e: e.update(b_y=np.full(4, np.nan)), r"b_y is nan at index \(0,\); every entry should be finite"),
    ],
)
def test_a_wrong_file_is_named(change, message, tmp_path):
    path = tmp_path / "model.npz"
    rewrite(path, change)
    with pytest.raises(ValueError, match=message) as caught:
        rnnlib.load(path)
    assert "model.npz" in str(caught.value)


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "model.npz"
    rnnlib.save(path, MODELS["dense"]())
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"model.npz is not an .npz file, or is cut off"):
            rnnlib.load(path)
    at = whole.index(MODELS["dense"]().params["W_y"].tobytes())
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(ValueError, match=r"model.npz is damaged.*CRC"):
        rnnlib.load(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("letter.txt", "no arrays")
    with pytest.raises(ValueError, match=r"not one that rnnlib.save wrote"):
        rnnlib.load(path)
    with pytest.raises(FileNotFoundError, match=r"nothing.npz"):
        rnnlib.load(tmp_path / "nothing.npz")


class OwnLayer(RNN):
    pass


def test_what_cannot_be_saved_is_named_and_writes_nothing(tmp_path):
    path = tmp_path / "model.npz"
    own = Network([OwnLayer(2, 3, rng=rng())])
    with pytest.raises(TypeError, match="model has a layer of type OwnLayer; only rnnlib's own layers can be saved"):
        rnnlib.save(path, own)
    diverged = MODELS["dense"]()
    diverged.params["W_y"][1, 2] = np.inf
    with pytest.raises(ValueError, match=r"W_y is inf at index \(1, 2\); every entry should be finite"):
        rnnlib.save(path, diverged)
    for change, message in [
        (lambda p: p.pop("b_y"), r"parameters that are missing: \['b_y'\]; that are not the model's: \[\]"),
        (lambda p: p.update(W_z=np.ones(2)), r"missing: \[\]; that are not the model's: \['W_z'\]"),
        (lambda p: p.update(b_y=np.ones(3)), r"b_y has shape \(3,\); it should be \(4,\)"),
        (lambda p: p.update(b_y=np.ones(4, np.float32)), "b_y has dtype float32; it should be float64"),
    ]:
        model = MODELS["dense"]()
        change(model.params)
        with pytest.raises(ValueError, match=message):
            rnnlib.save(path, model)
    with pytest.raises(TypeError, match="model is a dict; it should be a layer or a network"):
        rnnlib.save(path, diverged.params)
    assert os.listdir(tmp_path) == []
