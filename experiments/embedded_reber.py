"""The embedded Reber grammar: an LSTM learns a string's second symbol by heart, an Elman net does not."""

import sys

import numpy as np

from experiments.harness import Experiment, main
from rnnlib.online import OnlineLSTM
from rnnlib.tasks import reber

EVERY = 100  # sequences between two looks at all strings


def trial(setting, seed, device):
    """Train one net online until it predicts every string of both sets, or for `most` sequences.

    Parameters
    ----------
    setting : dict
        ``net``: "lstm" or "elman"; ``blocks``, ``cells`` and what it is ``without``, or ``hidden``; ``lr``; ``most``.
    seed : int
    device : str
        "cpu".

    Returns
    -------
    found : dict
        ``sequences`` until success or None; ``right``, the share of both sets' strings that is predicted at the end.
    """
    rng = np.random.default_rng([seed, 1997])
    strings = reber.training_and_test(rng=rng)
    net = (lstm if setting["net"] == "lstm" else Elman)(setting, rng)
    data = [[one_string(string) for string in group] for group in strings]
    both = data[0] + data[1]
    for done in range(0, setting["most"], EVERY):
        for k in rng.integers(len(data[0]), size=EVERY):
            xs, targets, _ = data[0][k]
            net.reset()
            net.run(xs, targets, lr=setting["lr"])
        wrong = next((k for k, (xs, _, possible) in enumerate(both) if not predicts(net, xs, possible)), None)
        if wrong is None:
            return {"sequences": done + EVERY, "right": 1.0}
        both.insert(0, both.pop(wrong))  # what was wrong is looked at first the next time
    return {"sequences": None, "right": float(np.mean([predicts(net, xs, possible) for xs, _, possible in both]))}


def lstm(setting, rng):
    """The paper's net: every unit sees every gate, output gates begin closed, later blocks more than earlier ones."""
    blocks = setting["blocks"]
    return OnlineLSTM(
        7, 7, blocks=blocks, cells=setting["cells"], rng=rng, bound=0.2, gates="io", gate_recurrence=True,
        without=setting["without"], biases={"o": [-1.0 - block for block in range(blocks)]},
    )  # fmt: skip


class Elman:
    """The simple recurrent net as it was trained then: the state before is one more input; no gradient leaves a step.

    Parameters
    ----------
    setting : dict
        With ``hidden``.
    rng : numpy.random.Generator
    """

    def __init__(self, setting, rng):
        H = setting["hidden"]
        self.W, self.W_y = rng.uniform(-0.2, 0.2, (7 + H + 1, H)), rng.uniform(-0.2, 0.2, (H + 1, 7))
        self.reset()

    def reset(self):
        """Begin a new string."""
        self.h = np.zeros(len(self.W_y) - 1)

    def run(self, xs, targets=None, lr=0.0):
        """Take a string, and learn where there are targets; the outputs are in ``ys`` of what it returns."""
        ys = np.empty((len(xs), 7))
        for t, x in enumerate(xs):
            z = np.concatenate([x, self.h, [1.0]])
            self.h = 1 / (1 + np.exp(-(z @ self.W)))
            v = np.append(self.h, 1.0)
            y = ys[t] = 1 / (1 + np.exp(-(v @ self.W_y)))
            if targets is not None:
                da_y = (y - targets[t]) * y * (1 - y)
                da = (self.W_y[:-1] @ da_y) * self.h * (1 - self.h)
                self.W_y -= lr * np.outer(v, da_y)
                self.W -= lr * np.outer(z, da)
        return Given(ys)


class Given:
    """What a run gives."""

    def __init__(self, ys):
        self.ys = ys


def one_string(string):
    """Inputs, the symbols that come next, and those that may."""
    xs, targets, _, possible = reber.encode([string])
    return xs[:, 0], np.eye(7)[targets[:, 0]], possible[:, 0]


def predicts(net, xs, possible):
    """Whether at each step the symbols that may follow are the most active."""
    net.reset()
    return bool(reber.most_active(net.run(xs).ys, possible).all())


def findings(trials):
    """What the paper says of success, and what came out."""
    nets = {name: found for name, found in trials.items() if name != "Elman"}
    rates = {name: np.mean([each["sequences"] is not None for each in found]) for name, found in nets.items()}
    best = max(rates, key=rates.get)
    solved = [each["sequences"] for each in nets[best] if each["sequences"] is not None]
    elman = [each["sequences"] is not None for each in trials["Elman"]]
    strings = np.mean([each["right"] for each in trials["Elman"]])
    return [
        {
            "claim": "LSTM solves the task in 97 to 100 % of the trials, with each size and rate",
            "here": f"{min(rates.values()):.0%} to {max(rates.values()):.0%}; {best} {rates[best]:.0%}, after "
            f"{np.mean(solved or [np.nan]):,.0f} strings on average",
            "agrees": bool(min(rates.values()) >= 0.97),
        },
        {
            "claim": "an Elman net does not solve it in 200,000 strings",
            "here": f"{np.mean(elman):.0%} of {len(elman)} nets; in the end they predict {strings:.0%} of the strings",
            "agrees": not any(elman),
        },
    ]


def of_lstm(blocks, cells, lr, without=("b_cells", "b_outputs"), most=150_000):
    return {"net": "lstm", "blocks": blocks, "cells": cells, "lr": lr, "without": list(without), "most": most}


RATES = [(4, 1, 0.1), (4, 1, 0.5), (3, 2, 0.1), (3, 2, 0.2), (3, 2, 0.5)]
BIASED = ", biases of outputs"

EXPERIMENT = Experiment(
    name="embedded_reber",
    title="Embedded Reber grammar",
    source="Hochreiter and Schmidhuber 1997, section 5.1 and table 1",
    settings={
        **{f"LSTM {J}×{S}, rate {lr}": of_lstm(J, S, lr) for J, S, lr in RATES},
        **{f"LSTM {J}×{S}, rate {lr}{BIASED}": of_lstm(J, S, lr, without=["b_cells"]) for J, S, lr in RATES},
        "Elman": {"net": "elman", "hidden": 15, "lr": 0.1, "most": 200_000, "seeds": 10},
    },
    seeds=30,
    trial=trial,
    findings=findings,
    code=("rnnlib/online.py", "rnnlib/fast/online.c", "rnnlib/tasks/reber.py"),
    quick={
        f"LSTM 3×2, rate 0.5{BIASED}": of_lstm(3, 2, 0.5, without=["b_cells"], most=40_000),
        "Elman": {"net": "elman", "hidden": 15, "lr": 0.1, "most": 1_000},
    },
    quick_seeds=2,
    published={
        "certainty": "seen",
        "rows": [
            ["LSTM 4×1, rate 0.1", "100 %", 39_740],
            ["LSTM 4×1, rate 0.5", "97 %", 9_500],
            ["LSTM 3×2, rate 0.1", "100 %", 21_730],
            ["LSTM 3×2, rate 0.2", "97 %", 14_060],
            ["LSTM 3×2, rate 0.5", "100 %", 8_440],
            ["Elman", "0 %", None],
        ],
    },
)

if __name__ == "__main__":
    sys.exit(main("embedded_reber"))
