"""How fast rnnlib is beside torch, in one process: `make bench`.

Each case is one training step (forward, then full BPTT with the gradients by the input and by every weight) of rnnlib,
of rnnlib without its C functions, and of torch, and the step's matrix products alone: the floor. They take turns; a
ratio is that of two neighbours in time, and what is reported is the median of the ratios, so that a machine that slows
down or is shared disturbs all alike. First with one thread and CPU time, then with all cores and the time on the wall.
"""

import argparse
import json
import os
import platform
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from benchmarks import memory, sides
from rnnlib import fast
from rnnlib.fast import in_c, in_numpy

RESULTS = Path(__file__).with_name("results")
KINDS, DTYPES = ("RNN", "LSTM", "GRU"), ("float32", "float64")
SHAPES = ((50, 16, 32, 64), (100, 32, 128, 128), (100, 64, 256, 256), (200, 8, 64, 512))
LARGEST = SHAPES[2:]  # most numbers, and widest
BLAS = ThreadpoolController()
NAMES = ("rnnlib", "numpy", "torch", "floor")


def measure(steps, seconds, clock, pause):
    """Times of steps that take turns.

    Parameters
    ----------
    steps : list of tuple
        A function that makes the context of a step, and the step itself, which alone is timed.
    seconds : float
        How long to go on, at least three rounds and at most fifty.
    clock : function
        Such as `time.process_time`.
    pause : float
        Seconds before each step. Threads of torch's and of numpy's go on turning for a while when they have nothing
        to do, and would take the cores from the other.

    Returns
    -------
    times : array, shape (rounds, steps)
        In seconds; the first round, in which memory is new and caches are cold, is left out.
    """
    rounds, start = [], time.perf_counter()
    while len(rounds) < 4 or (len(rounds) <= 50 and time.perf_counter() - start < seconds):
        rounds.append([])
        for context, step in steps:
            time.sleep(pause)
            with context():
                before = clock()
                step()
                rounds[-1].append(clock() - before)
    return np.array(rounds[1:])


def summary(times):
    """Medians of one case.

    Parameters
    ----------
    times : array, shape (rounds, 4)
        In the order of `NAMES`.

    Returns
    -------
    row : dict
        ``milliseconds`` of each by name, and the ratios, each the median over the rounds: of rnnlib, of rnnlib without
        C and of the floor to torch, and of rnnlib to the floor.
    """
    ours, numpy, torchs, floor = times.T
    return {
        "milliseconds": {name: float(np.median(t)) * 1e3 for name, t in zip(NAMES, times.T, strict=True)},
        "rnnlib / torch": float(np.median(ours / torchs)),
        "numpy / torch": float(np.median(numpy / torchs)),
        "floor / torch": float(np.median(floor / torchs)),
        "rnnlib / floor": float(np.median(ours / floor)),
    }


def run(shapes, seconds, threads, pause):
    """The table of all cases.

    Parameters
    ----------
    shapes : list of tuples
        T, B, D, H.
    seconds : float
        For each case.
    threads : int
        For numpy's products, for rnnlib's C functions and for torch. With one, time is that of the processor, else
        that on the wall.
    pause : float
        See `measure`.

    Returns
    -------
    rows : list of dict
        What `summary` says, with ``kind``, ``dtype`` and ``shape``.
    """
    rows, clock = [], time.process_time if threads == 1 else time.perf_counter
    torch.set_num_threads(threads)
    contexts = [partial(settings, fast.kernels, threads), partial(settings, in_numpy, threads)]
    contexts += [contexts[1], contexts[1]]
    for kind in KINDS:
        for dtype in DTYPES:
            for shape in shapes:
                step = sides.rnnlib_step(kind, dtype, shape)
                steps = [step, step, sides.torch_step(kind, dtype, shape), sides.products(kind, dtype, shape)]
                times = measure(list(zip(contexts, steps, strict=True)), seconds, clock, pause)
                rows.append({"kind": kind, "dtype": dtype, "shape": list(shape)} | summary(times))
                print(f"{kind:4} {dtype} {shape!s:20} rnnlib / torch {rows[-1]['rnnlib / torch']:.2f}", flush=True)
    return rows


@contextmanager
def settings(kernels, threads):
    """What rnnlib computes its steps with, and who has the threads: its C functions, or else numpy's products.

    Parameters
    ----------
    kernels : module
        `rnnlib.fast.in_c` or `in_numpy`.
    threads : int
    """
    before = fast.kernels, in_c.threads
    fast.kernels, in_c.threads = kernels, threads if kernels is in_c else 1
    with BLAS.limit(limits=1 if kernels is in_c else threads, user_api="blas"):
        yield
    fast.kernels, in_c.threads = before


def memory_rows(shapes):
    """Highest memory of a step, by rnnlib and by torch.

    Parameters
    ----------
    shapes : list of tuples

    Returns
    -------
    rows : list of dict
        ``kind``, ``dtype``, ``shape``, bytes by ``rnnlib`` and by ``torch``, and their ratio.
    """
    rows = []
    for kind in KINDS:
        for dtype in DTYPES:
            for shape in shapes:
                ours, torchs = (memory.peak(side, kind, dtype, shape) for side in ("rnnlib", "torch"))
                row = {"kind": kind, "dtype": dtype, "shape": list(shape), "rnnlib": ours, "torch": torchs}
                rows.append(row | {"rnnlib / torch": ours / torchs})
                print(f"{kind:4} {dtype} {shape!s:20} memory, rnnlib / torch {ours / torchs:.2f}", flush=True)
    return rows


def asked(rows):
    """What is asked of the table with one thread, and what came of it.

    Parameters
    ----------
    rows : list of dict
        From `run`.

    Returns
    -------
    asked : dict of str to tuple of two float
        What, to the limit and the figure.
    """
    ratios = [row["rnnlib / torch"] for row in rows]
    wide = [row["rnnlib / floor"] for row in rows if row["shape"][3] >= 256]
    return {
        "rnnlib / torch, the largest": (1.0, max(ratios)),
        "rnnlib / torch, the median": (0.5, float(np.median(ratios))),
        "rnnlib / floor where H is at least 256, the largest": (1.2, max(wide, default=0.0)),
    }


def machine():
    """What the figures were measured on.

    Returns
    -------
    machine : dict
        The processor, the cores that this process may use, versions, and which of rnnlib's kernels ran.
    """
    processor = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    (blas, *_) = [info for info in BLAS.info() if info["internal_api"] == "openblas"] or [{}]
    return {
        "processor": processor,
        "cores": cores(),
        "Python": platform.python_version(),
        "numpy": np.__version__,
        "BLAS": f"{blas.get('internal_api')} {blas.get('version')} for {blas.get('architecture')}",
        "torch": f"{torch.__version__} with {torch.backends.cpu.get_cpu_capability()}",
        "rnnlib's kernels": fast.kernels.__name__ + (f", {in_c.registers}" if fast.kernels is in_c else ""),
    }


def cores():
    """Cores that this process may use.

    Returns
    -------
    cores : int
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def markdown(results):
    """The results as a page.

    Parameters
    ----------
    results : dict
        As written to speed.json.

    Returns
    -------
    page : str
    """
    lines = ["<!-- Generated by `make bench`; do not edit. -->", "# rnnlib beside torch", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += ["", "One training step: forward, then full BPTT with the gradients by the input and by every weight. The"]
    lines += ["floor is the step's matrix products alone, by numpy; *numpy* is rnnlib without its C functions.", ""]
    lines += ["| asked, with one thread | at most | is |", "|---|---|---|"]
    lines += [f"| {what} | {limit} | {figure:.2f} |" for what, (limit, figure) in results["asked"].items()]
    for title, rows in results["tables"].items():
        ratios = ("rnnlib / torch", "numpy / torch", "floor / torch", "rnnlib / floor")
        lines += ["", f"## {title}", "", f"| layer | dtype | T, B, D, H | torch, ms | {' | '.join(ratios)} |"]
        lines += ["|---|---|---|--:|--:|--:|--:|--:|"]
        for row in rows:
            cells = [row["kind"], row["dtype"], ", ".join(map(str, row["shape"]))]
            cells += [f"{row['milliseconds']['torch']:.1f}", *(f"{row[ratio]:.2f}" for ratio in ratios)]
            lines.append(f"| {' | '.join(cells)} |")
    if results["memory"]:
        lines += [
            "",
            "## Most memory during a step",
            "",
            "| layer | dtype | T, B, D, H | rnnlib, MB | torch, MB | ratio |",
        ]
        lines += ["|---|---|---|--:|--:|--:|"]
        for row in results["memory"]:
            cells = [row["kind"], row["dtype"], ", ".join(map(str, row["shape"]))]
            cells += [f"{row[side] / 1e6:.1f}" for side in ("rnnlib", "torch")] + [f"{row['rnnlib / torch']:.2f}"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def plot(rows, path):
    """Draw the ratios to torch of the table with one thread.

    Parameters
    ----------
    rows : list of dict
        From `run`.
    path : pathlib.Path
        Of the SVG.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from rnnlib.plots import COLOURS

    figure = Figure(figsize=(7, 0.24 * len(rows) + 1.2), layout="constrained")
    ax, y = figure.subplots(), np.arange(len(rows))
    looks = {"rnnlib / torch": ("o", "blue"), "numpy / torch": ("s", "orange"), "floor / torch": ("|", "black")}
    labels = {"rnnlib / torch": "rnnlib", "numpy / torch": "rnnlib without C", "floor / torch": "matrix products alone"}
    for ratio, (marker, colour) in looks.items():
        ax.plot([row[ratio] for row in rows], y, marker, color=COLOURS[colour], label=labels[ratio], markersize=6)
    ax.axvline(1, color=COLOURS["black"], linewidth=0.8)
    ax.set_yticks(y, [f"{row['kind']}, {row['dtype']}, {tuple(row['shape'])}" for row in rows])
    ax.set(ylim=(len(rows) - 0.4, -0.6), xlabel="CPU time over torch's, one thread", xscale="log")
    ax.set_xticks(ticks := [0.1, 0.2, 0.5, 1, 2], ticks)
    ax.xaxis.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    with mpl.rc_context({"svg.hashsalt": "rnn", "svg.fonttype": "none"}):
        figure.savefig(path, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))


def main(shapes=SHAPES, largest=LARGEST, seconds=2.0, out=RESULTS, pause=0.1):
    """Measure all and write speed.json, speed.md and speed.svg.

    Parameters
    ----------
    shapes, largest : list of tuples
        T, B, D, H, for time and for memory.
    seconds : float
        For each case of a table.
    out : pathlib.Path
        The folder to write to.
    pause : float
        Before each step of the second table; see `measure`.

    Returns
    -------
    results : dict
        As written to speed.json.
    """
    one = run(shapes, seconds, 1, 0)
    every = run(shapes, seconds, cores(), pause)
    results = {
        "machine": machine(),
        "asked": asked(one),
        "tables": {"One thread, CPU time": one, f"All {cores()} cores, time on the wall": every},
        "memory": memory_rows(largest),
    }
    out.mkdir(exist_ok=True)
    (out / "speed.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (out / "speed.md").write_text(markdown(results), encoding="utf-8")
    plot(one, out / "speed.svg")
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each case of a table")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder to write to")
    arguments = parser.parse_args()
    for what, (limit, figure) in main(seconds=arguments.seconds, out=arguments.out)["asked"].items():
        print(f"{what}: {figure:.2f}, asked at most {limit}")
