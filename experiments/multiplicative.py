"""Multiplicative RNN: the character that is read chooses the recurrent matrix, against a plain RNN of equal size."""

import sys
from functools import cache

import numpy as np

from experiments.characters import Parts, train
from experiments.comparison import is_lower
from experiments.harness import Experiment, main
from rnnlib import RNN, Dense, MultiplicativeRNN, Network
from rnnlib.tasks.text import python_manual

CELLS = {"multiplicative": MultiplicativeRNN, "plain": RNN}


@cache
def parts(characters):
    """Python's manual, or its first characters."""
    return Parts(python_manual()[:characters])


def trial(setting, seed, device):
    """Train one network.

    Parameters
    ----------
    setting : dict
        ``cell``: a key of `CELLS`; ``characters`` of the text, or None for all; and what `experiments.characters.train`
        asks for.
    seed : int
    device : str

    Returns
    -------
    found : dict
        Of `experiments.characters.train`.
    """

    def build(H, K, rng):
        options = {"rng": rng, "dtype": np.float32}
        return Network([CELLS[setting["cell"]](K, H, init="glorot", **options), Dense(H, K, **options)])

    return train(build, parts(setting["characters"]), setting, seed, device)


def findings(trials):
    """What the paper says, and what came out."""
    bits = {name: [each["test"] for each in found] for name, found in trials.items()}
    claim = "a multiplicative network needs fewer bits a character than a plain one with as many weights"
    return [is_lower(claim, bits["multiplicative"], bits["plain"], "bits")]


def of(cell, characters=None, weights=50_000, **options):
    given = {"rates": [0.003, 0.01, 0.03], "steps": 2400, "short": 600, "T": 50, "B": 32}
    return {"cell": cell, "characters": characters, "weights": weights, **given, **options}


EXPERIMENT = Experiment(
    name="multiplicative",
    title="Multiplicative recurrent network",
    source="Sutskever, Martens and Hinton 2011",
    settings={cell: of(cell) for cell in CELLS},
    seeds=6,
    trial=trial,
    findings=findings,
    code=(
        "experiments/characters.py", "experiments/comparison.py", "experiments/training.py", "rnnlib/tasks/text.py",
        "rnnlib/cells/multiplicative.py",
    ),
    quick={
        cell: of(cell, 60_000, 15_000, steps=240, short=60, T=20, B=16, rates=[0.005, 0.01]) for cell in CELLS
    },
    quick_seeds=3,
    devices=("cpu", "cuda"),
    published={"certainty": "quoted", "rows": [["multiplicative RNN, Wikipedia", 1.60]]},
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main("multiplicative"))
