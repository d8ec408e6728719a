"""Assignment 03-lstm: its references are the library's cells, in-place work costs little, and its figures hold."""

import numpy as np
import pytest

from rnnlib import bptt, lend
from rnnlib.cells.lstm import LSTM
from rnnlib.cells.peephole_lstm import PeepholeLSTM
from rnnlib.checks import LSTMCache, battery, exercises
from rnnlib.checks.assignments import lstm
from rnnlib.checks.report import as_text
from rnnlib.checks.styles import lstm as styles
from rnnlib.convert.conventions import CONVENTIONS

EXERCISES = {exercise.name: exercise for exercise in exercises() if exercise.assignment == "03-lstm"}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_references_are_the_librarys_functions(dtype):
    rng = np.random.default_rng(0)
    T, B, D, H = 6, 2, 3, 4
    xs, h0, c0, W_x, W_h, b, dhs = (
        rng.standard_normal(shape).astype(dtype)
        for shape in ((T, B, D), (B, H), (B, H), (D, 4 * H), (H, 4 * H), (4 * H,), (T, B, H))
    )
    close = {"rtol": 0, "atol": 50 * np.finfo(dtype).eps, "strict": True}
    params = {"W_x": W_x, "W_h": W_h, "b": b}
    states, (h, c), tape = bptt.forward(LSTM(), params, xs, (h0, c0))
    hs, cs, caches = lstm.lstm_forward(xs, h0, c0, W_x, W_h, b)
    np.testing.assert_allclose(hs, states, **close)
    np.testing.assert_allclose(cs[-1], c, **close)
    np.testing.assert_allclose(lstm.lstm_step(xs[0], h0, c0, W_x, W_h, b)[0], states[0], **close)
    dxs, (dh0, dc0), grads = bptt.backward(LSTM(), tape, dhs)
    close["atol"] *= 10
    expected = dxs, dh0, dc0, grads["W_x"], grads["W_h"], grads["b"]
    for got, want in zip(lstm.lstm_backward(dhs, caches, W_x, W_h), expected, strict=True):
        np.testing.assert_allclose(got, want, **close)
    gates = zip(np.split(W_x, 4, axis=1), np.split(W_h, 4, axis=1), np.split(b, 4), strict=True)
    functions = (lstm.input_gate, lstm.forget_gate, lstm.candidate, lstm.output_gate)
    for function, weights, kept in zip(functions, gates, caches[0][3:7], strict=True):
        np.testing.assert_allclose(function(xs[0], h0, *weights), kept, **close)
    peepholes = {name: rng.standard_normal(H).astype(dtype) for name in ("p_i", "p_f", "p_o")}
    states, (h, c), _ = bptt.forward(PeepholeLSTM(), params | peepholes, xs[:1], (h0, c0))
    for got, want in zip(lstm.peephole_step(xs[0], h0, c0, W_x, W_h, b, *peepholes.values()), (h, c), strict=True):
        np.testing.assert_allclose(got, want, **close)


def test_the_words_on_another_order_name_the_library_that_has_it():
    for library in ("PyTorch", "Keras"):
        (convention,) = (c for c in CONVENTIONS if (c.library, c.operator) == (library, "LSTM"))
        assert tuple(convention.blocks) == lstm.ORDER
    (onnx,) = (c for c in CONVENTIONS if (c.library, c.operator) == ("ONNX", "LSTM"))
    assert "ONNX" in lstm.WHOSE["".join(onnx.blocks)]
    assert {tuple(order) for order in lstm.WHOSE} <= set(lstm.OTHER_ORDERS) and len(lstm.OTHER_ORDERS) == 23


def lstm_step_backward_in_place(dh, dc, cache, W_x, W_h):
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    do = dh * tanh_c
    dh *= o * (1 - tanh_c**2)
    dc += dh
    da = np.concatenate([dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g**2), do * o * (1 - o)], 1)
    dc *= f
    f *= 0  # of no more use here
    return da @ W_x.T, da @ W_h.T, dc, x.T @ da, h_prev.T @ da, da.sum(axis=0)


def lstm_backward_in_place(dhs, caches, W_x, W_h):
    dc = np.zeros_like(dhs[0])
    sums = [np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[0])]
    dxs = []
    for t in reversed(range(len(dhs))):
        dx, dh_prev, dc, *new = styles.lstm_step_backward_letters(dhs[t], dc, caches[t], W_x, W_h)
        for total, gradient in zip(sums, new, strict=True):
            total += gradient
        dxs.insert(0, dx)
        if t > 0:
            dhs[t - 1] += dh_prev
        caches[t].i[:] = 0
    return np.stack(dxs), dh_prev, dc, *sums


@pytest.mark.parametrize(
    ("name", "fn", "changed"),
    [
        ("lstm_step_backward", lstm_step_backward_in_place, "`dh` and `dc` and `cache`"),
        ("lstm_backward", lstm_backward_in_place, "`dhs` and `caches`"),
    ],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_a_right_gradient_that_works_in_place_loses_the_line_on_arguments_alone(name, fn, changed, hidden):
    report = battery.judge(fn, EXERCISES[name], hidden)
    failed = [line for line in report.lines if line.verdict == "failed"]
    assert [line.part for line in failed] == ["arguments"]
    assert f"The call changes {changed}, which belong to the caller." in failed[0].words
    assert report.points == pytest.approx(0.975 * report.full, abs=1e-3)


@pytest.mark.parametrize("name", ["input_gate", "lstm_step", "lstm_forward", "peephole_step"])
def test_a_sigmoid_that_overflows_without_harm_loses_the_line_on_warnings_alone(name, monkeypatch):
    monkeypatch.setattr(styles, "sigmoid", lambda a: 1 / (1 + np.exp(-a)))
    style = {"input_gate": 0, "lstm_step": 0, "lstm_forward": 4, "peephole_step": 0}[name]
    report = battery.judge(styles.STYLES[name][style], EXERCISES[name])
    assert [line.part for line in report.lines if line.verdict == "failed"] == ["warnings"]
    assert battery.OVERFLOW in as_text(report)


def test_one_fault_in_the_step_is_charged_once(monkeypatch):
    wrong = next(m for m in EXERCISES["lstm_step"].mistakes if m.name == "lstm.output-tanh-missing").variant
    monkeypatch.setattr(styles, "lstm_step", wrong)
    assert battery.judge(wrong, EXERCISES["lstm_step"]).points == 0
    for name in ("lstm_forward", "lstm_step_backward", "lstm_backward"):
        exercise = EXERCISES[name]
        report = battery.judge(styles.STYLES[name][0], exercise)
        assert report.points == exercise.points
    assert "Judged with the course's own `lstm_step`" in as_text(
        battery.judge(styles.lstm_forward, EXERCISES["lstm_forward"])
    )


def test_a_backward_step_of_the_students_wrong_forward_step_is_told_so(monkeypatch):
    variants = {
        name: next(
            m for m in EXERCISES[name].mistakes if m.name == "lstm.output-tanh-missing" and "h = o * c." in m.words
        )
        for name in ("lstm_step_backward",)
    }
    wrong = next(m for m in EXERCISES["lstm_step"].mistakes if m.name == "lstm.output-tanh-missing").variant
    consistent = variants["lstm_step_backward"].variant
    names = {"lstm_step": wrong, "consistent": consistent}
    exec("def lstm_step_backward(*args): return consistent(*args)", names)
    report = battery.judge(names["lstm_step_backward"], EXERCISES["lstm_step_backward"])
    assert report.points == 0 and report.mistakes == ["lstm.output-tanh-missing"]
    (line,) = (line for line in report.lines if line.part == "differences")
    assert "this is the gradient of your `lstm_step`; but that function gives other values" in line.words


def test_a_plain_tuple_in_place_of_the_cache_is_explained():
    def lstm_step(*args):
        h, c, cache = lstm.lstm_step(*args)
        return h, c, tuple(cache)

    words = battery.judge(lstm_step, EXERCISES["lstm_step"]).lines[0].words
    assert f"should be LSTMCache({', '.join(LSTMCache._fields)})" in words


def test_every_function_can_be_lent():
    rng = np.random.default_rng(0)
    arguments = [rng.standard_normal(shape) for shape in ((2, 3), (2, 4), (2, 4), (3, 16), (4, 16), (16,))]
    h, c, cache = lend("lstm_step")(*arguments)
    assert len(lend("lstm_step_backward")(h, c, cache, *arguments[3:5])) == 6
