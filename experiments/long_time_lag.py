"""Long time lags: a network has to give back a sequence's first element at its end, 100 steps later and more."""

import sys

import numpy as np

from experiments.at_end import TESTED, errors_at_end, mean_and_error
from experiments.harness import Experiment, main
from rnnlib import RNN, Dense
from rnnlib.activations import sigmoid, sigmoid_backward
from rnnlib.online import OnlineLSTM
from rnnlib.tasks.lags import st1_and_st2, two_sequence

EVERY = 20  # sequences of task 2a between two looks at both
TOLERANCE = 0.25


def trial(setting, seed, device):
    """Train one net until it meets the paper's rule.

    Parameters
    ----------
    setting : dict
        ``task`` "2a" or "3a"; ``lr``; ``most``, sequences. For 2a ``p``, and ``squash``, the function g of an LSTM,
        or None for a tanh unit; for 3a ``T`` and ``N``.
    seed : int
    device : str
        "cpu".

    Returns
    -------
    found : dict
        ``weights``; ``sequences`` until the rule was met or None. For 2a ``added``, after how many sequences the memory
        cell came, and the ``error`` of the last element in the end; for the RNN ``reach``, the gradient of the last
        hidden state by the first. For 3a ``st1``, when its first rule was met, and ``wrong``, of 2,560 new sequences.
    """
    rng = np.random.default_rng([1997, 52, seed])
    if setting["task"] == "3a":
        return classify(setting, rng)
    return (lstm if setting["squash"] else rnn)(setting, rng)


def both(p):
    """The only two sequences of task 2a, each shape (p, p + 1): inputs and targets."""
    ends = np.array([p - 1, p])[:, None]
    tokens = np.concatenate([ends, np.tile(np.arange(p - 1), (2, 1)), ends], axis=1)
    one_hot = np.eye(p + 1)[tokens]
    return one_hot[:, :-1], one_hot[:, 1:]


def lstm(setting, rng):
    """The paper's net for 2a: the outputs see the input; a memory cell with input gate comes when they can no more."""
    p = setting["p"]
    net = OnlineLSTM(
        p + 1, p + 1, blocks=1, cells=1, rng=rng, bound=0.2, gates="i", direct=True, squash_in=setting["squash"],
        squash_out="identity", without=["h", "b_gates", "b_cells", "b_outputs"],
    )  # fmt: skip
    weights, sequences = net.count_parameters(), both(p)
    from_cell, net.params["W_y"][0], net.present["W_y"][0] = net.params["W_y"][0].copy(), 0, 0
    added, errors, starts = None, [], np.arange(EVERY * p) % p == 0
    for done in range(0, setting["most"], EVERY):
        which = rng.integers(0, 2, EVERY)
        xs, targets = (each[which].reshape(-1, p + 1) for each in sequences)
        ys = net.run(xs, targets, starts=starts, lr=setting["lr"]).ys
        errors.append(float(((ys - targets) ** 2).sum() / EVERY))
        if added is None:
            if len(errors) > 10 and min(errors[-5:]) > 0.99 * min(errors[:-5]):  # no better than 100 sequences ago
                added, net.params["W_y"][0], net.present["W_y"][0] = done + EVERY, from_cell, 1
            continue
        worst, last = judged(lambda xs: (net.reset(), net.run(xs).ys)[1], sequences)
        if worst < TOLERANCE:
            break
    return {"weights": weights, "sequences": done + EVERY if worst < TOLERANCE else None, "added": added, "error": last}


def judged(answer, sequences):
    """The largest error of any output at any step of both sequences, and at their ends."""
    errors = np.array([np.abs(answer(xs) - targets).max(axis=1) for xs, targets in zip(*sequences, strict=True)])
    return float(errors.max()), float(errors[:, -1].max())


def rnn(setting, rng):
    """One recurrent unit, whose outputs see the input too, by backpropagation through the whole sequence."""
    p, (inputs, targets) = setting["p"], both(setting["p"])
    layer, dense = RNN(p + 1, 1, rng=rng), Dense(p + 2, p + 1, rng=rng)
    for params in (layer.params, dense.params):
        for array in params.values():
            array[...] = rng.uniform(-0.2, 0.2, array.shape)

    def answer(xs):
        hs, _ = layer.forward(xs[:, None])
        return sigmoid(dense.forward(np.concatenate([hs, xs[:, None]], axis=2))[0])

    for done in range(setting["most"]):
        k = rng.integers(0, 2)
        ys = answer(inputs[k])
        dv, _ = dense.backward(sigmoid_backward(ys - targets[k][:, None], ys))
        layer.backward(np.ascontiguousarray(dv[:, :, :1]))
        for part in (layer, dense):
            for name, gradient in part.grads.items():
                part.params[name] -= setting["lr"] * gradient
        if done % 100 == 99:
            worst, last = judged(lambda xs: answer(xs)[:, 0], (inputs, targets))
            if worst < TOLERANCE:
                break
    answer(inputs[0][1:])
    dhs = np.zeros((p - 1, 1, 1))
    dhs[-1] = 1
    _, dh0 = layer.backward(dhs)
    return {
        "weights": layer.count_parameters() + dense.count_parameters(),
        "sequences": done + 1 if worst < TOLERANCE else None,
        "error": last,
        "reach": float(np.abs(dh0).max()),
    }


def classify(setting, rng):
    """Task 3a: three blocks of one cell, which see noise after the first elements."""
    T, N = setting["T"], setting["N"]
    net = OnlineLSTM(
        1, 1, blocks=3, cells=1, rng=rng, bound=0.1, gates="io", gate_recurrence=True, without=["b_outputs"],
        biases={"i": [-1.0, -3.0, -5.0], "o": [-2.0, -4.0, -6.0]},
    )  # fmt: skip
    test = two_sequence(T, N, 256, rng=rng)
    found = {"weights": net.count_parameters(), "sequences": None, "st1": None, "wrong": None}
    for done in range(0, setting["most"], 250):
        errors_at_end(net, two_sequence(T, N, 250, rng=rng), setting["lr"])
        errors = errors_at_end(net, test)
        st1, st2 = st1_and_st2(errors[:, None], np.zeros((256, 1)))
        if st1 and found["st1"] is None:
            found["st1"] = done + 250
        if st2:
            new = errors_at_end(net, two_sequence(T, N, TESTED, rng=rng))
            return found | {"sequences": done + 250, "wrong": int((new >= 0.2).sum())}
    return found


def findings(trials):
    """What the paper says of success and time, and what came out."""
    told, kinds = [], {"2a, LSTM": [], "2a, RNN": []}
    for name, found in trials.items():
        for kind in kinds:
            kinds[kind] += found if name.startswith(kind) else []
        if name not in CLAIMS:
            continue
        claim, sequences = CLAIMS[name]
        solved = [each["sequences"] for each in found if each["sequences"] is not None]
        here = f"{len(solved)} of {len(found)} nets"
        here += f", after {mean_and_error(solved)} sequences" if solved else ""
        near = solved and sequences / 2 <= np.mean(solved) <= 2 * sequences
        told.append({"claim": claim, "here": here, "agrees": bool(len(solved) == len(found) and near)})
    nets = kinds["2a, RNN"]
    told.append(
        {
            "claim": "task 2a: backpropagation through time and real-time recurrent learning never succeed",
            "here": f"{sum(each['sequences'] is not None for each in nets)} of {len(nets)} nets, one tanh unit by "
            "backpropagation through time; of its gradient there is left, after the lag, "
            + (f"{most:.0e} or less" if (most := max(each["reach"] for each in nets)) else "nothing that is not 0"),
            "agrees": all(each["sequences"] is None for each in nets),
        }
    )
    nets = kinds["2a, LSTM"]
    told.append(
        {
            "claim": "task 2a: LSTM succeeds where they do not",
            "here": f"{sum(each['sequences'] is not None for each in nets)} of {len(nets)} nets",
            "agrees": any(each["sequences"] is not None for each in nets),
        }
    )
    return told


WRITTEN, CENTRED = "2a, LSTM, g from 0 to 1", "2a, LSTM, g from −1 to 1"
CLAIMS = {
    WRITTEN: ("task 2a: LSTM always succeeds, after 5,040 sequences; here with g from 0 to 1 as in the paper", 5_040),
    CENTRED: ("the same, here with g from −1 to 1", 5_040),
    "3a, T = 100, N = 3": ("task 3a, T = 100, N = 3: always, after 39,850 sequences (ST2)", 39_850),
    "3a, T = 100, N = 1": ("task 3a, T = 100, N = 1: always, after 64,330 sequences (ST2)", 64_330),
    "3a, T = 1000, N = 3": ("task 3a, T = 1000, N = 3: always, after 452,460 sequences (ST2)", 452_460),
}


def remember(squash, most, lr=1.0, p=100, **more):
    return {"task": "2a", "p": p, "squash": squash, "lr": lr, "most": most, **more}


def two(T, N, most, **more):
    return {"task": "3a", "T": T, "N": N, "lr": 1.0, "most": most, **more}


EXPERIMENT = Experiment(
    name="long_time_lag",
    title="Long time lags, tasks 2a and 3a",
    source="Hochreiter and Schmidhuber 1997, sections 5.2 and 5.3, tables 2 and 4",
    settings={
        WRITTEN: remember("sigmoid", 40_000, seeds=2),
        CENTRED: remember("centred1", 80_000, seeds=6),
        **{f"2a, RNN, rate {lr:.0f}": remember(None, 20_000, lr, seeds=2) for lr in (1.0, 10.0)},
        "3a, T = 100, N = 3": two(100, 3, 200_000),
        "3a, T = 100, N = 1": two(100, 1, 300_000),
        "3a, T = 1000, N = 3": two(1000, 3, 600_000, seeds=1),
    },
    seeds=10,
    trial=trial,
    findings=findings,
    code=(
        "experiments/at_end.py", "rnnlib/online.py", "rnnlib/fast/online.c", "rnnlib/tasks/lags.py",
        "rnnlib/cells/elman.py", "rnnlib/bptt.py",
    ),
    quick={
        "2a, LSTM, p = 20": remember("centred1", 10_000, p=20),
        "2a, RNN, p = 20": remember(None, 2_000, p=20),
    },
    quick_seeds=2,
    published={
        "certainty": "seen",
        "weights": {"LSTM": 10_504, "RTRL": 10_404, "3a": 102},
        "rows": [
            ["RTRL, p = 10", "0 %", None],
            ["RTRL, p = 100", "0 %", None],
            ["BPTT, p = 100", "0 %", None],
            ["chunker, p = 100", "33 %", 32_400],
            ["LSTM, p = 100", "100 %", 5_040],
            ["3a, T = 100, N = 3", "100 %", 39_850],
            ["3a, T = 100, N = 1", "100 %", 64_330],
            ["3a, T = 1000, N = 3", "100 %", 452_460],
        ],
    },
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main("long_time_lag"))
