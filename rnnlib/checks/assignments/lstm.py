"""Assignment 03-lstm: the gates, a step, a whole sequence, and the gradients of both; peepholes and the forget bias."""

import itertools
from types import SimpleNamespace

import numpy as np

from rnnlib.activations import sigmoid
from rnnlib.checks.caches import LSTMCache
from rnnlib.checks.cases import EXTREME, ORDINARY, SINGLE, SMALL, Case, draw_sizes, in_words, to_single
from rnnlib.checks.exercises import Exercise, Hints, Mistake, Output

ORDER = ("i", "f", "g", "o")
NAMES = {"i": "input gate", "f": "forget gate", "g": "candidate", "o": "output gate"}
tanh = np.tanh

# --- The references, under the signatures that the student writes. ---
# The battery also lends them to a student's functions in place of wrong neighbours. There they have to take whatever a
# right function may give to its own: one row, a list. A test holds that they equal the library's.


def input_gate(x, h_prev, W_xi, W_hi, b_i):
    """How much of the candidate goes in (B, H)."""
    return sigmoid(x @ W_xi + h_prev @ W_hi + b_i)


def forget_gate(x, h_prev, W_xf, W_hf, b_f):
    """How much of the memory stays (B, H)."""
    return sigmoid(x @ W_xf + h_prev @ W_hf + b_f)


def candidate(x, h_prev, W_xg, W_hg, b_g):
    """What may be added to the memory (B, H)."""
    return np.tanh(x @ W_xg + h_prev @ W_hg + b_g)


def output_gate(x, h_prev, W_xo, W_ho, b_o):
    """How much of the memory comes out (B, H)."""
    return sigmoid(x @ W_xo + h_prev @ W_ho + b_o)


def lstm_step(x, h_prev, c_prev, W_x, W_h, b):
    """State and memory after one step (B, H), and what its backward step needs."""
    a = x @ W_x + h_prev @ W_h + b
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=-1)
    i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
    c = f * c_prev + i * g
    tanh_c = np.tanh(c)
    kept = (np.asarray(value) for value in (x, h_prev, c_prev, i, f, g, o, tanh_c))
    return o * tanh_c, c, LSTMCache(*kept)


def lstm_forward(xs, h0, c0, W_x, W_h, b):
    """States and memories of a sequence (T, B, H), and the caches of its steps."""
    return _unrolled(lstm_step)(xs, h0, c0, W_x, W_h, b)


def lstm_step_backward(dh, dc, cache, W_x, W_h):
    """The gradients by the arguments of one step, in their order."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = map(np.asarray, cache)
    dc = dc + dh * o * (1 - tanh_c**2)
    parts = [dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)]
    da = np.concatenate(parts, axis=-1)
    rows = da.reshape(-1, da.shape[-1])
    dW_x, dW_h = x.reshape(len(rows), -1).T @ rows, h_prev.reshape(len(rows), -1).T @ rows
    return da @ W_x.T, da @ W_h.T, dc * f, dW_x, dW_h, rows.sum(axis=0)


def lstm_backward(dhs, caches, W_x, W_h):
    """The gradients by the arguments of a whole sequence, in their order."""
    return _back_through_time(lstm_step_backward)(dhs, caches, W_x, W_h)


def peephole_step(x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o):
    """State and memory after one step whose gates see the memory (B, H)."""
    a_i, a_f, a_g, a_o = np.split(x @ W_x + h_prev @ W_h + b, 4, axis=-1)
    i, f = sigmoid(a_i + p_i * c_prev), sigmoid(a_f + p_f * c_prev)
    c = f * c_prev + i * np.tanh(a_g)
    return sigmoid(a_o + p_o * c) * np.tanh(c), c


def set_forget_bias(b, value):
    """A new bias (4H,) with one value in the forget gate's block."""
    H = len(b) // 4
    return np.concatenate([b[:H], np.full(H, value, b.dtype), b[2 * H :]])


def _unrolled(step, start=lambda h0, c0: (h0, c0), carry=lambda h, c, h0, c0: (h, c)):
    """The sequence function that repeats a step; a wrong one may start from, or hand on, something else."""

    def forward(xs, h0, c0, W_x, W_h, b):
        (h, c), hs, cs, caches = start(h0, c0), [], [], []
        for x in xs:
            h, c, cache = step(x, h, c, W_x, W_h, b)
            hs.append(h)
            cs.append(c)
            caches.append(cache)
            h, c = carry(h, c, h0, c0)
        return np.stack(hs), np.stack(cs), caches

    return forward


def _back_through_time(
    step,
    steps=lambda T: range(T)[::-1],
    first_dc=lambda dhs: 0.0,
    incoming=lambda dhs, t, dh_next: dhs[t] + dh_next,
    hand_on=lambda v: (v.dh_prev, v.dc_prev),
    add=lambda total, new: total + new,
    keep=(),
    at_the_end=lambda gradients: gradients,
):
    """The walk back through time that repeats a backward step; in a wrong one, a part is something else."""

    def backward(dhs, caches, W_x, W_h):
        dxs = np.zeros((len(caches), *np.shape(caches[0].x)), dhs.dtype)
        dh, dc = 0.0, first_dc(dhs) + np.zeros_like(dhs[0])
        dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros(W_h.shape[-1], W_h.dtype)
        dh_prev = dc_prev = np.zeros_like(dhs[0])
        for t in steps(len(caches)):
            dh = incoming(dhs, t, dh)
            dxs[t], dh_prev, dc_prev, *of_step = step(dh, dc, caches[t], W_x, W_h)
            sums = zip((3, 4, 5), (dW_x, dW_h, db), of_step, strict=True)
            dW_x, dW_h, db = (new if k in keep else add(total, new) for k, total, new in sums)
            at_t = {"dh": dh, "dc": dc, "dh_prev": dh_prev, "dc_prev": dc_prev, "t": t, "T": len(caches)}
            dh, dc = hand_on(SimpleNamespace(**at_t))
        return at_the_end((dxs, dh_prev, dc_prev, dW_x, dW_h, db))

    return backward


# --- The cases: sizes that all differ, states, memories and biases that are not zero, weights without symmetry. ---


def _gate_cases(letter):
    def arguments(rng, B, D, H):
        names = ("x", "h_prev", f"W_x{letter}", f"W_h{letter}", f"b_{letter}")
        values = (rng.standard_normal((B, D)), rng.uniform(-1, 1, (B, H)), *_weights(rng, D, H, 1))
        return dict(zip(names, values, strict=True))

    def with_a_bend(rng, **sizes):
        """With a pre-activation at which a sigmoid of straight pieces is farthest from a smooth one."""
        while True:
            args = arguments(rng, **sizes)
            x, h_prev, W_x, W_h, b = args.values()
            a = np.abs(x @ W_x + h_prev @ W_h + b)
            if ((a > 2.35) & (a < 2.8)).any():
                return args

    def cases(rng):
        for part, words, sizes in _sizes_of_a_step(rng):
            yield Case(part, words, (with_a_bend if part == ORDINARY else arguments)(rng, **sizes))
        sizes = draw_sizes(rng, "BDH")
        yield Case(EXTREME, in_words(sizes) + ", inputs of about ±10000", _saturated(arguments, rng, sizes, 1))
        sizes = draw_sizes(rng, "BDH")
        yield Case(SINGLE, in_words(sizes), to_single(arguments(rng, **sizes)))

    return cases


def _step_cases(step):
    def arguments(rng, B, D, H):
        args = _step_arguments(rng, B, D, H)
        if step is peephole_step:
            args |= {f"p_{gate}": rng.uniform(0.5, 1.2, H) * rng.choice([-1, 1], H) for gate in "ifo"}
        return args

    def cases(rng):
        for part, words, sizes in _sizes_of_a_step(rng):
            yield Case(part, words, arguments(rng, **sizes))
        sizes = draw_sizes(rng, "BDH")
        yield Case(EXTREME, in_words(sizes) + ", inputs of about ±10000", _saturated(arguments, rng, sizes, 4))
        args = _with_much_memory(arguments, rng, sizes, lambda *args: step(*args)[1])
        yield Case(EXTREME, in_words(sizes) + ", a memory of about ±10000", args)
        sizes = draw_sizes(rng, "BDH")
        yield Case(SINGLE, in_words(sizes), to_single(arguments(rng, **sizes)))

    return cases


def _forward_cases(rng):
    for part, words, sizes in _sizes_of_a_sequence(rng):
        yield Case(part, words, _sequence_arguments(rng, **sizes))
    sizes = draw_sizes(rng, "TBDH")
    yield Case(EXTREME, in_words(sizes) + ", inputs of about ±10000", _saturated(_sequence_arguments, rng, sizes, 4))
    args = _with_much_memory(_sequence_arguments, rng, sizes, lambda *args: lstm_forward(*args)[1][0])
    yield Case(EXTREME, in_words(sizes) + ", a memory of about ±10000 at the beginning", args)
    sizes = draw_sizes(rng, "TBDH")
    yield Case(SINGLE, in_words(sizes), to_single(_sequence_arguments(rng, **sizes)))


def _step_backward_cases(rng):
    def case(part, words, sizes, single=False):
        forward = _step_arguments(rng, **sizes)
        forward = to_single(forward) if single else forward
        h, _, cache = lstm_step(*forward.values())
        upstream = tuple((size * rng.standard_normal(h.shape)).astype(h.dtype) for size in (2, 1))
        args = dict(zip(("dh", "dc"), upstream, strict=True))
        args |= {"cache": cache, "W_x": forward["W_x"], "W_h": forward["W_h"]}
        return Case(part, words, args, forward, upstream)

    for part, words, sizes in _sizes_of_a_step(rng):
        yield case(part, words, sizes)
    sizes = draw_sizes(rng, "BDH")
    yield case(SINGLE, in_words(sizes), sizes, single=True)


def _backward_cases(rng):
    def case(part, words, sizes, single=False):
        forward = _sequence_arguments(rng, **sizes)
        forward = to_single(forward) if single else forward
        hs, _, caches = lstm_forward(*forward.values())
        dhs = (20 * rng.standard_normal(hs.shape)).astype(hs.dtype)
        args = {"dhs": dhs, "caches": caches, "W_x": forward["W_x"], "W_h": forward["W_h"]}
        return Case(part, words, args, forward, (dhs, None))

    for part, words, sizes in _sizes_of_a_sequence(rng):
        yield case(part, words, sizes)
    sizes = draw_sizes(rng, "TBDH")
    yield case(SINGLE, in_words(sizes), sizes, single=True)


def _set_forget_bias_cases(rng):
    for part, H, value in (
        (ORDINARY, 5, 1.0),
        (ORDINARY, 3, -2.5),
        (ORDINARY, 4, 0.0),
        (SMALL, 1, 1.5),
        (SINGLE, 3, 2.0),
    ):
        args = {"b": _weights(rng, 1, H)[2], "value": value}
        yield Case(part, f"H = {H}, value = {value}", to_single(args) if part == SINGLE else args)


def _sizes_of_a_step(rng):
    for _ in range(2):
        sizes = draw_sizes(rng, "BDH")
        yield ORDINARY, in_words(sizes), sizes
    for sizes in ({"B": 1, "D": 3, "H": 2}, {"B": 3, "D": 1, "H": 1}):
        yield SMALL, in_words(sizes), sizes


def _sizes_of_a_sequence(rng):
    for T in rng.permutation([5, 6]).tolist():  # so long that a gradient cut off after three steps shows
        sizes = {"T": T, **draw_sizes(rng, "BDH")}
        yield ORDINARY, in_words(sizes), sizes
    for sizes in ({"T": 1, "B": 3, "D": 2, "H": 4}, {"T": 4, "B": 1, "D": 2, "H": 3}):
        yield SMALL, in_words(sizes), sizes


def _step_arguments(rng, B, D, H):
    states = {name: rng.uniform(0.3, size, (B, H)) for name, size in (("h_prev", 1.0), ("c_prev", 2.5))}
    states = {name: rng.choice([-1, 1], (B, H)) * state for name, state in states.items()}
    return {"x": rng.standard_normal((B, D)), **states, **_named(_weights(rng, D, H))}


def _sequence_arguments(rng, T, B, D, H):
    args = _step_arguments(rng, B, D, H)
    weights = {name: args[name] for name in ("W_x", "W_h", "b")}
    weights["b"][H : 2 * H] = rng.uniform(0.9, 1.6, H)  # the memory stays long enough to show a gradient that is lost
    return {"xs": rng.standard_normal((T, B, D)), "h0": args["h_prev"], "c0": args["c_prev"], **weights}


def _weights(rng, D, H, blocks=4):
    W_x = 1.5 * rng.standard_normal((D, blocks * H)) / np.sqrt(D)
    W_h = 1.5 * rng.standard_normal((H, blocks * H)) / np.sqrt(H)
    return W_x, W_h, rng.uniform(0.3, 0.8, blocks * H) * rng.choice([-1, 1], blocks * H)


def _named(weights):
    return dict(zip(("W_x", "W_h", "b"), weights, strict=True))


def _saturated(arguments, rng, sizes, blocks):
    """Arguments with inputs of about 10000 at which every way of writing an overflowing activation shows by itself."""
    while True:
        args = arguments(rng, **sizes)
        x, W_x = (args[name] for name in args if name in ("x", "xs") or name.startswith("W_x"))
        a = np.split((x if x.ndim == 2 else x[0]) @ W_x, blocks, axis=-1)
        patterns = [a[0] > 0, a[0] < 0]
        if blocks == 4:
            gates = np.stack([a[0], a[1], a[3]])
            patterns = [(gates > 0).any(0), (gates < 0).any(0), a[2] > 0, a[2] < 0]
        if np.abs(a).min() > 0.1 and len({p.tobytes() for p in (*patterns, patterns[0] | True)}) > len(patterns):
            x *= 1e4
            return args


def _with_much_memory(arguments, rng, sizes, memory):
    """Arguments with a memory of about 10000, of which a part stays, in some units above 0 and in some below."""
    while True:
        args = arguments(rng, **sizes)
        args["c0" if "c0" in args else "c_prev"] *= 1e4
        c = memory(*args.values())
        if c.max() > 1000 and c.min() < -1000:
            return args


# --- The mistakes: what students write instead. A function is a list of formulas, and a wrong one has others. ---


def _evaluated(formulas, **values):
    v = SimpleNamespace(**values)
    for name, formula in formulas.items():
        setattr(v, name, formula(v))
    return v


def _cut(W, order=ORDER):
    """The blocks of columns, by the letters that stand for them in this order."""
    H = W.shape[-1] // 4
    return {letter: W[..., k * H : (k + 1) * H] for k, letter in enumerate(order)}


def _interleaved(W):
    return {letter: W[..., k::4] for k, letter in enumerate(ORDER)}


def _in_rows(W):
    return dict(zip(ORDER, W.reshape(4, *W.shape[:-1], -1), strict=True))


#: A step, formula by formula; `X`, `R` and `B` hold the blocks of W_x, W_h and b, `a` the four pre-activations.
STEP = {
    "X": lambda v: _cut(v.W_x),
    "R": lambda v: _cut(v.W_h),
    "B": lambda v: _cut(v.b),
    "a": lambda v: {k: v.x @ v.X[k] + v.h_prev @ v.R[k] + v.B[k] for k in ORDER},
    "a_i": lambda v: v.a["i"],
    "a_f": lambda v: v.a["f"],
    "i": lambda v: sigmoid(v.a_i),
    "f": lambda v: sigmoid(v.a_f),
    "g": lambda v: tanh(v.a["g"]),
    "c": lambda v: v.f * v.c_prev + v.i * v.g,
    "a_o": lambda v: v.a["o"],
    "o": lambda v: sigmoid(v.a_o),
    "tanh_c": lambda v: tanh(v.c),
    "h": lambda v: v.o * v.tanh_c,
    "outputs": lambda v: (v.h, v.c),
    "cache": lambda v: LSTMCache(v.x, v.h_prev, v.c_prev, v.i, v.f, v.g, v.o, v.tanh_c),
}

PEEPHOLE_STEP = STEP | {
    "a_i": lambda v: v.a["i"] + v.p_i * v.c_prev,
    "a_f": lambda v: v.a["f"] + v.p_f * v.c_prev,
    "a_o": lambda v: v.a["o"] + v.p_o * v.c,
}


def _step(formulas):
    def step(x, h_prev, c_prev, W_x, W_h, b):
        v = _evaluated(STEP | formulas, x=x, h_prev=h_prev, c_prev=c_prev, W_x=W_x, W_h=W_h, b=b)
        return *v.outputs, v.cache

    return step


def _peephole_step(formulas):
    def step(x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o):
        weights = {"W_x": W_x, "W_h": W_h, "b": b, "p_i": p_i, "p_f": p_f, "p_o": p_o}
        return _evaluated(PEEPHOLE_STEP | formulas, x=x, h_prev=h_prev, c_prev=c_prev, **weights).outputs

    return step


def _sigmoid_of_one_exponential(a):
    return np.exp(a) / (1 + np.exp(a))


def _tanh_of_exponentials(a):
    return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))


def _tanh_of_one_exponential(a):
    return (np.exp(2 * a) - 1) / (np.exp(2 * a) + 1)


OVERFLOWING_SIGMOIDS = (_sigmoid_of_one_exponential, lambda a: 1 - _sigmoid_of_one_exponential(-a))
OVERFLOWING_TANHS = (_tanh_of_exponentials, _tanh_of_one_exponential, lambda a: -_tanh_of_one_exponential(-a))

_SIGMOID_OVERFLOW = (
    "The sigmoid is written with an exponential that overflows to infinity, and infinity divided by infinity is nan. "
    "Take the exponential of negative numbers alone, e = exp(-|a|): the sigmoid is 1 / (1 + e) where a is not "
    "negative, and e / (1 + e) where it is."
)
_TANH_OVERFLOW = (
    "The tanh is written with exponentials that overflow to infinity, and infinity divided by infinity is nan. "
    "`np.tanh` takes numbers of any size."
)
_FROM_WEIGHTS = "It comes from x, h_prev, its own weights and its own bias."


def _hard_sigmoid(a):
    return np.clip(0.2 * a + 0.5, 0, 1)


def _gate_mistakes(letter):
    """What is wrong with one gate, or with the candidate."""
    the, gate = NAMES[letter], letter != "g"
    squash, squashed = (sigmoid, "sigmoid") if gate else (tanh, "tanh")

    def of(function):
        """A wrong gate from a function of the input's term, the recurrent term and the bias."""
        return lambda x, h_prev, W_x, W_h, b: function(x @ W_x, h_prev @ W_h, b)

    yield Mistake(
        "lstm.recurrent-transposed",
        "The recurrent weights are transposed. With row vectors the state stands to the left of the matrix as it is: "
        f"`h_prev @ W_h{letter}`. The matrix is square, so no shape complains.",
        lambda x, h_prev, W_x, W_h, b: squash(x @ W_x + h_prev @ W_h.T + b),
    )
    for name, words, function in (
        ("recurrent-sign", "The recurrent term is subtracted; it is added.", lambda x, h, b: squash(x - h + b)),
        ("bias-missing", f"The bias `b_{letter}` is not added.", lambda x, h, b: squash(x + h)),
        ("bias-sign", f"The bias `b_{letter}` is subtracted; it is added.", lambda x, h, b: squash(x + h - b)),
        ("bias-twice", f"The bias `b_{letter}` is added twice.", lambda x, h, b: squash(x + h + 2 * b)),
        (
            "bias-after-activation",
            f"The bias `b_{letter}` is added after the {squashed}. It belongs inside.",
            lambda x, h, b: squash(x + h) + b,
        ),
        (
            "input-ignored",
            f"The answer does not depend on the input: the term `x @ W_x{letter}` is missing.",
            lambda x, h, b: squash(h + b),
        ),
        (
            "state-ignored",
            f"The answer does not depend on `h_prev`: the term `h_prev @ W_h{letter}` is missing.",
            lambda x, h, b: squash(x + b),
        ),
        (
            "activation-missing",
            f"The {squashed} is missing: this is the pre-activation, a number of any size.",
            lambda x, h, b: x + h + b,
        ),
        ("activation-twice", f"The {squashed} is taken twice.", lambda x, h, b: squash(squash(x + h + b))),
        (
            "activation-of-each",
            f"The {squashed} is taken of the terms one by one. It is taken once, of their sum.",
            lambda x, h, b: squash(x + b) + squash(h),
        ),
        (
            "activation-of-each",
            f"The {squashed} is taken of the terms one by one. It is taken once, of their sum.",
            lambda x, h, b: squash(x) + squash(h + b),
        ),
        (
            "activation-derivative",
            f"This is the derivative of the {squashed}, which belongs into the backward step.",
            lambda x, h, b: sigmoid(x + h + b) * (1 - sigmoid(x + h + b)) if gate else 1 - tanh(x + h + b) ** 2,
        ),
        (
            "activation-relu",
            f"This is the pre-activation with its negative numbers set to 0. The {the} is its {squashed}.",
            lambda x, h, b: np.maximum(x + h + b, 0),
        ),
        (
            "activation-softmax",
            f"The units of a row sum to 1: this is a softmax over them. The {the} takes the {squashed} of each unit by "
            "itself.",
            lambda x, h, b: (
                np.exp(x + h + b - (x + h + b).max(-1, keepdims=True))
                / np.exp(x + h + b - (x + h + b).max(-1, keepdims=True)).sum(-1, keepdims=True)
            ),
        ),
    ):
        yield Mistake(f"lstm.{name}", words, of(function))
    if gate:
        yield Mistake(
            "lstm.gate-tanh",
            f"The {the} is a tanh, which goes down to -1. A gate is a share, from 0 (closed) to 1 (open): a sigmoid.",
            of(lambda x, h, b: tanh(x + h + b)),
        )
        yield Mistake(
            "lstm.gate-inverted",
            f"This is 1 minus the {the}: open where it should be closed. In the sigmoid, 1 / (1 + exp(-a)), the "
            "exponent has a minus sign.",
            of(lambda x, h, b: sigmoid(-x - h - b)),
        )
        yield Mistake(
            "lstm.gate-hard-sigmoid",
            f"The {the} is made of straight pieces, the hard sigmoid 0.2 a + 0.5 between 0 and 1. The course's gates "
            "are 1 / (1 + exp(-a)).",
            of(lambda x, h, b: _hard_sigmoid(x + h + b)),
        )
        for overflowing in OVERFLOWING_SIGMOIDS:
            yield Mistake("lstm.sigmoid-overflow", _SIGMOID_OVERFLOW, of(lambda x, h, b, s=overflowing: s(x + h + b)))
    else:
        yield Mistake(
            "lstm.candidate-sigmoid",
            "The candidate is a sigmoid, as the three gates are. It is no gate: what is added to the memory may be "
            "negative, so it is a tanh.",
            of(lambda x, h, b: sigmoid(x + h + b)),
        )
        for overflowing in OVERFLOWING_TANHS:
            yield Mistake("lstm.tanh-overflow", _TANH_OVERFLOW, of(lambda x, h, b, s=overflowing: s(x + h + b)))


#: Who stands by another order of the blocks; what is not known for sure is not here.
WHOSE = {
    "ifog": " That is the order of Stanford's CS231n.",
    "iofg": " That is the order of ONNX, where the candidate is c.",
    "igfo": " That is the order of TensorFlow 1 and of Haiku.",
}
OTHER_ORDERS = [order for order in itertools.permutations(ORDER) if order != ORDER]


def _listed(order):
    return ", ".join(order)


def _order_mistakes():
    """The blocks of the weights are taken for something else."""
    for order in OTHER_ORDERS:
        words = (
            f"The blocks are read in the order {_listed(order)}.{WHOSE.get(''.join(order), '')} In this course they "
            f"stand in the order {_listed(ORDER)}, in `W_x`, `W_h` and `b` alike; every order has the same shape."
        )
        if order == ("f", "i", "g", "o"):
            words = (
                "The input gate and the forget gate are exchanged: either the blocks are read in the order f, i, g, o, "
                "while they stand in the order i, f, g, o, or the memory is i * c_prev + f * g. The forget gate says "
                "what stays of the old memory, the input gate what comes in of the candidate."
            )
        blocks = {"X": "W_x", "R": "W_h", "B": "b"}
        yield (
            "gate-order",
            words,
            {name: lambda v, W=W, order=order: _cut(getattr(v, W), order) for name, W in blocks.items()},
        )
    yield (
        "gates-interleaved",
        "The columns are dealt out to the gates in turn, as by `reshape(B, H, 4)` or `[:, k::4]`. The four blocks "
        "stand side by side: the first H columns belong to i, the next H to f, then g, then o.",
        {
            "X": lambda v: _interleaved(v.W_x),
            "R": lambda v: _interleaved(v.W_h),
            "B": lambda v: _interleaved(v.b),
        },
    )
    yield (
        "gates-reshaped",
        "The weights are cut by a reshape to (4, D, H) and (4, H, H), which takes whole rows for a gate. The blocks "
        "stand side by side: a gate has H columns of every row, as `np.split(W, 4, axis=1)` gives them.",
        {"X": lambda v: _in_rows(v.W_x), "R": lambda v: _in_rows(v.W_h)},
    )
    yield from _of_another_gate("XRB", "weights and the bias")


def _part_mistakes():
    """One of the four gates has one of its three parts from another."""
    yield from _of_another_gate("X", "`W_x`")
    yield from _of_another_gate("R", "`W_h`")
    yield from _of_another_gate("B", "bias")


def _of_another_gate(blocks, what):
    for mine, other in itertools.permutations(ORDER, 2):
        yield (
            "weights-of-another-gate",
            f"The {NAMES[mine]} is computed with the {what} of the {NAMES[other]}: block {other} in place of block "
            f"{mine}. {_FROM_WEIGHTS}",
            {
                block: lambda v, W=W, mine=mine, other=other: _cut(getattr(v, W)) | {mine: _cut(getattr(v, W))[other]}
                for block, W in (("X", "W_x"), ("R", "W_h"), ("B", "b"))
                if block in blocks
            },
        )


def _sum_mistakes():
    for name, words, term in (
        ("recurrent-sign", "The recurrent term is subtracted; it is added.", lambda x, h, b: x - h + b),
        ("bias-missing", "The bias `b` is not added.", lambda x, h, b: x + h),
        ("bias-sign", "The bias `b` is subtracted; it is added.", lambda x, h, b: x + h - b),
        (
            "bias-twice",
            "The bias `b` is added twice. The course has one bias for both products.",
            lambda x, h, b: x + h + 2 * b,
        ),
        ("input-ignored", "No gate depends on the input: the term `x @ W_x` is missing.", lambda x, h, b: h + b),
        (
            "state-ignored",
            "No gate depends on `h_prev`: the recurrent term `h_prev @ W_h` is missing.",
            lambda x, h, b: x + b,
        ),
    ):
        yield (
            name,
            words,
            {
                "a": lambda v, term=term: {k: term(v.x @ v.X[k], v.h_prev @ v.R[k], v.B[k]) for k in ORDER},
            },
        )
    yield (
        "recurrent-transposed",
        "Each gate's block of `W_h` is transposed. With row vectors the state stands to the left of the matrix as it "
        "is: `h_prev @ W_h`. A block is square, so no shape complains.",
        {"R": lambda v: {k: W.T for k, W in _cut(v.W_h).items()}},
    )
    yield (
        "gates-see-memory",
        "The gates see the memory `c_prev` where they should see the state: the recurrent product is `h_prev @ W_h`.",
        {"a": lambda v: {k: v.x @ v.X[k] + v.c_prev @ v.R[k] + v.B[k] for k in ORDER}},
    )
    yield (
        "states-exchanged",
        "State and memory before the step are exchanged: the recurrent product takes `c_prev`, the memory is made from "
        "`h_prev`. It is the other way round.",
        {
            "a": lambda v: {k: v.x @ v.X[k] + v.c_prev @ v.R[k] + v.B[k] for k in ORDER},
            "c": lambda v: v.f * v.h_prev + v.i * v.g,
        },
    )


def _activation_mistakes():
    pre = {"i": lambda v: v.a_i, "f": lambda v: v.a_f, "g": lambda v: v.a["g"], "o": lambda v: v.a_o}

    def taken(letters, function):
        return {k: lambda v, k=k: function(pre[k](v)) for k in letters}

    yield (
        "candidate-sigmoid",
        "The candidate g is a sigmoid, as the three gates are. It is no gate: what is added to the memory may be "
        "negative, so it is a tanh.",
        taken("g", sigmoid),
    )
    yield (
        "gate-tanh",
        "The tanh is taken of the gates i, f and o too. A gate is a share, from 0 to 1: a sigmoid. Only the candidate "
        "g is a tanh.",
        taken("ifo", tanh),
    )
    yield (
        "candidate-sigmoid",
        "The activations are exchanged: the gates i, f and o are a tanh and the candidate g is a sigmoid. It is the "
        "other way round.",
        taken("ifo", tanh) | taken("g", sigmoid),
    )
    yield (
        "candidate-sigmoid",
        "The sigmoid is taken of the first three blocks and the tanh of the last, which fits to the order i, f, o, g. "
        "Here the blocks stand in the order i, f, g, o: the tanh is that of the third, the candidate.",
        taken("g", sigmoid) | taken("o", tanh),
    )
    for k in "ifo":
        the = NAMES[k]
        yield (
            "gate-tanh",
            f"The {the} is a tanh, which goes down to -1. A gate is a share, from 0 (closed) to 1 (open): a sigmoid.",
            taken(k, tanh),
        )
        yield (
            "gate-inverted",
            f"The {the} is open where it should be closed: it is 1 minus the gate, or its sigmoid has the wrong sign.",
            taken(k, lambda a: sigmoid(-a)),
        )
        yield "activation-missing", f"The sigmoid of the {the} is missing: {k} is a pre-activation.", taken(k, np.copy)
    yield (
        "gate-inverted",
        "All three gates are open where they should be closed: in the sigmoid, 1 / (1 + exp(-a)), the exponent has a "
        "minus sign.",
        taken("ifo", lambda a: sigmoid(-a)),
    )
    yield (
        "gate-hard-sigmoid",
        "The gates are made of straight pieces, the hard sigmoid 0.2 a + 0.5 between 0 and 1. The course's gates are "
        "1 / (1 + exp(-a)).",
        taken("ifo", _hard_sigmoid),
    )
    yield "activation-missing", "The tanh of the candidate is missing: g is a pre-activation.", taken("g", np.copy)
    yield (
        "activation-missing",
        "Gates and candidate are pre-activations: sigmoid and tanh are missing.",
        taken(ORDER, np.copy),
    )
    yield (
        "activation-relu",
        "The candidate is the pre-activation with its negative numbers set to 0. It is the tanh.",
        taken("g", lambda a: np.maximum(a, 0)),
    )
    for overflowing in OVERFLOWING_SIGMOIDS:
        yield "sigmoid-overflow", _SIGMOID_OVERFLOW, taken("ifo", overflowing)
    for overflowing in OVERFLOWING_TANHS:
        in_c = {"tanh_c": lambda v, t=overflowing: t(v.c)}
        for which in (taken("g", overflowing) | in_c, taken("g", overflowing), in_c):
            yield "tanh-overflow", _TANH_OVERFLOW, which


def _memory_mistakes():
    for name, words, memory in (
        (
            "memory-dropped",
            "The old memory has no part in the new one: the term f * c_prev is missing, and with it the way on which "
            "the LSTM remembers.",
            lambda v: v.i * v.g,
        ),
        (
            "input-dropped",
            "Nothing comes into the memory: the term i * g is missing, and c is f * c_prev alone.",
            lambda v: v.f * v.c_prev,
        ),
        (
            "input-gate-missing",
            "The candidate goes into the memory without the input gate: c = f * c_prev + g. It is gated, i * g.",
            lambda v: v.f * v.c_prev + v.g,
        ),
        (
            "forget-gate-missing",
            "The old memory stays whole: c = c_prev + i * g, which is the LSTM of 1997, before it had a forget gate. "
            "Here it is f * c_prev that stays.",
            lambda v: v.c_prev + v.i * v.g,
        ),
        (
            "forget-gate-on-all",
            "The forget gate acts on what comes in, too: c = f * (c_prev + i * g). It acts on the old memory alone.",
            lambda v: v.f * (v.c_prev + v.i * v.g),
        ),
        (
            "input-gate-on-all",
            "The input gate acts on the old memory, too. It acts on the candidate alone: c = f * c_prev + i * g.",
            lambda v: v.i * (v.f * v.c_prev + v.g),
        ),
        (
            "memory-squashed",
            "The new memory is squashed by a tanh before it is kept. It is kept as it is, a number of any size; the "
            "tanh belongs into h = o * tanh(c).",
            lambda v: tanh(v.f * v.c_prev + v.i * v.g),
        ),
        (
            "memory-squashed",
            "The old memory is squashed by a tanh before the forget gate. It stays as it is: f * c_prev.",
            lambda v: v.f * tanh(v.c_prev) + v.i * v.g,
        ),
        (
            "gates-coupled",
            "The input gate is replaced by 1 - f. That is a variant with coupled gates; here the input gate has "
            "weights of its own.",
            lambda v: v.f * v.c_prev + (1 - v.f) * v.g,
        ),
        (
            "gates-coupled",
            "The forget gate is replaced by 1 - i. That is a variant with coupled gates; here the forget gate has "
            "weights of its own.",
            lambda v: (1 - v.i) * v.c_prev + v.i * v.g,
        ),
        (
            "memory-from-state",
            "The memory is made from the state: c = f * h_prev + i * g. What stays is the old memory, f * c_prev.",
            lambda v: v.f * v.h_prev + v.i * v.g,
        ),
        (
            "memory-sign",
            "What comes in is subtracted from the memory; it is added: c = f * c_prev + i * g.",
            lambda v: v.f * v.c_prev - v.i * v.g,
        ),
        (
            "memory-product",
            "Old memory and input are multiplied. They are added, c = f * c_prev + i * g: through a sum a gradient "
            "passes as it is.",
            lambda v: v.f * v.c_prev * v.i * v.g,
        ),
        (
            "memory-sum",
            "The forget gate is added to the old memory. It multiplies it, as a share that stays: f * c_prev.",
            lambda v: v.f + v.c_prev + v.i * v.g,
        ),
        (
            "memory-sum",
            "The input gate is added to the candidate. It multiplies it, as a share that comes in: i * g.",
            lambda v: v.f * v.c_prev + v.i + v.g,
        ),
        (
            "candidate-not-in-memory",
            "The input gate itself goes into the memory: c = f * c_prev + i. It says how much of the candidate g goes "
            "in, i * g.",
            lambda v: v.f * v.c_prev + v.i,
        ),
    ):
        yield name, words, {"c": memory}


def _state_mistakes():
    for name, words, state in (
        (
            "output-tanh-missing",
            "The state is o * c, without the tanh. The memory may be of any size; its tanh keeps the state between -1 "
            "and 1: h = o * tanh(c).",
            lambda v: v.o * v.c,
        ),
        (
            "output-gate-missing",
            "The output gate has no part in the state: h is tanh(c). It should be o * tanh(c).",
            lambda v: v.tanh_c,
        ),
        (
            "output-tanh-around",
            "The tanh is taken of o * c as a whole. It is taken of the memory alone, and then gated: h = o * tanh(c).",
            lambda v: tanh(v.o * v.c),
        ),
        (
            "output-tanh-around",
            "The tanh is taken of the output gate. It is taken of the memory: h = o * tanh(c).",
            lambda v: tanh(v.o) * v.c,
        ),
        (
            "output-sum",
            "The output gate is added to the tanh of the memory. It multiplies it, as a share that is shown: o * "
            "tanh(c).",
            lambda v: v.o + v.tanh_c,
        ),
        (
            "output-sigmoid",
            "The memory is squashed by a sigmoid on its way out. It is a tanh: h = o * tanh(c).",
            lambda v: v.o * sigmoid(v.c),
        ),
        (
            "output-of-old-memory",
            "The state is made from the old memory, `c_prev`. It comes from the new one, c: h = o * tanh(c).",
            lambda v: v.o * tanh(v.c_prev),
        ),
        (
            "output-of-candidate",
            "The state is o * g: made from the candidate. It is made from the new memory: h = o * tanh(c).",
            lambda v: v.o * v.g,
        ),
        (
            "output-of-candidate",
            "The state is made from the tanh of the candidate. It is made from the new memory: h = o * tanh(c).",
            lambda v: v.o * tanh(v.g),
        ),
    ):
        yield name, words, {"h": state}
    for name, words, outputs in (
        ("outputs-exchanged", "State and memory come back exchanged: h is first, c second.", lambda v: (v.c, v.h)),
        (
            "memory-returned-squashed",
            "The state is right, but in place of the memory its tanh comes back. The memory is handed on as it is.",
            lambda v: (v.h, v.tanh_c),
        ),
        (
            "memory-not-renewed",
            "The state is right, but the old memory `c_prev` comes back. The new one is handed on.",
            lambda v: (v.h, v.c_prev),
        ),
        ("memory-from-state", "The state comes back in place of the memory, too.", lambda v: (v.h, v.h)),
    ):
        yield name, words, {"outputs": outputs}


def _cache_mistakes():
    """Right values, and something else put aside for the backward step."""
    for words, wrong in (
        (
            "`cache.tanh_c` holds the memory c; its tanh is asked, which the backward step needs twice.",
            {"tanh_c": lambda v: v.c},
        ),
        ("`cache.tanh_c` holds the state h. The tanh of the new memory is asked.", {"tanh_c": lambda v: v.h}),
        (
            "`cache.tanh_c` holds the tanh of the old memory. That of the new one is asked.",
            {"tanh_c": lambda v: tanh(v.c_prev)},
        ),
        (
            "`cache.tanh_c` holds the derivative 1 - tanh(c)². The tanh itself is asked.",
            {"tanh_c": lambda v: 1 - v.tanh_c**2},
        ),
        ("`cache.c_prev` holds the new memory. The one before the step is asked.", {"c_prev": lambda v: v.c}),
        ("`cache.h_prev` holds the new state. The one before the step is asked.", {"h_prev": lambda v: v.h}),
        (
            "`cache.h_prev` and `cache.c_prev` hold the new state and memory. Those before the step are asked.",
            {"h_prev": lambda v: v.h, "c_prev": lambda v: v.c},
        ),
        (
            "`cache.h_prev` and `cache.c_prev` are exchanged.",
            {"h_prev": lambda v: v.c_prev, "c_prev": lambda v: v.h_prev},
        ),
        (
            "The cache holds the pre-activations of the gates. Asked are i, f, g and o after sigmoid and tanh, from "
            "which the backward step has their derivatives.",
            {k: lambda v, k=k: v.a[k] for k in ORDER},
        ),
        ("`cache.g` holds the pre-activation of the candidate. Its tanh is asked.", {"g": lambda v: v.a["g"]}),
    ):
        yield "cache-entry", words, {"cache": lambda v, wrong=wrong: _cached(v, wrong)}
    for order in OTHER_ORDERS:
        yield (
            "cache-order",
            f"The values are right, but the gates stand in the cache in the order {_listed(order)}. Its entries are x, "
            "h_prev, c_prev, i, f, g, o, tanh_c: named arguments, LSTMCache(i=i, …), cannot be exchanged.",
            {"cache": lambda v, order=order: _cached(v, dict(zip(ORDER, order, strict=True)))},
        )


def _cached(v, wrong):
    entries = LSTMCache(v.x, v.h_prev, v.c_prev, v.i, v.f, v.g, v.o, v.tanh_c)
    return entries._replace(**{name: getattr(v, e) if isinstance(e, str) else e(v) for name, e in wrong.items()})


def _mistakes_of(*groups, lift):
    """The mistakes of some groups, each formula made a function."""
    return tuple(
        Mistake(f"lstm.{name}", words, lift(formulas)) for group in groups for name, words, formulas in group()
    )


STEP_GROUPS = (_order_mistakes, _sum_mistakes, _activation_mistakes, _memory_mistakes, _state_mistakes)

LSTM_STEP_MISTAKES = _mistakes_of(*STEP_GROUPS, _part_mistakes, _cache_mistakes, lift=_step)


def _swapped(hs, cs, caches):
    return hs.swapaxes(0, 1), cs.swapaxes(0, 1), caches


def _changed(change):
    """The sequence function whose right result is spoiled afterwards, from it and h0 and c0."""

    def forward(xs, h0, c0, W_x, W_h, b):
        return change(*lstm_forward(xs, h0, c0, W_x, W_h, b), h0, c0)

    return forward


def _shifted(states, first):
    return np.concatenate([first[None], states[:-1]])


LSTM_FORWARD_MISTAKES = (
    *(
        Mistake(f"lstm.{name}", words, _unrolled(lstm_step, start=start))
        for name, words, start in (
            (
                "initial-state-ignored",
                "The state starts from zeros in place of `h0`. The first step's previous state is `h0`.",
                lambda h0, c0: (np.zeros_like(h0), c0),
            ),
            (
                "initial-memory-ignored",
                "The memory starts from zeros in place of `c0`. The first step's previous memory is `c0`.",
                lambda h0, c0: (h0, np.zeros_like(c0)),
            ),
            (
                "initial-state-ignored",
                "State and memory start from zeros. The first step gets `h0` and `c0`.",
                lambda h0, c0: (np.zeros_like(h0), np.zeros_like(c0)),
            ),
            (
                "initial-memory-from-state",
                "The memory starts from `h0`. The first step's previous memory is `c0`.",
                lambda h0, c0: (h0, h0),
            ),
            (
                "initial-memory-from-state",
                "The state starts from `c0`. The first step's previous state is `h0`.",
                lambda h0, c0: (c0, c0),
            ),
            (
                "states-exchanged",
                "`h0` and `c0` are exchanged: the first step gets `h0` as its state and `c0` as its memory.",
                lambda h0, c0: (c0, h0),
            ),
        )
    ),
    *(
        Mistake(f"lstm.{name}", words, _unrolled(lstm_step, carry=carry))
        for name, words, carry in (
            (
                "state-not-carried",
                "Every step gets `h0` again. From the second step on, the previous state is what the step before gave.",
                lambda h, c, h0, c0: (h0, c),
            ),
            (
                "memory-not-carried",
                "Every step gets the memory `c0` again. From the second step on, the previous memory is what the step "
                "before gave.",
                lambda h, c, h0, c0: (h, c0),
            ),
            (
                "state-not-carried",
                "Every step starts from `h0` and `c0` again. From the second step on, it gets what the step before "
                "gave.",
                lambda h, c, h0, c0: (h0, c0),
            ),
            (
                "memory-not-carried",
                "Every step after the first has an empty memory. It gets the memory that the step before gave.",
                lambda h, c, h0, c0: (h, np.zeros_like(c)),
            ),
            (
                "memory-from-state",
                "From the second step on, the state is handed on as the memory, too. Each has its own way: h to "
                "h_prev, c to c_prev.",
                lambda h, c, h0, c0: (h, h),
            ),
            (
                "states-exchanged",
                "From step to step, state and memory are exchanged: h goes to h_prev, c to c_prev.",
                lambda h, c, h0, c0: (c, h),
            ),
            (
                "gates-see-memory",
                "From the second step on, the memory is handed on as the state, too. Each has its own way: h to "
                "h_prev, c to c_prev.",
                lambda h, c, h0, c0: (c, c),
            ),
        )
    ),
    *(
        Mistake(f"lstm.{name}", words, _changed(change))
        for name, words, change in (
            (
                "states-shifted",
                "These are the states and memories before each step, beginning with `h0` and `c0`. Asked are those "
                "after each step: `hs[0]` comes from `xs[0]`.",
                lambda hs, cs, caches, h0, c0: (_shifted(hs, h0), _shifted(cs, c0), caches),
            ),
            (
                "states-shifted",
                "`hs` is right, but `cs` has the memories before each step. Asked are those after each step.",
                lambda hs, cs, caches, h0, c0: (hs, _shifted(cs, c0), caches),
            ),
            (
                "initial-state-included",
                "The first entries are `h0` and `c0`. Asked are the T states and memories after each step.",
                lambda hs, cs, caches, h0, c0: (
                    np.concatenate([h0[None], hs]),
                    np.concatenate([c0[None], cs]),
                    caches,
                ),
            ),
            (
                "last-state-only",
                "State and memory after the last step come back. Asked are those after all T steps.",
                lambda hs, cs, caches, h0, c0: (hs[-1], cs[-1], caches),
            ),
            (
                "last-state-only",
                "`hs` is right, but of the memories only the last comes back. Asked are those after all T steps.",
                lambda hs, cs, caches, h0, c0: (hs, cs[-1], caches),
            ),
            (
                "last-state-repeated",
                "All steps hold the last state and memory: the same arrays were stored T times and then changed. Store "
                "copies, or make new arrays in each step.",
                lambda hs, cs, caches, h0, c0: (np.stack([hs[-1]] * len(hs)), np.stack([cs[-1]] * len(cs)), caches),
            ),
            (
                "time-and-batch-swapped",
                "The numbers are right, with the axes of time and batch exchanged. The course has time first: (T, B, "
                "H).",
                lambda hs, cs, caches, h0, c0: _swapped(hs, cs, caches),
            ),
            (
                "outputs-exchanged",
                "`hs` and `cs` come back exchanged: the states are first, the memories second.",
                lambda hs, cs, caches, h0, c0: (cs, hs, caches),
            ),
            (
                "memory-from-state",
                "The states come back in place of the memories, too.",
                lambda hs, cs, caches, h0, c0: (hs, hs, caches),
            ),
            (
                "memory-for-state",
                "The memories come back in place of the states, too.",
                lambda hs, cs, caches, h0, c0: (cs, cs, caches),
            ),
            (
                "caches-reversed",
                "The values are right, but the caches stand in the reverse order. `caches[0]` belongs to the first "
                "step.",
                lambda hs, cs, caches, h0, c0: (hs, cs, caches[::-1]),
            ),
            (
                "last-cache-repeated",
                "The values are right, but all caches are that of the last step. Each step has its own: append it in "
                "the loop.",
                lambda hs, cs, caches, h0, c0: (hs, cs, [caches[-1]] * len(caches)),
            ),
        )
    ),
    Mistake(
        "lstm.time-reversed",
        "The sequence is read from its end. The loop runs from the first time step to the last.",
        lambda xs, *rest: tuple(result[::-1] for result in lstm_forward(xs[::-1], *rest)),
    ),
    *_mistakes_of(*STEP_GROUPS, _cache_mistakes, lift=lambda formulas: _unrolled(_step(formulas))),
)

# The backward step, formula by formula. `dc_all` is the memory's gradient by both of its paths; `da` gives the weights'
# gradients, `da_x` (the same) the input's and the state's.

BACKWARD = {
    "c": lambda v: v.f * v.c_prev + v.i * v.g,
    "h": lambda v: v.o * v.tanh_c,
    "through_h": lambda v: v.dh * v.o * (1 - v.tanh_c**2),
    "dc_all": lambda v: v.dc + v.through_h,
    "do": lambda v: v.dh * v.tanh_c,
    "di": lambda v: v.dc_all * v.g,
    "df": lambda v: v.dc_all * v.c_prev,
    "dg": lambda v: v.dc_all * v.i,
    "dc_prev": lambda v: v.dc_all * v.f,
    "da_i": lambda v: v.di * v.i * (1 - v.i),
    "da_f": lambda v: v.df * v.f * (1 - v.f),
    "da_g": lambda v: v.dg * (1 - v.g**2),
    "da_o": lambda v: v.do * v.o * (1 - v.o),
    "da": lambda v: _joined(v),
    "da_x": lambda v: _joined(v),
    "dx": lambda v: v.da_x @ v.W_x.T,
    "dh_prev": lambda v: v.da_x @ v.W_h.T,
    "dW_x": lambda v: v.x.T @ v.da,
    "dW_h": lambda v: v.h_prev.T @ v.da,
    "db": lambda v: v.da.sum(axis=0),
    "gradients": lambda v: (v.dx, v.dh_prev, v.dc_prev, v.dW_x, v.dW_h, v.db),
}


def _joined(v, order=ORDER, without=()):
    """The four blocks side by side, some of them as zeros."""
    return np.concatenate([getattr(v, f"da_{k}") * (k not in without) for k in order], axis=1)


def _step_backward(formulas):
    def backward(dh, dc, cache, W_x, W_h):
        v = _evaluated(BACKWARD | formulas, dh=dh, dc=dc, W_x=W_x, W_h=W_h, **cache._asdict())
        return v.gradients

    return backward


_TWO_PATHS = (
    "The memory's gradient comes on two paths: through the state of this step, dh * o * (1 - tanh_c²), and from "
    "the step after, dc. They are added"
)


def _mistakes_of_a_step_alone():
    """What shows in a step alone: in a sequence each of these ways loses the memory's gradient alike, or stops."""
    yield (
        "dc-path-missing",
        f"The gradient `dc`, which comes from the step after, is lost or written over. {_TWO_PATHS}.",
        {"dc_all": lambda v: v.through_h},
    )
    for path, lost in (("dc", "the path through h"), ("through_h", "the incoming `dc`")):
        yield (
            "dc-path-missing",
            f"`dc_prev` lacks {lost}; the gates have both paths. {_TWO_PATHS}, and times f the sum goes to `dc_prev`.",
            {"dc_prev": lambda v, path=path: getattr(v, path) * v.f},
        )
    yield from (
        (
            "forget-gate-missing",
            "`dc_prev` is the incoming `dc`, handed on as it came. It is the memory's whole gradient times the forget "
            "gate.",
            {"dc_prev": lambda v: v.dc},
        ),
        (
            "dc-not-handed-on",
            "`dc_prev` is zero: the memory hands no gradient on. The old memory is multiplied by f, so it gets the "
            "memory's gradient times f.",
            {"dc_prev": lambda v: np.zeros_like(v.dc)},
        ),
        (
            "bias-gradient-summed-over-all",
            "`db` is summed over the units in place of the batch. It is summed over `axis=0`, the rows.",
            {"db": lambda v: v.da.sum(axis=1)},
        ),
        (
            "gradient-transposed",
            "`dW_x` and `dW_h` are transposed: x.T @ da has the shape of W_x, (D, 4H), and da.T @ x has not.",
            {"dW_x": lambda v: v.da.T @ v.x, "dW_h": lambda v: v.da.T @ v.h_prev},
        ),
        (
            "outputs-exchanged",
            "`dW_x` and `dW_h` come back exchanged: dx, dh_prev, dc_prev, dW_x, dW_h, db.",
            {"gradients": lambda v: (v.dx, v.dh_prev, v.dc_prev, v.dW_h, v.dW_x, v.db)},
        ),
        (
            "outputs-exchanged",
            "`dx` comes back after the gradients by the state and the memory. It is the first: dx, dh_prev, dc_prev, "
            "dW_x, dW_h, db.",
            {"gradients": lambda v: (v.dh_prev, v.dc_prev, v.dx, v.dW_x, v.dW_h, v.db)},
        ),
    )


def _path_mistakes():
    """What is wrong with the gradient of the memory, which comes on two paths."""
    yield (
        "dc-path-missing",
        f"The path from `dh` through tanh(c) into the memory is missing. {_TWO_PATHS}.",
        {"dc_all": lambda v: v.dc},
    )
    gates = {"di": "g", "df": "c_prev", "dg": "i"}
    for path, lost in (("dc", "the path through h"), ("through_h", "the incoming `dc`")):
        yield (
            "dc-path-missing",
            f"The gates i and f and the candidate lack {lost}; `dc_prev` has both paths. {_TWO_PATHS}, before anything "
            "is made from the sum.",
            {
                name: lambda v, path=path, factor=factor: getattr(v, path) * getattr(v, factor)
                for name, factor in gates.items()
            },
        )
        for name, factor in gates.items():
            yield (
                "dc-path-missing",
                f"The {NAMES[name[1]]} lacks {lost}; the other gates have both paths. {_TWO_PATHS}, before anything is "
                "made from the sum.",
                {name: lambda v, path=path, factor=factor: getattr(v, path) * getattr(v, factor)},
            )
    for name, words, formulas in (
        (
            "dc-twice",
            "The incoming `dc` is added twice. It counts once, beside the path through h.",
            {"dc_all": lambda v: 2 * v.dc + v.through_h},
        ),
        (
            "dc-sign",
            "The path through h is subtracted from the incoming `dc`; the two are added.",
            {"dc_all": lambda v: v.dc - v.through_h},
        ),
        (
            "derivative-sign",
            "The derivative of tanh(c) is 1 - tanh_c²; here it is 1 + tanh_c².",
            {"through_h": lambda v: v.dh * v.o * (1 + v.tanh_c**2)},
        ),
        (
            "dh-for-dc",
            "The whole of `dh` is taken for the memory's gradient. Of `dh` only dh * o * (1 - tanh_c²) reaches it, "
            "beside `dc`.",
            {"dc_all": lambda v: v.dh + 0 * v.dc},
        ),
        (
            "dh-for-dc",
            "`dh` is added where the incoming `dc` belongs. The memory's gradient is dc + dh * o * (1 - tanh_c²).",
            {"dc_all": lambda v: v.dh + v.through_h},
        ),
        (
            "dh-for-dc",
            "The whole of `dh` is added to `dc`. Of `dh` only dh * o * (1 - tanh_c²) reaches the memory.",
            {"dc_all": lambda v: v.dc + v.dh},
        ),
        (
            "dc-forgotten",
            "The gates i and f and the candidate get the memory's gradient after it was multiplied by f. That product "
            "is `dc_prev`, for the step before; the gates get it without.",
            {
                "di": lambda v: v.dc_all * v.f * v.g,
                "df": lambda v: v.dc_all * v.f * v.c_prev,
                "dg": lambda v: v.dc_all * v.f * v.i,
            },
        ),
        (
            "dc-squashed",
            "The incoming `dc` is multiplied by o and the tanh's derivative, as if it came through h. It reaches the "
            "memory itself: dc + dh * o * (1 - tanh_c²).",
            {"dc_all": lambda v: (v.dc + v.dh) * v.o * (1 - v.tanh_c**2)},
        ),
        (
            "dc-squashed",
            "The incoming `dc` is multiplied by the tanh's derivative, as if it came through h. It reaches the memory "
            "itself: dc + dh * o * (1 - tanh_c²).",
            {"dc_all": lambda v: (v.dc + v.dh * v.o) * (1 - v.tanh_c**2)},
        ),
        (
            "dc-forgotten",
            "The incoming `dc` is multiplied by the forget gate of this step on its way in. The factor f belongs to "
            "what leaves, `dc_prev`.",
            {"dc_all": lambda v: v.dc * v.f + v.through_h},
        ),
        (
            "output-gate-missing",
            "On the way from the state to the memory the output gate is missing: the derivative of o * tanh(c) by c is "
            "o * (1 - tanh_c²).",
            {"through_h": lambda v: v.dh * (1 - v.tanh_c**2)},
        ),
        (
            "tanh-derivative-missing",
            "On the way from the state to the memory the derivative of tanh(c) is missing: the factor 1 - tanh_c².",
            {"through_h": lambda v: v.dh * v.o},
        ),
        (
            "derivative-not-squared",
            "The derivative of tanh(c) is 1 - tanh_c², with the square; here it is 1 - tanh_c.",
            {"through_h": lambda v: v.dh * v.o * (1 - v.tanh_c)},
        ),
        (
            "tanh-twice",
            "The tanh is taken once more of `cache.tanh_c`, which is a tanh already: the derivative is 1 - tanh_c².",
            {"through_h": lambda v: v.dh * v.o * (1 - tanh(v.tanh_c) ** 2)},
        ),
        (
            "derivative-of-argument",
            "The derivative of tanh(c) is taken as 1 - c². It is 1 minus the square of the tanh, which the cache has.",
            {"through_h": lambda v: v.dh * v.o * (1 - v.c**2)},
        ),
        (
            "derivative-of-state",
            "The derivative of tanh(c) is taken as 1 - h². The square is that of tanh(c), not of the gated state.",
            {"through_h": lambda v: v.dh * v.o * (1 - v.h**2)},
        ),
        (
            "sigmoid-derivative-for-tanh",
            "The derivative of tanh(c) is taken as that of a sigmoid, s (1 - s). It is 1 - tanh_c².",
            {"through_h": lambda v: v.dh * v.o * v.tanh_c * (1 - v.tanh_c)},
        ),
        (
            "dc-in-output-gate",
            "The output gate gets the memory's gradient. It acts on the state alone: do = dh * tanh_c.",
            {"do": lambda v: v.dc_all * v.tanh_c},
        ),
        (
            "dc-in-output-gate",
            "The output gate gets the incoming `dc`. It acts on the state alone: do = dh * tanh_c.",
            {"do": lambda v: v.dc * v.tanh_c},
        ),
        (
            "dc-in-output-gate",
            "The incoming `dc` is added to `dh`, and so reaches the output gate. It reaches the memory alone.",
            {"do": lambda v: (v.dh + v.dc) * v.tanh_c},
        ),
        (
            "output-tanh-missing",
            "The output gate's gradient is made with c, as if h were o * c. It is do = dh * tanh_c.",
            {"do": lambda v: v.dh * v.c},
        ),
        (
            "output-tanh-missing",
            "This is the gradient of h = o * c. The state is o * tanh(c): do has the factor tanh_c, and the path to "
            "the memory the factor 1 - tanh_c².",
            {"do": lambda v: v.dh * v.c, "through_h": lambda v: v.dh * v.o},
        ),
    ):
        yield name, words, formulas


def _factor_mistakes():
    """What is wrong with the factors by which a gradient goes from the memory to the gates."""
    yield from (
        (
            "factors-exchanged",
            "The factors of input gate and candidate are exchanged. In i * g each has the other as its derivative: "
            "di = dc * g, dg = dc * i.",
            {"di": lambda v: v.dc_all * v.i, "dg": lambda v: v.dc_all * v.g},
        ),
        (
            "factors-exchanged",
            "The factors of the forget gate and the old memory are exchanged. In f * c_prev each has the other as its "
            "derivative: df = dc * c_prev, dc_prev = dc * f.",
            {"df": lambda v: v.dc_all * v.f, "dc_prev": lambda v: v.dc_all * v.c_prev},
        ),
        (
            "factors-exchanged",
            "The factors of input gate and forget gate are exchanged: di = dc * g, df = dc * c_prev.",
            {"di": lambda v: v.dc_all * v.c_prev, "df": lambda v: v.dc_all * v.g},
        ),
        (
            "factors-exchanged",
            "The factors of forget gate and candidate are exchanged: df = dc * c_prev, dg = dc * i.",
            {"df": lambda v: v.dc_all * v.i, "dg": lambda v: v.dc_all * v.c_prev},
        ),
        (
            "factor-missing",
            "The gradient of the input gate lacks its factor: di = dc * g.",
            {"di": lambda v: v.dc_all},
        ),
        (
            "factor-missing",
            "The gradient of the forget gate lacks its factor: df = dc * c_prev.",
            {"df": lambda v: v.dc_all},
        ),
        (
            "factor-missing",
            "The gradient of the candidate lacks its factor: dg = dc * i.",
            {"dg": lambda v: v.dc_all},
        ),
        (
            "factor-missing",
            "The gradient of the output gate lacks its factor: do = dh * tanh_c.",
            {"do": lambda v: v.dh},
        ),
        (
            "factor-itself",
            "The gradient of the input gate has the gate itself as its factor. In i * g it is the other one: "
            "di = dc * g.",
            {"di": lambda v: v.dc_all * v.i},
        ),
        (
            "factor-itself",
            "The gradient of the candidate has the candidate itself as its factor. In i * g it is the other one: "
            "dg = dc * i.",
            {"dg": lambda v: v.dc_all * v.g},
        ),
        (
            "factor-itself",
            "The gradient of the output gate has the gate itself as its factor. In o * tanh(c) it is the other one: "
            "do = dh * tanh_c.",
            {"do": lambda v: v.dh * v.o},
        ),
        (
            "new-memory-for-old",
            "The gradient of the forget gate is made with the new memory c. The gate multiplies the old one: "
            "df = dc * c_prev.",
            {"df": lambda v: v.dc_all * v.c},
        ),
        (
            "new-memory-for-old",
            "The gradient of the forget gate is made with `tanh_c`. The gate multiplies the old memory: "
            "df = dc * c_prev.",
            {"df": lambda v: v.dc_all * v.tanh_c},
        ),
        (
            "state-for-memory",
            "The gradient of the forget gate is made with the state `h_prev`. The gate multiplies the old memory: "
            "df = dc * c_prev.",
            {"df": lambda v: v.dc_all * v.h_prev},
        ),
        (
            "forget-gate-missing",
            "`dc_prev` lacks the forget gate, by which the old memory is multiplied: dc_prev = dc * f.",
            {"dc_prev": lambda v: v.dc_all},
        ),
        (
            "wrong-gate-for-forget",
            "`dc_prev` is made with the input gate. The old memory is multiplied by the forget gate: dc_prev = dc * f.",
            {"dc_prev": lambda v: v.dc_all * v.i},
        ),
        (
            "wrong-gate-for-forget",
            "`dc_prev` is made with the output gate. The old memory is multiplied by the forget gate: dc_prev = dc * "
            "f.",
            {"dc_prev": lambda v: v.dc_all * v.o},
        ),
        (
            "dh-for-dc",
            "`dc_prev` is made from `dh`. It is the memory's gradient, by both of its paths, times f.",
            {"dc_prev": lambda v: v.dh * v.f},
        ),
    )


def _derivative_mistakes():
    """What is wrong with the derivatives of sigmoid and tanh at the gates."""

    def at(letters, derivative):
        return {f"da_{k}": lambda v, k=k: getattr(v, f"d{k}") * derivative(getattr(v, k)) for k in letters}

    for letters in ("ifo", "i", "f", "o"):
        of = "of the gates i, f and o" if letters == "ifo" else f"of the {NAMES[letters]}"
        s = "s" if letters == "ifo" else letters
        yield (
            "sigmoid-derivative-missing",
            f"The derivative of the sigmoid is missing in the gradient {of}: the factor {s} (1 - {s}).",
            at(letters, np.ones_like),
        )
        yield (
            "tanh-derivative-for-gate",
            f"The derivative {of} is that of a tanh, 1 - {s}². A gate is a sigmoid: {s} (1 - {s}).",
            at(letters, lambda s: 1 - s**2),
        )
        yield (
            "sigmoid-derivative-halved",
            f"The derivative of the sigmoid {of} is 1 - {s}, without the factor {s}: it is {s} (1 - {s}).",
            at(letters, lambda s: 1 - s),
        )
        yield (
            "sigmoid-twice",
            f"The sigmoid is taken once more of a gate that is a sigmoid already: the derivative {of} is {s} (1 - "
            f"{s}), from the cache as it is.",
            at(letters, lambda s: sigmoid(s) * (1 - sigmoid(s))),
        )
        yield (
            "sigmoid-derivative-twice",
            f"The derivative of the sigmoid {of} is taken twice.",
            at(letters, lambda s: (s * (1 - s)) ** 2),
        )
        yield (
            "derivative-sign",
            f"The derivative of the sigmoid {of} is {s} (1 - {s}); here it is {s} (1 + {s}).",
            at(letters, lambda s: s * (1 + s)),
        )
    for mine, other in itertools.permutations("ifo", 2):
        for formula, derivative in (
            (f"{other} (1 - {other})", lambda s, r: r * (1 - r)),
            (f"{mine} (1 - {other})", lambda s, r: s * (1 - r)),
        ):
            yield (
                "derivative-of-another-gate",
                f"The derivative of the {NAMES[mine]} has values of the {NAMES[other]} in it: {formula} in place of "
                f"{mine} (1 - {mine}).",
                {
                    f"da_{mine}": lambda v, mine=mine, other=other, derivative=derivative: (
                        getattr(v, f"d{mine}") * derivative(getattr(v, mine), getattr(v, other))
                    )
                },
            )
    yield (
        "derivative-sign",
        "The derivative of the candidate is 1 - g²; here it is 1 + g².",
        at("g", lambda g: 1 + g**2),
    )
    yield (
        "sigmoid-derivative-for-candidate",
        "The derivative of the candidate is that of a sigmoid, g (1 - g). The candidate is a tanh: 1 - g².",
        at("g", lambda g: g * (1 - g)),
    )
    yield (
        "tanh-derivative-missing",
        "The derivative of the tanh is missing in the gradient of the candidate: the factor 1 - g².",
        at("g", np.ones_like),
    )
    yield (
        "derivative-not-squared",
        "The derivative of the candidate is 1 - g², with the square; here it is 1 - g.",
        at("g", lambda g: 1 - g),
    )
    yield (
        "tanh-twice",
        "The tanh is taken once more of the candidate, which is a tanh already: the derivative is 1 - g², from the "
        "cache as it is.",
        at("g", lambda g: 1 - tanh(g) ** 2),
    )
    yield (
        "tanh-derivative-twice",
        "The derivative of the candidate's tanh is taken twice.",
        at("g", lambda g: (1 - g**2) ** 2),
    )
    yield (
        "derivatives-missing",
        "The derivatives of sigmoid and tanh are missing: these are the gradients by the gates, taken for those by "
        "their pre-activations.",
        at(ORDER, np.ones_like),
    )


def _half_order_mistakes():
    """The blocks are in order in some of the results alone."""
    for order in OTHER_ORDERS:
        found, here = _found_and_here(order)
        yield (
            "gate-order",
            f"The blocks of `dW_x`, `dW_h` and `db` stand {found} {here}; `dx` and `dh_prev` are right.",
            {"da": lambda v, order=order: _joined(v, order)},
        )
        yield (
            "gate-order",
            f"On the way to `dx` and `dh_prev` the gradients of the four pre-activations are taken {found} {here}; the "
            "weights' gradients are right.",
            {"da_x": lambda v, order=order: _joined(v, order)},
        )


def _found_and_here(order):
    found = f"in the order {_listed(order)}.{WHOSE.get(''.join(order), '')}"
    return found, f"Here they stand in the order {_listed(ORDER)}, as the columns of `W_x` and `W_h` do"


def _product_mistakes():
    """What is wrong with the products that lead to the arguments."""
    for order in OTHER_ORDERS:
        found, here = _found_and_here(order)
        yield (
            "gate-order",
            f"The gradients of the four pre-activations are put side by side {found} {here}.",
            {name: lambda v, order=order: _joined(v, order) for name in ("da", "da_x")},
        )
    yield (
        "recurrent-transposed",
        "`dh_prev` lacks a transpose: on the way back each gate's gradient goes through the transpose of its block of "
        "`W_h`, da @ W_h.T for all four. A block is square, so no shape complains.",
        {
            "dh_prev": lambda v: sum(
                part @ W for part, W in zip(np.split(v.da, 4, axis=1), np.split(v.W_h, 4, axis=1), strict=True)
            )
        },
    )
    yield (
        "gradient-transposed",
        "Each gate's block of `dW_h` is transposed: a block is the state's transpose times the gate's gradient, "
        "h_prev.T @ da. A block is square, so no shape complains.",
        {
            "dW_h": lambda v: np.concatenate(
                [block.T for block in np.split(v.h_prev.T @ v.da, 4, axis=1)],
                axis=1,
            )
        },
    )
    yield (
        "new-state-for-old",
        "`dW_h` is made with the new state h. The recurrent product took the state before the step: h_prev.T @ da.",
        {"dW_h": lambda v: v.h.T @ v.da},
    )
    yield (
        "memory-for-state",
        "`dW_h` is made with the memory `c_prev`. The recurrent product took the state before: h_prev.T @ da.",
        {"dW_h": lambda v: v.c_prev.T @ v.da},
    )
    for the, name in (("`dx`", "dx"), ("`dh_prev`", "dh_prev")):
        W = {"dx": "W_x", "dh_prev": "W_h"}[name]
        for k in ORDER:
            yield (
                "path-missing",
                f"{the} lacks the path through the {NAMES[k]}. All four pre-activations come from it, so it is the sum "
                "of four paths.",
                {name: lambda v, W=W, k=k: _joined(v, without=k) @ getattr(v, W).T},
            )
            yield (
                "path-missing",
                f"{the} has the path through the {NAMES[k]} alone. All four pre-activations come from it, so it is the "
                "sum of four paths.",
                {name: lambda v, W=W, k=k: _joined(v, without=set(ORDER) - {k}) @ getattr(v, W).T},
            )
    for name, words, formulas in (
        (
            "dh-passed-through",
            "`dh_prev` has the incoming `dh` added. The state before reaches this step through the recurrent product "
            "alone.",
            {"dh_prev": lambda v: v.dh + v.da_x @ v.W_h.T},
        ),
        (
            "dh-passed-through",
            "`dh_prev` is the incoming `dh`, handed on as it came. It is the pre-activations' gradient through W_h.",
            {"dh_prev": lambda v: v.dh + 0 * v.dc},
        ),
        (
            "dh-lost",
            "`dh_prev` is zero: the state hands no gradient on. The recurrent product leads back to it: da @ W_h.T.",
            {"dh_prev": lambda v: np.zeros_like(v.dh)},
        ),
        (
            "bias-gradient-averaged",
            "`db` is the mean over the batch. The bias acts on every row, and its gradient is the sum over the rows.",
            {"db": lambda v: v.da.mean(axis=0)},
        ),
        (
            "bias-gradient-of-one-row",
            "`db` is the gradient of the first row alone. The bias acts on every row: it is the sum over the batch.",
            {"db": lambda v: v.da[0]},
        ),
        (
            "gradients-averaged",
            "`dW_x` and `dW_h` are divided by the size of the batch. The incoming gradient has that factor already, "
            "where the loss is a mean.",
            {"dW_x": lambda v: v.x.T @ v.da / len(v.x), "dW_h": lambda v: v.h_prev.T @ v.da / len(v.x)},
        ),
        (
            "gradients-averaged",
            "`dW_x`, `dW_h` and `db` are divided by the size of the batch. The incoming gradient has that factor "
            "already, where the loss is a mean.",
            {
                "dW_x": lambda v: v.x.T @ v.da / len(v.x),
                "dW_h": lambda v: v.h_prev.T @ v.da / len(v.x),
                "db": lambda v: v.da.mean(axis=0),
            },
        ),
        (
            "outputs-exchanged",
            "`dh_prev` and `dc_prev` come back exchanged: dx, dh_prev, dc_prev, dW_x, dW_h, db.",
            {"gradients": lambda v: (v.dx, v.dc_prev, v.dh_prev, v.dW_x, v.dW_h, v.db)},
        ),
        (
            "bias-gradient-not-summed",
            "`db` has a row for each row of the batch. The bias acts on every row, and its gradient is the sum over "
            "the rows: `axis=0`.",
            {"db": lambda v: v.da},
        ),
        (
            "bias-gradient-not-summed",
            "`db` keeps the axis of the batch. It has the shape of the bias, (4H,): sum over `axis=0` without keeping "
            "it.",
            {"db": lambda v: v.da.sum(axis=0, keepdims=True)},
        ),
        (
            "bias-gradient-summed-over-all",
            "`db` is one number: the sum over the gates' units, too. Each has a bias of its own: sum over the batch, "
            "`axis=0`, alone.",
            {"db": lambda v: v.da.sum()},
        ),
    ):
        yield name, words, formulas


BACKWARD_GROUPS = (_path_mistakes, _factor_mistakes, _derivative_mistakes, _product_mistakes)

LSTM_STEP_BACKWARD_MISTAKES = _mistakes_of(
    *BACKWARD_GROUPS, _mistakes_of_a_step_alone, _half_order_mistakes, lift=_step_backward
)


def _walk_mistakes():
    """What is wrong with the walk back through time, as a change of `_back_through_time`."""

    def no_start(gradients):
        dxs, dh0, dc0, *of_weights = gradients
        return dxs, np.zeros_like(dh0), np.zeros_like(dc0), *of_weights

    def of_weights(at, part):
        """The weights' gradients, of which those at some places are something else."""
        return lambda gradients: tuple(part(g) if k in at else g for k, g in enumerate(gradients))

    carry_h = (
        "The state of a step acts on the loss at this step and through the step after: the gradient that comes from "
        "there, the `dh_prev` of the step after, is added to `dhs[t]`."
    )
    carry_c = (
        "The memory's gradient does not go from step to step. What a step hands on, `dc_prev`, is its whole gradient "
        "by the memory, through h and from the step after, times f; it is the `dc` of the step before it in time. It "
        "is the way on which an LSTM learns what lies far back."
    )
    yield (
        "carry-missing",
        f"The gradient from the step after is not added. {carry_h}",
        {"incoming": lambda dhs, t, dh_next: dhs[t]},
    )
    yield (
        "own-gradient-missing",
        f"The gradient from the step after takes the place of `dhs[t]`, which counts at the last step alone. {carry_h}",
        {"incoming": lambda dhs, t, dh_next: dhs[t] if t == len(dhs) - 1 else dh_next},
    )
    yield (
        "own-gradient-missing",
        "`dhs` has no part but through its last step's, which every step gets. Each step has its own, `dhs[t]`.",
        {"incoming": lambda dhs, t, dh_next: dhs[-1] + dh_next},
    )
    yield (
        "own-gradient-missing",
        "`dhs` has no part: all gradients are zero. Each step has its own, `dhs[t]`, beside what comes from the step "
        "after.",
        {"incoming": lambda dhs, t, dh_next: dh_next + 0 * dhs[t]},
    )
    yield (
        "carry-sign",
        "The gradient from the step after is subtracted from `dhs[t]`; it is added.",
        {"incoming": lambda dhs, t, dh_next: dhs[t] - dh_next},
    )
    yield (
        "memory-carry-missing",
        carry_c,
        {"hand_on": lambda v: (v.dh_prev, 0 * v.dc_prev)},
    )
    yield (
        "carry-missing",
        "No gradient goes from step to step, neither by the state nor by the memory: each step has its own `dhs[t]` "
        "alone. So these are the partial derivatives at one step, summed, and not the total ones; it is BPTT truncated "
        "after one step.",
        {"hand_on": lambda v: (0 * v.dh_prev, 0 * v.dc_prev)},
    )
    for name, words, hand_on in (
        (
            "carry-missing",
            "No gradient goes from step to step, and those by `h0` and `c0` are zero. Each step hands `dh_prev` and "
            "`dc_prev` on; the first step's are `dh0` and `dc0`.",
            lambda v: (0 * v.dh_prev, 0 * v.dc_prev),
        ),
        (
            "memory-carry-missing",
            f"{carry_c} Nor is `dh0` or `dc0` given back: the first step's are these.",
            lambda v: (v.dh_prev, 0 * v.dc_prev),
        ),
    ):
        yield name, words, {"hand_on": hand_on, "at_the_end": no_start}
    yield (
        "memory-carry-missing",
        f"{carry_c} `dc0` is zero, too; the first step's `dc_prev` is that.",
        {
            "hand_on": lambda v: (v.dh_prev, 0 * v.dc_prev),
            "at_the_end": of_weights({2}, np.zeros_like),
        },
    )
    for name, words, hand_on in (
        (
            "carry-accumulated",
            "The gradient by the state is piled up: what comes from the step after is kept and added again at every "
            "step. `dh_prev` takes the place of the one before.",
            lambda v: (v.dh + v.dh_prev, v.dc_prev),
        ),
        (
            "carry-accumulated",
            "The memory's gradient is piled up: `dc_prev` is added to the `dc` that already went through the step. It "
            "takes its place.",
            lambda v: (v.dh_prev, v.dc + v.dc_prev),
        ),
        (
            "carry-accumulated",
            "Both gradients are piled up from step to step. `dh_prev` and `dc_prev` take the place of those before.",
            lambda v: (v.dh + v.dh_prev, v.dc + v.dc_prev),
        ),
        (
            "carry-unchanged",
            "The gradient by the state is handed on as it came, past the step. `dh_prev` takes its place.",
            lambda v: (v.dh, v.dc_prev),
        ),
        (
            "carry-exchanged",
            "The two gradients are exchanged from step to step: `dh_prev` goes to dh, `dc_prev` to dc.",
            lambda v: (v.dc_prev, v.dh_prev),
        ),
        (
            "memory-carry-for-state",
            "The gradient by the memory is handed on as that by the state, too. `dh_prev` goes to dh.",
            lambda v: (v.dc_prev, v.dc_prev),
        ),
        (
            "state-carry-for-memory",
            "The gradient by the state is handed on as that by the memory, too. `dc_prev` goes to dc.",
            lambda v: (v.dh_prev, v.dh_prev),
        ),
    ):
        yield name, words, {"hand_on": hand_on}
    yield (
        "memory-gradient-at-the-end",
        "The walk begins with the last state's gradient, `dhs[-1]`, as that of the memory, too. After the last step "
        "nothing reads the memory: it begins with 0.",
        {"first_dc": lambda dhs: dhs[-1]},
    )
    yield (
        "memory-gradient-at-the-end",
        "The walk begins with ones as the gradient of the memory. After the last step nothing reads it: it begins with "
        "0.",
        {"first_dc": lambda dhs: 1.0},
    )
    yield (
        "gradients-not-accumulated",
        "`dW_x`, `dW_h` and `db` are those of the first time step alone, the last on the way back: each step writes "
        "over what the steps before it added. The weights act at every step, so their gradients are sums over the "
        "steps.",
        {"add": lambda total, new: new},
    )
    for at, what in (({3}, "`dW_x` is"), ({4}, "`dW_h` is"), ({5}, "`db` is"), ({3, 4}, "`dW_x` and `dW_h` are")):
        yield (
            "gradients-not-accumulated",
            f"{what} written over at each step, and so that of the first time step alone. The weights act at every "
            "step, so their gradients are sums over the steps.",
            {"keep": at},
        )
    for at, what in (
        ({3, 4, 5}, "The weights' gradients are"),
        ({3}, "`dW_x` is"),
        ({4}, "`dW_h` is"),
        ({5}, "`db` is"),
    ):
        yield (
            "gradients-sign",
            f"{what} subtracted from step to step. They add up.",
            {"at_the_end": of_weights(at, lambda g: -g)},
        )
    yield (
        "gradients-of-last-step",
        "`dW_x`, `dW_h` and `db` are those of the last time step alone. The weights act at every step, so their "
        "gradients are sums over the steps.",
        {"add": lambda total, new: total if total.any() else new},
    )
    for at, what in (({3, 4, 5}, "`dW_x`, `dW_h` and `db` are"), ({5}, "`db` is"), ({3, 4}, "`dW_x` and `dW_h` are")):
        yield (
            "gradients-averaged-over-time",
            f"{what} divided by T. The weights act at every step, so their gradients are sums over the steps.",
            {
                "at_the_end": lambda gradients, at=at: tuple(
                    g / len(gradients[0]) if k in at else g for k, g in enumerate(gradients)
                )
            },
        )
    yield (
        "first-step-missing",
        "The walk ends before the first step: the loop leaves out t = 0. `dxs[0]` stays zero, and `dh0` and `dc0` are "
        "what leaves the second step.",
        {"steps": lambda T: range(1, T)[::-1]},
    )
    yield (
        "last-step-missing",
        "The walk leaves out the last step, T - 1, which is its first. Its `dhs[-1]` reaches nothing.",
        {"steps": lambda T: range(T - 1)[::-1]},
    )
    yield (
        "time-forwards",
        "The loop runs from the first time step to the last. The gradient of a step needs that of the step after it, "
        "so the walk goes backwards.",
        {"steps": range},
    )
    yield (
        "time-forwards",
        "The loop runs from the first time step to the last, and `dxs` is turned round after it. The gradient of a "
        "step needs that of the step after it, so the walk goes backwards.",
        {"steps": range, "at_the_end": lambda g: (g[0][::-1], *g[1:])},
    )
    for k in (1, 2, 3):
        few = {1: "the last step alone", 2: "the last two steps", 3: "the last three steps"}[k]
        yield (
            "truncated",
            f"The walk goes through {few}: it is truncated. Here the gradient goes back through all T steps.",
            {"steps": lambda T, k=k: range(max(T - k, 0), T)[::-1]},
        )
        if k > 1:
            yield (
                "truncated",
                f"The gradient is cut after every {k} steps: the walk begins anew there, with nothing from the steps "
                "after. Here it goes back through all T steps.",
                {
                    "hand_on": lambda v, k=k: (v.dh_prev * (v.t % k > 0), v.dc_prev * (v.t % k > 0)),
                },
            )
            yield (
                "truncated",
                f"The gradient is cut after every {k} steps, counted from the end: the walk begins anew there, with "
                "nothing from the steps after. Here it goes back through all T steps.",
                {"hand_on": lambda v, k=k: (v.dh_prev * ((v.T - v.t) % k > 0), v.dc_prev * ((v.T - v.t) % k > 0))},
            )
    yield (
        "initial-gradient-zero",
        "`dh0` and `dc0` are zero. They are what the first step hands on, its `dh_prev` and `dc_prev`.",
        {"at_the_end": no_start},
    )
    yield (
        "initial-gradient-exchanged",
        "`dc0` is the gradient by the state, `dh0`. It is the `dc_prev` of the first step.",
        {"at_the_end": lambda g: (*g[:2], g[1], *g[3:])},
    )
    yield (
        "initial-gradient-exchanged",
        "`dh0` is the gradient by the memory, `dc0`. It is the `dh_prev` of the first step.",
        {"at_the_end": lambda g: (g[0], g[2], *g[2:])},
    )
    yield (
        "initial-gradient-zero",
        "`dh0` is zero. It is what the first step hands on, its `dh_prev`.",
        {"at_the_end": of_weights({1}, np.zeros_like)},
    )
    yield (
        "initial-gradient-zero",
        "`dc0` is zero. It is what the first step hands on, its `dc_prev`.",
        {"at_the_end": of_weights({2}, np.zeros_like)},
    )
    yield (
        "outputs-exchanged",
        "`dh0` and `dc0` come back exchanged: dxs, dh0, dc0, dW_x, dW_h, db.",
        {"at_the_end": lambda g: (g[0], g[2], g[1], *g[3:])},
    )
    yield (
        "outputs-exchanged",
        "`dW_x` and `dW_h` come back exchanged: dxs, dh0, dc0, dW_x, dW_h, db.",
        {"at_the_end": lambda g: (*g[:3], g[4], g[3], g[5])},
    )
    yield (
        "gradient-transposed",
        "`dW_x` and `dW_h` are transposed: x.T @ da has the shape of W_x, (D, 4H), and da.T @ x has not.",
        {"at_the_end": lambda g: (*g[:3], g[3].T, g[4].T, g[5])},
    )
    yield (
        "time-reversed",
        "`dxs` stands in the order in which the walk meets the steps, the last one first. `dxs[0]` belongs to the "
        "first step: turn the list round, or write to `dxs[t]`.",
        {"at_the_end": lambda g: (g[0][::-1], *g[1:])},
    )
    yield (
        "time-and-batch-swapped",
        "The axes of time and batch of `dxs` are exchanged. The course has time first: (T, B, D).",
        {"at_the_end": lambda g: (g[0].swapaxes(0, 1), *g[1:])},
    )
    yield (
        "wrapped-index",
        "Step t gets the gradient of the step before it, `dhs[t - 1]`, and step 0 that of the last, since the index -1 "
        "wraps round. It gets its own, `dhs[t]`.",
        {"incoming": lambda dhs, t, dh_next: dhs[t - 1] + dh_next},
    )
    yield (
        "incoming-twice",
        "`dhs[t]` is added twice. It counts once, beside the gradient from the step after.",
        {"incoming": lambda dhs, t, dh_next: 2 * dhs[t] + dh_next},
    )
    yield (
        "gradients-doubled",
        "The weights' gradients are added twice. Each step's counts once.",
        {"at_the_end": of_weights({3, 4, 5}, lambda g: 2 * g)},
    )
    for limit in (1, 5, 10):
        clipped = f"at ±{limit}"
        yield (
            "clipped-inside",
            f"The weights' gradients are clipped {clipped} before they come back. Clipping belongs to the training, "
            "after the gradient is whole: here the gradient itself is asked.",
            {"at_the_end": of_weights({3, 4, 5}, lambda g, limit=limit: np.clip(g, -limit, limit))},
        )
        yield (
            "clipped-inside",
            f"All gradients are clipped {clipped} before they come back. Clipping belongs to the training: here the "
            "gradient itself is asked.",
            {"at_the_end": of_weights(range(6), lambda g, limit=limit: np.clip(g, -limit, limit))},
        )
    for limit in (1, 5):
        yield (
            "clipped-inside",
            f"The gradients that go from step to step are clipped at ±{limit}. That changes the gradient of every step "
            "before; clipping belongs to the training.",
            {
                "hand_on": lambda v, limit=limit: (
                    np.clip(v.dh_prev, -limit, limit),
                    np.clip(v.dc_prev, -limit, limit),
                )
            },
        )
        yield (
            "clipped-inside",
            f"The gradient that reaches a step, `dhs[t]` and what comes from the step after, is clipped at ±{limit}. "
            "Clipping belongs to the training.",
            {"incoming": lambda dhs, t, dh_next, limit=limit: np.clip(dhs[t] + dh_next, -limit, limit)},
        )


def _at_most(k):
    """The gradient in which what comes from each step goes back through k steps."""

    def backward(dhs, caches, W_x, W_h):
        dxs, dh0, dc0, *of_weights = (0 * g for g in lstm_backward(dhs, caches, W_x, W_h))
        for s in range(len(dhs)):
            t = max(s - k + 1, 0)
            alone = dhs[t : s + 1] * (np.arange(t, s + 1) == s)[:, None, None]
            dx, dh, dc, *new = lstm_backward(alone, caches[t : s + 1], W_x, W_h)
            dxs[t : s + 1] += dx
            dh0, dc0 = (dh0 + dh, dc0 + dc) if t == 0 else (dh0, dc0)
            of_weights = [total + g for total, g in zip(of_weights, new, strict=True)]
        return dxs, dh0, dc0, *of_weights

    return backward


LSTM_BACKWARD_MISTAKES = (
    *(
        Mistake(f"lstm.{name}", words, _back_through_time(lstm_step_backward, **changes))
        for name, words, changes in _walk_mistakes()
    ),
    *(
        Mistake(
            "lstm.truncated",
            f"What comes from the loss at one step goes back through {k} steps alone. Here it goes back through all T "
            "steps.",
            _at_most(k),
        )
        for k in (2, 3)
    ),
    *_mistakes_of(*BACKWARD_GROUPS, lift=lambda formulas: _back_through_time(_step_backward(formulas))),
)


def _peephole_mistakes():
    seen = {"i": ("c_prev", "the old memory"), "f": ("c_prev", "the old memory"), "o": ("c", "the new memory")}

    def sees(letters, looks):
        """Formulas of pre-activations in which some gates look at the memory in another way."""
        return {
            f"a_{k}": lambda v, k=k: v.a[k] + looks(v, getattr(v, f"p_{k}"), getattr(v, seen[k][0])) for k in letters
        }

    yield (
        "peephole-old-memory",
        "The output gate sees the old memory, `c_prev`. It sees the new one, c, which is there by then; the input gate "
        "and the forget gate see the old one.",
        sees("o", lambda v, p, c: p * v.c_prev),
    )
    for letters in ("if", "i", "f"):
        the = "input gate and the forget gate see" if letters == "if" else f"{NAMES[letters]} sees"
        yield (
            "peephole-new-memory",
            f"The {the} a new memory, made without peepholes before. It is the old one, `c_prev`: the new one is made "
            "with these gates.",
            sees(letters, lambda v, p, c: p * (sigmoid(v.a["f"]) * v.c_prev + sigmoid(v.a["i"]) * tanh(v.a["g"]))),
        )
    for letters in ("ifo", "if", "i", "f", "o"):
        the = {"ifo": "No gate sees", "if": "Neither input gate nor forget gate sees"}.get(letters)
        the = the or f"The {NAMES[letters]} does not see"
        yield (
            "peephole-missing",
            f"{the} the memory: a peephole adds p * c, unit by unit, to the pre-activation.",
            sees(letters, lambda v, p, c: 0.0),
        )
    for letters in ("ifo", "i", "f", "o"):
        the = "gates" if letters == "ifo" else NAMES[letters]
        yield (
            "peephole-after-sigmoid",
            f"The peephole is added after the sigmoid of the {the}, which so leaves the range from 0 to 1. It is part "
            "of the pre-activation, inside the sigmoid.",
            {k: lambda v, k=k: sigmoid(v.a[k]) + getattr(v, f"p_{k}") * getattr(v, seen[k][0]) for k in letters},
        )
        yield (
            "peephole-sign",
            f"The peephole of the {the} is subtracted; it is added.",
            sees(letters, lambda v, p, c: -p * c),
        )
        yield (
            "peephole-factor-missing",
            f"The memory is added to the pre-activation of the {the} without its peephole weight: it is p * c.",
            sees(letters, lambda v, p, c: c),
        )
        yield (
            "peephole-matrix",
            f"The peephole of the {the} mixes the units: it is a product, c @ p, a sum over all units. A unit sees its "
            "own entry of the memory alone: p * c, entry by entry.",
            sees(letters, lambda v, p, c: (c @ p)[:, None]),
        )
        yield (
            "peephole-matrix",
            f"The peephole of the {the} mixes the units: each sees the sum of the memory over all of them. A unit sees "
            "its own entry alone: p * c, entry by entry.",
            sees(letters, lambda v, p, c: p * c.sum(axis=1, keepdims=True)),
        )
        yield (
            "peephole-squashed",
            f"The peephole of the {the} sees the tanh of the memory. It sees the memory as it is.",
            sees(letters, lambda v, p, c: p * tanh(c)),
        )
        yield (
            "peephole-sees-state",
            f"The peephole of the {the} sees the state, `h_prev`. It sees the memory.",
            sees(letters, lambda v, p, c: p * v.h_prev),
        )
    for order in itertools.permutations("ifo"):
        if order != ("i", "f", "o"):
            p_of = dict(zip("ifo", order, strict=True))
            moved = [f"the {NAMES[k]} has `p_{other}`" for k, other in p_of.items() if k != other]
            yield (
                "peephole-of-another-gate",
                f"The peepholes are exchanged: {', '.join(moved)}. Each gate has its own.",
                {
                    f"a_{k}": lambda v, k=k, p_of=p_of: v.a[k] + getattr(v, f"p_{p_of[k]}") * getattr(v, seen[k][0])
                    for k in "ifo"
                },
            )
    for mine, other in itertools.permutations("ifo", 2):
        yield (
            "peephole-of-another-gate",
            f"The {NAMES[mine]} has the peephole of the {NAMES[other]}, `p_{other}`. It has its own, `p_{mine}`.",
            {
                f"a_{mine}": lambda v, mine=mine, other=other: (
                    v.a[mine] + getattr(v, f"p_{other}") * getattr(v, seen[mine][0])
                )
            },
        )
    for k in "if":
        yield (
            "peephole-of-candidate",
            f"The candidate sees the memory too, by `p_{k}`. Only the three gates have peepholes.",
            {"g": lambda v, k=k: tanh(v.a["g"] + getattr(v, f"p_{k}") * v.c_prev)},
        )
    yield (
        "gates-exchanged",
        "Input gate and forget gate are exchanged in the memory: it is f * c_prev + i * g, in which the forget gate "
        "says what stays.",
        {"c": lambda v: v.i * v.c_prev + v.f * v.g},
    )


PEEPHOLE_STEP_MISTAKES = _mistakes_of(_peephole_mistakes, *STEP_GROUPS, lift=_peephole_step)


def _with_block(change):
    """What a wrong slice or operation makes of a copy of the bias."""

    def wrong(b, value):
        new = b.copy()
        change(new, len(b) // 4, value)
        return new

    return wrong


def _set(where):
    def change(new, H, value):
        new[where(H)] = value

    return _with_block(change)


def _add(new, H, value):
    new[H : 2 * H] += value


def _multiply(new, H, value):
    new[H : 2 * H] *= value


_BLOCKS = "The four blocks of H entries stand in the order i, f, g, o: the forget gate's is b[H:2H]."

SET_FORGET_BIAS_MISTAKES = (
    *(
        Mistake(
            "lstm.forget-bias-wrong-block",
            f"The block of the {NAMES[k]} is set, not that of the forget gate. {_BLOCKS}{whose}",
            _set(lambda H, at=at: slice(at * H, (at + 1) * H)),
        )
        for at, k, whose in (
            (0, "i", ""),
            (2, "g", " In the order of TensorFlow 1, i, g, f, o, this block would be the one."),
            (3, "o", ""),
        )
    ),
    Mistake(
        "lstm.forget-bias-added",
        f"The value is added to the forget gate's bias; it takes its place. {_BLOCKS}",
        _with_block(_add),
    ),
    Mistake(
        "lstm.forget-bias-added",
        "The forget gate's bias is multiplied by the value; it is set to it.",
        _with_block(_multiply),
    ),
    Mistake(
        "lstm.forget-bias-everywhere",
        f"All biases are set to the value; only the forget gate's are asked. {_BLOCKS}",
        _set(lambda H: slice(None)),
    ),
    Mistake(
        "lstm.forget-bias-everywhere",
        "The value is added to all biases. It takes the place of the forget gate's alone.",
        lambda b, value: b + value,
    ),
    Mistake(
        "lstm.forget-bias-everywhere",
        f"All biases from the forget gate's on are set, those of g and o too. {_BLOCKS}",
        _set(lambda H: slice(H, None)),
    ),
    Mistake(
        "lstm.forget-bias-everywhere",
        f"The candidate's block is set, too. {_BLOCKS}",
        _set(lambda H: slice(H, 3 * H)),
    ),
    Mistake(
        "lstm.forget-bias-wrong-block",
        f"The entries b[4:8] are set: the number of gates is taken for H, the number of units. {_BLOCKS}",
        _set(lambda H: slice(4, 8)),
    ),
    Mistake(
        "lstm.forget-bias-everywhere",
        f"All biases up to the forget gate's are set, that of the input gate too. {_BLOCKS}",
        _set(lambda H: slice(2 * H)),
    ),
    Mistake(
        "lstm.forget-bias-others-lost",
        "The forget gate's block is set, but the other biases are 0. They stay as they were: begin with a copy of `b`.",
        lambda b, value: _set(lambda H: slice(H, 2 * H))(np.zeros_like(b), value),
    ),
    Mistake(
        "lstm.forget-bias-others-lost",
        "Only the forget gate's block comes back. Asked is the whole bias, (4H,), with that block in it.",
        lambda b, value: np.full(len(b) // 4, value, b.dtype),
    ),
    Mistake(
        "lstm.gates-interleaved",
        "Every fourth entry is set, as if the gates took turns. Each gate has H entries side by side: the forget "
        "gate's are b[H:2H].",
        _set(lambda H: slice(1, None, 4)),
    ),
    Mistake(
        "lstm.forget-bias-slice",
        "One entry is missing at the end of the block. A slice ends before its second number: b[H:2H] has H entries.",
        _set(lambda H: slice(H, 2 * H - 1)),
    ),
    Mistake(
        "lstm.forget-bias-slice",
        "The slice begins one entry too late. Counted from 0, the forget gate's first entry is b[H].",
        _set(lambda H: slice(H + 1, 2 * H)),
    ),
    Mistake(
        "lstm.forget-bias-slice",
        "The slice is shifted by one entry. Counted from 0, the forget gate's block is b[H:2H].",
        _set(lambda H: slice(H + 1, 2 * H + 1)),
    ),
    Mistake(
        "lstm.forget-bias-slice",
        "One entry too many is set, the first of the candidate. A slice ends before its second number: b[H:2H].",
        _set(lambda H: slice(H, 2 * H + 1)),
    ),
    Mistake(
        "lstm.forget-bias-slice",
        "Only one entry is set, b[1] or b[H]. The forget gate's block has H entries: b[H:2H].",
        _set(lambda H: 1),
    ),
    Mistake(
        "lstm.forget-bias-slice",
        "Only one entry is set, b[1] or b[H]. The forget gate's block has H entries: b[H:2H].",
        _set(lambda H: H),
    ),
    Mistake(
        "lstm.forget-bias-value-ignored",
        "The forget gate's bias is 1, whatever `value` says. It is set to `value`.",
        lambda b, value: _set(lambda H: slice(H, 2 * H))(b, 1.0),
    ),
    Mistake(
        "lstm.forget-bias-sign",
        "The forget gate's bias is set to minus the value. A positive bias keeps the gate open: the sigmoid grows.",
        lambda b, value: _set(lambda H: slice(H, 2 * H))(b, -value),
    ),
    Mistake(
        "lstm.forget-bias-unchanged",
        "The bias comes back as it was. Its block of the forget gate is set to `value`.",
        lambda b, value: b.copy(),
    ),
)

# --- The hints: where to look, why, the formula. ---


def _gate_hints(letter):
    the = NAMES[letter]
    if letter == "g":
        return Hints(
            "Look at the three terms of the pre-activation, and at the function around them: it is not that of the "
            "gates.",
            "The candidate is what may be added to the memory, and that may be negative. A gate says how much, from 0 "
            "to 1. `np.tanh` takes numbers of any size.",
            "g = tanh(x W_xg + h_prev W_hg + b_g).",
        )
    return Hints(
        "Look at the three terms of the pre-activation, and at what the exponential in your sigmoid makes of -10000.",
        f"The {the} is a share between 0 and 1, a sigmoid of a sum. An exponential overflows above 709 in float64; one "
        "of a negative number never does, and the sigmoid can be written with such exponentials alone.",
        f"{letter} = sigmoid(a) with a = x W_x{letter} + h_prev W_h{letter} + b_{letter}; with e = exp(-|a|) the "
        "sigmoid is 1 / (1 + e) where a >= 0, and e / (1 + e) where a < 0. It is also (1 + tanh(a / 2)) / 2.",
    )


HINTS = {
    "lstm_step": Hints(
        "Look at the order of the four blocks, at what each gate multiplies, and at what goes into the cache.",
        "The columns belong to i, f, g, o in this order, in W_x, W_h and b alike. The forget gate acts on the old "
        "memory, the input gate on the candidate, the output gate on the tanh of the new memory. The cache keeps the "
        "state and the memory from before the step, and the tanh of the new memory.",
        "c = f * c_prev + i * g, h = o * tanh(c), with i, f, o sigmoids and g a tanh of their blocks of "
        "x W_x + h_prev W_h + b.",
    ),
    "lstm_forward": Hints(
        "Look at the two things that your loop hands from one step to the next, and at both before the first.",
        "Step t needs the state and the memory after step t - 1, and step 0 needs h0 and c0. What you store at t is "
        "there after the step, in arrays of its own; the caches stand in the same order.",
        "(hs[t], cs[t]) = step(xs[t], hs[t - 1], cs[t - 1]), with h0 and c0 for t = 0.",
    ),
    "lstm_step_backward": Hints(
        "Go through the forward step from its last line to its first. Look at how many paths lead to the memory, and "
        "at what each gate is multiplied by.",
        "The loss sees c twice: through h of this step, and through the step after, whose gradient comes in as dc. The "
        "sum of both goes to i, f, g and the old memory; the output gate has its gradient from dh alone. Each then "
        "passes its own sigmoid or tanh, and all four share the products.",
        "dc_total = dc + dh * o * (1 - tanh_c^2); di = dc_total * g, df = dc_total * c_prev, dg = dc_total * i, "
        "do = dh * tanh_c, dc_prev = dc_total * f; da_i = di * i (1 - i), f and o alike, da_g = dg * (1 - g^2); with "
        "da the four side by side dx = da W_x^T, dh_prev = da W_h^T, dW_x = x^T da, dW_h = h_prev^T da, db = sum of da "
        "over the batch.",
    ),
    "lstm_backward": Hints(
        "Look at what your loop hands from one step to the step before it: there are two things, and both start at "
        "zero.",
        "The state after step t acts on the loss directly and through step t + 1, so two gradients are added. The "
        "memory after step t acts through step t + 1 alone, or through h. The weights act at every step, so their "
        "gradients are sums.",
        "For t = T - 1, ..., 0: dh = dhs[t] + dh_prev of step t + 1, dc = dc_prev of step t + 1, both 0 at the end; "
        "dW_x, dW_h and db add up; dh0 and dc0 are dh_prev and dc_prev of step 0.",
    ),
    "peephole_step": Hints(
        "Look at which memory each gate sees, and where p times it is added.",
        "The input and the forget gate decide about the new memory, so they can see the old one alone. The output gate "
        "comes after it and sees the new one. A peephole is one number a unit, inside the sigmoid.",
        "i = sigmoid(a_i + p_i * c_prev), f = sigmoid(a_f + p_f * c_prev), c = f * c_prev + i * tanh(a_g), "
        "o = sigmoid(a_o + p_o * c), h = o * tanh(c).",
    ),
    "set_forget_bias": Hints(
        "Look at which of the 4H entries belong to the forget gate, and at whose array you write into.",
        "The blocks stand in the order i, f, g, o, each H entries long. An assignment to a slice writes into the array "
        "that the caller still has, so it needs a copy.",
        "With H a quarter of the length, new entry k is value for H <= k < 2H, and b_k elsewhere.",
    ),
}

_CACHE_FIELDS = tuple(Output(name, "BD" if name == "x" else "BH") for name in LSTMCache._fields)
_WEIGHT_GRADIENTS = (
    Output("dW_x", "DG", blocks=ORDER),
    Output("dW_h", "HG", blocks=ORDER),
    Output("db", "G", blocks=ORDER),
)
_GATES = ("input_gate", "forget_gate", "candidate", "output_gate")

EXERCISES = [
    *(
        Exercise(
            name=reference.__name__,
            assignment="03-lstm",
            outputs=(Output(letter, "BH"),),
            reference=reference,
            cases=_gate_cases(letter),
            points=0.5,
            hidden_points=0.5,
            mistakes=tuple(_gate_mistakes(letter)),
            hints=_gate_hints(letter),
        )
        for reference, letter in ((input_gate, "i"), (forget_gate, "f"), (candidate, "g"), (output_gate, "o"))
    ),
    Exercise(
        name="lstm_step",
        assignment="03-lstm",
        outputs=(
            Output("h", "BH"),
            Output("c", "BH"),
            Output("cache", "", fields=_CACHE_FIELDS, kind=LSTMCache, aside=True),
        ),
        reference=lstm_step,
        cases=_step_cases(lstm_step),
        points=2,
        hidden_points=2,
        neighbours=_GATES,
        mistakes=LSTM_STEP_MISTAKES,
        hints=HINTS["lstm_step"],
    ),
    Exercise(
        name="lstm_forward",
        assignment="03-lstm",
        outputs=(
            Output("hs", "TBH"),
            Output("cs", "TBH"),
            Output("caches", "T", fields=_CACHE_FIELDS, kind=LSTMCache, aside=True),
        ),
        reference=lstm_forward,
        cases=_forward_cases,
        points=1,
        hidden_points=2,
        neighbours=("lstm_step", *_GATES),
        mistakes=LSTM_FORWARD_MISTAKES,
        hints=HINTS["lstm_forward"],
    ),
    Exercise(
        name="lstm_step_backward",
        assignment="03-lstm",
        outputs=(Output("dx", "BD"), Output("dh_prev", "BH"), Output("dc_prev", "BH"), *_WEIGHT_GRADIENTS),
        reference=lstm_step_backward,
        cases=_step_backward_cases,
        points=3,
        hidden_points=4,
        mistakes=LSTM_STEP_BACKWARD_MISTAKES,
        hints=HINTS["lstm_step_backward"],
        gradient_of="lstm_step",
    ),
    Exercise(
        name="lstm_backward",
        assignment="03-lstm",
        outputs=(Output("dxs", "TBD", backward=True), Output("dh0", "BH"), Output("dc0", "BH"), *_WEIGHT_GRADIENTS),
        reference=lstm_backward,
        cases=_backward_cases,
        points=2,
        hidden_points=2,
        neighbours=("lstm_step_backward",),
        mistakes=LSTM_BACKWARD_MISTAKES,
        hints=HINTS["lstm_backward"],
        gradient_of="lstm_forward",
    ),
    Exercise(
        name="peephole_step",
        assignment="03-lstm",
        outputs=(Output("h", "BH"), Output("c", "BH")),
        reference=peephole_step,
        cases=_step_cases(peephole_step),
        points=1,
        hidden_points=2,
        neighbours=_GATES,
        mistakes=PEEPHOLE_STEP_MISTAKES,
        hints=HINTS["peephole_step"],
    ),
    Exercise(
        name="set_forget_bias",
        assignment="03-lstm",
        outputs=(Output("b", "G", blocks=ORDER),),
        reference=set_forget_bias,
        cases=_set_forget_bias_cases,
        points=1,
        hidden_points=1,
        mistakes=SET_FORGET_BIAS_MISTAKES,
        hints=HINTS["set_forget_bias"],
    ),
]
