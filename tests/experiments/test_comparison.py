"""Fair comparisons: the most units that fit, and differences of runs that share a seed."""

import numpy as np
import pytest

from experiments.comparison import difference, is_lower, largest_within
from rnnlib import LSTM


def lstm(units):
    return LSTM(3, units, rng=np.random.default_rng(0))


@pytest.mark.parametrize("weights", [20, 21, 300, 1000, 1001])
def test_one_unit_more_is_too_many(weights):
    units = largest_within(lstm, weights)
    assert lstm(units).count_parameters() <= weights < lstm(units + 1).count_parameters()


def test_a_number_too_small_for_one_unit_is_refused():
    with pytest.raises(ValueError, match="weights is 19; a network of one unit has 20"):
        largest_within(lstm, 19)


def test_the_difference_is_over_pairs():
    mean, error = difference([1.0, 2.0, 3.0], [1.5, 2.4, 3.6])
    assert mean == pytest.approx(-0.5) and error == pytest.approx(0.1 / 3**0.5)


def test_a_claim_agrees_when_two_standard_errors_say_so():
    assert is_lower("less", [1.0, 2.0, 3.0], [1.5, 2.4, 3.6], "bits") == {
        "claim": "less",
        "here": "2.000 against 2.500 bits: a difference of -0.500 ± 0.058 (standard error, 3 seeds)",
        "agrees": True,
    }
    assert not is_lower("less", [1.5, 2.4, 3.6], [1.0, 2.0, 3.0], "bits")["agrees"]
    assert not is_lower("less", [1.0, 2.0, 3.0], [1.1, 2.9, 3.0], "bits")["agrees"]  # -0.33 ± 0.29
