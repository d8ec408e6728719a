"""Layers and networks: gradients through a whole model, states carried on, text that comes out, what is refused."""

import numpy as np
import pytest
import torch

from rnnlib import RNN, Dense, Network
from rnnlib.gradcheck import gradient_errors, relative_error
from rnnlib.losses import cross_entropy, cross_entropy_backward
from rnnlib.torch_models import to_torch

T, B, D, H, K = 5, 3, 4, 6, 7


def network(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return Network([RNN(D, H, rng=rng, dtype=dtype), Dense(H, K, rng=rng, dtype=dtype)])


def test_gradients_of_a_network_agree_with_differences():
    rng = np.random.default_rng(1)
    net, xs, targets = network(), rng.standard_normal((T, B, D)), rng.integers(0, K, (T, B))
    logits, _ = net.forward(xs)
    dxs = net.backward(cross_entropy_backward(logits, targets))
    errors = gradient_errors(
        lambda: cross_entropy(net.forward(xs)[0], targets), {"xs": xs, **net.params}, {"xs": dxs, **net.grads}
    )
    assert set(errors) == {"xs", "0.W_x", "0.W_h", "0.b", "1.W_y", "1.b_y"}
    assert max(errors.values()) < 1e-6, errors


def test_gradients_of_a_network_agree_with_torch():
    rng = np.random.default_rng(2)
    net, xs, targets = network(), rng.standard_normal((T, B, D)), rng.integers(0, K, (T, B))
    logits, _ = net.forward(xs)
    net.backward(cross_entropy_backward(logits, targets))

    rnn = to_torch(net.layers[0])
    W_y, b_y = (torch.tensor(p, requires_grad=True) for p in net.layers[1].params.values())
    logits_torch = rnn(torch.tensor(xs))[0] @ W_y + b_y
    torch.nn.functional.cross_entropy(logits_torch.reshape(-1, K), torch.tensor(targets).reshape(-1)).backward()
    assert relative_error(logits, logits_torch.detach().numpy()) < 1e-12
    expected = {
        "0.W_x": rnn.weight_ih_l0.grad.T,
        "0.W_h": rnn.weight_hh_l0.grad.T,
        "0.b": rnn.bias_ih_l0.grad,
        "1.W_y": W_y.grad,
        "1.b_y": b_y.grad,
    }
    for name, g in net.grads.items():
        assert relative_error(g, expected[name].numpy()) < 1e-10, name


def test_two_halves_with_the_state_carried_are_the_whole():
    net, xs = network(), np.random.default_rng(3).standard_normal((6, B, D))
    whole, (h, _) = net.forward(xs)
    first, states = net.forward(xs[:2])
    second, (h_second, nothing) = net.forward(xs[2:], states)
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)
    np.testing.assert_array_equal(h, h_second)
    assert nothing is None


def test_sizes_are_those_of_the_formula():
    net = network()
    assert net.layers[0].count_parameters() == D * H + H * H + H
    assert net.count_parameters() == D * H + H * H + H + H * K + K


def test_initial_weights_come_from_the_generator_and_stay_within_the_bound():
    one, same, other = network(0), network(0), network(1)
    for name, p in one.params.items():
        np.testing.assert_array_equal(p, same.params[name])
        assert not np.array_equal(p, other.params[name])
        assert 0.5 * H**-0.5 < np.abs(p).max() <= H**-0.5


def test_float32_stays_float32():
    net = network(dtype=np.float32)
    logits, (h, _) = net.forward(np.ones((T, B, D), np.float32))
    dxs = net.backward(np.ones_like(logits))
    assert {a.dtype for a in (logits, h, dxs, *net.grads.values())} == {np.dtype(np.float32)}


def writer():
    """A network made by hand that says the next token for sure: 0 → 1 → 2 → 0."""
    rng = np.random.default_rng(0)
    net = Network([RNN(3, 3, rng=rng), Dense(3, 3, rng=rng)])
    net.layers[0].params = {"W_x": 3 * np.eye(3), "W_h": np.zeros((3, 3)), "b": np.zeros(3)}
    net.layers[1].params = {"W_y": 40 * np.roll(np.eye(3), 1, axis=1), "b_y": np.zeros(3)}
    return net


def test_generate_feeds_back_what_it_drew():
    rng = np.random.default_rng(0)
    assert writer().generate(np.array([0]), 5, rng=rng).tolist() == [1, 2, 0, 1, 2]
    assert writer().generate(np.array([0, 1]), 2, rng=rng).tolist() == [2, 0]


def test_generate_draws_from_the_softmax_of_all_it_has_read():
    rng = np.random.default_rng(4)
    net = Network([RNN(K, H, rng=rng), Dense(H, K, rng=rng)])
    for p in net.params.values():
        p *= 4  # strong enough for the state to matter
    first, temperature = np.array([2, 5, 2]), 0.7
    tokens = net.generate(first, 30, rng=np.random.default_rng(5), temperature=temperature)
    read, draws = list(first), np.random.default_rng(5)
    for token in tokens:
        logits, _ = net.forward(np.eye(K)[read][:, None])
        p = np.exp(logits[-1, 0] / temperature)
        assert token == draws.choice(K, p=p / p.sum())
        read.append(token)
    assert len(set(tokens.tolist())) > 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: RNN(0, 3, rng=None), ValueError, "input_size is 0; it should be an integer of at least 1"),
        (lambda: RNN(2, 3.0, rng=None), ValueError, "hidden_size is 3.0"),
        (
            lambda: RNN(2, 3, rng=None, dtype=np.float16),
            ValueError,
            "dtype is float16; it should be float32",
        ),
        (lambda: Dense(2, -1, rng=None), ValueError, "output_size is -1"),
        (lambda: Network([]), ValueError, "layers is empty"),
        (
            lambda: Network([network().layers[0], network(dtype=np.float32).layers[1]]),
            ValueError,
            "layers have dtypes float32, float64",
        ),
        (lambda: network().forward(np.zeros((T, B, D + 1))), ValueError, r"xs has shape \(5, 3, 5\)"),
        (lambda: network().forward(np.zeros((T, B, D)), [None]), ValueError, "states has 1 entries; it should have 2"),
        (lambda: network().forward(np.zeros((T, B, D)), [None, 1]), ValueError, "state0 is a int; it should be None"),
        (lambda: network().backward(np.zeros((T, B, K))), RuntimeError, "backward was called before forward"),
        (lambda: network().layers[0].backward(np.zeros((T, B, H))), RuntimeError, "run forward first"),
        (lambda: writer().generate(np.array([], int), 1, rng=None), ValueError, r"first has shape \(0,\)"),
        (lambda: writer().generate(np.array([3]), 1, rng=None), ValueError, "first is 3 at index"),
        (lambda: writer().generate(np.array([0]), 0, rng=None), ValueError, "steps is 0"),
        (lambda: writer().generate(np.array([0]), 1, rng=None, temperature=0), ValueError, "temperature is 0"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
