"""Deep transitions: four networks of equal size on Bach's chorales, with their layers in different places."""

import sys
from functools import cache

import numpy as np

from experiments.comparison import is_lower, largest_within
from experiments.harness import Experiment, main
from experiments.training import Trainer, mean_over_batches
from rnnlib import RNN, DeepTransitionRNN, Dense, Network
from rnnlib.losses import bernoulli_cross_entropy
from rnnlib.tasks.chorales import chorales, next_step_batch

KEYS = 88
EVERY = 2  # epochs between two looks at the validation part


def build(kind, H, rng):
    """One of the four networks, of H units in every layer; its first guess is each key's frequency."""
    options = {"rng": rng, "dtype": np.float32}
    orthogonal = {"init": "orthogonal", **options}
    if kind == "RNN":
        layers = [RNN(KEYS, H, **orthogonal)]
    elif kind == "stacked":
        layers = [RNN(KEYS, H, **orthogonal), RNN(H, H, **orthogonal)]
    else:
        layers = [DeepTransitionRNN(KEYS, H, **orthogonal)]
        layers += [Dense(H, H, activation="tanh", **options)] if kind == "DOT(S)" else []
    network = Network([*layers, Dense(H, KEYS, **options)])
    network.layers[-1].params["b_y"][:] = log_odds()  # else the first hundreds of updates learn nothing but this
    return network


@cache
def batches(part, B):
    """A part of the chorales, B of similar length together."""
    pieces = sorted(chorales(part), key=len)
    return [next_step_batch(pieces[k : k + B], np.float32) for k in range(0, len(pieces), B)]


@cache
def log_odds():
    """Of each key to sound, over the steps to predict of the training part."""
    share = np.concatenate([piece[1:] for piece in chorales("train")]).mean(axis=0).clip(1e-4, 1 - 1e-4)
    return np.log(share / (1 - share))


def frequencies():
    """What a guess by each key's frequency in the training part costs on the test part, in nats a step."""
    targets = np.concatenate([piece[1:] for piece in chorales("test")])[:, None]
    return bernoulli_cross_entropy(np.array(np.broadcast_to(log_odds(), targets.shape)), targets.astype(float))


def trial(setting, seed, device):
    """Choose a learning rate by short trainings, then train with it, and judge by the epoch that is best on validation.

    Every training begins with the same weights, and its rate falls in a straight line to 0.

    Parameters
    ----------
    setting : dict
        ``kind``: "RNN", "DT(S)", "DOT(S)" or "stacked"; ``weights``, at most; ``rates``; ``epochs``, and ``short``,
        those of a training that tries a rate.
    seed : int
    device : str
        "cpu".

    Returns
    -------
    found : dict
        ``units``, ``weights``, ``rate``; ``tried``, the best loss on the validation part in each short training;
        ``train`` and ``valid``, the losses every `EVERY` epochs of the long one; ``test``, the loss where ``valid`` is
        least. All in nats a step.
    """
    units = largest_within(lambda H: build(setting["kind"], H, np.random.default_rng(0)), setting["weights"])
    train, valid, test = batches("train", 8), batches("valid", 39), batches("test", 39)

    def run(rate, epochs):
        rng = np.random.default_rng([seed, 2014])
        network = build(setting["kind"], units, rng)
        trainer, losses, steps = Trainer(network, "sets", rate, device=device), [], 0
        for epoch in range(epochs):
            for k in rng.permutation(len(train)):
                trainer.optimizer.lr = rate * (1 - steps / (epochs * len(train)))
                trainer.step(*train[k])
                steps += 1
            if (epoch + 1) % EVERY == 0:
                losses.append([mean_over_batches(trainer, part) for part in (train, valid, test)])
        return network, np.round(losses, 4)

    tried = [float(run(rate, setting["short"])[1][:, 1].min()) for rate in setting["rates"]]
    rate = setting["rates"][int(np.argmin(tried))]
    network, losses = run(rate, setting["epochs"])
    return {
        "units": units,
        "weights": network.count_parameters(),
        "rate": rate,
        "tried": tried,
        "train": losses[:, 0].tolist(),
        "valid": losses[:, 1].tolist(),
        "test": float(losses[losses[:, 1].argmin(), 2]),
    }


def findings(trials):
    """The order that the paper gives, pair by pair, and what came out."""
    test = {name: [each["test"] for each in found] for name, found in trials.items()}
    told = [
        is_lower(claim, test[lower], test[higher], "nats a step")
        for claim, lower, higher in (
            ("DT(S) predicts better than a plain RNN with as many weights", "DT(S)", "RNN"),
            ("a stack predicts worse than a plain RNN", "RNN", "stacked"),
            ("DOT(S) predicts worse than a stack", "stacked", "DOT(S)"),
        )
        if len(test["RNN"]) > 1  # a standard error needs two seeds
    ]
    worst, guess = max(test, key=lambda name: max(test[name])), frequencies()
    told.append(
        {
            "claim": "every one of them predicts the next chord by the chords before",
            "here": f"the worst run, of {worst}, {max(test[worst]):.2f} nats a step; by each key's frequency alone "
            f"{guess:.2f}",
            "agrees": bool(max(test[worst]) < guess - 1),
        }
    )
    return told


def of(kind, **options):
    given = {"weights": 28_000, "rates": [0.003, 0.01, 0.03, 0.1], "epochs": 30, "short": 10}
    return {"kind": kind, **given, **options}


KINDS = ("RNN", "DT(S)", "DOT(S)", "stacked")

EXPERIMENT = Experiment(
    name="deep_transition",
    title="Deep transitions",
    source="Pascanu, Gulcehre, Cho and Bengio 2014, table 1",
    settings={kind: of(kind) for kind in KINDS},
    seeds=8,
    trial=trial,
    findings=findings,
    code=(
        "experiments/comparison.py", "experiments/training.py", "rnnlib/tasks/chorales.py", "rnnlib/tasks/chorales.npz",
        "rnnlib/cells/deep_transition.py",
    ),
    quick={kind: of(kind, rates=[0.01], epochs=4, short=2) for kind in KINDS},
    quick_seeds=1,
    published={
        "certainty": "recalled",
        "rows": [["RNN", 8.338], ["DT(S)", 8.278], ["DOT(S)", 8.437], ["stacked", 8.367]],
    },
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main("deep_transition"))
