"""Assignment 01-rnn: softmax, the loss, the forward pass of a recurrent network, and sampling from it."""

import numpy as np

from rnnlib import activations, losses
from rnnlib.checks.cases import EXTREME, ORDINARY, SINGLE, SMALL, Case, draw_sizes, in_words, to_single
from rnnlib.checks.exercises import Exercise, Hints, Mistake, Output

# --- The references, under the signatures that the student writes. ---
# The battery also lends them to a student's functions in place of wrong neighbours. There they have to take whatever a
# right function may give to its own: one row, one step, a list. The library's engine and layers refuse those, so three
# formulas are written out here; a test holds that they equal the library's.


def softmax(logits):
    """The probabilities over the last axis (..., K)."""
    return activations.softmax(np.asarray(logits))


def rnn_step(x, h_prev, W_x, W_h, b):
    """The hidden state after one step (B, H)."""
    return np.tanh(x @ W_x + h_prev @ W_h + b)


def rnn_forward(xs, h0, W_x, W_h, b):
    """The hidden states of a sequence (T, B, H)."""
    return _unrolled(rnn_step)(xs, h0, W_x, W_h, b)


def readout(hs, W_y, b_y):
    """The logits of a sequence of hidden states (T, B, K)."""
    return hs @ W_y + b_y


def sample(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    """The tokens (T, B) that uniform numbers pick, each the input of the next step."""
    return _sample(us, first, h0, W_x, W_h, b, W_y, b_y, temperature)[0]


def _sample(us, first, h0, W_x, W_h, b, W_y, b_y, temperature):
    # Also gives how close a uniform number comes to a boundary between two tokens.
    one_hot = np.eye(len(W_x), dtype=W_x.dtype)
    tokens, margin = np.empty(us.shape, dtype=np.int64), 1.0
    token, h = first, h0
    for t, u in enumerate(us):
        h = rnn_step(one_hot[token], h, W_x, W_h, b)
        p = softmax(readout(h, W_y, b_y) / temperature)
        cumulative = p.cumsum(axis=-1)
        margin = min(margin, np.abs(cumulative - u[:, None]).min())
        token = tokens[t] = (cumulative > u[:, None]).argmax(axis=-1)
    return tokens, margin


# --- The cases: sizes that all differ, states and biases that are not zero, weights without symmetry. ---


def _softmax_cases(rng):
    for letters in ("TBK", "BK"):
        sizes = draw_sizes(rng, letters)
        yield Case(ORDINARY, in_words(sizes), {"logits": 2 * rng.standard_normal(list(sizes.values()))})
    yield Case(SMALL, "one row, K = 4", {"logits": rng.standard_normal(4)})
    sizes = draw_sizes(rng, "TBK")
    yield Case(SMALL, "T = 1, B = 1, K = 3", {"logits": rng.standard_normal((1, 1, 3))})
    logits = rng.standard_normal(list(sizes.values())) + 1e4 * _signs(rng, (sizes["T"], sizes["B"], 1))
    yield Case(EXTREME, "logits around 10000 in some rows and around -10000 in others", {"logits": logits})
    logits = 1e4 * rng.permutation([[-1.0, 0.0, 1.0, 0.5]], axis=1)
    yield Case(EXTREME, "logits 10000 apart in one row", {"logits": logits})
    sizes = draw_sizes(rng, "BK")
    yield Case(SINGLE, in_words(sizes), to_single({"logits": rng.standard_normal(list(sizes.values()))}))


def _cross_entropy_cases(rng):
    for part, words, scale, offset in (
        (ORDINARY, "", 1.5, 0.0),
        (ORDINARY, "", 1.5, 0.0),
        (EXTREME, ", logits around 10000 in some rows and around -10000 in others", 1.5, 1e4),
        (EXTREME, ", logits up to 10000 apart in a row", 5e3, 0.0),
    ):
        sizes = draw_sizes(rng, "TBK", start=3)
        T, B, K = sizes.values()
        logits = scale * rng.uniform(-1, 1, (T, B, K)) + offset * _signs(rng, (T, B, 1))
        yield Case(part, in_words(sizes) + words, {"logits": logits, "targets": rng.integers(K, size=(T, B))})
    for T, B, K in ((1, 3, 4), (4, 1, 3)):
        args = {"logits": rng.standard_normal((T, B, K)), "targets": rng.integers(K, size=(T, B))}
        yield Case(SMALL, f"T = {T}, B = {B}, K = {K}", args)


def _rnn_step_cases(rng):
    for _ in range(2):
        sizes = draw_sizes(rng, "BDH")
        yield Case(ORDINARY, in_words(sizes), _step_arguments(rng, **sizes))
    for sizes in ({"B": 1, "D": 3, "H": 2}, {"B": 3, "D": 1, "H": 1}):
        yield Case(SMALL, in_words(sizes), _step_arguments(rng, **sizes))
    sizes = draw_sizes(rng, "BDH")
    args = _step_arguments(rng, **sizes)
    while not _saturates_both_ways(args["x"], args["W_x"]):
        args = _step_arguments(rng, **sizes)
    args["x"] *= 1e4
    yield Case(EXTREME, in_words(sizes) + ", inputs of about ±10000", args)
    sizes = draw_sizes(rng, "BDH")
    yield Case(SINGLE, in_words(sizes), to_single(_step_arguments(rng, **sizes)))


def _rnn_forward_cases(rng):
    for _ in range(2):
        sizes = draw_sizes(rng, "TBDH")
        yield Case(ORDINARY, in_words(sizes), _sequence_arguments(rng, **sizes))
    for sizes in ({"T": 1, "B": 3, "D": 2, "H": 4}, {"T": 4, "B": 1, "D": 2, "H": 3}):
        yield Case(SMALL, in_words(sizes), _sequence_arguments(rng, **sizes))
    sizes = draw_sizes(rng, "TBDH")
    args = _sequence_arguments(rng, **sizes)
    while not _saturates_both_ways(args["xs"], args["W_x"]):
        args = _sequence_arguments(rng, **sizes)
    args["xs"] *= 1e4
    yield Case(EXTREME, in_words(sizes) + ", inputs of about ±10000", args)
    sizes = draw_sizes(rng, "TBDH")
    yield Case(SINGLE, in_words(sizes), to_single(_sequence_arguments(rng, **sizes)))


def _readout_cases(rng):
    def arguments(T, B, H, K):
        return {
            "hs": rng.uniform(-1, 1, (T, B, H)),
            "W_y": rng.standard_normal((H, K)),
            "b_y": rng.standard_normal(K),
        }

    for _ in range(2):
        sizes = draw_sizes(rng, "TBHK")
        yield Case(ORDINARY, in_words(sizes), arguments(**sizes))
    for sizes in ({"T": 1, "B": 3, "H": 2, "K": 4}, {"T": 4, "B": 1, "H": 2, "K": 3}):
        yield Case(SMALL, in_words(sizes), arguments(**sizes))
    sizes = draw_sizes(rng, "TBHK")
    yield Case(SINGLE, in_words(sizes), to_single(arguments(**sizes)))


def _sample_cases(rng):
    for part, words, sizes, temperature in (
        (ORDINARY, "", draw_sizes(rng, "TBHK", start=4), None),
        (ORDINARY, "", draw_sizes(rng, "TBHK", start=4), 0.5),
        (ORDINARY, "", draw_sizes(rng, "TBHK", start=4), 2.0),
        (SMALL, "", {"T": 1, "B": 5, "H": 3, "K": 4}, 0.7),
        (SMALL, "", {"T": 6, "B": 1, "H": 3, "K": 4}, 1.0),
        (EXTREME, ", so near to 0 that logits / temperature reaches thousands", draw_sizes(rng, "TBHK", start=4), 1e-3),
    ):
        args = _sample_arguments(rng, **sizes)
        while not _is_telling(args, temperature or 1.0, part):
            args = _sample_arguments(rng, **sizes)
        left_out = ", temperature left out"
        if temperature is not None:
            args["temperature"] = temperature
            left_out = f", temperature = {temperature}"
        yield Case(part, in_words(sizes) + left_out + words, args)


def _step_arguments(rng, B, D, H):
    return {"x": rng.standard_normal((B, D)), "h_prev": rng.uniform(-1, 1, (B, H)), **_weights(rng, D, H)}


def _sequence_arguments(rng, T, B, D, H):
    return {"xs": rng.standard_normal((T, B, D)), "h0": rng.uniform(-1, 1, (B, H)), **_weights(rng, D, H)}


def _sample_arguments(rng, T, B, H, K):
    return {
        "us": rng.uniform(size=(T, B)),
        "first": rng.integers(1, K, size=B),
        "h0": rng.uniform(-1, 1, (B, H)),
        **_weights(rng, K, H),
        "W_y": 2 * rng.standard_normal((H, K)),
        "b_y": rng.standard_normal(K),
    }


def _weights(rng, D, H):
    return {
        "W_x": rng.standard_normal((D, H)),
        "W_h": rng.standard_normal((H, H)) * 1.5 / np.sqrt(H),
        "b": rng.uniform(0.3, 0.8, H) * rng.choice([-1, 1], H),
    }


def _saturates_both_ways(x, W_x):
    """Whether some pre-activations of 10000 times this input are far above 0 and some far below."""
    a = x @ W_x
    return a.max() > 0.2 and a.min() < -0.2


def _is_telling(args, temperature, part):
    """Whether rounding decides nowhere, and another temperature or an overflow would show."""
    tokens, margin = _sample(*args.values(), temperature)
    wrong = []
    if part == ORDINARY:
        wrong = [sample(*args.values(), other) for other in (0.5, 0.7, 1.0, 2.0) if other != temperature]
    if part == EXTREME:
        with np.errstate(over="ignore", invalid="ignore"):
            wrong = [_sample_overflowing(*args.values(), temperature)]
    return margin > 1e-4 and all((tokens != other).any() for other in wrong)


def _signs(rng, shape):
    """Both signs, at random places."""
    signs = np.ones(shape)
    signs.flat[: signs.size // 2] = -1
    return rng.permutation(signs.ravel()).reshape(shape)


# --- The mistakes: what students write instead, each a variant that runs. ---

tanh = np.tanh


def _log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _picked(table, targets):
    return np.take_along_axis(table, targets[..., None], axis=-1)


def _unrolled(step):
    """The sequence function that repeats a wrong step."""

    def forward(xs, h, *weights):
        hs = []
        for x in xs:
            h = step(x, h, *weights)
            hs.append(h)
        return np.stack(hs)

    return forward


def _written(step=rnn_step, scores=readout, first_input=None, pick=None, carried=True, fed_back=True):
    """A way of sampling in which one part can be wrong."""

    def write(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
        one_hot, tokens = np.eye(len(W_x)), []
        x, h = one_hot[first] if first_input is None else first_input(one_hot[first]), h0
        for u in us:
            h = step(x, h if carried else h0, W_x, W_h, b)
            token = (pick or _pick)(scores(h, W_y, b_y), u[:, None], temperature)
            x = one_hot[token] if fed_back else x
            tokens.append(token)
        return np.stack(tokens)

    return write


def _pick(logits, u, temperature):
    return (activations.softmax(logits / temperature).cumsum(axis=-1) > u).argmax(axis=-1)


def _naive_softmax(logits):
    e = np.exp(logits)
    return e / e.sum(axis=-1, keepdims=True)


def _softmax_over(axis, logits):
    return np.moveaxis(activations.softmax(np.moveaxis(logits, axis, -1)), -1, axis)


_sample_overflowing = _written(
    pick=lambda logits, u, temperature: (_naive_softmax(logits / temperature).cumsum(axis=-1) > u).argmax(axis=-1)
)


SOFTMAX_MISTAKES = (
    Mistake(
        "rnn.softmax-overflow",
        "The exponential of a large logit overflows to infinity, and infinity divided by infinity is nan. Subtracting "
        "the same number from all logits of a row changes no probability: subtract one that keeps every exponential at "
        "most 1.",
        _naive_softmax,
    ),
    Mistake(
        "rnn.softmax-maximum-of-all",
        "The maximum is taken over the whole array. A row whose logits lie far below it has only exponentials that "
        "round to 0, and 0 divided by 0 is nan. Each row needs its own maximum: `axis=-1` and `keepdims=True`.",
        lambda logits: _naive_softmax(logits - logits.max()),
    ),
    Mistake(
        "rnn.softmax-axis",
        "The probabilities sum to 1 over the first axis, which is time or batch. They should sum to 1 over the last "
        "one, the classes: `axis=-1`.",
        lambda logits: _softmax_over(0, logits),
    ),
    Mistake(
        "rnn.softmax-axis",
        "The probabilities sum to 1 over axis 1, which is the batch where the logits are of shape (T, B, K). They "
        "should sum to 1 over the last one, the classes: `axis=-1`.",
        lambda logits: _softmax_over(1, logits),
    ),
    Mistake(
        "rnn.softmax-of-all",
        "The probabilities of the whole array sum to 1. Each row should have a distribution of its own: sum over the "
        "last axis alone, with `axis=-1` and `keepdims=True`.",
        lambda logits: activations.softmax(logits.ravel()).reshape(logits.shape),
    ),
    Mistake(
        "rnn.softmax-unnormalised",
        "These are the exponentials, not yet divided by their sum: the rows don't sum to 1.",
        lambda logits: np.exp(logits),
    ),
    Mistake(
        "rnn.softmax-unnormalised",
        "These are the exponentials, not yet divided by their sum: the rows don't sum to 1.",
        lambda logits: np.exp(logits - logits.max(axis=-1, keepdims=True)),
    ),
    Mistake(
        "rnn.softmax-sign",
        "The largest logit gets the smallest probability: the exponent has the wrong sign.",
        lambda logits: activations.softmax(-logits),
    ),
    Mistake(
        "rnn.softmax-log",
        "These are the logarithms of the probabilities. The function should give the probabilities themselves.",
        _log_softmax,
    ),
)

_ROUNDED = (
    "The loss goes wrong when a target's probability rounds to 0, since its logarithm is then minus infinity or a "
    "made-up number. Take the logarithm on paper first: `log p = o - m - log(sum of exp(o - m))`, with `m` the largest "
    "logit `o` of the row."
)

CROSS_ENTROPY_MISTAKES = (
    Mistake(
        "rnn.loss-sum",
        "This is the sum over all predictions. The mean is asked, so that the loss does not grow with the length of "
        "the sequence or the size of the batch: divide by T·B.",
        lambda logits, targets: -_picked(_log_softmax(logits), targets).sum(),
    ),
    Mistake(
        "rnn.loss-mean-over-time",
        "The sum is divided by the number of time steps only. The mean over all T·B predictions is asked.",
        lambda logits, targets: -_picked(_log_softmax(logits), targets).sum() / len(logits),
    ),
    Mistake(
        "rnn.loss-mean-over-batch",
        "The sum is divided by the size of the batch only. The mean over all T·B predictions is asked.",
        lambda logits, targets: -_picked(_log_softmax(logits), targets).sum() / logits.shape[1],
    ),
    Mistake(
        "rnn.loss-mean-over-classes",
        "The mean is also taken over the K classes, most of which add 0. Each prediction counts once: divide by T·B, "
        "not by T·B·K.",
        lambda logits, targets: -_picked(_log_softmax(logits), targets).sum() / logits.size,
    ),
    Mistake(
        "rnn.loss-log-base",
        "This is the loss in bits: the logarithm is to base 2. The course measures in nats, with the natural "
        "logarithm, `np.log`.",
        lambda logits, targets: -_picked(_log_softmax(logits), targets).mean() / np.log(2),
    ),
    Mistake(
        "rnn.loss-log-base",
        "The logarithm is to base 10. The course measures in nats, with the natural logarithm, `np.log`.",
        lambda logits, targets: -_picked(_log_softmax(logits), targets).mean() / np.log(10),
    ),
    Mistake(
        "rnn.loss-sign",
        "The loss is negative: it is the mean log-probability. Its sign has to be turned, so that a smaller loss is a "
        "better prediction.",
        lambda logits, targets: _picked(_log_softmax(logits), targets).mean(),
    ),
    Mistake(
        "rnn.loss-no-log",
        "The logarithm is missing: this is the mean probability of the targets, its sign turned.",
        lambda logits, targets: -_picked(activations.softmax(logits), targets).mean(),
    ),
    Mistake(
        "rnn.loss-softmax-twice",
        "The softmax is taken twice: the logits are made probabilities, and those are treated as logits once more.",
        lambda logits, targets: losses.cross_entropy(activations.softmax(logits), targets),
    ),
    Mistake(
        "rnn.loss-of-rounded-probability",
        _ROUNDED,
        lambda logits, targets: -np.log(_picked(activations.softmax(logits), targets)).mean(),
    ),
    Mistake(
        "rnn.loss-of-rounded-probability",
        _ROUNDED,
        lambda logits, targets: -np.log(_picked(_naive_softmax(logits), targets)).mean(),
    ),
    *(
        Mistake(
            "rnn.loss-of-rounded-probability",
            _ROUNDED,
            lambda logits, targets, tiny=tiny: -np.log(_picked(activations.softmax(logits), targets) + tiny).mean(),
        )
        for tiny in (1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 1e-20)
    ),
    *(
        Mistake(
            "rnn.loss-of-rounded-probability",
            _ROUNDED,
            lambda logits, targets, tiny=tiny: (
                -np.log(np.maximum(_picked(activations.softmax(logits), targets), tiny)).mean()
            ),
        )
        for tiny in (1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 1e-20)
    ),
)

# Wrong steps, which are wrong in a sequence for the same reason.
STEP_MISTAKES = (
    Mistake(
        "rnn.recurrent-sign",
        "The recurrent term is subtracted. It is added: `a = x W_x + h_prev W_h + b`.",
        lambda x, h_prev, W_x, W_h, b: tanh(x @ W_x - h_prev @ W_h + b),
    ),
    Mistake(
        "rnn.recurrent-transposed",
        "The recurrent weights are transposed. With row vectors the state stands to the left of the matrix as it is: "
        "`h_prev @ W_h`, where entry (i, j) of `W_h` leads from unit i to unit j. `W_h` is square, so no shape "
        "complains.",
        lambda x, h_prev, W_x, W_h, b: tanh(x @ W_x + h_prev @ W_h.T + b),
    ),
    Mistake(
        "rnn.bias-missing",
        "The bias `b` is not added.",
        lambda x, h_prev, W_x, W_h, b: tanh(x @ W_x + h_prev @ W_h),
    ),
    Mistake(
        "rnn.bias-sign",
        "The bias `b` is subtracted; it is added.",
        lambda x, h_prev, W_x, W_h, b: tanh(x @ W_x + h_prev @ W_h - b),
    ),
    Mistake(
        "rnn.bias-twice",
        "The bias `b` is added twice. The course has one bias for both products.",
        lambda x, h_prev, W_x, W_h, b: tanh(x @ W_x + h_prev @ W_h + 2 * b),
    ),
    Mistake(
        "rnn.tanh-missing",
        "The tanh is missing: this is the pre-activation a.",
        lambda x, h_prev, W_x, W_h, b: x @ W_x + h_prev @ W_h + b,
    ),
    Mistake(
        "rnn.tanh-twice",
        "The tanh is taken twice.",
        lambda x, h_prev, W_x, W_h, b: tanh(tanh(x @ W_x + h_prev @ W_h + b)),
    ),
    Mistake(
        "rnn.tanh-of-each",
        "The tanh is taken of the two products one by one. It is taken once, of their sum with the bias.",
        lambda x, h_prev, W_x, W_h, b: tanh(x @ W_x + b) + tanh(h_prev @ W_h),
    ),
    Mistake(
        "rnn.tanh-of-each",
        "The tanh is taken of the two products one by one. It is taken once, of their sum with the bias.",
        lambda x, h_prev, W_x, W_h, b: tanh(x @ W_x) + tanh(h_prev @ W_h + b),
    ),
    Mistake(
        "rnn.tanh-before-bias",
        "The bias is added after the tanh. It belongs inside: the tanh is taken last.",
        lambda x, h_prev, W_x, W_h, b: tanh(x @ W_x + h_prev @ W_h) + b,
    ),
    Mistake(
        "rnn.sigmoid-for-tanh",
        "This is the sigmoid of the pre-activation, which lies between 0 and 1. The state of this network is its tanh.",
        lambda x, h_prev, W_x, W_h, b: activations.sigmoid(x @ W_x + h_prev @ W_h + b),
    ),
    Mistake(
        "rnn.relu-for-tanh",
        "This is the pre-activation with its negative numbers set to 0. The state of this network is its tanh.",
        lambda x, h_prev, W_x, W_h, b: np.maximum(x @ W_x + h_prev @ W_h + b, 0),
    ),
    Mistake(
        "rnn.input-ignored",
        "The answer does not depend on the input: the term `x @ W_x` is missing.",
        lambda x, h_prev, W_x, W_h, b: tanh(h_prev @ W_h + b),
    ),
)

_OVERFLOW = (
    "The tanh is written with exponentials that overflow to infinity, and infinity divided by infinity is nan. "
    "`np.tanh` takes numbers of any size."
)


def _tanh_of_exponentials(a):
    return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))


def _tanh_of_one_exponential(a):
    return (np.exp(2 * a) - 1) / (np.exp(2 * a) + 1)


OVERFLOW_MISTAKES = tuple(
    Mistake("rnn.tanh-overflow", _OVERFLOW, lambda x, h_prev, W_x, W_h, b, f=f: f(x @ W_x + h_prev @ W_h + b))
    for f in (_tanh_of_exponentials, _tanh_of_one_exponential, lambda a: -_tanh_of_one_exponential(-a))
)

RNN_STEP_MISTAKES = (
    *STEP_MISTAKES,
    *OVERFLOW_MISTAKES,
    Mistake(
        "rnn.state-ignored",
        "The answer does not depend on `h_prev`: the recurrent term `h_prev @ W_h` is missing, and without it the "
        "network has no memory.",
        lambda x, h_prev, W_x, W_h, b: tanh(x @ W_x + b),
    ),
)

RNN_FORWARD_MISTAKES = (
    Mistake(
        "rnn.initial-state-ignored",
        "The sequence starts from zeros in place of `h0`. The first step's previous state is `h0`.",
        lambda xs, h0, W_x, W_h, b: rnn_forward(xs, np.zeros_like(h0), W_x, W_h, b),
    ),
    Mistake(
        "rnn.state-not-carried",
        "Every step starts from `h0` again. From the second step on, the previous state is what the step before gave.",
        lambda xs, h0, W_x, W_h, b: np.stack([rnn_step(x, h0, W_x, W_h, b) for x in xs]),
    ),
    Mistake(
        "rnn.state-ignored",
        "No step depends on the state before it: the recurrent term is missing, and without it the network has no "
        "memory.",
        lambda xs, h0, W_x, W_h, b: tanh(xs @ W_x + b),
    ),
    Mistake(
        "rnn.states-shifted",
        "These are the states before each step, beginning with `h0`. Asked are the states after each step: `hs[0]` "
        "comes from `xs[0]`.",
        lambda xs, h0, W_x, W_h, b: np.concatenate([h0[None], rnn_forward(xs, h0, W_x, W_h, b)[:-1]]),
    ),
    Mistake(
        "rnn.initial-state-included",
        "The first entry is `h0`. Asked are the T states after each step, without the one before the first.",
        lambda xs, h0, W_x, W_h, b: np.concatenate([h0[None], rnn_forward(xs, h0, W_x, W_h, b)]),
    ),
    Mistake(
        "rnn.last-state-only",
        "This is the state after the last step. Asked are the states after all T steps.",
        lambda xs, h0, W_x, W_h, b: rnn_forward(xs, h0, W_x, W_h, b)[-1],
    ),
    Mistake(
        "rnn.last-state-repeated",
        "All steps hold the last state: the same array was stored T times and then changed. Store a copy, or make a "
        "new array in each step.",
        lambda xs, h0, W_x, W_h, b: np.stack([rnn_forward(xs, h0, W_x, W_h, b)[-1]] * len(xs)),
    ),
    Mistake(
        "rnn.time-and-batch-swapped",
        "The states are right, with the axes of time and batch exchanged. The course has time first: (T, B, H).",
        lambda xs, h0, W_x, W_h, b: rnn_forward(xs, h0, W_x, W_h, b).swapaxes(0, 1),
    ),
    Mistake(
        "rnn.time-reversed",
        "The sequence is read from its end. The loop runs from the first time step to the last.",
        lambda xs, h0, W_x, W_h, b: rnn_forward(xs[::-1], h0, W_x, W_h, b)[::-1],
    ),
    *(Mistake(m.name, m.words, _unrolled(m.variant)) for m in (*STEP_MISTAKES, *OVERFLOW_MISTAKES)),
)

READOUT_MISTAKES = (
    Mistake("rnn.readout-bias-missing", "The bias `b_y` is not added.", lambda hs, W_y, b_y: hs @ W_y),
    Mistake("rnn.readout-bias-sign", "The bias `b_y` is subtracted; it is added.", lambda hs, W_y, b_y: hs @ W_y - b_y),
    Mistake(
        "rnn.readout-softmax",
        "These are probabilities: the softmax is already taken. The readout gives the logits, and the softmax comes "
        "after it.",
        lambda hs, W_y, b_y: activations.softmax(readout(hs, W_y, b_y)),
    ),
    Mistake(
        "rnn.readout-tanh",
        "A tanh is taken. The readout is linear: its numbers may be of any size.",
        lambda hs, W_y, b_y: tanh(readout(hs, W_y, b_y)),
    ),
    Mistake(
        "rnn.readout-last-step-only",
        "These are the logits of the last time step. Asked are those of all T steps.",
        lambda hs, W_y, b_y: readout(hs, W_y, b_y)[-1],
    ),
    Mistake(
        "rnn.time-and-batch-swapped",
        "The logits are right, with the axes of time and batch exchanged. The course has time first: (T, B, K).",
        lambda hs, W_y, b_y: readout(hs, W_y, b_y).swapaxes(0, 1),
    ),
)

SAMPLE_MISTAKES = (
    Mistake(
        "rnn.sample-most-likely",
        "Each token is the most likely one, whatever `us` says. A token is drawn: the first k whose cumulated "
        "probability is above u.",
        _written(pick=lambda logits, u, temperature: logits.argmax(axis=-1)),
    ),
    Mistake(
        "rnn.temperature-multiplied",
        "The logits are multiplied by the temperature. They are divided by it: a low temperature makes likely tokens "
        "likelier.",
        _written(pick=lambda logits, u, temperature: _pick(logits * temperature, u, 1.0)),
    ),
    Mistake(
        "rnn.temperature-ignored",
        "The temperature has no effect. The logits are divided by it before the softmax.",
        _written(pick=lambda logits, u, temperature: _pick(logits, u, 1.0)),
    ),
    Mistake(
        "rnn.temperature-after-softmax",
        "The probabilities are divided by the temperature, and so no longer sum to 1. Divide the logits, before the "
        "softmax.",
        _written(
            pick=lambda logits, u, temperature: (
                (activations.softmax(logits) / temperature).cumsum(axis=-1) > u
            ).argmax(axis=-1)
        ),
    ),
    Mistake(
        "rnn.softmax-overflow",
        "The exponential of a large logit overflows to infinity, and infinity divided by infinity is nan. Take the "
        "stable softmax, after the division by the temperature.",
        _sample_overflowing,
    ),
    Mistake(
        "rnn.first-token-ignored",
        "The answer does not depend on `first`: the first input is all zeros. It is the one-hot vector of `first`.",
        _written(first_input=np.zeros_like),
    ),
    Mistake(
        "rnn.first-token-ignored",
        "The answer does not depend on `first`: the first input is that of token 0. It is the one-hot vector of "
        "`first`.",
        _written(first_input=lambda x: np.eye(x.shape[1])[np.zeros(len(x), dtype=int)]),
    ),
    Mistake(
        "rnn.initial-state-ignored",
        "The network starts from zeros in place of `h0`.",
        lambda us, first, h0, *rest: sample(us, first, np.zeros_like(h0), *rest),
    ),
    Mistake(
        "rnn.state-not-carried",
        "Every step starts from `h0` again. From the second step on, the previous state is what the step before gave.",
        _written(carried=False),
    ),
    Mistake(
        "rnn.token-not-fed-back",
        "Every step reads `first`. From the second step on, the input is the one-hot vector of the token just drawn.",
        _written(fed_back=False),
    ),
    Mistake(
        "rnn.first-token-included",
        "The first entry is `first`, and the last token is missing. Asked are the T tokens drawn after it.",
        lambda us, first, *rest: np.concatenate([first[None], sample(us, first, *rest)[:-1]]),
    ),
    Mistake(
        "rnn.first-token-included",
        "The first entry is `first`. Asked are the T tokens drawn after it.",
        lambda us, first, *rest: np.concatenate([first[None], sample(us, first, *rest)]),
    ),
    Mistake(
        "rnn.time-and-batch-swapped",
        "The tokens are right, with the axes of time and batch exchanged. The course has time first: (T, B).",
        lambda *args: sample(*args).T,
    ),
    Mistake(
        "rnn.sample-token-before",
        "Each token is one too small: the last k whose cumulated probability is not above u. Asked is the first k for "
        "which it is above u.",
        _written(pick=lambda logits, u, temperature: _pick(logits, u, temperature) - 1),
    ),
    Mistake(
        "rnn.readout-bias-missing",
        "The bias `b_y` is not added to the logits.",
        _written(scores=lambda hs, W_y, b_y: hs @ W_y),
    ),
    Mistake(
        "rnn.sample-one-number-for-all",
        "One uniform number is used for the whole batch. Each row has its own: `us[t, n]` for row n.",
        lambda us, *rest: sample(np.broadcast_to(us[:, :1], us.shape), *rest),
    ),
    Mistake(
        "rnn.sample-one-number-for-all",
        "The uniform numbers of the first time step are used at every step. Step t has its own: `us[t]`.",
        lambda us, *rest: sample(np.broadcast_to(us[:1], us.shape), *rest),
    ),
    *(Mistake(m.name, m.words, _written(step=m.variant)) for m in STEP_MISTAKES),
)

# --- The hints: where to look, why, the formula. ---

HINTS = {
    "softmax": Hints(
        "Look at two things: the axis over which you sum, and what `np.exp` makes of the largest logit.",
        "The distribution is over the last axis, so maximum and sum are taken over it, and kept as an axis of size 1 "
        "they fit to every row. An exponential overflows above 709 in float64; adding the same number to all logits of "
        "a row changes no probability.",
        "p_k = exp(o_k - m) / sum_j exp(o_j - m), with m the largest logit of the same row.",
    ),
    "cross_entropy": Hints(
        "Look at where the logarithm is taken, and at what you divide by.",
        "A small probability rounds to 0 before you take its logarithm. The logarithm of a fraction is a difference, "
        "in which the exponential of the numerator is gone. The mean is over all T·B predictions.",
        "log p_y = (o_y - m) - log sum_j exp(o_j - m), with m the largest logit of the row; L = -(1 / TB) times the "
        "sum of log p_y over all steps and rows.",
    ),
    "rnn_step": Hints(
        "Look at the three terms inside the tanh, and at the side on which each weight stands.",
        "A row of `x` has D numbers and W_x is (D, H): the vector stands to the left. W_h is square, so a transpose "
        "there breaks no shape and only the numbers tell.",
        "h = tanh(x W_x + h_prev W_h + b): one tanh, of the sum.",
    ),
    "rnn_forward": Hints(
        "Look at the state that your loop hands from one step to the next, and at the one before the first.",
        "Step t needs the state after step t - 1, and step 0 needs `h0`. What you store at t is the state after the "
        "step, in an array of its own.",
        "hs[0] = step(xs[0], h0), hs[t] = step(xs[t], hs[t - 1]) for t = 1, ..., T - 1.",
    ),
    "readout": Hints(
        "Look at the last axis: H goes in, K comes out, at every step alike.",
        "A matrix product with an array of three axes acts on its last axis, so no loop over time is needed. The "
        "readout is linear: the softmax belongs to the loss.",
        "o_t = h_t W_y + b_y, of shape (T, B, K) for all t.",
    ),
    "sample": Hints(
        "Look at what step t + 1 reads: the token drawn at t, and the state after t.",
        "The network writes by reading what it wrote. The temperature divides the logits, before the softmax. The "
        "token is the first whose cumulated probability is above the row's own u; counting those at most u gives the "
        "same.",
        "x_t = one-hot(k_{t-1}), h_t = step(x_t, h_{t-1}), p_t = softmax(o_t / temperature), "
        "k_t = min {k : p_{t,0} + ... + p_{t,k} > u_t}.",
    ),
}

EXERCISES = [
    Exercise(
        "softmax",
        "01-rnn",
        (Output("p", "...K"),),
        softmax,
        _softmax_cases,
        1,
        1,
        (),
        SOFTMAX_MISTAKES,
        HINTS["softmax"],
    ),
    Exercise(
        "cross_entropy",
        "01-rnn",
        (Output("loss", ""),),
        losses.cross_entropy,
        _cross_entropy_cases,
        1,
        2,
        ("softmax",),
        CROSS_ENTROPY_MISTAKES,
        HINTS["cross_entropy"],
    ),
    Exercise(
        "rnn_step",
        "01-rnn",
        (Output("h", "BH"),),
        rnn_step,
        _rnn_step_cases,
        1,
        2,
        (),
        RNN_STEP_MISTAKES,
        HINTS["rnn_step"],
    ),
    Exercise(
        "rnn_forward",
        "01-rnn",
        (Output("hs", "TBH"),),
        rnn_forward,
        _rnn_forward_cases,
        2,
        2,
        ("rnn_step",),
        RNN_FORWARD_MISTAKES,
        HINTS["rnn_forward"],
    ),
    Exercise(
        "readout",
        "01-rnn",
        (Output("logits", "TBK"),),
        readout,
        _readout_cases,
        1,
        1,
        (),
        READOUT_MISTAKES,
        HINTS["readout"],
    ),
    Exercise(
        "sample",
        "01-rnn",
        (Output("tokens", "TB", integer=True),),
        sample,
        _sample_cases,
        1,
        2,
        ("softmax", "rnn_step", "rnn_forward", "readout"),
        SAMPLE_MISTAKES,
        HINTS["sample"],
    ),
]
