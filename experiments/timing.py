"""Timing: an LSTM measures the delay of spikes, and makes spikes with a delay, with peepholes and without."""

import sys

import numpy as np

from experiments.at_end import mean_and_error
from experiments.harness import Experiment, main
from rnnlib.online import OnlineLSTM
from rnnlib.tasks.timing import spike_delays, spikes_before_error, timed_spikes

TOLERANCE = 0.49
SPIKES = {"training": 100, "test": 1000}
TASKS = {"MSD": spike_delays, "GTS": timed_spikes}
DRAWN = 200  # streams at once


def trial(setting, seed, device):
    """Train one net on streams, each to its first error, until it is right for the 1,000 spikes of a test.

    Parameters
    ----------
    setting : dict
        ``task`` of `TASKS`; ``F``, the least interval; ``peepholes``; ``lr``; ``momentum``; ``most``, streams.
    seed : int
    device : str
        "cpu".

    Returns
    -------
    found : dict
        ``weights``; ``streams`` until success or None; ``spikes``, the most that a test went without an error.
    """
    rng = np.random.default_rng([2002, seed])
    net = OnlineLSTM(
        1, 1, blocks=1, cells=1, rng=rng, bound=0.1, peepholes=setting["peepholes"], squash_in="identity",
        squash_out="identity", biases={"i": [0.0], "f": [-2.0], "o": [2.0]},
    )  # fmt: skip
    draw, F = TASKS[setting["task"]], setting["F"]
    best = 0
    for done in range(0, setting["most"], DRAWN):
        xs, targets, lengths, judged = draw(F, SPIKES["training"], DRAWN, rng=rng)
        for b, length in enumerate(lengths):
            steps = slice(0, length), b
            net.reset()
            run = net.run(
                xs[steps], targets[steps], judged[steps], lr=setting["lr"], momentum=setting["momentum"],
                stop_at=TOLERANCE,
            )  # fmt: skip
            if run.steps < length or abs(run.ys[-1] - targets[length - 1, b])[0] >= TOLERANCE:
                continue
            best = max(best, tested(net, setting["task"], draw(F, SPIKES["test"], 1, rng=rng)))
            if best == SPIKES["test"]:
                return {"weights": net.count_parameters(), "streams": done + b + 1, "spikes": best}
    return {"weights": net.count_parameters(), "streams": None, "spikes": best}


def tested(net, task, stream):
    """How many spikes of a stream a net gets right before its first error."""
    xs, targets, _, judged = stream
    net.reset()
    ys = net.run(xs[:, 0]).ys[:, None]
    spikes = (xs if task == "MSD" else targets)[..., 0] == 1
    return int(spikes_before_error(ys, targets, judged, spikes, tolerance=TOLERANCE)[0])
