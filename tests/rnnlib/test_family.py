"""The whole family of cells, with every option: beside torch's autograd, beside differences, beside its equations."""

import copy
import inspect
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import rnnlib
from rnnlib import fast, torch_models
from rnnlib.cells import peephole_lstm
from rnnlib.gradcheck import gradient_errors, relative_error
from rnnlib.layers import Recurrent

#: What Greff et al. 2016 leave out or add: the options of each variant, stated apart from the library's own table.
VARIANTS = {
    "NIG": {"input_gate": False},
    "NFG": {"forget_gate": False},
    "NOG": {"output_gate": False},
    "NIAF": {"input_activation": "identity"},
    "NOAF": {"output_activation": "identity"},
    "CIFG": {"coupled": True},
    "NP": {"peepholes": False},
    "FGR": {"full_gate_recurrence": True},
}


class Entry(NamedTuple):
    """Of the table: a layer's name, its options, and whether it is kept on the plain path."""

    kind: str
    options: dict
    plain: bool = False

    def __str__(self):
        options = (f"{name}={value}" for name, value in self.options.items())
        return "-".join([self.kind, *options, *["plain"] * self.plain])


FAMILY = [
    Entry("RNN", {}),
    Entry("RNN", {"nonlinearity": "relu"}),
    Entry("MultiplicativeRNN", {}),
    Entry("MultiplicativeRNN", {"factors": 2}),
    Entry("DeepTransitionRNN", {}),
    Entry("DeepTransitionRNN", {"depth": 4}),
    Entry("DeepTransitionRNN", {"shortcut": False}),
    Entry("DeepTransitionRNN", {"depth": 3, "shortcut": False}),
    Entry("LSTM1997", {}),
    Entry("LSTM1997", {"truncated": True}),
    Entry("LSTM", {}),
    Entry("PeepholeLSTM", {}),
    *[Entry("PeepholeLSTM", options) for options in VARIANTS.values()],
    Entry("PeepholeLSTM", {"input_activation": "centred2", "output_activation": "centred1"}),
    Entry("PeepholeLSTM", {"input_activation": "centred1", "output_activation": "centred2", "forget_gate": False}),
    Entry("PeepholeLSTM", {"coupled": True, "peepholes": False}),
    Entry("PeepholeLSTM", {"full_gate_recurrence": True, "peepholes": False}),
    Entry("GRU", {}),
    Entry("GRU", {"update": "renew"}),
    Entry("GRU", {"reset": "before"}),
    Entry("GRU", {"reset": "before", "update": "renew"}),
    Entry("GRU", {"recurrent_bias": True}),
    Entry("GRU", {"recurrent_bias": True, "update": "renew"}),
    Entry("MUT1", {}),
    Entry("MUT2", {}),
    Entry("MUT3", {}),
    *[Entry("GatedFeedback", {"over": over}) for over in ("tanh", "lstm", "gru")],
    *[Entry("GatedFeedback", {"over": over, "layers": 3}) for over in ("tanh", "lstm", "gru")],
    Entry("GatedFeedback", {"layers": 1}),
]
# What has a fast path once more without it.
FAMILY += [e._replace(plain=True) for e in FAMILY if fast.applies(getattr(rnnlib, e.kind).cell_type(**e.options))]

whole_family = pytest.mark.parametrize("entry", FAMILY, ids=str)
KINDS = list(dict.fromkeys(entry.kind for entry in FAMILY))


class Case:
    """A layer whose parameters are all drawn anew (no zeros), and everything that its two passes take.

    States are tuples here, also where there is one; `run` gives them to the layer in its own form.
    """

    def __init__(self, entry, T=4, B=3, D=3, H=5, seed=0, dtype=np.float64, scale=0.5, with_state=True, lengths=None):
        rng = np.random.default_rng(seed)

        def normal(shape, scale=1.0):
            return (scale * rng.standard_normal(shape)).astype(np.float32).astype(dtype)

        self.layer = getattr(rnnlib, entry.kind)(D, H, rng=rng, dtype=dtype, **entry.options)
        self.layer.plain = entry.plain
        for name in sorted(self.layer.params):
            self.layer.params[name][...] = normal(self.layer.params[name].shape, scale)
        self.states = self.layer.cell.states
        self.xs, self.dhs, self.lengths = normal((T, B, D)), normal((T, B, H)), lengths
        self.state0 = tuple(normal((B, H)) for _ in self.states) if with_state else None
        self.dstate = tuple(normal((B, H)) for _ in self.states)

    def arrays(self):
        """Everything that goes in, by name."""
        state0 = dict(zip(self.states, self.state0 or (), strict=bool(self.state0)))
        dstate = {f"d{name}": d for name, d in zip(self.states, self.dstate, strict=True)}
        return {"xs": self.xs, "dhs": self.dhs, **state0, **dstate, **self.layer.params}

    def forward(self):
        """hs, and the state as a tuple."""
        hs, state = self.layer.forward(self.xs, self.state0 and self.bare(self.state0), self.lengths)
        return hs, self.tuple(state)

    def run(self, **truncation):
        """hs, the state, and the gradients by name: xs, the initial states, the parameters."""
        hs, state = self.forward()
        return hs, state, self.backward(**truncation)

    def backward(self, **truncation):
        """The gradients of the last `forward` by name."""
        dxs, dstate0 = self.layer.backward(self.dhs, self.bare(self.dstate), **truncation)
        return {"xs": dxs, **dict(zip(self.states, self.tuple(dstate0), strict=True)), **self.layer.grads}

    def loss(self, hs, state):
        """The number whose gradients `run` gives."""
        return (hs * self.dhs).sum() + sum((s * d).sum() for s, d in zip(state, self.dstate, strict=True))

    def part(self, steps, row, state0, last=True):
        """The same layer over some steps of one row (of all rows where it is None), as a case without padding."""
        rows = slice(None) if row is None else slice(row, row + 1)
        part = copy.copy(self)
        part.xs, part.dhs, part.state0, part.lengths = self.xs[steps, rows], self.dhs[steps, rows], state0, None
        part.dstate = tuple(d[rows] if last else np.zeros_like(d[rows]) for d in self.dstate)
        return part

    def zeros(self):
        """The initial state that is meant where there is none."""
        shape = (self.xs.shape[1], self.layer.hidden_size)
        return tuple(np.zeros(shape, self.xs.dtype) for _ in self.states)

    def bare(self, state):
        return state[0] if len(self.states) == 1 else state

    def tuple(self, state):
        return (state,) if len(self.states) == 1 else state


def autograd(case, where="cpu"):
    """What `Case.run` gives, by the torch module and torch's autograd."""
    module = getattr(torch_models, type(case.layer).__name__).from_layer(case.layer).to(where)

    def there(a):
        return torch.tensor(a, device=where)

    xs, *state0 = (there(a).requires_grad_() for a in (case.xs, *(case.state0 or case.zeros())))
    lengths = None if case.lengths is None else there(case.lengths)
    hs, state = module(xs, tuple(state0), lengths)
    loss = (hs * there(case.dhs)).sum() + sum((s * there(d)).sum() for s, d in zip(state, case.dstate, strict=True))
    inputs = {"xs": xs, **dict(zip(case.states, state0, strict=True)), **dict(module.named_parameters())}
    grads = torch.autograd.grad(loss, list(inputs.values()), materialize_grads=True)  # h is unused where truncated
    hs, *state = (a.detach().cpu().numpy() for a in (hs, *state))
    return hs, tuple(state), {name: g.cpu().numpy() for name, g in zip(inputs, grads, strict=True)}


def assert_same(one, other, tolerance):
    """Outputs, states and gradients agree, tensor by tensor."""
    (hs, state, grads), (hs_other, state_other, grads_other) = one, other
    assert grads.keys() == grads_other.keys()
    errors = {"hs": relative_error(hs, hs_other), **{n: relative_error(g, grads_other[n]) for n, g in grads.items()}}
    errors |= {f"state {k}": relative_error(*pair) for k, pair in enumerate(zip(state, state_other, strict=True))}
    assert max(errors.values()) <= tolerance, errors


@st.composite
def draws(draw, largest=5):
    """Sizes, D = H often among them, and whether there is an initial state and padding."""
    drawn = {name: draw(st.integers(1, largest)) for name in "TBDH"}
    if draw(st.integers(0, 3)) == 0:
        drawn["D"] = drawn["H"]
    T, B, drawn["seed"] = drawn["T"], drawn["B"], draw(st.integers(0, 999))
    drawn["scale"], drawn["with_state"] = draw(st.sampled_from([0.1, 0.4, 0.7])), draw(st.booleans())
    lengths = draw(st.none() | st.lists(st.integers(1, T), min_size=B, max_size=B))
    return drawn | {"lengths": None if lengths is None else np.array(lengths)}


def examples(count):
    return settings(derandomize=True, deadline=None, max_examples=count)


# The references


@whole_family
@examples(25)
@given(drawn=draws())
def test_everything_agrees_with_autograd(entry, drawn):
    case = Case(entry, **drawn)
    assert_same(case.run(), autograd(case), 1e-10)


@whole_family
@pytest.mark.parametrize("size", [(1, 1, 1, 1), (5, 1, 4, 3), (5, 3, 1, 4), (5, 3, 4, 1), (1, 3, 4, 2)])
def test_sizes_of_one_agree_with_autograd(entry, size):
    case = Case(entry, *size)
    assert_same(case.run(), autograd(case), 1e-10)


@pytest.mark.gpu
@whole_family
def test_everything_agrees_with_autograd_on_the_gpu(entry):
    for lengths in (None, np.array([4, 1, 3])):
        case = Case(entry, lengths=lengths)
        assert_same(case.run(), autograd(case, torch_models.device()), 1e-10)


@whole_family
@examples(12)
@given(drawn=draws())
def test_float32_stays_float32_and_near_float64(entry, drawn):
    case, exact = Case(entry, **drawn, dtype=np.float32), Case(entry, **drawn)
    (hs, state, grads), (hs_exact, state_exact, grads_exact) = case.run(), exact.run()
    assert {a.dtype for a in (hs, *state, *grads.values())} == {np.dtype(np.float32)}
    pairs = {"hs": (hs, hs_exact), **{name: (g, grads_exact[name]) for name, g in grads.items()}}
    pairs |= {f"state {k}": pair for k, pair in enumerate(zip(state, state_exact, strict=True))}
    for name, (a, b) in pairs.items():
        assert np.linalg.norm(a - b) <= 1e-4 * max(1, np.linalg.norm(b)), name  # what comes in is of size 1


@pytest.mark.parametrize("entry", [e for e in FAMILY if not e.options.get("truncated")], ids=str)
@examples(3)
@given(drawn=draws(largest=3))
def test_gradients_agree_with_differences(entry, drawn):
    case = Case(entry, **(drawn | {"with_state": True}))
    hs, _, grads = case.run()
    if entry.options.get("nonlinearity") == "relu":
        before = np.concatenate([[case.state0[0]], hs[:-1]])
        a = case.xs @ case.layer.params["W_x"] + before @ case.layer.params["W_h"] + case.layer.params["b"]
        assume(np.abs(a).min() > 1e-3)  # differences across the kink are no gradient
    inputs = {name: a for name, a in case.arrays().items() if name in grads}
    errors = gradient_errors(lambda: case.loss(*case.forward()), inputs, grads)
    assert max(errors.values()) <= 1e-6, errors


def test_the_truncated_gradient_of_1997_takes_the_h_before_for_a_constant():
    case = Case(Entry("LSTM1997", {"truncated": True}), B=1)
    hs, _, grads = case.run()
    before = np.concatenate([case.state0[0], hs[:-1, 0]])
    assert not grads.pop("h").any()

    def loss():
        c, total = case.state0[1][0], 0
        for x, h, dh in zip(case.xs[:, 0], before, case.dhs[:, 0], strict=True):
            h, c = one_row("LSTM1997", case.layer.params, {}, x, (h, c))
            total += h @ dh
        return total + h @ case.dstate[0][0] + c @ case.dstate[1][0]

    errors = gradient_errors(loss, {name: a for name, a in case.arrays().items() if name in grads}, grads)
    assert max(errors.values()) <= 1e-6, errors
    assert relative_error(grads["W_h"], Case(Entry("LSTM1997", {}), B=1).run()[2]["W_h"]) > 0.01


# The engine under every cell


@whole_family
@examples(12)
@given(drawn=draws(), lengths=st.lists(st.integers(1, 5), min_size=5, max_size=5))
def test_a_padded_batch_is_its_sequences_one_at_a_time(entry, drawn, lengths):
    T, B = drawn["T"], drawn["B"]
    lengths = np.minimum(lengths[:B], T)
    case = Case(entry, **(drawn | {"lengths": lengths}))
    padded = hs, _, grads = case.run()
    state0 = case.state0 or case.zeros()
    total = {name: np.zeros_like(g) for name, g in grads.items()}
    hs_alone, state_alone = np.zeros_like(hs), tuple(np.zeros_like(s) for s in state0)
    for b, length in enumerate(lengths):
        alone = case.part(slice(0, length), b, tuple(s[b : b + 1] for s in state0))
        hs_alone[:length, b : b + 1], state, grads_alone = alone.run()
        for name, s, last in zip(case.states, state_alone, state, strict=True):
            s[b] = last[0]
            total[name][b] = grads_alone.pop(name)[0]
        total["xs"][:length, b : b + 1] = grads_alone.pop("xs")
        for name, g in grads_alone.items():
            total[name] += g
    assert not hs[np.arange(T)[:, None] >= lengths].any()
    assert_same(padded, (hs_alone, state_alone, total), 1e-12)


@whole_family
@examples(12)
@given(drawn=draws(), longer=st.integers(0, 3), every=st.integers(1, 5))
def test_a_window_as_long_as_the_sequence_is_full_bptt(entry, drawn, longer, every):
    case, T = Case(entry, **drawn), drawn["T"]
    assert_same(case.run(window=T + longer, every=min(every, T)), case.run(), 1e-12)


@whole_family
@examples(12)
@given(drawn=draws())
def test_a_window_of_one_is_the_sum_of_one_step_gradients(entry, drawn):
    case, T = Case(entry, **(drawn | {"lengths": None})), drawn["T"]
    hs, last, grads = case.run(window=1)
    total = {name: np.zeros_like(g) for name, g in grads.items()}
    hs_step, state = np.empty_like(hs), case.state0 or case.zeros()
    for t in range(T):
        hs_step[t : t + 1], state, step = case.part(slice(t, t + 1), None, state, last=t == T - 1).run()
        total["xs"][t : t + 1] = step.pop("xs")
        for name, g in step.items():
            if t == 0 or name not in case.states:
                total[name] += g
    assert_same((hs, last, grads), (hs_step, state, total), 1e-12)


@whole_family
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inputs_of_1e4_saturate_without_a_warning(entry, dtype):
    case = Case(entry, dtype=dtype, T=6)
    case.xs *= 1e4
    hs, state, grads = case.run()
    assert all(np.isfinite(a).all() for a in (hs, *state, *grads.values()))
    assert np.abs(hs).max() > 1e-3


@whole_family
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named(entry, value):
    case = Case(entry)
    for name, array in case.arrays().items():
        array.flat[-1], kept = value, array.flat[-1]
        told = name
        if name in case.states:
            told = f"{name} of state0"
        elif name.removeprefix("d") in case.states:
            told = f"{name.removeprefix('d')} of dstate"
        with pytest.raises(ValueError, match=rf"^{told} is {value} at index .*; every entry should be finite$"):
            case.run()
        array.flat[-1] = kept
    case.run()


@whole_family
def test_nothing_that_goes_in_is_changed_and_two_calls_give_the_same_bits(entry):
    case = Case(entry, lengths=np.array([4, 2, 3]))
    before = {name: a.copy() for name, a in case.arrays().items()}
    first, second = case.run(), case.run()
    for name, a in case.arrays().items():
        np.testing.assert_array_equal(a, before[name], name)
    for one, other in zip((first[0], *first[1]), (second[0], *second[1]), strict=True):
        np.testing.assert_array_equal(one, other)
    for name, g in first[2].items():
        np.testing.assert_array_equal(g, second[2][name], name)
        assert g.any() or entry.options.get("truncated"), name


@whole_family
@pytest.mark.parametrize("lengths", [None, [4, 2, 3]])
def test_changing_what_went_in_or_came_out_does_not_change_the_gradients(entry, lengths):
    case = Case(entry, lengths=None if lengths is None else np.array(lengths))
    expected = case.run()[2]
    for name, g in case.backward().items():  # nothing is left of the backward pass before
        np.testing.assert_array_equal(g, expected[name], name)
    hs, state = case.forward()
    for a in (case.xs, *case.state0, hs, *state):
        a[...] = 0
    if lengths is not None:
        case.lengths[:] = 1
    for name, g in case.backward().items():
        np.testing.assert_array_equal(g, expected[name], name)


# The equations


def dot(v, W):
    """The product of a row and a matrix, term by term."""
    return sum((v[n] * W[n] for n in range(len(v))), np.zeros(W.shape[1:]))


def logistic(a):
    return 1 / (1 + np.exp(-a))


SQUASH = {
    "tanh": np.tanh,
    "relu": lambda a: np.where(a > 0, a, 0),
    "identity": lambda a: a,
    "centred2": lambda a: 4 * logistic(a) - 2,
    "centred1": lambda a: 2 * logistic(a) - 1,
}


def one_row(kind, params, options, x, state):
    """The equations of a cell for one row: its next state, from x (D,) and the state, arrays of shape (H,)."""
    return EQUATIONS[kind](SimpleNamespace(**params), x, *state, **options)


def pieces(a, width):
    """What stands side by side along the last axis, in pieces of `width`."""
    return [a[..., start : start + width] for start in range(0, a.shape[-1], width)]


def rnn(p, x, h, nonlinearity="tanh"):
    return (SQUASH[nonlinearity](dot(x, p.W_x) + dot(h, p.W_h) + p.b),)


def multiplicative(p, x, h, factors=None):
    f = dot(x, p.W_xf) * dot(h, p.W_h)
    return (np.tanh(dot(f, p.W_f) + dot(x, p.W_x) + p.b),)


def deep_transition(p, x, h, depth=2, shortcut=True):
    u = np.tanh(dot(x, p.W_x) + dot(h, p.W_h) + p.b)
    for layer in range(2, depth):
        u = np.tanh(dot(u, vars(p)[f"W_{layer}"]) + vars(p)[f"b_{layer}"])
    a = dot(u, vars(p)[f"W_{depth}"]) + vars(p)[f"b_{depth}"]
    return (np.tanh(a + dot(h, p.W_s)) if shortcut else np.tanh(a),)


def lstm_1997(p, x, h, c, truncated=False):
    a_i, a_g, a_o = pieces(dot(x, p.W_x) + dot(h, p.W_h) + p.b, len(h))
    c = c + logistic(a_i) * SQUASH["centred2"](a_g)
    return logistic(a_o) * SQUASH["centred1"](c), c


def lstm(p, x, h, c):
    a_i, a_f, a_g, a_o = pieces(dot(x, p.W_x) + dot(h, p.W_h) + p.b, len(h))
    c = logistic(a_f) * c + logistic(a_i) * np.tanh(a_g)
    return logistic(a_o) * np.tanh(c), c


def with_peepholes(
    p,
    x,
    h,
    c,
    *gates,
    input_gate=True,
    forget_gate=True,
    output_gate=True,
    input_activation="tanh",
    output_activation="tanh",
    coupled=False,
    peepholes=True,
    full_gate_recurrence=False,
):
    a = pieces(dot(x, p.W_x) + dot(h, p.W_h) + p.b, len(h))
    a_o = a.pop() if output_gate else np.inf
    a_g = a.pop()
    a_f = a.pop() if forget_gate and not coupled else np.inf
    a_i = a.pop() if input_gate else np.inf
    if full_gate_recurrence:
        from_i, from_f, from_o = pieces(dot(np.concatenate(gates), p.W_g), len(h))
        a_i, a_f, a_o = a_i + from_i, a_f + from_f, a_o + from_o
    i = logistic(a_i + (p.p_i * c if peepholes and input_gate else 0))
    f = 1 - i if coupled else logistic(a_f + (p.p_f * c if peepholes and forget_gate else 0))
    c = f * c + i * SQUASH[input_activation](a_g)
    o = logistic(a_o + (p.p_o * c if peepholes and output_gate else 0))
    h = o * SQUASH[output_activation](c)
    return (h, c, i, f, o) if full_gate_recurrence else (h, c)


def gru(p, x, h, reset="after", update="keep", recurrent_bias=False):
    (x_r, x_z, x_n), (U_r, U_z, U_n) = pieces(dot(x, p.W_x) + p.b, len(h)), pieces(p.W_h, len(h))
    r, z = logistic(x_r + dot(h, U_r)), logistic(x_z + dot(h, U_z))
    inside = p.b_h if recurrent_bias else 0
    n = np.tanh(x_n + (dot(r * h, U_n) if reset == "before" else r * (dot(h, U_n) + inside)))
    return ((1 - z) * n + z * h,) if update == "keep" else (z * n + (1 - z) * h,)


def mut1(p, x, h):
    (V_r, V_z, *P), (U_r, U_n), (b_r, b_z, b_n) = (pieces(a, len(h)) for a in (p.W_x, p.W_h, p.b))
    r = logistic(dot(x, V_r) + dot(h, U_r) + b_r)
    z = logistic(dot(x, V_z) + b_z)
    n = np.tanh(dot(r * h, U_n) + np.tanh(dot(x, P[0]) if P else x) + b_n)
    return (z * n + (1 - z) * h,)


def mut2(p, x, h):
    (V_z, V_n, *P), (U_r, U_z, U_n), (b_r, b_z, b_n) = (pieces(a, len(h)) for a in (p.W_x, p.W_h, p.b))
    r = logistic((dot(x, P[0]) if P else x) + dot(h, U_r) + b_r)
    z = logistic(dot(x, V_z) + dot(h, U_z) + b_z)
    n = np.tanh(dot(r * h, U_n) + dot(x, V_n) + b_n)
    return (z * n + (1 - z) * h,)


def mut3(p, x, h):
    (V_r, V_z, V_n), (U_r, U_z, U_n), (b_r, b_z, b_n) = (pieces(a, len(h)) for a in (p.W_x, p.W_h, p.b))
    r = logistic(dot(x, V_r) + dot(h, U_r) + b_r)
    z = logistic(dot(x, V_z) + dot(np.tanh(h), U_z) + b_z)
    n = np.tanh(dot(r * h, U_n) + dot(x, V_n) + b_n)
    return (z * n + (1 - z) * h,)


def gated_feedback(p, x, *state, layers=2, over="tanh"):
    H, own = len(state[0]), {"tanh": 0, "lstm": 3, "gru": 2}[over]
    old, memories, hs, cs = state[:layers], state[layers:], [], []

    def of(name, j):
        return vars(p)[name if j == 1 else f"{name}{j}"]

    for j in range(1, layers + 1):
        s = 0
        for i in range(1, layers + 1):
            column = p.W_gh[:, (j - 1) * layers + i - 1]
            g = logistic(sum(x * of("W_gx", j)[:, i - 1]) + sum(np.concatenate(old) * column))
            s = s + g * dot(old[i - 1], pieces(of("W_h", i), H)[own + j - 1])
        a, from_own = pieces(dot(x, of("W_x", j)) + of("b", j), H), pieces(dot(old[j - 1], of("W_h", j)), H)
        if over == "tanh":
            h = np.tanh(a[0] + s)
        elif over == "gru":
            r, z = logistic(a[0] + from_own[0]), logistic(a[1] + from_own[1])
            h = (1 - z) * np.tanh(a[2] + r * s) + z * old[j - 1]
        else:
            i, f, o = (logistic(a[k] + from_own[u]) for k, u in ((0, 0), (1, 1), (3, 2)))
            cs.append(f * memories[j - 1] + i * np.tanh(a[2] + s))
            h = o * np.tanh(cs[-1])
        hs.append(h)
        x = h
    return (*hs, *cs)


EQUATIONS = {
    "RNN": rnn,
    "MultiplicativeRNN": multiplicative,
    "DeepTransitionRNN": deep_transition,
    "LSTM1997": lstm_1997,
    "LSTM": lstm,
    "PeepholeLSTM": with_peepholes,
    "GRU": gru,
    "MUT1": mut1,
    "MUT2": mut2,
    "MUT3": mut3,
    "GatedFeedback": gated_feedback,
}


@whole_family
@pytest.mark.parametrize("size", [(4, 2, 3, 5), (4, 2, 5, 5), (3, 1, 1, 1)])
def test_the_displayed_equations_step_by_step(entry, size):
    case = Case(entry, *size)
    hs, state_after = case.forward()
    output = case.layer.cell.output
    for row in range(size[1]):
        state = tuple(s[row] for s in case.state0)
        for t, x in enumerate(case.xs[:, row]):
            state = one_row(entry.kind, case.layer.params, entry.options, x, state)
            assert relative_error(hs[t, row], state[output]) < 1e-13
        for after, expected in zip(state_after, state, strict=True):
            assert relative_error(after[row], expected) < 1e-13


@pytest.mark.parametrize("kind", KINDS)
def test_the_docstring_displays_an_equation_for_every_block_and_state(kind):
    cells = [Case(entry).layer.cell for entry in FAMILY if entry.kind == kind]
    letters = {letter for cell in cells for letter in (*cell.blocks, *cell.states)}
    doc = inspect.getdoc(cells[0])
    if kind == "GatedFeedback":  # what is its own: the rest is as in the cells that its layers are
        letters = {"h^j", "g^j", "n^j", "s^j"}
    assert ".. math::" in doc
    for letter in letters:
        assert f"{letter}_t &=" in doc, letter


# The table


def test_the_table_holds_every_recurrent_layer_of_the_library():
    public = {name: getattr(rnnlib, name) for name in rnnlib.__all__}
    recurrent = {n for n, thing in public.items() if isinstance(thing, type) and issubclass(thing, Recurrent)}
    assert recurrent == set(KINDS) == EQUATIONS.keys() == PARAMETERS.keys()
    assert recurrent <= vars(torch_models).keys()
    assert {entry.kind for entry in FAMILY if entry.plain} == {"RNN", "LSTM", "GRU"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_holds_every_option_also_where_it_is_not_the_default(kind):
    signature = inspect.signature(getattr(rnnlib, kind).cell_type)
    defaults = {name: parameter.default for name, parameter in signature.parameters.items()}
    assert getattr(torch_models, kind).defaults == defaults
    tried = {name for e in FAMILY if e.kind == kind for name, v in e.options.items() if v != defaults[name]}
    assert tried == defaults.keys()


def test_the_eight_variants_are_those_of_the_library():
    assert peephole_lstm.VARIANTS == VARIANTS


#: Number of parameters, from D, H and the options.
PARAMETERS = {
    "RNN": lambda D, H, _: D * H + H * H + H,
    "MultiplicativeRNN": lambda D, H, o: D * H + H + (D + 2 * H) * o.get("factors", H),
    "DeepTransitionRNN": lambda D, H, o: (
        D * H + o.get("depth", 2) * (H * H + H) + (H * H if o.get("shortcut", True) else 0)
    ),
    "LSTM1997": lambda D, H, _: 3 * (D * H + H * H + H),
    "LSTM": lambda D, H, _: 4 * (D * H + H * H + H),
    "PeepholeLSTM": lambda D, H, o: (
        (4 - len({"input_gate", "forget_gate", "output_gate", "coupled"} & o.keys())) * (D * H + H * H + H)
        + (3 - len({"input_gate", "forget_gate", "output_gate", "coupled"} & o.keys())) * H * o.get("peepholes", 1)
        + 9 * H * H * o.get("full_gate_recurrence", 0)
    ),
    "GRU": lambda D, H, o: 3 * (D * H + H * H + H) + (H if o.get("recurrent_bias") else 0),
    "MUT1": lambda D, H, _: (2 + (D != H)) * D * H + 2 * H * H + 3 * H,
    "MUT2": lambda D, H, _: (2 + (D != H)) * D * H + 3 * H * H + 3 * H,
    "MUT3": lambda D, H, _: 3 * (D * H + H * H + H),
    "GatedFeedback": lambda D, H, o: gated_feedback_parameters(D, H, o.get("layers", 2), o.get("over", "tanh")),
}


def gated_feedback_parameters(D, H, L, over):
    own = {"tanh": 0, "lstm": 3, "gru": 2}[over]
    inputs = (D + (L - 1) * H) * ((own + 1) * H + L) + L * (own + 1) * H
    return inputs + L * H * (own + L) * H + L * H * L * L


@whole_family
@pytest.mark.parametrize(("D", "H"), [(3, 5), (4, 4)])
def test_parameters_are_as_many_as_the_equations_say(entry, D, H):
    layer = Case(entry, D=D, H=H).layer
    assert layer.count_parameters() == PARAMETERS[entry.kind](D, H, entry.options)


@whole_family
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_there_and_back_gives_the_same_bits(entry, dtype):
    layer = Case(entry, dtype=dtype).layer
    module = getattr(torch_models, entry.kind).from_layer(layer)
    back = module.to_layer()
    with torch.no_grad():
        for p in module.parameters():
            p.zero_()  # neither the layer before nor the one after shares its memory
    assert type(back) is type(layer) and back.arguments == layer.arguments
    assert back.params.keys() == layer.params.keys()
    for name, p in layer.params.items():
        assert p.all() and back.params[name].dtype == dtype
        np.testing.assert_array_equal(back.params[name], p)
