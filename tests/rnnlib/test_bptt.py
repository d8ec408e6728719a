"""The engine: truncation by its definition, and what it refuses. What holds under every cell is in test_family.py."""

import numpy as np
import pytest

from rnnlib import bptt, cells
from rnnlib.gradcheck import relative_error

CELLS = {
    "RNN": cells.Elman(),
    "LSTM": cells.LSTM(),
    "GRU": cells.GRU(),
    "GRU before": cells.GRU(reset="before"),  # takes ranges of a matrix's columns
    "GatedFeedback": cells.GatedFeedback(over="lstm"),  # its output is not its first state
}
T, B, D, H = 6, 3, 4, 5  # all different: an exchanged axis shows


@pytest.fixture(params=CELLS)
def kind(request):
    """Name of a layer, whose cell is in `CELLS`."""
    return request.param


def draw(kind, seed):
    """Parameters, input, initial state and incoming gradients, none of them zero or symmetric."""
    rng, cell = np.random.default_rng(seed), CELLS[kind]

    def normal(*shape):
        return 0.6 * rng.standard_normal(shape)

    def state():
        return tuple(normal(B, H) for _ in cell.states)

    params = {name: normal(*shape) for name, shape in cell.shapes(D, H).items()}
    return params, normal(T, B, D), state(), normal(T, B, H), state()


def run(kind, params, xs, state0, dhs, dstate=None, lengths=None, **truncation):
    """Outputs, last state, and gradients by name: xs, the states, the parameters."""
    cell = CELLS[kind]
    hs, state, tape = bptt.forward(cell, params, xs, state0, lengths)
    dxs, dstate0, grads = bptt.backward(cell, tape, dhs, dstate, **truncation)
    return hs, state, {"xs": dxs, **dict(zip(cell.states, dstate0, strict=True)), **grads}


def truncated_by_definition(kind, params, xs, state0, dhs, window, every):
    """Williams and Peng's rule with a full BPTT for each pass over a copy of the steps it may see."""
    length, names = len(dhs), CELLS[kind].states
    total = {"xs": np.zeros_like(xs), **{name: np.zeros_like(p) for name, p in params.items()}}
    total |= {name: np.zeros_like(s) for name, s in zip(names, state0, strict=True)}
    ends = [*range(every, length, every), length]
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        stop = max(0, end - window)
        outputs = dhs[stop:end].copy()
        outputs[: start - stop] = 0
        state = state0 if stop == 0 else bptt.forward(CELLS[kind], params, xs[:stop], state0)[1]
        grads = run(kind, params, xs[stop:end], state, outputs)[2]
        total["xs"][stop:end] += grads.pop("xs")
        for name in names:
            dstate = grads.pop(name)
            if stop == 0:
                total[name] += dstate
        for name, g in grads.items():
            total[name] += g
    return total


@pytest.mark.parametrize(("window", "every"), [(1, 1), (2, 1), (3, 2), (4, 4), (5, 3), (6, 1), (20, 4), (6, 6)])
def test_truncation_is_what_it_is_defined_as(kind, window, every):
    params, xs, state0, dhs, _ = draw(kind, 4)
    grads = run(kind, params, xs, state0, dhs, window=window, every=every)[2]
    expected = truncated_by_definition(kind, params, xs, state0, dhs, window, every)
    assert grads.keys() == expected.keys()
    for name, g in grads.items():
        assert relative_error(g, expected[name]) < 1e-13, name


@pytest.mark.parametrize("window", [1, 3, 6])
def test_a_padded_batch_is_truncated_as_its_sequences_one_at_a_time(kind, window):
    params, xs, state0, dhs, dstate = draw(kind, 14)
    lengths = np.array([6, 1, 4])
    grads = run(kind, params, xs, state0, dhs, dstate, lengths, window=window)[2]
    names = CELLS[kind].states
    for name in params:
        grads[name] = -grads[name]
    for row, length in enumerate(lengths):
        alone = slice(row, row + 1)
        alone_state0, alone_dstate = (tuple(s[alone] for s in state) for state in (state0, dstate))
        one = run(kind, params, xs[:length, alone], alone_state0, dhs[:length, alone], alone_dstate, window=window)[2]
        for name in names:
            assert relative_error(grads[name][alone], one[name]) < 1e-13, name
        assert relative_error(grads["xs"][:length, alone], one["xs"]) < 1e-13
        for name in params:
            grads[name] += one[name]
    for name in params:
        assert np.linalg.norm(grads[name]) < 1e-12, name


def test_truncation_changes_the_gradient(kind):
    params, xs, state0, dhs, _ = draw(kind, 6)
    full, short = (run(kind, params, xs, state0, dhs, **kw)[2]["W_h"] for kw in ({}, {"window": 2}))
    assert relative_error(full, short) > 0.01


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"xs": np.zeros((T, B, D + 1))}, ValueError, r"xs has shape \(6, 3, 5\); it should be \(T, B, D\) with D = 4"),
        ({"xs": np.zeros((0, B, D))}, ValueError, r"xs has shape \(0, 3, 4\)"),
        ({"xs": np.zeros((T, B, D), np.float32)}, ValueError, "xs has dtype float32; it should be float64"),
        ({"xs": np.full((T, B, D), np.inf)}, ValueError, r"xs is inf at index \(0, 0, 0\)"),
        (
            {"h0": np.zeros((H, B))},
            ValueError,
            r"h of state0 has shape \(5, 3\); it should be \(B, H\) with B = 3",
        ),
        ({"h0": [0.0]}, TypeError, "h of state0 is of type list"),
        ({"W_h": np.zeros((H, H + 1))}, ValueError, r"W_h has shape \(5, 6\)"),
        ({"b": np.full(H, np.nan)}, ValueError, r"b is nan at index \(0,\)"),
        ({"W_f": np.zeros((H, H))}, ValueError, r"params has the keys .*; they should be \['W_h', 'W_x', 'b'\]"),
        ({"lengths": [6, 6, 6]}, TypeError, r"lengths is of type list; it should be a numpy array of shape \(B,\)"),
        ({"lengths": np.array([6, 6])}, ValueError, r"lengths has shape \(2,\); it should be \(B,\) with B = 3"),
        ({"lengths": np.array([6.0, 6, 6])}, ValueError, "lengths has dtype float64; it should be an integer type"),
        ({"lengths": np.array([6, 0, 6])}, ValueError, r"lengths is 0 at index \(1,\); it should be from 1 to T = 6"),
        ({"lengths": np.array([6, 6, 7])}, ValueError, r"lengths is 7 at index \(2,\)"),
        ({"dhs": np.zeros((T, H, B))}, ValueError, r"dhs has shape \(6, 5, 3\)"),
        ({"dh_last": np.zeros((B + 1, H))}, ValueError, r"h of dstate has shape \(4, 5\)"),
        ({"window": 2.5}, ValueError, "window is 2.5; it should be an integer of at least 1"),
        ({"window": 0}, ValueError, "window is 0; it should be an integer of at least 1"),
        ({"window": 2, "every": 1.5}, ValueError, "every is 1.5; it should be an integer of at least 1"),
        ({"window": 2, "every": 3}, ValueError, "window is 2; it should be at least every = 3"),
        ({"every": 0}, ValueError, "every is 0; it should be an integer of at least 1"),
    ],
)
def test_wrong_arguments_are_named(change, error, message):
    params, xs, (h0,), dhs, (dh_last,) = draw("RNN", 11)
    arguments = {**params, "xs": xs, "h0": h0, "dhs": dhs, "dh_last": dh_last} | change
    params = {name: arguments.pop(name) for name in list(arguments) if name.startswith(("W", "b"))}
    states = {"state0": (arguments.pop("h0"),), "dstate": (arguments.pop("dh_last"),)}
    with pytest.raises(error, match=message):
        run("RNN", params, **arguments, **states)


@pytest.mark.parametrize("kind, wanted", [("RNN", r"1: \(h,\)"), ("LSTM", r"2: \(h, c\)")])
def test_a_state_that_is_no_tuple_is_named(kind, wanted):
    params, xs, state0, _, _ = draw(kind, 12)
    with pytest.raises(TypeError, match=f"state0 is a ndarray; it should be a tuple of {wanted}"):
        bptt.forward(CELLS[kind], params, xs, state0[0])


@pytest.mark.parametrize("name", ["W_x", "W_h"])
def test_a_parameter_that_is_missing_is_named(name):
    params, xs, state0, _, _ = draw("RNN", 13)
    del params[name]
    with pytest.raises(ValueError, match=f"params has the keys .*; {name} should be among them"):
        bptt.forward(CELLS["RNN"], params, xs, state0)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda p: p.linear("W_h", np.ones((B, H))), "W_h is used twice in step 3; it should be used once"),
        (
            lambda p: p.linear("W_h", np.ones((B, H)), columns=(0, 2)),
            "columns 0 to 2 of W_h is used twice in step 3",
        ),
        (lambda p: p.scale("p_i", np.ones((B, H))), "p_i is used twice in step 3"),
        (lambda p: p.shift("b", np.ones((B, H))), "b is used twice in step 3"),
    ],
)
def test_a_weight_that_is_used_twice_in_a_step_is_named(use, message):
    products = bptt.Products({"W_h": np.ones((H, H)), "p_i": np.ones(H), "b": np.ones(H)})
    for products.t in (None, 2, 3):
        use(products)
    products.linear("W_h", np.ones((B, H)), columns=(2, 4))  # other columns are another matrix
    with pytest.raises(ValueError, match=message):
        use(products)
    products.t = None
    with pytest.raises(ValueError, match="used twice for all steps"):
        use(products)
