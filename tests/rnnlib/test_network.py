"""Networks: gradients through a whole model, states carried on, text that comes out, what is refused."""

import numpy as np
import pytest
import torch

from rnnlib import GRU, LSTM, RNN, Bidirectional, DeepTransitionRNN, Dense, Embedding, Imaginet, Network
from rnnlib.gradcheck import gradient_errors, relative_error
from rnnlib.losses import cross_entropy, cross_entropy_backward

T, B, D, H, K = 5, 3, 4, 6, 7


def network(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return Network([RNN(D, H, rng=rng, dtype=dtype), Dense(H, K, rng=rng, dtype=dtype)])


def test_gradients_of_a_network_agree_with_differences():
    rng = np.random.default_rng(1)
    net, xs, targets = network(), rng.standard_normal((T, B, D)), rng.integers(0, K, (T, B))
    logits, _ = net.forward(xs)
    dxs, _ = net.backward(cross_entropy_backward(logits, targets))
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

    params = {name: torch.tensor(p, requires_grad=True) for name, p in net.params.items()}
    h, hs = torch.zeros(B, H, dtype=torch.float64), []
    for x in torch.tensor(xs):
        h = torch.tanh(x @ params["0.W_x"] + h @ params["0.W_h"] + params["0.b"])
        hs.append(h)
    logits_torch = torch.stack(hs) @ params["1.W_y"] + params["1.b_y"]
    torch.nn.functional.cross_entropy(logits_torch.reshape(-1, K), torch.tensor(targets).reshape(-1)).backward()
    assert relative_error(logits, logits_torch.detach().numpy()) < 1e-12
    for name, g in net.grads.items():
        assert relative_error(g, params[name].grad.numpy()) < 1e-10, name


def deep_output(layer, shortcut):
    """A deep transition with a deep output on top: DOT-RNN, or with the shortcut DOT(S)-RNN, of Pascanu et al. 2014."""
    rng = np.random.default_rng(3)
    transition = DeepTransitionRNN(D, H, rng=rng, shortcut=shortcut) if layer == "transition" else RNN(D, H, rng=rng)
    return Network([transition, Dense(H, 4, rng=rng, activation="tanh"), Dense(4, K, rng=rng)])


@pytest.mark.parametrize(("layer", "shortcut"), [("transition", False), ("transition", True), ("plain", None)])
def test_deep_output_over_a_deep_transition(layer, shortcut):
    rng = np.random.default_rng(4)
    net, xs, targets = deep_output(layer, shortcut), rng.standard_normal((T, B, D)), rng.integers(0, K, (T, B))
    logits, _ = net.forward(xs)
    dxs, _ = net.backward(cross_entropy_backward(logits, targets))

    hs, _ = net.layers[0].forward(xs)
    p = net.params
    by_hand = np.tanh(hs @ p["1.W_y"] + p["1.b_y"]) @ p["2.W_y"] + p["2.b_y"]
    assert relative_error(logits, by_hand) < 1e-12
    errors = gradient_errors(
        lambda: cross_entropy(net.forward(xs)[0], targets), {"xs": xs, **net.params}, {"xs": dxs, **net.grads}
    )
    assert max(errors.values()) < 1e-6, errors


def reader(seed=5):
    """Words in, a deep bidirectional network over them, a class for each word out."""
    rng = np.random.default_rng(seed)
    return Network(
        [
            Embedding(K, D, rng=rng),
            Bidirectional(LSTM(D, 2, rng=rng), GRU(D, 3, rng=rng)),
            Bidirectional(RNN(5, 2, rng=rng), RNN(5, 2, rng=rng)),
            Dense(4, K, rng=rng),
        ]
    )


def test_a_padded_batch_through_a_deep_network_is_its_sequences_one_at_a_time():
    rng = np.random.default_rng(6)
    net, lengths = reader(), np.array([2, 5, 3])
    tokens, targets = rng.integers(0, K, (2, T, B))
    logits, _ = net.forward(tokens, lengths=lengths)
    loss = cross_entropy(logits, targets, lengths)
    assert net.backward(cross_entropy_backward(logits, targets, lengths))[0] is None
    grads, total, losses = net.grads, {name: np.zeros_like(p) for name, p in net.params.items()}, 0.0
    for b, length in enumerate(lengths):
        here = (slice(length), slice(b, b + 1))
        one, _ = net.forward(tokens[here])
        np.testing.assert_allclose(logits[here], one, rtol=0, atol=1e-12)
        losses += cross_entropy(one, targets[here]) * length
        net.backward(cross_entropy_backward(one, targets[here]) * (length / lengths.sum()))
        for name, g in net.grads.items():
            total[name] += g
    assert loss == pytest.approx(losses / lengths.sum(), rel=1e-12)
    for name, g in grads.items():
        assert relative_error(g, total[name]) < 1e-12, name


def test_gradients_through_words_and_both_directions_agree_with_differences():
    rng = np.random.default_rng(7)
    net, lengths = reader(), np.array([2, 5, 3])
    tokens, targets = rng.integers(0, K, (2, T, B))
    logits, _ = net.forward(tokens, lengths=lengths)
    net.backward(cross_entropy_backward(logits, targets, lengths))
    errors = gradient_errors(
        lambda: cross_entropy(net.forward(tokens, lengths=lengths)[0], targets, lengths), net.params, net.grads
    )
    assert {"0.W_e", "1.forward.W_x", "2.backward.b"} < set(errors)
    assert max(errors.values()) < 1e-6, errors


def deep(seed=8):
    """A network in a network: words, two recurrent layers of which one stands inside, a readout."""
    rng = np.random.default_rng(seed)
    inner = Network([LSTM(D, H, rng=rng), Dense(H, 2, rng=rng, activation="tanh")])
    return Network([Embedding(K, D, rng=rng), inner, GRU(2, 3, rng=rng), Dense(3, K, rng=rng)])


def flat(net):
    """The same layers in one list."""
    return Network([net.layers[0], *net.layers[1].layers, *net.layers[2:]])


def test_a_network_in_a_network_is_its_layers_in_one_list():
    rng = np.random.default_rng(9)
    net, tokens, lengths = deep(), rng.integers(0, K, (T, B)), np.array([2, 5, 3])
    h, c, h_above = rng.standard_normal((B, H)), rng.standard_normal((B, H)), rng.standard_normal((B, 3))
    dys, dh, dc, dh_above = (rng.standard_normal(a.shape) for a in (np.empty((T, B, K)), h, c, h_above))
    ys, states = net.forward(tokens, [None, [(h, c), None], h_above, None], lengths)
    dxs, dstates0 = net.backward(dys, [None, [(dh, dc), None], dh_above, None])
    grads = dict(net.grads)
    assert {"1.0.W_h", "1.1.W_y", "2.W_h"} < grads.keys() and all(g.any() for g in grads.values())

    ys_flat, states_flat = flat(net).forward(tokens, [None, (h, c), None, h_above, None], lengths)
    dxs_flat, dstates0_flat = flat(net).backward(dys, [None, (dh, dc), None, dh_above, None])
    np.testing.assert_array_equal(ys, ys_flat)
    assert dxs is None and dxs_flat is None
    for one, other in ((states, states_flat), (dstates0, dstates0_flat)):
        assert one[0] is one[3] is one[1][1] is other[0] is other[2] is other[4] is None
        for a, b in zip((*one[1][0], one[2]), (*other[1], other[3]), strict=True):
            np.testing.assert_array_equal(a, b)
    for g, g_flat in zip(grads.values(), flat(net).grads.values(), strict=True):
        np.testing.assert_array_equal(g, g_flat)


def test_gradients_by_the_initial_states_and_through_the_last_agree_with_differences():
    rng = np.random.default_rng(10)
    net, tokens, dys = deep(), rng.integers(0, K, (T, B)), rng.standard_normal((T, B, K))
    state0 = {"h": rng.standard_normal((B, H)), "c": rng.standard_normal((B, H)), "g": rng.standard_normal((B, 3))}
    dstate = {name: rng.standard_normal(s.shape) for name, s in state0.items()}

    def in_form(states):
        return [None, [(states["h"], states["c"]), None], states["g"], None]

    def loss():
        ys, (_, [(h, c), _], g, _) = net.forward(tokens, in_form(state0))
        return (ys * dys).sum() + sum((s * dstate[name]).sum() for name, s in (("h", h), ("c", c), ("g", g)))

    loss()
    _, (_, [(dh, dc), _], dg, _) = net.backward(dys, in_form(dstate))
    grads = {"h": dh, "c": dc, "g": dg, **net.grads}
    errors = gradient_errors(loss, {**state0, **net.params}, grads)
    assert max(errors.values()) < 1e-6, errors


def test_a_window_of_k_every_k_steps_is_training_on_pieces_with_the_state_carried():
    rng = np.random.default_rng(11)
    net, tokens, dys = deep(), rng.integers(0, K, (6, B)), rng.standard_normal((6, B, K))
    net.forward(tokens)
    net.backward(dys)
    full = dict(net.grads)
    net.backward(dys, window=2, every=2)
    truncated, states, total = dict(net.grads), None, {name: 0 for name in full}
    for start in range(0, 6, 2):
        piece = slice(start, start + 2)
        _, states = net.forward(tokens[piece], states)
        net.backward(dys[piece])
        for name, g in net.grads.items():
            total[name] = total[name] + g
    for name, g in truncated.items():
        assert relative_error(g, total[name]) < 1e-12, name
    assert relative_error(full["1.0.W_h"], truncated["1.0.W_h"]) > 0.01


def test_a_window_truncates_each_layer_by_itself():
    rng = np.random.default_rng(12)
    net = Network([RNN(D, H, rng=rng), Bidirectional(RNN(H, 2, rng=rng), RNN(H, 3, rng=rng)), Dense(5, K, rng=rng)])
    xs, dys = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, K))
    net.forward(xs)
    dxs, _ = net.backward(dys, window=3, every=2)
    below, (forward, backward), above = net.layers[0], net.layers[1].parts.values(), net.layers[2]
    dhs_f, dhs_b = np.split(above.backward(dys)[0], [2], axis=2)
    dhs = forward.backward(dhs_f, window=3, every=2)[0] + backward.backward(dhs_b[::-1], window=3, every=2)[0][::-1]
    np.testing.assert_allclose(dxs, below.backward(dhs, window=3, every=2)[0], rtol=1e-13)
    assert relative_error(dxs, net.backward(dys)[0]) > 0.01


def test_a_network_that_begins_inside_another_with_words_writes():
    words = Network([Embedding(K, D, rng=np.random.default_rng(0)), RNN(D, K, rng=np.random.default_rng(1))])
    for p in words.params.values():
        p *= 3
    written, expected = (
        net.generate(np.array([1]), 20, rng=np.random.default_rng(2)) for net in (Network([words]), words)
    )
    np.testing.assert_array_equal(written, expected)


def test_a_parameter_that_is_assigned_becomes_the_layer_s():
    net = deep()
    new, lstm = np.full((D, 4 * H), 0.5), net.layers[1].layers[0]
    net.params["1.0.W_x"] = new
    assert lstm.params["W_x"] is new and net.params["1.0.W_x"] is new
    net.params["1.0.W_x"] *= 2
    assert (lstm.params["W_x"] == 1).all()
    net.params.update({"3.W_y": np.zeros((3, K)), "3.b_y": np.arange(7.0)})
    np.testing.assert_array_equal(net.forward(np.zeros((1, 1), int))[0][0, 0], np.arange(7))


def test_the_parameters_of_a_network_are_seen_as_one_dict():
    net = deep()
    params = net.params
    assert " ".join(params) == "0.W_e 1.0.W_x 1.0.W_h 1.0.b 1.1.W_y 1.1.b_y 2.W_x 2.W_h 2.b 3.W_y 3.b_y"
    assert len(params) == 11 and "1.0.b" in params and "1.b" not in params and "W_x" not in params
    assert repr(params) == repr(dict(params)) and repr(params).startswith("{'0.W_e': array(")
    with pytest.raises(KeyError, match=r"'9.W_x'; there are 0.W_e, 1.0.W_x"):
        params["9.W_x"] = np.zeros(2)
    with pytest.raises(KeyError, match=r"'1.0.W_z'"):
        params["1.0.W_z"] = np.zeros(2)
    with pytest.raises(TypeError, match=r"0.W_e cannot be taken out"):
        del params["0.W_e"]


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
    dxs, _ = net.backward(np.ones_like(logits))
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


def test_a_network_of_words_writes_as_the_same_network_of_one_hot_rows():
    rng = np.random.default_rng(6)
    words = Network([Embedding(K, D, rng=rng), RNN(D, H, rng=rng), Dense(H, K, rng=rng)])
    for p in words.params.values():
        p *= 2
    one_hot = Network([RNN(K, H, rng=rng), words.layers[2]])
    p = words.params
    one_hot.layers[0].params = {"W_x": p["0.W_e"] @ p["1.W_x"], "W_h": p["1.W_h"], "b": p["1.b"]}
    first = np.array([1, 4])
    written, expected = (net.generate(first, 25, rng=np.random.default_rng(7)) for net in (words, one_hot))
    np.testing.assert_array_equal(written, expected)
    assert len(set(written.tolist())) > 3


def small(*layers):
    return [kind(*sizes, rng=np.random.default_rng(0)) for kind, *sizes in layers]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Network([]), ValueError, "layers is empty"),
        (
            lambda: Network([network().layers[0], network(dtype=np.float32).layers[1]]),
            ValueError,
            "layers have dtypes float32, float64",
        ),
        (
            lambda: Network(small((RNN, 3, 5), (RNN, 5, 4), (Dense, 6, 2))),
            ValueError,
            r"layers\[2\] \(Dense\) has input_size 6; it should be 4, the output_size of layers\[1\] \(RNN\)",
        ),
        (lambda: Network(small((RNN, 3, 3)) * 2), ValueError, r"layers\[1\] \(RNN\) stands in the list twice"),
        (
            lambda: Network(small((RNN, 3, 4), (Embedding, 4, 2))),
            ValueError,
            r"layers\[1\] \(Embedding\) reads words; it should be the first",
        ),
        (
            lambda: Network([*small((RNN, 3, 4)), Network(small((Embedding, 4, 2)))]),
            ValueError,
            r"layers\[1\] \(Network\) reads words; it should be the first",
        ),
        (
            lambda: Network([(one := small((RNN, 3, 3))[0]), Network([Bidirectional(*small((RNN, 3, 3)), one)])]),
            ValueError,
            r"layers\[1\] \(Network\) stands in the list twice",
        ),
        (lambda: Network([3]), TypeError, r"layers\[0\] is a int; it should be a layer such as LSTM or Dense"),
        (
            lambda: Network([Imaginet(3, 2, 2, 2, alpha=0.5, rng=np.random.default_rng(0))]),
            TypeError,
            r"layers\[0\] is a Imaginet; it should be a layer such as",
        ),
        (
            lambda: reader().generate(np.array([0]), 1, rng=None),
            ValueError,
            r"layers\[1\] is a Bidirectional; to generate",
        ),
        (
            lambda: network().generate(np.array([0]), 1, rng=None),
            ValueError,
            "output_size is 7; to generate, it should be its input_size, 4",
        ),
        (lambda: network().forward(np.zeros((T, B, D + 1))), ValueError, r"xs has shape \(5, 3, 5\)"),
        (lambda: network().forward(np.zeros((T, B, D)), [None]), ValueError, "states has 1 entries; it should have 2"),
        (lambda: network().forward(np.zeros((T, B, D)), [None, 1]), ValueError, "state0 is a int; it should be None"),
        (lambda: network().forward(np.zeros((T, B, D)), 3), TypeError, "states is a int; it should be a list with one"),
        (
            lambda: network().backward(np.zeros((T, B, K)), [None]),
            ValueError,
            "dstates has 1 entries; it should have 2",
        ),
        (lambda: network().backward(np.zeros((T, B, K))), RuntimeError, "backward was called before forward"),
        (lambda: writer().generate(np.array([], int), 1, rng=None), ValueError, r"first has shape \(0,\)"),
        (lambda: writer().generate(np.array([3]), 1, rng=None), ValueError, "first is 3 at index"),
        (lambda: writer().generate(np.array([0]), 0, rng=None), ValueError, "steps is 0"),
        (lambda: writer().generate(np.array([0]), 1, rng=None), TypeError, "rng is None; it should be a Generator"),
        (
            lambda: writer().generate(np.array([0]), 1, rng=None, temperature="a"),
            TypeError,
            "temperature is 'a'; it should be a number",
        ),
        (lambda: writer().generate(np.array([0]), 1, rng=None, temperature=0), ValueError, "temperature is 0"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
