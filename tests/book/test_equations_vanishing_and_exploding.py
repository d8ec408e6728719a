r"""The equations of the page on vanishing and exploding gradients, beside the library."""

import re

import numpy as np
import pytest
from equations import displayed, evaluate, lines

from rnnlib import RNN
from rnnlib.gradcheck import relative_error
from rnnlib.optim import clip_by_global_norm

PAGE = displayed("bptt/vanishing-and-exploding")

NOT_COMPUTED = {
    "eq-vanish-bound": "an inequality; tested as one below",
    "eq-vanish-radius": "a limit; tested at a large k below",
}

T, D, H = 8, 3, 5


@pytest.fixture(scope="module")
def case():
    """A network that has read one sequence, with the gradient by the state after each lag, by the library."""
    rng = np.random.default_rng(0)
    layer = RNN(D, H, rng=rng, init="glorot")
    xs, h0, dh = rng.standard_normal((T, 1, D)), rng.uniform(-1, 1, (1, H)), rng.standard_normal((1, H))
    hs, _ = layer.forward(xs, h0)
    before = [dh]
    for k in range(1, T + 1):
        layer.forward(xs[T - k :], hs[T - k - 1] if k < T else h0)
        before.append(layer.backward(np.zeros((k, 1, H)), dh)[1])
    return layer.params["W_h"], hs, before


def jacobian(W_h, h):
    return evaluate(PAGE["eq-vanish-jacobian"].split(r"\\")[0], {"D_t": np.diag(1 - h[0] ** 2), "W_h": W_h})["J_t"]


def test_every_labelled_equation_is_tested_here():
    with open(__file__, encoding="utf-8") as file:
        source = file.read()
    assert [label for label in PAGE if source.count(f'"{label}"') == 0] == []
    assert set(NOT_COMPUTED) <= set(PAGE)


def test_a_step_back(case):
    W_h, hs, before = case
    names = {"D_t": np.diag(1 - hs[-1, 0] ** 2), "W_h": W_h, r"\mathrm{d}h_t": before[0]}
    found = evaluate(PAGE["eq-vanish-jacobian"], names)
    assert relative_error(found[r"\mathrm{d}h_{t-1}"], before[1]) < 1e-13


@pytest.mark.parametrize("k", [3, 4, 8])
def test_a_product_of_steps(case, k):
    W_h, hs, before = case
    ((left, right),) = lines(PAGE["eq-vanish-product"])
    between = "".join(f"J_{{T-{i}}} " for i in range(2, k - 1))
    text = right.replace(r"\cdots J_{T-k+1}", between + f"J_{{T-{k - 1}}}")
    assert text != right
    names = {"J_T" if i == 0 else f"J_{{T-{i}}}": jacobian(W_h, hs[T - 1 - i]) for i in range(k)}
    names[r"\mathrm{d}h_T"] = before[0]
    assert relative_error(evaluate([(left, text)], names)[left], before[k]) < 1e-13


def test_the_bound(case):
    W_h, hs, before = case
    gamma, s_1 = (1 - hs**2).max(), np.linalg.norm(W_h, 2)
    for k in range(1, T + 1):
        assert np.linalg.norm(before[k]) <= (gamma * s_1) ** k * np.linalg.norm(before[0])


def test_the_radius_is_the_rate_in_the_end(case):
    W_h, _, _ = case
    rate = np.linalg.norm(np.linalg.matrix_power(W_h, 1000), 2) ** (1 / 1000)
    assert abs(rate - np.abs(np.linalg.eigvals(W_h)).max()) < 0.01 * rate


@pytest.mark.parametrize("m", [0.5, 100.0])
def test_clipping(m):
    g = np.random.default_rng(1).standard_normal(20)
    ((left, right),) = lines(PAGE["eq-vanish-clip"].replace(r"\lVert g \rVert", "L"))
    inside, rest = re.fullmatch(r"\\min ?\( ?1, (.*?) ?\) (.*)", right).groups()
    factor = min(1, evaluate([("f", inside)], {"m": m, "L": np.linalg.norm(g)})["f"])
    found = evaluate([(left, f"f {rest}")], {"f": factor, "g": g})[left]
    clipped, _ = clip_by_global_norm({"one": g[:15], "two": g[15:]}, m)
    assert relative_error(found, np.concatenate([clipped["one"], clipped["two"]])) < 1e-14
