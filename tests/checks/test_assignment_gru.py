"""Assignment 04-gru: its references are the library's cell and engine, its conventions the library's options."""

import numpy as np
import pytest

from rnnlib import GRU, activations, bptt, cells
from rnnlib.checks import GRUCache, battery, exercises
from rnnlib.checks.assignments import gru
from rnnlib.checks.report import as_text
from rnnlib.checks.styles import gru as styles

ASSIGNMENT = {exercise.name: exercise for exercise in exercises() if exercise.assignment == "04-gru"}


def drawn(dtype, T=6, B=2, D=3, H=4):
    rng = np.random.default_rng(0)
    shapes = ((T, B, D), (B, H), (D, 3 * H), (H, 3 * H), (3 * H,), (T, B, H))
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_references_are_the_librarys_functions(dtype):
    xs, h0, W_x, W_h, b, dhs = drawn(dtype)
    params = {"W_x": W_x, "W_h": W_h, "b": b}
    right, _, tape = bptt.forward(cells.GRU(), params, xs, (h0,))
    dxs, (dh0,), grads = bptt.backward(cells.GRU(), tape, dhs)
    close = {"rtol": 0, "atol": 200 * np.finfo(dtype).eps, "strict": True}

    hs, caches = gru.gru_forward(xs, h0, W_x, W_h, b)
    np.testing.assert_allclose(hs, right, **close)
    gradients = gru.gru_backward(dhs, caches, W_x, W_h)
    for got, want in zip(gradients, (dxs, dh0, grads["W_x"], grads["W_h"], grads["b"]), strict=True):
        np.testing.assert_allclose(got, want, **close)

    h, cache = gru.gru_step(xs[0], h0, W_x, W_h, b)
    np.testing.assert_allclose(h, right[0], **close)
    (W_xr, W_xz, W_xn), (W_hr, W_hz, W_hn), (b_r, b_z, b_n) = (np.split(w, 3, axis=-1) for w in (W_x, W_h, b))
    np.testing.assert_allclose(gru.reset_gate(xs[0], h0, W_xr, W_hr, b_r), cache.r, **close)
    np.testing.assert_allclose(gru.update_gate(xs[0], h0, W_xz, W_hz, b_z), cache.z, **close)
    np.testing.assert_allclose(gru.gru_candidate(xs[0], h0, cache.r, W_xn, W_hn, b_n), cache.n, **close)
    np.testing.assert_allclose(gru.interpolate(cache.z, h0, cache.n), h, **close)
    np.testing.assert_allclose(cache.h_n, h0 @ W_hn, **close)

    alone = bptt.backward(cells.GRU(), bptt.forward(cells.GRU(), params, xs[:1], (h0,))[2], dhs[:1])
    gradients = gru.gru_step_backward(dhs[0], cache, W_x, W_h)
    for got, want in zip(gradients, (alone[0][0], alone[1][0], *alone[2].values()), strict=True):
        np.testing.assert_allclose(got, want, **close)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_conventions_are_the_librarys_options(dtype):
    xs, h0, W_x, W_h, b, _ = drawn(dtype)
    close = {"rtol": 0, "atol": 50 * np.finfo(dtype).eps, "strict": True}
    hs, _ = gru.gru_forward(xs, h0, W_x, W_h, b)
    renewing = GRU(3, 4, rng=np.random.default_rng(0), dtype=dtype, update="renew")
    renewing.params = dict(zip(("W_x", "W_h", "b"), gru.other_convention(W_x, W_h, b), strict=True))
    np.testing.assert_allclose(renewing.forward(xs, h0)[0], hs, **close)

    before, _ = gru._unrolled(gru._step_with(n=gru._candidate_in_step(gru.gru_candidate_reset_before)))(
        xs, h0, W_x, W_h, b
    )
    layer = GRU(3, 4, rng=np.random.default_rng(0), dtype=dtype, reset="before")
    layer.params = {"W_x": W_x, "W_h": W_h, "b": b}
    np.testing.assert_allclose(layer.forward(xs, h0)[0], before, **close)
    assert np.abs(before - hs).max() > 0.1


def test_one_row_without_the_batchs_axis_is_taken():
    xs, h0, W_x, W_h, b, dhs = drawn(np.float64)
    h, cache = gru.gru_step(xs[0, 1], h0[1], W_x, W_h, b)
    whole, kept = gru.gru_step(xs[0], h0, W_x, W_h, b)
    np.testing.assert_allclose(h, whole[1], rtol=0, atol=1e-14)
    row = GRUCache(*(entry[1:] for entry in kept))
    for got, want in zip(
        gru.gru_step_backward(dhs[0, 1], cache, W_x, W_h),
        gru.gru_step_backward(dhs[0, 1:], row, W_x, W_h),
        strict=True,
    ):
        np.testing.assert_allclose(got, want.reshape(got.shape), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["reset_gate", "update_gate"])
def test_a_naive_sigmoid_is_right_and_costs_its_warning(name):
    def gate(x, h_prev, W_x, W_h, b):
        return 1 / (1 + np.exp(-(x @ W_x + h_prev @ W_h + b)))

    report = battery.judge(gate, ASSIGNMENT[name])
    assert [line.part for line in report.lines if line.verdict == "failed"] == ["warnings"]
    assert report.points == 0.975 * report.full and not report.mistakes


def changing_dh(dh, cache, W_x, W_h):
    gradients = styles.step_backward_stacked(dh, cache, W_x, W_h)
    dh *= 1 - cache.z
    return gradients


def changing_the_cache(dh, cache, W_x, W_h):
    gradients = styles.step_backward_stacked(dh, cache, W_x, W_h)
    np.multiply(cache.r, cache.h_n, out=cache.h_n)
    return gradients


def changing_dhs(dhs, caches, W_x, W_h):
    dxs, totals = np.zeros((*dhs.shape[:2], len(W_x)), dhs.dtype), [0, 0, 0]
    for t in range(len(dhs) - 1, -1, -1):
        dxs[t], carry, *parts = gru_step_backward(dhs[t], caches[t], W_x, W_h)
        totals = [total + part for total, part in zip(totals, parts, strict=True)]
        if t:
            dhs[t - 1] += carry
    return dxs, carry, *totals


def changing_the_weights(W_x, W_h, b):
    for weights in (W_x, W_h, b):
        weights[..., len(W_h) : 2 * len(W_h)] *= -1
    return W_x.copy(), W_h.copy(), b.copy()


gru_step_backward = styles.step_backward_stacked


@pytest.mark.parametrize(
    ("name", "fn", "changed"),
    [
        ("gru_step_backward", changing_dh, "`dh`"),
        ("gru_step_backward", changing_the_cache, "`cache`"),
        ("gru_backward", changing_dhs, "`dhs`"),
        ("other_convention", changing_the_weights, "`W_x` and `W_h` and `b`"),
    ],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_changing_an_argument_costs_the_line_on_arguments_alone(name, fn, changed, hidden):
    report = battery.judge(fn, ASSIGNMENT[name], hidden)
    assert [line.part for line in report.lines if line.verdict == "failed"] == ["arguments"]
    assert f"The call changes {changed}, which belong" in as_text(report)
    assert report.points == pytest.approx(0.975 * report.full, abs=1e-3)


@pytest.mark.parametrize(
    ("order", "words"), [("zrn", "the order of Keras and ONNX, which write h for n"), ("nzr", "in the order n, z, r.")]
)
@pytest.mark.parametrize("name", ["gru_step", "gru_forward", "gru_step_backward", "gru_backward"])
def test_another_order_of_the_blocks_is_named_with_its_users(name, order, words):
    found = [m for m in ASSIGNMENT[name].mistakes if m.name == "gru.gate-order" and words in m.words]
    assert len(found) == (1 if "backward" not in name else 3)
    assert {m.name for m in ASSIGNMENT[name].mistakes if words in m.words} == {"gru.gate-order"}


def test_every_order_of_the_blocks_is_named():
    def step(x, h_prev, W_x, W_h, b):
        blocks = [np.split(w, 3, axis=-1) for w in (W_x, W_h, b)]
        parts = {letter: [w[place] for w in blocks] for place, letter in enumerate(order)}
        r, z = (activations.sigmoid(x @ W + h_prev @ U + c) for W, U, c in (parts["r"], parts["z"]))
        W, U, c = parts["n"]
        n = np.tanh(x @ W + c + r * (h_prev @ U))
        return (1 - z) * n + z * h_prev, GRUCache(x, h_prev, r, z, n, h_prev @ U)

    for order in ("rnz", "zrn", "znr", "nrz", "nzr"):
        report = battery.judge(step, ASSIGNMENT["gru_step"])
        assert report.mistakes == ["gru.gate-order"]
        assert f"are taken in the order {', '.join(order)}." in as_text(report)


def test_the_gradient_of_a_wrong_forward_is_not_charged_twice():
    """The forward of Chung 2014 beside the right gradient of the course: full points, with a note."""
    names = {"np": np, "GRUCache": GRUCache}
    source = (
        "def gru_step_backward(dh, cache, W_x, W_h):\n"
        "    x, h_prev, r, z, n, h_n = cache\n"
        "    da_n = dh * (1 - z) * (1 - n**2)\n"
        "    da_r, da_z = da_n * h_n * r * (1 - r), dh * (h_prev - n) * z * (1 - z)\n"
        "    da_x, da_h = np.hstack([da_r, da_z, da_n]), np.hstack([da_r, da_z, da_n * r])\n"
        "    return da_x @ W_x.T, dh * z + da_h @ W_h.T, x.T @ da_x, h_prev.T @ da_h, da_x.sum(axis=0)\n"
    )
    exec(source, names)
    names["gru_step"] = gru._step_with(h=lambda v: v.z * v.n + (1 - v.z) * v.h_prev)
    report = battery.judge(names["gru_step_backward"], ASSIGNMENT["gru_step_backward"])
    assert report.points == report.full
    (line,) = (line for line in report.lines if line.part == "differences")
    assert line.verdict == "note" and "gives other values than it should" in line.words


def test_states_in_place_of_caches_get_a_sentence():
    def gru_forward(xs, h0, W_x, W_h, b):
        hs, _ = gru.gru_forward(xs, h0, W_x, W_h, b)
        return hs, hs

    report = battery.judge(gru_forward, ASSIGNMENT["gru_forward"])
    assert report.points == 0 and "which should be a list with the GRUCache" in report.lines[0].words
