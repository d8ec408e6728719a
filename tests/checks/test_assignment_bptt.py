"""Assignment 02-bptt: its references are the library's functions; what half of all right solutions do is explained."""

import numpy as np
import pytest

from rnnlib import Dense, Embedding, bptt, losses
from rnnlib.cells.elman import Elman
from rnnlib.checks import battery, exercises, lend
from rnnlib.checks.assignments import bptt as assignment
from rnnlib.checks.assignments.rnn import rnn_forward
from rnnlib.checks.cases import ORDINARY, generator
from rnnlib.checks.report import as_text

EXERCISES = {exercise.name: exercise for exercise in exercises() if exercise.assignment == "02-bptt"}
SEQUENCE = ("dhs", "xs", "h0", "hs", "W_x", "W_h")


def network(dtype, T=7):
    """The arguments of a backward pass, and what the library's engine keeps of the forward pass."""
    rng = np.random.default_rng(0)
    xs, h0, W_x, W_h, b, dhs = (
        rng.standard_normal(shape).astype(dtype) for shape in ((T, 2, 3), (2, 4), (3, 4), (4, 4), (4,), (T, 2, 4))
    )
    hs, _, tape = bptt.forward(Elman(), {"W_x": W_x, "W_h": W_h, "b": b}, xs, (h0,))
    return dict(zip(SEQUENCE, (dhs, xs, h0, hs, W_x, W_h), strict=True)), tape, b


def assert_same(got, want, dtype):
    close = {"rtol": 0, "atol": 200 * np.finfo(dtype).eps}
    for a, b in zip(got, want, strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, **close)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [None, 1, 2, 3, 6, 10])
def test_the_gradients_of_a_sequence_are_the_engines(dtype, k):
    args, tape, _ = network(dtype, T=6)
    dxs, (dh0,), grads = bptt.backward(Elman(), tape, args["dhs"], window=k, every=k or 1)
    if k is None:
        got = assignment.rnn_backward(*args.values())
    else:
        got = assignment.truncated_rnn_backward(*args.values(), k)
    if k is None or k >= len(dxs):
        assert_same(got[1:2], (dh0,), dtype)
    assert_same((got[0], *got[2:]), (dxs, grads["W_x"], grads["W_h"], grads["b"]), dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [2, 3, 4])
def test_each_chunk_is_a_short_sequence_of_the_engines(dtype, k):
    args, _, b = network(dtype)
    weights = {"W_x": args["W_x"], "W_h": args["W_h"], "b": b}
    dxs, totals, state, dh0 = [], dict.fromkeys(weights, 0), (args["h0"],), None
    for start in range(0, 7, k):
        _, state, tape = bptt.forward(Elman(), weights, args["xs"][start : start + k], state)
        dx, (dh,), grads = bptt.backward(Elman(), tape, args["dhs"][start : start + k])
        dxs.append(dx)
        totals = {name: total + grads[name] for name, total in totals.items()}
        dh0 = dh if start == 0 else dh0
    got = assignment.truncated_rnn_backward(*args.values(), k)
    assert_same(got, (np.concatenate(dxs), dh0, *totals.values()), dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_norms_are_those_of_the_engines_gradients(dtype):
    args, _, b = network(dtype)
    hs, T, weights = args["hs"], len(args["hs"]), {"W_x": args["W_x"], "W_h": args["W_h"], "b": b}
    expected = [np.linalg.norm(args["dhs"][-1])]
    for t in range(T - 2, -1, -1):
        _, _, tape = bptt.forward(Elman(), weights, args["xs"][t + 1 :], (hs[t],))
        dhs = np.zeros_like(hs[t + 1 :])
        dhs[-1] = args["dhs"][-1]
        expected.append(np.linalg.norm(bptt.backward(Elman(), tape, dhs)[1][0]))
    got = assignment.gradient_norms(args["dhs"][-1], hs, args["W_h"])
    assert_same((got,), (np.array(expected[::-1]),), dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_gradients_of_loss_readout_and_word_vectors_are_the_layers(dtype):
    rng = np.random.default_rng(1)
    hs, targets = rng.standard_normal((5, 2, 4)).astype(dtype), rng.integers(3, size=(5, 2))
    dense = Dense(4, 3, rng=rng, dtype=dtype)
    logits, _ = dense.forward(hs)
    dlogits = assignment.cross_entropy_backward(logits, targets)
    assert_same((dlogits,), (losses.cross_entropy_backward(logits, targets),), dtype)
    dhs, _ = dense.backward(dlogits)
    got = assignment.readout_backward(dlogits, hs, dense.params["W_y"])
    assert_same(got, (dhs, dense.grads["W_y"], dense.grads["b_y"]), dtype)

    tokens = rng.integers(6, size=(5, 2))
    embedding = Embedding(6, 4, rng=rng, dtype=dtype)
    embedding.forward(tokens)
    embedding.backward(hs)
    assert_same((assignment.embedding_backward(hs, tokens, 6),), (embedding.grads["W_e"],), dtype)


@pytest.mark.parametrize("k", [1, 2, 3, 7, 9])
def test_the_states_between_chunks_are_those_of_the_uncut_sequence(k):
    args, _, b = network(np.float64)
    states = assignment.chunk_states(args["xs"], args["h0"], args["W_x"], args["W_h"], b, k)
    before = [args["h0"], *args["hs"]]
    np.testing.assert_allclose(states, [before[t] for t in range(0, 7, k)], rtol=0, atol=1e-14)


def in_place(dhs, xs, h0, hs, W_x, W_h):
    """Right numbers, with the carried gradient added into the argument."""
    dxs, weights = np.zeros_like(xs), [np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(h0[0])]
    for t in reversed(range(len(xs))):
        h_prev = hs[t - 1] if t > 0 else h0
        dxs[t], dh_prev, *step = assignment.rnn_step_backward(dhs[t], xs[t], h_prev, hs[t], W_x, W_h)
        for total, new in zip(weights, step, strict=True):
            total += new
        if t > 0:
            dhs[t - 1] += dh_prev
    return dxs, dh_prev, *weights


@pytest.mark.parametrize("hidden", [False, True])
def test_a_gradient_added_into_the_argument_costs_little_and_is_explained_before_any_number(hidden):
    report = battery.judge(in_place, EXERCISES["rnn_backward"], hidden)
    assert [line.part for line in report.lines if line.verdict == "failed"] == ["arguments"]
    assert report.points == report.full * 0.975
    text = as_text(report)
    assert "The call changes `dhs`, which belongs to the caller." in text
    parts = [line.part for line in report.lines]
    assert parts.index("arguments") < parts.index("values") < parts.index("differences")


def test_a_function_that_calls_a_lent_one_is_judged_by_itself():
    names = {"np": np, "rnn_forward": lend("rnn_forward")}
    source = (
        "def chunk_states(xs, h0, W_x, W_h, b, k):\n hs = [h0, *rnn_forward(xs, h0, W_x, W_h, b)]\n"
        " return np.stack([hs[t] for t in range(0, len(xs), k)])"
    )
    exec(source, names)
    report = battery.judge(names["chunk_states"], EXERCISES["chunk_states"])
    assert report.points == report.full


def test_a_wrong_forward_of_an_earlier_assignment_is_not_charged():
    names = {"np": np, "rnn_forward": lambda xs, h0, W_x, W_h, b: rnn_forward(xs, h0, W_x, W_h.T, b)}
    source = (
        "def chunk_states(xs, h0, W_x, W_h, b, k):\n hs = [h0, *rnn_forward(xs, h0, W_x, W_h, b)]\n"
        " return np.stack([hs[t] for t in range(0, len(xs), k)])"
    )
    exec(source, names)
    report = battery.judge(names["chunk_states"], EXERCISES["chunk_states"])
    assert report.points == report.full
    assert "Judged with the course's own `rnn_forward` in place of yours" in as_text(report)


@pytest.mark.parametrize("name", ["readout_backward", "rnn_step_backward", "rnn_backward", "truncated_rnn_backward"])
def test_the_usual_bounds_bite_in_ordinary_cases(name):
    for seed in range(30):
        cases = [case for case in EXERCISES[name].cases(np.random.default_rng(seed)) if case.part == ORDINARY]
        for largest in (
            [np.abs(next(iter(case.args.values()))).max() for case in cases],
            [max(np.abs(dW).max() for dW in EXERCISES[name].expected(case)[-3:]) for case in cases],
        ):
            assert min(largest) > 5 and max(largest) > 10


def test_a_norm_in_a_python_float_beside_float32_arrays_is_taken():
    def clip_by_global_norm(grads, max_norm):
        norm = float(np.sqrt(sum(float((g**2).sum()) for g in grads.values())))
        return {name: g * min(1.0, max_norm / norm) if norm else g for name, g in grads.items()}, norm

    exercise = EXERCISES["clip_by_global_norm"]
    assert battery.judge(clip_by_global_norm, exercise).points == exercise.points


def test_the_visible_cases_of_truncation_have_a_shorter_last_chunk_and_none():
    for name in ("chunk_states", "truncated_rnn_backward"):
        for hidden in (False, True):
            cases = [c.args for c in EXERCISES[name].cases(generator(name, hidden))][:2]
            assert [len(args["xs"]) % args["k"] > 0 for args in cases] == [True, False]
