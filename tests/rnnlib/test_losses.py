"""The losses: beside their definitions and torch, and what they say of wrong arguments."""

import numpy as np
import pytest
import torch

from rnnlib.gradcheck import numerical_gradient, relative_error
from rnnlib.losses import (
    bernoulli_cross_entropy,
    bernoulli_cross_entropy_backward,
    cross_entropy,
    cross_entropy_backward,
    mean_squared_error,
    mean_squared_error_backward,
)

RNG = np.random.default_rng(2)
LOGITS = RNG.standard_normal((5, 3, 7)) * 3
TARGETS = RNG.integers(0, 7, (5, 3))
LENGTHS = np.array([2, 5, 1])


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


def test_padding_does_not_count_as_in_torch():
    logits, targets = torch.tensor(LOGITS, requires_grad=True), torch.tensor(TARGETS)
    targets[torch.arange(5)[:, None] >= torch.tensor(LENGTHS)] = -100
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, 7), targets.reshape(-1), ignore_index=-100)
    loss.backward()
    assert cross_entropy(LOGITS, TARGETS, LENGTHS) == pytest.approx(loss.item(), rel=1e-14)
    dlogits = cross_entropy_backward(LOGITS, TARGETS, LENGTHS)
    assert relative_error(dlogits, logits.grad.numpy()) < 1e-14
    assert not dlogits[2:, 0].any() and not dlogits[1:, 2].any()


def test_full_lengths_change_nothing():
    full = np.array([5, 5, 5])
    assert cross_entropy(LOGITS, TARGETS, full) == cross_entropy(LOGITS, TARGETS)
    np.testing.assert_allclose(
        cross_entropy_backward(LOGITS, TARGETS, full), cross_entropy_backward(LOGITS, TARGETS), rtol=1e-15
    )


def test_mean_squared_error_agrees_with_torch_and_stays_in_its_dtype():
    for dtype, tolerance in ((np.float64, 1e-15), (np.float32, 1e-6)):
        ys, targets = RNG.standard_normal((2, 4, 3)).astype(dtype)
        before = ys.copy()
        theirs = torch.tensor(ys, requires_grad=True)
        loss = torch.nn.functional.mse_loss(theirs, torch.tensor(targets))
        loss.backward()
        assert mean_squared_error(ys, targets) == pytest.approx(loss.item(), rel=tolerance)
        dys = mean_squared_error_backward(ys, targets)
        assert dys.dtype == dtype
        assert relative_error(dys, theirs.grad.numpy()) < tolerance
        np.testing.assert_array_equal(ys, before)


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
    assert cross_entropy_backward(logits, targets, LENGTHS).dtype == np.float32
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


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: cross_entropy(LOGITS[0], TARGETS[0], LENGTHS),
            ValueError,
            r"logits has shape \(3, 7\); .*\(T, B, K\)",
        ),
        (lambda: cross_entropy(LOGITS, TARGETS, LENGTHS + 1), ValueError, r"lengths is 6 at index \(1,\); .* T = 5"),
        (lambda: cross_entropy_backward(LOGITS, TARGETS, [5, 5, 5]), TypeError, "lengths is of type list"),
        (lambda: mean_squared_error(LOGITS, LOGITS[:1]), ValueError, r"targets has shape \(1, 3, 7\)"),
        (lambda: mean_squared_error(LOGITS, LOGITS.astype(np.float32)), ValueError, "targets has dtype float32"),
        (lambda: mean_squared_error_backward(LOGITS * np.inf, LOGITS), ValueError, "ys is .*inf at index"),
    ],
)
def test_wrong_lengths_and_pairs_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


SETS = (RNG.uniform(size=LOGITS.shape) < 0.3).astype(float)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "padded"])
def test_the_loss_of_sets_agrees_with_torch(lengths):
    logits, weight = torch.tensor(LOGITS, requires_grad=True), torch.ones(5, 3, 1, dtype=torch.float64)
    steps = 15 if lengths is None else lengths.sum()
    if lengths is not None:
        weight[torch.arange(5)[:, None] >= torch.tensor(lengths)] = 0
    theirs = torch.nn.functional.binary_cross_entropy_with_logits
    loss = theirs(logits, torch.tensor(SETS), weight=weight, reduction="sum") / steps
    loss.backward()
    assert bernoulli_cross_entropy(LOGITS, SETS, lengths) == pytest.approx(loss.item(), rel=1e-14)
    assert relative_error(bernoulli_cross_entropy_backward(LOGITS, SETS, lengths), logits.grad.numpy()) < 1e-14


def test_the_loss_of_sets_holds_for_large_logits_and_for_none():
    logits, targets = np.array([[1000.0, -1000.0, 1000.0]]), np.array([[1.0, 0.0, 0.0]])
    assert bernoulli_cross_entropy(logits, targets) == 1000.0
    assert bernoulli_cross_entropy(np.zeros((4, 2, 3)), np.ones((4, 2, 3))) == pytest.approx(3 * np.log(2), rel=1e-15)
    single = bernoulli_cross_entropy_backward(LOGITS.astype(np.float32), SETS.astype(np.float32))
    assert single.dtype == np.float32


def test_sets_that_are_none_are_named():
    with pytest.raises(ValueError, match="targets go from -1 to 2; they should be from 0 to 1"):
        bernoulli_cross_entropy(np.zeros((1, 2)), np.array([[-1.0, 2.0]]))
    with pytest.raises(ValueError, match=r"targets has shape \(2, 1\)"):
        bernoulli_cross_entropy(np.zeros((1, 2)), np.zeros((2, 1)))
