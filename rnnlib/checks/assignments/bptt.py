"""Assignment 02-bptt: the gradients of a recurrent network, by hand, and what is done with them in training."""

import itertools
from types import SimpleNamespace

import numpy as np

from rnnlib import activations, gradcheck, losses, optim
from rnnlib.checks.assignments.rnn import rnn_forward, rnn_step
from rnnlib.checks.cases import EXTREME, ORDINARY, SINGLE, SMALL, Case, draw_sizes, in_words, to_single
from rnnlib.checks.exercises import Exercise, Hints, Mistake, Output

# --- The references, under the signatures that the student writes. ---
# Those that a student's other functions may call take what these may give them: one row, a list.


def cross_entropy_backward(logits, targets):
    """The gradient of the mean loss by the logits (T, B, K)."""
    return losses.cross_entropy_backward(logits, targets)


def readout_backward(dlogits, hs, W_y):
    """The gradients by the states, the readout's weights and its bias."""
    dW_y = np.tensordot(hs, dlogits, axes=([0, 1], [0, 1]))
    return dlogits @ W_y.T, dW_y, dlogits.sum(axis=(0, 1))


def rnn_step_backward(dh, x, h_prev, h, W_x, W_h):
    """The gradients of one step: by x, h_prev, W_x, W_h and b."""
    da = np.asarray(dh) * (1 - np.square(h))
    das = np.atleast_2d(da)
    return (
        da @ np.transpose(W_x),
        da @ np.transpose(W_h),
        np.atleast_2d(x).T @ das,
        np.atleast_2d(h_prev).T @ das,
        (das.sum(axis=0)),
    )


def rnn_backward(dhs, xs, h0, hs, W_x, W_h):
    """The gradients of a sequence, last step first: by xs, h0, W_x, W_h and b."""
    dh_next, dxs, weights = 0.0, [], []
    for t in reversed(range(len(xs))):
        h_prev = hs[t - 1] if t > 0 else h0
        dx, dh_next, *step = rnn_step_backward(dhs[t] + dh_next, xs[t], h_prev, hs[t], W_x, W_h)
        dxs.append(dx)
        weights.append(step)
    return np.stack(dxs[::-1]), dh_next, *map(sum, zip(*weights, strict=True))


def numerical_gradient(f, x):
    """The gradient of a function that gives a number, by central differences."""
    return gradcheck.numerical_gradient(f, x)


def gradient_norms(dh, hs, W_h):
    """The length of the gradient by each state (T,), for the gradient dh by the last."""
    norms = [np.linalg.norm(dh)]
    for h in hs[:0:-1]:
        dh = (dh * (1 - h**2)) @ W_h.T
        norms.append(np.linalg.norm(dh))
    return np.array(norms[::-1])


def clip_by_global_norm(grads, max_norm):
    """The gradients, scaled by one factor to a common norm of at most max_norm, and the norm before."""
    return optim.clip_by_global_norm(grads, max_norm)


def chunk_states(xs, h0, W_x, W_h, b, k):
    """The state from which each chunk of k steps begins (N, B, H)."""
    return np.stack([h0, *rnn_forward(xs, h0, W_x, W_h, b)[:-1]])[::k]


def truncated_rnn_backward(dhs, xs, h0, hs, W_x, W_h, k):
    """The gradients of a sequence in chunks of k steps, none of which reaches back over its chunk's beginning."""
    dxs, gradients = [], []
    for start in range(0, len(xs), k):
        now = slice(start, start + k)
        dx, *others = rnn_backward(dhs[now], xs[now], hs[start - 1] if start else h0, hs[now], W_x, W_h)
        dxs.append(dx)
        gradients.append(others)
    dh0s, *weights = zip(*gradients, strict=True)
    return np.concatenate(dxs), dh0s[0], *map(sum, weights)


def embedding_backward(dxs, tokens, vocabulary_size):
    """The gradient by the word vectors (V, E): that of a word is the sum over its occurrences."""
    dW_e = np.zeros((vocabulary_size, dxs.shape[-1]), dxs.dtype)
    np.add.at(dW_e, tokens, dxs)
    return dW_e


# --- The cases: sizes that all differ, gradients large enough for a bound of 1, 5 or 10 to show. ---

LARGE = 12.0


def _cross_entropy_cases(rng):
    for part, words, scale, offset in (
        (ORDINARY, "", 2.0, 0.0),
        (ORDINARY, "", 2.0, 0.0),
        (EXTREME, ", logits around 10000 in some rows and around -10000 in others", 2.0, 1e4),
        (EXTREME, ", logits up to 10000 apart in a row", 5e3, 0.0),
        (SINGLE, "", 2.0, 0.0),
    ):
        sizes = draw_sizes(rng, "TBK", start=3)
        T, B, K = sizes.values()
        signs = rng.permutation(np.resize([1.0, -1.0], T * B)).reshape(T, B, 1)
        args = _predictions(rng, T, B, K, scale)
        args["logits"] += offset * signs
        args = to_single(args) if part == SINGLE else args
        yield Case(part, in_words(sizes) + words, args, dict(args), (np.array(1.0),))
    for sizes in ({"T": 1, "B": 3, "K": 4}, {"T": 4, "B": 1, "K": 3}):
        yield Case(SMALL, in_words(sizes), _predictions(rng, **sizes))


def _predictions(rng, T, B, K, scale=2.0):
    """Logits and targets, of which at least one is not the likeliest class."""
    logits, targets = scale * rng.uniform(-1, 1, (T, B, K)), rng.integers(K, size=(T, B))
    targets[0, 0] = logits[0, 0].argmin()
    return {"logits": logits, "targets": targets}


def _readout_cases(rng):
    def case(part, T, B, H, K):
        forward = {
            "hs": rng.uniform(-1, 1, (T, B, H)),
            "W_y": rng.standard_normal((H, K)),
            "b_y": rng.standard_normal(K),
        }
        dlogits = LARGE * rng.standard_normal((T, B, K))
        args = {"dlogits": dlogits, "hs": forward["hs"], "W_y": forward["W_y"]}
        words = in_words({"T": T, "B": B, "H": H, "K": K})
        return Case(part, words, to_single(args) if part == SINGLE else args, forward, (dlogits,))

    for part in (ORDINARY, ORDINARY, SINGLE):
        yield case(part, **draw_sizes(rng, "TBHK"))
    yield case(SMALL, T=1, B=3, H=2, K=4)
    yield case(SMALL, T=4, B=1, H=2, K=3)


def _step_cases(rng):
    def case(part, B, D, H):
        forward = {"x": rng.standard_normal((B, D)), "h_prev": rng.uniform(-1, 1, (B, H)), **_weights(rng, D, H)}
        dh = LARGE * rng.standard_normal((B, H))
        x, h_prev, W_x, W_h, _ = forward.values()
        args = {"dh": dh, "x": x, "h_prev": h_prev, "h": rnn_step(*forward.values()), "W_x": W_x, "W_h": W_h}
        words = in_words({"B": B, "D": D, "H": H})
        return Case(part, words, to_single(args) if part == SINGLE else args, forward, (dh,))

    for part in (ORDINARY, ORDINARY, SINGLE):
        yield case(part, **draw_sizes(rng, "BDH"))
    yield case(SMALL, B=1, D=3, H=2)
    yield case(SMALL, B=3, D=1, H=1)


def _sequence_cases(rng):
    for part in (ORDINARY, ORDINARY, SINGLE):
        sizes = draw_sizes(rng, "TBDH", start=3)
        forward, args = _sequence(rng, **sizes)
        while part == ORDINARY and not _reaches_far(args):
            forward, args = _sequence(rng, **sizes)
        yield Case(part, in_words(sizes), to_single(args) if part == SINGLE else args, forward, (args["dhs"],))
    for sizes in ({"T": 1, "B": 3, "D": 2, "H": 4}, {"T": 4, "B": 1, "D": 2, "H": 3}):
        forward, args = _sequence(rng, **sizes)
        yield Case(SMALL, in_words(sizes), args, forward, (args["dhs"],))


def _gradient_norms_cases(rng):
    def case(part, T, B, H):
        while True:
            _, args = _sequence(rng, T, B, 2, H)
            args = {"dh": args["dhs"][-1], "hs": args["hs"], "W_h": args["W_h"]}
            norms, linear = gradient_norms(*args.values()), _norms(da=lambda dh, h: dh * (1 - tanh(h) ** 2))
            if part != ORDINARY or np.abs(norms - linear(*args.values())).max() > 0.1 * norms.max():
                break
        return Case(part, in_words({"T": T, "B": B, "H": H}), to_single(args) if part == SINGLE else args)

    for part in (ORDINARY, ORDINARY, SINGLE):
        yield case(part, **draw_sizes(rng, "TBH", start=3))
    yield case(SMALL, T=1, B=3, H=2)
    yield case(SMALL, T=4, B=1, H=3)


#: Of the strongly curved function of the third case: a difference to one side is wrong there with every distance.
CURVATURE = 1e7


def _numerical_gradient_cases(rng):
    for part, letters, f, words in (
        (ORDINARY, "BH", _smooth, ""),
        (ORDINARY, "TBH", _smooth, ""),
        (ORDINARY, "BH", _curved, ", f strongly curved, near its minimum"),
        (SMALL, "H", _smooth, ""),
        (SMALL, "TBH", _smooth, ""),
    ):
        sizes = {"T": 1, "B": 1, "H": 1} if part == SMALL else draw_sizes(rng, "TBH")
        sizes = {letter: sizes[letter] for letter in letters} if part != SMALL or len(letters) > 1 else {"H": 4}
        x = rng.uniform(0.5, 1.5, list(sizes.values())) * rng.choice([-1, 1], list(sizes.values()))
        yield Case(part, in_words(sizes) + words, {"f": f(rng, x), "x": x})


def _smooth(rng, x):
    """A function of x whose gradient has different entries."""
    slopes = rng.uniform(1.0, 2.0, x.shape) * rng.choice([-1, 1], x.shape)
    pairs = 0.2 * rng.standard_normal((x.shape[-1], x.shape[-1]))
    return lambda x: float((slopes * np.sin(x)).sum() + ((x @ pairs) * x).sum())


def _curved(rng, x):
    """A quadratic function with gradients of about 1 and a second derivative of `CURVATURE`."""
    minimum = x - rng.uniform(1.0, 3.0, x.shape) * rng.choice([-1, 1], x.shape) / CURVATURE
    return lambda x: float(CURVATURE / 2 * (((x - minimum) ** 2).sum() + 0.1 * (x - minimum).sum() ** 2))


def _clip_cases(rng):
    def case(part, words, norm, max_norm):
        sizes = draw_sizes(rng, "DH")
        D, H = sizes.values()
        grads = {"W_x": rng.standard_normal((D, H)), "W_h": rng.standard_normal((H, H)), "b": rng.standard_normal(H)}
        size = np.sqrt(sum((g**2).sum() for g in grads.values()))
        args = {"grads": {name: g * (norm / size) for name, g in grads.items()}, "max_norm": max_norm}
        words = f"{in_words(sizes)}, max_norm = {max_norm:g}, {words}"
        return Case(part, words, to_single(args) if part == SINGLE else args)

    yield case(ORDINARY, "norm above it", rng.uniform(25, 35), 2.0)
    yield case(ORDINARY, "norm below it", rng.uniform(2, 3), 5.0)
    yield case(ORDINARY, "norm slightly above it", rng.uniform(6, 7), 5.0)
    yield case(SMALL, "all gradients 0", 0.0, 5.0)
    yield case(SINGLE, "norm above it", rng.uniform(25, 35), 2.0)


def _chunk_cases(rng, arguments):
    """Chunks of k steps: once with a shorter last chunk, once without; neither k nor their count hides a mix-up."""
    for part, (T, k) in (
        (ORDINARY, rng.permutation([(7, 3), (10, 4)])[0].tolist()),
        (ORDINARY, rng.permutation([(6, 2), (9, 3)])[0].tolist()),
        (SINGLE, (7, 3)),
    ):
        sizes = {"T": T} | dict(zip("BDH", rng.permutation([2, 4, 5]).tolist(), strict=True))
        forward, args = _sequence(rng, **sizes)
        while part == ORDINARY and not _reaches_far(args):
            forward, args = _sequence(rng, **sizes)
        args = dict(arguments(forward, args), k=k)
        yield Case(part, f"{in_words(sizes)}, k = {k}", to_single(args) if part == SINGLE else args)
    for sizes, k in (
        ({"T": 1, "B": 3, "D": 2, "H": 4}, 2),
        ({"T": 4, "B": 1, "D": 2, "H": 3}, 3),
        ({"T": 3, "B": 2, "D": 1, "H": 4}, 5),
        ({"T": 3, "B": 2, "D": 4, "H": 1}, 1),
    ):
        args = dict(arguments(*_sequence(rng, **sizes)), k=k)
        yield Case(SMALL, f"{in_words(sizes)}, k = {k}", args)


def _chunk_states_cases(rng):
    return _chunk_cases(rng, lambda forward, args: forward)


def _truncated_cases(rng):
    return _chunk_cases(rng, lambda forward, args: args)


def _embedding_cases(rng):
    for part in (ORDINARY, ORDINARY, SINGLE):
        sizes = draw_sizes(rng, "TBE", start=3)
        T, B, E = sizes.values()
        V = T + B + E - 3
        tokens = rng.integers(1, V - 2, size=(T, B))
        tokens[:2, 0] = tokens[0, 1] = tokens[-1, -1] = 2  # twice in a row, twice in a step, and at the end
        args = {"dxs": rng.standard_normal((T, B, E)), "tokens": tokens, "vocabulary_size": V}
        yield Case(part, f"{in_words(sizes)}, V = {V}", to_single(args) if part == SINGLE else args)
    for T, B, E in ((1, 4, 3), (4, 1, 3)):
        args = {"dxs": rng.standard_normal((T, B, E)), "tokens": rng.integers(3, size=(T, B)), "vocabulary_size": 5}
        yield Case(SMALL, f"T = {T}, B = {B}, E = {E}, V = 5", args)


def _sequence(rng, T, B, D, H):
    """The arguments of `rnn_forward`, and those of `rnn_backward` that belong to them."""
    forward = {"xs": rng.standard_normal((T, B, D)), "h0": rng.uniform(-0.8, 0.8, (B, H)), **_weights(rng, D, H)}
    xs, h0, W_x, W_h, _ = forward.values()
    hs, dhs = rnn_forward(*forward.values()), LARGE * rng.standard_normal((T, B, H))
    return forward, {"dhs": dhs, "xs": xs, "h0": h0, "hs": hs, "W_x": W_x, "W_h": W_h}


def _weights(rng, D, H):
    return {
        "W_x": rng.standard_normal((D, H)) * 0.6 / np.sqrt(D),
        "W_h": rng.standard_normal((H, H)) * 1.4 / np.sqrt(H),
        "b": rng.uniform(0.2, 0.4, H) * rng.choice([-1, 1], H),
    }


def _reaches_far(args):
    """Whether the gradient by h0 depends enough on what comes several steps later."""
    full, near = (np.abs(f(*args.values())[1]) for f in (rnn_backward, _reaching(3)))
    return np.abs(full - near).max() > 0.3 and full.max() > 1


# --- The mistakes: what students write instead, each a variant that runs. ---

tanh = np.tanh

NAMES = {
    "readout_backward": ("dhs", "dW_y", "db_y"),
    "rnn_backward": ("dxs", "dh0", "dW_x", "dW_h", "db"),
    "truncated_rnn_backward": ("dxs", "dh0", "dW_x", "dW_h", "db"),
}


def _but(right, **changes):
    """A function with some of its outputs changed, each by a function of it and of the arguments."""

    def wrong(*args):
        outputs = zip(NAMES[right.__name__], right(*args), strict=True)
        return tuple(changes[name](value, *args) if name in changes else value for name, value in outputs)

    return wrong


# Of the loss.


def _naive_softmax(logits):
    e = np.exp(logits)
    return e / e.sum(axis=-1, keepdims=True)


def _softmax_over(axis, logits):
    return np.moveaxis(activations.softmax(np.moveaxis(logits, axis, -1)), -1, axis)


def _loss_gradient(softmax=activations.softmax, rule=lambda p, y: p - y, count=lambda T, B, K: T * B):
    """The gradient of the loss, in which one part can be wrong."""

    def backward(logits, targets):
        return rule(softmax(logits), np.eye(logits.shape[-1])[targets]) / count(*logits.shape)

    return backward


def _all_targets(logits, targets):
    dlogits = activations.softmax(logits)
    dlogits[:, :, targets] -= 1
    return dlogits / targets.size


CROSS_ENTROPY_BACKWARD_MISTAKES = (
    Mistake(
        "bptt.loss-sum",
        "This is the gradient of the sum over all predictions. The loss is their mean, so its gradient has the factor "
        "1 / (T·B).",
        _loss_gradient(count=lambda T, B, K: 1),
    ),
    Mistake(
        "bptt.loss-mean-over-time",
        "The gradient is divided by the number of time steps only. The loss is the mean over all T·B predictions.",
        _loss_gradient(count=lambda T, B, K: T),
    ),
    Mistake(
        "bptt.loss-mean-over-batch",
        "The gradient is divided by the size of the batch only. The loss is the mean over all T·B predictions.",
        _loss_gradient(count=lambda T, B, K: B),
    ),
    Mistake(
        "bptt.loss-mean-over-classes",
        "The gradient is also divided by the number of classes. The loss is a mean over the T·B predictions; each of "
        "them counts once, however many classes it has.",
        _loss_gradient(count=lambda T, B, K: T * B * K),
    ),
    Mistake(
        "bptt.loss-sign",
        "All signs are turned: this is y - p. Where the target's probability is too low, its logit has to grow, so the "
        "gradient is negative there: p - y.",
        _loss_gradient(rule=lambda p, y: y - p),
    ),
    Mistake(
        "bptt.target-not-subtracted",
        "These are the probabilities, divided by T·B. At each target's place, 1 has to be subtracted from the "
        "probability before.",
        _loss_gradient(rule=lambda p, y: p),
    ),
    Mistake(
        "bptt.softmax-missing",
        "The logits themselves stand where their probabilities belong: the softmax is missing.",
        _loss_gradient(softmax=lambda logits: logits),
    ),
    Mistake(
        "bptt.softmax-missing",
        "The logarithms of the probabilities stand where the probabilities belong.",
        _loss_gradient(softmax=lambda logits: np.log(activations.softmax(logits))),
    ),
    Mistake(
        "bptt.softmax-twice",
        "The softmax is taken twice: the logits are made probabilities, and those are treated as logits once more.",
        _loss_gradient(softmax=lambda logits: activations.softmax(activations.softmax(logits))),
    ),
    Mistake(
        "bptt.gradient-by-probabilities",
        "This is the gradient of the loss by the probabilities, -1/p at the target. Asked is the one by the logits: it "
        "still has to go through the softmax, where every logit moves every probability.",
        _loss_gradient(rule=lambda p, y: -y / p),
    ),
    Mistake(
        "bptt.softmax-diagonal",
        "Only the target's entry is left: each logit is taken to move its own probability alone. It moves the others "
        "too, since they sum to 1: the target's probability falls when another logit grows, so the gradient is p "
        "there.",
        _loss_gradient(rule=lambda p, y: -y * (1 - p)),
    ),
    Mistake(
        "bptt.softmax-derivative-again",
        "The result p - y is multiplied by p(1 - p). The softmax's derivative is already in p - y: in the product of "
        "the two derivatives it cancels against the logarithm's.",
        _loss_gradient(rule=lambda p, y: (p - y) * p * (1 - p)),
    ),
    Mistake(
        "bptt.targets-of-all-rows",
        "In every row, 1 is subtracted at the targets of all rows: `dlogits[:, :, targets]` takes, for each step and "
        "row, all classes that are named anywhere in `targets`. Each row has one target of its own.",
        _all_targets,
    ),
    Mistake(
        "bptt.softmax-axis",
        "The probabilities sum to 1 over time. They should sum to 1 over the classes: `axis=-1`.",
        _loss_gradient(softmax=lambda logits: _softmax_over(0, logits)),
    ),
    Mistake(
        "bptt.softmax-axis",
        "The probabilities sum to 1 over the batch. They should sum to 1 over the classes: `axis=-1`.",
        _loss_gradient(softmax=lambda logits: _softmax_over(1, logits)),
    ),
    Mistake(
        "bptt.softmax-axis",
        "The probabilities of the whole array sum to 1. Each row has a distribution of its own: sum over `axis=-1`.",
        _loss_gradient(softmax=lambda logits: activations.softmax(logits.ravel()).reshape(logits.shape)),
    ),
    Mistake(
        "bptt.softmax-overflow",
        "The exponential of a large logit overflows to infinity, and infinity divided by infinity is nan. Subtract the "
        "row's largest logit first, which changes no probability.",
        _loss_gradient(softmax=_naive_softmax),
    ),
    Mistake(
        "bptt.softmax-maximum-of-all",
        "The maximum is taken over the whole array. A row whose logits lie far below it has only exponentials that "
        "round to 0, and 0 divided by 0 is nan. Each row needs its own maximum: `axis=-1` and `keepdims=True`.",
        _loss_gradient(softmax=lambda logits: _naive_softmax(logits - logits.max())),
    ),
    Mistake(
        "bptt.time-and-batch-swapped",
        "The gradient is right, with the axes of time and batch exchanged. It has the shape of the logits: (T, B, K).",
        lambda logits, targets: cross_entropy_backward(logits, targets).swapaxes(0, 1),
    ),
)

# Of the readout.

_ONE_STEP_ONLY = (
    "The gradients by `W_y` and `b_y` are those of the {} time step alone. The same weights are used at every step, so "
    "what each step contributes is added up."
)
_AVERAGED = (
    "The gradient by {} is averaged over {}. The mean is in the loss already, and reaches this function with "
    "`dlogits`: here the contributions are summed."
)


def _of_steps(*which):
    """The readout's gradients with those of the weights taken from some time steps."""
    part = slice(*which)
    return _but(
        readout_backward,
        dW_y=lambda _, dlogits, hs, W_y: readout_backward(dlogits[part], hs[part], W_y)[1],
        db_y=lambda _, dlogits, hs, W_y: readout_backward(dlogits[part], hs[part], W_y)[2],
    )


def _averaged_readout():
    counts = (
        ("time", lambda dlogits: len(dlogits)),
        ("the batch", lambda dlogits: dlogits.shape[1]),
        ("time and batch", lambda dlogits: dlogits.shape[0] * dlogits.shape[1]),
    )
    for over, count in counts:
        mean = lambda value, dlogits, *_, count=count: value / count(dlogits)  # noqa: E731
        for names in (("dW_y", "db_y"), ("dW_y",), ("db_y",)):
            words = " and ".join(f"`{name[1:]}`" for name in names)
            name = "bptt.bias-gradient-averaged" if names == ("db_y",) else "bptt.weight-gradient-averaged"
            changes = dict.fromkeys(names, mean)
            yield Mistake(name, _AVERAGED.format(words, over), _but(readout_backward, **changes))


READOUT_BACKWARD_MISTAKES = (
    Mistake(
        "bptt.gradient-assigned",
        _ONE_STEP_ONLY.format("last") + " A loop that assigns with `=` keeps only what it computed last.",
        _of_steps(-1, None),
    ),
    Mistake(
        "bptt.gradient-assigned",
        _ONE_STEP_ONLY.format("first") + " A loop from the last step to the first that assigns with `=` keeps only "
        "what it computed last.",
        _of_steps(0, 1),
    ),
    Mistake(
        "bptt.first-step-missing",
        "The first time step, t = 0, is missing in the gradients by `W_y` and `b_y`. `range(T - 1, 0, -1)` ends at 1; "
        "the loop has to reach 0.",
        _of_steps(1, None),
    ),
    Mistake(
        "bptt.last-step-missing",
        "The last time step, t = T - 1, is missing in the gradients by `W_y` and `b_y`.",
        _of_steps(0, -1),
    ),
    *_averaged_readout(),
    Mistake(
        "bptt.weight-gradient-assigned",
        "The gradient by `W_y` is that of the last time step alone, while `b_y` has the sum. The same weights are used "
        "at every step: add up what each step contributes.",
        _but(readout_backward, dW_y=lambda _, dlogits, hs, W_y: hs[-1].T @ dlogits[-1]),
    ),
    Mistake(
        "bptt.bias-gradient-one-row",
        "The gradient by `b_y` counts the first row of the batch alone. The bias is added in every row, so its "
        "gradient is the sum over the batch as well as over time.",
        _but(readout_backward, db_y=lambda _, dlogits, hs, W_y: dlogits[:, 0].sum(axis=0)),
    ),
    Mistake(
        "bptt.bias-gradient-last-step",
        "The gradient by `b_y` is that of the last time step alone. The bias is used at every step: sum over time and "
        "batch.",
        _but(readout_backward, db_y=lambda _, dlogits, hs, W_y: dlogits[-1].sum(axis=0)),
    ),
    *(
        Mistake(
            "bptt.bias-gradient-not-summed",
            f"The gradient by `b_y` is not summed over {over}. The bias is added in every row at every step, so its "
            "gradient is the sum over both, of shape (K,).",
            _but(readout_backward, db_y=change),
        )
        for over, change in (
            ("time and batch", lambda _, dlogits, hs, W_y: dlogits),
            ("the batch", lambda _, dlogits, hs, W_y: dlogits.sum(axis=0)),
            ("time", lambda _, dlogits, hs, W_y: dlogits.sum(axis=1)),
        )
    ),
    Mistake(
        "bptt.weight-gradient-transposed",
        "The gradient by `W_y` is transposed. It has the shape of `W_y`, (H, K): `hs` stands on the left, transposed.",
        _but(readout_backward, dW_y=lambda dW_y, *_: dW_y.T),
    ),
    Mistake(
        "bptt.time-and-batch-swapped",
        "`dhs` has the axes of time and batch exchanged. It has the shape of `hs`: (T, B, H).",
        _but(readout_backward, dhs=lambda dhs, *_: dhs.swapaxes(0, 1)),
    ),
    Mistake(
        "bptt.state-before-for-state",
        "The gradient by `W_y` is made with the states before each step: `hs` is shifted by one. The logits of step t "
        "come from `hs[t]`.",
        _but(
            readout_backward,
            dW_y=lambda _, dlogits, hs, W_y: np.tensordot(hs[:-1], dlogits[1:], axes=([0, 1], [0, 1])),
        ),
    ),
    Mistake(
        "bptt.index-wraps",
        "The gradient by `W_y` is made with `hs[t - 1]`, which at t = 0 is `hs[-1]`, the last state. The logits of "
        "step t come from `hs[t]`.",
        _but(
            readout_backward,
            dW_y=lambda _, dlogits, hs, W_y: np.tensordot(np.roll(hs, 1, 0), dlogits, axes=([0, 1], [0, 1])),
        ),
    ),
    Mistake(
        "bptt.tanh-derivative-too-early",
        "The derivative of the tanh is in `dhs`. The readout is linear and knows nothing of how the states came about: "
        "`dhs` is the gradient by `hs` itself, and the tanh is the step's own matter.",
        _but(readout_backward, dhs=lambda dhs, dlogits, hs, W_y: dhs * (1 - hs**2)),
    ),
    Mistake(
        "bptt.state-gradient-accumulated",
        "Each `dhs[t]` also has those of the later steps in it. Here, `hs[t]` acts on the logits of step t alone; what "
        "goes through the later states is added by the backward pass through time.",
        _but(readout_backward, dhs=lambda dhs, *_: dhs[::-1].cumsum(axis=0)[::-1]),
    ),
    Mistake(
        "bptt.gradients-in-reverse-order",
        "`dhs` stands in reverse order: a loop from the last step to the first appends to a list, and the list is not "
        "turned round. `dhs[t]` belongs to `hs[t]`.",
        _but(readout_backward, dhs=lambda dhs, *_: dhs[::-1]),
    ),
    Mistake(
        "bptt.time-and-batch-swapped",
        "In the gradient by `W_y`, states and `dlogits` of different steps and rows meet: one of the two is flattened "
        "with time first and the other with the batch first.",
        _but(
            readout_backward,
            dW_y=lambda dW_y, dlogits, hs, W_y: (
                hs.reshape(-1, hs.shape[-1]).T @ dlogits.swapaxes(0, 1).reshape(-1, dlogits.shape[-1])
            ),
        ),
    ),
    Mistake(
        "bptt.sign",
        "All signs are turned. The gradient is asked as it is; the optimiser subtracts it.",
        lambda *args: tuple(-value for value in readout_backward(*args)),
    ),
)

# Of one step.


def _through_tanh(s):
    return s.dh * (1 - s.h**2)


_RIGHT_STEP = {
    "dx": lambda s: s.da @ s.W_x.T,
    "dh_prev": lambda s: s.da @ s.W_h.T,
    "dW_x": lambda s: s.x.T @ s.da,
    "dW_h": lambda s: s.h_prev.T @ s.da,
    "db": lambda s: s.da.sum(axis=0),
}


def _step(da=_through_tanh, **wrong):
    """One step's gradients, in which the one by the pre-activation or some of the others can be wrong."""
    outputs = {**_RIGHT_STEP, **wrong}

    def backward(dh, x, h_prev, h, W_x, W_h):
        s = SimpleNamespace(dh=dh, x=x, h_prev=h_prev, h=h, W_x=W_x, W_h=W_h)
        s.da = da(s)
        return tuple(output(s) for output in outputs.values())

    return backward


def _averaged_step(*names, by=lambda s: len(s.x)):
    return _step(**{name: lambda s, right=_RIGHT_STEP[name]: right(s) / by(s) for name in names})


def _with(da, *names):
    """The gradients of which some are made with another gradient by the pre-activation."""

    def output(right):
        return lambda s: right(SimpleNamespace(**{**vars(s), "da": da(s)}))

    return {name: output(_RIGHT_STEP[name]) for name in names}


def _clipped(value, bound):
    """Rescaled to a norm of at most the bound."""
    return value * min(1.0, bound / max(np.linalg.norm(value), 1e-300))


_TANH_PART = (
    "The derivative of the tanh is missing in {}: there stands `dh` where `da` belongs. Everything before the tanh "
    "sees `da = dh * (1 - h**2)`."
)
_STEP_BATCH_MEAN = (
    "The gradient by {} is divided by the size of the batch. The mean is in the loss already, and reaches this "
    "function with the gradient that comes in: here the contributions of the rows are summed."
)

#: Wrong gradients by the pre-activation: functions of the gradient by the state, and of the state.
SLOPES = (
    (
        "bptt.tanh-derivative-missing",
        "The derivative of the tanh is missing: the gradient by the state is used as if it were the one by the "
        "pre-activation. In between stands the factor 1 - h².",
        lambda dh, h: dh,
    ),
    (
        "bptt.tanh-derivative-not-squared",
        "The derivative of the tanh is written 1 - h. It is 1 - h²: the square of the state is missing.",
        lambda dh, h: dh * (1 - h),
    ),
    (
        "bptt.tanh-derivative-not-squared",
        "The derivative of the tanh is written (1 - h)². The square belongs to the state alone: 1 - h².",
        lambda dh, h: dh * (1 - h) ** 2,
    ),
    (
        "bptt.tanh-derivative-not-squared",
        "The derivative of the tanh is written 1 - 2h: `h * 2` doubles the state, `h**2` squares it. It is 1 - h².",
        lambda dh, h: dh * (1 - 2 * h),
    ),
    (
        "bptt.tanh-derivative-incomplete",
        "The derivative of the tanh is written h². It is 1 - h².",
        lambda dh, h: dh * h**2,
    ),
    (
        "bptt.tanh-derivative-brackets",
        "This is dh - h²: without brackets, the product comes before the difference. The factor is (1 - h²), in "
        "brackets.",
        lambda dh, h: dh - h**2,
    ),
    (
        "bptt.tanh-derivative-sign",
        "The derivative of the tanh is written 1 + h². It is 1 - h²: the tanh is flat where the state is near ±1.",
        lambda dh, h: dh * (1 + h**2),
    ),
    (
        "bptt.tanh-derivative-twice",
        "The derivative of the tanh is taken twice. One tanh gives one factor 1 - h².",
        lambda dh, h: dh * (1 - h**2) ** 2,
    ),
    (
        "bptt.tanh-derivative-divided",
        "The gradient is divided by the derivative of the tanh. It is multiplied with it: where the tanh is flat, the "
        "gradient before it is small.",
        lambda dh, h: dh / (1 - h**2),
    ),
    (
        "bptt.tanh-of-state",
        "The tanh is taken of the state once more: the factor is 1 - tanh(h)². The state is the tanh already, so the "
        "factor is 1 - h².",
        lambda dh, h: dh * (1 - tanh(h) ** 2),
    ),
    (
        "bptt.sigmoid-derivative",
        "The factor is h(1 - h), the derivative of the sigmoid. This state is a tanh, whose derivative is 1 - h².",
        lambda dh, h: dh * h * (1 - h),
    ),
    (
        "bptt.incoming-gradient-ignored",
        "The factor 1 - h² stands alone, without the gradient that comes in. By the chain rule, that is a factor of "
        "all that goes out.",
        lambda dh, h: 1 - h**2,
    ),
)

STEP_MISTAKES = (
    *(Mistake(name, words, _step(lambda s, da=da: da(s.dh, s.h))) for name, words, da in SLOPES),
    Mistake(
        "bptt.tanh-derivative-of-state-before",
        "The derivative of the tanh is taken at the state before the step: 1 - h_prev². The tanh of this step gave "
        "`h`: the factor is 1 - h².",
        _step(lambda s: s.dh * (1 - s.h_prev**2)),
    ),
    Mistake(
        "bptt.bias-missing-in-pre-activation",
        "The pre-activation is computed again without its bias, so the derivative of the tanh is taken at the wrong "
        "place. No bias is needed here: the state `h` gives the factor, 1 - h².",
        _step(lambda s: s.dh * (1 - tanh(s.x @ s.W_x + s.h_prev @ s.W_h) ** 2)),
    ),
    *(
        Mistake(
            "bptt.tanh-derivative-missing-in-part",
            _TANH_PART.format(words),
            _step(**_with(lambda s: s.dh, *names)),
        )
        for words, names in (
            ("the gradient by the state before", ("dh_prev",)),
            ("the gradient by the input", ("dx",)),
            ("the gradients by the input and by the state before", ("dx", "dh_prev")),
            ("the gradient by `b`", ("db",)),
            ("the gradients by the weights", ("dW_x", "dW_h")),
            ("the gradient by `W_x`", ("dW_x",)),
            ("the gradient by `W_h`", ("dW_h",)),
            ("the gradients by `W_x`, `W_h` and `b`", ("dW_x", "dW_h", "db")),
        )
    ),
    Mistake(
        "bptt.recurrent-transpose-missing",
        "The gradient by the state before goes through `W_h`. The way back is by its transpose: entry (i, j) of `W_h` "
        "leads from unit i to unit j, and the gradient goes from j to i. `W_h` is square, so no shape complains.",
        _step(dh_prev=lambda s: s.da @ s.W_h),
    ),
    Mistake(
        "bptt.recurrent-weights-missing",
        "The gradient by the state before is `da`: the recurrent weights are missing. The state before acts through "
        "the product with `W_h`.",
        _step(dh_prev=lambda s: s.da),
    ),
    Mistake(
        "bptt.recurrent-weights-missing",
        "The gradient by the state before is the incoming one, unchanged. On the way it goes through the tanh and "
        "through `W_h`.",
        _step(dh_prev=lambda s: s.dh),
    ),
    Mistake(
        "bptt.gradient-kept-beside-product",
        "The incoming gradient is added to the one by the state before. This network has no direct connection from "
        "state to state: the only way is through the tanh and `W_h`.",
        _step(dh_prev=lambda s: s.dh + s.da @ s.W_h.T),
    ),
    Mistake(
        "bptt.state-for-state-before",
        "The gradient by `W_h` is made with the state after the step. In the forward pass `W_h` was multiplied with "
        "the state before it, `h_prev`.",
        _step(dW_h=lambda s: s.h.T @ s.da),
    ),
    Mistake(
        "bptt.weight-gradient-transposed",
        "The gradient by `W_h` is transposed. Entry (i, j) belongs to the weight from unit i of the state before to "
        "unit j: `h_prev` stands on the left, transposed. `W_h` is square, so no shape complains.",
        _step(dW_h=lambda s: s.da.T @ s.h_prev),
    ),
    Mistake(
        "bptt.weight-gradient-transposed",
        "The gradient by `W_x` is transposed. It has the shape of `W_x`, (D, H): `x` stands on the left, transposed.",
        _step(dW_x=lambda s: s.da.T @ s.x),
    ),
    Mistake(
        "bptt.bias-gradient-not-summed",
        "The gradient by `b` is not summed over the batch. The bias is added in every row, so its gradient is the sum "
        "over the rows, of shape (H,).",
        _step(db=lambda s: s.da),
    ),
    Mistake(
        "bptt.bias-gradient-one-row",
        "The gradient by `b` counts the first row of the batch alone. The bias is added in every row: sum over the "
        "batch.",
        _step(db=lambda s: s.da[0]),
    ),
    *(
        Mistake(name, _STEP_BATCH_MEAN.format(words), _averaged_step(*names))
        for name, words, names in (
            ("bptt.bias-gradient-averaged", "`b`", ("db",)),
            ("bptt.weight-gradient-averaged", "`W_x` and `W_h`", ("dW_x", "dW_h")),
            ("bptt.weight-gradient-averaged", "`W_x`", ("dW_x",)),
            ("bptt.weight-gradient-averaged", "`W_h`", ("dW_h",)),
            ("bptt.weight-gradient-averaged", "`W_x`, `W_h` and `b`", ("dW_x", "dW_h", "db")),
        )
    ),
    Mistake(
        "bptt.sign",
        "All signs are turned. The derivative of the tanh is 1 - h², not h² - 1, and the gradient is asked as it is: "
        "the optimiser subtracts it.",
        _step(lambda s: -_through_tanh(s)),
    ),
    *(
        Mistake(
            "bptt.clipped-inside",
            f"The entries of the incoming gradient are cut off at ±{bound}. Clipping belongs after the whole backward "
            "pass, once, by the common norm: cut here, the result is no gradient any more.",
            _step(lambda s, bound=bound: s.dh.clip(-bound, bound) * (1 - s.h**2)),
        )
        for bound in (1, 5, 10)
    ),
)

_CLIPPED_WEIGHTS = (
    "Clipping belongs after the whole backward pass, in its own function, by the common norm: cut here, the result is "
    "no gradient any more."
)

# Beside those that are a step's own: mistakes of the functions that end with the gradients of the weights.


def _clipping(right):
    """Functions that clip what they give back, with the words for each: by element or by norm, the weights or all."""

    def apply(change, only_weights):
        def backward(*args):
            kept = 2 if only_weights else 0
            outputs = right(*args)
            return *outputs[:kept], *change(outputs[kept:])

        return backward

    def globally(arrays, bound):
        norm = np.sqrt(sum((a**2).sum() for a in arrays))
        return [a * min(1.0, bound / norm) for a in arrays]

    ways = (
        ("are cut off at ±{} in every entry", lambda arrays, bound: [a.clip(-bound, bound) for a in arrays]),
        ("are scaled, each to a norm of at most {}", lambda arrays, bound: [_clipped(a, bound) for a in arrays]),
        ("are scaled to a common norm of at most {}", globally),
    )
    for bound in (1, 5, 10):
        for words, way in ways:
            for whose, only_weights in (("The gradients by the weights", True), ("All gradients", False)):
                change = lambda arrays, way=way, bound=bound: way(arrays, bound)  # noqa: E731
                yield Mistake(
                    "bptt.clipped-inside",
                    f"{whose} {words.format(bound)} before they are given back. {_CLIPPED_WEIGHTS}",
                    apply(change, only_weights),
                )


RNN_STEP_BACKWARD_MISTAKES = (*STEP_MISTAKES, *_clipping(rnn_step_backward))

# Of a sequence.


def _walk(
    step=rnn_step_backward,
    incoming=lambda own, later, h: own + later,
    carried=lambda dh_prev, later: dh_prev,
    before=lambda h0, hs: [h0, *hs[:-1]],
    order=lambda T: reversed(range(T)),
    start=lambda dhs: np.zeros_like(dhs[-1]),
    total=sum,
):
    """The way back through time, in which one part can be wrong."""

    def backward(dhs, xs, h0, hs, W_x, W_h):
        dxs, later, weights, befores = np.zeros_like(xs), start(dhs), [], before(h0, hs)
        for t in order(len(xs)):
            dh = incoming(dhs[t], later, hs[t])
            dxs[t], dh_prev, *found = step(dh, xs[t], befores[t], hs[t], W_x, W_h)
            later = carried(dh_prev, later)
            weights.append(found)
        nothing = [np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(h0[0])]
        return dxs, later, *(map(total, zip(*weights, strict=True)) if weights else nothing)

    return backward


def _reaching(k):
    """Backpropagation in which each output's gradient goes back through k steps and no further."""

    def backward(dhs, xs, h0, hs, W_x, W_h):
        dxs, others = np.zeros_like(xs), [np.zeros_like(h0), np.zeros_like(W_x), np.zeros_like(W_h), 0.0]
        for t in range(len(xs)):
            start = max(0, t + 1 - k)
            now = slice(start, t + 1)
            dh = np.zeros_like(dhs[now])
            dh[-1] = dhs[t]
            dx, *rest = rnn_backward(dh, xs[now], hs[start - 1] if start else h0, hs[now], W_x, W_h)
            dxs[now] += dx
            rest[0] = rest[0] if start == 0 else 0.0
            others = [sum_ + new for sum_, new in zip(others, rest, strict=True)]
        return dxs, *others

    return backward


def _last_only(k):
    """Backpropagation that ends after the last k steps."""
    return _walk(order=lambda T: list(reversed(range(T)))[:k])


_LIMITED = (
    "Each output's gradient goes back through {} steps and no further. Full backpropagation through time is asked "
    "here: down to the first step."
)

WALK_MISTAKES = (
    Mistake(
        "bptt.carried-gradient-not-added",
        "Each step gets the gradient of its own output alone. The state h_t also acts through the step after: its "
        "`dh_prev` has to be added to `dhs[t]`. As it is, `W_h` gets the partial derivative of each step by itself, "
        "not the total one.",
        _walk(incoming=lambda own, later, h: own),
    ),
    Mistake(
        "bptt.carried-gradient-replaces-own",
        "From the last step but one on, the gradient that comes from the step after stands in place of the step's own: "
        "only the last output's `dhs[T - 1]` counts. The two are added.",
        _walk(incoming=lambda own, later, h: later if later.any() else own),
    ),
    Mistake(
        "bptt.own-gradient-missing",
        "All gradients are 0: only what is carried from the step after counts, and after the last step there is "
        "nothing. Each step's own `dhs[t]` has to be added.",
        _walk(incoming=lambda own, later, h: later),
    ),
    Mistake(
        "bptt.carried-gradient-sign",
        "The gradient that comes from the step after is subtracted from the step's own. The two are added.",
        _walk(incoming=lambda own, later, h: own - later),
    ),
    Mistake(
        "bptt.carried-gradient-accumulated",
        "The carried gradient grows: each step's `dh_prev` is added to those of the later steps. What step t hands to "
        "step t - 1 is its own `dh_prev` alone, which has the later steps in it already.",
        _walk(carried=lambda dh_prev, later: dh_prev + later),
    ),
    Mistake(
        "bptt.carried-gradient-skips-tanh",
        "The gradient that comes from the step after is added behind the tanh's derivative, to `da`. It is a gradient "
        "by the state h_t, like `dhs[t]`: add the two first, then multiply by 1 - h².",
        _walk(incoming=lambda own, later, h: own + later / (1 - h**2)),
    ),
    Mistake(
        "bptt.last-gradient-twice",
        "The last output's gradient counts twice: the carried gradient begins with `dhs[T - 1]`, and the loop adds "
        "`dhs[T - 1]` once more. Nothing comes after the last step, so the carried gradient begins with zeros.",
        _walk(start=lambda dhs: dhs[-1]),
    ),
    Mistake(
        "bptt.gradient-assigned",
        "The gradients by the weights are those of the first time step alone, which the loop computes last: they are "
        "assigned with `=` where they should be added up. The same weights act at every step.",
        _walk(total=lambda steps: steps[-1]),
    ),
    *(
        Mistake(
            "bptt.gradient-assigned",
            f"The gradient by `{name[1:]}` is that of the first time step alone, which the loop computes last: it is "
            "assigned with `=` where it should be added up. The same weights act at every step.",
            _but(rnn_backward, **{name: lambda _, *args, place=place: _of_first_step(*args)[place]}),
        )
        for place, name in ((2, "dW_x"), (3, "dW_h"), (4, "db"))
    ),
    Mistake(
        "bptt.gradient-of-one-step",
        "The gradients by the weights are those of the last time step alone. The same weights act at every step, so "
        "the total derivative is the sum of what all steps contribute.",
        _walk(total=lambda steps: steps[0]),
    ),
    Mistake(
        "bptt.first-step-missing",
        "The loop ends before t = 0: `dxs[0]` stays 0, and the gradients lack that step. `range(T - 1, 0, -1)` ends at "
        "1; the loop has to reach 0.",
        _walk(order=lambda T: range(T - 1, 0, -1)),
    ),
    Mistake(
        "bptt.last-step-missing",
        "The loop begins at t = T - 2: `dxs[T - 1]` stays 0, and the gradients lack the last step, whose index is "
        "T - 1.",
        _walk(order=lambda T: range(T - 2, -1, -1)),
    ),
    Mistake(
        "bptt.forward-in-time",
        "The loop runs from the first step to the last, and hands the gradient on to later steps. It has to run "
        "backwards: the gradient by h_t needs what comes from step t + 1.",
        _walk(order=range),
    ),
    Mistake(
        "bptt.index-wraps",
        "At t = 0 the state before is taken to be `hs[-1]`, which in Python is the last state. It is `h0`. Only the "
        "gradient by `W_h` shows it.",
        _walk(before=lambda h0, hs: [hs[-1], *hs[:-1]]),
    ),
    Mistake(
        "bptt.initial-state-ignored",
        "At t = 0 the state before is taken to be zeros, or is left out. It is `h0`. Only the gradient by `W_h` shows "
        "it, and only where `h0` is not 0.",
        _walk(before=lambda h0, hs: [np.zeros_like(h0), *hs[:-1]]),
    ),
    Mistake(
        "bptt.initial-state-at-every-step",
        "The state before is taken to be `h0` at every step. From t = 1 on it is `hs[t - 1]`. Only the gradient by "
        "`W_h` shows it.",
        _walk(before=lambda h0, hs: [h0] * len(hs)),
    ),
    Mistake(
        "bptt.state-for-state-before",
        "The state before is right at t = 0, where it is `h0`; at all other steps it is taken to be `hs[t]`, the state "
        "after the step. The state before it is `hs[t - 1]`. Only the gradient by `W_h` shows it.",
        _walk(before=lambda h0, hs: [h0, *hs[1:]]),
    ),
    Mistake(
        "bptt.state-two-before",
        "The gradient by `W_h` is made with the state two steps before, as if `hs` began with the state before the "
        "first step. `hs[t]` is the state after step t, so the one before is `hs[t - 1]`.",
        _walk(before=lambda h0, hs: [h0, h0, *hs[:-2]][: len(hs)]),
    ),
    *(
        Mistake("bptt.truncated", _LIMITED.format(k), _reaching(k))  # one step is the carried gradient not added
        for k in (2, 3)
    ),
    *(
        Mistake(
            "bptt.truncated",
            f"The way back ends after {k} steps, counted from the last. Full backpropagation through time is asked "
            "here: down to the first step.",
            _last_only(k),
        )
        for k in (1, 2, 3)
    ),
    Mistake(
        "bptt.initial-gradient-zero",
        "`dh0` is 0. The gradient goes on over the first step to the state before it: `dh0` is what that step hands "
        "back as `dh_prev`.",
        _but(rnn_backward, dh0=lambda dh0, *_: 0 * dh0),
    ),
    Mistake(
        "bptt.initial-gradient-of-first-state",
        "`dh0` is the gradient by the first state, `hs[0]`, before it went through the first step. `h0` is the state "
        "before that: `dh0` is what the step t = 0 hands back as `dh_prev`.",
        _but(rnn_backward, dh0=lambda dh0, dhs, xs, h0, hs, W_x, W_h: _first_state(dhs, xs, hs, W_x, W_h)),
    ),
    Mistake(
        "bptt.initial-gradient-and-own",
        "`dh0` has `dhs[0]` added to it. That is the gradient of the first output, and belongs to `hs[0]`; the state "
        "`h0` has no output.",
        _but(rnn_backward, dh0=lambda dh0, dhs, *_: dh0 + dhs[0]),
    ),
    Mistake(
        "bptt.initial-gradient-summed",
        "`dh0` is the sum of what all steps hand back. It is what the first step, t = 0, hands back as `dh_prev`: the "
        "later steps are in it already.",
        _but(rnn_backward, dh0=lambda dh0, *args: _all_handed_back(*args).sum(axis=0)),
    ),
    Mistake(
        "bptt.initial-gradient-of-last-step",
        "`dh0` is what the last step hands back. It is what the first step, t = 0, hands back as `dh_prev`.",
        _but(rnn_backward, dh0=lambda dh0, *args: _all_handed_back(*args)[-1]),
    ),
    Mistake(
        "bptt.time-and-batch-swapped",
        "`dxs` has the axes of time and batch exchanged. It has the shape of `xs`: (T, B, D).",
        _but(rnn_backward, dxs=lambda dxs, *_: dxs.swapaxes(0, 1)),
    ),
    Mistake(
        "bptt.gradients-in-reverse-order",
        "`dxs` stands in reverse order: the loop runs from the last step to the first and appends to a list, and the "
        "list is not turned round. `dxs[t]` belongs to `xs[t]`.",
        _but(rnn_backward, dxs=lambda dxs, *_: dxs[::-1]),
    ),
    *(
        Mistake(
            "bptt.gradient-averaged-over-time",
            f"The gradient{'s' if len(names) > 1 else ''} by {words} {'are' if len(names) > 1 else 'is'} divided by "
            "the number of steps. The mean is in the loss already, and reaches this function with `dhs`: here the "
            "contributions of the steps are summed.",
            _but(rnn_backward, **dict.fromkeys(names, lambda value, dhs, *_: value / len(dhs))),
        )
        for words, names in (
            ("`W_x`, `W_h` and `b`", ("dW_x", "dW_h", "db")),
            ("`W_x` and `W_h`", ("dW_x", "dW_h")),
            ("`b`", ("db",)),
        )
    ),
    *(
        Mistake(
            "bptt.clipped-inside",
            f"The gradient that is carried from step to step is {words} on the way. {_CLIPPED_WEIGHTS}",
            _walk(carried=lambda dh_prev, later, way=way, bound=bound: way(dh_prev, bound)),
        )
        for bound in (1, 5)
        for words, way in (
            (f"cut off at ±{bound} in every entry", lambda dh, bound: dh.clip(-bound, bound)),
            (f"scaled to a norm of at most {bound}", _clipped),
        )
    ),
    *(
        Mistake(
            "bptt.clipped-inside",
            f"The gradient by the state is scaled to a norm of at most {bound} at every step. {_CLIPPED_WEIGHTS}",
            _walk(incoming=lambda own, later, h, bound=bound: _clipped(own + later, bound)),
        )
        for bound in (1, 5)
    ),
)


def _of_first_step(*args):
    """The gradients, those of the weights from the first time step alone."""
    return _walk(total=lambda steps: steps[-1])(*args)


def _first_state(dhs, xs, hs, W_x, W_h):
    """The whole gradient by the first state."""
    later = rnn_backward(dhs[1:], xs[1:], hs[0], hs[1:], W_x, W_h)[1] if len(xs) > 1 else 0.0
    return dhs[0] + later


def _all_handed_back(dhs, xs, h0, hs, W_x, W_h):
    """What each step hands back to the one before."""
    handed = []
    _walk(carried=lambda dh_prev, later: handed.append(dh_prev) or dh_prev)(dhs, xs, h0, hs, W_x, W_h)
    return np.stack(handed[::-1])


RNN_BACKWARD_MISTAKES = (
    *WALK_MISTAKES,
    *(Mistake(m.name, m.words, _walk(step=m.variant)) for m in STEP_MISTAKES),
    *_clipping(rnn_backward),
)

# Of truncation.


def _pieces(T, k):
    return [(start, min(start + k, T)) for start in range(0, T, k)]


def _in_chunks(
    backward=rnn_backward,
    pieces=_pieces,
    before=lambda start, h0, hs: hs[start - 1] if start else h0,
    total=sum,
    initial=lambda dh0s: dh0s[0],
):
    """Truncated backpropagation, in which one part can be wrong."""

    def truncated(dhs, xs, h0, hs, W_x, W_h, k):
        dxs, found = np.zeros_like(xs), []
        for start, stop in pieces(len(xs), k):
            now = slice(start, stop)
            dxs[now], *rest = backward(dhs[now], xs[now], before(start, h0, hs), hs[now], W_x, W_h)
            found.append(rest)
        dh0s, *weights = zip(*found, strict=True)
        return dxs, initial(dh0s), *map(total, weights)

    return truncated


def _k_pieces(T, k):
    parts = np.array_split(np.arange(T), min(k, T))
    return [(part[0], part[-1] + 1) for part in parts]


def _from_the_end(T, k):
    return [(max(0, stop - k), stop) for stop in range(T, 0, -k)][::-1]


def _cuts(T, k, shift):
    """Pieces between cuts that all stand some steps late."""
    cuts = sorted({0, T, *(min(T, max(0, cut + shift)) for cut in range(k, T, k))})
    return list(itertools.pairwise(cuts))


def _last_chunk_reaching_back(dhs, xs, h0, hs, W_x, W_h, k):
    """Chunks of k steps; the outputs of a shorter last one reach back k steps all the same."""
    start, back = (len(xs) - 1) // k * k, max(0, len(xs) - k)
    in_last = np.arange(len(xs))[:, None, None] >= start
    dxs, *first = truncated_rnn_backward(np.where(in_last, 0, dhs), xs, h0, hs, W_x, W_h, k)
    before = hs[back - 1] if back else h0
    now = slice(back, None)
    dx, dh, *last = rnn_backward(np.where(in_last, dhs, 0)[now], xs[now], before, hs[now], W_x, W_h)
    dxs[now] += dx
    return dxs, *(a + b for a, b in zip(first, (0 if back else dh, *last), strict=True))


#: Of a whole sequence; in a chunk they are right, or are listed as mistakes between the chunks.
TRUNCATION_HAS_ITS_OWN = (
    "bptt.truncated",
    "bptt.initial-state-ignored",
    "bptt.initial-gradient-zero",
    "bptt.time-and-batch-swapped",
)

TRUNCATED_MISTAKES = (
    Mistake(
        "bptt.state-not-detached",
        "The gradient goes on over the beginnings of the chunks: this is full backpropagation through time. A chunk "
        "gets the state of the chunk before as a number, but its gradient ends at the chunk's first step.",
        lambda *args: rnn_backward(*args[:-1]),
    ),
    Mistake(
        "bptt.state-reset",
        "The state before each chunk is taken to be `h0`, as if every chunk were a sequence of its own. The state is "
        "carried on: before the chunk that begins at step t it is `hs[t - 1]`. Only the gradient by `W_h` shows it.",
        _in_chunks(before=lambda start, h0, hs: h0),
    ),
    Mistake(
        "bptt.state-reset",
        "The state before each chunk but the first is taken to be zeros. Truncation cuts the gradient; the state is "
        "carried on: before the chunk that begins at step t it is `hs[t - 1]`. Only the gradient by `W_h` shows it.",
        _in_chunks(before=lambda start, h0, hs: np.zeros_like(h0) if start else h0),
    ),
    Mistake(
        "bptt.initial-state-ignored",
        "The state before every chunk is taken to be zeros, the first one included. It is `h0` for the first chunk and "
        "`hs[t - 1]` for one that begins at step t. Only the gradient by `W_h` shows it.",
        _in_chunks(before=lambda start, h0, hs: np.zeros_like(h0)),
    ),
    Mistake(
        "bptt.initial-state-ignored",
        "The state before the first chunk is taken to be zeros. It is `h0`. Only the gradient by `W_h` shows it.",
        _in_chunks(before=lambda start, h0, hs: hs[start - 1] if start else np.zeros_like(h0)),
    ),
    Mistake(
        "bptt.index-wraps",
        "The state before the first chunk is taken to be `hs[-1]`, which in Python is the last state. It is `h0`. Only "
        "the gradient by `W_h` shows it.",
        _in_chunks(before=lambda start, h0, hs: hs[start - 1]),
    ),
    Mistake(
        "bptt.chunk-state-shifted",
        "The state before a chunk that begins at step t is taken to be `hs[t]`. That is the state after the step; the "
        "one before is `hs[t - 1]`. Only the gradient by `W_h` shows it.",
        _in_chunks(before=lambda start, h0, hs: hs[start] if start else h0),
    ),
    Mistake(
        "bptt.last-chunk-dropped",
        "The last chunk is left out where it has fewer than k steps. The steps that remain are a chunk too.",
        _in_chunks(pieces=lambda T, k: [piece for piece in _pieces(T, k) if piece[1] - piece[0] == k] or _pieces(T, k)),
    ),
    Mistake(
        "bptt.last-chunk-dropped",
        "The last chunk is left out, whatever its length.",
        _in_chunks(pieces=lambda T, k: _pieces(T, k)[:-1] or _pieces(T, k)),
    ),
    Mistake(
        "bptt.first-chunk-dropped",
        "The first chunk is left out. The chunks begin at the steps 0, k, 2k and so on.",
        _in_chunks(pieces=lambda T, k: _pieces(T, k)[1:] or _pieces(T, k)),
    ),
    Mistake(
        "bptt.last-chunk-only",
        "Only the last k steps get a gradient. Every chunk of k steps has one.",
        _in_chunks(pieces=lambda T, k: [(max(0, T - k), T)]),
    ),
    Mistake(
        "bptt.last-chunk-only",
        "Only the last chunk gets a gradient. Every chunk of k steps has one.",
        _in_chunks(pieces=lambda T, k: _pieces(T, k)[-1:]),
    ),
    Mistake(
        "bptt.first-chunk-only",
        "Only the first chunk gets a gradient. Every chunk of k steps has one.",
        _in_chunks(pieces=lambda T, k: _pieces(T, k)[:1]),
    ),
    Mistake(
        "bptt.gradient-assigned-per-chunk",
        "The gradients by the weights are those of the last chunk alone: each chunk's are assigned with `=` where they "
        "should be added up.",
        _in_chunks(total=lambda chunks: chunks[-1]),
    ),
    Mistake(
        "bptt.gradient-assigned-per-chunk",
        "The gradients by the weights are those of the first chunk alone. What all chunks contribute is added up.",
        _in_chunks(total=lambda chunks: chunks[0]),
    ),
    *(
        Mistake(
            "bptt.gradient-assigned-per-chunk",
            f"The gradient by `{name[1:]}` is that of the {which} chunk alone: each chunk's is assigned with `=` where "
            "it should be added up.",
            _but(
                truncated_rnn_backward,
                **{
                    name: lambda _, *args, place=place, chunk=chunk: _in_chunks(total=lambda chunks: chunks[chunk])(
                        *args
                    )[place]
                },
            ),
        )
        for place, name in ((2, "dW_x"), (3, "dW_h"), (4, "db"))
        for which, chunk in (("last", -1), ("first", 0))
    ),
    Mistake(
        "bptt.gradient-averaged-over-chunks",
        "The gradients by the weights are averaged over the chunks. The mean is in the loss already: here the "
        "contributions of the chunks are summed.",
        _in_chunks(total=lambda chunks: sum(chunks) / len(chunks)),
    ),
    Mistake(
        "bptt.initial-gradient-of-last-chunk",
        "`dh0` is what the last chunk hands back. It belongs to `h0`, from which the first chunk begins.",
        _in_chunks(initial=lambda dh0s: dh0s[-1]),
    ),
    Mistake(
        "bptt.initial-gradient-summed",
        "`dh0` is the sum of what all chunks hand back. It belongs to `h0`, from which the first chunk alone begins; "
        "what the others hand back is cut off.",
        _in_chunks(initial=sum),
    ),
    Mistake(
        "bptt.initial-gradient-zero",
        "`dh0` is 0. Within the first chunk the gradient goes all the way, to the state before it.",
        _in_chunks(initial=lambda dh0s: 0 * dh0s[0]),
    ),
    Mistake(
        "bptt.chunks-from-the-end",
        "The chunks are counted from the last step, so the first one is the shorter. They are counted from the first "
        "step: 0, k, 2k and so on begin one.",
        _in_chunks(pieces=_from_the_end),
    ),
    Mistake(
        "bptt.k-chunks",
        "The sequence is cut into k chunks. It should be cut into chunks of k steps.",
        _in_chunks(pieces=_k_pieces),
    ),
    Mistake(
        "bptt.window-for-chunks",
        "Each output's gradient goes back through k steps, wherever it stands. In this form of truncation it ends at "
        "the beginning of its chunk: the chunk's first output reaches one step back, its last one k.",
        lambda *args: _reaching(args[-1])(*args[:-1]),
    ),
    Mistake(
        "bptt.last-chunk-reaches-back",
        "The outputs of the last chunk, which is shorter than the others, reach k steps back, over its beginning. "
        "Their gradient ends at the beginning of their own chunk, as in the others.",
        _last_chunk_reaching_back,
    ),
    Mistake(
        "bptt.chunk-one-too-short",
        "The cuts are k - 1 steps apart. A chunk has k steps.",
        _in_chunks(pieces=lambda T, k: _pieces(T, max(1, k - 1))),
    ),
    Mistake(
        "bptt.chunk-one-too-long",
        "The cuts are k + 1 steps apart. A chunk has k steps.",
        _in_chunks(pieces=lambda T, k: _pieces(T, k + 1)),
    ),
    Mistake(
        "bptt.time-and-batch-swapped",
        "`dxs` has the axes of time and batch exchanged. It has the shape of `xs`: (T, B, D).",
        _but(truncated_rnn_backward, dxs=lambda dxs, *_: dxs.swapaxes(0, 1)),
    ),
    *(
        Mistake(
            "bptt.cut-shifted",
            f"The cuts stand one step {words}: the first of them before t = {cut}. The chunks begin at the steps 0, k, "
            "2k and so on, so the first cut stands before t = k.",
            _in_chunks(pieces=lambda T, k, shift=shift: _cuts(T, k, shift)),
        )
        for words, cut, shift in (("early", "k - 1", -1), ("late", "k + 1", 1))
    ),
    *(Mistake(m.name, m.words, _in_chunks(m.variant)) for m in WALK_MISTAKES if m.name not in TRUNCATION_HAS_ITS_OWN),
    *(Mistake(m.name, m.words, _in_chunks(_walk(step=m.variant))) for m in STEP_MISTAKES),
    *_clipping(truncated_rnn_backward),
)

# Of the states between chunks.


def _states_at(starts):
    """The states before some steps; `h0` before the first."""

    def states(xs, h0, W_x, W_h, b, k):
        befores = [h0, *rnn_forward(xs, h0, W_x, W_h, b)]
        return np.stack([befores[t] for t in starts(len(xs), k)])

    return states


def _each_chunk_from(state):
    """The states after each chunk where none is carried on: every chunk begins from the same one."""

    def states(xs, h0, W_x, W_h, b, k):
        ends = [rnn_forward(xs[t : t + k], state(h0), W_x, W_h, b)[-1] for t in range(0, len(xs) - k, k)]
        return np.stack([h0, *ends])

    return states


CHUNK_STATES_MISTAKES = (
    Mistake(
        "bptt.state-reset",
        "Every chunk begins from `h0`. The state is carried on: a chunk begins from the state in which the one before "
        "ended.",
        lambda xs, h0, W_x, W_h, b, k: np.stack([h0] * -(-len(xs) // k)),
    ),
    Mistake(
        "bptt.state-reset",
        "Every chunk but the first begins from zeros. The state is carried on: a chunk begins from the state in which "
        "the one before ended.",
        lambda xs, h0, W_x, W_h, b, k: np.stack([h0, *[np.zeros_like(h0)] * (-(-len(xs) // k) - 1)]),
    ),
    Mistake(
        "bptt.state-reset",
        "The network runs over each chunk from `h0`. Its state is carried on: what it reads in a chunk acts on all "
        "later ones.",
        _each_chunk_from(lambda h0: h0),
    ),
    Mistake(
        "bptt.state-reset",
        "The network runs over each chunk from zeros. Its state is carried on: what it reads in a chunk acts on all "
        "later ones.",
        _each_chunk_from(np.zeros_like),
    ),
    Mistake(
        "bptt.initial-state-ignored",
        "The sequence starts from zeros in place of `h0`.",
        lambda xs, h0, *rest: chunk_states(xs, np.zeros_like(h0), *rest),
    ),
    Mistake(
        "bptt.initial-state-ignored",
        "The first entry is zeros; the others are right. The first chunk begins from `h0`.",
        lambda xs, h0, *rest: np.stack([np.zeros_like(h0), *chunk_states(xs, h0, *rest)[1:]]),
    ),
    Mistake(
        "bptt.states-after-chunks",
        "These are the states after each chunk. Asked are those before: the first is `h0`, and each of the others is "
        "the state in which the chunk before ended.",
        _states_at(lambda T, k: [stop for _, stop in _pieces(T, k)]),
    ),
    Mistake(
        "bptt.chunk-state-shifted",
        "These are the states after the first step of each chunk. Asked are those from which the chunks begin: before "
        "a chunk whose first step is t stands `hs[t - 1]`, and `h0` before the first.",
        _states_at(lambda T, k: [start + 1 for start, _ in _pieces(T, k)]),
    ),
    Mistake(
        "bptt.chunk-state-shifted",
        "The first state is `h0`, but the others are those after the first step of their chunk. Before a chunk whose "
        "first step is t stands `hs[t - 1]`.",
        _states_at(lambda T, k: [start + (start > 0) for start, _ in _pieces(T, k)]),
    ),
    Mistake(
        "bptt.chunk-state-shifted",
        "From the second on, the states are one step too early. Before a chunk whose first step is t stands "
        "`hs[t - 1]`.",
        _states_at(lambda T, k: [start - (start > 0) for start, _ in _pieces(T, k)]),
    ),
    Mistake(
        "bptt.index-wraps",
        "The first state is `hs[-1]`, which in Python is the last one. Before t = 0 stands `h0`.",
        _states_at(lambda T, k: [T, *range(k, T, k)]),
    ),
    Mistake(
        "bptt.last-chunk-dropped",
        "The last chunk is left out. Where T is no multiple of k, the steps that remain are a chunk too: N is T / k, "
        "rounded up.",
        _states_at(lambda T, k: range(0, T - k + 1, k)),
    ),
    Mistake(
        "bptt.last-chunk-dropped",
        "The last chunk is left out. Where T is no multiple of k, the steps that remain are a chunk too: N is T / k, "
        "rounded up.",
        _states_at(lambda T, k: range(0, T, k)[:-1]),
    ),
    Mistake(
        "bptt.first-chunk-dropped",
        "The first chunk's state, `h0`, is left out.",
        _states_at(lambda T, k: range(k, T, k)),
    ),
    Mistake(
        "bptt.final-state-included",
        "The state after the whole sequence is among them where T is a multiple of k. No chunk of this sequence begins "
        "from it.",
        _states_at(lambda T, k: range(0, T + 1, k)),
    ),
    Mistake(
        "bptt.final-state-included",
        "The state after the whole sequence stands at the end. No chunk of this sequence begins from it.",
        _states_at(lambda T, k: [*range(0, T, k), T]),
    ),
    Mistake(
        "bptt.states-of-all-steps",
        "These are the states after all steps. Asked are those from which the chunks of k steps begin.",
        _states_at(lambda T, k: range(1, T + 1)),
    ),
    Mistake(
        "bptt.states-of-all-steps",
        "These are the states before all steps. Asked are those from which the chunks of k steps begin.",
        _states_at(lambda T, k: range(T)),
    ),
    Mistake(
        "bptt.k-chunks",
        "The sequence is cut into k chunks. It should be cut into chunks of k steps.",
        _states_at(lambda T, k: [start for start, _ in _k_pieces(T, k)]),
    ),
    Mistake(
        "bptt.time-and-batch-swapped",
        "The states are right, with the axes of chunks and batch exchanged: (N, B, H) is asked.",
        lambda *args: chunk_states(*args).swapaxes(0, 1),
    ),
)

# Of the gradient's length.


def _norms(
    da=lambda dh, h: dh * (1 - h**2),
    back=lambda da, W_h: da @ W_h.T,
    size=np.linalg.norm,
    states=lambda hs: hs[:0:-1],
    kept=lambda new, old: new,
    told=lambda norms: norms[::-1],
):
    """The lengths of the gradients, in which one part can be wrong."""

    def norms(dh, hs, W_h):
        found = [size(dh)]
        for h in states(hs):
            dh = kept(back(da(dh, h), W_h), dh)
            found.append(size(dh))
        return np.array(told(found))

    return norms


GRADIENT_NORMS_MISTAKES = (
    *(Mistake(name, words, _norms(da)) for name, words, da in SLOPES),
    Mistake(
        "bptt.tanh-derivative-of-state-before",
        "The derivative of the tanh is taken at the state before. The gradient by `hs[t]` goes through the tanh of "
        "step t, whose derivative is 1 - h² with `hs[t]` itself.",
        _norms(states=lambda hs: hs[-2::-1]),
    ),
    Mistake(
        "bptt.recurrent-transpose-missing",
        "The gradient goes back through `W_h`. The way back is by its transpose: entry (i, j) leads from unit i to "
        "unit j, and the gradient goes from j to i. `W_h` is square, so no shape complains.",
        _norms(back=lambda da, W_h: da @ W_h),
    ),
    Mistake(
        "bptt.recurrent-weights-missing",
        "The recurrent weights are missing on the way back: only the derivatives of the tanh are multiplied.",
        _norms(back=lambda da, W_h: da),
    ),
    Mistake(
        "bptt.gradient-kept-beside-product",
        "At each step the gradient before it is added. This network has no direct connection from state to state: the "
        "only way is through the tanh and `W_h`.",
        _norms(kept=lambda new, old: new + old),
    ),
    Mistake(
        "bptt.gradient-not-carried",
        "The gradient does not change on the way: all norms are that of `dh`. Hand each step what the step after it "
        "gives.",
        _norms(kept=lambda new, old: old),
    ),
    Mistake(
        "bptt.gradient-not-carried",
        "Every step begins with `dh` again, so each norm is that of a gradient one step back. Hand each step what the "
        "step after it gives.",
        lambda dh, hs, W_h: np.array(
            [*(np.linalg.norm((dh * (1 - h**2)) @ W_h.T) for h in hs[1:]), np.linalg.norm(dh)]
        ),
    ),
    Mistake(
        "bptt.forward-in-time",
        "The loop runs from the first step to the last, with `dh` at the first. `dh` arrives at the last state, and "
        "the gradient goes back from there.",
        _norms(states=lambda hs: hs[:-1], told=lambda norms: norms),
    ),
    Mistake(
        "bptt.norms-by-lag",
        "The norms are right, in reverse order: they begin with that of `dh`. `norms[t]` belongs to `hs[t]`, so that "
        "of `dh` is the last.",
        _norms(told=lambda norms: norms),
    ),
    Mistake(
        "bptt.norms-shifted",
        "The norms are shifted by one: `norms[t]` is that of the gradient by the state before, `hs[t - 1]`. `norms[T "
        "- 1]` is that of `dh`, before any step is taken.",
        _norms(states=lambda hs: hs[::-1], told=lambda norms: norms[:0:-1]),
    ),
    Mistake(
        "bptt.norm-of-initial-state-included",
        "There is one norm more, that of the gradient by `h0`. Asked are those by the T states of `hs`.",
        _norms(states=lambda hs: hs[::-1]),
    ),
    Mistake(
        "bptt.norm-after-tanh",
        "These are the norms of the gradients by the pre-activations, da. Asked are those by the states, dh, before "
        "they go through the tanh.",
        lambda dh, hs, W_h: _norms_of_pre_activations(dh, hs, W_h),
    ),
    Mistake(
        "bptt.first-step-missing",
        "`norms[0]` is 0: the loop ends before it.",
        lambda *args: np.concatenate([[0.0], gradient_norms(*args)[1:]]) * (len(args[1]) > 1),
    ),
    Mistake(
        "bptt.last-step-missing",
        "`norms[T - 1]` is 0. It is the norm of `dh`, which arrives at the last state.",
        lambda *args: np.concatenate([gradient_norms(*args)[:-1], [0.0]]),
    ),
    *(
        Mistake("bptt.another-norm", f"{words} Asked is the root of the sum of the squares of all B·H entries.", size)
        for words, size in (
            ("These are the sums of squares: the root is missing.", _norms(size=lambda dh: (dh**2).sum())),
            ("These are the means over the batch of each row's norm.", _norms(size=lambda dh: _rows(dh).mean())),
            ("These are the sums over the batch of each row's norm.", _norms(size=lambda dh: _rows(dh).sum())),
            ("These are the largest norms of a row.", _norms(size=lambda dh: _rows(dh).max())),
            ("These are the norms of the first row alone.", _norms(size=lambda dh: _rows(dh)[0])),
            ("These are the roots of the mean of the squares.", _norms(size=lambda dh: np.sqrt((dh**2).mean()))),
            ("These are divided by the size of the batch.", _norms(size=lambda dh: np.linalg.norm(dh) / len(dh))),
            (
                "These are divided by the root of the size of the batch.",
                _norms(size=lambda dh: np.linalg.norm(dh) / np.sqrt(len(dh))),
            ),
            ("These are the sums of absolute values.", _norms(size=lambda dh: np.abs(dh).sum())),
            ("These are the means of absolute values.", _norms(size=lambda dh: np.abs(dh).mean())),
            ("These are the largest absolute values.", _norms(size=lambda dh: np.abs(dh).max())),
            (
                "These are the largest singular values, which `np.linalg.norm(dh, 2)` gives of a matrix.",
                _norms(size=lambda dh: np.linalg.norm(dh, 2)),
            ),
        )
    ),
    Mistake(
        "bptt.norms-relative",
        "The norms are divided by that of `dh`, so the last one is 1. Asked are the norms themselves.",
        lambda *args: gradient_norms(*args) / np.linalg.norm(args[0]),
    ),
)


def _rows(dh):
    return np.linalg.norm(dh, axis=1)


def _norms_of_pre_activations(dh, hs, W_h):
    norms = []
    for h in hs[::-1]:
        da = dh * (1 - h**2)
        norms.append(np.linalg.norm(da))
        dh = da @ W_h.T
    return np.array(norms[::-1])


# Of differences.

#: The distances that students take. What a difference to one side gives depends on it, so each is a variant.
DISTANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)


def _by_entry(rule, eps=1e-5):
    """The gradient whose entries come from a rule; it gets the entry's direction times a distance."""

    def gradient(f, x):
        dx = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            step = np.zeros_like(x)
            step[index] = eps
            dx[index] = rule(f, x, step) / eps
        return dx

    return gradient


def _never_put_back(eps):
    def gradient(f, x):
        x, dx = x.copy(), np.zeros_like(x)
        for index in np.ndindex(x.shape):
            x[index] += eps
            above = f(x)
            x[index] -= 2 * eps
            dx[index] = (above - f(x)) / (2 * eps)
        return dx

    return gradient


def _moved_rows(f, x):
    dx = np.zeros_like(x)
    for row in range(len(x)):
        dx[row] = numerical_gradient(f, x)[row].sum()
    return dx


_ONE_SIDE = (
    "This is the difference to one side, (f(x + ε) - f(x)) / ε or its mirror image. Its error is ε/2 times the second "
    "derivative. A central difference, (f(x + ε) - f(x - ε)) / 2ε, has none of it."
)
_HALF = (
    "One of the two points is x itself: ε is added and then taken off once, which ends at x, while the difference is "
    "divided by 2ε. From x + ε it takes 2ε to get to x - ε. The result is about half of the gradient."
)

NUMERICAL_GRADIENT_MISTAKES = (
    Mistake(
        "bptt.difference-twice",
        "The result is twice the gradient: the two points are 2ε apart, and the difference is divided by ε.",
        _by_entry(lambda f, x, e: f(x + e) - f(x - e)),
    ),
    Mistake(
        "bptt.difference-sign",
        "The sign is turned: f(x - ε) stands before f(x + ε) in the difference.",
        _by_entry(lambda f, x, e: (f(x - e) - f(x + e)) / 2),
    ),
    Mistake(
        "bptt.difference-vanishes",
        "All entries are nearly 0. There are three usual reasons: f is called twice at the same place, because the two "
        "moved arrays are one and the same (`b = a` copies nothing); ε is so small that x + ε rounds to x; or the "
        "difference is multiplied with ε, as in `/ 2 * eps`, which wants brackets.",
        lambda f, x: np.zeros_like(x),
    ),
    Mistake(
        "bptt.all-entries-moved",
        "All entries of x are moved at once, so every entry of the result is the sum of the gradient. Move one entry, "
        "the others staying where they are.",
        lambda f, x: np.full_like(x, numerical_gradient(f, x).sum()),
    ),
    Mistake(
        "bptt.rows-moved-together",
        "All entries of a row (or of what stands at one index of the first axis) are moved at once, so they all get "
        "the row's sum. Move one entry at a time, over all axes of x.",
        _moved_rows,
    ),
    Mistake(
        "bptt.moves-add-up",
        "The moved arrays keep their earlier moves: each entry of the result is the sum of the gradient up to it. "
        "Begin each entry from x as it was.",
        lambda f, x: numerical_gradient(f, x).ravel().cumsum().reshape(x.shape),
    ),
    Mistake(
        "bptt.entries-in-another-order",
        "The entries are right, but stand in another order: they are computed column by column and put in row by row.",
        lambda f, x: numerical_gradient(f, x).ravel(order="F").reshape(x.shape),
    ),
    Mistake(
        "bptt.gradient-flat",
        "The entries are right, in one long row. The gradient has the shape of x.",
        lambda f, x: numerical_gradient(f, x).ravel(),
    ),
    *(
        Mistake("bptt.difference-to-one-side", _ONE_SIDE, _by_entry(lambda f, x, e: f(x + e) - f(x), eps))
        for eps in DISTANCES
    ),
    *(
        Mistake("bptt.difference-to-one-side", _ONE_SIDE, _by_entry(lambda f, x, e: f(x) - f(x - e), eps))
        for eps in DISTANCES
    ),
    *(
        Mistake("bptt.difference-halved", _HALF, _by_entry(lambda f, x, e: (f(x + e) - f(x)) / 2, eps))
        for eps in DISTANCES
    ),
    *(
        Mistake("bptt.difference-halved", _HALF, _by_entry(lambda f, x, e: (f(x) - f(x - e)) / 2, eps))
        for eps in DISTANCES
    ),
    *(
        Mistake(
            "bptt.entry-not-put-back",
            "Each entry stays at x - ε when its turn is over, so the next ones are differentiated at another place. "
            "Put it back before you go on.",
            _never_put_back(eps),
        )
        for eps in DISTANCES
    ),
    *(
        Mistake(
            "bptt.distance-too-large",
            f"The formula is right, with the distance ε = {eps:g}. The error of a central difference grows with ε²: "
            "take ε around 1e-5.",
            _by_entry(lambda f, x, e: (f(x + e) - f(x - e)) / 2, eps),
        )
        for eps in (1.0, 0.5, 0.1)
    ),
)

# Of clipping.


def _global_norm(grads):
    return np.sqrt(sum((g.astype(float) ** 2).sum() for g in grads.values()))


def _scaled(
    norm=_global_norm,
    factor=lambda norm, max_norm: np.minimum(1.0, max_norm / norm) if norm > 0 else 1.0,
    told=None,
    spared=(),
):
    """Clipping by one factor, in which one part can be wrong."""

    def clip(grads, max_norm):
        size = norm(grads)
        by = factor(size, max_norm)
        clipped = {name: g * (1.0 if name in spared else by) for name, g in grads.items()}
        return clipped, told(grads, clipped, max_norm) if told else size

    return clip


def _without(name):
    return lambda grads: _global_norm({key: g for key, g in grads.items() if key != name})


def _one_by_one(change):
    """Clipping of each tensor by itself; the norm is the global one."""
    return lambda grads, max_norm: ({name: change(g, max_norm) for name, g in grads.items()}, _global_norm(grads))


_ANOTHER_NORM = (
    "The gradients are scaled by another norm: {} Asked is the root of the sum of the squares of all entries."
)
_TOLD = "The gradients are right. The norm that is given back is {}; asked is the common norm before clipping."

CLIP_MISTAKES = (
    Mistake(
        "bptt.clipped-each-tensor",
        "Each tensor is clipped by its own norm. That changes their sizes relative to each other, and so the direction "
        "of the step: one common norm gives one factor for all.",
        _one_by_one(_clipped),
    ),
    Mistake(
        "bptt.clipped-each-entry",
        "Each entry is cut off at ±max_norm. That turns the gradient: large entries lose, small ones stay. One factor "
        "for all entries keeps the direction.",
        _one_by_one(lambda g, max_norm: g.clip(-max_norm, max_norm)),
    ),
    Mistake(
        "bptt.scaled-always",
        "The gradients are always scaled to max_norm, also where their norm is below it. Small gradients stay as they "
        "are: the factor is at most 1.",
        _scaled(factor=lambda norm, max_norm: max_norm / norm if norm > 0 else 1.0),
    ),
    Mistake(
        "bptt.scaled-below",
        "The comparison is turned round: gradients with a norm below max_norm are scaled up, and those above it stay.",
        _scaled(factor=lambda norm, max_norm: np.maximum(1.0, max_norm / norm) if norm > 0 else 1.0),
    ),
    Mistake(
        "bptt.never-clipped",
        "The gradients come back as they were, also where their norm is above max_norm.",
        _scaled(factor=lambda norm, max_norm: 1.0),
    ),
    Mistake(
        "bptt.clip-factor-inverted",
        "The factor is the wrong way round: norm / max_norm makes large gradients larger. It is max_norm / norm.",
        _scaled(factor=lambda norm, max_norm: norm / max_norm if norm > max_norm else 1.0),
    ),
    Mistake(
        "bptt.clipped-to-one",
        "Gradients above max_norm are divided by their norm, and so come to a norm of 1. Their norm should be "
        "max_norm.",
        _scaled(factor=lambda norm, max_norm: 1 / norm if norm > max_norm else 1.0),
    ),
    Mistake(
        "bptt.clipped-to-one",
        "Gradients above max_norm are divided by max_norm. Their norm becomes max_norm when they are multiplied with "
        "max_norm / norm.",
        _scaled(factor=lambda norm, max_norm: 1 / max_norm if norm > max_norm else 1.0),
    ),
    Mistake(
        "bptt.clip-factor-squared",
        "The factor is max_norm / norm², with the sum of squares in place of its root.",
        _scaled(factor=lambda norm, max_norm: max_norm / norm**2 if norm > max_norm else 1.0),
    ),
    *(
        Mistake("bptt.another-norm", _ANOTHER_NORM.format(words), _scaled(norm))
        for words, norm in (
            ("the sum of the tensors' norms.", lambda grads: sum(np.linalg.norm(g) for g in grads.values())),
            ("the sum of squares, without its root.", lambda grads: _global_norm(grads) ** 2),
            ("the largest of the tensors' norms.", lambda grads: max(np.linalg.norm(g) for g in grads.values())),
            (
                "the mean of the tensors' norms.",
                lambda grads: sum(np.linalg.norm(g) for g in grads.values()) / len(grads),
            ),
            ("the largest absolute value.", lambda grads: max(np.abs(g).max() for g in grads.values())),
            ("the sum of absolute values.", lambda grads: sum(np.abs(g).sum() for g in grads.values())),
            (
                "the root of the mean of all squares.",
                lambda grads: _global_norm(grads) / np.sqrt(sum(g.size for g in grads.values())),
            ),
            (
                "made of the largest singular values, which `np.linalg.norm(g, 2)` gives of a matrix.",
                lambda grads: np.sqrt(sum(np.linalg.norm(g, 2) ** 2 for g in grads.values())),
            ),
            (
                "the root of the summed means of squares, a mean for each tensor.",
                lambda grads: np.sqrt(sum((g**2).mean() for g in grads.values())),
            ),
            ("the bias is left out of it.", _without("b")),
            ("`W_x` is left out of it.", _without("W_x")),
            ("`W_h` is left out of it.", _without("W_h")),
        )
    ),
    Mistake(
        "bptt.bias-not-clipped",
        "The gradient by `b` is not scaled with the others. The factor is common to all.",
        _scaled(spared=("b",)),
    ),
    Mistake(
        "bptt.norm-after-clipping",
        _TOLD.format("the one after clipping, which never exceeds max_norm"),
        _scaled(told=lambda grads, clipped, max_norm: _global_norm(clipped)),
    ),
    Mistake(
        "bptt.norm-after-clipping",
        _TOLD.format("max_norm itself"),
        _scaled(told=lambda grads, clipped, max_norm: max_norm),
    ),
    Mistake(
        "bptt.norm-squared",
        _TOLD.format("its square: the root is missing there"),
        _scaled(told=lambda grads, clipped, max_norm: _global_norm(grads) ** 2),
    ),
    Mistake(
        "bptt.factor-for-norm",
        _TOLD.format("the factor by which they were scaled"),
        _scaled(
            told=lambda grads, clipped, max_norm: (
                _global_norm(clipped) / _global_norm(grads) if clipped["b"].any() else 1.0
            )
        ),
    ),
)

# Of the embedding.


def _gathered(add):
    """The gradient by the word vectors, entered step by step or in another way."""

    def backward(dxs, tokens, vocabulary_size):
        dW_e = np.zeros((vocabulary_size, dxs.shape[-1]), dxs.dtype)
        add(dW_e, tokens, dxs)
        return dW_e

    return backward


def _assign(dW_e, tokens, dxs):
    dW_e[tokens] = dxs


def _assign_backwards(dW_e, tokens, dxs):
    dW_e[tokens[::-1, ::-1]] = dxs[::-1, ::-1]


def _by_step(dW_e, tokens, dxs):
    for token, dx in zip(tokens, dxs, strict=True):
        dW_e[token] += dx


def _by_row(dW_e, tokens, dxs):
    for row in range(tokens.shape[1]):
        dW_e[tokens[:, row]] += dxs[:, row]


def _averaged(dxs, tokens, V):
    counts = np.bincount(tokens.ravel(), minlength=V)
    return embedding_backward(dxs, tokens, V) / np.maximum(counts, 1)[:, None]


EMBEDDING_MISTAKES = (
    Mistake(
        "bptt.repeated-tokens-not-added",
        "Of a word that occurs more than once, only its last occurrence counts. `dW_e[tokens] += dxs` reads each row "
        "once, adds, and writes: of several additions to one row, the last one written stays. `np.add.at` adds them "
        "all, as does a loop over single tokens.",
        _gathered(_assign),
    ),
    Mistake(
        "bptt.repeated-tokens-not-added",
        "Of a word that occurs more than once, only its first occurrence counts. Its gradient is the sum over all.",
        _gathered(_assign_backwards),
    ),
    Mistake(
        "bptt.repeated-tokens-not-added",
        "A word that occurs in several rows at the same time step is counted once there: `dW_e[tokens[t]] += dxs[t]` "
        "writes each row once. `np.add.at` adds all, as does a loop over single tokens.",
        _gathered(_by_step),
    ),
    Mistake(
        "bptt.repeated-tokens-not-added",
        "A word that occurs at several time steps of one row is counted once there: an index with several equal tokens "
        "writes once. `np.add.at` adds all, as does a loop over single tokens.",
        _gathered(_by_row),
    ),
    Mistake(
        "bptt.embedding-gradient-averaged",
        "Each word's gradient is the mean over its occurrences. It is their sum: the mean is in the loss already.",
        _averaged,
    ),
    *(
        Mistake(
            "bptt.embedding-gradient-averaged",
            f"The gradient is divided by {words}. The mean is in the loss already: here the occurrences are summed.",
            lambda dxs, tokens, V, count=count: embedding_backward(dxs, tokens, V) / count(tokens),
        )
        for words, count in (
            ("T·B, the number of tokens", np.size),
            ("the number of time steps", len),
            ("the size of the batch", lambda tokens: tokens.shape[1]),
        )
    ),
    Mistake(
        "bptt.embedding-first-row",
        "Only the first row of the batch counts. Every row has words of its own.",
        lambda dxs, tokens, V: embedding_backward(dxs[:, :1], tokens[:, :1], V),
    ),
    Mistake(
        "bptt.gradient-of-one-step",
        "Only the last time step counts. Every step has words of its own.",
        lambda dxs, tokens, V: embedding_backward(dxs[-1:], tokens[-1:], V),
    ),
    Mistake(
        "bptt.first-step-missing",
        "The first time step, t = 0, is missing.",
        lambda dxs, tokens, V: embedding_backward(dxs[1:], tokens[1:], V),
    ),
    Mistake(
        "bptt.last-step-missing",
        "The last time step, t = T - 1, is missing.",
        lambda dxs, tokens, V: embedding_backward(dxs[:-1], tokens[:-1], V),
    ),
    Mistake(
        "bptt.token-shifted",
        "Each gradient stands one row too low, at token + 1. Tokens count from 0, as rows do.",
        lambda dxs, tokens, V: embedding_backward(dxs, tokens + 1, V),
    ),
    Mistake(
        "bptt.token-shifted",
        "Each gradient stands one row too high, at token - 1. Tokens count from 0, as rows do.",
        lambda dxs, tokens, V: embedding_backward(dxs, tokens - 1, V),
    ),
    Mistake(
        "bptt.time-and-batch-swapped",
        "Tokens and gradients of different places meet: one of the two is flattened with time first and the other with "
        "the batch first.",
        lambda dxs, tokens, V: embedding_backward(dxs.reshape(-1, dxs.shape[-1]), tokens.T.ravel(), V),
    ),
    Mistake(
        "bptt.vocabulary-from-tokens",
        "The result ends with the largest token that occurs. It has a row for each of the `vocabulary_size` words, of "
        "zeros where a word does not occur.",
        lambda dxs, tokens, V: embedding_backward(dxs, tokens, V)[: tokens.max() + 1],
    ),
    Mistake(
        "bptt.embedding-gradient-transposed",
        "The result is transposed: (E, V). Like the table of word vectors, it has a row a word: (V, E).",
        lambda *args: embedding_backward(*args).T,
    ),
    Mistake(
        "bptt.gradient-by-position",
        "This is the gradient by the vectors that were looked up, one a position. Asked is the one by the table they "
        "were looked up in: each word's is the sum over the positions at which it stands.",
        lambda dxs, tokens, V: dxs,
    ),
    Mistake(
        "bptt.sign",
        "All signs are turned. The gradient is asked as it is; the optimiser subtracts it.",
        lambda *args: -embedding_backward(*args),
    ),
)

# --- The hints: where to look, why, the formula. ---

HINTS = {
    "cross_entropy_backward": Hints(
        "Look at three things: the softmax, the entry at the target, and what you divide by.",
        "log p_y is o_y minus the logarithm of a sum of exponentials. The first term gives 1 at the target, the second "
        "gives p_k for every k. A mean over T·B predictions hands each of them 1 / (T·B) of the gradient. The "
        "softmax has to take logits of any size.",
        "dL/do_k = (p_k - [k = y]) / (T·B), where [k = y] is 1 for the target's class and 0 for the others.",
    ),
    "readout_backward": Hints(
        "Look at the shape of each result: which axes of `dlogits` and `hs` are gone in it, and so are summed over?",
        "o = h W_y + b_y is a product at every step and row alike. A state acts on the logits of its own step and row; "
        "the weights and the bias act on all, and collect from all.",
        "dh_t = do_t W_y^T, dW_y = sum over t of h_t^T do_t, db_y = sum over t and rows of do_t.",
    ),
    "rnn_step_backward": Hints(
        "Look at the gradient by the pre-activation, da, first: all five results are made from it. Then look at which "
        "factor each of them has beside da, and on which side.",
        "h = tanh(a), and a is a sum of two products and a bias. The tanh's derivative at a is written with h itself. "
        "Through a product v W the gradient goes back to v by W's transpose, and to W by v's. W_h is square: only the "
        "numbers tell whether a transpose is missing.",
        "da = dh * (1 - h^2); dx = da W_x^T, dh_prev = da W_h^T, dW_x = x^T da, dW_h = h_prev^T da, db = the sum of da "
        "over the rows.",
    ),
    "rnn_backward": Hints(
        "Look at what reaches the state h_t: count the ways by which it acts on the loss. Then look at both ends of "
        "the loop: t = T - 1 and t = 0.",
        "h_t acts through its own output and through the step after, so two gradients meet and are added before they "
        "go through the step. After the last step there is nothing; before the first stands h0, not hs[-1]. The "
        "weights are the same at every step: what each contributes is added up.",
        "dh_t = dhs_t + dh_prev of step t + 1 (0 for the last); step t gives dx_t, dh_prev and its share of dW_x, dW_h "
        "and db; dh0 = dh_prev of the first step; dW = sum over t.",
    ),
    "numerical_gradient": Hints(
        "Look at the two places at which f is called, and at where x stands when an entry's turn is over.",
        "One entry moves by ε up and by ε down; all others stay. The two places are 2ε apart. To both sides, the "
        "errors of second order cancel. np.ndindex(x.shape) gives every index of an array with any number of axes.",
        "dx_i = (f(x + ε e_i) - f(x - ε e_i)) / (2ε), with e_i the array that is 1 at i and 0 elsewhere, and ε = 1e-5.",
    ),
    "gradient_norms": Hints(
        "Look at where the walk begins, which state each step back belongs to, and at which end the norm of `dh` "
        "stands.",
        "From h_t to h_{t-1} the gradient goes through the tanh of step t and the transpose of W_h; nothing is added "
        "on the way, since only the last state has an output here. T states need T - 1 steps back.",
        "norms_T = |dh|; dh_{t-1} = (dh_t * (1 - h_t^2)) W_h^T, norms_{t-1} = |dh_{t-1}|, with |.| the root of the sum "
        "of the squares of all B·H entries.",
    ),
    "clip_by_global_norm": Hints(
        "Look at how many norms and how many factors you have: there is one of each, for all tensors together.",
        "The gradient is one long vector that happens to be stored in three arrays. Scaling it by one number keeps its "
        "direction. A short one stays as it is, and one of length 0 must not be divided by its length.",
        "norm = sqrt(sum over all tensors of the sum of squares); every tensor times min(1, max_norm / norm).",
    ),
    "chunk_states": Hints(
        "Look at the state before the first chunk, and at the one with which your loop enters the second.",
        "A chunk begins where the one before stopped: in its last state. The states are those of the whole sequence, "
        "read without any cut; `hs[t]` is the state after step t. The steps that remain at the end are a chunk, too.",
        "states_0 = h0; states_n = h after step n·k - 1 (counted from 0), for n = 1, ..., ceil(T / k) - 1.",
    ),
    "truncated_rnn_backward": Hints(
        "Look at two things that cross a cut, and treat them differently: the state, and the gradient.",
        "A chunk is a short sequence whose initial state is given: the last state of the chunk before, a number like "
        "any other. Its gradient by that state is thrown away, except for the first chunk, where it is dh0. The "
        "weights are the same in all chunks.",
        "For each chunk: full backpropagation over its steps, from h = hs[start - 1] (h0 for the first); dxs side by "
        "side; dW_x, dW_h and db summed over the chunks; dh0 from the first.",
    ),
    "embedding_backward": Hints(
        "Look at a word that occurs twice, once in the same time step and once in the same row: what arrives in its "
        "row?",
        "Looking up is copying: the row of a word is copied to every place at which the word stands. What copies "
        "forward, adds backward. An index array with repeated entries writes each place once.",
        "dW_e[v] = sum of dx_{t,n} over all t and n with token_{t,n} = v.",
    ),
}

_WEIGHTS = (Output("dW_x", "DH"), Output("dW_h", "HH"), Output("db", "H"))
_SEQUENCE = (Output("dxs", "TBD", backward=True), Output("dh0", "BH"), *_WEIGHTS)
_CLIPPED = (Output("W_x", "DH"), Output("W_h", "HH"), Output("b", "H"))


def _exercise(name, outputs, reference, cases, points, mistakes, **others):
    visible, hidden = points
    return Exercise(
        name, "02-bptt", outputs, reference, cases, visible, hidden, mistakes=mistakes, hints=HINTS[name], **others
    )


EXERCISES = [
    _exercise(
        "cross_entropy_backward",
        (Output("dlogits", "TBK"),),
        cross_entropy_backward,
        _cross_entropy_cases,
        (1, 1),
        CROSS_ENTROPY_BACKWARD_MISTAKES,
        neighbours=("softmax",),
        gradient_of="cross_entropy",
        tolerance=1e-6,  # the numbers are small: at most 1 / (T·B)
    ),
    _exercise(
        "readout_backward",
        (Output("dhs", "TBH"), Output("dW_y", "HK"), Output("db_y", "K")),
        readout_backward,
        _readout_cases,
        (1, 1),
        READOUT_BACKWARD_MISTAKES,
        gradient_of="readout",
    ),
    _exercise(
        "rnn_step_backward",
        (Output("dx", "BD"), Output("dh_prev", "BH"), *_WEIGHTS),
        rnn_step_backward,
        _step_cases,
        (1, 2),
        RNN_STEP_BACKWARD_MISTAKES,
        gradient_of="rnn_step",
    ),
    _exercise(
        "rnn_backward",
        _SEQUENCE,
        rnn_backward,
        _sequence_cases,
        (2, 3),
        RNN_BACKWARD_MISTAKES,
        neighbours=("rnn_step_backward",),
        gradient_of="rnn_forward",
    ),
    _exercise(
        "numerical_gradient",
        (Output("dx", "...H"),),
        numerical_gradient,
        _numerical_gradient_cases,
        (1, 1),
        NUMERICAL_GRADIENT_MISTAKES,
        tolerance=1e-4,
    ),
    _exercise(
        "gradient_norms",
        (Output("norms", "T", backward=True),),
        gradient_norms,
        _gradient_norms_cases,
        (1, 1),
        GRADIENT_NORMS_MISTAKES,
        neighbours=("rnn_step_backward",),
    ),
    _exercise(
        "clip_by_global_norm",
        (Output("clipped", fields=_CLIPPED, kind=dict), Output("norm")),
        clip_by_global_norm,
        _clip_cases,
        (1, 2),
        CLIP_MISTAKES,
        tolerance=1e-5,  # torch adds 1e-6 to the norm that it divides by, and so may a student
    ),
    _exercise(
        "chunk_states",
        (Output("states", "NBH"),),
        chunk_states,
        _chunk_states_cases,
        (1, 1),
        CHUNK_STATES_MISTAKES,
        neighbours=("rnn_step", "rnn_forward"),
    ),
    _exercise(
        "truncated_rnn_backward",
        _SEQUENCE,
        truncated_rnn_backward,
        _truncated_cases,
        (2, 2),
        TRUNCATED_MISTAKES,
        neighbours=("rnn_step_backward", "rnn_backward"),
    ),
    _exercise(
        "embedding_backward",
        (Output("dW_e", "VE"),),
        embedding_backward,
        _embedding_cases,
        (1, 1),
        EMBEDDING_MISTAKES,
    ),
]
