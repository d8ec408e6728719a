"""Experiments on characters: the parts of a text, a state that is carried on, and the choice of a learning rate."""

import numpy as np
import pytest

import rnnlib
from experiments.characters import Parts, Reader, train
from rnnlib import Dense, Network
from rnnlib.losses import cross_entropy

TEXT = "abcdefghij" * 1000
LAYERS = {
    "LSTM": {}, "GRU": {}, "RNN": {}, "MultiplicativeRNN": {"factors": 5}, "GatedFeedback": {"over": "lstm"},
}  # fmt: skip


def network(name, dtype=np.float64):
    rng = np.random.default_rng(0)
    first = getattr(rnnlib, name)(4, 5, rng=rng, dtype=dtype, **LAYERS[name])
    return Network([first, rnnlib.GRU(5, 6, rng=rng, dtype=dtype), Dense(6, 4, rng=rng, dtype=dtype)])


def batch(seed, dtype=np.float64):
    tokens = np.random.default_rng(seed).integers(0, 4, (7, 3))
    return np.eye(4, dtype=dtype)[tokens[:-1]], tokens[1:]


@pytest.mark.parametrize("name", LAYERS)
def test_rnnlib_and_torch_read_on_alike(name):
    sides = [Reader(network(name), 0.02, max_norm=0.5, device=device) for device in ("cpu", "torch")]
    losses = []
    for side in sides:
        losses.append([])
        for seed in range(8):
            side.set_rate(0.03 / (1 + seed))
            losses[-1].append(side.step(*batch(seed)))
            losses[-1].append(side.evaluate(*batch(9)))
    np.testing.assert_allclose(*losses, rtol=1e-6)


def test_a_step_goes_on_from_the_state_before_and_a_judgement_does_not():
    reader, (xs, targets) = Reader(network("LSTM"), lr=1e-12), batch(0)
    whole, _ = network("LSTM").forward(np.concatenate([xs, xs]))
    assert reader.evaluate(xs, targets) == pytest.approx(cross_entropy(whole[:6], targets), abs=1e-9)
    assert reader.step(xs, targets) == pytest.approx(cross_entropy(whole[:6], targets), abs=1e-9)
    assert reader.evaluate(xs, targets) == pytest.approx(cross_entropy(whole[:6], targets), abs=1e-9)
    second = reader.step(xs, targets)
    assert second == pytest.approx(cross_entropy(whole[6:], targets), abs=1e-9)
    assert abs(second - cross_entropy(whole[:6], targets)) > 1e-3


def test_the_parts_are_blocks_of_the_text_and_share_no_character():
    text = "".join(chr(33 + k // 200) for k in range(10_000)) + "ä"  # 50 blocks, each of one character
    parts = Parts(text)
    said = [set(np.unique(tokens)) for tokens in (parts.train.tokens, parts.valid[1], parts.test[1])]
    assert said[1] == {8, 18, 28, 38, 48} and said[2] == {9, 19, 29, 39, 49}
    assert said[0] == set(range(50)) - said[1] - said[2] and parts.classes == 50
    xs, targets = parts.test
    assert xs.shape == (400, 2, 50)
    np.testing.assert_array_equal(xs[1:].argmax(axis=-1), targets[:-1])


def test_a_text_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="text leaves 250 characters to judge by; it should leave more than 400"):
        Parts("ab" * 1250)


def test_a_seed_decides_where_the_reading_begins():
    parts, begins = Parts(TEXT), []
    for seed in (0, 0, 1):
        begins.append(next(parts.batches(5, 2, np.random.default_rng(seed)))[1])
    assert (begins[0] == begins[1]).all() and (begins[0] != begins[2]).any()


def test_the_rate_that_is_best_on_the_validation_part_is_taken():
    def build(units, K, rng):
        return Network([rnnlib.GRU(K, units, rng=rng, dtype=np.float32), Dense(units, K, rng=rng, dtype=np.float32)])

    setting = {"weights": 999, "rates": [1e-6, 0.02, 1e-5], "steps": 24, "short": 12, "T": 5, "B": 4}
    found = train(build, Parts(TEXT), setting, 0, "cpu")
    assert found["rate"] == 0.02 == setting["rates"][int(np.argmin(found["tried"]))]
    assert found["units"] == 12 and found["weights"] == 3 * 12 * (10 + 12 + 1) + 12 * 10 + 10 <= 999
    assert len(found["valid"]) == 12 and found["valid"][-1] < found["valid"][0] - 0.3
    assert found == train(build, Parts(TEXT), setting, 0, "cpu")
