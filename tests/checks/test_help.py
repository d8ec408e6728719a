"""Hints come a step at a time, and a function that is lent lets a student go on without points."""

import numpy as np
import pytest

from rnnlib import check, hint, lend
from rnnlib.checks import battery, exercises, help

EXERCISES = {exercise.name: exercise for exercise in exercises()}


@pytest.fixture(autouse=True)
def no_hints_given(monkeypatch):
    monkeypatch.setattr(help, "_given", {})


def test_hints_come_one_at_a_time_and_the_last_stays(capsys):
    hints = EXERCISES["rnn_step"].hints
    said = []
    for _ in range(4):
        hint("rnn_step")
        said.append(capsys.readouterr().out)
    assert said[0] == f"rnn_step, hint 1 of 3, where to look:\n  {hints.where}\n  hint(rnn_step) once more says why.\n"
    assert said[1] == f"rnn_step, hint 2 of 3, why:\n  {hints.why}\n  hint(rnn_step) once more says the formula.\n"
    assert said[2] == said[3] == f"rnn_step, hint 3 of 3, the formula:\n  {hints.formula}\n"


def test_a_hint_may_be_asked_for_by_the_function_and_by_its_number(capsys):
    def softmax(logits):
        raise NotImplementedError

    hint(softmax, 2)
    assert "softmax, hint 2 of 3, why:" in capsys.readouterr().out
    hint(softmax)
    assert "softmax, hint 3 of 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hint("rnn_stop"), "there is no exercise named 'rnn_stop'; the exercises are softmax, "),
        (lambda: hint("softmax", 4), "step is 4; it should be 1"),
        (lambda: lend("rnn_stop"), "there is no exercise named 'rnn_stop'"),
    ],
)
def test_a_wrong_name_or_step_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_check_shows_no_hint_by_itself(capsys):
    def softmax(logits):
        return logits

    check(softmax)
    said = capsys.readouterr().out
    assert not any(step in said for step in vars(EXERCISES["softmax"].hints).values())


def test_a_lent_function_answers_and_earns_nothing(capsys):
    rnn_step = lend("rnn_step")
    rng = np.random.default_rng(0)
    arguments = [rng.standard_normal(shape) for shape in ((2, 3), (2, 4), (3, 4), (4, 4), (4,))]
    np.testing.assert_array_equal(rnn_step(*arguments), EXERCISES["rnn_step"].reference(*arguments))
    assert check(rnn_step) == 0.0
    assert (
        "the course's own `rnn_step`, lent so that you can go on. Write yours for the points."
        in capsys.readouterr().out
    )


def test_a_function_that_hides_a_lent_one_earns_nothing():
    def rnn_step(*arguments):
        return lend("rnn_step")(*arguments)

    report = battery.judge(rnn_step, EXERCISES["rnn_step"])
    assert report.points == 0.0
    assert "this is the course's own rnn_step, lent" in report.lines[0].words


def test_a_lent_function_answers_only_where_the_exercise_may_call_it():
    def rnn_step(x, h_prev, W_x, W_h, b):
        return lend("rnn_forward")(x[None], h_prev, W_x, W_h, b)[0]

    assert battery.judge(rnn_step, EXERCISES["rnn_step"]).points == 0.0


def test_a_lent_function_may_stand_beneath_one_that_is_called():
    names = {"np": np, "lend": lend}
    exec("def rnn_step(*a): return lend('rnn_step')(*a)", names)
    exec("def rnn_forward(xs, h, *w): return np.stack([h := rnn_step(x, h, *w) for x in xs])", names)
    report = battery.judge(names["rnn_forward"], EXERCISES["rnn_forward"])
    assert report.points == report.full


def test_what_follows_may_use_a_lent_function():
    names = {"np": np, "rnn_step": lend("rnn_step")}
    lines = ["def rnn_forward(xs, h, *weights):", "    hs = []", "    for x in xs:"]
    lines += ["        h = rnn_step(x, h, *weights)", "        hs.append(h)", "    return np.stack(hs)"]
    exec("\n".join(lines), names)
    report = battery.judge(names["rnn_forward"], EXERCISES["rnn_forward"])
    assert report.points == report.full
    assert not any(line.part == "neighbours" for line in report.lines)
