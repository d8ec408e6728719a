"""Temporal order: of which class a sequence is, two or three symbols far apart say by their order."""

import sys
from functools import partial

import numpy as np

from experiments.at_end import TESTED, mean_and_error, train
from experiments.harness import Experiment, main
from rnnlib.online import OnlineLSTM
from rnnlib.tasks.criteria import learned
from rnnlib.tasks.temporal_order import temporal_order

WRONG = 0.3  # an error of some output from here on


def trial(setting, seed, device):
    """Train one net until it meets the paper's rule.

    Parameters
    ----------
    setting : dict
        ``relevant`` symbols, 2 for task 6a and 3 for 6b; ``lr``; ``most``, sequences; ``gates`` of the net, and the
        ``forget`` gates' initial bias where there are any.
    seed : int
    device : str
        "cpu".

    Returns
    -------
    found : dict
        ``weights`` of the net; ``sequences`` until the rule was met or None; ``wrong``, of 2,560 new sequences then;
        ``mean_error`` of the last 2,000 in training.
    """
    rng = np.random.default_rng([1997, 56, seed])
    blocks = setting["relevant"]
    biases = {"i": [-2.0 * (1 + block) for block in range(blocks)]}
    if "f" in setting["gates"]:
        biases["f"] = [setting["forget"]] * blocks
    net = OnlineLSTM(
        8, 2**blocks, blocks=blocks, cells=2, rng=rng, bound=0.1, gates=setting["gates"], gate_recurrence=True,
        biases=biases,
    )  # fmt: skip
    rules = {"rule": partial(learned, right=WRONG, average=0.1)}
    found = train(net, partial(temporal_order, blocks, rng=rng), rules, setting["lr"], setting["most"])
    met = found["rule"]
    return {
        "weights": net.count_parameters(),
        "sequences": met["sequences"],
        "wrong": None if met["errors"] is None else int((met["errors"] >= WRONG).sum()),
        **found["end"],
    }


def findings(trials):
    """What the papers say of success and time, and what came out."""
    told, tested = [], []
    for name, found in trials.items():
        solved = [each["sequences"] for each in found if each["sequences"] is not None]
        if name in CLAIMS:
            sequences = CLAIMS[name]
            here = f"{len(solved)} of {len(found)} nets"
            here += f", after {mean_and_error(solved)} sequences" if solved else ""
            near = solved and sequences / 2 <= np.mean(solved) <= 2 * sequences
            told.append(
                {
                    "claim": f"{name}: all nets meet the rule, after {sequences:,} sequences on average",
                    "here": here,
                    "agrees": bool(len(solved) == len(found) and near),
                }
            )
        tested += [each["wrong"] for each in found if each["sequences"] is not None and name not in FORGETTING]
    if all(name in trials for name in FORGETTING):
        times = {name: [each["sequences"] or np.inf for each in trials[name]] for name in ("task 6a", *FORGETTING)}
        five, one = (np.median(times[name]) / np.median(times["task 6a"]) for name in FORGETTING)
        told.append(
            {
                "claim": "Gers, Schmidhuber and Cummins 2000 of task 6b: with forget gates whose bias is 5 it takes as "
                "long, with a bias of 1 about three times as long",
                "here": "task 6a: "
                + " and ".join(
                    f"{times:.1f} times as long" if np.isfinite(times) else "not within the run"
                    for times in (five, one)
                )
                + " (medians)",
                "agrees": bool(2 / 3 <= five <= 1.5 and 2 <= one <= 4.5),
            }
        )
    told.append(
        {
            "claim": f"a net that has met the rule gets no more than 3 of {TESTED:,} new sequences wrong",
            "here": f"{len(tested)} nets: {np.mean(tested):.1f} wrong on average, {max(tested)} at the most"
            if tested
            else "no net has met it",
            "agrees": bool(tested) and max(tested) <= 3,
        }
    )
    return told


FORGETTING = ("task 6a, forget bias 5", "task 6a, forget bias 1")
CLAIMS = {"task 6a": 31_390, "task 6b": 571_100}


def of(relevant, lr, most, gates="io", **more):
    return {"relevant": relevant, "lr": lr, "most": most, "gates": gates, **more}


EXPERIMENT = Experiment(
    name="temporal_order",
    title="Temporal order",
    source="Hochreiter and Schmidhuber 1997, section 5.6 and table 9",
    settings={
        "task 6a": of(2, 0.5, 200_000),
        "task 6b": of(3, 0.1, 1_500_000, seeds=4),
        "task 6a, forget bias 5": of(2, 0.5, 200_000, "ifo", forget=5.0, seeds=10),
        "task 6a, forget bias 1": of(2, 0.5, 200_000, "ifo", forget=1.0, seeds=10),
    },
    seeds=20,
    trial=trial,
    findings=findings,
    code=(
        "experiments/at_end.py", "rnnlib/online.py", "rnnlib/fast/online.c", "rnnlib/tasks/temporal_order.py",
        "rnnlib/tasks/criteria.py",
    ),
    quick={"task 6a, briefly": of(2, 0.5, 60_000)},
    quick_seeds=1,
    published={
        "certainty": "seen",
        "rows": [["task 6a", 156, 31_390, "1 of 2,560"], ["task 6b", 308, 571_100, "2 of 2,560"]],
    },
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main("temporal_order"))
