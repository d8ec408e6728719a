"""Assignment 04-gru: the gates, step and sequence of a GRU, their gradients, and the conventions it comes in."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np

from rnnlib.activations import sigmoid
from rnnlib.checks.caches import GRUCache
from rnnlib.checks.cases import EXTREME, ORDINARY, SINGLE, SMALL, Case, draw_sizes, in_words, to_single
from rnnlib.checks.exercises import Exercise, Hints, Mistake, Output

tanh = np.tanh

# --- The references, under the signatures that the student writes. ---
# Lent in place of wrong neighbours, they have to take what a right function may give to its own: one row without the
# batch's axis, a list, a plain tuple for the cache. A test holds that they equal the library's cell and engine.


def reset_gate(x, h_prev, W_xr, W_hr, b_r):
    """The reset gate (B, H)."""
    return sigmoid(x @ W_xr + h_prev @ W_hr + b_r)


def update_gate(x, h_prev, W_xz, W_hz, b_z):
    """The update gate (B, H)."""
    return sigmoid(x @ W_xz + h_prev @ W_hz + b_z)


def gru_candidate(x, h_prev, r, W_xn, W_hn, b_n):
    """The candidate (B, H), the reset gate acting after the product."""
    return tanh(x @ W_xn + b_n + r * (h_prev @ W_hn))


def interpolate(z, h_prev, n):
    """The new state (B, H) between the old one and the candidate."""
    z, h_prev, n = map(np.asarray, (z, h_prev, n))
    return (1 - z) * n + z * h_prev


def gru_step(x, h_prev, W_x, W_h, b):
    """The state after one step (B, H), and what its backward step needs."""
    (W_xr, W_xz, W_xn), (W_hr, W_hz, W_hn), (b_r, b_z, b_n) = (_blocks(weights) for weights in (W_x, W_h, b))
    r = reset_gate(x, h_prev, W_xr, W_hr, b_r)
    z = update_gate(x, h_prev, W_xz, W_hz, b_z)
    n = gru_candidate(x, h_prev, r, W_xn, W_hn, b_n)
    return interpolate(z, h_prev, n), GRUCache(x, h_prev, r, z, n, h_prev @ W_hn)


def gru_forward(xs, h0, W_x, W_h, b):
    """The states of a sequence (T, B, H), and each step's cache."""
    return _unrolled(gru_step)(xs, h0, W_x, W_h, b)


def gru_step_backward(dh, cache, W_x, W_h):
    """The gradients by the arguments of a step."""
    x, h_prev, r, z, n, h_n = map(np.asarray, cache)
    dz, dn = dh * (h_prev - n), dh * (1 - z)
    da_n = dn * (1 - n**2)
    dr, dh_n = da_n * h_n, da_n * r
    da_z, da_r = dz * z * (1 - z), dr * r * (1 - r)
    da_x, da_h = np.concatenate([da_r, da_z, da_n], axis=-1), np.concatenate([da_r, da_z, dh_n], axis=-1)
    dW_x, dW_h = (np.atleast_2d(v).T @ np.atleast_2d(da) for v, da in ((x, da_x), (h_prev, da_h)))
    return da_x @ W_x.T, dh * z + da_h @ W_h.T, dW_x, dW_h, np.atleast_2d(da_x).sum(axis=0)


def gru_backward(dhs, caches, W_x, W_h):
    """The gradients by the arguments of a sequence."""
    return _walked_back()(dhs, caches, W_x, W_h)


def gru_candidate_reset_before(x, h_prev, r, W_xn, W_hn, b_n):
    """The candidate (B, H), the reset gate acting before the product."""
    return tanh(x @ W_xn + (np.asarray(r) * h_prev) @ W_hn + b_n)


def other_convention(W_x, W_h, b):
    """Weights with which a GRU whose z = 1 renews the state gives the same states."""
    return tuple(_negated(weights, "z") for weights in (W_x, W_h, b))


def _blocks(weights):
    weights = np.asarray(weights)
    H = weights.shape[-1] // 3  # np.split takes ten times as long, and a check comes here thousands of times
    return weights[..., :H], weights[..., H : 2 * H], weights[..., 2 * H :]


def _join(*blocks):
    return np.concatenate(blocks, axis=-1)


def _negated(weights, which):
    """New weights, with another sign in the blocks named."""
    return _join(*(-part if letter in which else part for letter, part in zip("rzn", _blocks(weights), strict=True)))


def _unrolled(step):
    """The sequence function that repeats a step."""

    def forward(xs, h, W_x, W_h, b):
        hs, caches = [], []
        for x in xs:
            h, cache = step(x, h, W_x, W_h, b)
            hs.append(h)
            caches.append(cache)
        return np.stack(hs), caches

    return forward


def _walked_back(
    step=gru_step_backward,
    steps=lambda T: reversed(range(T)),
    meets=lambda own, carry, t, T: own + carry,
    cache_at=lambda t, T: t,
    total=lambda sum_so_far, gradient: sum_so_far + gradient,
):
    """A way back through time in which one part can be wrong."""

    def backward(dhs, caches, W_x, W_h):
        T, carry = len(dhs), np.zeros_like(dhs[0])
        dxs = np.zeros((*dhs.shape[:-1], len(W_x)), dhs.dtype)
        weights = [np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[0])]
        for t in steps(T):
            dxs[t], carry, *gradients = step(meets(dhs[t], carry, t, T), caches[cache_at(t, T)], W_x, W_h)
            weights = [total(sum_so_far, gradient) for sum_so_far, gradient in zip(weights, gradients, strict=True)]
        return dxs, carry, *weights

    return backward


# --- The cases: sizes that all differ, states and biases that are not zero, weights without symmetry. ---


def _gate_cases(letter):
    def cases(rng):
        def arguments(B, D, H):
            W_x, W_h, b = (_blocks(weights)[0] for weights in _weights(rng, D, H).values())
            return {**_inputs(rng, B, D, H, spread=3.0), f"W_x{letter}": W_x, f"W_h{letter}": W_h, f"b_{letter}": b}

        yield from _step_cases(rng, arguments, saturating=1)

    return cases


def _candidate_cases(rng):
    def arguments(B, D, H):
        W_x, W_h, b = (_blocks(weights)[0] for weights in _weights(rng, D, H).values())
        r = rng.uniform(0.1, 0.9, (B, H))
        return {**_inputs(rng, B, D, H), "r": r, "W_xn": W_x, "W_hn": W_h, "b_n": b}

    yield from _step_cases(rng, arguments, saturating=1)


def _interpolate_cases(rng):
    def arguments(B, H):
        z, h_prev, n = rng.uniform(0.05, 0.95, (B, H)), rng.uniform(-1, 1, (B, H)), rng.uniform(-1, 1, (B, H))
        return {"z": z, "h_prev": h_prev, "n": n}

    for _ in range(2):
        sizes = draw_sizes(rng, "BH", start=3)
        yield Case(ORDINARY, in_words(sizes), arguments(**sizes))
    for sizes in ({"B": 1, "H": 3}, {"B": 4, "H": 1}):
        yield Case(SMALL, in_words(sizes), arguments(**sizes))
    args = arguments(B=2, H=3)
    args["z"] = np.array([[0.0, 1.0, 0.0], [1.0, 0.5, 1.0]])
    yield Case(SMALL, "B = 2, H = 3, gates that are 0 or 1", args)
    sizes = draw_sizes(rng, "BH", start=3)
    yield Case(SINGLE, in_words(sizes), to_single(arguments(**sizes)))


def _gru_step_cases(rng):
    def arguments(B, D, H):
        return {**_inputs(rng, B, D, H), **_weights(rng, D, H)}

    yield from _step_cases(rng, arguments, saturating=3)


def _step_cases(rng, arguments, saturating):
    for _ in range(2):
        sizes = draw_sizes(rng, "BDH", start=3)
        yield Case(ORDINARY, in_words(sizes), arguments(**sizes))
    for sizes in ({"B": 1, "D": 3, "H": 2}, {"B": 3, "D": 1, "H": 1}):
        yield Case(SMALL, in_words(sizes), arguments(**sizes))
    sizes = draw_sizes(rng, "BDH")
    args = arguments(**sizes)
    while not _saturates(args["x"], next(W for name, W in args.items() if name.startswith("W_x")), saturating):
        args = arguments(**sizes)
    args["x"] *= 1e4
    yield Case(EXTREME, in_words(sizes) + ", inputs of about ±10000", args)
    sizes = draw_sizes(rng, "BDH")
    yield Case(SINGLE, in_words(sizes), to_single(arguments(**sizes)))


def _gru_forward_cases(rng):
    for T in (6, 7):
        sizes = _with_time(rng, T)
        yield Case(ORDINARY, in_words(sizes), _sequence(rng, **sizes))
    for sizes in ({"T": 1, "B": 3, "D": 2, "H": 4}, {"T": 4, "B": 1, "D": 2, "H": 3}):
        yield Case(SMALL, in_words(sizes), _sequence(rng, **sizes))
    sizes = _with_time(rng, 6)
    args = _sequence(rng, **sizes)
    while not _saturates(args["xs"][0], args["W_x"], 3):
        args = _sequence(rng, **sizes)
    args["xs"] *= 1e4
    yield Case(EXTREME, in_words(sizes) + ", inputs of about ±10000", args)
    sizes = _with_time(rng, 6)
    yield Case(SINGLE, in_words(sizes), to_single(_sequence(rng, **sizes)))


def _gru_step_backward_cases(rng):
    def case(part, **sizes):
        forward = {**_inputs(rng, **sizes, spread=1.0), **_weights(rng, sizes["D"], sizes["H"])}
        h, cache = gru_step(*forward.values())
        dh = 4 * rng.standard_normal(h.shape)
        args = {"dh": dh, "cache": cache, "W_x": forward["W_x"], "W_h": forward["W_h"]}
        return Case(part, in_words(sizes), to_single(args) if part == SINGLE else args, forward, (dh,))

    yield case(ORDINARY, **draw_sizes(rng, "BDH", start=3))
    yield case(ORDINARY, **draw_sizes(rng, "BDH", start=3))
    yield case(SMALL, B=1, D=3, H=2)
    yield case(SMALL, B=3, D=1, H=1)
    yield case(SINGLE, **draw_sizes(rng, "BDH"))


def _gru_backward_cases(rng):
    def case(part, **sizes):
        forward = _sequence(rng, **sizes)
        hs, caches = gru_forward(*forward.values())
        dhs = 4 * rng.standard_normal(hs.shape)
        args = {"dhs": dhs, "caches": caches, "W_x": forward["W_x"], "W_h": forward["W_h"]}
        return Case(part, in_words(sizes), to_single(args) if part == SINGLE else args, forward, (dhs,))

    yield case(ORDINARY, **_with_time(rng, 6))
    yield case(ORDINARY, **_with_time(rng, 7))
    yield case(SMALL, T=1, B=3, D=2, H=4)
    yield case(SMALL, T=4, B=1, D=2, H=3)
    yield case(SINGLE, **_with_time(rng, 6))


def _other_convention_cases(rng):
    for _ in range(2):
        sizes = draw_sizes(rng, "DH", start=3)
        yield Case(ORDINARY, in_words(sizes), _weights(rng, **sizes))
    yield Case(SMALL, "D = 1, H = 1", _weights(rng, 1, 1))
    sizes = draw_sizes(rng, "DH")
    yield Case(SINGLE, in_words(sizes), to_single(_weights(rng, **sizes)))


def _with_time(rng, T):
    """A size for each axis; H is above 2, so that 2 + H is another column than 2 H."""
    return {"T": T, **draw_sizes(rng, "BDH", start=3)}


def _inputs(rng, B, D, H, spread=2.0):
    return {
        "x": spread * rng.standard_normal((B, D)),
        "h_prev": rng.uniform(0.3, 1, (B, H)) * rng.choice([-1, 1], (B, H)),
    }


def _sequence(rng, T, B, D, H):
    return {"xs": 1.5 * rng.standard_normal((T, B, D)), "h0": _state(rng, B, H), **_weights(rng, D, H)}


def _state(rng, B, H):
    return rng.uniform(0.3, 1, (B, H)) * rng.choice([-1, 1], (B, H))


def _weights(rng, D, H):
    return {
        "W_x": rng.standard_normal((D, 3 * H)) / np.sqrt(D),
        "W_h": rng.standard_normal((H, 3 * H)) * 2 / np.sqrt(H),
        "b": rng.uniform(0.3, 0.8, 3 * H) * rng.choice([-1, 1], 3 * H),
    }


def _saturates(x, W_x, blocks):
    """Whether 10000 times this input drives each block both ways, and overflows in a gate and in the candidate differ.

    An overflowing sigmoid gives nan where the gate is open; an overflowing tanh everywhere, or on one side of 0.
    """
    parts = np.split(x @ W_x, blocks, axis=-1)
    if any(a.max() < 0.2 or a.min() > -0.2 or np.abs(a).min() < 0.01 for a in parts):
        return False
    if blocks == 1:
        return True
    r, z, n = (a > 0 for a in parts)
    of_gates, of_candidate = (r, z, r | z), (n | ~n, n, ~n)
    return not any((gate == candidate).all() for gate in of_gates for candidate in of_candidate)


# --- The mistakes: what students write instead, each a variant that runs. ---

_CONVENTION = (
    "This is a valid GRU of the other convention, in which z = 1 renews the state (Chung 2014). The course keeps the "
    "old state where z = 1, as the article, Cho 2014, Jozefowicz 2015 and PyTorch do."
)
_SIGMOID_OVERFLOW = (
    "The exponential of a large pre-activation overflows to infinity, and infinity divided by infinity is nan. Write "
    "the sigmoid so that no exponent is positive, or with the tanh: (1 + tanh(a / 2)) / 2."
)
_TANH_OVERFLOW = (
    "The tanh is written with exponentials that overflow to infinity, and infinity divided by infinity is nan. "
    "`np.tanh` takes numbers of any size."
)


def _softmax(a):
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


#: Wrong gates: name, words, and the gate of x W_x, h_prev, W_h and b. In the words, {W_h} stands for "recurrent weights
#: `W_hr`" and the like.
_GATES = (
    (
        "recurrent-transposed",
        "The {W_h} are transposed. With row vectors the state stands to the left of the matrix as it is, and entry "
        "(i, j) leads from unit i to unit j. The matrix is square, so no shape complains.",
        lambda i, h, W, b: sigmoid(i + h @ W.T + b),
    ),
    (
        "state-ignored",
        "The state before has no part in it: the product of `h_prev` with the {W_h} is missing.",
        lambda i, h, W, b: sigmoid(i + b),
    ),
    (
        "input-ignored",
        "The input has no part in it: the product of `x` with the {W_x} is missing.",
        lambda i, h, W, b: sigmoid(h @ W + b),
    ),
    (
        "recurrent-sign",
        "The recurrent term is subtracted. It is added to the input's.",
        lambda i, h, W, b: sigmoid(i - h @ W + b),
    ),
    ("bias-missing", "The {b} is not added.", lambda i, h, W, b: sigmoid(i + h @ W)),
    ("bias-sign", "The {b} is subtracted; it is added.", lambda i, h, W, b: sigmoid(i + h @ W - b)),
    (
        "bias-twice",
        "The {b} is added twice. The course has one bias for both products, where PyTorch has two.",
        lambda i, h, W, b: sigmoid(i + h @ W + 2 * b),
    ),
    (
        "sigmoid-missing",
        "The sigmoid is missing: these are the pre-activations, which may be of any size. A gate lies between 0 and 1.",
        lambda i, h, W, b: i + h @ W + b,
    ),
    (
        "tanh-for-sigmoid",
        "A tanh is taken, which lies between -1 and 1. A gate is a sigmoid, between 0 and 1: it says which share of "
        "something passes.",
        lambda i, h, W, b: tanh(i + h @ W + b),
    ),
    ("sigmoid-twice", "The sigmoid is taken twice.", lambda i, h, W, b: sigmoid(sigmoid(i + h @ W + b))),
    (
        "sigmoid-of-each",
        "The sigmoid is taken of the two products one by one. It is taken once, of their sum with the bias.",
        lambda i, h, W, b: sigmoid(i + b) + sigmoid(h @ W),
    ),
    (
        "sigmoid-of-each",
        "The sigmoid is taken of the two products one by one. It is taken once, of their sum with the bias.",
        lambda i, h, W, b: sigmoid(i) + sigmoid(h @ W + b),
    ),
    (
        "sigmoid-before-bias",
        "The bias is added after the sigmoid. It belongs inside: the sigmoid is taken last.",
        lambda i, h, W, b: sigmoid(i + h @ W) + b,
    ),
    (
        "sigmoid-slope",
        "This is the sigmoid of twice the pre-activation. With the tanh, the sigmoid of a is (1 + tanh(a / 2)) / 2: "
        "the argument is halved.",
        lambda i, h, W, b: sigmoid(2 * (i + h @ W + b)),
    ),
    (
        "hard-sigmoid",
        "This is a piecewise linear stand-in for the sigmoid, 0.2 a + 0.5 cut off at 0 and 1, as Keras once had it. "
        "Asked is the sigmoid itself, 1 / (1 + exp(-a)).",
        lambda i, h, W, b: np.clip(0.2 * (i + h @ W + b) + 0.5, 0, 1),
    ),
    (
        "hard-sigmoid",
        "This is a piecewise linear stand-in for the sigmoid, a / 6 + 0.5 cut off at 0 and 1. Asked is the sigmoid "
        "itself, 1 / (1 + exp(-a)).",
        lambda i, h, W, b: np.clip((i + h @ W + b) / 6 + 0.5, 0, 1),
    ),
    (
        "softmax-for-sigmoid",
        "This is a softmax: the units of a row share out the sum 1. Each unit has a gate of its own, the sigmoid of "
        "its pre-activation.",
        lambda i, h, W, b: _softmax(i + h @ W + b),
    ),
    (
        "sigmoid-overflow",
        _SIGMOID_OVERFLOW,
        lambda i, h, W, b: np.exp(i + h @ W + b) / (1 + np.exp(i + h @ W + b)),
    ),
)


def _gate_mistakes(letter, *more):
    """The wrong gates as variants of the gate with this letter, and some more in front."""
    told = {"W_x": f"input weights `W_x{letter}`", "W_h": f"recurrent weights `W_h{letter}`", "b": f"bias `b_{letter}`"}
    return (
        *more,
        *(
            Mistake(f"gru.{name}", words.format(**told), lambda x, h, W_x, W_h, b, f=f: f(x @ W_x, h, W_h, b))
            for name, words, f in _GATES
        ),
    )


RESET_GATE_MISTAKES = _gate_mistakes(
    "r",
    Mistake(
        "gru.gate-sign",
        "This is 1 - r: the exponent of the sigmoid has the wrong sign. A large pre-activation opens the gate, and "
        "open it lets the old state into the candidate.",
        lambda x, h_prev, W_xr, W_hr, b_r: 1 - reset_gate(x, h_prev, W_xr, W_hr, b_r),
    ),
)
UPDATE_GATE_MISTAKES = _gate_mistakes(
    "z",
    Mistake(
        "gru.update-convention",
        "This is 1 - z. " + _CONVENTION,
        lambda x, h_prev, W_xz, W_hz, b_z: 1 - update_gate(x, h_prev, W_xz, W_hz, b_z),
    ),
)


def _tanh_of_exponentials(a):
    return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))


def _tanh_of_one_exponential(a):
    return (np.exp(2 * a) - 1) / (np.exp(2 * a) + 1)


def _candidate_mistakes(recurrent):
    """Wrong candidates, for either place of the reset gate: `recurrent` is its term of r, h_prev and W_hn."""

    def candidate(name, words, f):
        # f gets the input's term, the recurrent one, the bias, and r, h_prev and W_hn
        return Mistake(
            f"gru.{name}",
            words,
            lambda x, h_prev, r, W_xn, W_hn, b_n: f(x @ W_xn, recurrent(r, h_prev, W_hn), b_n, r, h_prev, W_hn),
        )

    each = "The tanh is taken of the two terms one by one. It is taken once, of their sum with the bias."
    of_each = (
        "The reset gate acts on the input too. It acts on the recurrent term alone: what it shuts out is the past."
    )
    return (
        candidate(
            "reset-missing",
            "The reset gate has no effect: the recurrent term is not multiplied by r. So the candidate cannot leave "
            "the old state out.",
            lambda i, j, b, r, h, W: tanh(i + h @ W + b),
        ),
        candidate(
            "reset-complement",
            "The recurrent term is multiplied by 1 - r. It is multiplied by r: where r = 0, the old state is left out.",
            lambda i, j, b, r, h, W: tanh(i + recurrent(1 - r, h, W) + b),
        ),
        candidate(
            "reset-on-input",
            "The reset gate acts on the input's term. It acts on the recurrent term: what it shuts out is the past.",
            lambda i, j, b, r, h, W: tanh(r * i + h @ W + b),
        ),
        candidate(
            "reset-on-input",
            "The reset gate acts on the input's term and its bias. It acts on the recurrent term: what it shuts out is "
            "the past.",
            lambda i, j, b, r, h, W: tanh(r * (i + b) + h @ W),
        ),
        candidate("reset-on-everything", of_each, lambda i, j, b, r, h, W: tanh(r * (i + h @ W) + b)),
        candidate(
            "reset-on-everything",
            "The reset gate acts on the whole pre-activation. It acts on the recurrent term alone; input and bias are "
            "added to that.",
            lambda i, j, b, r, h, W: tanh(r * (i + h @ W + b)),
        ),
        candidate(
            "reset-on-candidate",
            "The reset gate acts after the tanh, on the whole candidate. It acts inside, on the recurrent term alone.",
            lambda i, j, b, r, h, W: r * tanh(i + h @ W + b),
        ),
        candidate(
            "reset-added",
            "The reset gate is added. It is a factor of the recurrent term: a gate multiplies.",
            lambda i, j, b, r, h, W: tanh(i + h @ W + r + b),
        ),
        candidate(
            "reset-twice",
            "The recurrent term is multiplied by r twice. Once is asked.",
            lambda i, j, b, r, h, W: tanh(i + r * j + b),
        ),
        candidate(
            "reset-through-weights",
            "The product with W_hn is taken of r, and the old state multiplies the result. It is the other way round: "
            "`h_prev` goes through the weights, and r is the gate.",
            lambda i, j, b, r, h, W: tanh(i + h * (r @ W) + b),
        ),
        candidate(
            "recurrent-twice",
            "The recurrent term stands there twice, once with the reset gate and once without it. It should be there "
            "once, with it: the sum that makes the gates is of no use to the candidate.",
            lambda i, j, b, r, h, W: tanh(i + h @ W + j + b),
        ),
        candidate(
            "recurrent-transposed",
            "The recurrent weights `W_hn` are transposed. With row vectors the state stands to the left of the matrix "
            "as it is, and entry (i, j) leads from unit i to unit j. The matrix is square, so no shape complains.",
            lambda i, j, b, r, h, W: tanh(i + recurrent(r, h, W.T) + b),
        ),
        candidate(
            "recurrent-sign",
            "The recurrent term is subtracted. It is added to the input's.",
            lambda i, j, b, r, h, W: tanh(i - j + b),
        ),
        candidate(
            "state-ignored",
            "The candidate does not depend on `h_prev`: the recurrent term is missing.",
            lambda i, j, b, r, h, W: tanh(i + b),
        ),
        candidate(
            "input-ignored",
            "The candidate does not depend on the input: the term `x @ W_xn` is missing.",
            lambda i, j, b, r, h, W: tanh(j + b),
        ),
        candidate("bias-missing", "The bias `b_n` is not added.", lambda i, j, b, r, h, W: tanh(i + j)),
        candidate("bias-sign", "The bias `b_n` is subtracted; it is added.", lambda i, j, b, r, h, W: tanh(i + j - b)),
        candidate(
            "bias-twice",
            "The bias `b_n` is added twice. The course has one bias for both products, where PyTorch has two.",
            lambda i, j, b, r, h, W: tanh(i + j + 2 * b),
        ),
        candidate(
            "tanh-missing",
            "The tanh is missing: this is the candidate's pre-activation.",
            lambda i, j, b, r, h, W: i + j + b,
        ),
        candidate("tanh-twice", "The tanh is taken twice.", lambda i, j, b, r, h, W: tanh(tanh(i + j + b))),
        candidate("tanh-of-each", each, lambda i, j, b, r, h, W: tanh(i + b) + tanh(j)),
        candidate("tanh-of-each", each, lambda i, j, b, r, h, W: tanh(i) + tanh(j + b)),
        candidate(
            "tanh-before-bias",
            "The bias is added after the tanh. It belongs inside: the tanh is taken last.",
            lambda i, j, b, r, h, W: tanh(i + j) + b,
        ),
        candidate(
            "sigmoid-for-tanh",
            "The candidate is a sigmoid, between 0 and 1. It is no gate but a state that may come to be: a tanh, "
            "between -1 and 1.",
            lambda i, j, b, r, h, W: sigmoid(i + j + b),
        ),
        candidate(
            "relu-for-tanh",
            "This is the pre-activation with its negative numbers set to 0. The candidate is its tanh.",
            lambda i, j, b, r, h, W: np.maximum(i + j + b, 0),
        ),
        *(
            candidate("tanh-overflow", _TANH_OVERFLOW, lambda i, j, b, r, h, W, f=f: f(i + j + b))
            for f in (_tanh_of_exponentials, _tanh_of_one_exponential, lambda a: -_tanh_of_one_exponential(-a))
        ),
    )


GRU_CANDIDATE_MISTAKES = (
    Mistake(
        "gru.reset-before-product",
        "The reset gate acts before the product with W_hn, as in Cho 2014, Chung 2014 and Jozefowicz 2015. In the "
        "course it acts after the product, as in PyTorch; W_hn mixes the units, so the two differ.",
        gru_candidate_reset_before,
    ),
    Mistake(
        "gru.reset-on-bias",
        "The bias b_n stands inside the bracket that the reset gate multiplies. That is where PyTorch has its second, "
        "recurrent bias; the one bias of the course stands outside, with the input.",
        lambda x, h_prev, r, W_xn, W_hn, b_n: tanh(x @ W_xn + r * (h_prev @ W_hn + b_n)),
    ),
    *_candidate_mistakes(lambda r, h_prev, W: r * (h_prev @ W)),
)

RESET_BEFORE_MISTAKES = (
    Mistake(
        "gru.reset-after-product",
        "The reset gate acts after the product with W_hn, as in PyTorch and in your other candidate. Here it is asked "
        "before the product, as in Cho 2014, Chung 2014 and Jozefowicz 2015: it multiplies `h_prev` itself.",
        gru_candidate,
    ),
    Mistake(
        "gru.reset-on-bias",
        "The reset gate acts after the product, and on the bias too. Here it multiplies `h_prev` itself, before the "
        "product; the bias is added outside.",
        lambda x, h_prev, r, W_xn, W_hn, b_n: tanh(x @ W_xn + r * (h_prev @ W_hn + b_n)),
    ),
    *_candidate_mistakes(lambda r, h_prev, W: (r * h_prev) @ W),
)

INTERPOLATE_MISTAKES = (
    Mistake(
        "gru.update-convention",
        "z and 1 - z are exchanged. " + _CONVENTION,
        lambda z, h_prev, n: z * n + (1 - z) * h_prev,
    ),
    Mistake(
        "gru.mix-factor",
        "The candidate is not multiplied by 1 - z. The two shares should sum to 1, so that the state stays between its "
        "old value and the candidate.",
        lambda z, h_prev, n: n + z * h_prev,
    ),
    Mistake(
        "gru.mix-factor",
        "The old state is not multiplied by z. The two shares should sum to 1, so that the state stays between its old "
        "value and the candidate.",
        lambda z, h_prev, n: (1 - z) * n + h_prev,
    ),
    Mistake(
        "gru.mix-factor",
        "Both, the candidate and the old state, are multiplied by z. The shares should sum to 1: the candidate's is "
        "1 - z.",
        lambda z, h_prev, n: z * n + z * h_prev,
    ),
    Mistake(
        "gru.mix-factor",
        "Both, the candidate and the old state, are multiplied by 1 - z. The shares should sum to 1: the old state's "
        "is z.",
        lambda z, h_prev, n: (1 - z) * n + (1 - z) * h_prev,
    ),
    Mistake(
        "gru.mix-factor",
        "Candidate and old state are added as they are; the update gate has no effect. Each gets its share, 1 - z and "
        "z.",
        lambda z, h_prev, n: n + h_prev,
    ),
    Mistake(
        "gru.mix-sign",
        "The old state's share is subtracted. The two shares are added.",
        lambda z, h_prev, n: (1 - z) * n - z * h_prev,
    ),
    Mistake(
        "gru.mix-sign",
        "The candidate's share has the wrong sign: it is z - 1 in place of 1 - z.",
        lambda z, h_prev, n: (z - 1) * n + z * h_prev,
    ),
    Mistake(
        "gru.state-not-kept",
        "The old state's share is missing: z times `h_prev` is not added.",
        lambda z, h_prev, n: (1 - z) * n,
    ),
    Mistake(
        "gru.candidate-ignored",
        "The candidate's share is missing: 1 - z times n is not added.",
        lambda z, h_prev, n: z * h_prev,
    ),
    Mistake(
        "gru.update-ignored",
        "This is the candidate itself; the update gate has no effect. The new state lies between the old one and the "
        "candidate.",
        lambda z, h_prev, n: n.copy(),
    ),
    Mistake(
        "gru.candidate-ignored",
        "This is the old state itself; the update gate has no effect. The new state lies between the old one and the "
        "candidate.",
        lambda z, h_prev, n: h_prev.copy(),
    ),
    Mistake(
        "gru.gate-rounded",
        "The gate is taken for a switch: the state is either the old one or the candidate. A gate may be half open, "
        "and then the state lies between the two.",
        lambda z, h_prev, n: np.where(z > 0.5, h_prev, n),
    ),
    Mistake(
        "gru.tanh-of-state",
        "A tanh is taken of the mixture. Old state and candidate lie between -1 and 1 already; the sum of their shares "
        "is the new state.",
        lambda z, h_prev, n: tanh(interpolate(z, h_prev, n)),
    ),
)

# Wrong steps. Each formula can be replaced by another; what depends on it follows.

_STEP = {
    "r": lambda v: reset_gate(v.x, v.h_prev, v.W_xr, v.W_hr, v.b_r),
    "z": lambda v: update_gate(v.x, v.h_prev, v.W_xz, v.W_hz, v.b_z),
    "n": lambda v: gru_candidate(v.x, v.h_prev, v.r, v.W_xn, v.W_hn, v.b_n),
    "h": lambda v: interpolate(v.z, v.h_prev, v.n),
    "cache": lambda v: GRUCache(v.x, v.h_prev, v.r, v.z, v.n, v.h_prev @ v.W_hn),
}


def _parts(order, **weights):
    """Each weight's blocks under the names that they have when they stand in this order."""
    return {
        f"{name}{'' if name.startswith('W') else '_'}{letter}": part
        for name, array in weights.items()
        for letter, part in zip(order, _blocks(array), strict=True)
    }


def _step_with(order="rzn", blocks=lambda weights: weights, **wrong):
    """A step with other formulas, or that takes its weights for blocks in another order."""

    def step(x, h_prev, W_x, W_h, b):
        v = SimpleNamespace(x=x, h_prev=h_prev)
        vars(v).update(_parts(order, W_x=blocks(W_x), W_h=blocks(W_h), b=blocks(b)))
        for name, formula in {**_STEP, **wrong}.items():
            setattr(v, name, formula(v))
        return v.h, v.cache

    return step


def _interleaved(weights):
    """The columns in the order in which they stand for one who takes every third."""
    return _join(weights[..., 0::3], weights[..., 1::3], weights[..., 2::3])


def _gate_of(letter, variant):
    """A wrong gate, as the formula of a step."""
    return lambda v: variant(v.x, v.h_prev, *(getattr(v, f"{name}{letter}") for name in ("W_x", "W_h", "b_")))


def _lifted_gates():
    """Wrong gates in a step: the reset gate, the update gate, or both."""
    both = {"W_x": "input weights", "W_h": "recurrent weights", "b": "bias"}
    for k, (name, words, _) in enumerate(_GATES, start=1):
        variants = {"r": RESET_GATE_MISTAKES[k], "z": UPDATE_GATE_MISTAKES[k]}
        wrong = {letter: _gate_of(letter, mistake.variant) for letter, mistake in variants.items()}
        for letters, which in (("rz", "both gates"), ("r", "the reset gate"), ("z", "the update gate")):
            told = words.format(**both) if letters == "rz" else variants[letters].words
            told = words if name == "sigmoid-overflow" else f"In {which}: {told[0].lower()}{told[1:]}"
            yield Mistake(f"gru.{name}", told, _step_with(**{letter: wrong[letter] for letter in letters}))
    yield Mistake(
        "gru.gate-sign",
        "Both gates are one minus what they should be: the exponent of the sigmoid has the wrong sign.",
        _step_with(r=_gate_of("r", RESET_GATE_MISTAKES[0].variant), z=_gate_of("z", UPDATE_GATE_MISTAKES[0].variant)),
    )


ORDERS = ["".join(letters) for letters in permutations("rzn") if "".join(letters) != "rzn"]


def _order_words(order):
    words = f"in the order {', '.join(order)}. The course has r, z, n, as PyTorch has."
    if order == "zrn":
        words += " z, r, n is the order of Keras and ONNX, which write h for n; it also comes about where r and z are "
        words += "used in each other's place."
    return words


_WHAT = {"r": "reset gate", "z": "update gate", "n": "candidate"}


def _with_block_of(other, mine, weights):
    """The weights with one block in place of another."""
    blocks = dict(zip("rzn", _blocks(weights), strict=True))
    return _join(*{**blocks, mine: blocks[other]}.values())


def _other_blocks():
    """Steps in which one block of one weight is taken for another."""
    for mine, other in permutations("rzn", 2):
        for weight, name in (("W_x", "W_x{}"), ("W_h", "W_h{}"), ("b", "b_{}")):

            def step(x, h_prev, W_x, W_h, b, weight=weight, mine=mine, other=other):
                weights = {"W_x": W_x, "W_h": W_h, "b": b}
                weights[weight] = _with_block_of(other, mine, weights[weight])
                return gru_step(x, h_prev, *weights.values())

            yield Mistake(
                "gru.other-blocks-weights",
                f"The {_WHAT[mine]} is made with `{name.format(other)}`, which belongs to the {_WHAT[other]}, in place "
                f"of `{name.format(mine)}`.",
                step,
            )


def _candidate_in_step(variant):
    return lambda v: variant(v.x, v.h_prev, v.r, v.W_xn, v.W_hn, v.b_n)


#: Of a step, wrong in `h`.
STATE_MISTAKES = (
    *(
        Mistake("gru.gate-order", "The blocks of the weights are taken " + _order_words(order), _step_with(order))
        for order in ORDERS
    ),
    Mistake(
        "gru.gates-interleaved",
        "Every third column of the weights is taken for a gate. The blocks stand side by side: the first H columns are "
        "all of r.",
        _step_with(blocks=_interleaved),
    ),
    Mistake(
        "gru.update-for-reset",
        "The candidate is given z where it should be given r: one gate does both.",
        _step_with(n=lambda v: gru_candidate(v.x, v.h_prev, v.z, v.W_xn, v.W_hn, v.b_n)),
    ),
    Mistake(
        "gru.reset-for-update",
        "The mixture is made with r where it should be made with z: one gate does both.",
        _step_with(h=lambda v: interpolate(v.r, v.h_prev, v.n)),
    ),
    Mistake(
        "gru.reset-for-update",
        "The candidate's share is made with r: it is 1 - z, as the old state's is z, and the two sum to 1.",
        _step_with(h=lambda v: (1 - v.r) * v.n + v.z * v.h_prev),
    ),
    Mistake(
        "gru.reset-for-update",
        "The old state's share is made with r: it is z, as the candidate's is 1 - z, and the two sum to 1.",
        _step_with(h=lambda v: (1 - v.z) * v.n + v.r * v.h_prev),
    ),
    *_other_blocks(),
    *(
        Mistake(m.name, m.words, _step_with(h=lambda v, f=m.variant: f(v.z, v.h_prev, v.n)))
        for m in INTERPOLATE_MISTAKES
    ),
    *(Mistake(m.name, m.words, _step_with(n=_candidate_in_step(m.variant))) for m in GRU_CANDIDATE_MISTAKES),
    Mistake(
        "gru.bias-missing",
        "No bias is added, neither to the gates nor to the candidate.",
        lambda x, h_prev, W_x, W_h, b: gru_step(x, h_prev, W_x, W_h, 0 * b),
    ),
    Mistake(
        "gru.bias-twice",
        "The bias `b` is added to both products, so the gates have it twice, and the candidate has it inside the reset "
        "gate too. The course has one bias, added once and outside.",
        lambda x, h_prev, W_x, W_h, b: _step_with(
            n=lambda v: tanh(v.x @ v.W_xn + v.b_n / 2 + v.r * (v.h_prev @ v.W_hn + v.b_n / 2))
        )(x, h_prev, W_x, W_h, 2 * b),
    ),
    Mistake(
        "gru.state-ignored",
        "No gate and no candidate looks at the state before: all products with W_h are missing.",
        lambda x, h_prev, W_x, W_h, b: gru_step(x, h_prev, W_x, 0 * W_h, b),
    ),
    Mistake(
        "gru.input-ignored",
        "No gate and no candidate looks at the input: all products with W_x are missing.",
        lambda x, h_prev, W_x, W_h, b: gru_step(x, h_prev, 0 * W_x, W_h, b),
    ),
    Mistake(
        "gru.recurrent-transposed",
        "All three blocks of `W_h` are transposed. With row vectors the state stands to the left of the matrix as it "
        "is. Each block is square, so no shape complains.",
        lambda x, h_prev, W_x, W_h, b: gru_step(x, h_prev, W_x, _join(*(W.T for W in _blocks(W_h))), b),
    ),
    *_lifted_gates(),
)


def _cached(**wrong):
    """A step whose cache holds something else in some entries; `h` is right."""
    return _step_with(
        cache=lambda v: _STEP["cache"](v)._replace(**{name: formula(v) for name, formula in wrong.items()})
    )


#: Of a step whose `h` is right.
CACHE_MISTAKES = (
    Mistake(
        "gru.cache-recurrent-product",
        "`cache.h_n` is multiplied by the reset gate already. The backward step needs the product `h_prev @ W_hn` as "
        "it is before the gate acts, since the gradient of r is made with it.",
        _cached(h_n=lambda v: v.r * (v.h_prev @ v.W_hn)),
    ),
    Mistake(
        "gru.cache-recurrent-product",
        "`cache.h_n` holds the bias too. It should be the product `h_prev @ W_hn` alone.",
        _cached(h_n=lambda v: v.h_prev @ v.W_hn + v.b_n),
    ),
    Mistake(
        "gru.cache-recurrent-product",
        "`cache.h_n` is the candidate's whole pre-activation. It should be the product `h_prev @ W_hn` alone, before "
        "the reset gate acts on it.",
        _cached(h_n=lambda v: v.x @ v.W_xn + v.b_n + v.r * (v.h_prev @ v.W_hn)),
    ),
    Mistake(
        "gru.cache-recurrent-product",
        "`cache.h_n` is the input's and the state's term and the bias, without the reset gate. It should be the "
        "product `h_prev @ W_hn` alone.",
        _cached(h_n=lambda v: v.x @ v.W_xn + v.b_n + v.h_prev @ v.W_hn),
    ),
    Mistake(
        "gru.cache-recurrent-product",
        "`cache.h_n` is the product of r times `h_prev` with W_hn. It should be `h_prev @ W_hn`, before the reset gate "
        "acts on it.",
        _cached(h_n=lambda v: (v.r * v.h_prev) @ v.W_hn),
    ),
    Mistake(
        "gru.cache-recurrent-product",
        "`cache.h_n` is the state before. It should be its product with W_hn.",
        _cached(h_n=lambda v: v.h_prev),
    ),
    Mistake(
        "gru.cache-recurrent-product",
        "`cache.h_n` is the candidate. It should be the product `h_prev @ W_hn`, before the reset gate acts on it.",
        _cached(h_n=lambda v: v.n),
    ),
    Mistake(
        "gru.cache-recurrent-product",
        "`cache.h_n` is the new state. It should be the product `h_prev @ W_hn`, before the reset gate acts on it.",
        _cached(h_n=lambda v: v.h),
    ),
    Mistake(
        "gru.cache-entries-exchanged",
        "`cache.r` and `cache.z` are exchanged. The order of the entries is x, h_prev, r, z, n, h_n.",
        _cached(r=lambda v: v.z, z=lambda v: v.r),
    ),
    Mistake(
        "gru.cache-entries-exchanged",
        "`cache.n` and `cache.h_n` are exchanged. The order of the entries is x, h_prev, r, z, n, h_n.",
        _cached(n=lambda v: v.h_prev @ v.W_hn, h_n=lambda v: v.n),
    ),
    Mistake(
        "gru.cache-new-state",
        "`cache.h_prev` is the state after the step. The backward step needs the one before.",
        _cached(h_prev=lambda v: v.h),
    ),
    Mistake(
        "gru.cache-new-state",
        "`cache.n` is the new state. The backward step needs the candidate.",
        _cached(n=lambda v: v.h),
    ),
    Mistake(
        "gru.cache-update-complement",
        "`cache.z` is 1 - z. The backward step needs the gate itself.",
        _cached(z=lambda v: 1 - v.z),
    ),
    Mistake(
        "gru.cache-pre-activation",
        "`cache.n` is the candidate before its tanh. The backward step needs its value, of which the derivative is "
        "1 - n².",
        _cached(n=lambda v: v.x @ v.W_xn + v.b_n + v.r * (v.h_prev @ v.W_hn)),
    ),
    Mistake(
        "gru.cache-pre-activation",
        "`cache.r` and `cache.z` are the gates before their sigmoids. The backward step needs the gates themselves.",
        _cached(
            r=lambda v: v.x @ v.W_xr + v.h_prev @ v.W_hr + v.b_r, z=lambda v: v.x @ v.W_xz + v.h_prev @ v.W_hz + v.b_z
        ),
    ),
)

GRU_STEP_MISTAKES = (*STATE_MISTAKES, *CACHE_MISTAKES)


def _candidate_carried(xs, h0, W_x, W_h, b):
    hs, caches, state = [], [], h0
    for x in xs:
        h, cache = gru_step(x, state, W_x, W_h, b)
        hs.append(h)
        caches.append(cache)
        state = cache.n
    return np.stack(hs), caches


def _rearranged(hs=lambda hs, h0: hs, caches=lambda caches: caches):
    def forward(xs, h0, W_x, W_h, b):
        right, kept = gru_forward(xs, h0, W_x, W_h, b)
        return hs(right, h0), caches(kept)

    return forward


def _read_backwards(xs, h0, W_x, W_h, b):
    hs, caches = gru_forward(xs[::-1], h0, W_x, W_h, b)
    return hs[::-1], caches[::-1]


GRU_FORWARD_MISTAKES = (
    Mistake(
        "gru.initial-state-ignored",
        "The sequence starts from zeros in place of `h0`. The first step's previous state is `h0`.",
        lambda xs, h0, W_x, W_h, b: gru_forward(xs, np.zeros_like(h0), W_x, W_h, b),
    ),
    Mistake(
        "gru.state-not-carried",
        "Every step starts from `h0` again. From the second step on, the previous state is what the step before gave.",
        lambda xs, h0, W_x, W_h, b: _unrolled(lambda x, h, *weights: gru_step(x, h0, *weights))(xs, h0, W_x, W_h, b),
    ),
    Mistake(
        "gru.candidate-carried",
        "The candidate is handed from step to step. The next step's previous state is the new state h, the mixture.",
        _candidate_carried,
    ),
    Mistake(
        "gru.states-shifted",
        "These are the states before each step, beginning with `h0`. Asked are the states after each step: `hs[0]` "
        "comes from `xs[0]`.",
        _rearranged(hs=lambda hs, h0: np.concatenate([h0[None], hs[:-1]])),
    ),
    Mistake(
        "gru.initial-state-included",
        "The first entry of `hs` is `h0`. Asked are the T states after each step, without the one before the first.",
        _rearranged(hs=lambda hs, h0: np.concatenate([h0[None], hs])),
    ),
    Mistake(
        "gru.last-state-only",
        "This is the state after the last step. Asked are the states after all T steps.",
        _rearranged(hs=lambda hs, h0: hs[-1]),
    ),
    Mistake(
        "gru.time-and-batch-swapped",
        "The states are right, with the axes of time and batch exchanged. The course has time first: (T, B, H).",
        _rearranged(hs=lambda hs, h0: hs.swapaxes(0, 1)),
    ),
    Mistake(
        "gru.last-state-repeated",
        "All steps hold the last state: the same array was stored T times and then changed. Store a copy, or make a "
        "new array in each step.",
        _rearranged(hs=lambda hs, h0: np.stack([hs[-1]] * len(hs))),
    ),
    Mistake(
        "gru.time-reversed",
        "The sequence is read from its end. The loop runs from the first time step to the last.",
        _read_backwards,
    ),
    Mistake(
        "gru.time-reversed",
        "The states are right, but stand in the order last to first. `hs[t]` is the state after `xs[t]`.",
        _rearranged(hs=lambda hs, h0: hs[::-1]),
    ),
    *(Mistake(m.name, m.words, _unrolled(m.variant)) for m in STATE_MISTAKES),
    Mistake(
        "gru.caches-reversed",
        "The states are right, but the caches stand in the order last to first. `caches[t]` belongs to step t.",
        _rearranged(caches=lambda caches: caches[::-1]),
    ),
    Mistake(
        "gru.cache-repeated",
        "The states are right, but every entry of `caches` is that of the last step. Each step has a cache of its own.",
        _rearranged(caches=lambda caches: [caches[-1]] * len(caches)),
    ),
    Mistake(
        "gru.cache-repeated",
        "The states are right, but every entry of `caches` is that of the first step. Each step has a cache of its "
        "own.",
        _rearranged(caches=lambda caches: [caches[0]] * len(caches)),
    ),
    *(Mistake(m.name, m.words, _unrolled(m.variant)) for m in CACHE_MISTAKES),
)

# Wrong backward steps, in the same way: v has the cache's entries, `dh`, the weights and their blocks.

_BACKWARD = {
    "dz": lambda v: v.dh * (v.h_prev - v.n),
    "dn": lambda v: v.dh * (1 - v.z),
    "da_n": lambda v: v.dn * (1 - v.n**2),
    "dr": lambda v: v.da_n * v.h_n,
    "dh_n": lambda v: v.da_n * v.r,
    "da_z": lambda v: v.dz * v.z * (1 - v.z),
    "da_r": lambda v: v.dr * v.r * (1 - v.r),
    "da_x": lambda v: v.join(v.da_r, v.da_z, v.da_n),
    "da_h": lambda v: v.join(v.da_r, v.da_z, v.dh_n),
    "dx": lambda v: v.da_x @ v.W_x.T,
    "kept": lambda v: v.dh * v.z,
    "through_gates": lambda v: v.da_h @ v.W_h.T,
    "dh_prev": lambda v: v.kept + v.through_gates,
    "dW_x": lambda v: v.x.T @ v.da_x,
    "dW_h": lambda v: v.h_prev.T @ v.da_h,
    "db": lambda v: v.da_x.sum(axis=0),
}


def _reordered(order):
    """Blocks r, z, n put side by side in another order."""
    return lambda *rzn: _join(*(rzn["rzn".index(letter)] for letter in order))


def _backward_with(before=lambda v: None, order="rzn", after=lambda v: None, **wrong):
    """A backward step with other formulas, with the cache changed before, or with the gradients changed after."""

    def step_backward(dh, cache, W_x, W_h):
        v = SimpleNamespace(dh=dh, W_x=W_x, W_h=W_h, join=_reordered(order), **cache._asdict())
        vars(v).update(_parts("rzn", W_x=W_x, W_h=W_h))
        before(v)
        for name, formula in {**_BACKWARD, **wrong}.items():
            setattr(v, name, formula(v))
        after(v)
        return v.dx, v.dh_prev, v.dW_x, v.dW_h, v.db

    return step_backward


def _setting(**formulas):
    def change(v):
        vars(v).update({name: formula(v) for name, formula in formulas.items()})

    return change


def _scaled(factor, *names):
    """What changes these gradients by a factor, a function of the batch's size."""
    return _setting(**{name: lambda v, name=name: factor(len(v.dh)) * getattr(v, name) for name in names})


def _clip_each(bound):
    names = ("dx", "dh_prev", "dW_x", "dW_h", "db")
    return _setting(**{name: lambda v, name=name: np.clip(getattr(v, name), -bound, bound) for name in names})


def _state_after(v):
    return interpolate(v.z, v.h_prev, v.n)


def _paths_missing():
    """Gradients by x and h_prev in which what passes through one of the three blocks is missing."""
    for letter, what in _WHAT.items():
        da_x, da_h = f"da_{letter}", "dh_n" if letter == "n" else f"da_{letter}"

        def by_x(v, da=da_x, W=f"W_x{letter}"):
            return v.da_x @ v.W_x.T - getattr(v, da) @ getattr(v, W).T

        def by_h(v, da=da_h, W=f"W_h{letter}"):
            return v.da_h @ v.W_h.T - getattr(v, da) @ getattr(v, W).T

        at_x = "`x` enters the step at three places: the products with W_xr, W_xz and W_xn."
        at_h = "`h_prev` enters the step at four places: the products with W_hr, W_hz and W_hn, and the mixture."
        for words, wrong in (
            (f"In `dx` and `dh_prev` the path through the {what} is missing. {at_x} {at_h}", (by_x, by_h)),
            (f"In `dh_prev` the path through the {what} is missing. {at_h}", (_BACKWARD["dx"], by_h)),
            (f"In `dx` the path through the {what} is missing. {at_x}", (by_x, _BACKWARD["through_gates"])),
        ):
            variant = _backward_with(dx=wrong[0], through_gates=wrong[1])
            yield Mistake(f"gru.{what.split()[0]}-path-missing", words, variant)


def _gate_derivatives():
    """Wrong derivatives of a gate, in one of them or in both."""
    wrong = (
        (
            "sigmoid-derivative-missing",
            "the derivative of the sigmoid is missing. It is s (1 - s), with s the gate itself",
            lambda d, s: d,
        ),
        (
            "sigmoid-derivative-half",
            "the derivative of the sigmoid is taken for s. It is s (1 - s), with s the gate itself",
            lambda d, s: d * s,
        ),
        (
            "sigmoid-derivative-half",
            "the derivative of the sigmoid is taken for 1 - s. It is s (1 - s), with s the gate itself",
            lambda d, s: d * (1 - s),
        ),
        (
            "tanh-derivative-for-gate",
            "the derivative is that of a tanh, 1 - s². A gate is a sigmoid, whose derivative is s (1 - s)",
            lambda d, s: d * (1 - s**2),
        ),
        (
            "sigmoid-derivative-twice",
            "the derivative of the sigmoid is multiplied in twice. Once is right",
            lambda d, s: d * (s * (1 - s)) ** 2,
        ),
        (
            "sigmoid-of-gate",
            "the sigmoid is taken once more before its derivative. The cache has the gate itself, so its derivative is "
            "s (1 - s) with s as it is",
            lambda d, s: d * sigmoid(s) * (1 - sigmoid(s)),
        ),
        (
            "sigmoid-derivative-sign",
            "the derivative of the sigmoid has the wrong sign. It is s (1 - s), which is positive",
            lambda d, s: -d * s * (1 - s),
        ),
    )
    for name, words, f in wrong:
        formulas = {"da_r": lambda v, f=f: f(v.dr, v.r), "da_z": lambda v, f=f: f(v.dz, v.z)}
        for which, chosen in (
            ("both gates", ("da_r", "da_z")),
            ("the reset gate", ("da_r",)),
            ("the update gate", ("da_z",)),
        ):
            # The update gate's derivative with a wrong sign is what an exchanged difference gives: see dz.
            if name == "sigmoid-derivative-sign" and chosen == ("da_z",):
                continue
            yield Mistake(
                f"gru.{name}", f"For {which} {words}.", _backward_with(**{key: formulas[key] for key in chosen})
            )


def _orders_in_gradients():
    """Blocks in another order in all gradients, in the weights' alone, or in the weights that `dx` goes through."""
    for order in ORDERS:
        reorder, words = _reordered(order), _order_words(order)
        yield Mistake("gru.gate-order", f"The blocks stand throughout {words}", _backward_with(order=order))
        yield Mistake(
            "gru.gate-order",
            f"`dx` and `dh_prev` are right, but the blocks of the weights' gradients stand {words}",
            _backward_with(
                after=_setting(
                    **{n: lambda v, n=n, f=reorder: f(*_blocks(getattr(v, n))) for n in ("dW_x", "dW_h", "db")}
                )
            ),
        )
        yield Mistake(
            "gru.gate-order",
            f"The weights' gradients are right, but on the way to `dx` and `dh_prev` the blocks of the weights are "
            f"taken {words}",
            _backward_with(
                dx=lambda v, f=reorder: f(v.da_r, v.da_z, v.da_n) @ v.W_x.T,
                through_gates=lambda v, f=reorder: f(v.da_r, v.da_z, v.dh_n) @ v.W_h.T,
            ),
        )


def _other_blocks_back():
    """One block of the weights taken for another on the way to `dx` or `dh_prev`."""
    for mine, other in permutations("rzn", 2):

        def by_x(v, mine=mine, other=other):
            return v.da_x @ _with_block_of(other, mine, v.W_x).T

        def by_h(v, mine=mine, other=other):
            return v.da_h @ _with_block_of(other, mine, v.W_h).T

        for gradient, W, variant in (
            ("dx", "W_x", _backward_with(dx=by_x)),
            ("dh_prev", "W_h", _backward_with(through_gates=by_h)),
        ):
            yield Mistake(
                "gru.other-blocks-weights",
                f"On the way to `{gradient}` the {_WHAT[mine]}'s part goes back through `{W}{other}`, which belongs to "
                f"the {_WHAT[other]}. It goes back through the weights that it came by, `{W}{mine}`.",
                variant,
            )


def _transposed(*letters):
    """The product with W_hᵀ, without the transpose in these blocks."""

    def through(v):
        parts = {"r": v.da_r, "z": v.da_z, "n": v.dh_n}
        blocks = dict(zip("rzn", _blocks(v.W_h), strict=True))
        return sum(da @ (blocks[k] if k in letters else blocks[k].T) for k, da in parts.items())

    return through


_TRANSPOSE = (
    "A gradient goes back through the transpose, `da @ W.T`: what entry (i, j) brought from i to j comes back from j "
    "to i. The block is square, so no shape complains."
)
_MIX = "h = (1 - z) n + z h_prev depends on the candidate with the factor 1 - z, on the old state with the factor z."
_TANH = "With n the candidate itself, as in the cache, the derivative of the tanh is 1 - n²."
_AFTER = (
    "In the course the reset gate multiplies the product h_n, so the gradient of r is made with `h_n`, and r is a "
    "factor of what goes back through W_hn."
)

#: Of a backward step.
STEP_BACKWARD_MISTAKES = (
    *_orders_in_gradients(),
    Mistake(
        "gru.cache-entries-exchanged",
        "r and z of the cache are taken for each other. The order of its entries is x, h_prev, r, z, n, h_n.",
        _backward_with(before=lambda v: vars(v).update(r=v.z, z=v.r)),
    ),
    Mistake(
        "gru.cache-entries-exchanged",
        "n and h_n of the cache are taken for each other. The order of its entries is x, h_prev, r, z, n, h_n.",
        _backward_with(before=lambda v: vars(v).update(n=v.h_n, h_n=v.n)),
    ),
    Mistake(
        "gru.update-convention",
        "This is the gradient of a GRU with z and 1 - z exchanged, a valid other convention (Chung 2014). The course "
        "keeps the old state where z = 1, so the gradient reaches `h_prev` with the factor z.",
        _backward_with(dz=lambda v: v.dh * (v.n - v.h_prev), dn=lambda v: v.dh * v.z, kept=lambda v: v.dh * (1 - v.z)),
    ),
    Mistake(
        "gru.update-gradient-sign",
        "The gradient of the update gate has the wrong sign: the difference is `h_prev - n`, since in "
        "h = (1 - z) n + z h_prev a larger z brings more of the old state.",
        _backward_with(dz=lambda v: v.dh * (v.n - v.h_prev)),
    ),
    Mistake(
        "gru.complement-path-missing",
        "The gradient of the update gate lacks the path through 1 - z: z stands at two places in "
        "h = (1 - z) n + z h_prev, and the first one gives -n.",
        _backward_with(dz=lambda v: v.dh * v.h_prev),
    ),
    Mistake(
        "gru.complement-path-missing",
        "The gradient of the update gate lacks the old state: z stands at two places in h = (1 - z) n + z h_prev, and "
        "the second one gives +h_prev.",
        _backward_with(dz=lambda v: -v.dh * v.n),
    ),
    Mistake(
        "gru.complement-path-missing",
        "In the gradient of the update gate the two paths are added with the same sign: 1 - z falls where z rises, so "
        "the factor is `h_prev - n`.",
        _backward_with(dz=lambda v: v.dh * (v.h_prev + v.n)),
    ),
    Mistake(
        "gru.new-state-for-candidate",
        "The gradient of the update gate is made with the new state in place of the candidate: the factor is "
        "`h_prev - n`.",
        _backward_with(dz=lambda v: v.dh * (v.h_prev - _state_after(v))),
    ),
    Mistake(
        "gru.mix-factor",
        f"The candidate's gradient lacks the factor 1 - z. {_MIX}",
        _backward_with(dn=lambda v: v.dh),
    ),
    Mistake(
        "gru.mix-factor",
        f"The candidate's gradient has the factor z. {_MIX}",
        _backward_with(dn=lambda v: v.dh * v.z),
    ),
    Mistake(
        "gru.mix-factor",
        f"What the mixture hands to `h_prev` lacks the factor z. {_MIX}",
        _backward_with(kept=lambda v: v.dh),
    ),
    Mistake(
        "gru.mix-factor",
        f"What the mixture hands to `h_prev` has the factor 1 - z. {_MIX}",
        _backward_with(kept=lambda v: v.dh * (1 - v.z)),
    ),
    Mistake(
        "gru.mix-factor",
        f"The factors z and 1 - z are exchanged between the old state and the candidate; the update gate's own "
        f"gradient is right. {_MIX}",
        _backward_with(dn=lambda v: v.dh * v.z, kept=lambda v: v.dh * (1 - v.z)),
    ),
    Mistake(
        "gru.candidate-gradient-sign",
        "The candidate's gradient has the wrong sign: its factor is 1 - z, not z - 1.",
        _backward_with(dn=lambda v: v.dh * (v.z - 1)),
    ),
    Mistake(
        "gru.kept-path-missing",
        "In `dh_prev` the direct path is missing: where z is near 1 the old state is kept, and dh passes to it with "
        "the factor z alone. That path is what carries gradients over many steps.",
        _backward_with(kept=lambda v: 0 * v.dh),
    ),
    Mistake(
        "gru.products-path-missing",
        "`dh_prev` has only the direct path, through the mixture. `h_prev` also enters the three products with W_hr, "
        "W_hz and W_hn, and what comes back through them is added.",
        _backward_with(through_gates=lambda v: 0 * v.dh),
    ),
    *_paths_missing(),
    *_other_blocks_back(),
    Mistake(
        "gru.gates-path-missing",
        "In `dh_prev` the paths through both gates are missing: the gates look at `h_prev`, too.",
        _backward_with(through_gates=lambda v: v.dh_n @ v.W_hn.T),
    ),
    Mistake(
        "gru.gates-path-missing",
        "In `dx` the paths through both gates are missing: the gates look at `x`, too.",
        _backward_with(dx=lambda v: v.da_n @ v.W_xn.T),
    ),
    Mistake(
        "gru.gates-path-missing",
        "In `dx` and `dh_prev` the paths through both gates are missing: the gates look at `x` and `h_prev`, too.",
        _backward_with(dx=lambda v: v.da_n @ v.W_xn.T, through_gates=lambda v: v.dh_n @ v.W_hn.T),
    ),
    Mistake(
        "gru.reset-path-missing",
        "The reset gate gets no gradient: the path through r is missing everywhere. r is a factor in the candidate, so "
        "the candidate's gradient times `h_n` goes on to it.",
        _backward_with(dr=lambda v: 0 * v.dh),
    ),
    Mistake(
        "gru.update-path-missing",
        "The update gate gets no gradient: the path through z is missing everywhere. z is a factor in the mixture, so "
        "dh times `h_prev - n` goes on to it.",
        _backward_with(dz=lambda v: 0 * v.dh),
    ),
    *_gate_derivatives(),
    Mistake(
        "gru.other-gates-derivative",
        "The derivatives of the two gates are exchanged: r (1 - r) belongs to the reset gate's gradient, z (1 - z) to "
        "the update gate's.",
        _backward_with(da_r=lambda v: v.dr * v.z * (1 - v.z), da_z=lambda v: v.dz * v.r * (1 - v.r)),
    ),
    Mistake(
        "gru.other-gates-derivative",
        "The reset gate's gradient has the factor z (1 - z), the derivative of the update gate. Its own is r (1 - r).",
        _backward_with(da_r=lambda v: v.dr * v.z * (1 - v.z)),
    ),
    Mistake(
        "gru.other-gates-derivative",
        "The update gate's gradient has the factor r (1 - r), the derivative of the reset gate. Its own is z (1 - z).",
        _backward_with(da_z=lambda v: v.dz * v.r * (1 - v.r)),
    ),
    Mistake(
        "gru.tanh-derivative-missing",
        f"The derivative of the candidate's tanh is missing. {_TANH}",
        _backward_with(da_n=lambda v: v.dn),
    ),
    Mistake(
        "gru.tanh-derivative-unsquared",
        f"The derivative of the candidate's tanh is taken for 1 - n, without the square. {_TANH}",
        _backward_with(da_n=lambda v: v.dn * (1 - v.n)),
    ),
    Mistake(
        "gru.tanh-derivative-twice",
        f"The derivative of the candidate's tanh is multiplied in twice. {_TANH}",
        _backward_with(da_n=lambda v: v.dn * (1 - v.n**2) ** 2),
    ),
    Mistake(
        "gru.tanh-of-candidate",
        f"The tanh is taken once more before its derivative. {_TANH}",
        _backward_with(da_n=lambda v: v.dn * (1 - tanh(v.n) ** 2)),
    ),
    Mistake(
        "gru.sigmoid-derivative-for-candidate",
        f"The candidate's derivative is that of a sigmoid, n (1 - n). The candidate is a tanh. {_TANH}",
        _backward_with(da_n=lambda v: v.dn * v.n * (1 - v.n)),
    ),
    Mistake(
        "gru.new-state-for-candidate",
        "The derivative of the tanh is made with the new state, 1 - h². The tanh gives the candidate n, so it is 1 - "
        "n².",
        _backward_with(da_n=lambda v: v.dn * (1 - _state_after(v) ** 2)),
    ),
    Mistake(
        "gru.tanh-derivative-missing",
        f"On the way to the reset gate the derivative of the candidate's tanh is missing. {_TANH}",
        _backward_with(dr=lambda v: v.dn * v.h_n),
    ),
    Mistake(
        "gru.reset-before-product",
        "This is the gradient of a GRU whose reset gate acts before the product with W_hn, as in Cho 2014 and Chung "
        f"2014. {_AFTER}",
        _backward_with(
            dr=lambda v: (v.da_n @ v.W_hn.T) * v.h_prev,
            through_gates=lambda v: _join(v.da_r, v.da_z) @ _join(v.W_hr, v.W_hz).T + v.r * (v.da_n @ v.W_hn.T),
            dW_h=lambda v: _join(v.h_prev.T @ v.da_r, v.h_prev.T @ v.da_z, (v.r * v.h_prev).T @ v.da_n),
        ),
    ),
    Mistake(
        "gru.reset-before-product",
        "In `dh_prev` r multiplies after the way back through W_hn: that belongs to a GRU whose reset gate acts before "
        f"the product. {_AFTER}",
        _backward_with(
            through_gates=lambda v: _join(v.da_r, v.da_z) @ _join(v.W_hr, v.W_hz).T + v.r * (v.da_n @ v.W_hn.T)
        ),
    ),
    Mistake(
        "gru.reset-before-product",
        "In `dW_h` the candidate's block is made with r times `h_prev`: that belongs to a GRU whose reset gate acts "
        f"before the product. {_AFTER}",
        _backward_with(dW_h=lambda v: _join(v.h_prev.T @ v.da_r, v.h_prev.T @ v.da_z, (v.r * v.h_prev).T @ v.da_n)),
    ),
    Mistake(
        "gru.reset-before-product",
        "The gradient of r is made with `h_prev` and the way back through W_hn: that belongs to a GRU whose reset gate "
        f"acts before the product. {_AFTER}",
        _backward_with(dr=lambda v: (v.da_n @ v.W_hn.T) * v.h_prev),
    ),
    Mistake(
        "gru.reset-gradient-operand",
        f"The gradient of r is made with `h_prev` in place of `h_n`. {_AFTER}",
        _backward_with(dr=lambda v: v.da_n * v.h_prev),
    ),
    Mistake(
        "gru.reset-gradient-operand",
        f"The gradient of r is made with n in place of `h_n`. {_AFTER}",
        _backward_with(dr=lambda v: v.da_n * v.n),
    ),
    Mistake(
        "gru.reset-gradient-operand",
        f"The gradient of r is made without `h_n`. {_AFTER}",
        _backward_with(dr=lambda v: v.da_n),
    ),
    Mistake(
        "gru.reset-gradient-operand",
        f"The gradient of r has r itself as a factor. {_AFTER}",
        _backward_with(dr=lambda v: v.da_n * v.r * v.h_n),
    ),
    Mistake(
        "gru.reset-factor-missing",
        f"The factor r is missing in the candidate's recurrent term, in `dW_h` and in `dh_prev`. {_AFTER}",
        _backward_with(dh_n=lambda v: v.da_n),
    ),
    Mistake(
        "gru.reset-factor-missing",
        f"The factor r is missing in the candidate's block of `dW_h`; `dh_prev` is right. {_AFTER}",
        _backward_with(dW_h=lambda v: v.h_prev.T @ v.da_x),
    ),
    Mistake(
        "gru.reset-factor-missing",
        f"The factor r is missing on the candidate's way to `dh_prev`; `dW_h` is right. {_AFTER}",
        _backward_with(through_gates=lambda v: v.da_x @ v.W_h.T),
    ),
    Mistake(
        "gru.reset-factor-on-input",
        "The factor r also reaches the input: `dx`, and the candidate's block of `dW_x` and `db`, are made with the "
        "gradient of the recurrent product. Input and bias stand outside the reset gate.",
        _backward_with(da_x=lambda v: v.join(v.da_r, v.da_z, v.dh_n)),
    ),
    Mistake(
        "gru.reset-factor-on-input",
        "The factor r also reaches the candidate's block of `dW_x`. The input stands outside the reset gate.",
        _backward_with(dW_x=lambda v: v.x.T @ v.da_h),
    ),
    Mistake(
        "gru.reset-factor-on-input",
        "The factor r also reaches `dx`. The input stands outside the reset gate.",
        _backward_with(dx=lambda v: v.da_h @ v.W_x.T),
    ),
    Mistake(
        "gru.reset-factor-on-input",
        "The factor r also reaches `dx` and the candidate's block of `dW_x`. The input stands outside the reset gate.",
        _backward_with(dx=lambda v: v.da_h @ v.W_x.T, dW_x=lambda v: v.x.T @ v.da_h),
    ),
    Mistake(
        "gru.reset-on-bias",
        "The candidate's block of `db` has the factor r: that is the gradient of PyTorch's second, recurrent bias, "
        "which stands inside the reset gate. The one bias of the course stands outside.",
        _backward_with(db=lambda v: v.da_h.sum(axis=0)),
    ),
    Mistake(
        "gru.recurrent-transposed",
        f"On the way to `dh_prev` the recurrent weights lack the transpose, in all three blocks. {_TRANSPOSE}",
        _backward_with(through_gates=_transposed("r", "z", "n")),
    ),
    Mistake(
        "gru.recurrent-transposed",
        f"On the way to `dh_prev` the recurrent weights of both gates lack the transpose. {_TRANSPOSE}",
        _backward_with(through_gates=_transposed("r", "z")),
    ),
    *(
        Mistake(
            "gru.recurrent-transposed",
            f"On the way to `dh_prev` the recurrent weights `W_h{letter}` lack the transpose. {_TRANSPOSE}",
            _backward_with(through_gates=_transposed(letter)),
        )
        for letter in "rzn"
    ),
    Mistake(
        "gru.recurrent-gradient-transposed",
        "Each block of `dW_h` is transposed: it is `da.T @ h_prev` in place of `h_prev.T @ da`. The block is square, "
        "so no shape complains.",
        _backward_with(dW_h=lambda v: _join(*(da.T @ v.h_prev for da in (v.da_r, v.da_z, v.dh_n)))),
    ),
    Mistake(
        "gru.state-after-for-before",
        "`dW_h` is made with the state after the step. The products with W_h read the one before, `h_prev`.",
        _backward_with(dW_h=lambda v: _state_after(v).T @ v.da_h),
    ),
    Mistake(
        "gru.state-after-for-before",
        "`dW_h` is made with the candidate. The products with W_h read the state before, `h_prev`.",
        _backward_with(dW_h=lambda v: v.n.T @ v.da_h),
    ),
    Mistake(
        "gru.state-after-for-before",
        "The candidate's block of `dW_h` is made with the product `h_n`. That product reads `h_prev`, and so does its "
        "gradient by the weights.",
        _backward_with(dW_h=lambda v: _join(v.h_prev.T @ v.da_r, v.h_prev.T @ v.da_z, v.h_n.T @ v.dh_n)),
    ),
    Mistake(
        "gru.bias-not-summed",
        "`db` has a row for each row of the batch. The bias acts in every row, so its gradient is the sum over the "
        "batch: `axis=0`.",
        _backward_with(db=lambda v: v.da_x),
    ),
    Mistake(
        "gru.bias-not-summed",
        "`db` is summed over the batch, but keeps the batch's axis. The bias is (3H,), and so is its gradient.",
        _backward_with(db=lambda v: v.da_x.sum(axis=0, keepdims=True)),
    ),
    Mistake(
        "gru.bias-averaged",
        "`db` is the mean over the batch. The bias acts in every row, so its gradient is the sum; with B = 1 the two "
        "are the same.",
        _backward_with(after=_scaled(lambda B: 1 / B, "db")),
    ),
    Mistake(
        "gru.gradient-averaged",
        "`dW_x`, `dW_h` and `db` are divided by the size of the batch. The mean, if any, is taken in the loss, and dh "
        "has it already.",
        _backward_with(after=_scaled(lambda B: 1 / B, "dW_x", "dW_h", "db")),
    ),
    Mistake(
        "gru.gradient-averaged",
        "`dW_x` and `dW_h` are divided by the size of the batch. The mean, if any, is taken in the loss, and dh has it "
        "already.",
        _backward_with(after=_scaled(lambda B: 1 / B, "dW_x", "dW_h")),
    ),
    Mistake(
        "gru.bias-twice",
        "`db` is twice what it should be, as for a bias that is added to both products. The course has one bias, added "
        "once.",
        _backward_with(after=_scaled(lambda B: 2, "db")),
    ),
    Mistake(
        "gru.bias-twice",
        "`db` is the sum over both products, input and recurrent. The course has one bias, added once, beside the "
        "input.",
        _backward_with(db=lambda v: (v.da_x + v.da_h).sum(axis=0)),
    ),
    Mistake(
        "gru.upstream-ignored",
        "The answer does not depend on `dh`: it is the gradient of the sum of all h. `dh` says how much each h counts.",
        _backward_with(before=lambda v: vars(v).update(dh=np.ones_like(v.dh))),
    ),
    *(
        Mistake(
            "gru.clipped-inside",
            f"The gradients are cut off at ±{bound:g}. A gradient function gives them as they are; clipping belongs to "
            "the training loop, where all of them are known.",
            _backward_with(after=_clip_each(bound)),
        )
        for bound in (1.0, 2.0)
    ),
)


_TRANSPOSED = "It has the shape of `{}` itself: with row vectors it is what came in, transposed, times da."

#: Of a backward step alone, since in a sequence these stop with an exception when they are added up.
STEP_BACKWARD_FORMS = (
    Mistake(
        "gru.bias-not-summed",
        "`db` is summed over the columns, not over the rows of the batch: `axis=0`.",
        _backward_with(db=lambda v: v.da_x.sum(axis=1)),
    ),
    Mistake(
        "gru.input-gradient-transposed",
        "`dW_x` is transposed. " + _TRANSPOSED.format("W_x"),
        _backward_with(after=_setting(dW_x=lambda v: v.dW_x.T)),
    ),
    Mistake(
        "gru.recurrent-gradient-transposed",
        "`dW_h` is transposed as a whole. " + _TRANSPOSED.format("W_h"),
        _backward_with(after=_setting(dW_h=lambda v: v.dW_h.T)),
    ),
    Mistake(
        "gru.recurrent-gradient-transposed",
        "`dW_x` and `dW_h` are transposed. " + _TRANSPOSED.format("W_x` or `W_h"),
        _backward_with(after=_setting(dW_x=lambda v: v.dW_x.T, dW_h=lambda v: v.dW_h.T)),
    ),
)


def _cut(every, aligned):
    """The gradient from later steps, cut off at every so many steps, counted from the start or from the end."""

    def meets(own, carry, t, T):
        boundary = (t + 1) % every == 0 if aligned == "start" else (T - 1 - t) % every == 0
        return own if boundary else own + carry

    return meets


def _windowed(k):
    """Each step's own gradient carried back through k steps only."""

    def backward(dhs, caches, W_x, W_h):
        answer = [np.zeros_like(a) for a in gru_backward(dhs, caches, W_x, W_h)]
        for t in range(len(dhs)):
            start = max(0, t - k + 1)
            alone = np.zeros_like(dhs[start : t + 1])
            alone[-1] = dhs[t]
            dxs, dh0, *weights = gru_backward(alone, caches[start : t + 1], W_x, W_h)
            answer[0][start : t + 1] += dxs
            for total, part in zip(answer[1:], (dh0 if start == 0 else 0 * dh0, *weights), strict=True):
                total += part
        return tuple(answer)

    return backward


def _with_dh0(dh0):
    """The right gradients but for `dh0`, a function of dhs, caches, the weights and what is right."""

    def backward(dhs, caches, W_x, W_h):
        dxs, right, *weights = gru_backward(dhs, caches, W_x, W_h)
        return dxs, dh0(dhs, caches, W_x, W_h, right), *weights

    return backward


def _with_all(change):
    """Every gradient changed: a function of its name and value, and of T."""

    def backward(dhs, caches, W_x, W_h):
        names = ("dxs", "dh0", "dW_x", "dW_h", "db")
        gradients = gru_backward(dhs, caches, W_x, W_h)
        return tuple(change(name, g, len(dhs)) for name, g in zip(names, gradients, strict=True))

    return backward


def _assigned(*names):
    """These weights' gradients are those of the step computed last, t = 0."""

    def backward(dhs, caches, W_x, W_h):
        right = dict(zip(("dxs", "dh0", "dW_x", "dW_h", "db"), gru_backward(dhs, caches, W_x, W_h), strict=True))
        last = dict(
            zip(("dW_x", "dW_h", "db"), _walked_back(total=lambda _, g: g)(dhs, caches, W_x, W_h)[2:], strict=True)
        )
        return tuple({**right, **{name: last[name] for name in names}}.values())

    return backward


def _weights_of_last_step(dhs, caches, W_x, W_h):
    _, _, *weights = gru_step_backward(dhs[-1], caches[-1], W_x, W_h)
    return *gru_backward(dhs, caches, W_x, W_h)[:2], *weights


def _before_the_first_step(dhs, caches, W_x, W_h, right):
    """All that reaches the state after the first step."""
    if len(dhs) == 1:
        return dhs[0]
    return dhs[0] + gru_backward(dhs[1:], caches[1:], W_x, W_h)[1]


def _clipped_to_norm(bound):
    def backward(dhs, caches, W_x, W_h):
        *states, dW_x, dW_h, db = gru_backward(dhs, caches, W_x, W_h)
        norm = np.sqrt(sum((g**2).sum() for g in (dW_x, dW_h, db)))
        return *states, *(g * min(1, bound / norm) for g in (dW_x, dW_h, db))

    return backward


_STEPS_BACK = "Through the states, every step's weights act on all later outputs."

GRU_BACKWARD_MISTAKES = (
    Mistake(
        "gru.carry-missing",
        "What comes back from the step after is not added: each step's gradient is `dhs[t]` alone. The state h_t also "
        "acts through the next step, so the gradient that reaches it is `dhs[t]` plus the `dh_prev` of step t + 1.",
        _walked_back(meets=lambda own, carry, t, T: own),
    ),
    Mistake(
        "gru.carry-replaces",
        "Only the last step's `dhs` counts: at every other step what comes back from the step after is put in place of "
        "`dhs[t]`. The two are added.",
        _walked_back(meets=lambda own, carry, t, T: own if t == T - 1 else carry),
    ),
    Mistake(
        "gru.carry-twice",
        "What comes back from the step after is added twice. Once is right.",
        _walked_back(meets=lambda own, carry, t, T: own + 2 * carry),
    ),
    Mistake(
        "gru.carry-unpropagated",
        "The later `dhs` are added up as they are, without the way back through the steps between. What a step hands "
        "to the one before is its `dh_prev`.",
        lambda dhs, caches, W_x, W_h: _walked_back(meets=lambda own, carry, t, T: dhs[t:].sum(axis=0))(
            dhs, caches, W_x, W_h
        ),
    ),
    Mistake(
        "gru.first-step-missing",
        "The loop stops before t = 0: `dxs[0]` stays 0, and the first step adds nothing to the weights' gradients.",
        _walked_back(steps=lambda T: range(T - 1, 0, -1)),
    ),
    Mistake(
        "gru.last-step-missing",
        "The loop begins at t = T - 2: the last step is left out, with its `dhs`.",
        _walked_back(steps=lambda T: range(T - 2, -1, -1)),
    ),
    Mistake(
        "gru.walk-forward",
        "The loop runs from the first time step to the last. Gradients come back from later steps, so it runs from the "
        "last to the first.",
        _walked_back(steps=range),
    ),
    Mistake(
        "gru.gradients-reversed",
        "The gradients by the inputs are right, but stand in the order in which they are computed, last step first. "
        "`dxs[t]` belongs to `xs[t]`.",
        _with_all(lambda name, g, T: g[::-1] if name == "dxs" else g),
    ),
    Mistake(
        "gru.time-and-batch-swapped",
        "The gradients by the inputs are right, with the axes of time and batch exchanged. The course has time first: "
        "(T, B, D).",
        _with_all(lambda name, g, T: g.swapaxes(0, 1) if name == "dxs" else g),
    ),
    Mistake(
        "gru.caches-reversed",
        "The caches are taken in the order first to last while the gradients go last to first. Step t needs "
        "`caches[t]`.",
        _walked_back(cache_at=lambda t, T: T - 1 - t),
    ),
    Mistake(
        "gru.cache-of-other-step",
        "Step t takes the cache of step t - 1, and step 0 that of the last one, since index -1 wraps round. Step t "
        "needs `caches[t]`.",
        _walked_back(cache_at=lambda t, T: t - 1),
    ),
    Mistake(
        "gru.cache-of-other-step",
        "Every step takes the last step's cache. Step t needs `caches[t]`.",
        _walked_back(cache_at=lambda t, T: T - 1),
    ),
    Mistake(
        "gru.cache-of-other-step",
        "Every step takes the first step's cache. Step t needs `caches[t]`.",
        _walked_back(cache_at=lambda t, T: 0),
    ),
    *(
        Mistake(
            "gru.gradient-assigned",
            f"{words} that of the first time step alone: each step's part is put in place of the ones before. The same "
            "weights act at all T steps, so the parts are added up.",
            _assigned(*names),
        )
        for words, names in (
            ("The gradient by all weights is", ("dW_x", "dW_h", "db")),
            ("`dW_x` is", ("dW_x",)),
            ("`dW_h` is", ("dW_h",)),
            ("`db` is", ("db",)),
            ("Each of `dW_x` and `dW_h` is", ("dW_x", "dW_h")),
        )
    ),
    Mistake(
        "gru.gradient-of-one-step",
        "The weights' gradients are those of the last time step alone. The same weights act at all T steps, so the "
        "parts are added up.",
        _weights_of_last_step,
    ),
    *(
        Mistake(
            "gru.gradient-missing",
            f"{words} 0: what the steps give is not added to it.",
            _with_all(lambda name, g, T, names=names: 0 * g if name in names else g),
        )
        for words, names in (
            ("The gradient by all weights stays", ("dW_x", "dW_h", "db")),
            ("`dW_x` stays", ("dW_x",)),
            ("`dW_h` stays", ("dW_h",)),
            ("`db` stays", ("db",)),
            ("`dxs` stays", ("dxs",)),
        )
    ),
    Mistake(
        "gru.gradient-averaged",
        "The weights' gradients are divided by the number of time steps. They are the sum over all steps; the mean, if "
        "any, is taken in the loss.",
        _with_all(lambda name, g, T: g if name in ("dxs", "dh0") else g / T),
    ),
    Mistake(
        "gru.initial-gradient",
        "`dh0` is 0. The initial state acts on the first step, and its gradient is that step's `dh_prev`.",
        _with_dh0(lambda dhs, caches, W_x, W_h, right: 0 * right),
    ),
    Mistake(
        "gru.initial-gradient",
        "`dh0` is what reaches the state after the first step. The gradient still has to go back through that step: it "
        "is its `dh_prev`.",
        _with_dh0(_before_the_first_step),
    ),
    Mistake(
        "gru.initial-gradient",
        "`dh0` is the `dh_prev` of the last time step. It is that of the first one, the last to be computed.",
        _with_dh0(lambda dhs, caches, W_x, W_h, right: gru_step_backward(dhs[-1], caches[-1], W_x, W_h)[1]),
    ),
    Mistake(
        "gru.initial-gradient",
        "`dh0` is `dhs[0]`. The initial state is the one before the first step; its gradient is that step's `dh_prev`.",
        _with_dh0(lambda dhs, caches, W_x, W_h, right: dhs[0].copy()),
    ),
    Mistake(
        "gru.initial-gradient",
        "`dhs[0]` is added to `dh0`. It belongs to the state after the first step, and is in that step's `dh_prev` "
        "already.",
        _with_dh0(lambda dhs, caches, W_x, W_h, right: right + dhs[0]),
    ),
    *(
        Mistake(
            "gru.truncated",
            f"Only the last {k} step{'s are' if k > 1 else ' is'} walked back through. {_STEPS_BACK} The loop goes "
            "back to t = 0.",
            _walked_back(steps=lambda T, k=k: list(reversed(range(T)))[:k]),
        )
        for k in (1, 2, 3)
    ),
    *(
        Mistake(
            "gru.truncated",
            f"Each step's gradient is carried back through {k} steps only. {_STEPS_BACK} The full gradient goes back "
            "to t = 0.",
            _windowed(k),
        )
        for k in (2, 3)
    ),
    *(
        Mistake(
            "gru.truncated",
            f"The gradient from the step after is dropped at every {'second' if k == 2 else 'third'} step, as in "
            "truncated BPTT. The full gradient goes back to t = 0.",
            _walked_back(meets=_cut(k, aligned)),
        )
        for k in (2, 3)
        for aligned in ("start", "end")
    ),
    *(
        Mistake(
            "gru.clipped-inside",
            f"What is carried to the step before is cut off at ±{bound:g}. A gradient function gives gradients as they "
            "are; clipping belongs to the training loop.",
            _walked_back(meets=lambda own, carry, t, T, bound=bound: own + np.clip(carry, -bound, bound)),
        )
        for bound in (1.0,)
    ),
    *(
        Mistake(
            "gru.clipped-inside",
            f"The gradients are cut off at ±{bound:g}. A gradient function gives them as they are; clipping belongs to "
            "the training loop.",
            _with_all(lambda name, g, T, bound=bound: np.clip(g, -bound, bound)),
        )
        for bound in (1.0, 5.0)
    ),
    *(
        Mistake(
            "gru.clipped-inside",
            f"The weights' gradients are cut off at ±{bound:g}. A gradient function gives them as they are; clipping "
            "belongs to the training loop.",
            _with_all(lambda name, g, T, bound=bound: g if name in ("dxs", "dh0") else np.clip(g, -bound, bound)),
        )
        for bound in (1.0, 5.0)
    ),
    *(
        Mistake(
            "gru.clipped-inside",
            f"The weights' gradients are scaled to the norm {bound:g}. A gradient function gives them as they are; "
            "clipping belongs to the training loop.",
            _clipped_to_norm(bound),
        )
        for bound in (1.0, 5.0)
    ),
    *(Mistake(m.name, m.words, _walked_back(step=m.variant)) for m in STEP_BACKWARD_MISTAKES),
)


def _on_each(change):
    return lambda W_x, W_h, b: tuple(change(weights) for weights in (W_x, W_h, b))


def _on_some(*names):
    """The sign changed in some of the weights only."""

    def convert(W_x, W_h, b):
        weights = {"W_x": W_x, "W_h": W_h, "b": b}
        return tuple(_negated(w, "z") if name in names else w.copy() for name, w in weights.items())

    return convert


def _with_z(change):
    def convert(weights):
        r, z, n = _blocks(weights)
        return _join(r, change(z), n)

    return _on_each(convert)


_SIGN = "Minus the pre-activation of z makes 1 - z of the gate, since σ(-a) = 1 - σ(a); nothing else changes."

OTHER_CONVENTION_MISTAKES = (
    *(
        Mistake(
            "gru.convention-wrong-block",
            f"The sign changes in {words}. It changes in the block of z alone, the middle one. {_SIGN}",
            _on_each(lambda weights, which=which: _negated(weights, which)),
        )
        for which, words in (
            ("rzn", "all three blocks"),
            ("r", "the first block, that of r"),
            ("n", "the last block, that of n"),
            ("rz", "the blocks of both gates"),
            ("zn", "the blocks of z and n"),
            ("rn", "the blocks of r and n"),
        )
    ),
    *(
        Mistake(
            "gru.convention-incomplete",
            f"The sign changes in {' and '.join(f'`{name}`' for name in names)} only. The pre-activation of z is a sum "
            f"of three terms, and each of them changes its sign. {_SIGN}",
            _on_some(*names),
        )
        for names in (("W_x", "W_h"), ("W_x", "b"), ("W_h", "b"), ("W_x",), ("W_h",), ("b",))
    ),
    Mistake(
        "gru.convention-unchanged",
        "The weights come back as they went in. The other GRU reads z the other way round, so the block of z has to "
        f"make 1 - z of it. {_SIGN}",
        _on_each(np.copy),
    ),
    Mistake(
        "gru.convention-one-minus-weights",
        f"The block of z is taken from 1. It is the gate that should become 1 - z, not the weights. {_SIGN}",
        _with_z(lambda z: 1 - z),
    ),
    Mistake(
        "gru.convention-one-minus-weights",
        f"All weights are taken from 1. It is the gate that should become 1 - z, not the weights. {_SIGN}",
        _on_each(lambda weights: 1 - weights),
    ),
    Mistake(
        "gru.convention-zeroed",
        f"The block of z is 0, which makes a gate that stands at a half whatever comes. {_SIGN}",
        _with_z(lambda z: 0 * z),
    ),
    Mistake(
        "gru.convention-inverse",
        f"The block of z holds 1 divided by the weights. {_SIGN}",
        _with_z(lambda z: 1 / z),
    ),
    Mistake(
        "gru.convention-exchanged",
        f"The blocks of r and z are exchanged. The order of the blocks stays r, z, n. {_SIGN}",
        _on_each(lambda weights: _join(*(_blocks(weights)[k] for k in (1, 0, 2)))),
    ),
    Mistake(
        "gru.convention-exchanged",
        "The block of z has its new sign, but the blocks stand in the order z, r, n. Their order stays r, z, n. "
        f"{_SIGN}",
        _on_each(lambda weights: _join(*(_blocks(_negated(weights, "z"))[k] for k in (1, 0, 2)))),
    ),
)

# --- The hints: where to look, why, the formula. ---

HINTS = {
    "reset_gate": Hints(
        "Look at what the sigmoid makes of a very negative number, and at the three terms that you give it.",
        "1 / (1 + exp(-a)) calls the exponential of 10000 when a = -10000, which is no float. exp(-|a|) is never above "
        "1, and the tanh takes any number. W_hr is square, so a transpose breaks no shape.",
        "r = σ(x W_xr + h_prev W_hr + b_r), with σ(a) = (1 + tanh(a / 2)) / 2.",
    ),
    "update_gate": Hints(
        "Compare it with the reset gate: same form, other weights.",
        "Both gates read the same x and h_prev and differ only in their weights. In the course z = 1 keeps the old "
        "state; what z does is settled in the mixture, and the gate itself is a plain sigmoid.",
        "z = σ(x W_xz + h_prev W_hz + b_z).",
    ),
    "gru_candidate": Hints(
        "Look at the place of r: what it multiplies, and what it leaves alone.",
        "The reset gate shuts out the past, so input and bias stay outside. Here it comes after the product with W_hn, "
        "so it multiplies the H numbers of that product, one by one.",
        "n = tanh(x W_xn + b_n + r ⊙ (h_prev W_hn)).",
    ),
    "interpolate": Hints(
        "Look at the two ends: what should come out for z = 0, and what for z = 1?",
        "The shares of the old state and of the candidate sum to 1, so the new state lies between the two, unit by "
        "unit. The course keeps the old state where z = 1.",
        "h = (1 - z) ⊙ n + z ⊙ h_prev.",
    ),
    "gru_step": Hints(
        "Look at how you cut the weights into blocks, and at what each of your four functions gets.",
        "The blocks stand side by side in the order r, z, n, H columns each; H is the size of h_prev's last axis. The "
        "cache keeps the product h_prev W_hn as it is before the reset gate acts on it.",
        "r = columns 0 to H, z = H to 2H, n = 2H to 3H of W_x, W_h and b; then r, z, n, and h = (1 - z) ⊙ n + z ⊙ "
        "h_prev.",
    ),
    "gru_forward": Hints(
        "Look at the state that your loop hands from one step to the next, and at the one before the first.",
        "Step t needs the state after step t - 1, and step 0 needs `h0`. What goes on is h, the mixture, not n.",
        "hs[0], caches[0] = step(xs[0], h0); hs[t], caches[t] = step(xs[t], hs[t - 1]) for t = 1, ..., T - 1.",
    ),
    "gru_step_backward": Hints(
        "Go through the step's four lines from the last to the first, and count at how many places each of n, z, r and "
        "h_prev stands: each place is a path, and the paths are added.",
        "dh splits into three at the mixture: to n, to z (which stands there twice) and straight to h_prev. Then it "
        "passes a tanh or a sigmoid, whose derivatives are 1 - n² and s (1 - s). At the candidate r and h_n are each "
        "other's factor, so the recurrent product gets the factor r while input and bias do not.",
        "dz = dh ⊙ (h_prev - n), dn = dh ⊙ (1 - z), da_n = dn ⊙ (1 - n²), dr = da_n ⊙ h_n, dh_n = da_n ⊙ r, "
        "da_z = dz ⊙ z ⊙ (1 - z), da_r = dr ⊙ r ⊙ (1 - r). With da_x = [da_r, da_z, da_n] and da_h = [da_r, da_z, "
        "dh_n]: dx = da_x W_xᵀ, dh_prev = dh ⊙ z + da_h W_hᵀ, dW_x = xᵀ da_x, dW_h = h_prevᵀ da_h, db = sum of da_x "
        "over the batch.",
    ),
    "gru_backward": Hints(
        "Look at what reaches the state h_t: from how many sides does it come?",
        "h_t acts on the loss through its own output and through the next step. The weights are the same at every "
        "step, so their gradients add up over time.",
        "For t = T - 1, ..., 0: step backward with dhs[t] + dh_prev of step t + 1 (0 after the last); dW_x, dW_h and "
        "db are sums over t; dh0 is the dh_prev of step 0.",
    ),
    "gru_candidate_reset_before": Hints(
        "Look at what goes into the product with W_hn.",
        "Before the product, the reset gate chooses which units of the old state the candidate may see. The product "
        "then mixes what is left.",
        "n = tanh(x W_xn + (r ⊙ h_prev) W_hn + b_n).",
    ),
    "other_convention": Hints(
        "Look at the sigmoid: for which number is it 1 - σ(a)?",
        "In the other GRU the gate is to be 1 - z at every step, and all else as it is. So only the pre-activation of "
        "z changes, and it is a sum of an input's term, a state's term and a bias.",
        "1 - σ(a) = σ(-a), and -a = x (-W_xz) + h_prev (-W_hz) + (-b_z).",
    ),
}

_FIELDS = (Output("x", "BD"), *(Output(name, "BH") for name in ("h_prev", "r", "z", "n", "h_n")))
_RZN = ("r", "z", "n")
_WEIGHTS = (
    Output("dW_x", "DG", blocks=_RZN),
    Output("dW_h", "HG", blocks=_RZN),
    Output("db", "G", blocks=_RZN),
)
_FOUR = ("reset_gate", "update_gate", "gru_candidate", "interpolate")


def _exercise(reference, outputs, cases, points, hidden_points, mistakes, neighbours=(), gradient_of=None):
    name = reference.__name__
    return Exercise(
        name=name,
        assignment="04-gru",
        outputs=outputs,
        reference=reference,
        cases=cases,
        points=points,
        hidden_points=hidden_points,
        neighbours=neighbours,
        mistakes=mistakes,
        hints=HINTS[name],
        gradient_of=gradient_of,
    )


EXERCISES = [
    _exercise(reset_gate, (Output("r", "BH"),), _gate_cases("r"), 1, 1, RESET_GATE_MISTAKES),
    _exercise(update_gate, (Output("z", "BH"),), _gate_cases("z"), 1, 1, UPDATE_GATE_MISTAKES, ("reset_gate",)),
    _exercise(gru_candidate, (Output("n", "BH"),), _candidate_cases, 1, 1, GRU_CANDIDATE_MISTAKES),
    _exercise(interpolate, (Output("h", "BH"),), _interpolate_cases, 1, 1, INTERPOLATE_MISTAKES),
    _exercise(
        gru_step,
        (Output("h", "BH"), Output("cache", fields=_FIELDS, kind=GRUCache, aside=True)),
        _gru_step_cases,
        1,
        2,
        GRU_STEP_MISTAKES,
        _FOUR,
    ),
    _exercise(
        gru_forward,
        (Output("hs", "TBH"), Output("caches", "T", fields=_FIELDS, kind=GRUCache, aside=True)),
        _gru_forward_cases,
        1,
        1,
        GRU_FORWARD_MISTAKES,
        (*_FOUR, "gru_step"),
    ),
    _exercise(
        gru_step_backward,
        (Output("dx", "BD"), Output("dh_prev", "BH"), *_WEIGHTS),
        _gru_step_backward_cases,
        2,
        3,
        (*STEP_BACKWARD_MISTAKES, *STEP_BACKWARD_FORMS),
        gradient_of="gru_step",
    ),
    _exercise(
        gru_backward,
        (Output("dxs", "TBD", backward=True), Output("dh0", "BH"), *_WEIGHTS),
        _gru_backward_cases,
        1,
        2,
        GRU_BACKWARD_MISTAKES,
        ("gru_step_backward",),
        gradient_of="gru_forward",
    ),
    _exercise(
        gru_candidate_reset_before,
        (Output("n", "BH"),),
        _candidate_cases,
        1,
        1,
        RESET_BEFORE_MISTAKES,
        ("gru_candidate",),
    ),
    _exercise(
        other_convention,
        (Output("W_x", "DG", blocks=_RZN), Output("W_h", "HG", blocks=_RZN), Output("b", "G", blocks=_RZN)),
        _other_convention_cases,
        1,
        1,
        OTHER_CONVENTION_MISTAKES,
    ),
]
