"""The reader of displayed equations reads them as a mathematician does."""

import numpy as np
import pytest
from equations import Reader, displayed, evaluate, lines

rng = np.random.default_rng(0)
A, B, C = rng.standard_normal((3, 4, 4))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A B", A @ B),
        (r"A \odot B", A * B),
        (r"A B \odot C", A @ B * C),
        ("A - B + C", A - B + C),
        ("-A + 2 B", -A + 2 * B),
        (r"A^\top \mathrm{d}b_t", A.T @ B),
        ("(A + B)^2 C", (A + B) ** 2 @ C),
        (r"1 - c_{t-1}^2", 1 - C**2),
        (r"\frac{A}{1 + c_{t-1}^2}", A / (1 + C**2)),
        (r"\frac{1}{2} A", A / 2),
        (r"u^2_t + w^{i \to j}", A + B),
        (r"\mathrm{d} b_t \operatorname{softmax}(A)", B @ (np.exp(A) / np.exp(A).sum(axis=1, keepdims=True))),
        (r"\sigma(A) \odot \tanh(B - C)", 1 / (1 + np.exp(-A)) * np.tanh(B - C)),
        (r"\sum_{n=1}^{B} \mathrm{d}b_{t,n}", B.sum(axis=0)),
        (r"C + \sum_{t=1}^{T} x_t^\top B", C + (A.T + C.T) @ B),
    ],
)
def test_a_right_side(text, value):
    names = {"A": A, "B": B, "C": C, r"\mathrm{d}b_t": B, "c_{t-1}": C, "u^2_t": A, r"w^{i \to j}": B}
    result = evaluate([("y", text)], names, steps=[{"x_t": A}, {"x_t": C}])["y"]
    np.testing.assert_allclose(result, value, rtol=1e-14)


def test_lines_of_a_display():
    latex = r"""
    \begin{aligned}
    a_t &= x_t W_x + b, \qquad c = 2 \\[2pt]
    h_t &= \tanh\bigl(a_t\bigr) \\
    &= \tanh(x_t W_x + b) .
    \end{aligned}
    """
    assert lines(latex) == [
        ("a_t", "x_t W_x + b"),
        ("c", "2"),
        ("h_t", r"\tanh (a_t )"),
        ("h_t", r"\tanh(x_t W_x + b)"),
    ]


def test_what_cannot_be_read_is_refused():
    with pytest.raises(AssertionError, match="cannot read"):
        Reader(r"A \otimes B ; C", {})
    with pytest.raises(KeyError):
        evaluate([("y", "A Z")], {"A": A})
    with pytest.raises(AssertionError, match="is left"):
        Reader("A ) B", {"A": A, "B": B}).value()


def test_a_page_gives_its_labelled_equations():
    assert displayed("introduction/from-fnn-to-rnn")["eq-rnn-state"] == "h_t = \\tanh(a_t)\n"
