"""Assignment 01-rnn: every style of right solution gets full points, every known mistake loses some and is named."""

import numpy as np
import pytest

from rnnlib import Dense, activations, bptt
from rnnlib.cells.elman import Elman
from rnnlib.checks import battery, exercises
from rnnlib.checks.assignments import rnn
from rnnlib.checks.cases import ORDINARY, SINGLE, SMALL, Case, generator
from rnnlib.checks.styles import rnn as styles
from rnnlib.checks.styles.rnn import STYLES

ASSIGNMENT = [exercise for exercise in exercises() if exercise.assignment == "01-rnn"]
SEEDS = ("", "spring", "autumn")


@pytest.mark.parametrize(
    ("exercise", "style"),
    [pytest.param(e, style, id=style.__name__) for e in ASSIGNMENT for style in STYLES[e.name]],
)
def test_a_right_solution_gets_full_points_in_any_style(exercise, style, monkeypatch):
    report = battery.judge(style, exercise)
    assert report.points == exercise.points, [line for line in report.lines if line.verdict == "failed"]
    for seed in SEEDS:
        monkeypatch.setenv("RNNLIB_HIDDEN_SEED", seed)
        report = battery.judge(style, exercise, hidden=True)
        assert report.points == exercise.hidden_points, [line for line in report.lines if line.verdict == "failed"]


@pytest.mark.parametrize("kind", ["wrong", "missing"])
@pytest.mark.parametrize(
    ("exercise", "neighbour", "style"),
    [
        pytest.param(e, neighbour, style, id=f"{style.__name__}-{neighbour}")
        for e in ASSIGNMENT
        for neighbour in e.neighbours
        for style in STYLES[e.name]
    ],
)
def test_a_right_solution_gets_full_points_beside_a_broken_neighbour(exercise, neighbour, style, kind, monkeypatch):
    if kind == "missing":
        monkeypatch.delattr(styles, neighbour)
    else:
        mine = getattr(styles, neighbour)
        monkeypatch.setattr(styles, neighbour, lambda *args: 1 - 2 * mine(*args))
    for hidden in (False, True):
        report = battery.judge(style, exercise, hidden)
        assert report.points == report.full, [line for line in report.lines if line.verdict == "failed"]


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


def test_there_are_at_least_six_styles_of_each():
    assert {e.name: len(STYLES[e.name]) >= 6 for e in ASSIGNMENT} == dict.fromkeys(STYLES, True)


@pytest.mark.parametrize(
    ("exercise", "mistake"),
    [pytest.param(e, m, id=f"{e.name}-{m.name}-{k}") for e in ASSIGNMENT for k, m in enumerate(e.mistakes)],
)
def test_a_catalogued_mistake_loses_points_and_is_named(exercise, mistake, monkeypatch):
    reports = [battery.judge(mistake.variant, exercise)]
    for seed in SEEDS:
        monkeypatch.setenv("RNNLIB_HIDDEN_SEED", seed)
        reports.append(battery.judge(mistake.variant, exercise, hidden=True))
    for report in reports:
        assert report.points < report.full
        assert set(report.mistakes) == {mistake.name}
        assert any(mistake.words in line.words for line in report.lines)


@pytest.mark.parametrize("exercise", ASSIGNMENT, ids=lambda exercise: exercise.name)
def test_no_seed_lets_a_mistake_through(exercise):
    for seed in range(100):
        cases = list(exercise.cases(np.random.default_rng(seed)))
        expected = [exercise.expected(case) for case in cases]
        for mistake in exercise.mistakes:
            shows = (farthest(mistake, case, want) for case, want in zip(cases, expected, strict=True))
            assert max(shows) > 0.05, f"{mistake.name} is as good as right with seed {seed}"


def farthest(mistake, case, expected):
    """How far a wrong variant is from right in a case, in units of the largest expected number or 1."""
    with np.errstate(all="ignore"):
        try:
            got = np.asarray(mistake.variant(*case.copies()))
        except (ValueError, IndexError):
            return np.inf
    (want,) = expected
    if got.shape != want.shape or not np.isfinite(got).all():
        return np.inf
    return np.abs(got - want).max() / max(1, np.abs(want).max())


def test_probabilities_over_the_batch_are_recognised():
    (exercise,) = (e for e in ASSIGNMENT if e.name == "softmax")

    def softmax(logits):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    report = battery.judge(softmax, exercise)
    assert report.points == 0.0 and report.mistakes == ["rnn.softmax-axis"]


def test_names_of_mistakes_are_stable_identifiers():
    for exercise in ASSIGNMENT:
        for mistake in exercise.mistakes:
            assert mistake.name.startswith("rnn.") and mistake.name == mistake.name.lower()
            assert mistake.words.endswith(".")


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


def test_float32_arguments_are_judged_by_a_reference_in_float64():
    for exercise in ASSIGNMENT:
        for case in exercise.cases(generator(exercise.name, False)):
            if case.part == SINGLE:
                assert {a.dtype for a in case.args.values()} == {np.dtype(np.float32)}
                assert [a.dtype for a in exercise.expected(case)] == [np.float64]


def test_every_function_is_tried_with_one_step_and_one_row():
    for exercise in ASSIGNMENT:
        cases = list(exercise.cases(generator(exercise.name, False)))
        small = " ".join(case.words + "," for case in cases if case.part == SMALL)
        assert "B = 1," in small
        assert "T = 1," in small or exercise.name == "rnn_step"
        assert sum(case.part == ORDINARY for case in cases) >= 2


def test_a_loss_in_a_numpy_number_or_array_without_axes_is_taken():
    (exercise,) = (e for e in ASSIGNMENT if e.name == "cross_entropy")
    report = battery.judge(lambda *args: np.asarray(exercise.reference(*args)), exercise)
    assert report.points == 1.0
    assert report.lines[0].words == "`loss` is a number. `loss` comes as an array of shape (), which counts as a float."
    assert battery.judge(lambda *args: np.float64(exercise.reference(*args)), exercise).points == 1.0
