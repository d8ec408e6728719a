"""The ladder of 'Optimizing Recurrent Neural Networks in cuDNN 5', walked with numpy: `make bench-ladder`.

A rung is a function of one layer or of the whole stack. It has what the one before has and one thing more, and gives
the same outputs. Those of one layer take xs (T, B, D), W_x (4H, D), W_h (4H, H) and b (4H,), the weights in the layout
of cuDNN and torch, begin with a state of zeros and give hs (T, B, H). What a rung prepares is part of its time.

All take turns, as in `benchmarks.speed`; first with one thread and CPU time, then with all cores and the time on the
wall. The peak is the best product of large square matrices, by numpy or by torch's oneDNN, in the same rounds.
"""

import argparse
import json
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks import ladder, speed
from rnnlib import fast
from rnnlib.fast import in_c, in_numpy

RESULT = speed.RESULTS / "ladder_cpu.json"
#: What was measured, from the root of the repository.
MEASURED = [
    "benchmarks/ladder.py",
    "benchmarks/ladder_cpu.py",
    "rnnlib/fast/__init__.py",
    "rnnlib/fast/in_c.py",
    "rnnlib/fast/in_numpy.py",
    "rnnlib/fast/kernels.c",
]
CHUNK = 5  # steps of a layer that are one piece of work where layers overlap


def sigmoid(a):
    """The formula, with a new array for each of its operations."""
    return 1 / (1 + np.exp(-a))


def gates(a_i, a_f, a_g, a_o, c_prev):
    """The pointwise part as it is written on paper, with a new array for each operation."""
    c = sigmoid(a_f) * c_prev + sigmoid(a_i) * np.tanh(a_g)
    return sigmoid(a_o) * np.tanh(c), c


def naive(xs, W_x, W_h, b):
    """One product for each gate and for each of x and h: eight in a step."""
    (T, B, _), H = xs.shape, W_h.shape[1]
    blocks = [slice(k, k + H) for k in range(0, 4 * H, H)]
    h = c = np.zeros((B, H), xs.dtype)
    hs = np.empty((T, B, H), xs.dtype)
    for t, x in enumerate(xs):
        a = [x @ W_x[k].T + h @ W_h[k].T + b[k] for k in blocks]
        h, c = gates(*a, c)
        hs[t] = h
    return hs


def stacked(xs, W_x, W_h, b):
    """One product for all gates: two in a step."""
    (T, B, _), H = xs.shape, W_h.shape[1]
    h = c = np.zeros((B, H), xs.dtype)
    hs = np.empty((T, B, H), xs.dtype)
    for t, x in enumerate(xs):
        a = x @ W_x.T + h @ W_h.T + b
        h, c = gates(*np.split(a, 4, axis=1), c)
        hs[t] = h
    return hs


def at_once(*products):
    """Products (v, W, out) at the same time, each by its share of the threads."""
    cuts, jobs = max(1, in_c.threads // len(products)), []
    for v, W, out in products:
        blocks = (np.array_split(m, cuts, axis=1) for m in (W, out))
        jobs += [(v, *block) for block in zip(*blocks, strict=True)]
    in_c.share_out(np.matmul, *zip(*jobs, strict=True))


def side_by_side(xs, W_x, W_h, b):
    """The two products of a step at the same time, in threads of their own."""
    (T, B, _), H = xs.shape, W_h.shape[1]
    h = c = np.zeros((B, H), xs.dtype)
    hs = np.empty((T, B, H), xs.dtype)
    a_x, a_h = np.empty((2, B, 4 * H), xs.dtype)
    for t, x in enumerate(xs):
        at_once((x, W_x.T, a_x), (h, W_h.T, a_h))
        h, c = gates(*np.split(a_x + a_h + b, 4, axis=1), c)
        hs[t] = h
    return hs


HALF = np.array([[0.5], [0.5], [1], [0.5]], np.float32)  # of i, f, g, o: σ(a) = ½ + ½ tanh(½ a)
SHIFT = np.array([[0.5], [0.5], [0], [0.5]], np.float32)


def gates_in_place(a, c, h):
    """The pointwise part without a new array: c is changed, h filled in, a used up."""
    a = a.reshape(len(a), 4, -1)
    a *= HALF
    np.tanh(a, out=a)
    a *= HALF
    a += SHIFT
    i, f, g, o = a.swapaxes(0, 1)
    c *= f
    i *= g
    c += i
    np.tanh(c, out=i)
    np.multiply(o, i, out=h)


def fused(xs, W_x, W_h, b):
    """The pointwise part writes into arrays that are there."""
    (T, B, _), H = xs.shape, W_h.shape[1]
    h, c = np.zeros((2, B, H), xs.dtype)
    hs = np.empty((T, B, H), xs.dtype)
    a, a_h = np.empty((2, B, 4 * H), xs.dtype)
    for t, x in enumerate(xs):
        at_once((x, W_x.T, a), (h, W_h.T, a_h))
        a += a_h
        a += b
        gates_in_place(a, c, hs[t])
        h = hs[t]
    return hs


def transposed(xs, W_x, W_h, b):
    """Each matrix is laid out once, so that a product reads its transpose row by row."""
    return fused(xs, np.asfortranarray(W_x), np.asfortranarray(W_h), b)


def hoisted(xs, W_x, W_h, b):
    """The inputs of all steps in one product, before the first step."""
    (T, B, D), H = xs.shape, W_h.shape[1]
    W_x, W_h = np.ascontiguousarray(W_x.T), np.ascontiguousarray(W_h.T)
    h, c = np.zeros((2, B, H), xs.dtype)
    hs, a = np.empty((T, B, H), xs.dtype), np.empty((B, 4 * H), xs.dtype)
    a_x = np.empty((T, B, 4 * H), xs.dtype)
    at_once((xs.reshape(T * B, D), W_x, a_x.reshape(T * B, 4 * H)))
    for t in range(T):
        at_once((h, W_h, a))
        a += a_x[t]
        a += b
        gates_in_place(a, c, hs[t])
        h = hs[t]
    return hs


def waves(layers, chunks):
    """What can be computed at the same time: (layer, chunk) waits for two others."""
    return [
        [(layer, wave - layer) for layer in range(layers) if 0 <= wave - layer < chunks]
        for wave in range(layers + chunks - 1)
    ]


def overlapped(xs, weights, steps=CHUNK):
    """All layers at work, each on the chunk of steps that the one below has left."""
    T, B, _ = xs.shape
    weights = [(np.ascontiguousarray(W_x.T), np.ascontiguousarray(W_h.T), b) for W_x, W_h, b in weights]
    states = [np.zeros((2, B, len(W_h)), xs.dtype) for _, W_h, _ in weights]
    hs = [xs] + [np.empty((T, *h.shape), xs.dtype) for h, _ in states]

    def work(layer, chunk):
        (W_x, W_h, b), (h, c) = weights[layer], states[layer]
        part = slice(chunk * steps, (chunk + 1) * steps)
        rows = hs[layer][part].reshape(-1, len(W_x))
        a_x = (rows @ W_x).reshape(-1, B, len(b))
        for a, out in zip(a_x, hs[layer + 1][part], strict=True):
            a += h @ W_h
            a += b
            gates_in_place(a, c, out)
            h[...] = out

    for wave in waves(len(weights), -(-T // steps)):
        in_c.share_out(work, *zip(*wave, strict=True))
    return hs[-1]


#: The rungs of one layer, in their order.
RUNGS = {
    "naive": naive,
    "one product for all gates": stacked,
    "two products side by side": side_by_side,
    "pointwise in place": fused,
    "weights transposed beforehand": transposed,
    "inputs of all steps in one product": hoisted,
}
OVERLAPPED, RNNLIB = "layers overlapped", "rnnlib"
BY_NUMPY = {"naive", "one product for all gates"}  # numpy's threads; the others have threads of their own
NOT_ALONE = {"two products side by side", OVERLAPPED}  # need a second thread


def in_turn(rung, xs, weights):
    """A rung of one layer, for one layer after the other."""
    for of_layer in weights:
        xs = rung(xs, *of_layer)
    return xs


def by_rnnlib(stack, xs):
    """The forward pass of rnnlib's layers, which also keeps what a backward pass needs."""
    for layer in stack:
        xs, _ = layer.forward(xs)
    return xs


def rungs(stack, xs):
    """The whole ladder.

    Parameters
    ----------
    stack : list of rnnlib.LSTM
    xs : array, shape (T, B, D)

    Returns
    -------
    steps : dict of str to function
        Without arguments; each gives the outputs of the last layer, an array of shape (T, B, H).
    """
    weights = ladder.given(stack)
    steps = {name: partial(in_turn, rung, xs, weights) for name, rung in RUNGS.items()}
    return steps | {OVERLAPPED: partial(overlapped, xs, weights), RNNLIB: partial(by_rnnlib, stack, xs)}


def square_products(size):
    """The products of square matrices that give the peak, by the library that takes them.

    Parameters
    ----------
    size : int

    Returns
    -------
    products : dict of str to function
        Without arguments.
    """
    a, b = np.random.default_rng(0).standard_normal((2, size, size)).astype(np.float32)
    products = {"numpy": partial(np.matmul, a, b, out=np.empty_like(a))}
    if torch.backends.mkldnn.is_available():
        products["oneDNN"] = partial(torch.nn.functional.linear, *(torch.tensor(m).to_mkldnn() for m in (a, b)))
    return products


def measured(setting, seconds, threads, pause, size):
    """Time the ladder.

    Parameters
    ----------
    setting : dict
        Arguments of `benchmarks.ladder.drawn`.
    seconds : float
        How long to go on; see `benchmarks.speed.measure`.
    threads : int
        With one, time is that of the processor, and the rungs that need a second thread are left out.
    pause : float
        See `benchmarks.speed.measure`.
    size : int
        Of the square matrices.

    Returns
    -------
    result : dict
        ``threads``, ``clock``, ``rounds``, the ``products`` of square matrices in GFLOP/s by library, the ``peak``, and
        the ``rungs`` as from `benchmarks.ladder.table`.
    """
    torch.set_num_threads(threads)
    steps = rungs(*ladder.drawn(**setting))
    steps = {name: step for name, step in steps.items() if threads > 1 or name not in NOT_ALONE}
    squares = square_products(size)
    by_numpy, own = partial(speed.settings, in_numpy, threads), partial(speed.settings, in_c, threads)
    as_installed = partial(speed.settings, fast.kernels, threads)
    contexts = [by_numpy if name in BY_NUMPY else as_installed if name == RNNLIB else own for name in steps]
    contexts += [by_numpy if name == "numpy" else nullcontext for name in squares]
    clock = time.process_time if threads == 1 else time.perf_counter
    turns = list(zip(contexts, [*steps.values(), *squares.values()], strict=True))
    times = speed.measure(turns, seconds, clock, pause)
    best = times[:, len(steps) :].min(axis=0)
    products = {name: 2 * size**3 / float(t) / 1e9 for name, t in zip(squares, best, strict=True)}
    peak = max(products.values())
    return {
        "threads": threads,
        "clock": "processor" if threads == 1 else "wall",
        "rounds": len(times),
        "products": products,
        "peak": peak,
        "rungs": ladder.table(list(steps), times[:, : len(steps)], ladder.operations(**setting), peak),
    }


def main(setting=ladder.SETTING, seconds=60.0, out=RESULT, pause=0.1, size=2048):
    """Walk the ladder with one thread and with all cores, and write ladder_cpu.json.

    Parameters
    ----------
    setting : dict
        Arguments of `benchmarks.ladder.drawn`.
    seconds : float
        For each of the two.
    out : pathlib.Path or None
        The file to write.
    pause : float
        Before each step where there is more than one thread; see `benchmarks.speed.measure`.
    size : int
        Of the square matrices whose product gives the peak.

    Returns
    -------
    result : dict
        What is written.
    """
    start, counts = time.perf_counter(), {"one thread": 1, "all cores": speed.cores()}
    ladders = {}
    for title, threads in counts.items():
        ladders[title] = measured(setting, seconds, threads, pause if threads > 1 else 0, size)
        ladder.printed(f"{title}: {threads}, peak {ladders[title]['peak']:.0f} GFLOP/s", ladders[title]["rungs"])
    result = {
        "machine": speed.machine(),
        "date": ladder.now(),
        "seconds": time.perf_counter() - start,
        "code": ladder.code(MEASURED),
        "setting": {**setting, "dtype": "float32", "chunk": CHUNK},
        "operations": ladder.operations(**setting),
        "ladders": ladders,
    }
    if out is not None:
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, measures nothing")
    parser.add_argument("--seconds", type=float, help="for each number of threads; 60 when left out, 0 with --quick")
    parser.add_argument("--out", type=Path, help=f"file to write; {RESULT.name} when left out, none with --quick")
    arguments = vars(parser.parse_args())
    small = (
        {"setting": ladder.QUICK, "seconds": 0.0, "out": None, "pause": 0, "size": 256}
        if arguments.pop("quick")
        else {}
    )
    main(**small | {name: value for name, value in arguments.items() if value is not None})
