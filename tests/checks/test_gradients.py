"""The lines on differences and PyTorch: what they say beside a right and a wrong forward; they cost nothing."""

import sys

import numpy as np
import pytest

from rnnlib.checks import battery, calls, exercises, gradients, in_torch, lend
from rnnlib.checks.cases import ORDINARY, generator
from rnnlib.checks.compare import same

EXERCISES = {exercise.name: exercise for exercise in exercises()}
GRADIENTS = [exercise for exercise in EXERCISES.values() if exercise.gradient_of]


def written(forward="np.tanh(x @ W_x + h_prev @ W_h + b)", slope="1 - h**2", names=None):
    """A backward step beside a forward step, as in a notebook."""
    names = {"np": np} | (names or {})
    if forward:
        exec(f"def rnn_step(x, h_prev, W_x, W_h, b):\n return {forward}", names)
    exec(
        f"def rnn_step_backward(dh, x, h_prev, h, W_x, W_h):\n da = dh * ({slope})\n"
        " return da @ W_x.T, da @ W_h.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)",
        names,
    )
    return names["rnn_step_backward"]


def line(fn, part):
    report = battery.judge(fn, EXERCISES["rnn_step_backward"])
    (found,) = (line for line in report.lines if line.part == part)
    return report, found


def test_a_right_gradient_beside_a_right_forward():
    report, found = line(written(), "differences")
    assert report.points == report.full
    assert found.verdict == "passed"
    assert found.words == "Central differences of your `rnn_step` agree, tensor by tensor."


@pytest.mark.parametrize(
    "forward", ["np.tanh(x @ W_x - h_prev @ W_h + b)", "np.tanh(x @ W_x + h_prev @ W_h)", "np.sin(x @ W_x)"]
)
def test_a_wrong_forward_is_not_charged_to_a_right_gradient(forward):
    report, found = line(written(forward), "differences")
    assert report.points == report.full
    assert found.verdict == "note" and "nothing is charged for it here" in found.words


def test_a_gradient_that_is_right_for_a_wrong_forward_is_told_to_mend_that_one():
    report, found = line(written("x @ W_x + h_prev @ W_h + b", "1"), "differences")
    assert report.points == 0.0
    assert found.verdict == "note"
    assert "So this is the gradient of your `rnn_step`; but that function gives other values" in found.words


def test_a_wrong_gradient_beside_a_right_forward_names_the_tensors():
    report, found = line(written(slope="1 - h"), "differences")
    assert report.points == 0.0 and found.verdict == "failed"
    assert "Central differences of your `rnn_step` disagree with `dx`, `dh_prev`, " in found.words


@pytest.mark.parametrize("forward", [None, "(_ for _ in ()).throw(NotImplementedError)", "None", "1 / 0"])
def test_without_a_forward_that_runs_the_courses_own_stands_in(forward):
    report, found = line(written(forward), "differences")
    assert report.points == report.full
    assert found.words == "Central differences of the course's `rnn_step` agree, tensor by tensor."


def test_a_lent_forward_is_called_the_courses_own():
    report, found = line(written(None, names={"rnn_step": lend("rnn_step")}), "differences")
    assert report.points == report.full
    assert found.words == "Central differences of the course's `rnn_step` agree, tensor by tensor."


def test_float32_on_the_way_costs_its_dtype_alone():
    right = written()

    def rnn_step_backward(*args):
        return tuple(a.astype(np.float32) for a in right(*(a.astype(np.float32) for a in args)))

    report, found = line(rnn_step_backward, "differences")
    assert found.verdict == "passed" and report.points == report.full * 0.975
    forward = "np.tanh(x @ W_x + h_prev @ W_h + b).astype(np.float32)"
    report, found = line(written(forward), "differences")
    assert found.verdict == "passed" and "of the course's `rnn_step`" in found.words and report.points == report.full


@pytest.mark.parametrize("exercise", GRADIENTS, ids=lambda exercise: exercise.name)
def test_a_right_gradient_agrees_with_differences_with_every_seed(exercise):
    for seed in range(100):
        case = next(exercise.cases(np.random.default_rng(seed)))
        outcome = calls.call(exercise.reference, exercise, case)
        found = gradients.against_differences(exercise, outcome, None, right=True)
        assert found.verdict == "passed", f"seed {seed}: {found.words}"


def test_pytorch_confirms_a_right_gradient():
    _, found = line(written(), "PyTorch")
    assert found.verdict == "passed"
    assert found.words.startswith("It equals autograd of the same equations in PyTorch, on c")


def test_without_pytorch_the_line_says_that_it_was_left_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "rnnlib.checks.in_torch", None)
    monkeypatch.delattr("rnnlib.checks.in_torch")
    report, found = line(written(), "PyTorch")
    assert found.verdict == "note" and found.words == "Left out: PyTorch is not installed here."
    assert report.points == report.full


def test_pytorch_that_differs_is_told():
    exercise = EXERCISES["rnn_step_backward"]
    case = next(exercise.cases(generator(exercise.name, False)))
    outcome = type("Outcome", (), {"case": case, "answer": tuple(2 * a for a in exercise.expected(case))})
    (found,) = gradients.against_torch(exercise, outcome)
    assert found.verdict == "note" and "Autograd of the same equations in PyTorch differs. First at `dx[" in found.words


@pytest.mark.parametrize("exercise", GRADIENTS, ids=lambda exercise: exercise.name)
def test_the_reference_is_what_autograd_gives(exercise):
    for case in exercise.cases(generator(exercise.name, False)):
        if case.part != ORDINARY:
            continue
        expected, _ = in_torch.gradients(exercise.gradient_of, case)
        assert len(expected) == len(exercise.leaves)
        for got, want in zip(exercise.expected(case), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("exercise", GRADIENTS, ids=lambda exercise: exercise.name)
def test_the_forward_case_is_the_one_that_the_gradient_belongs_to(exercise):
    """What stands in the arguments is what the forward gives: an h is the h of the same x, h_prev and weights."""
    forward = EXERCISES[exercise.gradient_of]
    for case in exercise.cases(generator(exercise.name, False)):
        if case.part != ORDINARY:
            continue
        outputs = forward.arrays(forward.reference(*case.forward.values()))
        for output, value in zip(forward.leaves, outputs, strict=True):
            if output.name in case.args:
                assert same((value,), (case.args[output.name],))
        for name, value in case.forward.items():
            if name in case.args:
                assert np.array_equal(value, case.args[name])
