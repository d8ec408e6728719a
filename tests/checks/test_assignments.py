"""Every assignment: each right style gets full points, each known mistake loses some and is named, hints come in steps.

A new assignment is tried by itself: its exercises come from `rnnlib.checks.assignments`, its styles from the module of
the same name in `rnnlib.checks.styles`.
"""

import importlib
import subprocess
import sys
import time

import numpy as np
import pytest

from rnnlib.checks import battery, exercises
from rnnlib.checks.cases import ORDINARY, SINGLE, SMALL, each_array, generator

#: Of hidden checks. `make grader-proof` tries each solution and mistake with more.
SEEDS = ("spring",)
EXERCISES = exercises()


def styles_of(exercise):
    """The module with an exercise's right solutions."""
    name = exercise.assignment.split("-")[1]
    return importlib.import_module(f"rnnlib.checks.styles.{name}")


STYLES = [(e, style) for e in EXERCISES for style in styles_of(e).STYLES[e.name]]


def lost(report):
    return [line for line in report.lines if line.verdict == "failed"]


@pytest.mark.parametrize(("exercise", "style"), [pytest.param(e, s, id=f"{e.name}-{s.__name__}") for e, s in STYLES])
def test_a_right_solution_gets_full_points_in_any_style(exercise, style, monkeypatch):
    report = battery.judge(style, exercise)
    assert report.points == exercise.points, lost(report)
    for seed in SEEDS:
        monkeypatch.setenv("RNNLIB_HIDDEN_SEED", seed)
        report = battery.judge(style, exercise, hidden=True)
        assert report.points == exercise.hidden_points, lost(report)


@pytest.mark.parametrize("kind", ["wrong", "missing"])
@pytest.mark.parametrize(
    ("exercise", "neighbour", "style"),
    [pytest.param(e, n, s, id=f"{e.name}-{s.__name__}-{n}") for e, s in STYLES for n in e.neighbours],
)
def test_a_right_solution_gets_full_points_beside_a_broken_neighbour(exercise, neighbour, style, kind, monkeypatch):
    module = styles_of(exercise)
    if kind == "missing":
        monkeypatch.delattr(module, neighbour)
    else:
        mine = getattr(module, neighbour)
        monkeypatch.setattr(module, neighbour, lambda *args: spoiled(mine(*args)))
    for hidden in (False, True):
        report = battery.judge(style, exercise, hidden)
        assert report.points == report.full, lost(report)


def spoiled(value):
    """Wrong numbers in the same form."""
    if isinstance(value, np.ndarray | tuple | list | dict):
        return each_array(lambda a: 1 - 2 * a, value)
    return 1 - 2 * value


def test_there_are_at_least_six_styles_of_each():
    for exercise in EXERCISES:
        assert len(styles_of(exercise).STYLES[exercise.name]) >= 6, exercise.name


@pytest.mark.parametrize(
    ("exercise", "mistake"),
    [pytest.param(e, m, id=f"{e.name}-{m.name}-{k}") for e in EXERCISES for k, m in enumerate(e.mistakes)],
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


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_no_seed_lets_a_mistake_through(exercise):
    for seed in range(100 if len(exercise.mistakes) < 40 else 10):
        cases = list(exercise.cases(np.random.default_rng(seed)))
        expected = [exercise.expected(case) for case in cases]
        for mistake in exercise.mistakes:
            shows = (farthest(exercise, mistake, case, want) for case, want in zip(cases, expected, strict=True))
            enough = 0.05 if exercise.tolerance is None else 5 * exercise.tolerance
            assert any(s > enough for s in shows), f"{mistake.name} is as good as right with seed {seed}"


def farthest(exercise, mistake, case, expected):
    """How far a wrong variant is from right in a case, in units of the largest expected number or 1."""
    with np.errstate(all="ignore"):
        try:
            answer = exercise.arrays(mistake.variant(*case.copies()))
        except (ValueError, IndexError):
            return np.inf
    distances = [0.0]
    for got, want in zip(answer, expected, strict=True):
        if got.shape != want.shape or not np.isfinite(got).all():
            return np.inf
        distances.append(np.abs(got - want).max(initial=0) / max(1, np.abs(want).max(initial=0)))
    return max(distances)


def test_names_of_mistakes_are_stable_identifiers():
    for exercise in EXERCISES:
        names = {mistake.name for mistake in exercise.mistakes}
        assert names, exercise.name
        for mistake in exercise.mistakes:
            assert mistake.name.startswith(exercise.assignment.split("-")[1] + ".") and mistake.name.islower()
            assert mistake.words.endswith(".")


def test_float32_arguments_are_judged_by_a_reference_in_float64():
    for exercise in EXERCISES:
        for case in exercise.cases(generator(exercise.name, False)):
            if case.part == SINGLE:
                seen = set()
                each_array(lambda a, seen=seen: seen.add(a.dtype.name) if a.dtype.kind == "f" else None, case.args)
                assert seen == {"float32"}
                assert {a.dtype.name for a in exercise.expected(case) if a.dtype.kind == "f"} <= {"float64"}


def test_every_function_is_tried_with_several_cases_and_with_one_row_or_step():
    for exercise in EXERCISES:
        cases = list(exercise.cases(generator(exercise.name, False)))
        assert sum(case.part == ORDINARY for case in cases) >= 2, exercise.name
        assert any(case.part == SMALL for case in cases), exercise.name
        letters = {letter for output in exercise.leaves for letter in output.axes}
        small = " ".join(case.words + "," for case in cases if case.part == SMALL)
        for letter in {"T", "B"} & letters:
            assert f"{letter} = 1," in small, exercise.name


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_an_exercise_has_hints_in_three_steps_that_say_different_things(exercise):
    hints = exercise.hints
    steps = [hints.where, hints.why, hints.formula]
    assert len(set(steps)) == 3 and all(len(step) > 20 for step in steps)
    for step in steps:
        assert "return " not in step and "def " not in step  # the solution is not a hint


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_a_check_takes_less_than_a_second_once_torch_is_imported(exercise):
    """Also of a wrong answer that no catalogued mistake gives, which is compared with every one of them."""
    if exercise.gradient_of:
        pytest.importorskip("torch", reason="needs PyTorch: pip install -r requirements.txt")

    def strange(*arguments):
        return each_array(lambda a: a * 1.37 if a.dtype.kind == "f" else a, exercise.reference(*arguments))

    for fn in (styles_of(exercise).STYLES[exercise.name][0], strange):
        times = []
        for _ in range(3):
            start = time.process_time()
            battery.judge(fn, exercise)
            times.append(time.process_time() - start)
        assert min(times) < 1


def test_the_first_check_of_a_gradient_takes_less_than_two_seconds_with_pytorchs_import():
    script = """
import time
import numpy as np
from rnnlib import check
def rnn_step_backward(dh, x, h_prev, h, W_x, W_h):
    da = dh * (1 - h**2)
    return da @ W_x.T, da @ W_h.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)
start = time.process_time()
assert check(rnn_step_backward) == 1.0
print(time.process_time() - start)
"""
    seconds = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "equals autograd of the same equations in PyTorch" in done.stdout
        seconds.append(float(done.stdout.split()[-1]))
    assert min(seconds) < 2
