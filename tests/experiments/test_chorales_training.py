"""Training on the chorales until the validation pieces say stop."""

import numpy as np
import pytest

import experiments.chorales
from experiments import gates_on_chorales, lstm_variants
from experiments.chorales import batches, reading, train
from rnnlib import LSTM, PeepholeLSTM
from rnnlib.tasks.chorales import chorales


@pytest.fixture
def few(monkeypatch):
    """The first twelve pieces of each split in place of all."""
    monkeypatch.setattr(experiments.chorales, "chorales", lambda split: chorales(split)[:12])


def network(layer=LSTM, **options):
    rng = np.random.default_rng(0)
    return reading(layer(88, 8, rng=rng, dtype=np.float32, **options), rng)


def test_batches_hold_each_piece_once_beside_those_of_its_length():
    parts, pieces = batches("train", 16), chorales("train")
    lengths = np.concatenate([lengths for _, _, lengths in parts])
    assert lengths.tolist() == sorted(len(piece) - 1 for piece in pieces)
    assert sum(int(targets.sum()) for _, targets, _ in parts) == sum(int(piece[1:].sum()) for piece in pieces)
    assert {xs.dtype for xs, _, _ in parts} == {np.dtype(np.float32)}


def test_what_is_told_is_of_the_epoch_with_the_lowest_loss_on_the_validation_pieces(few, monkeypatch):
    valid, epoch = iter([5.0, 4.0, 4.5, 3.0, 3.5, 3.2, 2.0]), []

    def measured(trainer, parts):  # the validation pieces once an epoch, the others when those have a new lowest loss
        if parts == "valid":
            epoch.append(len(epoch))
            return next(valid)
        return epoch[-1] + {"train": 0.25, "test": 0.5}[parts]

    parts = experiments.chorales.batches
    monkeypatch.setattr(experiments.chorales, "mean_over_batches", measured)
    monkeypatch.setattr(
        experiments.chorales, "batches", lambda split, size: split if size == 100 else parts(split, size)
    )
    found = train(network(), 0.01, np.random.default_rng(0), "cpu", epochs=9, patience=2, also=("test", "train"))
    curves = found.pop("curves")
    assert found == {"valid": 3.0, "test": 3.5, "train": 3.25, "epoch": 3, "diverged": False}
    assert curves["valid"] == [4.0, 4.5, 3.0, 3.5, 3.2]  # two epochs without a lower one are the last
    assert curves["seconds"] == sorted(curves["seconds"]) and 50 < curves["train"][0] < 62


def test_training_makes_the_loss_fall(few):
    found = train(network(), 0.03, np.random.default_rng(0), "cpu", epochs=15, patience=15)
    assert found["valid"] == pytest.approx(min(found["curves"]["valid"]), abs=1e-4)
    assert found["valid"] < 20 and found["epoch"] > 5 and found["curves"]["train"][-1] < 20


def test_torch_trains_the_same_network_alike(few):
    here, there = (
        train(network(PeepholeLSTM, coupled=True), 0.03, np.random.default_rng(0), device, epochs=3, patience=3)
        for device in ("cpu", "torch")
    )
    np.testing.assert_allclose(here["curves"]["valid"], there["curves"]["valid"], rtol=1e-3)
    assert here["test"] == pytest.approx(there["test"], rel=1e-3)


def test_a_run_whose_loss_is_no_number_any_more_keeps_what_it_had(few):
    unbounded = network(PeepholeLSTM, output_activation="identity")
    with np.errstate(all="ignore"):
        found = train(unbounded, 1e37, np.random.default_rng(0), "cpu", epochs=5, patience=5)
    assert found["diverged"] and found["epoch"] == 0 and 50 < found["test"] < 70


def test_the_networks_of_the_comparison_have_as_many_weights():
    weights = {}
    for unit in gates_on_chorales.UNITS:
        setting = gates_on_chorales.of(unit, 0.03, epochs=1)
        layer = getattr(experiments.gates_on_chorales.rnnlib, setting["layer"])
        rng = np.random.default_rng(0)
        weights[unit] = reading(layer(88, setting["hidden"], rng=rng, **setting["options"]), rng).count_parameters()
    assert all(abs(count - 20_000) < 300 for count in weights.values()), weights


def test_all_variants_are_drawn_the_same_rates_and_sizes(monkeypatch):
    drawn = []
    monkeypatch.setattr(lstm_variants, "train", lambda network, lr, *rest: drawn.append(lr) or {"curves": []})
    settings = lstm_variants.EXPERIMENT.settings
    assert len(settings) == 9
    found = [[lstm_variants.trial(setting, seed, "cpu") for seed in (0, 1)] for setting in settings.values()]
    assert len({(one["lr"], one["hidden"]) for pair in found for one in pair}) == 2
    assert len({one["weights"] for pair in found for one in pair}) == 2 * 4  # with all, no peepholes, a gate less, FGR
    assert all(0.0003 <= lr <= 0.03 for lr in drawn)
