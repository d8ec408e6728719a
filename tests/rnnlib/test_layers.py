"""The layers around the cells: readout, word vectors, both directions; beside torch and their definitions."""

import numpy as np
import pytest
import torch

from rnnlib import GRU, LSTM, RNN, Bidirectional, Dense, Embedding, Network
from rnnlib.gradcheck import gradient_errors, relative_error
from rnnlib.optim import SGD

T, B, D, H, K = 5, 3, 4, 6, 7
LENGTHS = np.array([3, 5, 1])


def padding(lengths=LENGTHS, steps=T):
    """Where the padding is, (T, B)."""
    return np.arange(steps)[:, None] >= lengths


def tensor(array):
    return torch.tensor(array, requires_grad=True)


# --- Dense ---


@pytest.mark.parametrize("activation", [None, "tanh", "relu"])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_dense_agrees_with_torch(activation, lengths):
    rng = np.random.default_rng(0)
    layer = Dense(H, K, rng=rng, activation=activation)
    hs, dys = rng.standard_normal((T, B, H)), rng.standard_normal((T, B, K))
    ys, _ = layer.forward(hs, lengths=lengths)
    dhs, _ = layer.backward(dys)

    W, b, inputs = tensor(layer.params["W_y"]), tensor(layer.params["b_y"]), tensor(hs)
    expected = torch.nn.functional.linear(inputs, W.T, b)
    expected = expected if activation is None else getattr(torch, activation)(expected)
    if lengths is not None:
        expected = expected * torch.tensor(~padding())[:, :, None]
    expected.backward(torch.tensor(dys))
    assert relative_error(ys, expected.detach().numpy()) < 1e-14
    pairs = {"hs": (dhs, inputs), "W_y": (layer.grads["W_y"], W), "b_y": (layer.grads["b_y"], b)}
    for name, (ours, theirs) in pairs.items():
        assert relative_error(ours, theirs.grad.numpy()) < 1e-14, name


def test_what_dense_returns_is_the_callers_own():
    rng = np.random.default_rng(1)
    layer, hs, dys = Dense(H, K, rng=rng, activation="tanh"), rng.standard_normal((T, B, H)), np.ones((T, B, K))
    ys, _ = layer.forward(hs)
    before, _ = layer.backward(dys)
    ys[:] = 0
    after, _ = layer.backward(dys)
    np.testing.assert_array_equal(before, after)


# --- Embedding ---


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_embedding_agrees_with_torch_where_words_repeat(lengths):
    rng = np.random.default_rng(2)
    layer, tokens = Embedding(K, D, rng=rng), rng.integers(0, 3, (T, B))  # five words are not there at all
    dxs = rng.standard_normal((T, B, D))
    xs, _ = layer.forward(tokens, lengths=lengths)
    assert layer.backward(dxs) == (None, None)

    twin = torch.nn.Embedding.from_pretrained(torch.tensor(layer.params["W_e"]), freeze=False)
    alive = torch.tensor(~padding(LENGTHS if lengths is not None else np.full(B, T)))
    expected = twin(torch.tensor(tokens)) * alive[:, :, None]
    expected.backward(torch.tensor(dxs))
    np.testing.assert_array_equal(xs, expected.detach().numpy())
    assert relative_error(layer.grads["W_e"], twin.weight.grad.numpy()) < 1e-15
    assert not layer.grads["W_e"][3:].any()


def test_embedding_is_the_product_with_one_hot_rows():
    rng = np.random.default_rng(3)
    embedding, tokens, dxs = Embedding(K, D, rng=rng), rng.integers(0, K, (T, B)), rng.standard_normal((T, B, D))
    dense = Dense(K, D, rng=rng)
    dense.params["W_y"][...], dense.params["b_y"][...] = embedding.params["W_e"], 0
    np.testing.assert_array_equal(embedding.forward(tokens)[0], dense.forward(np.eye(K)[tokens])[0])
    embedding.backward(dxs)
    dense.backward(dxs)
    assert relative_error(embedding.grads["W_e"], dense.grads["W_y"]) < 1e-15


def test_word_vectors_are_drawn_standard_normal():
    W_e = Embedding(200, 100, rng=np.random.default_rng(4)).params["W_e"]
    np.testing.assert_array_equal(W_e, np.random.default_rng(4).standard_normal((200, 100)))


def test_changing_the_words_after_forward_does_not_change_the_gradient():
    layer, tokens = Embedding(K, D, rng=np.random.default_rng(5)), np.zeros((T, B), int)
    layer.forward(tokens)
    tokens[:] = 1
    layer.backward(np.ones((T, B, D)))
    np.testing.assert_array_equal(layer.grads["W_e"][:2], [[T * B] * D, [0] * D])


# --- Bidirectional ---


def bidirectional(kind, sizes=(H, H), input_size=D, seed=6, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return Bidirectional(*(kind(input_size, size, rng=rng, dtype=dtype) for size in sizes))


def torch_twin(layers):
    """torch's bidirectional module with the weights of a list of bidirectional layers."""
    kind = type(layers[0].parts["forward"])
    module = getattr(torch.nn, kind.__name__)(
        layers[0].input_size,
        layers[0].parts["forward"].hidden_size,
        num_layers=len(layers),
        bidirectional=True,
        dtype=torch.float64,
    )
    weights = {}
    for i, layer in enumerate(layers):
        for suffix, part in (("", "forward"), ("_reverse", "backward")):
            params = layer.parts[part].params
            weights[f"weight_ih_l{i}{suffix}"] = torch.tensor(params["W_x"].T)
            weights[f"weight_hh_l{i}{suffix}"] = torch.tensor(params["W_h"].T)
            weights[f"bias_ih_l{i}{suffix}"] = torch.tensor(params["b"])
            weights[f"bias_hh_l{i}{suffix}"] = torch.zeros(params["b"].shape, dtype=torch.float64)
    module.load_state_dict(weights)
    return module


def grads_of_twin(module, layers):
    """Its gradients under the names and in the shapes of a network of those layers."""
    grads = {}
    for i in range(len(layers)):
        for suffix, part in (("", "forward"), ("_reverse", "backward")):
            grads[f"{i}.{part}.W_x"] = getattr(module, f"weight_ih_l{i}{suffix}").grad.numpy().T
            grads[f"{i}.{part}.W_h"] = getattr(module, f"weight_hh_l{i}{suffix}").grad.numpy().T
            grads[f"{i}.{part}.b"] = getattr(module, f"bias_ih_l{i}{suffix}").grad.numpy()
    return grads


def run_torch(module, xs, lengths, state0=None):
    packed = torch.nn.utils.rnn.pack_padded_sequence(xs, torch.tensor(lengths), enforce_sorted=False)
    ys, state = module(packed, state0)
    return torch.nn.utils.rnn.pad_packed_sequence(ys, total_length=len(xs))[0], state


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("lengths", [LENGTHS, np.array([T] * B)])
def test_bidirectional_agrees_with_torch(kind, depth, lengths):
    rng = np.random.default_rng(7)
    layers = [bidirectional(kind, input_size=D if i == 0 else 2 * H, seed=i) for i in range(depth)]
    network = Network(layers)
    xs, dys = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, 2 * H))
    ys, states = network.forward(xs, lengths=lengths)
    dxs, _ = network.backward(dys)

    module, inputs = torch_twin(layers), tensor(xs)
    expected, final = run_torch(module, inputs, lengths)
    expected.backward(torch.tensor(dys))
    assert relative_error(ys, expected.detach().numpy()) < 1e-13
    assert relative_error(dxs, inputs.grad.numpy()) < 1e-10
    for name, g in grads_of_twin(module, layers).items():
        assert relative_error(network.grads[name], g) < 1e-10, name
    final = [s.detach().numpy() for s in final] if kind is LSTM else [final.detach().numpy()]
    for i, state in enumerate(states):
        for j, one_way in enumerate(state):
            for ours, theirs in zip(one_way if kind is LSTM else [one_way], final, strict=True):
                assert relative_error(ours, theirs[2 * i + j]) < 1e-13


def test_states_and_their_gradients_agree_with_torch():
    rng = np.random.default_rng(8)
    layer, xs = bidirectional(LSTM), rng.standard_normal((T, B, D))
    state0 = tuple(tuple(rng.standard_normal((B, H)) for _ in "hc") for _ in "fb")
    dstate = tuple(tuple(rng.standard_normal((B, H)) for _ in "hc") for _ in "fb")
    dys = rng.standard_normal((T, B, 2 * H))
    layer.forward(xs, state0, LENGTHS)
    dxs, dstate0 = layer.backward(dys, dstate)

    module, inputs = torch_twin([layer]), tensor(xs)
    h0, c0 = (tensor(np.stack([state0[0][i], state0[1][i]])) for i in range(2))
    expected, final = run_torch(module, inputs, LENGTHS, (h0, c0))
    loss = (expected * torch.tensor(dys)).sum()
    for i in range(2):
        loss = loss + (final[i] * torch.tensor(np.stack([dstate[0][i], dstate[1][i]]))).sum()
    loss.backward()
    assert relative_error(dxs, inputs.grad.numpy()) < 1e-10
    for way in range(2):
        assert relative_error(dstate0[way][0], h0.grad[way].numpy()) < 1e-10
        assert relative_error(dstate0[way][1], c0.grad[way].numpy()) < 1e-10


def test_gradients_agree_with_differences_where_the_two_ways_differ():
    rng = np.random.default_rng(9)
    layer = Bidirectional(RNN(D, 2, rng=rng), GRU(D, 3, rng=rng))
    xs, weights = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, 5))
    layer.forward(xs, lengths=LENGTHS)
    dxs, _ = layer.backward(weights)
    errors = gradient_errors(
        lambda: float((layer.forward(xs, lengths=LENGTHS)[0] * weights).sum()),
        {"xs": xs, **layer.params},
        {"xs": dxs, **layer.grads},
    )
    assert {"forward.W_x", "backward.W_h"} < set(errors)
    assert max(errors.values()) < 1e-6, errors


def test_the_definition_of_bidirectional():
    rng = np.random.default_rng(10)
    layer, xs = bidirectional(GRU, sizes=(2, 3)), rng.standard_normal((T, B, D))
    ys, (h_f, h_b) = layer.forward(xs, lengths=LENGTHS)
    assert ys.shape == (T, B, 5) and layer.output_size == 5
    for b, length in enumerate(LENGTHS):
        one = np.ascontiguousarray(xs[:length, b : b + 1])
        hs_f, last_f = layer.parts["forward"].forward(one)
        hs_b, last_b = layer.parts["backward"].forward(one[::-1].copy())
        np.testing.assert_allclose(ys[:length, b, :2], hs_f[:, 0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(ys[:length, b, 2:], hs_b[::-1, 0], rtol=0, atol=1e-12)
        np.testing.assert_allclose((*h_f[b], *h_b[b]), (*last_f[0], *last_b[0]), rtol=0, atol=1e-12)
    assert not ys[padding()].any()


def test_the_parameters_of_bidirectional_are_the_layers_own():
    layer = bidirectional(RNN)
    assert layer.count_parameters() == 2 * (D * H + H * H + H)
    layer.params["forward.W_x"][0, 0] = 5
    assert layer.parts["forward"].params["W_x"][0, 0] == 5
    ys, _ = layer.forward(np.ones((T, B, D)))
    layer.backward(np.ones_like(ys))
    before = layer.parts["backward"].params["b"].copy()
    SGD(layer.params, lr=0.1).step(layer.grads)
    np.testing.assert_array_equal(
        layer.parts["backward"].params["b"], before - 0.1 * layer.parts["backward"].grads["b"]
    )


# --- what holds for all ---

LAYERS = {
    "dense": lambda rng, dtype=np.float64: Dense(D, K, rng=rng, dtype=dtype, activation="tanh"),
    "readout": lambda rng, dtype=np.float64: Dense(D, K, rng=rng, dtype=dtype),
    "embedding": lambda rng, dtype=np.float64: Embedding(K, D, rng=rng, dtype=dtype),
    "bidirectional": lambda rng, dtype=np.float64: Bidirectional(
        LSTM(D, 2, rng=rng, dtype=dtype), GRU(D, 3, rng=rng, dtype=dtype)
    ),
}


def inputs_of(layer, rng, dtype=np.float64):
    if isinstance(layer, Embedding):
        return rng.integers(0, K, (T, B))
    return rng.standard_normal((T, B, D)).astype(dtype)


@pytest.mark.parametrize("name", LAYERS)
def test_a_padded_batch_is_its_sequences_one_at_a_time(name):
    rng = np.random.default_rng(11)
    layer = LAYERS[name](rng)
    xs, dys = inputs_of(layer, rng), rng.standard_normal((T, B, layer.output_size))
    ys, _ = layer.forward(xs, lengths=LENGTHS)
    dxs, _ = layer.backward(dys)
    grads, total = layer.grads, {name: np.zeros_like(p) for name, p in layer.params.items()}
    for b, length in enumerate(LENGTHS):
        one, _ = layer.forward(xs[:length, b : b + 1])
        np.testing.assert_allclose(ys[:length, b], one[:, 0], rtol=0, atol=1e-12)
        done, _ = layer.backward(dys[:length, b : b + 1])
        if done is not None:
            np.testing.assert_allclose(dxs[:length, b], done[:, 0], rtol=0, atol=1e-12)
            assert not dxs[length:, b].any()
        for key, g in layer.grads.items():
            total[key] += g
    assert not ys[padding()].any()
    for key, g in grads.items():
        assert relative_error(g, total[key]) < 1e-12, key


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("padded", [False, True])
def test_changing_what_went_in_or_came_out_does_not_change_the_gradients(name, padded):
    rng = np.random.default_rng(13)
    layer = LAYERS[name](rng)
    xs, dys, lengths = inputs_of(layer, rng), rng.standard_normal((T, B, layer.output_size)), LENGTHS.copy()
    ys, _ = layer.forward(xs, lengths=lengths if padded else None)
    dxs, _ = layer.backward(dys)
    expected = dict(layer.grads)
    for a in (xs, ys, lengths):
        a[...] = 1
    again, _ = layer.backward(dys)
    np.testing.assert_array_equal(again, dxs)
    for key, g in layer.grads.items():
        np.testing.assert_array_equal(g, expected[key], key)


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_float32_and_arguments_stay_as_they_are(name):
    rng = np.random.default_rng(12)
    layer = LAYERS[name](rng, np.float32)
    xs, lengths = inputs_of(layer, rng, np.float32), LENGTHS.copy()
    dys = rng.standard_normal((T, B, layer.output_size)).astype(np.float32)
    before = [a.copy() for a in (xs, dys)]
    ys, _ = layer.forward(xs, lengths=lengths)
    dxs, _ = layer.backward(dys)
    arrays = [ys, *layer.grads.values(), *layer.params.values()] + ([dxs] if dxs is not None else [])
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    for a, copy in zip((xs, dys, lengths), (*before, LENGTHS), strict=True):
        np.testing.assert_array_equal(a, copy)


def dense(**options):
    return Dense(H, K, rng=np.random.default_rng(0), **options)


def embedding():
    return Embedding(K, D, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: RNN(0, 3, rng=None), ValueError, "input_size is 0; it should be an integer of at least 1"),
        (lambda: RNN(2, 3.0, rng=None), ValueError, "hidden_size is 3.0"),
        (lambda: RNN(2, 3, rng=None, dtype=np.float16), ValueError, "dtype is float16; it should be float32"),
        (lambda: RNN(True, 3, rng=None), ValueError, "input_size is True; it should be an integer of at least 1"),
        (lambda: RNN(2, 3, rng=None, dtype=None), ValueError, "dtype is None; it should be float32 or float64"),
        (lambda: Dense(2, 3, rng=None, dtype="real"), ValueError, "dtype is real; it should be float32 or float64"),
        (lambda: RNN(2, 3, rng=None), TypeError, "rng is None; it should be a Generator, such as numpy.random.def"),
        (lambda: Dense(2, 3, rng=0), TypeError, "rng is 0; it should be a Generator"),
        (
            lambda: Embedding(2, 3, rng=np.random),
            TypeError,
            "rng is <module 'numpy.random'.*; it should be a Generator",
        ),
        (
            lambda: LSTM(3, 4, rng=np.random.default_rng(0), bias=False),
            TypeError,
            "bias is no option of LSTM; it has none",
        ),
        (
            lambda: GRU(3, 4, rng=np.random.default_rng(0), num_layers=2),
            TypeError,
            "num_layers is no option of GRU; it has reset, update, recurrent_bias",
        ),
        (lambda: Dense(2, -1, rng=None), ValueError, "output_size is -1"),
        (
            lambda: Dense(2, 1, rng=None, activation="cos"),
            ValueError,
            "activation is 'cos'; it should be 'tanh' or 'relu'",
        ),
        (lambda: dense().forward(np.ones((T, B, H)), 1), ValueError, "state0 is a int; .* since Dense keeps no state"),
        (
            lambda: dense().forward(np.ones((T, B, H)), lengths=LENGTHS + 3),
            ValueError,
            r"lengths is 6 at index \(0,\); it should be from 1 to T = 5",
        ),
        (lambda: dense().backward(np.ones((T, B, K))), RuntimeError, "run forward first"),
        (lambda: RNN(D, H, rng=np.random.default_rng(0)).backward(np.ones((T, B, H))), RuntimeError, "run forward"),
        (lambda: Embedding(0, 3, rng=None), ValueError, "vocabulary_size is 0"),
        (lambda: embedding().forward(np.zeros(T, int)), ValueError, r"tokens has shape \(5,\); it should be \(T, B\)"),
        (lambda: embedding().forward(np.zeros((0, B), int)), ValueError, r"tokens has shape \(0, 3\)"),
        (lambda: embedding().forward(np.zeros((T, B))), ValueError, "tokens has dtype float64; it should be an int"),
        (lambda: embedding().forward(np.full((T, B), K)), ValueError, r"tokens is 7 at index \(0, 0\); .* 0 to 6"),
        (lambda: embedding().forward([[1]]), TypeError, "tokens is of type list"),
        (lambda: embedding().forward(np.zeros((T, B), int), 1), ValueError, "since Embedding keeps no state"),
        (
            lambda: dense().forward(np.ma.masked_array(np.ones((T, B, H)), mask=True)),
            TypeError,
            "hs is of type MaskedArray; it should be a numpy array of shape",
        ),
        (
            lambda: embedding().forward(np.ma.masked_array(np.zeros((T, B), int), mask=True)),
            TypeError,
            "tokens is of type MaskedArray; it should be a numpy array of integers",
        ),
        (
            lambda: dense().forward(np.ones((T, B, H)), lengths=np.ma.masked_array(LENGTHS, mask=True)),
            TypeError,
            "lengths is of type MaskedArray",
        ),
        (
            lambda: RNN(D, H, rng=np.random.default_rng(0)).forward(
                np.ones((T, B, D)), np.ones((B, H)).view(np.matrix)
            ),
            TypeError,
            "h of state0 is of type matrix",
        ),
        (lambda: embedding().backward(np.ones((T, B, D))), RuntimeError, "run forward first"),
        (
            lambda: Bidirectional(dense(), dense()),
            TypeError,
            "forward_layer is a Dense; it should be a recurrent layer",
        ),
        (lambda: Bidirectional(*2 * [bidirectional(RNN).parts["forward"]]), ValueError, "backward_layer is forward_l"),
        (
            lambda: Bidirectional(RNN(2, 3, rng=np.random.default_rng(0)), RNN(4, 3, rng=np.random.default_rng(0))),
            ValueError,
            "backward_layer has input_size 4; it should be 2, as forward_layer's",
        ),
        (
            lambda: Bidirectional(
                RNN(2, 3, rng=np.random.default_rng(0)), RNN(2, 3, rng=np.random.default_rng(0), dtype=np.float32)
            ),
            ValueError,
            "backward_layer has dtype float32; it should be float64",
        ),
        (
            lambda: bidirectional(RNN).forward(np.ones((T, B, D)), np.ones((B, H))),
            TypeError,
            "state0 is a ndarray; it should be a tuple of two",
        ),
        (lambda: bidirectional(RNN).backward(np.ones((T, B, 2 * H))), RuntimeError, "run forward first"),
        (lambda: bidirectional(RNN).forward(np.ones((T, B, H))), ValueError, r"xs has shape \(5, 3, 6\)"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_wrong_gradients_are_named():
    layer = bidirectional(RNN)
    layer.forward(np.ones((T, B, D)))
    with pytest.raises(ValueError, match=r"dys has shape \(5, 3, 6\); it should be \(T, B, H1 \+ H2\) with .* = 12"):
        layer.backward(np.ones((T, B, H)))
    with pytest.raises(TypeError, match="dstate is a tuple of 3; it should be a tuple of two"):
        layer.backward(np.ones((T, B, 2 * H)), (None, None, None))
    words = embedding()
    words.forward(np.zeros((T, B), int))
    with pytest.raises(ValueError, match=r"dxs has shape \(5, 3, 6\)"):
        words.backward(np.ones((T, B, H)))
