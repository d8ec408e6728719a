"""Online learning by the truncated gradient: against autograd cut where the papers cut, and against the engine."""

import numpy as np
import pytest
import torch

from rnnlib import bptt
from rnnlib.cells import LSTM1997
from rnnlib.fast import online_in_c
from rnnlib.online import OnlineLSTM

T, D, K = 9, 3, 2
SQUASH = {
    "identity": lambda a: a, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
    "centred1": lambda a: 2 * torch.sigmoid(a) - 1, "centred2": lambda a: 4 * torch.sigmoid(a) - 2,
}  # fmt: skip
KINDS = [
    {},
    {"gates": "io", "gate_recurrence": True, "without": ["b_cells", "b_outputs"]},
    {"gates": "i", "direct": True, "cells": 1, "without": ["h", "b_gates"]},
    {"gates": "i", "direct": True, "squash_in": "sigmoid", "squash_out": "identity"},
    {"gates": "io", "forget": 0.9, "squash_out": "tanh"},
    {"gates": "", "forget": 1.0},
    {"gates": "", "forget": 0.0, "squash_in": "sigmoid", "squash_out": "identity"},
    {"peepholes": True, "squash_in": "identity", "squash_out": "identity", "output": "identity"},
    {"peepholes": True, "gate_recurrence": True, "direct": True, "cells": 3, "biases": {"f": [2.0, -1.0]}},
]


@pytest.fixture(params=["python", "c"])
def way(request, monkeypatch):
    """Once with the steps in Python, once in C."""
    if request.param == "python":
        monkeypatch.setattr(online_in_c, "_library", None)
    elif not online_in_c.is_there():
        pytest.skip("no C compiler was there when rnnlib was installed: gcc is not installed")


def made(seed=0, **options):
    options = {"blocks": 2, "cells": 2, "bound": 0.8} | options
    return OnlineLSTM(D, K, rng=np.random.default_rng(seed), **options)


def data(seed=1, steps=T):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(steps, D)), rng.uniform(size=(steps, K)), rng.uniform(size=steps) < 0.6


def by_autograd(net, xs, targets, counts):
    """Outputs and gradients, with the error cut at h, the gates and the memory that a unit sees."""
    p = {name: torch.tensor(array, requires_grad=True) for name, array in net.params.items()}
    S, loss, ys = net.cells, 0.0, []
    h, c = torch.zeros(net.H, dtype=torch.float64), torch.zeros(net.H, dtype=torch.float64)
    gates = torch.zeros(len(net.gates) * net.blocks, dtype=torch.float64)

    def gate(name, a, seen, otherwise):
        if name not in net.gates:
            return torch.full((net.blocks,), otherwise, dtype=torch.float64)
        a = a[net.columns[name]]
        if net.peepholes:
            a = a + (p[f"p_{name}"] * seen.detach().reshape(-1, S)).sum(1)
        return torch.sigmoid(a)

    for x, target, count in zip(torch.tensor(xs), torch.tensor(targets), counts, strict=True):
        seen = [gates.detach()] if net.gate_recurrence else []
        a = torch.cat([x, h.detach(), *seen, torch.ones(1, dtype=torch.float64)]) @ p["W"]
        i, f = gate("i", a, c, 1.0), gate("f", a, c, net.forget)
        c = f.repeat_interleave(S) * c + i.repeat_interleave(S) * SQUASH[net.squash_in](a[net.columns["g"]])
        o = gate("o", a, c, 1.0)
        h = o.repeat_interleave(S) * SQUASH[net.squash_out](c)
        gates = torch.cat([{"i": i, "f": f, "o": o}[name] for name in net.gates] or [gates])
        v = torch.cat([h, *([x] if net.direct else []), torch.ones(1, dtype=torch.float64)])
        ys.append(SQUASH[net.output](v @ p["W_y"]))
        if count:
            loss = loss + ((ys[-1] - target) ** 2).sum() / 2
    loss.backward()
    return torch.stack(ys).detach().numpy(), {name: w.grad.numpy() * net.present[name] for name, w in p.items()}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_outputs_and_gradients_are_those_of_autograd_cut_where_the_papers_cut(way, kind):
    net, (xs, targets, counts) = made(**kind), data()
    assert counts.any() and not counts.all()
    ys, grads = by_autograd(net, xs, targets, counts)
    run = net.run(xs, targets, counts, update=False)
    np.testing.assert_allclose(run.ys, ys, rtol=1e-12)
    assert run.steps == T and net.grads.keys() == grads.keys()
    for name, gradient in grads.items():
        assert np.abs(gradient).max() > 1e-4
        np.testing.assert_allclose(net.grads[name], gradient, rtol=1e-9, atol=1e-12, err_msg=name)


def test_it_is_backpropagation_through_the_truncated_cell_of_the_engine(way):
    blocks = 4
    net, (xs, targets, _) = made(gates="io", blocks=blocks, cells=1), data()
    W = net.params["W"]  # the columns i, g, o are those of LSTM1997
    params = {"W_x": W[:D], "W_h": W[D:-1], "b": W[-1]}
    cell = LSTM1997(truncated=True)
    state = (np.zeros((1, blocks)), np.zeros((1, blocks)))
    hs, _, tape = bptt.forward(cell, params, xs[:, None], state)
    ys = 1 / (1 + np.exp(-(hs[:, 0] @ net.params["W_y"][:-1] + net.params["W_y"][-1])))
    da_y = (ys - targets) * ys * (1 - ys)
    _, _, grads = bptt.backward(cell, tape, (da_y @ net.params["W_y"][:-1].T)[:, None])
    run = net.run(xs, targets, update=False)
    np.testing.assert_allclose(run.ys, ys, rtol=1e-12)
    np.testing.assert_allclose(net.grads["W"], np.vstack([grads["W_x"], grads["W_h"], grads["b"]]), rtol=1e-9)
    np.testing.assert_allclose(net.grads["W_y"], np.vstack([hs[:, 0].T @ da_y, da_y.sum(0)]), rtol=1e-9)


def test_without_gates_and_memory_it_is_elmans_network(way):
    net, (xs, targets, counts) = made(gates="", forget=0.0, squash_in="sigmoid", squash_out="identity"), data()
    W_x, W_h, b = np.split(net.params["W"], [D, -1])
    h, ys = np.zeros(net.H), []
    for x in xs:
        h = 1 / (1 + np.exp(-(x @ W_x + h @ W_h + b[0])))
        ys.append(1 / (1 + np.exp(-(h @ net.params["W_y"][:-1] + net.params["W_y"][-1]))))
    np.testing.assert_allclose(net.run(xs, targets, counts, update=False).ys, ys, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_learning_in_c_is_learning_in_python(kind, monkeypatch):
    if not online_in_c.is_there():
        pytest.skip("no C compiler was there when rnnlib was installed: gcc is not installed")
    nets = made(**kind), made(**kind)
    for way, net in zip(("c", "python"), nets, strict=True):
        if way == "python":
            monkeypatch.setattr(online_in_c, "_library", None)
        for seed in range(3):
            net.reset()
            net.run(*data(seed), lr=0.3, momentum=0.5, decay=0.9)
    for name in nets[0].params:
        np.testing.assert_allclose(nets[0].params[name], nets[1].params[name], rtol=1e-9, atol=1e-12)
    for name in nets[0].traces:
        np.testing.assert_allclose(nets[0].traces[name], nets[1].traces[name], rtol=1e-9, atol=1e-12)
    assert np.abs(nets[0].params["W"] - made(**kind).params["W"]).max() > 0.01
    assert (nets[0].params["W"][made(**kind).present["W"] == 0] == 0).all()


def test_the_weights_change_after_each_step_by_rate_momentum_and_decay(way):
    xs, targets, _ = data(steps=2)
    net, steps = made(), made()
    net.run(xs, targets, lr=0.5, momentum=0.9, decay=0.25)
    before = {name: array.copy() for name, array in steps.params.items()}
    steps.run(xs[:1], targets[:1], update=False)
    first = {name: -0.5 * gradient for name, gradient in steps.grads.items()}
    steps.apply(0.5)
    assert all(np.allclose(steps.params[name], before[name] + first[name], rtol=1e-12) for name in first)
    steps.run(xs[1:], targets[1:], update=False)
    second = {name: 0.9 * first[name] - 0.125 * gradient for name, gradient in steps.grads.items()}
    for name in first:
        np.testing.assert_allclose(net.params[name], before[name] + first[name] + second[name], rtol=1e-9, atol=1e-14)


def test_a_sequence_in_parts_is_the_sequence(way):
    xs, targets, counts = data()
    whole, parts = made(peepholes=True), made(peepholes=True)
    ys = whole.run(xs, targets, counts, lr=0.2).ys
    both = [parts.run(xs[part], targets[part], counts[part], lr=0.2).ys for part in (slice(0, 4), slice(4, T))]
    np.testing.assert_array_equal(np.concatenate(both), ys)
    np.testing.assert_array_equal(parts.params["W"], whole.params["W"])
    whole.reset()
    assert not whole.c.any() and not any(trace.any() for trace in whole.traces.values())


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_sequences_one_after_the_other_are_the_sequences(way, kind):
    sequences = [data(seed, steps) for seed, steps in enumerate((4, 1, 6))]
    together, apart = made(**kind), made(**kind)
    both = together.run(*map(np.concatenate, zip(*sequences, strict=True)), [t in (0, 4, 5) for t in range(11)], lr=0.4)
    ys = []
    for sequence in sequences:
        apart.reset()
        ys.append(apart.run(*sequence, lr=0.4).ys)
    np.testing.assert_allclose(both.ys, np.concatenate(ys), rtol=1e-12)
    for name in together.params:
        np.testing.assert_allclose(together.params[name], apart.params[name], rtol=1e-12)


def test_it_stops_after_the_step_that_is_too_far_off(way):
    xs, targets, _ = data()
    errors = np.abs(made().run(xs).ys - targets).max(axis=1)
    first = int(np.argmax(errors >= np.sort(errors)[4]))
    run = made().run(xs, targets, stop_at=np.sort(errors)[4])
    assert run.steps == first + 1 == len(run.ys)
    assert made().run(xs, targets, np.arange(T) != first, stop_at=np.sort(errors)[4]).steps > first + 1


@pytest.mark.parametrize(
    ("published", "sizes", "options"),
    [
        # Hochreiter and Schmidhuber 1997: embedded Reber, 4 blocks of 1 and 3 of 2; adding; temporal order 6a
        # and 6b; long time lags 2a
        (264, (7, 7, 4, 1), {"gates": "io", "gate_recurrence": True, "without": ["b_cells", "b_outputs"]}),
        (276, (7, 7, 3, 2), {"gates": "io", "gate_recurrence": True, "without": ["b_cells", "b_outputs"]}),
        (93, (2, 1, 2, 2), {"gates": "io", "gate_recurrence": True}),
        (156, (8, 4, 2, 2), {"gates": "io", "gate_recurrence": True}),
        (308, (8, 8, 3, 2), {"gates": "io", "gate_recurrence": True}),
        (10_504, (101, 101, 1, 1), {"gates": "i", "direct": True, "without": ["h", "b_gates", "b_cells", "b_outputs"]}),
        # Gers, Schmidhuber and Cummins 2000: continual embedded Reber
        (424, (7, 7, 4, 2), {"gates": "ifo", "direct": True, "without": ["b_cells"]}),
    ],
)  # fmt: skip
def test_the_networks_have_as_many_weights_as_the_papers_say(published, sizes, options):
    D, K, blocks, cells = sizes
    net = OnlineLSTM(D, K, blocks=blocks, cells=cells, rng=np.random.default_rng(0), **options)
    assert net.count_parameters() == published
    assert sum(np.count_nonzero(array) for array in net.params.values()) == published


def test_it_learns_to_remember_over_a_lag_that_it_cannot_guess():
    rng = np.random.default_rng(0)
    net = OnlineLSTM(2, 1, blocks=1, cells=1, gates="io", rng=rng, bound=0.2)
    errors = []
    for _ in range(3000):
        sign = rng.integers(2)
        xs = np.zeros((12, 2))
        xs[0, 0], xs[1:-1, 0], xs[-1, 1] = 2 * sign - 1, rng.uniform(-0.1, 0.1, 10), 1
        net.reset()
        counts = np.arange(12) == 11
        errors.append(abs(net.run(xs, np.full((12, 1), float(sign)), counts, lr=0.5).ys[-1, 0] - sign))
    assert np.mean(errors[:100]) > 0.4
    assert np.mean(errors[-100:]) < 0.1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"gates": "iq"}, "gates is 'iq'; it should have each of i, f and o at most once"),
        ({"forget": -0.1}, "forget is -0.1; it should be from 0 to 1"),
        (
            {"biases": {"f": [1.0]}},
            "biases has 'f' with 1 numbers; it should be among i, f, o, with blocks = 2 numbers",
        ),
        ({"squash_in": "relu"}, "squash_in is 'relu'; it should be 'identity' or 'tanh'"),
        ({"cells": 0}, "cells is 0"),
    ],
)
def test_what_cannot_be_made_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        made(**options)


def test_what_cannot_be_run_is_named(way):
    xs, targets, counts = data()
    with pytest.raises(ValueError, match=r"targets has shape \(9, 3\); it should be \(T, K\) with T = 9, K = 2"):
        made().run(xs, xs)
    with pytest.raises(ValueError, match="targets is missing; counts says that some steps have one"):
        made().run(xs, None, counts)
    with pytest.raises(ValueError, match=r"counts has shape \(8,\); it should be \(9,\)"):
        made().run(xs, targets, counts[1:])
    with pytest.raises(ValueError, match=r"starts has shape \(8,\); it should be \(9,\)"):
        made().run(xs, targets, counts, counts[1:])


def test_arrays_that_do_not_lie_in_one_piece_are_the_same_to_it(way):
    xs, targets, counts = data(steps=2 * T)
    strided = made().run(xs[::2], targets[::2], counts[::2], lr=0.1)
    whole = made().run(xs[::2].copy(), targets[::2].copy(), counts[::2].copy(), lr=0.1)
    np.testing.assert_array_equal(strided.ys, whole.ys)
