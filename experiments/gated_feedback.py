"""Gated feedback: every layer's old state feeds every layer, against a stack of equal size, on program text."""

import sys
from functools import cache

import numpy as np

import rnnlib
from experiments.characters import Parts, train
from experiments.comparison import is_lower
from experiments.harness import Experiment, main
from rnnlib import Dense, GatedFeedback, Network
from rnnlib.losses import cross_entropy
from rnnlib.tasks.text import standard_library

KINDS = {"LSTM": "lstm", "GRU": "gru", "tanh": "tanh"}
STACKED = {"tanh": rnnlib.RNN, "gru": rnnlib.GRU, "lstm": rnnlib.LSTM}


@cache
def parts(modules):
    """The standard library's sources, of all modules or of some."""
    return Parts(standard_library(modules))


def trial(setting, seed, device):
    """Train one network.

    Parameters
    ----------
    setting : dict
        ``feedback``: whether the layers feed each other; ``over``: "tanh", "gru" or "lstm"; ``layers``; ``modules``,
        or None for all; and what `experiments.characters.train` asks for.
    seed : int
    device : str

    Returns
    -------
    found : dict
        Of `experiments.characters.train`; with feedback on the CPU also ``cut``, the bits on the test part when the
        trained network loses what its upper layers send down.
    """
    text, made = parts(setting["modules"] and tuple(setting["modules"])), []

    def build(H, K, rng):
        over, options = setting["over"], {"rng": rng, "dtype": np.float32, "init": "glorot"}
        if setting["feedback"]:
            layers = [GatedFeedback(K, H, layers=setting["layers"], over=over, **options)]
        else:
            layers = [STACKED[over](K if j == 0 else H, H, **options) for j in range(setting["layers"])]
        made.append(Network([*layers, Dense(H, K, rng=rng, dtype=np.float32)]))
        return made[-1]

    found = train(build, text, setting, seed, device)
    if setting["feedback"] and device == "cpu":
        network = made[-1]  # the last one is that of the long training, which changed it in place
        cut_feedback(network.layers[0])
        xs, targets = text.test
        found["cut"] = round(cross_entropy(network.forward(xs)[0], targets) / np.log(2), 4)
    return found


def cut_feedback(layer):
    """Set the matrices from a layer to those below it to 0, in place.

    Parameters
    ----------
    layer : rnnlib.GatedFeedback
    """
    H, own = layer.hidden_size, len(layer.cell.blocks) - 1
    for i in range(1, layer.cell.layers):
        layer.params[f"W_h{i + 1}"][:, own * H : (own + i) * H] = 0


def findings(trials):
    """What the paper says of each kind of layer, and what came out."""
    bits = {name: [each["test"] for each in found] for name, found in trials.items()}
    told = [
        is_lower(
            f"over {kind} layers gated feedback needs fewer bits a character than a stack with as many weights",
            bits[f"{kind}, gated feedback"], bits[f"{kind}, stacked"], "bits",
        )
        for kind in KINDS if f"{kind}, stacked" in bits
    ]  # fmt: skip
    for kind in KINDS:
        found = trials.get(f"{kind}, gated feedback", [{}])
        if "cut" in found[0]:
            told.append(
                is_lower(
                    f"over {kind} layers it makes use of the way down: with that way cut after training it needs more",
                    [each["test"] for each in found], [each["cut"] for each in found], "bits",
                )
            )  # fmt: skip
    return told


def of(over, feedback, layers=2, weights=60_000, modules=None, **options):
    given = {"rates": [0.003, 0.008, 0.02], "steps": 720, "short": 180, "T": 50, "B": 32}
    return {
        "over": over,
        "feedback": feedback,
        "layers": layers,
        "weights": weights,
        "modules": modules,
        **given,
        **options,
    }


def both(kinds=KINDS, **options):
    """A stack and a gated feedback net of each kind."""
    return {
        f"{kind}, {how}": of(KINDS[kind], how == "gated feedback", **options)
        for kind in kinds for how in ("stacked", "gated feedback")
    }  # fmt: skip


EXPERIMENT = Experiment(
    name="gated_feedback",
    title="Gated feedback",
    source="Chung, Gulcehre, Cho and Bengio 2015, abstract and table 2",
    settings=both(),
    seeds=3,
    trial=trial,
    findings=findings,
    code=(
        "experiments/characters.py", "experiments/comparison.py", "experiments/training.py", "rnnlib/tasks/text.py",
        "rnnlib/cells/gated_feedback.py",
    ),
    quick={
        "tanh, gated feedback": of(
            "tanh", True, weights=15_000, steps=180, short=12, T=20, B=8, modules=["argparse"], rates=[0.01]
        )
    },
    quick_seeds=3,
    devices=("cpu", "cuda"),
    published={
        "certainty": "quoted",
        "rows": [["gated feedback LSTM", 1.58], ["stacked LSTM", 1.67]],
    },
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main("gated_feedback"))
