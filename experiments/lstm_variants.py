"""The LSTM with a part taken away, eight times: which parts does it need to predict Bach's chorales?"""

import sys

import numpy as np

from experiments.chorales import KEYS, reading, train
from experiments.harness import Experiment, main
from experiments.statistics import best_by_validation, explained, welch
from rnnlib import PeepholeLSTM
from rnnlib.cells.peephole_lstm import VARIANTS


def trial(setting, seed, device):
    """Train a variant with settings drawn at random: the seed's, the same for all variants.

    Parameters
    ----------
    setting : dict
        ``options`` of the variant; ``lr`` and ``hidden``, from and to, drawn evenly on the scale of logarithms;
        ``epochs`` and ``patience``.
    seed : int
    device : str

    Returns
    -------
    found : dict
        What was drawn, the number of weights, and of `train` all but the curves.
    """
    rng = np.random.default_rng([seed, 2016])
    lr, hidden = (float(np.exp(rng.uniform(*np.log(setting[name])))) for name in ("lr", "hidden"))
    layer = PeepholeLSTM(KEYS, round(hidden), rng=rng, dtype=np.float32, **setting["options"])
    network = reading(layer, rng)
    found = train(network, lr, rng, device, setting["epochs"], setting["patience"])
    del found["curves"]
    return {"lr": lr, "hidden": round(hidden), "weights": network.count_parameters(), **found}


def findings(trials):
    """What the paper says of each part on music, and what came out."""
    parts = [
        ("NFG", "no forget gate", True),
        ("NOAF", "no output activation", True),
        ("CIFG", "coupled gates", False),
        ("NP", "no peepholes", False),
        ("NIG", "no input gate", False),
        ("NOG", "no output gate", False),
        ("NIAF", "no input activation", False),
    ]
    best = {name: best_by_validation(found, share=0.25) for name, found in trials.items()}
    told = []
    for name, words, worse in parts:
        if name not in trials:
            continue
        _, p = welch(best[name], best["vanilla"])
        off = np.mean(best[name]) - np.mean(best["vanilla"])
        pairs = [a["test"] - b["test"] for a, b in zip(trials[name], trials["vanilla"], strict=True)]
        told.append(
            {
                "claim": f"{name}, {words}: {'' if worse else 'not '}significantly worse on music",
                "here": f"the best {len(best[name])} of {len(pairs)} on average {abs(off):.2f} nats "
                f"{'worse' if off > 0 else 'better'} than vanilla's (p = {p:.2g}); with the same rate and size worse "
                f"in {np.mean(np.array(pairs) > 0):.0%}, median {np.median(pairs):+.2f}",
                "agrees": bool((p < 0.05 and off > 0) == worse),
            }
        )
    shares = [
        explained(np.log([each["lr"] for each in found]), np.array([each["test"] for each in found]))
        for found in trials.values()
    ]
    told.append(
        {
            "claim": "the learning rate explains more than two thirds of the variance of the test loss",
            "here": f"a cubic in its logarithm explains {np.median(shares):.0%} (median of the variants; "
            f"{min(shares):.0%} to {max(shares):.0%})",
            "agrees": bool(np.median(shares) > 2 / 3),
        }
    )
    return told


def drawn(options, lr=(3e-4, 3e-2), hidden=(16, 64), epochs=150, patience=15):
    return {"options": options, "lr": list(lr), "hidden": list(hidden), "epochs": epochs, "patience": patience}


NETWORK = ("activations", "bptt", "init", "layers", "losses", "network", "optim", "cells/cell", "tasks/chorales")

EXPERIMENT = Experiment(
    name="lstm_variants",
    title="Eight variants of the LSTM on Bach's chorales",
    source="Greff et al. 2016",
    settings={name: drawn(options) for name, options in {"vanilla": {}, **VARIANTS}.items()},
    seeds=24,
    trial=trial,
    findings=findings,
    code=(
        "experiments/chorales.py",
        "experiments/training.py",
        "rnnlib/cells/peephole_lstm.py",
        *(f"rnnlib/{name}.py" for name in NETWORK),
        "rnnlib/tasks/chorales.npz",
    ),
    quick={"vanilla": drawn({}, hidden=(16, 16), epochs=4)},
    quick_seeds=10,
    devices=("cpu", "cuda"),
    published={
        "certainty": "quoted",
        "worse on music": ["NFG", "NOAF"],
        "draws": 200,
    },
)

if __name__ == "__main__":
    sys.exit(main("lstm_variants"))
