r"""The LSTM's backward pass as its page derives it, beside the library's, differences and PyTorch's."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from equations import blocks_of, displayed, evaluate

from rnnlib import LSTM, LSTM1997
from rnnlib.gradcheck import gradient_errors, relative_error

PAGE = displayed("lstm/why-it-remembers")
FORWARD = displayed("lstm/long-short-term-memory")

NOT_COMPUTED = {}

T, B, D, H = 5, 2, 3, 4
RNG = np.random.default_rng(0)
XS, DHS = RNG.standard_normal((T, B, D)), RNG.standard_normal((T, B, H))
STATE0, DSTATE = RNG.standard_normal((2, B, H)), RNG.standard_normal((2, B, H))
STEP = (
    "eq-lstm-back-o",
    "eq-lstm-back-c",
    "eq-lstm-back-gates",
    "eq-lstm-back-memory",
    "eq-lstm-back-preactivation",
    "eq-lstm-back-inputs",
)


def by_the_page(layer, dhs, dstate):
    """The names of every step, forward by the page before, backward by this one."""
    (h, c), steps = STATE0, []
    for x in XS:
        names = evaluate(
            FORWARD["eq-lstm-2000"], blocks_of(layer) | {"x_t": x, "h_{t-1}": h, "c_{t-1}": c} | layer.params
        )
        names["u_t"] = np.tanh(names["c_t"])
        h, c = names["h_t"], names["c_t"]
        steps.append(names)
    dh, dc = dstate
    for t in reversed(range(T)):
        names = steps[t] | {r"\mathrm{d}h_t": dhs[t] + dh, r"\mathrm{d}c_t": dc}
        for label in STEP:
            if label == "eq-lstm-back-inputs":
                blocks = [names[rf"\mathrm{{d}}a^{gate}_t"] for gate in "ifgo"]
                names[r"\mathrm{d}a_t"] = np.concatenate(blocks, axis=1)
            names = evaluate(PAGE[label], names)
        dh, dc = names[r"\mathrm{d}h_{t-1}"], names[r"\mathrm{d}c_{t-1}"]
        steps[t] = names
    return steps


@pytest.fixture
def layer():
    return LSTM(D, H, rng=np.random.default_rng(1), biases={"f": 1.0})


def gradients(steps):
    found = evaluate(PAGE["eq-lstm-back-weights"], {}, steps)
    grads = {name: found[rf"\mathrm{{d}}{name}"] for name in ("W_x", "W_h", "b")}
    dxs = np.array([step[r"\mathrm{d}x_t"] for step in steps])
    return dxs, steps[0][r"\mathrm{d}h_{t-1}"], steps[0][r"\mathrm{d}c_{t-1}"], grads


def test_the_way_back_is_the_librarys(layer):
    """eq-lstm-back-weights, and through it every line of a step."""
    dxs, dh0, dc0, grads = gradients(by_the_page(layer, DHS, DSTATE))
    layer.forward(XS, tuple(STATE0))
    their_dxs, (their_dh0, their_dc0) = layer.backward(DHS, tuple(DSTATE))
    pairs = [(dxs, their_dxs), (dh0, their_dh0), (dc0, their_dc0)]
    pairs += [(grads[name], gradient) for name, gradient in layer.grads.items()]
    assert [relative_error(mine, theirs) < 1e-13 for mine, theirs in pairs] == [True] * 6


def test_the_way_back_is_that_of_differences(layer):
    dxs, dh0, dc0, grads = gradients(by_the_page(layer, DHS, DSTATE))
    xs, (h0, c0) = XS.copy(), STATE0.copy()

    def loss():
        hs, (h, c) = layer.forward(xs, (h0, c0))
        return (hs * DHS).sum() + (h * DSTATE[0]).sum() + (c * DSTATE[1]).sum()

    errors = gradient_errors(
        loss, layer.params | {"xs": xs, "h0": h0, "c0": c0}, grads | {"xs": dxs, "h0": dh0, "c0": dc0}
    )
    assert max(errors.values()) < 1e-7


def test_the_way_back_is_that_of_torch(layer):
    dxs, dh0, dc0, grads = gradients(by_the_page(layer, DHS, DSTATE))
    theirs = torch.nn.LSTM(D, H, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(torch.from_numpy(layer.params["W_x"].T.copy()))
        theirs.weight_hh_l0.copy_(torch.from_numpy(layer.params["W_h"].T.copy()))
        theirs.bias_ih_l0.copy_(torch.from_numpy(layer.params["b"]))
        theirs.bias_hh_l0.zero_()
    xs = torch.tensor(XS, requires_grad=True)
    h0, c0 = (torch.tensor(s[None], requires_grad=True) for s in STATE0)
    hs, (h, c) = theirs(xs, (h0, c0))
    loss = (hs * torch.tensor(DHS)).sum() + (h[0] * torch.tensor(DSTATE[0])).sum()
    (loss + (c[0] * torch.tensor(DSTATE[1])).sum()).backward()
    pairs = [
        (dxs, xs.grad),
        (dh0, h0.grad[0]),
        (dc0, c0.grad[0]),
        (grads["W_x"], theirs.weight_ih_l0.grad.T),
        (grads["W_h"], theirs.weight_hh_l0.grad.T),
        (grads["b"], theirs.bias_ih_l0.grad),
    ]
    assert [relative_error(mine, theirs.numpy()) < 1e-12 for mine, theirs in pairs] == [True] * 6


def test_the_direct_path(layer):
    """eq-lstm-back-path: where no state goes back, the gradient of the memory is a product of forget gates."""
    layer.params["W_h"][:] = 0
    assert r"\mathrm{d}c^*_t \odot f_t \odot f_{t-1} \odot \cdots \odot f_{t-k+1}" in PAGE["eq-lstm-back-path"]
    steps = by_the_page(layer, np.zeros_like(DHS), (np.zeros((B, H)), DSTATE[1]))
    layer.forward(XS, tuple(STATE0))
    _, (_, dc0) = layer.backward(np.zeros_like(DHS), (np.zeros((B, H)), DSTATE[1]))
    assert relative_error(DSTATE[1] * np.prod([step["f_t"] for step in steps], axis=0), dc0) < 1e-13


def test_all_paths_from_memory_to_memory(layer):
    """eq-lstm-back-paths: what reaches a memory is what the step after brings back by both ways."""
    dhs = np.zeros_like(DHS)
    dhs[-1] = DHS[-1]  # no loss before the last step
    steps = by_the_page(layer, dhs, np.zeros((2, B, H)))
    for before, step in pairwise(steps):
        names = step | {name.replace("_t", "_{t-1}"): before[name] for name in ("o_t", "u_t")}
        found = evaluate(PAGE["eq-lstm-back-paths"], names)
        assert relative_error(found[r"\mathrm{d}c^*_{t-1}"], before[r"\mathrm{d}c^*_t"]) < 1e-12


def test_the_truncated_gradient():
    """eq-lstm-back-truncated, in the cell of 1997: one step, and so every step."""
    layer = LSTM1997(D, H, rng=np.random.default_rng(1), truncated=True)
    layer.forward(XS[:1], tuple(STATE0))
    _, (dh0, dc0) = layer.backward(DHS[:1], tuple(DSTATE))
    known = blocks_of(layer) | {"x_t": XS[0], "h_{t-1}": STATE0[0], "c_{t-1}": STATE0[1]}
    names = evaluate(FORWARD["eq-lstm-1997"], known)
    u = 2 / (1 + np.exp(-names["c_t"])) - 1
    star = DSTATE[1] + (DHS[0] + DSTATE[0]) * names["o_t"] * (1 - u**2) / 2
    found = evaluate(PAGE["eq-lstm-back-truncated"], {r"\mathrm{d}c^*_t": star})
    assert found[r"\mathrm{d}h_{t-1}"] == 0 and not dh0.any()
    assert relative_error(found[r"\mathrm{d}c_{t-1}"], dc0) < 1e-13


def test_every_labelled_equation_is_tested_here():
    with open(__file__, encoding="utf-8") as file:
        source = file.read()
    assert [label for label in PAGE if label not in source] == []
