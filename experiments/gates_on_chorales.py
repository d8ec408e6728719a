"""Networks of tanh units, GRU and LSTM with as many weights, on Bach's chorales."""

import sys

import numpy as np

import rnnlib
from experiments.chorales import KEYS, reading, train
from experiments.harness import Experiment, main
from experiments.statistics import at_best_rate, epoch_below, mean_and_error


def trial(setting, seed, device):
    """Train one network at one learning rate.

    Parameters
    ----------
    setting : dict
        ``layer``, of rnnlib, with its ``options``; ``hidden``; ``lr``; ``epochs`` and ``patience``;
        ``noise`` on the weights.
    seed : int
    device : str

    Returns
    -------
    found : dict
        The number of weights, and what `train` found, its curves included.
    """
    rng = np.random.default_rng([seed, 2014])
    layer = getattr(rnnlib, setting["layer"])
    layer = layer(KEYS, setting["hidden"], rng=rng, dtype=np.float32, **setting["options"])
    network = reading(layer, rng)
    options = {name: setting[name] for name in ("epochs", "patience", "noise")}
    found = train(network, setting["lr"], rng, device, also=("test", "train"), **options)
    return {"weights": network.count_parameters(), **found}


def findings(trials):
    """What the paper says of the three, each at its best learning rate, and what came out, without noise and with."""

    def compared(kind, words):
        """Of the units of one kind, "" or `NOISY`; each claim begins with the words."""
        best = {unit: at_best_rate(trials, unit + kind) for unit in ("tanh", "GRU", "LSTM")}
        best = {unit: found for unit, (_, found) in best.items() if found}
        loss = {
            split: {unit: mean_and_error([each[split] for each in found]) for unit, found in best.items()}
            for split in ("train", "test")
        }
        told = {
            split: ", ".join(f"{unit} {mean:.2f} ± {error:.2f}" for unit, (mean, error) in loss[split].items())
            for split in loss
        }

        def clearly_below(split, unit, other):
            (a, of_a), (b, of_b) = loss[split][unit], loss[split][other]
            return b - a > 2 * np.hypot(of_a, of_b)

        gated = [unit for unit in best if unit != "tanh"]
        level = max(np.mean([each["valid"] for each in found]) for found in best.values()) + 0.1

        def median_until(found):
            return tuple(np.median([epoch_below(each["curves"], level) for each in found], axis=0))

        at_best = {unit: median_until(found) for unit, found in best.items()}
        soonest = {
            unit: min(median_until(found) for setting, found in trials.items() if setting.startswith(f"{unit}{kind}, "))
            for unit in best
        }
        until = [
            ", ".join(f"{unit} {epochs:.0f} ({seconds:.1f} s)" for unit, (epochs, seconds) in each.items())
            for each in (at_best, soonest)
        ]
        found = [
            {
                "claim": f"{words}gated units predict unseen chorales better than tanh units",
                "here": f"test loss {told['test']}",
                "agrees": bool(all(clearly_below("test", unit, "tanh") for unit in gated)),
            },
            {
                "claim": f"{words}gated units learn in fewer updates than tanh units",
                "here": f"epochs until {level:.2f} on the validation pieces, median: {until[0]}; each at the rate "
                f"that is soonest there, which was not the question: {until[1]}",
                "agrees": bool(all(at_best[unit][0] < at_best["tanh"][0] for unit in gated)),
            },
        ]
        if len(gated) == 2:
            found[1:1] = [
                {
                    "claim": f"{words}GRU predicts unseen chorales better than LSTM",
                    "here": "LSTM's loss less GRU's is {:+.2f} ± {:.2f}".format(
                        loss["test"]["LSTM"][0] - loss["test"]["GRU"][0],
                        np.hypot(loss["test"]["LSTM"][1], loss["test"]["GRU"][1]),
                    ),
                    "agrees": bool(clearly_below("test", "GRU", "LSTM")),
                },
                {
                    "claim": f"{words}GRU fits the training pieces best, tanh units worst",
                    "here": f"training loss where the validation loss is lowest: {told['train']}",
                    "agrees": bool(clearly_below("train", "GRU", "LSTM") and clearly_below("train", "LSTM", "tanh")),
                },
            ]
        return found

    told = compared("", "")
    if any(name.startswith(f"tanh{NOISY}") for name in trials):
        told += compared(NOISY, "with noise on the weights: ")
    return told


#: After a unit's name where there is noise on the weights, and its standard deviation, as in the paper.
NOISY, NOISE = " with noise", 0.075
#: Layer, options, and the hidden units with which the network has about 20,000 weights, its output included.
UNITS = {"tanh": ("RNN", {}, 78), "GRU": ("GRU", {"reset": "before"}, 42), "LSTM": ("LSTM", {}, 34)}


def of(unit, lr, epochs=1000, patience=20, noise=0.0):
    layer, options, hidden = UNITS[unit]
    return {
        "layer": layer, "options": options, "hidden": hidden, "lr": lr, "epochs": epochs, "patience": patience,
        "noise": noise,
    }  # fmt: skip


RNNLIB = ("activations", "bptt", "init", "layers", "losses", "network", "optim", "tasks/chorales")
CELLS = ("cell", "elman", "gru", "lstm")

EXPERIMENT = Experiment(
    name="gates_on_chorales",
    title="Tanh units, GRU and LSTM on Bach's chorales",
    source="Chung, Gulcehre, Cho and Bengio 2014, table 2",
    settings={
        **{f"{unit}, rate {lr}": of(unit, lr) for lr in (0.0003, 0.001, 0.003, 0.01) for unit in UNITS},
        **{f"{unit}{NOISY}, rate {lr}": of(unit, lr, noise=NOISE) for lr in (0.001, 0.003, 0.01) for unit in UNITS},
    },
    seeds=3,
    trial=trial,
    findings=findings,
    code=(
        "experiments/chorales.py",
        "experiments/training.py",
        *(f"rnnlib/{name}.py" for name in RNNLIB),
        *(f"rnnlib/cells/{name}.py" for name in CELLS),
        "rnnlib/fast/__init__.py",
        "rnnlib/fast/kernels.c",
        "rnnlib/tasks/chorales.npz",
    ),
    quick={f"{unit}, rate 0.03": of(unit, 0.03, epochs=20) for unit in ("tanh", "LSTM")},
    quick_seeds=2,
    devices=("cpu", "cuda"),
    published={
        "certainty": "recalled",
        "test": {"tanh": 9.10, "GRU": 8.54, "LSTM": 8.67},
        "train": {"tanh": 8.82, "GRU": 6.94, "LSTM": 8.15},
        "units": {"tanh": 100, "GRU": 46, "LSTM": 36},
        "noise": NOISE,
    },
)

if __name__ == "__main__":
    sys.exit(main("gates_on_chorales"))
