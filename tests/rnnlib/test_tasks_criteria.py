"""The papers' stopping rules, at their borders."""

import numpy as np
import pytest

from rnnlib.tasks.criteria import at_end, few_wrong, largest_error, learned, steps_before_error


def test_the_last_step_of_each_sequence_is_taken():
    ys = np.arange(24.0).reshape(4, 3, 2)
    np.testing.assert_array_equal(at_end(ys, np.array([1, 4, 2])), [[0, 1], [20, 21], [10, 11]])


def test_the_largest_error_has_the_sign_left_out():
    ys, targets = np.array([[0.25, 0.5], [1.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.25]])
    np.testing.assert_array_equal(largest_error(ys, targets), [0.75, 0.25])


def test_training_is_over_when_the_recent_are_right_and_good_on_average():
    errors = np.full(2500, 0.005)
    assert learned(errors, right=0.04, average=0.01) is True
    assert learned(errors[:1999], right=0.04, average=0.01) is False
    errors[499] = 0.05  # just out of sight
    assert learned(errors, right=0.04, average=0.01)
    errors[500] = 0.04  # in sight, and not below
    assert not learned(errors, right=0.04, average=0.01)
    assert not learned(np.full(2000, 0.02), right=0.04, average=0.01)


def test_networks_side_by_side_are_judged_apart():
    errors = np.stack([np.full(10, 0.005), np.full(10, 0.02), np.where(np.arange(10) == 3, 0.1, 0.0)], axis=1)
    assert learned(errors, right=0.04, average=0.01, recent=10).tolist() == [True, False, False]
    assert learned(errors, right=0.04, average=0.01, recent=11).tolist() == [False, False, False]
    assert few_wrong(errors, right=0.04, wrong=1, recent=10).tolist() == [True, True, False]
    assert few_wrong(errors, right=0.01, wrong=10, recent=10).tolist() == [True, False, True]


def test_a_stream_ends_at_its_first_error():
    right = np.array([[True, False, True], [True, True, True], [False, True, True]])
    assert steps_before_error(right).tolist() == [2, 0, 3]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: at_end(np.zeros((2, 3, 1)), np.array([1, 2])), ValueError, r"it should be \(B,\) with B = 3"),
        (lambda: largest_error(np.zeros(3), np.zeros(2)), ValueError, r"ys has shape \(3,\); it should be \(2,\)"),
        (lambda: learned([0.1], right=1, average=1), TypeError, "errors is of type list"),
        (lambda: learned(np.zeros(3), right="a", average=1), TypeError, "right is 'a'; it should be a number"),
        (lambda: few_wrong(np.zeros(3), right=1, wrong=0), ValueError, "wrong is 0; it should be an integer of at"),
        (lambda: steps_before_error([True]), TypeError, "right is of type list"),
        (lambda: steps_before_error(np.zeros(2)), ValueError, "right has dtype float64"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
