"""How much of a gradient arrives at an input k steps back, for every cell of rnnlib, new and trained."""

import sys

import numpy as np

import rnnlib
from experiments.harness import Experiment, main
from rnnlib import Dense, Network, bptt
from rnnlib.losses import cross_entropy_backward
from rnnlib.optim import Adam, clip_by_global_norm

DIGITS, UNITS = 10, 32
AT = (0, 1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100)  # lags that are looked at
SEQUENCES = 32  # in a batch, to train on and to measure by

CELLS = {
    "tanh": ("RNN", {}, {}),
    "deep transition": ("DeepTransitionRNN", {"shortcut": False}, {}),
    "deep transition, shortcut": ("DeepTransitionRNN", {"shortcut": True}, {}),
    "multiplicative": ("MultiplicativeRNN", {}, {}),
    "LSTM of 1997": ("LSTM1997", {}, {}),
    "LSTM of 1997, truncated": ("LSTM1997", {"truncated": True}, {}),
    "LSTM, forget bias 0": ("LSTM", {}, {"f": 0.0}),
    "LSTM, forget bias 1": ("LSTM", {}, {"f": 1.0}),
    "LSTM, forget bias 5": ("LSTM", {}, {"f": 5.0}),
    "peephole LSTM, forget bias 1": ("PeepholeLSTM", {}, {"f": 1.0}),
    "GRU": ("GRU", {}, {}),
    "GRU, reset before": ("GRU", {"reset": "before"}, {}),
    "GRU, update bias 5": ("GRU", {}, {"z": 5.0}),
    "MUT1": ("MUT1", {}, {}),
    "MUT2": ("MUT2", {}, {}),
    "MUT3": ("MUT3", {}, {}),
    "gated feedback, tanh": ("GatedFeedback", {"over": "tanh"}, {}),
    "gated feedback, LSTM": ("GatedFeedback", {"over": "lstm"}, {"f": 1.0}),
}


def trial(setting, seed, device):
    """Measure a new layer, or train it with each learning rate and measure the one that learned most.

    Parameters
    ----------
    setting : dict
        ``layer`` of rnnlib, its ``options`` and ``biases``; for a layer that is trained ``rates``, ``steps``, and
        ``lags``, the first and the last.
    seed : int
    device : str
        "cpu".

    Returns
    -------
    found : dict
        ``left``, see `left_at_lags`. After training also ``rate``; ``mastered`` and ``right``, see `train`; ``first``,
        see `share_of_first`; ``each``, the `mastered` and `right` of each of the rates.
    """
    layer = new_layer(setting, seed)
    if "lags" not in setting:
        return {"left": left_at_lags(layer, seed)}
    each = []
    for rate in setting["rates"]:
        network = Network([new_layer(setting, seed), Dense(UNITS, DIGITS, rng=np.random.default_rng([seed, 10]))])
        each.append((*train(network, rate, setting["steps"], setting["lags"], seed), rate, network))
    mastered, right, rate, network = max(each, key=lambda one: one[:2])
    return {
        "rate": rate,
        "mastered": mastered,
        "right": right,
        "each": [one[:2] for one in each],
        "left": left_at_lags(network.layers[0], seed),
        "first": share_of_first(network, seed),
    }


def new_layer(setting, seed):
    """The layer of a setting, with weights drawn by the seed."""
    return getattr(rnnlib, setting["layer"])(
        DIGITS, UNITS, rng=np.random.default_rng([seed, 1991]), biases=setting["biases"], **setting["options"]
    )


def left_at_lags(layer, seed):
    """What is left of a gradient at the state so many steps before the end.

    A gradient of length 1 and random direction begins at the last output of a sequence of random digits. Of the
    gradient by all of a state (of an LSTM h and c) the length is taken, and of the sequences the median.

    Parameters
    ----------
    layer : rnnlib.layers.Recurrent
    seed : int

    Returns
    -------
    left : list of float
        Logarithms to base 10, at the lags of `AT`; -300 where nothing is left.
    """
    rng, cell = np.random.default_rng([seed, 5]), layer.cell
    xs = np.eye(DIGITS)[rng.integers(DIGITS, size=(AT[-1], SEQUENCES))]
    state = tuple(np.zeros((SEQUENCES, UNITS)) for _ in cell.states)
    _, _, tape = bptt.forward(cell, layer.params, xs, state)
    dstate = [np.zeros_like(s) for s in state]
    dh = rng.standard_normal((SEQUENCES, UNITS))
    dstate[cell.output] = dh / np.linalg.norm(dh, axis=1, keepdims=True)
    lengths = [1.0]
    for t in reversed(range(AT[-1])):
        tape.products.t = t
        _, dstate = cell.step_backward(tuple(dstate), tape.saved[t], tape.products)
        lengths.append(np.median(np.linalg.norm(np.concatenate(dstate, axis=1), axis=1)))
    return [round(float(np.log10(max(lengths[k], 1e-300))), 3) for k in AT]


def share_of_first(network, seed):
    """How much more of the loss's gradient arrives at the digit that is asked for than at one that is not.

    Parameters
    ----------
    network : rnnlib.Network
    seed : int

    Returns
    -------
    first : float
        Logarithm to base 10 of the length of the gradient by the first digit over that by the middle one, 25 steps
        before the question; the median over sequences.
    """
    digits = np.random.default_rng([seed, 50]).integers(DIGITS, size=(51, 500))
    logits, _ = network.forward(np.eye(DIGITS)[digits])
    dxs, _ = network.backward(of_last(logits, digits))
    lengths = np.maximum(np.linalg.norm(dxs, axis=2), 1e-300)
    return round(float(np.median(np.log10(lengths[0] / lengths[25]))), 3)


def of_last(logits, digits):
    """Gradient of the loss: at the last step the first digit is asked for, and nothing before."""
    dlogits = np.zeros_like(logits)
    dlogits[-1:] = cross_entropy_backward(logits[-1:], digits[:1])
    return dlogits


def train(network, rate, steps, lags, seed):
    """Train a network to name the digit that it read first.

    Whenever three batches in a row are named right to 90 %, the lag goes up by a tenth, at least by 1; after the last
    lag training is over.

    Parameters
    ----------
    network : rnnlib.Network
        Trained in place.
    rate : float
    steps : int
        Batches at most.
    lags : tuple of two int
        The first and the last.
    seed : int

    Returns
    -------
    mastered : int
        The longest lag at which that happened; 0 if it never did.
    right : float
        The share of 500 new sequences, of the last lag of all, whose first digit is named.
    """
    rng = np.random.default_rng([seed, 20])
    optimizer = Adam(network.params, lr=rate)
    lag, mastered, good = lags[0], 0, 0
    for _ in range(steps):
        digits = rng.integers(DIGITS, size=(lag + 1, SEQUENCES))
        logits, _ = network.forward(np.eye(DIGITS)[digits])
        network.backward(of_last(logits, digits))
        optimizer.step(clip_by_global_norm(network.grads, 1.0)[0])
        good = good + 1 if named(logits, digits) >= 0.9 else 0
        if good == 3:
            mastered, good, lag = lag, 0, min(lags[1], lag + max(1, lag // 10))
            if mastered == lags[1]:
                break
    digits = rng.integers(DIGITS, size=(lags[1] + 1, 500))
    return mastered, named(network.forward(np.eye(DIGITS)[digits])[0], digits)


def named(logits, digits):
    """The share of sequences whose first digit is named at their end."""
    return float((logits[-1].argmax(axis=-1) == digits[0]).mean())


def findings(trials):
    """What the article says of the gradient, and what came out. What a quick run leaves out is not asked."""
    at_40, at_50 = AT.index(40), AT.index(50)

    def left(setting, place):
        low, middle, high = np.quantile([each["left"][place] for each in trials[setting]], [0.1, 0.5, 0.9])
        return low, middle, high, f"{power(middle)} ({power(low)} to {power(high)})"

    def power(logarithm):
        if -3 < logarithm < 2:
            return f"{10**logarithm:.2g}"
        digit, exponent = f"{10**logarithm:.0e}".split("e")
        return f"{digit} · 10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))

    def of_seeds(kind, value):
        found = {name: trials.get(f"{name}: {kind}") for name in CELLS}
        return {name: np.median([each[value] for each in of]) for name, of in found.items() if of}

    def ends(values):
        return min(values), max(values)

    new = {name: left(f"{name}: new", at_50) for name in CELLS if f"{name}: new" in trials}
    first, five = new["LSTM of 1997"], new["LSTM, forget bias 5"]
    told = [
        {
            "claim": "the gradient of a simple recurrent network is too flat or too steep",
            "here": f"new, at lag 50: {new['tanh'][3]}; median and 10 to 90 % of the seeds",
            "agrees": bool(new["tanh"][2] < -6),
        },
        {
            "claim": "the LSTM mends that, by its memory",
            "here": f"new, at lag 50: the LSTM of 1997 {first[3]}, with forget bias 5 {five[3]}",
            "agrees": bool(min(first[0], five[0]) > -2),
        },
    ]
    if "GRU" in new:
        zero, one = new["LSTM, forget bias 0"], new["LSTM, forget bias 1"]
        told += [
            {
                "claim": "the LSTM mends that, by three gates",
                "here": f"new, at lag 50: with forget bias 0 {zero[3]}, with forget bias 1 {one[3]}",
                "agrees": bool(zero[1] > -2),
            },
            {
                "claim": "the GRU mends that",
                "here": f"new, at lag 50: {new['GRU'][3]}, with update bias 5 {new['GRU, update bias 5'][3]}",
                "agrees": bool(new["GRU"][1] > -2),
            },
        ]
    named = of_seeds("lag 40", "right")
    reaches = {name: left(f"{name}: new", at_40)[1] > -2 for name in named}
    kept, lost = ([share for name, share in named.items() if reaches[name] == wanted] for wanted in (True, False))
    told.append(
        {
            "claim": "a network learns over a lag if its gradient reaches so far when it is new",
            "here": "lag 40, digits named right, median of the seeds: {:.0%} to {:.0%} by the ".format(*ends(kept))
            + f"{len(kept)} cells that keep a hundredth or more, "
            + "{:.0%} to {:.0%} by the {} others".format(*ends(lost), len(lost)),
            "agrees": bool(min(kept) > max(lost)),
        }
    )
    if mastered := of_seeds("growing lag", "mastered"):
        gated = [name for name in mastered if any(word in name for word in ("LSTM", "GRU", "MUT"))]
        long, short = ([mastered[name] for name in mastered if (name in gated) == wanted] for wanted in (True, False))
        after = {name: left(f"{name}: growing lag", at_50) for name in mastered}
        less = [name for name in gated if after[name][1] <= after["tanh"][1]]
        told += [
            {
                "claim": "with gates on its state a network learns longer lags than without",
                "here": "lag mastered as it grew to 100, median of the seeds: {:.0f} to {:.0f} with, ".format(
                    *ends(long)
                )
                + "{:.0f} to {:.0f} without".format(*ends(short)),
                "agrees": bool(min(long) > max(short)),
            },
            {
                "claim": "with gates a trained network keeps more of the gradient than without",
                "here": f"at lag 50, after the lag grew: tanh {after['tanh'][3]}, GRU {after['GRU'][3]}, LSTM with "
                f"forget bias 1 {after['LSTM, forget bias 1'][3]}; {len(less)} of {len(gated)} gated cells keep less "
                "than tanh",
                "agrees": not less,
            },
        ]
    return told


def of(name, lags=None, steps=500, **options):
    """The setting of a cell, new or trained."""
    layer, own, biases = CELLS[name]
    setting = {"layer": layer, "options": own, "biases": biases}
    return setting | ({"lags": list(lags), "steps": steps, "rates": [0.003, 0.01]} if lags else {}) | options


EXPERIMENT = Experiment(
    name="gradient_and_lag",
    title="The gradient against the lag, for every cell",
    source="The article that this course follows",
    settings={
        **{f"{name}: new": of(name) for name in CELLS},
        **{f"{name}: lag 40": of(name, (40, 40), seeds=4) for name in CELLS},
        **{f"{name}: growing lag": of(name, (2, 100), seeds=4) for name in CELLS},
    },
    seeds=20,
    trial=trial,
    findings=findings,
    code=(
        "rnnlib/bptt.py", "rnnlib/init.py", "rnnlib/cells/deep_transition.py", "rnnlib/cells/elman.py",
        "rnnlib/cells/gated_feedback.py", "rnnlib/cells/gru.py", "rnnlib/cells/lstm.py", "rnnlib/cells/lstm1997.py",
        "rnnlib/cells/multiplicative.py", "rnnlib/cells/mut.py", "rnnlib/cells/peephole_lstm.py",
    ),
    quick={
        **{f"{name}: new": of(name) for name in ("tanh", "LSTM of 1997", "LSTM, forget bias 0", "LSTM, forget bias 5")},
        **{f"LSTM, forget bias {b}: lag 40": of(f"LSTM, forget bias {b}", (40, 40), rates=[0.01]) for b in (0, 5)},
    },
    quick_seeds=2,
    published={"certainty": "seen"},
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main("gradient_and_lag"))
