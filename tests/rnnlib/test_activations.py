"""Activations: their values by other formulas, their derivatives by differences, and the ends of the number line."""

import math

import numpy as np
import pytest

from rnnlib import activations
from rnnlib.gradcheck import numerical_gradient, relative_error

POINTS = np.array([-30.0, -2.5, -1e-3, 0.0, 1e-3, 0.7, 30.0])


def test_sigmoid_is_one_over_one_plus_exp():
    expected = [1 / (1 + math.exp(-a)) for a in POINTS]
    np.testing.assert_allclose(activations.sigmoid(POINTS), expected, rtol=1e-14)


def test_tanh_is_the_quotient_of_exponentials():
    expected = [(math.exp(a) - math.exp(-a)) / (math.exp(a) + math.exp(-a)) for a in POINTS]
    np.testing.assert_allclose(activations.tanh(POINTS), expected, rtol=1e-12)


def test_softmax_is_the_share_of_the_exponentials():
    logits = np.array([[0.3, -1.0, 2.0], [5.0, 5.0, -4.0]])
    expected = [[math.exp(o) / sum(math.exp(other) for other in row) for o in row] for row in logits]
    np.testing.assert_allclose(activations.softmax(logits), expected, rtol=1e-14)


def test_relu_is_the_positive_part():
    np.testing.assert_array_equal(activations.relu(POINTS), [0, 0, 0, 0, 1e-3, 0.7, 30])
    np.testing.assert_array_equal(
        activations.relu_backward(np.full(7, 3.0), activations.relu(POINTS)), [0] * 4 + [3] * 3
    )


def test_centred_logistic_functions_are_tanh_stretched():
    """As 2 σ(a) - 1 = tanh(a / 2)."""
    np.testing.assert_allclose(activations.centred1(POINTS), np.tanh(POINTS / 2), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(activations.centred2(POINTS), 2 * np.tanh(POINTS / 2), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_inputs_saturate_without_a_warning(dtype):
    a = np.array([-1e4, 1e4], dtype)
    np.testing.assert_array_equal(activations.sigmoid(a), [0, 1])
    np.testing.assert_array_equal(activations.tanh(a), [-1, 1])
    np.testing.assert_array_equal(activations.softmax(a), [0, 1])
    for f in (activations.sigmoid, activations.tanh, activations.softmax):
        assert f(a).dtype == dtype


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "centred1", "centred2", "softmax"])
def test_backward_is_the_derivative(name):
    rng = np.random.default_rng(1)
    f, f_backward = getattr(activations, name), getattr(activations, f"{name}_backward")
    a, weights = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    numeric = numerical_gradient(lambda a: (weights * f(a)).sum(), a)
    assert relative_error(f_backward(weights, f(a)), numeric) < 1e-9
