r"""The equations of the page on backpropagation through time are those that the library computes."""

import numpy as np
import pytest
from equations import displayed, evaluate

from rnnlib import RNN, Dense, Network, optim
from rnnlib.gradcheck import numerical_gradient, relative_error
from rnnlib.losses import cross_entropy_backward

PAGE = displayed("bptt/backpropagation-through-time")

NOT_COMPUTED = {
    "eq-bptt-paths": "the chain rule itself, for any graph; eq-bptt-state and eq-bptt-weights are its uses",
}

T, B, D, H, K = 5, 2, 3, 4, 6


@pytest.fixture(scope="module")
def case():
    """A network with its gradients, by the library, and the names of every step, by the equations."""
    rng = np.random.default_rng(0)
    network = Network([RNN(D, H, rng=rng), Dense(H, K, rng=rng)])
    xs, h0, targets = rng.standard_normal((T, B, D)), rng.uniform(-1, 1, (B, H)), rng.integers(K, size=(T, B))
    hs, _ = network.layers[0].forward(xs, h0)
    logits, _ = network.forward(xs, [h0, None])
    dlogits = cross_entropy_backward(logits, targets)
    dxs, (dh0, _) = network.backward(dlogits)
    dhs, _ = network.layers[1].backward(dlogits)

    weights = {name[2:]: p for name, p in network.params.items()}
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    steps, da = [], np.zeros((B, H))
    for t in reversed(range(T)):
        names = weights | {"T": T, "B": B, "x_t": xs[t], "h_t": hs[t], "h_{t-1}": hs[t - 1] if t else h0, "p_t": p[t]}
        names |= {r"\tilde y_t": np.eye(K)[targets[t]], r"\mathrm{d}a_{t+1}": da}
        for label in ("eq-bptt-logits", "eq-bptt-output", "eq-bptt-state", "eq-bptt-preactivation"):
            names = evaluate(PAGE[label], names)
        da = names[r"\mathrm{d}a_t"]
        steps.insert(0, names)
    return {"network": network, "steps": steps, "dlogits": dlogits, "dhs": dhs, "dxs": dxs, "dh0": dh0}


def test_every_labelled_equation_is_tested_here():
    with open(__file__, encoding="utf-8") as file:
        source = file.read()
    assert [label for label in PAGE if source.count(f'"{label}"') == 0] == []
    assert set(NOT_COMPUTED) <= set(PAGE)


def test_the_loss_and_the_readout(case):
    """eq-bptt-logits and eq-bptt-output."""
    for step, dlogits, dh in zip(case["steps"], case["dlogits"], case["dhs"], strict=True):
        assert relative_error(step[r"\mathrm{d}o_t"], dlogits) < 1e-13
        assert relative_error(step[r"\mathrm{d}h^o_t"], dh) < 1e-13


def test_the_weights(case):
    """eq-bptt-weights, and in it eq-bptt-state and eq-bptt-preactivation of every step."""
    found = evaluate(PAGE["eq-bptt-weights"], {}, case["steps"])
    for name, gradient in case["network"].grads.items():
        assert relative_error(found[rf"\mathrm{{d}}{name[2:]}"], gradient) < 1e-13, name


def test_the_input_and_the_initial_state(case):
    first = {r"\mathrm{d}a_1": case["steps"][0][r"\mathrm{d}a_t"]}
    for step, dx in zip(case["steps"], case["dxs"], strict=True):
        found = evaluate(PAGE["eq-bptt-input"], step | first)
        assert relative_error(found[r"\mathrm{d}x_t"], dx) < 1e-13
    assert relative_error(found[r"\mathrm{d}h_0"], case["dh0"]) < 1e-13


def test_the_step_of_the_weights():
    w, dw = np.random.default_rng(1).standard_normal((2, 4, 3))
    found = evaluate(PAGE["eq-bptt-update"], {"w": w, r"\eta": 0.3, r"\mathrm{d}w": dw})
    params = {"w": w.copy()}
    optim.SGD(params, lr=0.3).step({"w": dw})
    assert relative_error(found[r"\hat w"], params["w"]) < 1e-15


def test_the_central_difference():
    left, right = PAGE["eq-bptt-central"].strip().split(r" \approx ")
    w, eps = np.array([0.7]), 1e-3
    found = evaluate([(left, right)], {"L": np.exp, "w": w, r"\epsilon": eps})
    assert relative_error(found[left], numerical_gradient(lambda v: float(np.exp(v[0])), w.copy(), eps)) < 1e-12
