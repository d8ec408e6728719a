"""The fast path beside the plain one: every kernel that runs here, every cell it has, values and gradients."""

import os
import platform
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

import rnnlib
from rnnlib import bptt, cells, fast
from rnnlib.fast import in_c, in_numpy
from rnnlib.gradcheck import gradient_errors, relative_error

CELLS = {
    "RNN": cells.Elman(),
    "LSTM": cells.LSTM(),
    "GRU": cells.GRU(),
    "GRU with a recurrent bias": cells.GRU(recurrent_bias=True),
}
SHAPES = [(6, 3, 4, 5), (2, 1, 1, 1), (1, 9, 2, 3), (7, 4, 5, 33), (5, 17, 3, 16), (40, 8, 9, 70)]
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


@pytest.fixture(params=["numpy", *(["avx512", "avx2"] if platform.machine() in ("x86_64", "AMD64") else ["any"])])
def kernels(request, monkeypatch):
    """What computes the steps."""
    module = in_numpy
    if request.param != "numpy":
        module, libraries = in_c, in_c._load(request.param)
        if libraries is None:
            pytest.skip(f"no C compiler built rnnlib.fast for {request.param}, or this processor has none")
        monkeypatch.setattr(in_c, "_libraries", libraries)
    monkeypatch.setattr(fast, "kernels", module)
    return request.param


@pytest.fixture(params=CELLS)
def cell(request):
    return CELLS[request.param]


def draw(cell, shape, dtype=np.float64, seed=0):
    """Parameters, input, initial state, and gradients by outputs and last state, none of them zero or symmetric."""
    (T, B, D, H), rng = shape, np.random.default_rng(seed)

    def normal(*shape, scale=1.0):
        return (scale * rng.standard_normal(shape)).astype(dtype)

    def state():
        return tuple(normal(B, H) for _ in cell.states)

    params = {name: normal(*shape, scale=shape[0] ** -0.5) for name, shape in cell.shapes(D, H).items()}
    return params, normal(T, B, D), state(), normal(T, B, H), state()


def run(engine, cell, params, xs, state0, dhs, dstate=None, lengths=None, **truncation):
    """Everything that forward and backward return, by name."""
    hs, state, tape = engine.forward(cell, params, xs, state0, lengths)
    dxs, dstate0, grads = engine.backward(cell, tape, dhs, dstate, **truncation)
    assert grads.keys() == params.keys()
    states = {f"last {s}": a for s, a in zip(cell.states, state, strict=True)}
    states |= {f"d{s}0": a for s, a in zip(cell.states, dstate0, strict=True)}
    return {"hs": hs, "dxs": dxs, **states, **grads}


def assert_equal(ours, theirs, tolerance):
    assert ours.keys() == theirs.keys()
    for name, a in ours.items():
        assert a.dtype == theirs[name].dtype
        assert a.shape == theirs[name].shape
        assert relative_error(a, theirs[name]) < tolerance, name


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES)
def test_it_equals_the_plain_path(kernels, cell, shape, dtype):
    drawn = draw(cell, shape, dtype)
    assert_equal(run(fast, cell, *drawn), run(bptt, cell, *drawn), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_in_pieces_of_one_step_and_of_some(kernels, cell, dtype, monkeypatch):
    T, B, D, H = 7, 3, 4, 5
    drawn, taken, pieces = draw(cell, (T, B, D, H), dtype), [], fast._pieces
    plain = run(bptt, cell, *drawn)

    def recorded_pieces(*arguments):
        taken.extend(pieces(*arguments))
        return iter(taken)

    monkeypatch.setattr(fast, "_pieces", recorded_pieces)
    for steps, expected in [
        (1, [(t, t + 1) for t in reversed(range(T))]),
        (3, [(6, 7), (3, 6), (0, 3)]),
        (T, [(0, T)]),
    ]:
        taken.clear()
        monkeypatch.setattr(fast, "PIECE", steps * B)  # rows of the batch
        assert_equal(run(fast, cell, *drawn), plain, TOLERANCE[dtype])
        assert taken == expected


@pytest.mark.parametrize("lengths", [[5, 1, 3, 5], [2, 2, 1, 4]])
@pytest.mark.parametrize("piece", [1, 2 * 4, 1 << 22])  # rows: one step, two, all
def test_sequences_of_unequal_length(kernels, cell, lengths, piece, monkeypatch):
    monkeypatch.setattr(fast, "PIECE", piece)
    drawn, lengths = draw(cell, (5, 4, 3, 6)), np.array(lengths)
    together = run(fast, cell, *drawn, lengths=lengths)
    assert_equal(together, run(bptt, cell, *drawn, lengths=lengths), 1e-12)
    assert (together["hs"][lengths[0] :, 0] == 0).all()
    params, xs, state0, dhs, dstate = drawn
    total = 0
    for b, n in enumerate(lengths):
        one = slice(b, b + 1)
        state0_b, dstate_b = (tuple(s[one] for s in state) for state in (state0, dstate))
        alone = run(fast, cell, params, xs[:n, one], state0_b, dhs[:n, one], dstate_b)
        np.testing.assert_allclose(together["hs"][:n, one], alone["hs"], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(together["last h"][one], alone["last h"], rtol=1e-12, atol=1e-14)
        total = total + alone["W_h"]
    assert relative_error(together["W_h"], total) < 1e-12


def test_gradients_agree_with_differences(kernels, cell):
    params, xs, state0, dhs, dstate = draw(cell, (4, 2, 3, 5))
    ours = run(fast, cell, params, xs, state0, dhs, dstate)

    def loss():
        hs, state, _ = fast.forward(cell, params, xs, state0)
        return (hs * dhs).sum() + sum((s * d).sum() for s, d in zip(state, dstate, strict=True))

    errors = gradient_errors(loss, {"dxs": xs, **params}, {name: ours[name] for name in ("dxs", *params)})
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("truncation", [{"window": 2}, {"window": 3, "every": 2}, {"window": 9}])
def test_truncation_is_the_plain_path_s(kernels, cell, truncation):
    params, xs, state0, dhs, _ = draw(cell, (6, 3, 4, 5))
    for lengths in (None, np.array([6, 2, 4])):
        drawn = (cell, params, xs, state0, dhs)
        ours = run(fast, *drawn, lengths=lengths, **truncation)
        assert_equal(ours, run(bptt, *drawn, lengths=lengths, **truncation), 1e-12)


def test_inputs_of_1e4_saturate_without_a_warning(kernels, cell):
    for dtype, tolerance in TOLERANCE.items():
        params, xs, state0, dhs, dstate = draw(cell, (6, 3, 4, 5), dtype)
        for sign in (1, -1):
            drawn = params, np.full_like(xs, sign * 1e4), state0, dhs, dstate
            ours, plain = run(fast, cell, *drawn), run(bptt, cell, *drawn)
            for name, a in ours.items():
                np.testing.assert_allclose(a, plain[name], atol=tolerance * max(1, np.abs(plain[name]).max()))


def test_arguments_are_not_changed_and_two_calls_give_the_same_bits(kernels, cell):
    lengths = np.array([6, 2, 4])
    drawn, again = draw(cell, (6, 3, 4, 5)), draw(cell, (6, 3, 4, 5))
    first, second = (run(fast, cell, *drawn, lengths=lengths) for _ in range(2))
    for name, a in first.items():
        np.testing.assert_array_equal(a, second[name])
    for ours, theirs in zip((drawn[0].values(), *drawn[1:]), (again[0].values(), *again[1:]), strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_is_returned_is_the_caller_s_own(kernels, cell):
    params, xs, state0, dhs, dstate = draw(cell, (6, 3, 4, 5))
    expected = run(fast, cell, params, xs, state0, dhs, dstate)
    hs, state, tape = fast.forward(cell, params, xs, state0)
    for a in (hs, *state, *state0):
        a[:] = 7
    for _ in range(2):  # and backward twice gives the same twice
        dxs, dstate0, grads = fast.backward(cell, tape, dhs, dstate)
        np.testing.assert_array_equal(dxs, expected["dxs"])
        np.testing.assert_array_equal(dstate0[0], expected["dh0"])
        for name, g in grads.items():
            np.testing.assert_array_equal(g, expected[name])
        for a in (dxs, *dstate0, *grads.values()):
            a[:] = 7


def test_arrays_may_lie_in_memory_as_they_like(kernels, cell):
    params, xs, state0, dhs, dstate = draw(cell, (6, 3, 4, 5))

    turn = np.asfortranarray
    turned = {name: turn(p) for name, p in params.items()}, turn(xs), tuple(map(turn, state0)), turn(dhs)
    ours = run(fast, cell, *turned, tuple(map(turn, dstate)))
    assert_equal(ours, run(bptt, cell, params, xs, state0, dhs, dstate), 1e-12)


def test_threads_share_the_work_and_change_no_bit(kernels, cell, monkeypatch):
    monkeypatch.setattr(fast, "COLUMNS", 7)
    for shape in [(5, 9, 3, 20), (5, 2, 3, 4)]:
        drawn = draw(cell, shape)
        monkeypatch.setattr(in_c, "threads", 1)
        alone = run(fast, cell, *drawn)
        monkeypatch.setattr(in_c, "threads", 4)
        for name, a in run(fast, cell, *drawn).items():
            np.testing.assert_array_equal(a, alone[name], name)


def test_threads_may_be_used_on_both_sides_of_a_fork():
    if not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    code = """
import os, numpy as np, rnnlib
from rnnlib.fast import in_c
in_c.threads = 2
layer = rnnlib.LSTM(3, 4, rng=np.random.default_rng(0))
xs = np.ones((5, 4, 3))
hs, _ = layer.forward(xs)
layer.backward(hs)
child = os.fork()
layer.backward(layer.forward(xs)[0])
same = (layer.forward(xs)[0] == hs).all()
if child == 0:
    os._exit(int(not same))
assert same and os.waitpid(child, 0)[1] == 0
print("both")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "both\n", done.stderr


@pytest.mark.parametrize("engine", [bptt, fast], ids=["plain", "fast"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"xs": np.zeros((6, 3, 5))}, r"xs has shape \(6, 3, 5\); it should be \(T, B, D\) with D = 4"),
        ({"xs": np.full((6, 3, 4), np.nan)}, r"xs is nan at index \(0, 0, 0\)"),
        ({"state0": (np.zeros((3, 5)), np.zeros((3, 6)))}, r"c of state0 has shape \(3, 6\)"),
        ({"dhs": np.zeros((5, 3, 5))}, r"dhs has shape \(5, 3, 5\)"),
        ({"dstate": (np.zeros((3, 5)), np.full((3, 5), np.inf))}, "c of dstate is inf"),
        ({"lengths": np.array([1, 2, 7])}, r"lengths is 7 at index \(2,\); it should be from 1 to T = 6"),
        ({"every": 0}, "every is 0; it should be an integer of at least 1"),
        ({"window": 1, "every": 2}, "window is 1; it should be at least every = 2"),
        ({"params": {}}, "W_x should be among them"),
    ],
)
def test_wrong_arguments_are_named_alike(engine, change, message):
    names = ("params", "xs", "state0", "dhs", "dstate")
    arguments = dict(zip(names, draw(cells.LSTM(), (6, 3, 4, 5)), strict=True)) | change
    with pytest.raises(ValueError, match=message):
        run(engine, cells.LSTM(), **arguments)


def test_which_cells_it_has():
    others = [cells.Elman("relu"), cells.GRU(reset="before"), cells.GRU(update="renew")]
    assert [fast.applies(cell) for cell in (*CELLS.values(), *others)] == [True] * 4 + [False] * 3


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_layer_takes_it_and_may_be_kept_on_the_plain_path(kind, monkeypatch):
    taken = []
    for engine in (fast, bptt):
        for name in ("forward", "backward"):
            monkeypatch.setattr(engine, name, recorded(taken, f"{engine.__name__}.{name}", getattr(engine, name)))
    layer = getattr(rnnlib, kind)(3, 4, rng=np.random.default_rng(0))
    xs, grads = np.random.default_rng(1).standard_normal((5, 2, 3)), []
    for layer.plain in (False, True):
        layer.backward(layer.forward(xs)[0])
        grads.append(layer.grads["W_h"])
    assert taken == [f"rnnlib.{engine}.{name}" for engine in ("fast", "bptt") for name in ("forward", "backward")]
    assert relative_error(*grads) < 1e-12
    taken.clear()
    layer.plain = False
    layer.backward(layer.forward(xs[:1])[0])  # a single step, as when text is written, is not worth the preparations
    assert taken == ["rnnlib.bptt.forward", "rnnlib.bptt.backward"]


def recorded(taken, name, function):
    def call(*args):
        taken.append(name)
        return function(*args)

    return call


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_layer_uses_its_arrays_again_and_what_it_returned_stays(kernels, kind):
    rng = np.random.default_rng(2)
    layer = getattr(rnnlib, kind)(3, 4, rng=rng)
    plain = getattr(rnnlib, kind)(3, 4, rng=rng)
    plain.params, plain.plain = layer.params, True
    returned, used = [], []
    for T, B in [(5, 2), (5, 2), (6, 2), (6, 3), (6, 3)]:
        xs, dhs = rng.standard_normal((T, B, 3)), rng.standard_normal((T, B, 4))
        ours, theirs = ([each.forward(xs)[0], each.backward(dhs)[0]] for each in (layer, plain))
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
        returned += [(a, a.copy()) for a in ours]
        used.append(layer._tape.arrays)
    for a, copy in returned:
        np.testing.assert_array_equal(a, copy)
    assert [a is b for a, b in pairwise(used)] == [True, False, False, True]


def test_the_environment_switches_the_c_functions_off():
    code = "from rnnlib import fast; print(fast.kernels.__name__)"
    environment = {"RNNLIB_FUSED": "0", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "rnnlib.fast.in_numpy"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_tanh_are_right_to_the_last_digits(kernels, dtype):
    """By a GRU whose z is σ of its bias, and whose candidate is tanh of it."""
    rng = np.random.default_rng(0)
    a = np.concatenate([rng.uniform(-1, 1, 40) * 10.0**k for k in range(-6, 4)]).astype(dtype)
    a = np.sort(np.concatenate([a, np.array([-np.inf, 0, np.inf], dtype)]))
    n = a.size
    gates, h, m = np.empty((1, 1, 3 * n), dtype), np.zeros((2, 1, n), dtype), np.empty((1, 1, n), dtype)
    W_x, W_h = (
        fast.kernels.prepare(np.zeros((rows, 3 * n), dtype), b)
        for rows, b in ((1, np.tile(a, 3)), (n, np.zeros_like(gates[0, 0])))
    )
    fast.kernels.gru_forward(W_x, W_h, np.ones((1, 1, 1), dtype), gates, h, m)
    exact = a.astype(np.longdouble)
    with np.errstate(over="ignore"):
        sigmoid = 1 / (1 + np.exp(-exact))
    z, tanh = gates[0, 0, n : 2 * n], gates[0, 0, 2 * n :]
    assert np.abs(z - sigmoid).max() < 1.5 * np.finfo(dtype).eps
    assert relative_error(tanh, np.tanh(exact)) < 2 * np.finfo(dtype).eps
    small = np.abs(exact) < 1e-3
    nonzero = small & (exact != 0)
    assert np.abs(tanh[nonzero] / np.tanh(exact[nonzero]) - 1).max() < 2.5 * np.finfo(dtype).eps
