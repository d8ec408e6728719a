"""Every part of the battery can fail, says why, and costs what it should."""

import dataclasses
import functools
import importlib
import re
import subprocess
import sys
import time
import typing
import warnings

import numpy as np
import pytest

from rnnlib import activations
from rnnlib.checks import battery, calls, check, compare, exercises
from rnnlib.checks.cases import EXTREME, ORDINARY, SINGLE, SMALL, Case, generator, to_single, unchanged
from rnnlib.checks.exercises import Exercise, Mistake, Output
from rnnlib.checks.report import as_text
from rnnlib.checks.styles import rnn as styles

EXERCISES = {exercise.name: exercise for exercise in exercises()}


def judge(name, fn, hidden=False):
    report = battery.judge(fn, EXERCISES[name], hidden)
    return report, as_text(report)


def failed(report):
    return [line.part for line in report.lines if line.verdict == "failed"]


def right_step(x, h_prev, W_x, W_h, b):
    return np.tanh(x @ W_x + h_prev @ W_h + b)


def right_softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# --- structure ---


@pytest.mark.parametrize(
    ("name", "answer", "sentence"),
    [
        ("softmax", None, "It gives back None: the function ends without `return p`."),
        ("softmax", 3.0, "It gives back a float; `p` should be an array of the shape of its argument."),
        ("rnn_step", "no", "It gives back a str; `h` should be an array of shape (B, H)."),
        ("rnn_step", (1, 2), "It gives back a tuple of 2; `h` should be an array of shape (B, H)."),
        ("rnn_forward", [np.zeros(2), np.zeros(2)], "a list of 2 arrays; `np.stack` makes one array of them"),
        ("rnn_step", np.array([["a"]]), "It gives back an array of dtype <U1; `h` should be an array"),
        ("rnn_step", np.zeros((9, 8)), "an array of shape (9, 8); `h` should be an array of shape (B, H), here ("),
        ("cross_entropy", np.zeros((1, 1)), "an array of shape (1, 1); `loss` should be one number, a float."),
        ("cross_entropy", None, "It gives back None: the function ends without `return loss`."),
        ("sample", np.array([1j]), "an array of dtype complex128; `tokens` should be an array of shape (T, B), of int"),
    ],
)
def test_a_wrong_type_or_shape_gets_one_sentence_and_no_points(name, answer, sentence):
    report, text = judge(name, lambda *args: answer)
    assert sentence in text
    assert failed(report) == ["structure"]
    assert report.points == 0.0


def test_a_generator_is_recognised():
    def rnn_forward(xs, h, W_x, W_h, b):
        for x in xs:
            h = right_step(x, h, W_x, W_h, b)
            yield h

    assert "a generator, since there is a `yield` in it" in judge("rnn_forward", rnn_forward)[1]


def test_swapped_axes_are_named_by_their_letters():
    report, text = judge("rnn_step", lambda *args: right_step(*args).T)
    shape = EXERCISES["rnn_step"].expected(next(EXERCISES["rnn_step"].cases(generator("rnn_step", False))))[0].shape
    assert f"of shape {shape[::-1]}; `h` should be" in text and "That looks like (H, B)." in text
    assert report.points == 0.0


def test_letters_are_left_out_where_one_would_come_twice():
    exercise = EXERCISES["rnn_step"]
    (want,) = exercise.expected(next(exercise.cases(generator("rnn_step", False))))
    text = judge("rnn_step", lambda *args: np.zeros((want.shape[0], want.shape[0])))[1]
    assert f"of shape {(want.shape[0], want.shape[0])}; `h` should be" in text and "looks like" not in text


def test_letters_are_left_out_where_a_mistake_says_more():
    reference = EXERCISES["rnn_forward"].reference
    text = judge("rnn_forward", lambda *args: reference(*args).swapaxes(0, 1))[1]
    assert "[rnn.time-and-batch-swapped]" in text and "of shape" in text and "looks like" not in text


def test_of_several_results_one_in_a_wrong_shape_is_recognised_too():
    def pair(x):
        return x, x.sum(axis=0)

    wrong = Mistake("rnn.not-summed", "It is not summed.", lambda x: (x, x))
    exercise = dataclasses.replace(
        EXERCISES["rnn_step"],
        name="pair",
        outputs=(Output("a", "BH"), Output("b", "H")),
        reference=pair,
        cases=lambda rng: iter([Case(ORDINARY, "B = 3, H = 2", {"x": rng.standard_normal((3, 2))})]),
        mistakes=(wrong,),
    )
    assert battery.judge(lambda x: (x, x), exercise).mistakes == ["rnn.not-summed"]
    assert battery.judge(lambda x: (2 * x, x), exercise).mistakes == []
    assert battery.judge(lambda x: (None, x), exercise).mistakes == []
    assert battery.judge(lambda x: (x, [x, x[0]]), exercise).mistakes == []
    assert battery.judge(pair, exercise).points == 1.0


def test_letters_of_a_shape_count_blocks():
    output = Output("dW_x", "DG", blocks=("r", "z", "n"))
    assert compare.shape_in_letters(output, (2, 12), (12, 2)) == "(3H, D)"


def test_an_exception_shows_the_students_line_and_no_frame_of_a_library():
    def rnn_step(x, h_prev, W_x, W_h, b):
        a = np.einsum("bd,hd->bh", x, W_x)  # the student's line
        return np.tanh(a + h_prev @ W_h + b)

    report, text = judge("rnn_step", rnn_step)
    assert 'a = np.einsum("bd,hd->bh", x, W_x)  # the student\'s line' in text
    assert f"line {rnn_step.__code__.co_firstlineno + 1} of `rnn_step`" in text
    assert "ValueError:" in text and "Shapes of the arguments: `x` (" in text
    assert "einsumfunc" not in text and ".py" not in text
    assert report.points == 0.0


def test_an_unwritten_function_is_said_to_be_unwritten():
    def softmax(logits):
        raise NotImplementedError("write this function, then run the check below")

    report, text = judge("softmax", softmax)
    assert "It is not written yet." in text and "NotImplementedError" not in text
    assert report.points == 0.0


def test_a_wrong_number_of_parameters_is_said():
    assert "It cannot be called with its 5 arguments (x, h_prev, W_x, W_h, b)." in judge("rnn_step", lambda x: x)[1]


def test_endless_recursion_is_said():
    def softmax(logits):
        return softmax(logits)

    report, text = judge("softmax", softmax)
    assert "It calls itself without end, at line" in text and "return softmax(logits)" in text
    assert report.points == 0.0


def test_leaving_python_is_said():
    report, text = judge("softmax", lambda logits: sys.exit("bye"))
    assert "It leaves Python, at line" in text
    assert report.points == 0.0


def test_an_interrupt_passes_through():
    def softmax(logits):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge("softmax", softmax)
    assert sys.stdout is not None and not isinstance(sys.stdout, calls.Printed)


# --- time ---


def test_an_endless_loop_costs_its_limit_once_and_shows_its_line(monkeypatch):
    monkeypatch.setattr(calls, "TIME_LIMIT", 0.3)
    count = []

    def softmax(logits):
        count.append(1)
        while True:
            logits = logits + 1

    start = time.monotonic()
    report, text = judge("softmax", softmax)
    assert time.monotonic() - start < 0.9
    assert len(count) == 1
    assert "It did not return within 0.3 s, and was stopped at line" in text
    assert report.points == 0.0


def test_a_loop_that_swallows_exceptions_is_stopped(monkeypatch):
    monkeypatch.setattr(calls, "TIME_LIMIT", 0.2)

    def softmax(logits):
        try:
            while True:
                pass
        except BaseException:
            return right_softmax(logits)

    report, text = judge("softmax", softmax)
    assert "It did not return within 0.2 s" in text
    assert report.points == 0.0


def test_an_endless_loop_in_one_part_leaves_the_points_of_those_before(monkeypatch):
    monkeypatch.setattr(calls, "TIME_LIMIT", 0.2)

    def rnn_step(x, h_prev, W_x, W_h, b):
        while len(x) == 1:
            pass
        return right_step(x, h_prev, W_x, W_h, b)

    report, text = judge("rnn_step", rnn_step)
    assert failed(report) == [SMALL, EXTREME, "repetition", "dtype"]
    assert "Not tried, since a call before did not return." in text
    assert report.points == pytest.approx(1 - 0.1 - 0.2 - 0.025 - 0.025)


@pytest.mark.skipif(not hasattr(calls.signal, "SIGALRM"), reason="this system has no SIGALRM")
def test_the_limit_leaves_the_callers_own_alarm_as_it_was():
    signal, heard = calls.signal, []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with calls.time_limit(5):
            pass
        assert 0.1 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.3
        time.sleep(0.4)
        assert heard == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# --- values ---


def test_a_wrong_value_says_where_it_shows_first_and_what_was_expected():
    exercise = EXERCISES["rnn_forward"]
    case = next(exercise.cases(generator("rnn_forward", False)))
    (want,) = exercise.expected(case)

    def rnn_forward(*args):
        hs = exercise.reference(*args).copy()
        hs[1:, 1, 0] = 7.0
        return hs

    report, text = judge("rnn_forward", rnn_forward)
    assert "First at `hs[1, 1, 0]` (time step 1, batch row 1, unit 0; counted from 0)" in text
    assert f"yours is 7, expected {want[1, 1, 0]:.6g}. The step before is right." in text
    assert f"{len(want) - 1} of {want.size} entries differ" in text
    assert f"the largest error is {np.abs(want[1:, 1, 0] - 7).max() / np.abs(want).max():.2g} times" in text
    assert report.points == 0.0

    hidden = judge("rnn_forward", rnn_forward, hidden=True)[1]
    assert "First at `hs[1, 1, 0]`" in hidden and "yours is 7" in hidden
    assert "expected" not in hidden and "largest error" not in hidden


def test_a_wrong_number_is_compared_with_the_expected_one():
    reference = EXERCISES["cross_entropy"].reference
    text = judge("cross_entropy", lambda *args: 3 * reference(*args))[1]
    assert "expected" in text and ": 3 times as much." in text
    hidden = judge("cross_entropy", lambda *args: 3 * reference(*args), hidden=True)[1]
    assert "which is wrong" in hidden and "times" not in hidden


@pytest.mark.parametrize("wrong", [lambda loss: loss * (1 + 1e-6), lambda loss: np.inf, lambda loss: np.nan])
def test_a_ratio_that_says_nothing_is_left_out(wrong):
    reference = EXERCISES["cross_entropy"].reference
    text = judge("cross_entropy", lambda *args: wrong(reference(*args)))[1]
    assert "expected" in text and "times as much" not in text


def test_two_numbers_that_differ_late_are_both_shown_in_full():
    exercise = EXERCISES["cross_entropy"]
    (want,) = exercise.expected(next(exercise.cases(generator("cross_entropy", False))))
    mine = float(want) + 5e-9
    text = judge("cross_entropy", lambda *args: exercise.reference(*args) + 5e-9)[1]
    assert f"`loss` is {mine!r}, expected {float(want)!r}." in text


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_a_number_is_wrong(bad):
    def rnn_step(*args):
        h = right_step(*args)
        h[-1, -1] = bad
        return h

    report, text = judge("rnn_step", rnn_step)
    assert f"yours is {bad}" in text
    assert report.points == 0.0


def test_an_error_above_the_tolerance_is_wrong_and_one_below_is_right():
    assert judge("rnn_step", lambda *args: right_step(*args) + 1e-8)[0].points == 0.0
    assert judge("rnn_step", lambda *args: right_step(*args) + args[0].dtype.type(1e-12))[0].points == 1.0


def rounded_states(xs, h0, W_x, W_h, b):
    hs = np.zeros((len(xs), *h0.shape), dtype=np.float32)
    for t in range(len(xs)):
        hs[t] = right_step(xs[t], hs[t - 1] if t else h0, W_x, W_h, b)
    return hs


@pytest.mark.parametrize(
    ("name", "fn"),
    [
        ("cross_entropy", lambda *args: np.float32(EXERCISES["cross_entropy"].reference(*args))),
        ("rnn_step", lambda *args: right_step(*args).astype(np.float32)),
        ("rnn_forward", rounded_states),
    ],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_an_answer_right_to_float32_costs_its_dtype_alone(name, fn, hidden):
    report, text = judge(name, fn, hidden)
    assert failed(report) == ["dtype"]
    assert "float64 arguments give float32, which keeps half as many digits." in text
    assert report.points == 0.975 * report.full


def test_a_mistake_in_float32_is_named():
    report, _ = judge("rnn_step", lambda x, h, W_x, W_h, b: np.tanh(x @ W_x - h @ W_h + b).astype(np.float32))
    assert report.points == 0.0 and report.mistakes == ["rnn.recurrent-sign"]


def test_float32_is_wrong_where_its_digits_do_not_suffice():
    report, text = judge("softmax", lambda logits: right_softmax(logits.astype(np.float32)))
    assert failed(report) == [EXTREME, "dtype"]
    assert "It is of dtype float32, which keeps fewer digits than the arguments' float64." in text


def test_rounding_to_float16_is_wrong_and_said():
    report, text = judge("rnn_step", lambda *args: right_step(*args).astype(np.float16))
    assert failed(report) == [ORDINARY]
    assert "It is of dtype float16, which keeps fewer digits than the arguments' float64." in text


def test_a_crash_at_one_time_step_costs_the_part_alone():
    reference = EXERCISES["rnn_forward"].reference

    def rnn_forward(xs, h0, W_x, W_h, b):
        assert len(xs) > 1
        return reference(xs, h0, W_x, W_h, b)

    report, text = judge("rnn_forward", rnn_forward)
    assert failed(report) == [SMALL]
    assert "assert len(xs) > 1" in text and "T = 1" in text
    assert report.points == pytest.approx(0.9 * 2)


def test_one_row_that_is_squeezed_away_costs_the_part_alone():
    report, text = judge("rnn_step", lambda *args: right_step(*args).squeeze())
    assert failed(report) == [SMALL]
    assert "B = 1" in text
    assert report.points == 0.9


def test_overflow_costs_the_extreme_inputs_and_is_named():
    def softmax(logits):
        e = np.exp(logits)
        return e / e.sum(axis=-1, keepdims=True)

    report, text = judge("softmax", softmax)
    assert failed(report) == [EXTREME, "warnings"]
    assert report.mistakes == ["rnn.softmax-overflow"]
    assert "RuntimeWarning: overflow encountered in exp\n          e = np.exp(logits)" in text
    assert report.points == 0.775


# --- behaviour: a tenth in all ---


def test_the_parts_of_behaviour_cost_a_tenth_together():
    assert sum(battery.SHARES[part] for part in ("arguments", "repetition", "dtype", "warnings")) == pytest.approx(0.1)


@pytest.mark.parametrize("changed", ["x", "h_prev", "W_x", "W_h", "b"])
def test_changing_an_argument_costs_little_and_leaves_the_verdict_on_values(changed):
    def rnn_step(x, h_prev, W_x, W_h, b):
        h = right_step(x, h_prev, W_x, W_h, b)
        dict(x=x, h_prev=h_prev, W_x=W_x, W_h=W_h, b=b)[changed][...] = 0
        return h

    report, text = judge("rnn_step", rnn_step)
    assert failed(report) == ["arguments"]
    assert f"The call changes `{changed}`, which belongs to the caller." in text
    assert report.points == 0.975


def test_changed_arguments_are_said_beside_an_exception():
    def rnn_step(x, h_prev, W_x, W_h, b):
        h_prev += 1
        return h_prev @ x

    report, _ = judge("rnn_step", rnn_step)
    assert failed(report) == ["structure", "arguments"]
    assert report.points == 0.0


def test_something_kept_between_calls_is_found():
    kept = {}

    def rnn_step(x, h_prev, W_x, W_h, b):  # right at first sight of each h_prev, another answer later
        key = h_prev.tobytes()
        kept[key] = kept.get(key, -1) + 1
        return right_step(x, h_prev, W_x, W_h, b) + kept[key]

    report, text = judge("rnn_step", rnn_step)
    assert failed(report) == ["repetition"]
    assert "Called again with the same arguments, it gives another answer." in text
    assert report.points == 0.975


def test_an_array_given_back_twice_is_found():
    arrays = {}

    def rnn_step(*args):
        h = right_step(*args)
        mine = arrays.setdefault((h.shape, h.dtype), h)
        mine[...] = h
        return mine

    report, text = judge("rnn_step", rnn_step)
    assert failed(report) == ["repetition"]
    assert "A later call changes the array that an earlier one gave back" in text
    assert report.points == 0.975


def test_float64_for_float32_costs_its_part():
    report, text = judge("rnn_step", lambda *args: right_step(*args).astype(np.float64))
    assert failed(report) == ["dtype"]
    assert "float32 arguments give float64." in text
    assert report.points == 0.975


def test_wrong_values_in_float32_cost_the_same_part():
    def rnn_step(*args):
        return right_step(*args) + np.float32(0.01 * (args[0].dtype == np.float32))

    report, text = judge("rnn_step", rnn_step)
    assert failed(report) == ["dtype"]
    assert "With float32 arguments the values are wrong." in text


def test_tokens_in_floats_cost_their_part():
    reference = EXERCISES["sample"].reference
    report, text = judge("sample", lambda *args: reference(*args).astype(float))
    assert failed(report) == ["dtype"]
    assert "Tokens are indices, and should be integers; these are of dtype float64." in text
    assert report.points == 0.975


def test_a_warning_costs_its_part_and_never_reaches_standard_error(capfd):
    def rnn_step(*args):
        warnings.warn("look out", stacklevel=1)
        print("to standard error", file=sys.stderr)
        return right_step(*args)

    report, text = judge("rnn_step", rnn_step)
    assert failed(report) == ["warnings"]
    assert "UserWarning: look out" in text and "warnings.warn(" in text
    assert report.points == 0.975
    assert capfd.readouterr() == ("", "")


def test_an_exponential_that_overflows_without_harm_is_explained():
    def rnn_step(x, h_prev, W_x, W_h, b):
        return 2 / (1 + np.exp(-2 * (x @ W_x + h_prev @ W_h + b))) - 1

    report, text = judge("rnn_step", rnn_step)
    assert failed(report) == ["warnings"] and report.points == 0.975
    assert "RuntimeWarning: overflow encountered in exp\n" in text and battery.OVERFLOW in text
    assert battery.OVERFLOW not in judge("rnn_step", lambda *args: right_step(*args) / np.float64(0))[1]


def test_a_warning_that_a_library_will_change_costs_nothing():
    def rnn_step(*args):
        warnings.warn("some day", DeprecationWarning, stacklevel=1)
        return right_step(*args)

    assert judge("rnn_step", rnn_step)[0].points == 1.0


def test_of_a_flood_of_output_the_beginning_is_shown():
    def rnn_step(*args):
        print("flood" * 10000)
        return right_step(*args)

    text = judge("rnn_step", rnn_step)[1]
    assert text.count("flood") == 40


def test_printing_costs_nothing_and_is_summed_up(capfd):
    def rnn_step(*args):
        print("state", 1)
        print("more" * 1000)
        return right_step(*args)

    report, text = judge("rnn_step", rnn_step)
    count = len(list(EXERCISES["rnn_step"].cases(generator("rnn_step", False))))
    assert report.points == 1.0
    assert f"The function prints, {2 * count} lines in {count} calls" in text and "\n          state 1" in text
    assert capfd.readouterr() == ("", "")


# --- arguments that are named tuples ---


class Cache(typing.NamedTuple):
    x: np.ndarray
    h: np.ndarray  # of another shape


def cached_cases(rng):
    for part, B in ((ORDINARY, 3), (SMALL, 1)):
        yield Case(part, f"B = {B}", {"cache": Cache(rng.standard_normal((B, 2)), rng.standard_normal((B, 4)))})
    args = {"cache": Cache(rng.standard_normal((3, 2)), rng.standard_normal((3, 4)))}
    yield Case(SINGLE, "B = 3", to_single(args))


def total(cache):
    return cache.x.sum(axis=1) + cache.h.sum(axis=1)


CACHED = Exercise("total", "none", (Output("s", "B"),), total, cached_cases, 1, 1)


def count_cases(rng):
    for part, n in ((ORDINARY, 5), (ORDINARY, 7), (SMALL, 1)):
        yield Case(part, f"n = {n}", {"n": n})


COUNTED = Exercise("square", "none", (Output("count", integer=True),), lambda n: n * n, count_cases, 1, 1)


@pytest.mark.parametrize(
    ("square", "points", "sentence"),
    [
        (lambda n: n * n, 1.0, "passed: dtype. `count` is an integer."),
        (lambda n: np.int64(n * n), 1.0, "`count` comes as a numpy.int64, which counts as an integer."),
        (lambda n: float(n * n), 0.975, "`count` counts something, and should be an integer; this is of dtype float"),
        (lambda n: [n * n], 0.0, "It gives back a list; `count` should be one number, an integer."),
        (lambda n: n * n + 1, 0.0, "`count` is 26, expected 25: 1.04 times as much."),
        (lambda n: n[0], 0.0, "object is not subscriptable\n      The arguments: `n` = 5."),
    ],
)
def test_a_number_that_counts_is_an_integer(square, points, sentence):
    report = battery.judge(square, COUNTED)
    assert report.points == points
    assert sentence in as_text(report)


def test_the_arrays_of_a_named_tuple_are_arguments_like_others():
    report = battery.judge(total, CACHED)
    assert report.points == 1.0, as_text(report)
    single = list(CACHED.cases(np.random.default_rng(0)))[-1]
    assert single.args["cache"].h.dtype == np.float32 and CACHED.expected(single)[0].dtype == np.float64

    def changes(cache):
        assert type(cache) is Cache
        s = total(cache)
        cache.h[0, 0] += 1
        return s

    report = battery.judge(changes, CACHED)
    assert failed(report) == ["arguments"]
    assert "The call changes `cache`" in as_text(report)


def test_a_named_tuple_is_put_in_another_order_for_a_later_call():
    sums = {}

    def gives_one_array_back(cache):
        s = total(cache)
        mine = sums.setdefault((s.shape, s.dtype), s)
        mine[...] = s
        return mine

    report = battery.judge(gives_one_array_back, CACHED)
    assert failed(report) == ["repetition"]
    assert "A later call changes the array" in as_text(report)


# --- the notebook's own settings ---


@pytest.mark.parametrize("name", EXERCISES)
def test_a_notebook_that_makes_warnings_errors_gets_the_same_verdicts(name):
    exercise = EXERCISES[name]
    module = importlib.import_module(f"rnnlib.checks.styles.{exercise.assignment.split('-')[1]}")
    few = exercise.mistakes[:: max(1, len(exercise.mistakes) // 12)]
    functions = [*module.STYLES[name], *(mistake.variant for mistake in few)]
    before = [as_text(battery.judge(fn, exercise)) for fn in functions]
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [as_text(battery.judge(fn, exercise)) for fn in functions] == before


def test_a_warning_of_the_librarys_is_nothing_to_the_student():
    def reference(cache):
        warnings.warn("some day", DeprecationWarning, stacklevel=1)
        return total(cache)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert battery.judge(total, dataclasses.replace(CACHED, reference=reference)).points == 1.0


# --- neighbours ---


def in_a_notebook(source):
    """Functions that find each other among the global names of one notebook."""
    names = {"np": np}
    exec(compile(source, "<ipython-input-1>", "exec"), names)
    return names


STEP_AND_FORWARD = """
def rnn_step(x, h_prev, W_x, W_h, b):
    {step}

def rnn_forward(xs, h0, W_x, W_h, b):
    h, hs = {start}, []
    for x in xs:
        h = rnn_step(x, h, W_x, W_h, b)
        hs.append(h)
    return np.stack(hs)
"""


@pytest.mark.parametrize(
    "step",
    ["return np.tanh(x @ W_x - h_prev @ W_h + b)", "raise NotImplementedError()", "return 1 / 0", "return None"],
)
def test_a_fault_in_a_neighbour_is_charged_where_it_is(step):
    names = in_a_notebook(STEP_AND_FORWARD.format(step=step, start="h0"))
    mine = names["rnn_step"]
    report, text = judge("rnn_forward", names["rnn_forward"])
    assert report.points == 2.0
    assert "Judged with the course's own `rnn_step` in place of yours" in text
    assert judge("rnn_step", mine)[0].points == 0.0
    assert names["rnn_step"] is mine


@pytest.mark.parametrize(
    ("start", "points", "mistakes"),
    [("h0", 2.0, []), ("np.zeros_like(h0)", 0.0, ["rnn.initial-state-ignored"]), ("h0 + 0.1", 0.0, [])],
)
def test_a_missing_neighbour_is_charged_where_it_is(start, points, mistakes):
    names = in_a_notebook(STEP_AND_FORWARD.format(step="pass", start=start))
    del names["rnn_step"]
    before = dict(names)
    report, text = judge("rnn_forward", names["rnn_forward"])
    assert (report.points, report.mistakes) == (points, mistakes)
    assert "Judged with the course's own `rnn_step` in place of yours" in text
    assert names == before


def test_a_missing_name_of_its_own_is_its_own_fault():
    names = in_a_notebook(STEP_AND_FORWARD.format(step="pass", start="start"))
    report, text = judge("rnn_forward", names["rnn_forward"])
    assert report.points == 0.0
    assert "NameError: name 'start' is not defined" in text and "Judged with" not in text


def elsewhere(fn):
    """A decorator of another module than the student's."""

    @functools.wraps(fn)
    def wrapper(*args):
        return fn(*args)

    return wrapper


@pytest.mark.parametrize(
    "wrapped",
    [
        "rnn_forward = functools.partial(rnn_forward)",
        "rnn_forward = elsewhere(rnn_forward)",
        "rnn_forward = elsewhere(functools.partial(rnn_forward))",
        "run = rnn_forward\nclass Runner:\n    __call__ = lambda self, *args: run(*args)\nrnn_forward = Runner()",
    ],
)
@pytest.mark.parametrize("step", ["def rnn_step(x, *rest): return x", "del rnn_step"])
def test_neighbours_are_replaced_under_a_wrapper(wrapped, step):
    names = in_a_notebook(STEP_AND_FORWARD.format(step="pass", start="h0"))
    names |= {"functools": functools, "elsewhere": elsewhere}
    exec(f"{step}\n{wrapped}", names)
    report, text = judge("rnn_forward", names["rnn_forward"])
    assert report.points == 2.0, text


def test_the_report_speaks_only_of_neighbours_that_were_called():
    source = """
def sample(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    tokens, token, h = [], first, h0
    for u in us:
        h = np.tanh(W_x[token] + h @ W_h + b)
        token = (softmax(readout(h, W_y, b_y) / temperature).cumsum(-1) <= u[:, None]).sum(-1)
        tokens.append(token)
    return np.stack(tokens)
"""
    text = judge("sample", in_a_notebook(source)["sample"])[1]
    assert "Judged with the course's own `readout` and `softmax` in place of yours" in text
    alone = judge("sample", in_a_notebook(source.replace("softmax", "np.tanh").replace("readout", "max"))["sample"])[1]
    assert "0 of 1 point" in alone and "Judged with" not in alone


def test_an_endless_neighbour_is_charged_where_it_is(monkeypatch):
    monkeypatch.setattr(calls, "TIME_LIMIT", 0.2)
    names = in_a_notebook(STEP_AND_FORWARD.format(step="while True: pass", start="h0"))
    assert judge("rnn_forward", names["rnn_forward"])[0].points == 2.0


def test_a_loop_that_a_wrong_neighbour_makes_endless_is_not_charged(monkeypatch):
    monkeypatch.setattr(calls, "TIME_LIMIT", 0.2)
    source = """
def rnn_step(x, h_prev, W_x, W_h, b):
    return 0 * h_prev

def rnn_forward(xs, h0, W_x, W_h, b):
    h, hs = h0, []
    while len(hs) < len(xs):
        h = rnn_step(xs[len(hs)], h, W_x, W_h, b)
        if h.any():
            hs.append(h)
    return np.stack(hs)
"""
    report, text = judge("rnn_forward", in_a_notebook(source)["rnn_forward"])
    assert report.points == 2.0 and "Judged with the course's own `rnn_step`" in text


def test_a_fault_of_its_own_is_named_in_spite_of_a_wrong_neighbour():
    source = STEP_AND_FORWARD.format(step="return np.tanh(x @ W_x - h_prev @ W_h + b)", start="np.zeros_like(h0)")
    report, _ = judge("rnn_forward", in_a_notebook(source)["rnn_forward"])
    assert report.points == 0.0
    assert report.mistakes == ["rnn.initial-state-ignored"]


def test_a_right_neighbour_is_left_in_place():
    names = in_a_notebook(STEP_AND_FORWARD.format(step="return np.tanh(x @ W_x + h_prev @ W_h + b)", start="h0"))
    report, text = judge("rnn_forward", names["rnn_forward"])
    assert report.points == 2.0 and "Judged with" not in text


# --- the call itself ---


def test_check_gives_a_plain_float_and_prints_the_report(capsys):
    def rnn_step(x, h_prev, W_x, W_h, b):
        return np.tanh(x @ W_x + h_prev @ W_h + b)

    points = check(rnn_step)
    assert type(points) is float and points == 1.0
    out, err = capsys.readouterr()
    assert out.startswith("rnn_step, check: 1 of 1 point\n  ✓ passed: structure.")
    assert err == ""
    assert type(check(rnn_step, hidden=True)) is float
    assert "rnn_step, hidden check: 2 of 2 points" in capsys.readouterr().out


def test_the_caller_may_know_the_function_under_its_name_alone(capsys):
    names = in_a_notebook("rnn_step = lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + h @ W_h + b)")
    names |= {"check": check, "partial": functools.partial(right_step)}
    assert eval("check(rnn_step)", names) == 1.0
    names["rnn_step"] = names["partial"]
    assert eval("check(rnn_step)", names) == 1.0


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no exercise named 'cell'; check knows softmax, cross_entropy, rnn_step"):

        def cell():
            pass

        check(cell)


@pytest.mark.parametrize(
    ("name", "fn"),
    [
        ("softmax", activations.softmax),
        ("softmax", functools.partial(activations.softmax)),
        ("rnn_step", EXERCISES["rnn_step"].reference),
        ("rnn_step", styles.rnn_step_one_line),
    ],
)
def test_the_librarys_own_function_is_not_taken_for_the_students(name, fn, capsys):
    with pytest.raises(ValueError, match=rf"this is the library's own {name}; a later cell imported it over yours"):
        eval(f"check({name})", {"check": check, name: fn})
    assert capsys.readouterr() == ("", "")


def test_what_is_no_function_is_said():
    with pytest.raises(TypeError, match=r"takes the function itself, as in check\(rnn_step\); this is of type ndarray"):
        check(np.zeros(3))


def test_a_notebook_shows_a_misuse_without_a_traceback():
    with pytest.raises(ValueError) as caught:
        check(None)
    (line,) = caught.value._render_traceback_()
    assert line.startswith("check takes the function itself") and line.endswith(".")


def test_hidden_cases_depend_on_the_seed_and_visible_ones_do_not(monkeypatch):
    def drawn(hidden):
        case = next(EXERCISES["readout"].cases(generator("readout", hidden)))
        return case.args["W_y"].tobytes()

    visible = drawn(False)
    monkeypatch.delenv("RNNLIB_HIDDEN_SEED", raising=False)
    default = drawn(True)
    monkeypatch.setenv("RNNLIB_HIDDEN_SEED", "spring")
    spring = drawn(True)
    monkeypatch.setenv("RNNLIB_HIDDEN_SEED", "autumn")
    autumn = drawn(True)
    assert len({visible, default, spring, autumn}) == 4
    assert drawn(False) == visible
    assert drawn(True) == autumn


def test_ordinary_cases_hide_nothing():
    for name, exercise in EXERCISES.items():
        for case in exercise.cases(generator(name, True)):
            if case.part != ORDINARY:
                continue
            arrays = [a for a in case.args.values() if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
            assert all((a != 0).all() for a in arrays)
            sizes = [int(size) for size in re.findall(r"\b[TBDHK] = (\d+)", case.words)]
            assert len(set(sizes)) == len(sizes) >= (2 if any(a.ndim > 1 for a in arrays) else 1) and min(sizes) > 1
            if "W_h" in case.args:
                W_h = case.args["W_h"]
                for block in np.split(W_h, W_h.shape[1] // len(W_h), axis=1):
                    assert not np.allclose(block, block.T, atol=1e-2)


def test_a_check_takes_less_than_a_second_and_imports_numpy_alone():
    script = """
import sys, time
from rnnlib import check
def rnn_step(x, h_prev, W_x, W_h, b):
    return __import__("numpy").tanh(x @ W_x + h_prev @ W_h + b)
start = time.monotonic()
assert check(rnn_step) == 1.0
assert time.monotonic() - start < 1, "slow"
heavy = {"torch", "matplotlib", "IPython", "nbgrader", "pytest"} & sys.modules.keys()
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_a_terminal_that_knows_ascii_alone_gets_the_report_too():
    script = "from rnnlib import check\ndef softmax(logits): return logits\nassert check(softmax) == 0.0, 'points'\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        timeout=60,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert b"? failed: values. First at `p[0, 0, 0]`" in done.stdout


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        (np.ones(2), np.ones(2) + 1e-14, True),
        (np.ones(2), np.ones(2) + 1e-6, False),
        (np.ones(2), [1.0, 1.0], False),
        (np.ones(2), [1, [2, 3]], False),
        (np.ones(2), np.array([None, None]), False),
        (np.ones(2), None, False),
        (np.arange(2), np.arange(2), True),
        ([np.ones(2)], None, False),
        ([np.ones(2)], (np.ones(2),), True),
        ((np.ones(2), 3), (np.ones(2), np.ones(2)), False),
        ({"a": np.ones(2)}, {"b": np.ones(2)}, False),
        (3, 3, True),
    ],
)
def test_an_argument_is_unchanged_only_when_it_has_the_same_numbers(was, now, same):
    assert unchanged(was, now) is same
