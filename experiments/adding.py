"""The adding and the multiplication problem: two marked numbers in a long sequence, online as in 1997, and by Adam."""

import sys
from functools import partial

import numpy as np

from experiments.at_end import RECENT, TESTED, mean_and_error, train
from experiments.harness import Experiment, main
from rnnlib import LSTM, Dense, Network
from rnnlib.losses import mean_squared_error_backward
from rnnlib.online import OnlineLSTM
from rnnlib.optim import Adam, clip_by_global_norm
from rnnlib.tasks import adding
from rnnlib.tasks.criteria import at_end, few_wrong, largest_error, learned

WRONG = 0.04  # an error from here on


def trial(setting, seed, device):
    """Train one net until it meets the paper's rule.

    Parameters
    ----------
    setting : dict
        ``task`` "adding" or "multiplication"; ``T``; ``lr``; ``most``, sequences; ``output``, what the output unit is,
        "sigmoid" or "identity". ``batch`` for Adam in place of the paper's online learning, with ``hidden`` units and
        the ``forget`` gate's initial bias.
    seed : int
    device : str
        "cpu".

    Returns
    -------
    found : dict
        ``sequences`` until the rule was met or None; ``wrong``, of 2,560 new sequences then; ``mse`` of these. For
        multiplication, with a rough rule too, the same with ``rough_`` before it. ``mean_error`` of the last 2,000 in
        training. ``weights`` of the net.
    """
    rng = np.random.default_rng([1997, 54, seed])
    draw = partial(getattr(adding, setting["task"]), setting["T"], rng=rng)
    if "batch" in setting:
        return by_adam(setting, draw, rng)
    net = OnlineLSTM(
        2, 1, blocks=2, cells=2, rng=rng, bound=0.1, gates="io", gate_recurrence=True,
        output=setting["output"], biases={"i": [-3.0, -6.0]} if setting["task"] == "adding" else None,
    )  # fmt: skip
    rules = {"": partial(learned, right=WRONG, average=0.01)}
    if setting["task"] == "multiplication":
        rules = {name: partial(few_wrong, right=WRONG, wrong=wrong) for name, wrong in (("rough_", 140), ("", 13))}
    found = train(net, draw, rules, setting["lr"], setting["most"])
    told = {"weights": net.count_parameters(), **found.pop("end")}
    for name, one in found.items():
        told |= {name + key: value for key, value in judged(one["sequences"], one["errors"]).items()}
    return told


def judged(sequences, errors):
    """What a trial tells of a rule that was met after so many sequences, with these errors in the test."""
    if sequences is None:
        return {"sequences": None, "wrong": None, "mse": None}
    return {"sequences": sequences, "wrong": int((errors >= WRONG).sum()), "mse": float((errors**2).mean())}


def by_adam(setting, draw, rng):
    """The same task with what is used today: an LSTM of 2000 whole batches, full gradient, Adam."""
    H = setting["hidden"]
    layer = LSTM(2, H, rng=rng, dtype=np.float32, biases={"f": setting["forget"]})
    network = Network([layer, Dense(H, 1, rng=rng, dtype=np.float32)])
    optimizer = Adam(network.params, lr=setting["lr"])
    recent, batch = np.empty(0), setting["batch"]
    told = {"weights": network.count_parameters()}

    def answers(n):
        xs, targets, lengths = draw(n, dtype=np.float32)
        ys, _ = network.forward(xs, None, lengths)
        return ys, at_end(ys, lengths), targets, lengths

    for done in range(0, setting["most"], batch):
        ys, last, targets, lengths = answers(batch)
        recent = np.concatenate([recent, largest_error(last, targets)])[-RECENT:]
        if learned(recent, right=WRONG, average=0.01):
            _, last, targets, _ = answers(TESTED)
            return told | {"mean_error": float(recent.mean()), **judged(done, largest_error(last, targets))}
        dys = np.zeros_like(ys)
        dys[lengths - 1, np.arange(batch)] = mean_squared_error_backward(last, targets)
        network.backward(dys)
        grads, _ = clip_by_global_norm(network.grads, 1.0)
        optimizer.step(grads)
    return told | {"mean_error": float(recent.mean()), **judged(None, None)}


def findings(trials):
    """What the paper says of success and time, and what came out."""
    told, tested = [], []
    for name, found in trials.items():
        solved = [each for each in found if each["sequences"] is not None]
        if name in CLAIMS:
            claim, sequences = CLAIMS[name]
            here = f"{len(solved)} of {len(found)} nets"
            if solved:
                here += f", after {mean_and_error([each['sequences'] for each in solved])} sequences"
            else:
                here += f"; the mean error is {np.mean([each['mean_error'] for each in found]):.4f} in the end"
            near = solved and sequences / 2 <= np.mean([each["sequences"] for each in solved]) <= 2 * sequences
            told.append({"claim": claim, "here": here, "agrees": bool(len(solved) == len(found) and near)})
        if name.startswith("adding") and "Adam" not in name:
            tested += [each["wrong"] for each in solved]
    told.append(
        {
            "claim": f"a net that has met the rule for adding gets no more than 3 of {TESTED:,} new sequences wrong",
            "here": f"{len(tested)} nets: {np.mean(tested):.1f} wrong on average, {max(tested)} at the most"
            if tested
            else "no net has met it",
            "agrees": bool(tested) and max(tested) <= 3,
        }
    )
    return told


def online(task, T, most, output, lr=0.5, **more):
    return {"task": task, "T": T, "most": most, "output": output, "lr": lr, **more}


def adam(forget, lr, T=100, most=200_000, **more):
    return {"task": "adding", "T": T, "batch": 50, "hidden": 32, "forget": forget, "lr": lr, "most": most, **more}


MEETS = "meets the rule after {} sequences, in all 10 trials{}"
LOGISTIC, LINEAR = ", here with a logistic output unit as the paper has it", ", here with a linear output unit"
CLAIMS = {
    "adding, T = 100, logistic output": ("T = 100: " + MEETS.format("74,000", LOGISTIC), 74_000),
    "adding, T = 100, linear output": ("T = 100: " + MEETS.format("74,000", LINEAR), 74_000),
    "adding, T = 500, logistic output": ("T = 500: " + MEETS.format("209,000", LOGISTIC), 209_000),
    "adding, T = 500, linear output": ("T = 500: " + MEETS.format("209,000", LINEAR), 209_000),
    "multiplication, logistic output": ("multiplication: " + MEETS.format("1,273,000", LOGISTIC), 1_273_000),
    "multiplication, linear output": ("multiplication: " + MEETS.format("1,273,000", LINEAR), 1_273_000),
}

EXPERIMENT = Experiment(
    name="adding",
    title="Adding and multiplication problem",
    source="Hochreiter and Schmidhuber 1997, sections 5.4 and 5.5, tables 7 and 8",
    settings={
        "adding, T = 100, logistic output": online("adding", 100, 300_000, "sigmoid"),
        "adding, T = 100, linear output": online("adding", 100, 300_000, "identity"),
        "adding, T = 500, logistic output": online("adding", 500, 300_000, "sigmoid", seeds=1),
        "adding, T = 500, linear output": online("adding", 500, 600_000, "identity", seeds=4),
        "adding, T = 500, linear output, rate 0.1": online("adding", 500, 300_000, "identity", lr=0.1, seeds=2),
        "multiplication, logistic output": online("multiplication", 100, 1_500_000, "sigmoid", lr=0.1, seeds=1),
        "multiplication, linear output": online("multiplication", 100, 1_500_000, "identity", lr=0.1, seeds=1),
        **{
            f"adding, T = 100, Adam at {lr}, forget bias {forget:.0f}": adam(forget, lr, seeds=2)
            for forget in (1.0, 5.0)
            for lr in (0.003, 0.01, 0.03)
        },
        **{
            f"adding, T = 500, Adam at {lr}, forget bias {forget:.0f}": adam(forget, lr, T=500, seeds=1)
            for forget in (5.0, 7.0)
            for lr in (0.003, 0.01)
        },
    },
    seeds=10,
    trial=trial,
    findings=findings,
    code=(
        "experiments/at_end.py", "rnnlib/online.py", "rnnlib/fast/online.c", "rnnlib/tasks/adding.py",
        "rnnlib/tasks/criteria.py", "rnnlib/cells/lstm.py", "rnnlib/optim.py",
    ),
    quick={
        "adding, T = 20, linear output": online("adding", 20, 80_000, "identity"),
        "adding, T = 20, Adam at 0.01, forget bias 5": adam(5.0, 0.01, T=20, most=60_000, seeds=1),
    },
    quick_seeds=3,
    published={
        "certainty": "seen",
        "weights": 93,
        "rows": [
            ["adding, T = 100", 74_000, "1 of 2,560"],
            ["adding, T = 500", 209_000, "0 of 2,560"],
            ["adding, T = 1000", 853_000, "1 of 2,560"],
            ["multiplication, fewer than 140 wrong", 482_000, "139 of 2,560"],
            ["multiplication, fewer than 13 wrong", 1_273_000, "14 of 2,560"],
        ],
    },
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main("adding"))
