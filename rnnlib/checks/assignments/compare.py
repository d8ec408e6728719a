"""Assignment 05-compare: cells of equal size, a cell written from its paper (MUT1), and a loss on held-out text."""

import bisect
import itertools
from types import SimpleNamespace

import numpy as np

from rnnlib.activations import sigmoid
from rnnlib.checks.caches import MUT1Cache
from rnnlib.checks.cases import EXTREME, ORDINARY, SINGLE, SMALL, Case, draw_sizes, in_words, to_single
from rnnlib.checks.exercises import Exercise, Hints, Mistake, Output

tanh = np.tanh

# --- The references, under the signatures that the student writes. ---


def count_parameters(D, H, gates):
    """The parameters of a recurrent layer with that many blocks."""
    return gates * (D * H + H * H + H)


def hidden_size_for(D, gates, budget):
    """The largest H whose layer has at most `budget` parameters."""
    return _largest(count_parameters)(D, gates, budget)


def mut1_step(x, h_prev, W_x, W_h, b):
    """The state after one step of MUT1 (B, H), and what its backward step needs."""
    W_xr, W_xz = np.split(W_x, 2, axis=-1)
    W_hr, W_hn = np.split(W_h, 2, axis=-1)
    b_r, b_z, b_n = np.split(b, 3)
    r = sigmoid(x @ W_xr + h_prev @ W_hr + b_r)
    z = sigmoid(x @ W_xz + b_z)
    tanh_x = tanh(x)
    n = tanh((r * h_prev) @ W_hn + tanh_x + b_n)
    return z * n + (1 - z) * h_prev, MUT1Cache(x, h_prev, r, z, n, tanh_x)


def mut1_step_backward(dh, cache, W_x, W_h):
    """The gradients of one step of MUT1, in the order of its arguments."""
    x, h_prev, r, z, n, tanh_x = cache
    W_hr, W_hn = np.split(W_h, 2, axis=-1)
    da_z = dh * (n - h_prev) * z * (1 - z)
    da_n = dh * z * (1 - n**2)
    drh = da_n @ W_hn.T
    da_r = drh * h_prev * r * (1 - r)
    da_x = np.concatenate([da_r, da_z], axis=-1)
    dx = da_x @ W_x.T + da_n * (1 - tanh_x**2)
    dh_prev = dh * (1 - z) + drh * r + da_r @ W_hr.T
    dW_h = np.concatenate([h_prev.T @ da_r, (r * h_prev).T @ da_n], axis=-1)
    return dx, dh_prev, x.T @ da_x, dW_h, np.concatenate([da_r, da_z, da_n], axis=-1).sum(axis=0)


def held_out_loss(losses, lengths):
    """The mean loss over all predictions of a padded batch."""
    return _mean(losses, np.arange(len(losses))[:, None] < lengths)


def _largest(count):
    """The largest H for a way of counting."""

    def size(D, gates, budget):
        return bisect.bisect_right(range(1, budget + 1), budget, key=lambda H: count(D, H, gates))

    return size


def _mean(losses, mask):
    return float(losses[mask].mean())


# --- The cases: sizes that all differ, states and biases that are not zero, weights without symmetry. ---


def _count_parameters_cases(rng):
    for gates, D_range, H_range in (
        (4, (2, 3), (4, 7)),
        (1, (2, 9), (9, 15)),
        (3, (9, 15), (2, 9)),
        (4, (20, 50), (50, 80)),
    ):
        args = {"D": int(rng.integers(*D_range)), "H": int(rng.integers(*H_range)), "gates": gates}
        yield Case(ORDINARY, in_words(args), args)
    for gates in (1, 3):
        args = {"D": 1, "H": 1, "gates": gates}
        yield Case(SMALL, in_words(args), args)


def _hidden_size_for_cases(rng):
    cases = list(_drawn_budgets(rng))
    while not _budgets_are_telling(cases):
        cases = list(_drawn_budgets(rng))
    yield from cases
    for gates in (1, 4):
        args = {"D": 1, "gates": gates, "budget": count_parameters(1, 1, gates)}
        yield Case(SMALL, in_words(args) + ", all of which H = 1 takes", args)


def _drawn_budgets(rng):
    small, middle, large = (2, 9), (5, 15), (30, 90)
    for gates, D_range, H_range, share in (
        (4, small, small, 0),
        (3, small, small, 1),
        (1, small, small, 0.5),
        (1, middle, small, 0),
        (3, small, middle, 0.15),
        (4, middle, middle, 0.4),
        (3, middle, small, 0.55),
        (1, small, middle, 1),
        (4, small, middle, 0.7),
        (3, large, large, 0),
        (4, large, large, 1),
        (1, large, large, None),
    ):
        D, H = int(rng.integers(*D_range)), int(rng.integers(*H_range))
        least, next_one = (count_parameters(D, size, gates) for size in (H, H + 1))
        if share is None:  # what the next size would take without its biases
            budget = next_one - gates * (H + 1)
        else:
            budget = next_one - 1 if share == 1 else least + int(share * (next_one - least))
        words = {0: ", all of which are used", 1: ", one too few for the next size"}.get(share, "")
        args = {"D": D, "gates": gates, "budget": budget}
        yield Case(ORDINARY, in_words(args) + words, args)


def _budgets_are_telling(cases):
    """Whether each mistake shows, and those of different names give different sizes."""
    by_name = {}
    for mistake in HIDDEN_SIZE_FOR_MISTAKES:
        sizes = tuple(mistake.variant(*case.args.values()) for case in cases)
        if by_name.setdefault(sizes, mistake.name) != mistake.name:
            return False
    return _each_shows(HIDDEN_SIZE_FOR_MISTAKES, hidden_size_for, cases)


def _each_shows(mistakes, reference, cases):
    """Whether each mistake gives a number in some case that is off by a tenth or more."""
    rights = [(case.args.values(), reference(*case.args.values())) for case in cases]

    def off(mistake, args, right):
        try:
            return np.max(np.abs(mistake.variant(*args) - right) / right)
        except IndexError:
            return 1

    return all(any(off(mistake, *right) >= 0.1 for right in rights) for mistake in mistakes)


def _mut1_step_cases(rng):
    for _ in range(2):
        sizes = draw_sizes(rng, "BH", start=3)
        yield Case(ORDINARY, _same(sizes), _step_arguments(rng, **sizes))
    for sizes in ({"B": 1, "H": 3}, {"B": 3, "H": 1}):
        yield Case(SMALL, _same(sizes), _step_arguments(rng, **sizes))
    sizes = draw_sizes(rng, "BH", start=3)
    yield Case(EXTREME, _same(sizes) + ", one input of each row about ±10000", _extreme_arguments(rng, **sizes))
    sizes = draw_sizes(rng, "BH", start=3)
    args = _extreme_arguments(rng, **sizes)
    args["b"] *= 1e4
    yield Case(EXTREME, _same(sizes) + ", one input of each row and all biases about ±10000", args)
    sizes = draw_sizes(rng, "BH", start=3)
    yield Case(SINGLE, _same(sizes), to_single(_step_arguments(rng, **sizes)))


def _mut1_step_backward_cases(rng):
    def case(part, sizes, words="", arguments=_step_arguments, convert=dict):
        forward = arguments(rng, **sizes)
        dh = _away_from_zero(rng, 1.0, 3.0, (sizes["B"], sizes["H"]))
        _, cache = mut1_step(*forward.values())
        args = {"dh": dh, "cache": cache, "W_x": forward["W_x"], "W_h": forward["W_h"]}
        return Case(part, _same(sizes) + words, convert(args), forward, (dh,))

    for _ in range(2):
        yield case(ORDINARY, draw_sizes(rng, "BH", start=3))
    for sizes in ({"B": 1, "H": 3}, {"B": 3, "H": 1}):
        yield case(SMALL, sizes)
    sizes = draw_sizes(rng, "BH", start=3)
    yield case(EXTREME, sizes, ", after inputs of about ±10000: gates of exactly 0 and 1", _extreme_arguments)
    yield case(SINGLE, draw_sizes(rng, "BH", start=3), convert=to_single)


# Without float32: a sum in float32 divided by an integer of numpy's is a float64 that has a float32's digits.
def _held_out_loss_cases(rng):
    cases = list(_drawn_batches(rng))
    while not _each_shows(HELD_OUT_LOSS_MISTAKES, held_out_loss, cases):
        cases = list(_drawn_batches(rng))
    yield from cases
    for T, B, lengths in ((1, 3, [1, 1, 1]), (4, 1, [3])):
        words = f"T = {T}, B = {B}, length{'s' * (B > 1)} {_listed(lengths)}"
        yield Case(SMALL, words, {"losses": _drawn_losses(rng, T, B), "lengths": np.array(lengths)})


def _drawn_batches(rng):
    for B, T in ((3, 7), (4, 6), (2, 5)):
        lengths = rng.permutation(np.concatenate([[1, T], rng.integers(2, T, B - 2)]))
        words = f"T = {T}, B = {B}, lengths {_listed(lengths)}"
        yield Case(ORDINARY, words, {"losses": _drawn_losses(rng, T, B), "lengths": lengths})


def _drawn_losses(rng, T, B):
    """They grow with time and differ between the rows, so that another way of averaging gives another number."""
    return rng.uniform(0.5, 1, (T, B)) * np.arange(2, T + 2)[:, None] * rng.permutation(np.arange(1, B + 1))


def _same(sizes):
    return f"B = {sizes['B']}, D = H = {sizes['H']}"


def _step_arguments(rng, B, H):
    # The scale keeps gates and candidate from saturating, so that each path brings back a gradient that counts.
    return {
        "x": rng.standard_normal((B, H)),
        "h_prev": _away_from_zero(rng, 0.4, 1.0, (B, H)),
        "W_x": rng.standard_normal((H, 2 * H)) * 1.2 / np.sqrt(H),
        "W_h": rng.standard_normal((H, 2 * H)) * 2.5 / np.sqrt(H),
        "b": _away_from_zero(rng, 0.3, 0.8, 3 * H),
    }


def _away_from_zero(rng, low, high, shape):
    return rng.uniform(low, high, shape) * rng.choice([-1, 1], shape)


def _extreme_arguments(rng, B, H):
    """One entry of each row is extreme, so the gates are 0 in some places and 1 in others."""
    while True:
        args = _step_arguments(rng, B, H)
        place = np.arange(B), rng.integers(H, size=B)
        args["x"][place] *= 1e4
        r, z = np.split(args["x"] @ args["W_x"], 2, axis=1)
        if all(both.max() > 2000 and both.min() < -2000 for both in (r, z, args["x"], 1e4 * args["b"][2 * H :])):
            return args


# --- The mistakes: what students write instead, each a variant that runs. ---


def _subsets(names):
    """All but the empty one, the small ones first."""
    return [chosen for size in range(1, len(names) + 1) for chosen in itertools.combinations(tuple(names), size)]


def _subsets_of(lines):
    return [{name: lines[name] for name in chosen} for chosen in _subsets(lines)]


def _listed(names):
    names = [str(name) for name in names]
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])


def _counted(words, name, count):
    return Mistake(f"compare.count-{name}", words, count)


COUNT_PARAMETERS_MISTAKES = (
    _counted(
        "The bias is not counted. Each block has one number a unit, H for a block.",
        "bias-missing",
        lambda D, H, gates: gates * (D * H + H * H),
    ),
    _counted(
        "Two biases are counted in each block, as PyTorch's layers have them: one with the input, one with the state. "
        "The course has one for both products, H numbers a block.",
        "two-biases",
        lambda D, H, gates: gates * (D * H + H * H + 2 * H),
    ),
    _counted(
        "The bias is counted as D numbers a block. It is added to a block's pre-activation, which has one number a "
        "unit: H.",
        "bias-of-the-inputs",
        lambda D, H, gates: gates * (D * H + H * H + D),
    ),
    _counted(
        "The bias is counted as a single number a block. Each of the H units has its own.",
        "one-number-for-the-bias",
        lambda D, H, gates: gates * (D * H + H * H + 1),
    ),
    _counted(
        "The recurrent weights are not counted. Each block has H·H of them, from every unit to every unit.",
        "recurrent-missing",
        lambda D, H, gates: gates * (D * H + H),
    ),
    _counted(
        "The input weights are not counted. Each block has D·H of them, from every input to every unit.",
        "input-missing",
        lambda D, H, gates: gates * (H * H + H),
    ),
    _counted(
        "The recurrent weights are counted as H for a block, one a unit. They lead from every unit to every unit: H·H.",
        "recurrent-diagonal",
        lambda D, H, gates: gates * (D * H + H + H),
    ),
    _counted(
        "The input weights are counted as D for a block, one an input. They lead from every input to every unit: D·H.",
        "input-single",
        lambda D, H, gates: gates * (D + H * H + H),
    ),
    _counted(
        "D and H are exchanged: the recurrent weights are counted as D·D, the bias as D. The state has H entries.",
        "sizes-exchanged",
        lambda D, H, gates: gates * (D * H + D * D + D),
    ),
    _counted(
        "The number of blocks does not matter. Every block has input weights, recurrent weights and a bias of its own.",
        "blocks-ignored",
        lambda D, H, gates: D * H + H * H + H,
    ),
    *(
        _counted(
            f"{_listed(chosen).capitalize()} {'are' if len(chosen) > 1 or 'weights' in chosen[0] else 'is'} counted "
            "for one block only. Every block has input weights, recurrent weights and a bias of its own.",
            "one-block-only",
            lambda D, H, gates, chosen=chosen: sum(
                size if part in chosen else gates * size
                for part, size in (("the input weights", D * H), ("the recurrent weights", H * H), ("the bias", H))
            ),
        )
        for chosen in _subsets(("the input weights", "the recurrent weights", "the bias"))[:-1]
    ),
    _counted(
        "The recurrent weights are counted as a square matrix of all blocks. The state has H entries however many "
        "blocks there are, so W_h is of shape (H, G·H).",
        "recurrent-square-of-all-blocks",
        lambda D, H, gates: gates * D * H + (gates * H) ** 2 + gates * H,
    ),
)


def _root(D, gates, budget):
    """Where the count reaches the budget, as a real number."""
    return (np.sqrt((D + 1) ** 2 + 4 * budget / gates) - D - 1) / 2


def _sized(words, name, size):
    return Mistake(f"compare.size-{name}", words, size)


HIDDEN_SIZE_FOR_MISTAKES = (
    _sized(
        "This is the smallest H whose layer has more parameters than the budget. Asked is the largest that stays "
        "within it, one less.",
        "above-budget",
        lambda D, gates, budget: hidden_size_for(D, gates, budget) + 1,
    ),
    _sized(
        "This is one less than the largest H that stays within the budget. Look at when your search stops, and at what "
        "it gives back then.",
        "one-too-small",
        lambda D, gates, budget: hidden_size_for(D, gates, budget) - 1,
    ),
    _sized(
        "A layer that takes exactly the budget is refused. It has at most `budget` parameters, so it counts: `<=`.",
        "exact-fit-refused",
        lambda D, gates, budget: hidden_size_for(D, gates, budget - 1),
    ),
    _sized(
        "The root is rounded to the nearest integer. Where it is rounded up, the layer has more parameters than the "
        "budget: round down.",
        "rounded",
        lambda D, gates, budget: int(np.rint(_root(D, gates, budget))),
    ),
    _sized(
        "Unless the budget is used up exactly, this is one too large: the smallest H whose count reaches the budget, "
        "or a root that is rounded up. Asked is the largest H whose count is at most the budget.",
        "rounded-up",
        lambda D, gates, budget: int(np.ceil(_root(D, gates, budget))),
    ),
    _sized(
        "This is the H whose count is nearest to the budget. It may lie above; asked is the largest H whose count is "
        "at most the budget.",
        "nearest",
        lambda D, gates, budget: min(
            (hidden_size_for(D, gates, budget) + more for more in (0, 1)),
            key=lambda H: abs(count_parameters(D, H, gates) - budget),
        ),
    ),
    _sized(
        "This is the square root of the budget of a block, as if a block had the recurrent weights alone. D·H input "
        "weights and H biases take their part.",
        "square-root-alone",
        lambda D, gates, budget: int(np.sqrt(budget / gates)),
    ),
    _sized(
        "This is the square root of the whole budget. It is shared by the blocks, and in each of them input weights "
        "and biases take their part.",
        "square-root-alone",
        lambda D, gates, budget: int(np.sqrt(budget)),
    ),
    _sized(
        "The quadratic equation is solved without its 4: for H² + (D + 1)·H = budget / gates the number under the root "
        "is (D + 1)² + 4·budget / gates.",
        "root-without-four",
        lambda D, gates, budget: int((np.sqrt((D + 1) ** 2 + budget / gates) - D - 1) / 2),
    ),
    _sized(
        "The sum in the quadratic formula is not divided by 2.",
        "root-not-halved",
        lambda D, gates, budget: int(2 * _root(D, gates, budget)),
    ),
    _sized(
        "The quadratic formula is used with + (D + 1) in front of the root, which solves the equation with the other "
        "sign.",
        "root-sign",
        lambda D, gates, budget: int(_root(D, gates, budget) + D + 1),
    ),
    _sized(
        "This is the number of columns of all blocks side by side, G·H. Asked is H, the units of the state.",
        "of-all-blocks",
        lambda D, gates, budget: gates * hidden_size_for(D, gates, budget),
    ),
    *(
        Mistake(mistake.name, f"The size fits another count. {mistake.words}", _largest(mistake.variant))
        for mistake in COUNT_PARAMETERS_MISTAKES
    ),
)


def _worked_out(lines, **given):
    """The lines of a calculation one after the other, each a function of what was there before it."""
    p = SimpleNamespace(**given)
    for name, line in lines.items():
        setattr(p, name, line(p))
    return p


def _half(name, k):
    """A block of a matrix with two blocks."""
    return lambda p: np.split(getattr(p, name), 2, axis=1)[k]


STEP = {
    "W_xr": _half("W_x", 0),
    "W_xz": _half("W_x", 1),
    "W_hr": _half("W_h", 0),
    "W_hn": _half("W_h", 1),
    "b_r": lambda p: np.split(p.b, 3)[0],
    "b_z": lambda p: np.split(p.b, 3)[1],
    "b_n": lambda p: np.split(p.b, 3)[2],
    "a_r": lambda p: p.x @ p.W_xr + p.h_prev @ p.W_hr + p.b_r,
    "r": lambda p: sigmoid(p.a_r),
    "a_z": lambda p: p.x @ p.W_xz + p.b_z,
    "z": lambda p: sigmoid(p.a_z),
    "tanh_x": lambda p: tanh(p.x),
    "rh": lambda p: p.r * p.h_prev,
    "a_n": lambda p: p.rh @ p.W_hn + p.tanh_x + p.b_n,
    "n": lambda p: tanh(p.a_n),
    "h": lambda p: p.z * p.n + (1 - p.z) * p.h_prev,
    "cache": lambda p: MUT1Cache(p.x, p.h_prev, p.r, p.z, p.n, p.tanh_x),
}


def _step(**changed):
    """A step in which some lines are other than in `STEP`."""
    lines = STEP | changed

    def variant(x, h_prev, W_x, W_h, b):
        p = _worked_out(lines, x=x, h_prev=h_prev, W_x=W_x, W_h=W_h, b=b)
        return p.h, p.cache

    return variant


def _exchanged(lines, *names):
    """Lines under each other's names: the first gets the second's, and so on round."""
    return {name: lines[other] for name, other in zip(names, (*names[1:], names[0]), strict=True)}


def _transposed(lines, names):
    return {name: lambda p, line=lines[name]: line(p).T for name in names}


def _interleaved(name, k, blocks):
    return lambda p: getattr(p, name)[..., k::blocks]


def _naive_sigmoid(a):
    return np.exp(a) / (1 + np.exp(a))


def _naive_tanh(a):
    return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))


def _naive_tanh_of_one_exponential(a):
    return (np.exp(2 * a) - 1) / (np.exp(2 * a) + 1)


_SQUARE = "D is H here and W_h's blocks are square, so no shape complains"
_GATES = (("r",), ("z",), ("r", "z"))
_LETTERS = {"r": "reset gate r", "z": "update gate z", "n": "candidate n"}
_MATRICES = ("W_xr", "W_xz", "W_hr", "W_hn")


def _gates(chosen):
    return _listed(f"the {_LETTERS[gate]}" for gate in chosen)


def _m(name, words, variant):
    return Mistake(f"compare.{name}", words, variant)


_ORDERS = [order for order in itertools.permutations("rzn") if order != ("r", "z", "n")]


def _order_of_biases(order):
    """Lines in which the bias is cut as if its blocks stood in another order."""
    return {f"b_{gate}": STEP[f"b_{'rzn'[order.index(gate)]}"] for gate in "rzn"}


_RENEWS = (
    "Your z keeps: the state is `(1 - z) * n + z * h_prev`, or z is one minus what it should be. That is the "
    "convention of the course's GRU, in which z = 1 keeps the old state. MUT1 has the other one: where z = 1 the state "
    "is renewed, `z * n + (1 - z) * h_prev`."
)
_OVERFLOW = (
    "A {} is written with exponentials that overflow to infinity, and infinity divided by infinity is nan. {} takes "
    "numbers of any size."
)
_OF_THE_TERMS = (
    "A tanh is taken of single terms of the candidate, in place of one of their sum. Only the input has a tanh of its "
    "own, and a second one is taken of the whole sum."
)

MUT1_STEP_MISTAKES = (
    # how n and the old state are put together
    _m("update-exchanged", _RENEWS, _step(h=lambda p: (1 - p.z) * p.n + p.z * p.h_prev)),
    _m(
        "old-state-missing",
        "The old state's share is missing: this is `z * n`. Where z is 0 the cell should keep `h_prev`, by the term "
        "`(1 - z) * h_prev`.",
        _step(h=lambda p: p.z * p.n),
    ),
    _m(
        "old-state-not-gated",
        "The old state is added in full. Its share is `1 - z`, so that the two shares sum to 1.",
        _step(h=lambda p: p.z * p.n + p.h_prev),
    ),
    _m(
        "old-state-not-gated",
        "Both terms have the share z. The old state's is `1 - z`, so that the two sum to 1.",
        _step(h=lambda p: p.z * p.n + p.z * p.h_prev),
    ),
    _m(
        "old-state-not-gated",
        "The old state's share is 1 + z. It is `1 - z`, so that the two shares sum to 1.",
        _step(h=lambda p: p.z * p.n + (1 + p.z) * p.h_prev),
    ),
    _m(
        "old-state-sign",
        "The old state's share is subtracted; it is added.",
        _step(h=lambda p: p.z * p.n - (1 - p.z) * p.h_prev),
    ),
    _m(
        "old-state-reset",
        "The old state is multiplied by the reset gate where it is kept. The reset gate acts inside the candidate "
        "alone.",
        _step(h=lambda p: p.z * p.n + (1 - p.z) * p.rh),
    ),
    _m(
        "candidate-not-gated",
        "The candidate is added in full. Its share is z, so that the two shares sum to 1.",
        _step(h=lambda p: p.n + (1 - p.z) * p.h_prev),
    ),
    _m(
        "update-gate-unused",
        "This is the candidate n: the update gate z has no effect. The state is a mixture of n and `h_prev`.",
        _step(h=lambda p: p.n),
    ),
    _m(
        "tanh-of-the-state",
        "A tanh is taken of the new state. It is a mixture of n and `h_prev`, both between -1 and 1, and stays as it "
        "is.",
        _step(h=lambda p: tanh(STEP["h"](p))),
    ),
    # the candidate
    _m(
        "tanh-of-input-missing",
        "The candidate takes x bare. In MUT1 it takes `tanh(x)`, between -1 and 1.",
        _step(tanh_x=lambda p: p.x),
    ),
    _m(
        "sigmoid-of-input",
        "The candidate takes the sigmoid of x. In MUT1 it takes `tanh(x)`.",
        _step(tanh_x=lambda p: sigmoid(p.x)),
    ),
    _m(
        "input-missing-in-candidate",
        "The candidate does not see the input: the term `tanh(x)` is missing. It has no weights of its own, and is "
        "easily overlooked.",
        _step(a_n=lambda p: p.rh @ p.W_hn + p.b_n),
    ),
    *(
        _m(
            "input-weighted-in-candidate",
            f"The input reaches the candidate through the block {block} of W_x. MUT1 has no input weights for the "
            "candidate: x enters it as `tanh(x)`, entry by entry.",
            _step(tanh_x=lambda p, f=f, block=block: f(p.x @ getattr(p, f"W_x{block}"))),
        )
        for block in "rz"
        for f in (tanh, lambda a: a)
    ),
    _m(
        "state-for-input-in-candidate",
        "The candidate takes `tanh(h_prev)` where `tanh(x)` belongs. D is H here, so no shape complains.",
        _step(tanh_x=lambda p: tanh(p.h_prev)),
    ),
    _m(
        "candidate-tanh-missing",
        "The outer tanh of the candidate is missing: `tanh(x)` is one term of the sum, and the tanh of the whole sum "
        "is taken too.",
        _step(n=lambda p: p.a_n),
    ),
    _m(
        "candidate-tanh-twice",
        "The outer tanh of the candidate is taken twice.",
        _step(n=lambda p: tanh(tanh(p.a_n))),
    ),
    _m(
        "candidate-sigmoid",
        "The candidate is the sigmoid of its sum, between 0 and 1. A candidate is a tanh; the two gates are sigmoids.",
        _step(n=lambda p: sigmoid(p.a_n)),
    ),
    _m("candidate-tanh-of-each", _OF_THE_TERMS, _step(n=lambda p: tanh(p.rh @ p.W_hn) + p.tanh_x + p.b_n)),
    _m("candidate-tanh-of-each", _OF_THE_TERMS, _step(n=lambda p: tanh(p.rh @ p.W_hn + p.b_n) + p.tanh_x)),
    _m("candidate-tanh-of-each", _OF_THE_TERMS, _step(n=lambda p: tanh(p.rh @ p.W_hn) + tanh(p.x + p.b_n))),
    _m(
        "tanh-of-input-and-bias",
        "The bias b_n stands inside the tanh of the input. The inner tanh is of x alone: `tanh(x) + b_n`.",
        _step(a_n=lambda p: p.rh @ p.W_hn + tanh(p.x + p.b_n)),
    ),
    _m(
        "tanh-before-bias",
        "The bias b_n is added after the outer tanh. It belongs inside.",
        _step(n=lambda p: tanh(p.rh @ p.W_hn + p.tanh_x) + p.b_n),
    ),
    _m(
        "state-ignored-in-candidate",
        "The candidate does not depend on the state: the term `(r * h_prev) @ W_hn` is missing.",
        _step(a_n=lambda p: p.tanh_x + p.b_n),
    ),
    _m(
        "recurrent-sign",
        "The recurrent term of the reset gate is subtracted; it is added.",
        _step(a_r=lambda p: p.x @ p.W_xr - p.h_prev @ p.W_hr + p.b_r),
    ),
    _m(
        "input-sign",
        "The term `tanh(x)` is subtracted in the candidate; it is added.",
        _step(a_n=lambda p: p.rh @ p.W_hn - p.tanh_x + p.b_n),
    ),
    _m(
        "recurrent-sign",
        "The recurrent term of the candidate is subtracted; it is added.",
        _step(a_n=lambda p: p.tanh_x + p.b_n - p.rh @ p.W_hn),
    ),
    # the reset gate
    _m(
        "reset-missing",
        "The reset gate has no effect: the candidate takes `h_prev @ W_hn`, and should take `(r * h_prev) @ W_hn`.",
        _step(rh=lambda p: p.h_prev),
    ),
    _m(
        "reset-exchanged",
        "The reset gate is one minus what it should be: r = 1 lets the state through to the candidate, r = 0 shuts it "
        "out.",
        _step(rh=lambda p: (1 - p.r) * p.h_prev),
    ),
    _m(
        "reset-after",
        "The reset gate acts after the product, `r * (h_prev @ W_hn)`, as in PyTorch's GRU and in the course's. In "
        "MUT1 it acts before it: `(r * h_prev) @ W_hn`.",
        _step(a_n=lambda p: p.r * (p.h_prev @ p.W_hn) + p.tanh_x + p.b_n),
    ),
    _m(
        "reset-after",
        "The reset gate acts after the product and on the bias, `r * (h_prev @ W_hn + b_n)`. In MUT1 it acts before "
        "the product, on the state: `(r * h_prev) @ W_hn`.",
        _step(a_n=lambda p: p.r * (p.h_prev @ p.W_hn + p.b_n) + p.tanh_x),
    ),
    _m(
        "reset-on-the-input",
        "The reset gate acts on the input's term. It acts on the old state, inside the product: `(r * h_prev) @ W_hn`.",
        _step(a_n=lambda p: p.h_prev @ p.W_hn + p.r * p.tanh_x + p.b_n),
    ),
    _m(
        "reset-on-the-input",
        "The reset gate acts on the input as well, `r * tanh(x)`. It acts on the old state alone.",
        _step(a_n=lambda p: p.rh @ p.W_hn + p.r * p.tanh_x + p.b_n),
    ),
    _m(
        "reset-on-everything",
        "The reset gate multiplies the candidate's whole sum. It acts on the old state alone, inside the product: "
        "`(r * h_prev) @ W_hn`.",
        _step(a_n=lambda p: p.r * (p.h_prev @ p.W_hn + p.tanh_x + p.b_n)),
    ),
    _m(
        "input-for-state-in-candidate",
        "The reset gate lets the input through, `(r * x) @ W_hn`, where the old state belongs: `(r * h_prev) @ W_hn`. "
        "D is H here, so no shape complains.",
        _step(rh=lambda p: p.r * p.x),
    ),
    _m(
        "update-for-reset",
        "The candidate takes `(z * h_prev) @ W_hn`. The gate that acts inside the candidate is r.",
        _step(rh=lambda p: p.z * p.h_prev),
    ),
    _m(
        "reset-for-update",
        "The mixture is made with r. The gate that mixes n and `h_prev` is z.",
        _step(h=lambda p: p.r * p.n + (1 - p.r) * p.h_prev),
    ),
    _m(
        "gates-exchanged",
        "The two gates have each other's place: z acts inside the candidate and r mixes. In MUT1, r acts inside the "
        "candidate and z mixes.",
        _step(rh=lambda p: p.z * p.h_prev, h=lambda p: p.r * p.n + (1 - p.r) * p.h_prev),
    ),
    # what the gates read
    *(
        _m(
            "update-reads-the-state",
            f"The update gate z reads the state too, through the block {block} of W_h, as a GRU's does. In MUT1 it "
            "reads the input alone.",
            _step(a_z=lambda p, block=block: p.x @ p.W_xz + p.h_prev @ getattr(p, f"W_h{block}") + p.b_z),
        )
        for block in "rn"
    ),
    _m(
        "update-reads-the-state",
        "The update gate z reads `h_prev` in place of x. In MUT1 it reads the input alone; D is H here, so no shape "
        "complains.",
        _step(a_z=lambda p: p.h_prev @ p.W_xz + p.b_z),
    ),
    _m(
        "update-ignores-the-input",
        "The update gate z does not depend on the input: the term `x @ W_xz` is missing.",
        _step(a_z=lambda p: p.b_z + 0 * p.x),
    ),
    _m(
        "reset-ignores-the-state",
        "The reset gate r does not depend on the state: the term `h_prev @ W_hr` is missing. It is the update gate "
        "that reads the input alone.",
        _step(a_r=lambda p: p.x @ p.W_xr + p.b_r),
    ),
    _m(
        "reset-ignores-the-input",
        "The reset gate r does not depend on the input: the term `x @ W_xr` is missing.",
        _step(a_r=lambda p: p.h_prev @ p.W_hr + p.b_r),
    ),
    _m(
        "reset-reads-the-input-bare",
        "The reset gate r takes x without weights, as MUT2's does. In MUT1 it takes `x @ W_xr`.",
        _step(a_r=lambda p: p.x + p.h_prev @ p.W_hr + p.b_r),
    ),
    *(
        _m("weights-missing", f"{where} without its weights, {block}. {_SQUARE}.", _step(**lines))
        for where, block, lines in (
            ("The update gate z takes x", "W_xz", {"a_z": lambda p: p.x + p.b_z}),
            ("The reset gate r takes `h_prev`", "W_hr", {"a_r": lambda p: p.x @ p.W_xr + p.h_prev + p.b_r}),
            ("The candidate takes `r * h_prev`", "W_hn", {"a_n": lambda p: p.rh + p.tanh_x + p.b_n}),
        )
    ),
    _m(
        "input-and-state-exchanged",
        "In the reset gate r, x stands before W_hr and `h_prev` before W_xr. D is H here, so no shape complains.",
        _step(a_r=lambda p: p.h_prev @ p.W_xr + p.x @ p.W_hr + p.b_r),
    ),
    _m(
        "input-and-state-exchanged",
        "x and `h_prev` have each other's place throughout. D is H here, so no shape complains.",
        lambda x, h_prev, *weights: mut1_step(h_prev, x, *weights),
    ),
    # nonlinearities of the gates
    *(
        _m(
            "sigmoid-missing",
            f"The sigmoid is missing in {_gates(chosen)}. A gate lies between 0 and 1.",
            _step(**{gate: lambda p, gate=gate: getattr(p, f"a_{gate}") for gate in chosen}),
        )
        for chosen in _GATES
    ),
    *(
        _m(
            "tanh-for-sigmoid",
            f"A tanh is taken for {_gates(chosen)}, so the gate may be negative. A gate is a sigmoid, between 0 and 1.",
            _step(**{gate: lambda p, gate=gate: tanh(getattr(p, f"a_{gate}")) for gate in chosen}),
        )
        for chosen in _GATES
    ),
    *(
        _m(
            "sigmoid-twice",
            f"The sigmoid is taken twice in {_gates(chosen)}, which then lies between 0.5 and 0.74.",
            _step(**{gate: lambda p, gate=gate: sigmoid(sigmoid(getattr(p, f"a_{gate}"))) for gate in chosen}),
        )
        for chosen in _GATES
    ),
    *(
        _m(
            "sigmoid-overflow",
            _OVERFLOW.format("sigmoid", "The one of `rnnlib.activations`"),
            _step(**{gate: lambda p, gate=gate: _naive_sigmoid(getattr(p, f"a_{gate}")) for gate in chosen}),
        )
        for chosen in _GATES
    ),
    *(
        _m("tanh-overflow", _OVERFLOW.format("tanh", "`np.tanh`"), _step(**lines))
        for f in (_naive_tanh, _naive_tanh_of_one_exponential, lambda a: -_naive_tanh_of_one_exponential(-a))
        for lines in _subsets_of({"tanh_x": lambda p, f=f: f(p.x), "n": lambda p, f=f: f(p.a_n)})
    ),
    # biases
    *(
        _m(
            "bias-missing",
            f"The bias is not added in {_gates(chosen)}.",
            _step(**{f"b_{gate}": lambda p: 0.0 for gate in chosen}),
        )
        for chosen in _subsets("rzn")
    ),
    *(
        _m(
            "bias-sign",
            f"The bias is subtracted in {_gates(chosen)}; it is added.",
            _step(**{f"b_{gate}": lambda p, gate=gate: -STEP[f"b_{gate}"](p) for gate in chosen}),
        )
        for chosen in _subsets("rzn")
    ),
    _m(
        "bias-twice",
        "The bias is added twice. The course has one bias for both products.",
        lambda x, h_prev, W_x, W_h, b: mut1_step(x, h_prev, W_x, W_h, 2 * b),
    ),
    # the blocks side by side
    _m(
        "gate-order",
        "Your blocks of W_x and b lie in the order z, r. In this exercise the order is r, z in W_x, r, n in W_h and r, "
        "z, n in b, whatever comes first among the equations.",
        _step(**_exchanged(STEP, "W_xr", "W_xz"), **_exchanged(STEP, "b_r", "b_z")),
    ),
    _m(
        "gate-order",
        "Your blocks of W_x lie in the order z, r. They stand in the order r, z: the first H columns are the reset "
        "gate's.",
        _step(**_exchanged(STEP, "W_xr", "W_xz")),
    ),
    _m(
        "gate-order",
        "Your blocks of W_h lie in the order n, r. They stand in the order r, n: the first H columns are the reset "
        "gate's.",
        _step(**_exchanged(STEP, "W_hr", "W_hn")),
    ),
    _m(
        "gate-order",
        "Your blocks lie in the order z, r in W_x, n, r in W_h and n, z, r in b. They stand in the order r, z in W_x, "
        "r, n in W_h and r, z, n in b.",
        _step(**_exchanged(STEP, "W_xr", "W_xz"), **_exchanged(STEP, "W_hr", "W_hn"), **_exchanged(STEP, "b_r", "b_n")),
    ),
    *(
        _m(
            "bias-order",
            f"Your blocks of b lie in the order {', '.join(order)}. They stand in the order r, z, n.",
            _step(**_order_of_biases(order)),
        )
        for order in _ORDERS
    ),
    _m(
        "bias-order",
        "The bias of the candidate is read from b's block z, which is the update gate's. The blocks are r, z, n; the "
        "candidate's is the third, though n is the second block of W_h.",
        _step(b_n=STEP["b_z"]),
    ),
    _m(
        "blocks-interleaved",
        "The columns of W_x and W_h are taken in turns, every second one for a block. A block's columns stand side by "
        "side: the first H, then the next H.",
        _step(**{f"W_{k}": _interleaved(f"W_{k[0]}", place, 2) for k, place in dict(xr=0, xz=1, hr=0, hn=1).items()}),
    ),
    _m(
        "blocks-interleaved",
        "The columns of W_x and W_h and the entries of b are taken in turns. A block's columns stand side by side: the "
        "first H, then the next H.",
        _step(
            **{f"W_{k}": _interleaved(f"W_{k[0]}", place, 2) for k, place in dict(xr=0, xz=1, hr=0, hn=1).items()},
            **{f"b_{gate}": _interleaved("b", k, 3) for k, gate in enumerate("rzn")},
        ),
    ),
    # transposes
    *(
        _m(
            "weights-transposed",
            f"Transposed: {_listed(chosen)}. With row vectors a vector stands to the left of the matrix as it is, and "
            f"entry (i, j) leads from i to unit j. {_SQUARE}.",
            _step(**_transposed(STEP, chosen)),
        )
        for chosen in _subsets(_MATRICES)
    ),
    # what is kept for the backward step, the state being right
    _m(
        "cache-new-state",
        "The state is right, but the cache holds the new state as `h_prev`. The backward step needs the one before.",
        _step(cache=lambda p: MUT1Cache(p.x, p.h, p.r, p.z, p.n, p.tanh_x)),
    ),
    _m(
        "cache-reset-state",
        "The state is right, but the cache holds `r * h_prev` as `h_prev`. It should hold the state before as it came.",
        _step(cache=lambda p: MUT1Cache(p.x, p.rh, p.r, p.z, p.n, p.tanh_x)),
    ),
    _m(
        "cache-reset-state",
        "The state is right, but the cache holds `r * h_prev` as `r`. It should hold the reset gate itself.",
        _step(cache=lambda p: MUT1Cache(p.x, p.h_prev, p.rh, p.z, p.n, p.tanh_x)),
    ),
    _m(
        "cache-one-minus-z",
        "The state is right, but the cache holds one minus the update gate as `z`.",
        _step(cache=lambda p: MUT1Cache(p.x, p.h_prev, p.r, 1 - p.z, p.n, p.tanh_x)),
    ),
    *(
        _m(
            "cache-before-the-nonlinearity",
            f"The state is right, but in the cache {_listed(f'`{name}`' for name in chosen)} "
            f"{'are as they were' if len(chosen) > 1 else 'is as it was'} before the nonlinearity. The backward step "
            "needs the values after it.",
            _step(
                cache=lambda p, chosen=chosen: STEP["cache"](p)._replace(
                    **{name: getattr(p, {"tanh_x": "x"}.get(name, f"a_{name}")) for name in chosen}
                )
            ),
        )
        for chosen in _subsets(("r", "z", "n", "tanh_x"))
    ),
    *(
        _m(
            "cache-entries-exchanged",
            f"The state is right, but in the cache `{one}` and `{other}` have each other's place: MUT1Cache(x, h_prev, "
            "r, z, n, tanh_x).",
            _step(
                cache=lambda p, one=one, other=other: STEP["cache"](p)._replace(
                    **{one: getattr(p, other), other: getattr(p, one)}
                )
            ),
        )
        for one, other in itertools.combinations(MUT1Cache._fields, 2)
    ),
    *(
        _m(
            "cache-other-input",
            f"The state is right, but the cache holds {what} as `tanh_x`. It should hold the tanh of the input.",
            _step(cache=lambda p, line=line: STEP["cache"](p)._replace(tanh_x=line(p))),
        )
        for what, line in (
            ("`1 - tanh(x)**2`", lambda p: 1 - p.tanh_x**2),
            ("the candidate n", lambda p: p.n),
            ("the tanh of the new state", lambda p: tanh(p.h)),
        )
    ),
)


def _summed(*names):
    return lambda p: sum(getattr(p, name) for name in names)


def _beside(*names):
    return lambda p: np.concatenate([getattr(p, name) for name in names], axis=-1)


BACK = {
    "x": lambda p: p.cache.x,
    "h_prev": lambda p: p.cache.h_prev,
    "r": lambda p: p.cache.r,
    "z": lambda p: p.cache.z,
    "n": lambda p: p.cache.n,
    "tanh_x": lambda p: p.cache.tanh_x,
    "h": STEP["h"],
    **{name: STEP[name] for name in _MATRICES},
    # back through the mixture
    "dz": lambda p: p.dh * (p.n - p.h_prev),
    "dn": lambda p: p.dh * p.z,
    "h_prev_kept": lambda p: p.dh * (1 - p.z),
    # back through the candidate
    "slope_n": lambda p: 1 - p.n**2,
    "da_n": lambda p: p.dn * p.slope_n,
    "drh": lambda p: p.da_n @ p.W_hn.T,
    "h_prev_in_n": lambda p: p.drh * p.r,
    "dr": lambda p: p.drh * p.h_prev,
    "slope_x": lambda p: 1 - p.tanh_x**2,
    "x_in_n": lambda p: p.da_n * p.slope_x,
    # back through the gates
    "slope_r": lambda p: p.r * (1 - p.r),
    "slope_z": lambda p: p.z * (1 - p.z),
    "da_r": lambda p: p.dr * p.slope_r,
    "da_z": lambda p: p.dz * p.slope_z,
    "h_prev_in_r": lambda p: p.da_r @ p.W_hr.T,
    "x_in_r": lambda p: p.da_r @ p.W_xr.T,
    "x_in_z": lambda p: p.da_z @ p.W_xz.T,
    # the answers
    "dx": _summed("x_in_n", "x_in_r", "x_in_z"),
    "dh_prev": _summed("h_prev_kept", "h_prev_in_n", "h_prev_in_r"),
    "dW_xr": lambda p: p.x.T @ p.da_r,
    "dW_xz": lambda p: p.x.T @ p.da_z,
    "dW_hr": lambda p: p.h_prev.T @ p.da_r,
    "dW_hn": lambda p: (p.r * p.h_prev).T @ p.da_n,
    "dW_x": _beside("dW_xr", "dW_xz"),
    "dW_h": _beside("dW_hr", "dW_hn"),
    "da": _beside("da_r", "da_z", "da_n"),
    "db": lambda p: p.da.sum(axis=0),
}


def _back(**changed):
    """A backward step in which some lines are other than in `BACK`."""
    lines = BACK | changed

    def variant(dh, cache, W_x, W_h):
        p = _worked_out(lines, dh=dh, cache=cache, W_x=W_x, W_h=W_h)
        return p.dx, p.dh_prev, p.dW_x, p.dW_h, p.db

    return variant


def _slopes(chosen, slope):
    """Another derivative of the gates or of the candidate."""
    return {f"slope_{gate}": lambda p, gate=gate: slope(getattr(p, gate)) for gate in chosen}


def _reordered(place):
    return lambda *args: tuple(mut1_step_backward(*args)[k] for k in place)


_H_PATHS = {
    "h_prev_kept": "the one through the kept share, `dh * (1 - z)`",
    "h_prev_in_n": "the one through the candidate, the gradient of `r * h_prev` times r",
    "h_prev_in_r": "the one through the reset gate, by W_hr",
}
_X_PATHS = {
    "x_in_n": "the one through `tanh(x)` in the candidate",
    "x_in_r": "the one through the reset gate, by W_xr",
    "x_in_z": "the one through the update gate, by W_xz",
}
_H_NAMES = {"h_prev_kept": "old-state", "h_prev_in_n": "candidate", "h_prev_in_r": "reset"}
_X_NAMES = {"x_in_n": "input-in-candidate", "x_in_r": "input-in-reset", "x_in_z": "input-in-update"}


def _paths_missing(of, paths, names):
    """Gradients by x or h_prev that lack one of their three paths, or have only one."""
    for missing, which in paths.items():
        kept = [path for path in paths if path != missing]
        words = (
            f"`{of}` lacks one of its three paths: {which}. `{of[1:]}` acts on h by three paths, and its gradient is "
            "their sum."
        )
        yield _m(f"path-through-{names[missing]}-missing", words, _back(**{of: _summed(*kept)}))
    for turned, which in paths.items():
        words = f"In `{of}`, one of the three paths is subtracted: {which}. What comes back by several paths adds up."
        yield _m("path-subtracted", words, _back(**{turned: lambda p, turned=turned: -BACK[turned](p)}))
    for alone, which in paths.items():
        words = (
            f"`{of}` has only one of its three paths: {which}. The others are missing, or a later line puts this one "
            "in their place (`=` where the sum is due)."
        )
        yield _m(f"{of.replace('_', '-')}-of-one-path", words, _back(**{of: _summed(alone)}))


_OWN_VALUE = "The cache holds the value after the nonlinearity, so its derivative is {}, with no function taken again."

MUT1_STEP_BACKWARD_MISTAKES = (
    # through the mixture
    _m(
        "update-exchanged",
        "This is the gradient of `(1 - z) * n + z * h_prev`, the convention of the course's GRU, in which z = 1 keeps "
        "the old state. In MUT1 it renews: h = z * n + (1 - z) * h_prev.",
        _back(dz=lambda p: p.dh * (p.h_prev - p.n), dn=lambda p: p.dh * (1 - p.z), h_prev_kept=lambda p: p.dh * p.z),
    ),
    _m(
        "update-gradient-sign",
        "The gradient by the update gate has the wrong sign: with h = z * n + (1 - z) * h_prev, a larger z moves h "
        "from `h_prev` towards n, so dz is dh times `n - h_prev`.",
        _back(dz=lambda p: p.dh * (p.h_prev - p.n)),
    ),
    _m(
        "update-gradient-one-term",
        "The gradient by the update gate is dh times n. z stands in h twice, in z * n and in (1 - z) * h_prev: dz is "
        "dh times `n - h_prev`.",
        _back(dz=lambda p: p.dh * p.n),
    ),
    _m(
        "update-gradient-one-term",
        "The gradient by the update gate is dh times minus `h_prev`. z stands in h twice, in z * n and in (1 - z) * "
        "h_prev: dz is dh times `n - h_prev`.",
        _back(dz=lambda p: -p.dh * p.h_prev),
    ),
    _m(
        "update-gradient-one-term",
        "The gradient by the update gate is dh times `n + h_prev`. The old state's share is 1 - z, whose derivative "
        "by z is -1.",
        _back(dz=lambda p: p.dh * (p.n + p.h_prev)),
    ),
    _m(
        "update-gradient-one-term",
        "The gradient by the update gate is dh times `h_prev`. z stands in h twice, in z * n and in (1 - z) * h_prev: "
        "dz is dh times `n - h_prev`.",
        _back(dz=lambda p: p.dh * p.h_prev),
    ),
    _m(
        "update-gradient-one-term",
        "The gradient by the update gate is dh itself. In h, z is multiplied by n, and 1 - z by `h_prev`: dz is dh "
        "times `n - h_prev`.",
        _back(dz=lambda p: p.dh),
    ),
    *(
        _m(
            "incoming-gradient-missing",
            f"{where} without dh: this is a derivative of h alone. Every gradient begins with dh, the gradient of the "
            "loss by h.",
            _back(**lines),
        )
        for where, lines in (
            ("The gradient by the update gate is taken", {"dz": lambda p: p.n - p.h_prev}),
            ("The gradient by the candidate is taken", {"dn": lambda p: p.z}),
            ("The kept share goes into `dh_prev`", {"h_prev_kept": lambda p: 1 - p.z}),
        )
    ),
    _m(
        "path-through-update-missing",
        "Nothing goes back through the update gate: its gradient is 0 everywhere. z stands in h = z * n + (1 - z) * "
        "h_prev, so dz is dh times `n - h_prev`.",
        _back(da_z=lambda p: 0 * p.dh),
    ),
    _m(
        "candidate-gradient-not-gated",
        "The candidate gets all of dh. Its share in h is z, so its gradient is `dh * z`.",
        _back(dn=lambda p: p.dh),
    ),
    _m(
        "candidate-gradient-not-gated",
        "The candidate gets the share 1 - z of dh. Its share in h is z, so its gradient is `dh * z`.",
        _back(dn=lambda p: p.dh * (1 - p.z)),
    ),
    _m(
        "old-state-gradient-not-gated",
        "The old state gets all of dh by the direct path. Its share in h is 1 - z, so that path brings `dh * (1 - z)`.",
        _back(h_prev_kept=lambda p: p.dh),
    ),
    _m(
        "old-state-gradient-not-gated",
        "The old state gets the share z of dh by the direct path. Its share in h is 1 - z, so that path brings "
        "`dh * (1 - z)`.",
        _back(h_prev_kept=lambda p: p.dh * p.z),
    ),
    _m(
        "shares-exchanged",
        "The candidate gets the share 1 - z of dh and the old state the share z. In MUT1, z is the candidate's: h = z "
        "* n + (1 - z) * h_prev. dz has the right sign already.",
        _back(dn=lambda p: p.dh * (1 - p.z), h_prev_kept=lambda p: p.dh * p.z),
    ),
    # the paths by which x and h_prev reach h
    *_paths_missing("dh_prev", _H_PATHS, _H_NAMES),
    *_paths_missing("dx", _X_PATHS, _X_NAMES),
    _m(
        "path-through-reset-missing",
        "Nothing goes back through the reset gate: its gradient is 0 everywhere. r stands inside the candidate, in r * "
        "h_prev, so dr is the gradient of that product times `h_prev`.",
        _back(da_r=lambda p: 0 * p.dh),
    ),
    _m(
        "path-through-reset-missing",
        "The path through the reset gate is missing in both `dx` and `dh_prev`; the weights' gradients have it.",
        _back(dx=_summed("x_in_n", "x_in_z"), dh_prev=_summed("h_prev_kept", "h_prev_in_n")),
    ),
    # through the candidate
    _m(
        "tanh-derivative-missing",
        "The derivative of the candidate's outer tanh is missing: between dn and the sum inside stands the factor "
        "`1 - n**2`.",
        _back(slope_n=lambda p: 1.0),
    ),
    _m(
        "tanh-derivative-not-squared",
        "The derivative of the candidate's outer tanh is taken as 1 - n. It is `1 - n**2`.",
        _back(slope_n=lambda p: 1 - p.n),
    ),
    _m(
        "tanh-derivative-twice",
        "The derivative of the candidate's outer tanh is taken twice.",
        _back(slope_n=lambda p: (1 - p.n**2) ** 2),
    ),
    _m(
        "tanh-derivative-of-the-value",
        "The tanh of n is taken again for the derivative. " + _OWN_VALUE.format("`1 - n**2`"),
        _back(slope_n=lambda p: 1 - tanh(p.n) ** 2),
    ),
    _m(
        "sigmoid-derivative-for-candidate",
        "The candidate gets the sigmoid's derivative, n * (1 - n). It is a tanh: `1 - n**2`.",
        _back(**_slopes("n", lambda n: n * (1 - n))),
    ),
    _m(
        "input-derivative-missing",
        "The derivative of `tanh(x)` is missing in `dx`: the candidate's path ends as if x stood there bare. The "
        "factor is 1 - tanh(x)².",
        _back(slope_x=lambda p: 1.0),
    ),
    _m(
        "input-derivative-not-squared",
        "The derivative of `tanh(x)` is taken as 1 - tanh(x) in `dx`. It is 1 - tanh(x)².",
        _back(slope_x=lambda p: 1 - p.tanh_x),
    ),
    _m(
        "input-derivative-of-x",
        "The derivative of `tanh(x)` is taken as 1 - x² in `dx`. It is 1 - tanh(x)²; the cache holds tanh(x).",
        _back(slope_x=lambda p: 1 - p.x**2),
    ),
    _m(
        "input-derivative-of-the-value",
        "The tanh of `tanh_x` is taken again for the derivative in `dx`. " + _OWN_VALUE.format("1 - tanh_x²"),
        _back(slope_x=lambda p: 1 - tanh(p.tanh_x) ** 2),
    ),
    _m(
        "outer-derivative-skipped",
        "On the path through `tanh(x)`, `dx` has the derivative of the inner tanh but not that of the outer: the "
        "gradient comes from the sum inside n, after the factor `1 - n**2`.",
        _back(x_in_n=lambda p: p.dn * p.slope_x),
    ),
    _m(
        "outer-derivative-skipped",
        "On the path through W_hn, the factor `1 - n**2` of the outer tanh is missing: the product sends back the "
        "gradient of the sum inside n.",
        _back(drh=lambda p: p.dn @ p.W_hn.T),
    ),
    _m(
        "reset-after",
        "This is the gradient of `r * (h_prev @ W_hn)`, the reset gate after the product, as in PyTorch's GRU. In "
        "MUT1 it stands before: `(r * h_prev) @ W_hn`.",
        _back(
            drh=lambda p: (p.da_n * p.r) @ p.W_hn.T,
            h_prev_in_n=lambda p: p.drh,
            dr=lambda p: p.da_n * (p.h_prev @ p.W_hn),
            dW_hn=lambda p: p.h_prev.T @ (p.da_n * p.r),
        ),
    ),
    _m(
        "reset-after",
        "The gradient by r is taken as if the reset gate stood after the product: da_n times `h_prev @ W_hn`. In MUT1 "
        "it stands before: first back through W_hn, then times `h_prev`.",
        _back(dr=lambda p: p.da_n * (p.h_prev @ p.W_hn)),
    ),
    _m(
        "reset-gate-forgotten",
        "On the candidate's path `dh_prev` lacks the factor r: W_hn saw r * h_prev, so the gradient that comes back "
        "through it is multiplied by r.",
        _back(h_prev_in_n=lambda p: p.drh),
    ),
    _m(
        "reset-gate-forgotten",
        "`dW_h` has `h_prev` in its block n. W_hn saw `r * h_prev`, so its gradient is made of that.",
        _back(dW_hn=lambda p: p.h_prev.T @ p.da_n),
    ),
    _m(
        "reset-gate-forgotten",
        "The factor r is missing in two places: on the candidate's path of `dh_prev`, and in the block n of `dW_h`. "
        "W_hn saw `r * h_prev`, not `h_prev`.",
        _back(h_prev_in_n=lambda p: p.drh, dW_hn=lambda p: p.h_prev.T @ p.da_n),
    ),
    _m(
        "reset-everywhere",
        "`dW_h` has `r * h_prev` in its block r too. W_hr saw `h_prev` itself.",
        _back(dW_hr=lambda p: (p.r * p.h_prev).T @ p.da_r),
    ),
    _m(
        "reset-everywhere",
        "The factor r stands in both products of `dh_prev` by W_h, as if r * h_prev had gone into the reset gate too. "
        "W_hr saw `h_prev` itself.",
        _back(h_prev_in_r=lambda p: p.r * (p.da_r @ p.W_hr.T)),
    ),
    _m(
        "reset-exchanged",
        "This is the gradient of (1 - r) * h_prev in the candidate. It is r * h_prev.",
        _back(
            h_prev_in_n=lambda p: p.drh * (1 - p.r),
            dr=lambda p: -p.drh * p.h_prev,
            dW_hn=lambda p: ((1 - p.r) * p.h_prev).T @ p.da_n,
        ),
    ),
    _m(
        "reset-gradient-sign",
        "The gradient by the reset gate has the wrong sign.",
        _back(dr=lambda p: -p.drh * p.h_prev),
    ),
    _m(
        "reset-gradient-without-state",
        "The gradient by the reset gate lacks the factor `h_prev`: r is multiplied by it in the candidate.",
        _back(dr=lambda p: p.drh),
    ),
    _m(
        "reset-gradient-without-state",
        "The gradient by the reset gate has the factor r where `h_prev` belongs: of the product r * h_prev, the "
        "derivative by r is `h_prev`.",
        _back(dr=lambda p: p.drh * p.r),
    ),
    _m(
        "reset-product-rule-exchanged",
        "In the product r * h_prev the factors are exchanged: the gradient by r has the factor `h_prev`, that by "
        "`h_prev` the factor r.",
        _back(dr=lambda p: p.drh * p.r, h_prev_in_n=lambda p: p.drh * p.h_prev),
    ),
    _m(
        "weights-skipped",
        "The gradient of r * h_prev is taken as that of the candidate's sum: the product with W_hn transposed is "
        "missing. W_hn is square, so no shape complains.",
        _back(drh=lambda p: p.da_n),
    ),
    *(
        _m(
            "weights-skipped",
            f"{where} is added to {of} without the product with {W} transposed. {_SQUARE}.",
            _back(**lines),
        )
        for where, of, W, lines in (
            ("The gradient of the reset gate's sum", "`dx`", "W_xr", {"x_in_r": lambda p: p.da_r}),
            ("The gradient of the update gate's sum", "`dx`", "W_xz", {"x_in_z": lambda p: p.da_z}),
            ("The gradient of the reset gate's sum", "`dh_prev`", "W_hr", {"h_prev_in_r": lambda p: p.da_r}),
        )
    ),
    _m(
        "weights-skipped",
        "The gradient by r skips W_hn: da_n is multiplied by `h_prev` before it has gone back through the product.",
        _back(dr=lambda p: p.da_n * p.h_prev),
    ),
    _m(
        "update-for-reset",
        "The gradient goes back through z * h_prev in the candidate. The gate there is r.",
        _back(h_prev_in_n=lambda p: p.drh * p.z, dW_hn=lambda p: (p.z * p.h_prev).T @ p.da_n),
    ),
    # the gates' derivatives
    *(
        _m(
            "sigmoid-derivative-missing",
            f"The sigmoid's derivative is missing in {_gates(chosen)}: the factor is s * (1 - s) for a gate s.",
            _back(**_slopes(chosen, np.ones_like)),
        )
        for chosen in _GATES
    ),
    *(
        _m(
            "sigmoid-derivative-missing",
            f"Of the sigmoid's derivative s * (1 - s), only the factor {factor} is there in {_gates(chosen)}.",
            _back(**_slopes(chosen, slope)),
        )
        for factor, slope in (("1 - s", lambda s: 1 - s), ("s", lambda s: s))
        for chosen in _GATES
    ),
    *(
        _m(
            "tanh-derivative-for-gate",
            f"The tanh's derivative, one minus the square, is used in {_gates(chosen)}. A gate s is a sigmoid: "
            "s * (1 - s).",
            _back(**_slopes(chosen, lambda s: 1 - s**2)),
        )
        for chosen in _GATES
    ),
    *(
        _m(
            "sigmoid-derivative-of-the-value",
            f"The sigmoid is taken again for the derivative in {_gates(chosen)}. " + _OWN_VALUE.format("s * (1 - s)"),
            _back(**_slopes(chosen, lambda s: sigmoid(s) * (1 - sigmoid(s)))),
        )
        for chosen in _GATES
    ),
    *(
        _m(
            "sigmoid-derivative-twice",
            f"The sigmoid's derivative is taken twice in {_gates(chosen)}.",
            _back(**_slopes(chosen, lambda s: (s * (1 - s)) ** 2)),
        )
        for chosen in _GATES
    ),
    _m(
        "gate-derivatives-exchanged",
        "The derivatives of the two sigmoids have each other's place: r * (1 - r) belongs to the reset gate, z * (1 - "
        "z) to the update gate.",
        _back(**_exchanged(BACK, "slope_r", "slope_z")),
    ),
    _m(
        "gate-derivatives-exchanged",
        "Both gates have the derivative z * (1 - z). The reset gate's is r * (1 - r).",
        _back(slope_r=lambda p: p.z * (1 - p.z)),
    ),
    _m(
        "gate-derivatives-exchanged",
        "Both gates have the derivative r * (1 - r). The update gate's is z * (1 - z).",
        _back(slope_z=lambda p: p.r * (1 - p.r)),
    ),
    _m(
        "update-reads-the-state",
        "`dh_prev` has a path through the update gate, by W_hr. In MUT1 z does not read the state, and W_h has no "
        "block for it.",
        _back(dh_prev=lambda p: BACK["dh_prev"](p) + p.da_z @ p.W_hr.T),
    ),
    _m(
        "update-reads-the-state",
        "`dh_prev` has a path through the update gate, by W_xz. In MUT1 z reads the input alone.",
        _back(dh_prev=lambda p: BACK["dh_prev"](p) + p.da_z @ p.W_xz.T),
    ),
    # the weights
    _m(
        "new-state-in-weights",
        "`dW_h` is made of the new state h. The recurrent weights saw the state before: `h_prev`.",
        _back(dW_hr=lambda p: p.h.T @ p.da_r, dW_hn=lambda p: (p.r * p.h).T @ p.da_n),
    ),
    _m(
        "new-state-in-weights",
        "The block r of `dW_h` is made of the new state h. The recurrent weights saw the state before: `h_prev`.",
        _back(dW_hr=lambda p: p.h.T @ p.da_r),
    ),
    _m(
        "input-and-state-exchanged",
        "`dW_x` is made of `h_prev`, and `dW_h` of x. D is H here, so no shape complains.",
        _back(
            dW_xr=lambda p: p.h_prev.T @ p.da_r,
            dW_xz=lambda p: p.h_prev.T @ p.da_z,
            dW_hr=lambda p: p.x.T @ p.da_r,
            dW_hn=lambda p: (p.r * p.x).T @ p.da_n,
        ),
    ),
    _m(
        "input-and-state-exchanged",
        "`dW_x` is made of `h_prev`. W_x saw the input x; D is H here, so no shape complains.",
        _back(dW_xr=lambda p: p.h_prev.T @ p.da_r, dW_xz=lambda p: p.h_prev.T @ p.da_z),
    ),
    _m(
        "input-and-state-exchanged",
        "The block r of `dW_h` is made of x. W_hr saw `h_prev`; D is H here, so no shape complains.",
        _back(dW_hr=lambda p: p.x.T @ p.da_r),
    ),
    _m(
        "candidate-input-in-weights",
        "`dW_x` is made of `tanh(x)`. The gates saw x itself; the tanh is of the candidate's term alone.",
        _back(dW_xr=lambda p: p.tanh_x.T @ p.da_r, dW_xz=lambda p: p.tanh_x.T @ p.da_z),
    ),
    _m(
        "bias-gradient-averaged",
        "The gradient by the bias is averaged over the batch. Each row adds its own: it is the sum over the rows, "
        "and the loss has already been divided where it is a mean.",
        _back(db=lambda p: p.da.mean(axis=0)),
    ),
    _m(
        "bias-gradient-not-summed",
        "The gradient by the bias has a row for each row of the batch. One bias serves all rows, so its gradient is "
        "their sum.",
        _back(db=lambda p: p.da),
    ),
    _m(
        "bias-gradient-not-summed",
        "The gradient by the bias is summed over the units. It is summed over the rows of the batch, `axis=0`, which "
        "leaves one number for each bias.",
        _back(db=lambda p: p.da.sum(axis=1)),
    ),
    _m(
        "bias-gradient-of-one-row",
        "The gradient by the bias is that of the first row of the batch. Each row adds its own: sum over the rows.",
        _back(db=lambda p: p.da[0]),
    ),
    _m(
        "weight-gradients-averaged",
        "The gradients by the weights are divided by the size of the batch. Each row adds its own, and the loss has "
        "already been divided where it is a mean.",
        _back(dW_x=lambda p: BACK["dW_x"](p) / len(p.dh), dW_h=lambda p: BACK["dW_h"](p) / len(p.dh)),
    ),
    _m(
        "weight-gradients-averaged",
        "The gradients by the weights and the bias are divided by the size of the batch. Each row adds its own, and "
        "the loss has already been divided where it is a mean.",
        _back(
            dW_x=lambda p: BACK["dW_x"](p) / len(p.dh),
            dW_h=lambda p: BACK["dW_h"](p) / len(p.dh),
            db=lambda p: p.da.mean(axis=0),
        ),
    ),
    # order and transposes
    _m(
        "outputs-exchanged",
        "`dW_x` and `dW_h` have each other's place. Both are of shape (H, 2H), so no shape complains; the order is dx, "
        "dh_prev, dW_x, dW_h, db.",
        _reordered((0, 1, 3, 2, 4)),
    ),
    _m(
        "outputs-exchanged",
        "`dx` and `dh_prev` have each other's place. Both are of shape (B, H), so no shape complains; the order is dx, "
        "dh_prev, dW_x, dW_h, db.",
        _reordered((1, 0, 2, 3, 4)),
    ),
    _m(
        "outputs-exchanged",
        "The gradients by the state stand before those by the input: dh_prev, dx, dW_h, dW_x, db. The order is that of "
        "the arguments: dx, dh_prev, dW_x, dW_h, db.",
        _reordered((1, 0, 3, 2, 4)),
    ),
    _m(
        "gate-order",
        "Your blocks of W_x and of its gradient lie in the order z, r, and those of `db` in the order z, r, n. They "
        "stand in the order r, z, and r, z, n.",
        _back(**_exchanged(BACK, "W_xr", "W_xz"), dW_x=_beside("dW_xz", "dW_xr"), da=_beside("da_z", "da_r", "da_n")),
    ),
    _m(
        "gate-order",
        "Your blocks of W_x lie in the order z, r. They stand in the order r, z: the first H columns are the reset "
        "gate's.",
        _back(**_exchanged(BACK, "W_xr", "W_xz")),
    ),
    _m(
        "gate-order",
        "Your blocks of W_h lie in the order n, r. They stand in the order r, n: the first H columns are the reset "
        "gate's.",
        _back(**_exchanged(BACK, "W_hr", "W_hn")),
    ),
    _m(
        "gate-order",
        "The blocks of `dW_x` lie in the order z, r. They stand in the order r, z, as in W_x.",
        _back(dW_x=_beside("dW_xz", "dW_xr")),
    ),
    _m(
        "gate-order",
        "The blocks of `dW_h` lie in the order n, r. They stand in the order r, n, as in W_h.",
        _back(dW_h=_beside("dW_hn", "dW_hr")),
    ),
    _m(
        "gate-order",
        "The blocks of `dW_x` lie in the order z, r and those of `db` in the order z, r, n. They stand in the order "
        "r, z, and r, z, n, as in W_x and b.",
        _back(dW_x=_beside("dW_xz", "dW_xr"), da=_beside("da_z", "da_r", "da_n")),
    ),
    *(
        _m(
            "bias-order",
            f"The blocks of `db` lie in the order {', '.join(order)}. They stand in the order r, z, n, as in b.",
            _back(da=_beside(*(f"da_{gate}" for gate in order))),
        )
        for order in _ORDERS
    ),
    *(
        _m(
            "transpose-missing",
            f"On the way back, {_listed(chosen)} {'stand' if len(chosen) > 1 else 'stands'} as on the way forward. "
            f"Back through `v @ W` the gradient goes by `W.T`. {_SQUARE}.",
            _back(**_transposed(BACK, chosen)),
        )
        for chosen in _subsets(_MATRICES)
    ),
    *(
        _m(
            "weight-gradient-transposed",
            f"{_listed(f'`d{name}`' for name in chosen)} {'stand' if len(chosen) > 1 else 'stands'} on end, of shape "
            "(2H, H): `da.T @ v` where `v.T @ da` is due, with what came in to the left.",
            _back(**{f"d{name}": lambda p, name=f"d{name}": BACK[name](p).T for name in chosen}),
        )
        for chosen in _subsets(("W_x", "W_h"))
    ),
    *(
        _m(
            "weight-gradient-transposed",
            f"Transposed: the gradient by {_listed(chosen)}. Row i of a weight's gradient belongs to what came in, as "
            f"row i of the weight does: `v.T @ da`, with v to the left. {_SQUARE}.",
            _back(**_transposed(BACK, [f"d{name}" for name in chosen])),
        )
        for chosen in _subsets(_MATRICES)
    ),
)


def _share(mask, divisor=lambda losses, lengths: lengths.sum()):
    """The sum of the losses in a mask, divided by some number."""
    return lambda losses, lengths: losses[mask(losses, lengths)].sum() / divisor(losses, lengths)


def _until(more=0, first=0):
    """A mask of the steps from `first` to a sequence's length and `more`."""

    def mask(losses, lengths):
        t = np.arange(len(losses))[:, None]
        return (t >= first) & (t < lengths + more)

    return mask


def _own(mask):
    return lambda losses, lengths: mask(losses, lengths).sum()


def _by_row(losses, lengths):
    return [losses[:n, i] for i, n in enumerate(lengths)]


_right = _share(_until())

HELD_OUT_LOSS_MISTAKES = (
    _m(
        "padding-counted",
        "The mean is taken over the whole array, padding included. A sequence's steps from its length on are padding: "
        "leave them out of the sum and of the number.",
        lambda losses, lengths: losses.mean(),
    ),
    _m(
        "padding-counted",
        "The padding is left out of the sum, but counted in the number it is divided by. Divide by the number of real "
        "steps, the sum of the lengths.",
        _share(_until(), lambda losses, lengths: losses.size),
    ),
    _m(
        "padding-counted",
        "The padding is left out of the number, but not of the sum. Set it to 0 or pick the real steps before you sum.",
        lambda losses, lengths: losses.sum() / lengths.sum(),
    ),
    _m(
        "mean-of-means",
        "This is the mean of the sequences' own means, in which a step of a short sequence weighs more than one of a "
        "long. Every prediction counts the same: divide the sum of all by the number of all.",
        lambda losses, lengths: np.mean([row.mean() for row in _by_row(losses, lengths)]),
    ),
    _m(
        "mean-of-means",
        "This is the mean of the time steps' own means, in which a late step, which few sequences reach, weighs more "
        "than an early one. Every prediction counts the same: divide the sum of all by the number of all.",
        lambda losses, lengths: np.mean(
            [row[t < lengths].mean() for t, row in enumerate(losses) if (t < lengths).any()]
        ),
    ),
    _m(
        "lengths-off-by-one",
        "Every sequence counts one step too many: the first of its padding. With a length n the steps are 0 to n - 1.",
        _share(_until(1), _own(_until(1))),
    ),
    _m(
        "lengths-off-by-one",
        "Every sequence's sum has one step too many, the first of its padding. With a length n the steps are 0 to n - "
        "1.",
        _share(_until(1)),
    ),
    _m(
        "lengths-off-by-one",
        "Every sequence lacks its last step. With a length n the steps are 0 to n - 1, and `[:n]` takes them all.",
        _share(_until(-1), _own(_until(-1))),
    ),
    _m(
        "lengths-off-by-one",
        "Every sequence's sum lacks its last step. With a length n the steps are 0 to n - 1, and `[:n]` takes them "
        "all.",
        _share(_until(-1)),
    ),
    _m(
        "first-step-missing",
        "Every sequence lacks its first step, which has the index 0.",
        _share(_until(first=1), _own(_until(first=1))),
    ),
    _m(
        "first-step-missing",
        "Every sequence's sum lacks its first step, which has the index 0.",
        _share(_until(first=1)),
    ),
    _m(
        "time-and-batch-swapped",
        "The lengths cut the rows of `losses`, which are time steps. The course has time first, (T, B): sequence i is "
        "the column `losses[:, i]`.",
        lambda losses, lengths: np.concatenate([losses[i, :n] for i, n in enumerate(lengths)]).mean(),
    ),
    _m(
        "time-and-batch-swapped",
        "The lengths cut the rows of `losses`, which are time steps. The course has time first, (T, B): sequence i is "
        "the column `losses[:, i]`.",
        lambda losses, lengths: sum(losses[i, :n].sum() for i, n in enumerate(lengths)) / lengths.sum(),
    ),
    _m(
        "time-and-batch-swapped",
        "The array is reshaped to (B, T), which deals its numbers out anew. A transpose, `losses.T`, exchanges the "
        "axes; or take the column `losses[:, i]`.",
        lambda losses, lengths: _right(losses.reshape(losses.shape[::-1]).T, lengths),
    ),
    _m(
        "mean-of-each-sequence",
        "This is one mean for each sequence. One number is asked, the mean over all real steps of all sequences.",
        lambda losses, lengths: np.array([row.mean() for row in _by_row(losses, lengths)]),
    ),
    _m(
        "loss-sum",
        "This is the sum of the losses. The mean is asked, so that the number does not grow with the amount of text: "
        "divide by the number of real steps.",
        _share(_until(), lambda losses, lengths: 1),
    ),
    _m(
        "loss-per-sequence",
        "The sum is divided by the number of sequences, B. The mean over predictions is asked: divide by the number of "
        "real steps, the sum of the lengths.",
        _share(_until(), lambda losses, lengths: len(lengths)),
    ),
    _m(
        "loss-per-time-step",
        "The sum is divided by T. The mean over predictions is asked: divide by the number of real steps, the sum of "
        "the lengths.",
        _share(_until(), lambda losses, lengths: len(losses)),
    ),
    _m(
        "one-length-for-all",
        "All sequences are cut at the shortest length. Each has its own.",
        lambda losses, lengths: losses[: lengths.min()].mean(),
    ),
    _m(
        "one-length-for-all",
        "All sequences are cut at the length of the first. Each has its own.",
        lambda losses, lengths: losses[: lengths[0]].mean(),
    ),
    _m(
        "last-steps-only",
        "Only the last step of each sequence counts. The mean over all real steps is asked.",
        lambda losses, lengths: np.mean([row[-1] for row in _by_row(losses, lengths)]),
    ),
    _m(
        "padding-only",
        "The mask is turned round: this is the mean over the padding.",
        lambda losses, lengths: losses[np.arange(len(losses))[:, None] >= lengths].mean(),
    ),
    _m(
        "perplexity",
        "This is the perplexity, the exponential of the mean loss. The mean itself is asked, in nats.",
        lambda losses, lengths: np.exp(_right(losses, lengths)),
    ),
    _m(
        "loss-log-base",
        "This is the loss in bits: divided by log 2. The course measures in nats.",
        lambda losses, lengths: _right(losses, lengths) / np.log(2),
    ),
    _m(
        "loss-sign",
        "The sign is turned. The losses are positive already, and so is their mean.",
        lambda losses, lengths: -_right(losses, lengths),
    ),
)

# --- The hints: where to look, why, the formula. ---

HINTS = {
    "count_parameters": Hints(
        "Look at the shapes of W_x, W_h and b, and count the numbers in each.",
        "A layer with G blocks has W_x of shape (D, G·H), W_h of shape (H, G·H) and b of shape (G·H,): the state has H "
        "entries however many blocks there are. The course has one bias where PyTorch's layers have two.",
        "count = G · (D·H + H·H + H).",
    ),
    "hidden_size_for": Hints(
        "Look at the size after the last that fits, and at a budget that is used up exactly.",
        "The count grows with H, so the sizes that fit are 1, 2, ..., up to the one you seek. Try them one after the "
        "other, or solve the quadratic equation and round down.",
        "max {H : G · (D·H + H·H + H) <= budget}; as a formula H = floor((sqrt((D + 1)² + 4 · budget / G) - (D + 1)) "
        "/ 2).",
    ),
    "mut1_step": Hints(
        "Look at four places where MUT1 is not a GRU: what z reads, how x enters n, what r acts on, and what z = 1 "
        "does.",
        "z reads the input alone, so W_h has no block for it. x enters n as tanh(x) without weights, so W_x has no "
        "block for n, and D must be H. r acts on the state before the product with W_hn. Where z is 1 the state is "
        "renewed, unlike in the course's GRU.",
        "r = sigmoid(x W_xr + h_prev W_hr + b_r); z = sigmoid(x W_xz + b_z); n = tanh((r * h_prev) W_hn + tanh(x) + "
        "b_n); h = z * n + (1 - z) * h_prev.",
    ),
    "mut1_step_backward": Hints(
        "Look at how many times each of x and h_prev stands in the four equations. Its gradient has as many terms.",
        "x stands in r, in z and in tanh(x); h_prev in r, in r * h_prev and in (1 - z) * h_prev. Go through the "
        "equations from the last to the first: from dh to dz, dn and the kept share; from dn through the outer tanh "
        "to the sum in n; from there through W_hn to r * h_prev, and so to r. Shapes do not tell a missing transpose, "
        "since D is H.",
        "da_n = dh * z * (1 - n²); q = da_n W_hn^T; da_r = q * h_prev * r * (1 - r); da_z = dh * (n - h_prev) * z * "
        "(1 - z); dx = da_r W_xr^T + da_z W_xz^T + da_n * (1 - tanh(x)²); dh_prev = dh * (1 - z) + q * r + da_r "
        "W_hr^T; dW_xr = x^T da_r, dW_xz = x^T da_z, dW_hr = h_prev^T da_r, dW_hn = (r * h_prev)^T da_n; db is da_r, "
        "da_z, da_n summed over the batch.",
    ),
    "held_out_loss": Hints(
        "Look at what you sum, and at what you divide by: both are of the real steps alone.",
        "In column i the steps 0 to lengths[i] - 1 are real; what follows is padding, whatever number stands there. "
        "Every real step counts the same, in a short sequence and in a long one.",
        "L = (sum over i of sum over t < lengths[i] of losses[t, i]) / (sum over i of lengths[i]).",
    ),
}

EXERCISES = [
    Exercise(
        "count_parameters",
        "05-compare",
        (Output("count", integer=True),),
        count_parameters,
        _count_parameters_cases,
        points=1,
        hidden_points=1,
        mistakes=COUNT_PARAMETERS_MISTAKES,
        hints=HINTS["count_parameters"],
    ),
    Exercise(
        "hidden_size_for",
        "05-compare",
        (Output("H", integer=True),),
        hidden_size_for,
        _hidden_size_for_cases,
        points=1,
        hidden_points=2,
        neighbours=("count_parameters",),
        mistakes=HIDDEN_SIZE_FOR_MISTAKES,
        hints=HINTS["hidden_size_for"],
    ),
    Exercise(
        "mut1_step",
        "05-compare",
        (
            Output("h", "BH"),
            Output(
                "cache",
                fields=tuple(Output(name, "BH") for name in MUT1Cache._fields),
                kind=MUT1Cache,
                aside=True,
            ),
        ),
        mut1_step,
        _mut1_step_cases,
        points=2,
        hidden_points=2,
        mistakes=MUT1_STEP_MISTAKES,
        hints=HINTS["mut1_step"],
    ),
    Exercise(
        "mut1_step_backward",
        "05-compare",
        (
            Output("dx", "BH"),
            Output("dh_prev", "BH"),
            Output("dW_x", "HG", blocks=("r", "z")),
            Output("dW_h", "HG", blocks=("r", "n")),
            Output("db", "G", blocks=("r", "z", "n")),
        ),
        mut1_step_backward,
        _mut1_step_backward_cases,
        points=2,
        hidden_points=3,
        mistakes=MUT1_STEP_BACKWARD_MISTAKES,
        hints=HINTS["mut1_step_backward"],
        gradient_of="mut1_step",
    ),
    Exercise(
        "held_out_loss",
        "05-compare",
        (Output("loss"),),
        held_out_loss,
        _held_out_loss_cases,
        points=1,
        hidden_points=1,
        mistakes=HELD_OUT_LOSS_MISTAKES,
        hints=HINTS["held_out_loss"],
    ),
]
