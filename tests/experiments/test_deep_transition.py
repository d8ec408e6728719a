"""Deep transitions on chorales: four networks of equal size, and the guess that they are measured by."""

import numpy as np
import pytest

from experiments import deep_transition
from experiments.comparison import largest_within
from experiments.deep_transition import KINDS, batches, build, frequencies
from rnnlib import DeepTransitionRNN
from rnnlib.tasks.chorales import chorales


def test_the_four_have_as_many_weights():
    rng = np.random.default_rng(0)
    units = {kind: largest_within(lambda H, kind=kind: build(kind, H, rng), 28_000) for kind in KINDS}
    counts = {kind: build(kind, units[kind], rng).count_parameters() for kind in KINDS}
    assert max(counts.values()) <= 28_000 and min(counts.values()) > 0.98 * 28_000
    H = units["DOT(S)"]
    assert counts["DOT(S)"] == 88 * H + 4 * H**2 + 3 * H + H * 88 + 88
    assert [type(layer).__name__ for layer in build("DOT(S)", 3, rng).layers] == ["DeepTransitionRNN", "Dense", "Dense"]
    assert (
        isinstance(build("DT(S)", 3, rng).layers[0], DeepTransitionRNN)
        and "W_s" in build("DT(S)", 3, rng).layers[0].params
    )


def test_every_piece_is_in_a_batch_with_pieces_of_its_length():
    made = batches("valid", 39)
    assert sorted(np.concatenate([n for _, _, n in made]) + 1) == sorted(map(len, chorales("valid")))
    assert made[0][2].max() <= made[1][2].min()


@pytest.fixture
def few_pieces(monkeypatch):
    """Chorales in which key 7 sounds at two of the four steps to predict, and no other key ever."""
    pieces = {"train": [np.zeros((5, 88), int)], "test": [np.zeros((3, 88), int)]}
    pieces["train"][0][1:3, 7] = 1
    pieces["test"][0][2, 7] = 1
    monkeypatch.setattr(deep_transition, "chorales", pieces.get)
    deep_transition.log_odds.cache_clear()
    yield
    deep_transition.log_odds.cache_clear()


def test_the_guess_is_the_entropy_of_each_key(few_pieces):
    assert frequencies() == pytest.approx(np.log(2) - 87 * np.log(1 - 1e-4), rel=1e-6)


def test_a_network_begins_with_that_guess(few_pieces):
    network = build("DOT(S)", 4, np.random.default_rng(0))
    network.layers[-1].params["W_y"][:] = 0
    logits, _ = network.forward(np.zeros((2, 1, 88), np.float32))
    guess = 1 / (1 + np.exp(-logits[0, 0]))
    assert guess[7] == pytest.approx(0.5) and np.delete(guess, 7) == pytest.approx(1e-4, rel=1e-4)
