"""Assignment 01-rnn: its references are the library's functions, and its cases leave nothing to chance."""

import numpy as np
import pytest

from rnnlib import Dense, activations, bptt
from rnnlib.cells.elman import Elman
from rnnlib.checks import battery, exercises
from rnnlib.checks.assignments import rnn
from rnnlib.checks.cases import ORDINARY, Case, generator

ASSIGNMENT = [exercise for exercise in exercises() if exercise.assignment == "01-rnn"]
SEEDS = ("", "spring", "autumn")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_references_are_the_librarys_functions(dtype):
    rng = np.random.default_rng(0)
    W_x, W_h, b, W_y, b_y, xs, h0 = (
        rng.standard_normal(shape).astype(dtype) for shape in ((3, 4), (4, 4), (4,), (4, 5), (5,), (6, 2, 3), (2, 4))
    )
    hs, _, _ = bptt.forward(Elman(), {"W_x": W_x, "W_h": W_h, "b": b}, xs, (h0,))
    dense = Dense(4, 5, rng=rng, dtype=dtype)
    dense.params = {"W_y": W_y, "b_y": b_y}
    logits, _ = dense.forward(hs)
    close = {"rtol": 0, "atol": 20 * np.finfo(dtype).eps, "strict": True}
    np.testing.assert_allclose(rnn.rnn_forward(xs, h0, W_x, W_h, b), hs, **close)
    np.testing.assert_allclose(rnn.rnn_step(xs[0], h0, W_x, W_h, b), hs[0], **close)
    np.testing.assert_allclose(rnn.readout(hs, W_y, b_y), logits, **close)
    np.testing.assert_array_equal(rnn.softmax(logits), activations.softmax(logits), strict=True)


def test_probabilities_over_the_batch_are_recognised():
    (exercise,) = (e for e in ASSIGNMENT if e.name == "softmax")

    def softmax(logits):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    report = battery.judge(softmax, exercise)
    assert report.points == 0.0 and report.mistakes == ["rnn.softmax-axis"]


def test_the_cases_of_sample_leave_nothing_to_rounding(monkeypatch):
    (exercise,) = (e for e in ASSIGNMENT if e.name == "sample")
    for seed in map(str, range(20)):
        monkeypatch.setenv("RNNLIB_HIDDEN_SEED", seed)
        for case in exercise.cases(generator("sample", True)):
            for nudge in (-9e-5, 9e-5):
                args = dict(case.args, us=case.args["us"] + nudge)
                np.testing.assert_array_equal(
                    exercise.expected(case), exercise.expected(Case(case.part, case.words, args))
                )


@pytest.mark.parametrize("default", [0.5, 0.7, 2.0])
def test_a_wrong_default_temperature_shows_with_every_seed(default):
    (exercise,) = (e for e in ASSIGNMENT if e.name == "sample")
    for seed in range(150):
        case = next(exercise.cases(np.random.default_rng(seed)))
        assert "temperature" not in case.args
        assert (exercise.reference(*case.args.values(), default) != exercise.expected(case)[0]).any()


def test_a_wrong_temperature_shows_with_every_seed():
    (exercise,) = (e for e in ASSIGNMENT if e.name == "sample")
    for seed in range(50):
        ordinary = [c for c in exercise.cases(np.random.default_rng(seed)) if c.part == ORDINARY]
        for *args, temperature in (case.args.values() for case in ordinary if "temperature" in case.args):
            for wrong in (1 / temperature, 1.0):
                assert (exercise.reference(*args, wrong) != exercise.reference(*args, temperature)).any()


def test_a_loss_in_a_numpy_number_or_array_without_axes_is_taken():
    (exercise,) = (e for e in ASSIGNMENT if e.name == "cross_entropy")
    report = battery.judge(lambda *args: np.asarray(exercise.reference(*args)), exercise)
    assert report.points == 1.0
    assert report.lines[0].words == "`loss` is a number. `loss` comes as an array of shape (), which counts as a float."
    assert battery.judge(lambda *args: np.float64(exercise.reference(*args)), exercise).points == 1.0
