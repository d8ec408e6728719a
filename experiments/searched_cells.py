"""The LSTM with each gate taken away, the GRU, and the cells that a search found, with as many weights each."""

import re
import sys
from functools import cache

import numpy as np

import rnnlib
from experiments.harness import Experiment, main
from experiments.training import LOSSES
from rnnlib import Dense, Network
from rnnlib.optim import Adam, clip_by_global_norm
from rnnlib.tasks import programs
from rnnlib.tasks.chorales import chorales, next_step_batch
from rnnlib.tasks.text import CharText

GATELESS = {"layer": "PeepholeLSTM", "options": {"peepholes": False}, "biases": {}}
CELLS = {
    "tanh": {"layer": "RNN", "options": {}, "biases": {}},
    "LSTM": {"layer": "LSTM", "options": {}, "biases": {"f": 0.0}},
    "LSTM without forget gate": {**GATELESS, "options": {"peepholes": False, "forget_gate": False}},
    "LSTM without input gate": {**GATELESS, "options": {"peepholes": False, "input_gate": False}, "biases": {"f": 0.0}},
    "LSTM without output gate": {
        **GATELESS, "options": {"peepholes": False, "output_gate": False}, "biases": {"f": 0.0}
    },
    "LSTM, forget bias 1": {"layer": "LSTM", "options": {}, "biases": {"f": 1.0}},
    "GRU": {"layer": "GRU", "options": {"reset": "before"}, "biases": {}},
    "MUT1": {"layer": "MUT1", "options": {}, "biases": {}},
    "MUT2": {"layer": "MUT2", "options": {}, "biases": {}},
    "MUT3": {"layer": "MUT3", "options": {}, "biases": {}},
}  # fmt: skip
LOOKS = 12  # at the validation part, in the course of a training
JUDGED = 64, 500  # streams, and characters of each, by which a network of characters is judged


def trial(setting, seed, device):
    """Train one network with each learning rate for a third of the time, and go on with the best.

    Parameters
    ----------
    setting : dict
        ``task``: "arithmetic", "XML" or "chorales", and what it asks for; ``layer`` of rnnlib, its ``options`` and
        ``biases``; ``weights``, how many at most; ``rates``; ``steps``, of the whole training.
    seed : int
    device : str
        "cpu".

    Returns
    -------
    found : dict
        ``units``; ``weights``; ``rate``; ``tried``, what was reached with each rate after a third; ``valid``, the same
        in the course of the whole training; ``test``, that of the moment when ``valid`` was best, and with it what else
        the task measures. Accuracies of characters, for chorales nats a time step.
    """
    task = TASKS[setting["task"]](setting, seed)
    units = most_units(setting, task)
    runs = [Training(network(setting, units, task, seed), task, rate) for rate in setting["rates"]]
    third = setting["steps"] // 3
    for run in runs:
        for look in range(LOOKS // 3):
            run.go_on(third * (look + 1) * 3 // LOOKS)
    best = max(runs, key=lambda run: task.sign * run.valid[-1])
    for look in range(LOOKS // 3, LOOKS):
        best.go_on(setting["steps"] * (look + 1) // LOOKS, fall_from=third, fall_to=setting["steps"])
    return {
        "units": units,
        "weights": best.network.count_parameters(),
        "rate": best.rate,
        "tried": [run.valid[LOOKS // 3 - 1] for run in runs],
        "valid": best.valid,
        **best.test,
    }


class Training:
    """One network in training with Adam.

    Parameters
    ----------
    network : rnnlib.Network
    task : Strings or Chorales
    rate : float
    """

    def __init__(self, network, task, rate):
        self.network, self.task, self.rate = network, task, rate
        self.optimizer = Adam(network.params, lr=rate)
        self.batches, self.states, self.steps = task.batches(), None, 0
        self.valid, self.test, self.best = [], {}, -np.inf

    def go_on(self, until, fall_from=None, fall_to=None):
        """Train until so many steps are done, and measure; the rate may fall in a straight line to 0."""
        _, backward = LOSSES[self.task.loss]
        while self.steps < until:
            if fall_from is not None:
                self.optimizer.lr = self.rate * (fall_to - self.steps) / (fall_to - fall_from)
            xs, targets, lengths = next(self.batches)
            logits, states = self.network.forward(xs, self.states, lengths)
            self.states = states if self.task.goes_on else None
            self.network.backward(backward(logits, targets, lengths))
            self.optimizer.step(clip_by_global_norm(self.network.grads, 1.0)[0])
            self.steps += 1
        self.valid.append(self.task.judge(self.network, "valid")["test"])
        good = self.task.sign * self.valid[-1]
        if good > self.best:
            self.best, self.test = good, self.task.judge(self.network, "test")


class Strings:
    """Strings one after the other, each character to be predicted from all before it; the state is carried on.

    Parameters
    ----------
    setting : dict
        ``task``; ``steps``; ``T`` and ``B``; ``drawn``, arguments of the generator.
    seed : int
    """

    loss, sign, goes_on = "classes", 1, True

    def __init__(self, setting, seed):
        self.setting, self.seed = setting, seed
        self.vocabulary = {"arithmetic": programs.ARITHMETIC, "XML": programs.XML}[setting["task"]]
        self.sizes = len(self.vocabulary), len(self.vocabulary)

    def batches(self):
        """Batches that continue each other; no character is read twice."""
        T, B = self.setting["T"], self.setting["B"]
        return (
            (*batch, None) for batch in self._text("train", T * B * self.setting["steps"] + B).batches(T, B, np.float32)
        )

    def judge(self, network, part):
        """Accuracy on strings that were not trained on.

        Returns
        -------
        found : dict
            ``test``, of the paper's kind: arithmetic, the characters of results; XML, all characters. For XML also
            ``closing``: the characters of closing tags, which can be known.
        """
        B, T = JUDGED
        data = self._text(part, B * (T + 1))
        xs, targets = next(data.batches(T, B, np.float32))
        right = network.forward(xs)[0].argmax(axis=-1) == targets
        text = ["".join(self.vocabulary[k] for k in xs[:, b].argmax(axis=-1)) for b in range(B)]
        if self.setting["task"] == "arithmetic":
            return {"test": share(right, text, programs.answers)}
        return {"test": round(float(right.mean()), 4), "closing": share(right, text, closings)}

    def _text(self, part, least):
        drawn = tuple(sorted(self.setting["drawn"].items()))
        return stream(self.setting["task"], part, self.seed, least, drawn)


@cache
def stream(task, part, seed, least, drawn):
    """So many characters of strings; those of the validation and test part are the same with each seed."""
    strings, vocabulary = {
        "arithmetic": (programs.arithmetic_strings, programs.ARITHMETIC), "XML": (programs.xml_strings, programs.XML)
    }[task]  # fmt: skip
    rng = np.random.default_rng([{"train": seed, "valid": 0, "test": 1}[part], part == "train", 2015])
    pieces, length = [], 0
    drawn = dict(drawn)
    letters = drawn.pop("letters", None)
    while length <= least:
        more = "".join(strings(1000, rng=rng, **drawn))
        pieces.append(more if letters is None else re.sub("[a-z]+", lambda name: name.group()[:letters], more))
        length += len(pieces[-1])
    return CharText("".join(pieces)[:least], vocabulary)


def share(right, text, where):
    """The share of right predictions at some places; `right` is (T, B), `text` has B strings of T characters."""
    return round(float(right[np.array([where(one) for one in text]).T].mean()), 4)


def closings(text):
    """Where in a text of XML strings the next character is one of a closing tag, after its ``</``.

    Parameters
    ----------
    text : str
        What the network reads.

    Returns
    -------
    next : array of bool, shape (len(text),)
        At each character whether its target is a letter of a closing tag or its ``>``.
    """
    is_open, found = False, np.zeros(len(text), dtype=bool)
    for t, character in enumerate(text):
        is_open = character == "/" or (is_open and character != ">")
        found[t] = is_open
    return found


class Chorales:
    """Bach's chorales, whole pieces, a step each quarter note.

    Parameters
    ----------
    setting : dict
        ``size``, pieces a batch.
    seed : int
        Of the order of the batches.
    """

    loss, sign, goes_on = "sets", -1, False
    sizes = 88, 88

    def __init__(self, setting, seed):
        self.setting, self.seed = setting, seed

    def batches(self):
        """Batches of pieces of like length, in a new order in each epoch."""
        rng, size = np.random.default_rng([self.seed, 88]), self.setting["size"]
        pieces = sorted(chorales("train"), key=len)
        data = [next_step_batch(pieces[k : k + size], np.float32) for k in range(0, len(pieces), size)]
        while True:
            yield from (data[k] for k in rng.permutation(len(data)))

    def judge(self, network, part):
        """The loss on pieces that were not trained on, in nats a time step."""
        xs, targets, lengths = whole_part(part)
        logits, _ = network.forward(xs, None, lengths)
        return {"test": round(LOSSES[self.loss][0](logits, targets, lengths), 4)}


@cache
def whole_part(part):
    """All pieces of a split as one batch."""
    return next_step_batch(chorales(part), np.float32)


TASKS = {"arithmetic": Strings, "XML": Strings, "chorales": Chorales}


def network(setting, units, task, seed):
    """The network of a setting with so many units."""
    rng, (D, K) = np.random.default_rng([seed, units, 2015]), task.sizes
    layer = getattr(rnnlib, setting["layer"])(
        D, units, rng=rng, dtype=np.float32, biases=setting["biases"], **setting["options"]
    )
    return Network([layer, Dense(units, K, rng=rng, dtype=np.float32)])


def most_units(setting, task):
    """The most units with which the network of a setting has no more than its number of weights."""
    units = 1
    while network(setting, units + 1, task, 0).count_parameters() <= setting["weights"]:
        units += 1
    return units


def findings(trials):
    """What the paper says of the cells, and what came out. What a quick run leaves out is not asked."""
    units = {"arithmetic": " %", "XML": " %", "chorales": " nats"}
    factors = {"arithmetic": 100, "XML": 100, "chorales": -1}  # more is better
    found = {
        task: {
            cell: np.array([factors[task] * each["test"] for each in trials[f"{task}: {cell}"]])
            for cell in CELLS
            if f"{task}: {cell}" in trials
        }
        for task in TASKS
    }
    strings = [task for task in ("arithmetic", "XML") if found[task]]

    def better(task, cell, other):
        """By how much the one is better than the other, paired by seed: mean and standard error."""
        apart = found[task][cell] - found[task][other]
        return apart.mean(), apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else np.nan

    def told(task, cell, other):
        (mean, error), digits = better(task, cell, other), 2 if task == "chorales" else 1
        return f"{mean:+.{digits}f}" + (f" ± {error:.{digits}f}" if np.isfinite(error) else "") + units[task]

    def gates_of(task):
        return [f"LSTM without {gate} gate" for gate in ("forget", "input", "output")
                if f"LSTM without {gate} gate" in found[task]]  # fmt: skip

    def without(tasks):
        return "; ".join(
            f"{task}: "
            + ", ".join(f"{gate.removeprefix('LSTM ')} {told(task, gate, 'LSTM')}" for gate in gates_of(task))
            for task in tasks
        )

    def worst(task):
        return min(gates_of(task), key=lambda gate: better(task, gate, "LSTM")[0])

    def best(task):
        return max(found[task], key=lambda cell: found[task][cell].mean())

    def against(cells, other, tasks):
        return "; ".join(
            f"{task}: " + ", ".join(f"{cell} {told(task, cell, other)}" for cell in cells) for task in tasks
        )

    said = [
        {
            "claim": "of its gates the LSTM needs the forget gate most: arithmetic and XML",
            "here": without(strings),
            "agrees": all(worst(task) == "LSTM without forget gate" for task in strings),
        }
    ]
    if not found["chorales"]:
        return said
    searched, music = ["GRU", "MUT1", "MUT2", "MUT3"], ["chorales"]
    return [
        *said,
        {
            "claim": "of its gates the LSTM needs the forget gate most: music",
            "here": without(music),
            "agrees": worst("chorales") == "LSTM without forget gate",
        },
        {
            "claim": "of its gates the LSTM needs the output gate least",
            "here": "in the two rows above",
            "agrees": all(
                max(gates_of(task), key=lambda gate: better(task, gate, "LSTM")[0]) == "LSTM without output gate"
                for task in TASKS
            ),
        },
        {
            "claim": "a forget bias of 1 makes the LSTM better on every task",
            "here": against(["LSTM, forget bias 1"], "LSTM", TASKS) + ", against bias 0",
            "agrees": all(better(task, "LSTM, forget bias 1", "LSTM")[0] > 0 for task in TASKS),
        },
        {
            "claim": "with that bias the LSTM comes up to the GRU",
            "here": against(["LSTM, forget bias 1"], "GRU", TASKS) + ", against the GRU",
            "agrees": all(
                better(task, "LSTM, forget bias 1", "GRU")[0] > {"chorales": -0.05}.get(task, -2) for task in TASKS
            ),
        },
        {
            "claim": "GRU and MUT1 to MUT3 are as good as the LSTM or better: arithmetic and XML",
            "here": against(searched, "LSTM", strings) + ", against forget bias 0",
            "agrees": all(better(task, cell, "LSTM")[0] > -1 for task in strings for cell in searched),
        },
        {
            "claim": "MUT1 is the best of all: arithmetic and XML",
            "here": "best: " + ", ".join(f"{task} {best(task)}" for task in strings)
            + "; " + against(["MUT1"], "GRU", strings) + ", MUT1 against the GRU",
            "agrees": all(best(task) == "MUT1" for task in strings),
        },
        {
            "claim": "tanh units are far behind",
            "here": against(["tanh"], "LSTM", TASKS) + ", against the LSTM",
            "agrees": all(better(task, "tanh", "LSTM")[0] < {"chorales": -0.1}.get(task, -5) for task in TASKS),
        },
    ]  # fmt: skip


def of(task, cell, **options):
    """The setting of a task and a cell."""
    drawn = {"arithmetic": {"digits": 2, "noise": 0.3}, "XML": {"letters": 3}}
    sizes = (
        {"size": 16, "steps": 720} if task == "chorales" else {"T": 35, "B": 32, "drawn": drawn[task], "steps": 2400}
    )
    return {"task": task, **CELLS[cell], "weights": 20_000, "rates": [0.005, 0.015, 0.045], **sizes, **options}


EXPERIMENT = Experiment(
    name="searched_cells",
    title="Gates taken away, and cells that a search found",
    source="Jozefowicz, Zaremba and Sutskever 2015",
    settings={f"{task}: {cell}": of(task, cell) for task in TASKS for cell in CELLS},
    seeds=3,
    trial=trial,
    findings=findings,
    code=(
        "experiments/training.py", "rnnlib/bptt.py", "rnnlib/init.py", "rnnlib/cells/elman.py", "rnnlib/cells/gru.py",
        "rnnlib/cells/lstm.py", "rnnlib/cells/mut.py", "rnnlib/cells/peephole_lstm.py", "rnnlib/tasks/programs.py",
        "rnnlib/tasks/chorales.py", "rnnlib/tasks/chorales.npz",
    ),
    quick={
        f"arithmetic: {cell}": of("arithmetic", cell, weights=6000, rates=[0.02], steps=360, T=30, B=16)
        for cell in ("LSTM", "LSTM without forget gate", "LSTM without input gate")
    },
    quick_seeds=1,
    published={
        "certainty": "recalled",
        "columns": ["arithmetic", "XML"],
        "rows": {
            "tanh": [0.295, 0.321],
            "LSTM": [0.892, 0.425],
            "LSTM without forget gate": [0.293, 0.234],
            "LSTM without input gate": [0.751, 0.414],
            "LSTM without output gate": [0.867, 0.421],
            "LSTM, forget bias 1": [0.902, 0.444],
            "GRU": [0.896, 0.460],
            "MUT1": [0.921, 0.475],
            "MUT2": [0.897, 0.473],
            "MUT3": [0.907, 0.465],
        },
    },
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main("searched_cells"))
