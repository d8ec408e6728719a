"""What findings are told with."""

import numpy as np
import pytest

from experiments.statistics import (
    at_best_rate,
    best_by_validation,
    epoch_below,
    explained,
    mean_and_error,
    two_sided,
    welch,
)


@pytest.mark.parametrize(
    ("t", "freedom", "p"),
    [(12.7062, 1, 0.05), (2.2281, 10, 0.05), (3.1693, 10, 0.01), (-2.0, 2, 0.18350), (1.96020, 1e4, 0.05), (0, 3, 1)],
)
def test_students_t_is_that_of_the_tables(t, freedom, p):
    assert two_sided(t, freedom) == pytest.approx(p, rel=2e-3)


def test_welch_of_two_small_samples_as_by_hand():
    # means 1 and 5.5; variances over counts 2/2 and (5/3)/4
    t, p = welch([0.0, 2.0], [4.0, 5.0, 6.0, 7.0])
    assert t == pytest.approx(-4.5 / (17 / 12) ** 0.5)
    assert p == pytest.approx(two_sided(t, (17 / 12) ** 2 / (1 + (5 / 12) ** 2 / 3)))
    assert welch([4.0, 5.0, 6.0, 7.0], [0.0, 2.0]) == (pytest.approx(-t), pytest.approx(p))


def test_explained_is_one_for_a_cubic_none_for_noise_and_half_for_half():
    rng = np.random.default_rng(0)
    xs, noise = rng.uniform(-3, 0, 4000), rng.standard_normal(4000)
    assert explained(xs, xs**3 - 2 * xs) == pytest.approx(1)
    assert abs(explained(xs, noise)) < 0.01
    assert explained(xs, xs / xs.std() + noise) == pytest.approx(0.5, abs=0.03)
    few = [explained(xs[k : k + 8], noise[k : k + 8]) for k in range(0, 4000, 8)]
    assert abs(np.mean(few)) < 0.06  # unadjusted, three coefficients would explain 3/7 of eight numbers


def test_the_best_are_those_of_the_validation_pieces():
    found = [{"valid": v, "test": t} for v, t in ((3, 0.3), (1, 0.1), (4, 0.0), (2, 0.9), (5, 0.5), (6, 0.6))]
    assert best_by_validation(found, 0.5) == [0.1, 0.9, 0.3]
    assert best_by_validation(found, 0.1) == [0.1, 0.9]


def test_the_rate_is_that_with_the_lowest_mean_on_the_validation_pieces():
    one = [{"valid": 2.0}, {"valid": 4.0}]
    trials = {"GRU, rate 1": [{"valid": 1.0}, {"valid": 6.0}], "GRU, rate 2": one, "LSTM, rate 1": [{"valid": 0.0}]}
    assert at_best_rate(trials, "GRU") == ("GRU, rate 2", one)
    assert at_best_rate(trials, "tanh") == (None, [])


def test_when_a_loss_falls_below_a_level():
    curves = {"valid": [3.0, 2.0, 1.0], "seconds": [0.5, 1.0, 1.5]}
    assert epoch_below(curves, 2.0) == (3, 1.5)
    assert epoch_below(curves, 1.0) == (np.inf, np.inf)


def test_the_standard_error_is_of_the_mean():
    assert mean_and_error([1.0, 2.0, 3.0, 4.0]) == (2.5, pytest.approx((5 / 3) ** 0.5 / 2))
