"""The judge of gradients is judged on functions whose gradient is known."""

import numpy as np
import pytest

from rnnlib.gradcheck import gradient_errors, numerical_gradient, relative_error


def test_the_gradient_of_a_cubic_is_known():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = x.copy()
    np.testing.assert_allclose(numerical_gradient(lambda x: (x**3).sum(), x), 3 * before**2, rtol=1e-9)
    np.testing.assert_array_equal(x, before)


def test_x_is_put_back_when_the_function_raises():
    x = np.array([1.0, 2.0])

    def fails(_):
        raise RuntimeError("as the test wants")

    with pytest.raises(RuntimeError, match="as the test wants"):
        numerical_gradient(fails, x)
    np.testing.assert_array_equal(x, [1, 2])


def test_only_the_wrong_tensor_is_blamed():
    params = {"a": np.array([1.0, 2.0]), "b": np.array([[3.0]])}
    errors = gradient_errors(
        lambda: params["a"] @ params["a"] + params["b"][0, 0] ** 2,
        params,
        {"a": 2 * params["a"], "b": -2 * params["b"]},
    )
    assert errors["a"] < 1e-9
    assert errors["b"] == pytest.approx(1)


def test_relative_error_knows_zero():
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
    assert relative_error(np.ones(3), np.zeros(3)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: numerical_gradient(np.sum, np.ones(2, np.float32)), "x is float32; it should be an array of float64"),
        (lambda: numerical_gradient(np.sum, [1.0]), "x is list"),
        (lambda: numerical_gradient(np.sum, np.ones(2), eps=0), "eps is 0"),
        (lambda: numerical_gradient(lambda x: np.nan, np.ones(2)), r"f is nan and nan around index \(0,\)"),
        (lambda: relative_error(np.ones(2), np.ones(3)), r"a has shape \(2,\) and b has \(3,\)"),
        (lambda: gradient_errors(float, {"a": np.ones(1)}, {}), r"grads has the keys \[\]"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
