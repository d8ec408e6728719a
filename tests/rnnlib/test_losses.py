"""Cross-entropy: beside its definition and torch, and what it says of wrong arguments."""

import numpy as np
import pytest
import torch

from rnnlib.gradcheck import numerical_gradient, relative_error
from rnnlib.losses import cross_entropy, cross_entropy_backward

RNG = np.random.default_rng(2)
LOGITS = RNG.standard_normal((5, 3, 7)) * 3
TARGETS = RNG.integers(0, 7, (5, 3))


def test_equal_logits_cost_log_k():
    loss = cross_entropy(np.zeros((4, 2, 9)), np.full((4, 2), 3))
    assert type(loss) is float
    assert loss == pytest.approx(np.log(9), rel=1e-15)


def test_loss_and_gradient_agree_with_torch():
    logits = torch.tensor(LOGITS, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, 7), torch.tensor(TARGETS).reshape(-1))
    loss.backward()
    assert cross_entropy(LOGITS, TARGETS) == pytest.approx(loss.item(), rel=1e-14)
    assert relative_error(cross_entropy_backward(LOGITS, TARGETS), logits.grad.numpy()) < 1e-14


def test_gradient_agrees_with_differences():
    numeric = numerical_gradient(lambda logits: cross_entropy(logits, TARGETS), LOGITS.copy())
    assert relative_error(cross_entropy_backward(LOGITS, TARGETS), numeric) < 1e-8


def test_an_impossible_target_costs_its_distance_not_infinity():
    loss = cross_entropy(np.array([[1e4, -1e4]]), np.array([1]))
    assert loss == 2e4


def test_float32_stays_float32_and_arguments_stay_as_they_are():
    logits, targets = LOGITS.astype(np.float32), TARGETS.copy()
    before = logits.copy()
    assert cross_entropy_backward(logits, targets).dtype == np.float32
    np.testing.assert_array_equal(logits, before)
    np.testing.assert_array_equal(targets, TARGETS)


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (LOGITS, TARGETS.T, r"targets has shape \(3, 5\); it should be \(5, 3\)"),
        (LOGITS, TARGETS.astype(float), "targets has dtype float64; it should be an integer type"),
        (LOGITS, TARGETS + 7, r"targets is \d+ at index \(0, 0\); it should be a class from 0 to 6"),
        (LOGITS * np.nan, TARGETS, r"logits is nan at index \(0, 0, 0\); every entry should be finite"),
        (LOGITS.astype(int), TARGETS, "logits has dtype int64; it should be float32 or float64"),
    ],
)
def test_wrong_arguments_are_named(logits, targets, message):
    with pytest.raises(ValueError, match=message):
        cross_entropy(logits, targets)
    with pytest.raises(ValueError, match=message):
        cross_entropy_backward(logits, targets)


def test_a_list_is_named():
    with pytest.raises(TypeError, match="logits is of type list"):
        cross_entropy([[1.0, 2.0]], np.array([0]))
