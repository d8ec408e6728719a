"""Gated feedback on program text: what is cut when the way down is cut."""

import numpy as np
import pytest

from experiments.gated_feedback import KINDS, cut_feedback
from rnnlib import GatedFeedback


@pytest.mark.parametrize("over", KINDS.values())
def test_an_upper_layer_no_longer_reaches_a_lower_one_and_nothing_else_is_cut(over):
    rng = np.random.default_rng(0)
    layer, xs = GatedFeedback(3, 4, rng=rng, layers=3, over=over), rng.standard_normal((1, 2, 3))
    cut_feedback(layer)
    state = tuple(rng.standard_normal((2, 4)) for _ in layer.cell.states)
    before = layer.forward(xs, state)[1]
    reached = []
    for i in range(3):
        other = tuple(s + rng.standard_normal(s.shape) if k == i else s for k, s in enumerate(state))
        after = layer.forward(xs, other)[1]
        reached.append([bool((before[j] != after[j]).any()) for j in range(3)])
    # Through the gates every state still reaches every layer; those below are looked at without them.
    assert [row[i:] for i, row in enumerate(reached)] == [[True] * 3, [True] * 2, [True]]
    layer.params["W_gh"][:] = 0
    before = layer.forward(xs, state)[1]
    for i in (1, 2):
        other = tuple(s + 1 if k == i else s for k, s in enumerate(state))
        after = layer.forward(xs, other)[1]
        assert [bool((before[j] != after[j]).any()) for j in range(i)] == [False] * i
