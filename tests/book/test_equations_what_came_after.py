"""The layers of the page on what came after: its equations beside its own code and beside differences."""

import re

import numpy as np
import pytest
from equations import BOOK, displayed, evaluate

from rnnlib.activations import softmax
from rnnlib.gradcheck import numerical_gradient, relative_error

PAGE = displayed("conclusion/what-came-after")
NOT_COMPUTED = {}
rng = np.random.default_rng(0)


def test_every_labelled_equation_is_tested():
    tested = "residual residual-backward glu glu-backward gtu-backward attention attention-backward".split()
    assert set(PAGE) == {f"eq-{name}" for name in tested} | set(NOT_COMPUTED)


def test_eq_residual_and_eq_residual_backward():
    names = {"x": rng.standard_normal((3, 4)), "W": rng.standard_normal((4, 4)), "b": rng.standard_normal(4)}
    dy = rng.standard_normal((3, 4))
    forward = evaluate(PAGE["eq-residual"], names)
    dx = evaluate(PAGE["eq-residual-backward"], {**forward, r"\mathrm{d}y": dy})[r"\mathrm{d}x"]
    assert relative_error(forward["y"], names["x"] + np.tanh(names["x"] @ names["W"] + names["b"])) < 1e-14
    numerical = numerical_gradient(
        lambda x: (evaluate(PAGE["eq-residual"], {**names, "x": x})["y"] * dy).sum(), names["x"]
    )
    assert relative_error(dx, numerical) < 1e-8


@pytest.fixture
def gated():
    names = {name: rng.standard_normal((4, 4)) for name in ("W_a", "W_s")}
    return {**names, "x": rng.standard_normal((3, 4)), "b_a": rng.standard_normal(4), "b_s": rng.standard_normal(4)}


def test_eq_glu_and_eq_glu_backward(gated):
    dy = rng.standard_normal((3, 4))
    forward = evaluate(PAGE["eq-glu"], gated)
    dx = evaluate(PAGE["eq-glu-backward"], {**forward, r"\mathrm{d}y": dy})[r"\mathrm{d}x"]
    numerical = numerical_gradient(lambda x: (evaluate(PAGE["eq-glu"], {**gated, "x": x})["y"] * dy).sum(), gated["x"])
    assert relative_error(dx, numerical) < 1e-8


def test_eq_gtu_backward(gated):
    dy = rng.standard_normal((3, 4))
    forward = evaluate(PAGE["eq-glu"], gated)
    a, s = forward["a"].copy(), forward["s"]
    da = evaluate(PAGE["eq-gtu-backward"], {"s": s, "u": np.tanh(a), r"\mathrm{d}y": dy})[r"\mathrm{d}a"]
    assert relative_error(da, numerical_gradient(lambda a: (np.tanh(a) * s * dy).sum(), a)) < 1e-8


def page_functions():
    """`attend` and `attend_backward` as the page's cell defines them."""
    text = (BOOK / "conclusion" / "what-came-after.md").read_text(encoding="utf-8")
    (cell,) = [c for c in re.findall(r"```\{code-cell\} python3\n(.*?)```", text, re.DOTALL) if "def attend(" in c]
    functions = {"np": np, "softmax": softmax}
    exec(cell, functions)
    return functions["attend"], functions["attend_backward"]


def test_eq_attention_and_eq_attention_backward():
    T, D, H = 5, 3, 4
    X, W = rng.standard_normal((T, D)), {n: rng.standard_normal((D, H)) for n in ("W_q", "W_k", "W_v")}
    dY = rng.standard_normal((T, H))
    attend, attend_backward = page_functions()
    Y, saved = attend(X, **W)
    forward = evaluate(PAGE["eq-attention"], {"X": X, **W, r"\lambda": H**-0.5})
    assert relative_error(Y, forward["Y"]) < 1e-14
    back = evaluate(PAGE["eq-attention-backward"], {**forward, r"\mathrm{d}Y": dY, "J": np.ones((T, T))})
    dX, dW_q, dW_k, dW_v = attend_backward(dY, saved, **W)
    assert relative_error(dX, back[r"\mathrm{d}X"]) < 1e-13
    for dW, letter in ((dW_q, "Q"), (dW_k, "K"), (dW_v, "V")):
        assert relative_error(dW, X.T @ back[rf"\mathrm{{d}}{letter}"]) < 1e-13
    assert relative_error(dX, numerical_gradient(lambda X: (attend(X, **W)[0] * dY).sum(), X)) < 1e-8
