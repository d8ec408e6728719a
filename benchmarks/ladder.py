"""What the ladders on the CPU and on the GPU have in common: the setting, the count of operations, and the table."""

import ast
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import rnnlib

ROOT = Path(__file__).resolve().parents[1]

#: The setting of 'Optimizing Recurrent Neural Networks in cuDNN 5': layers, T, B and H, with inputs of H numbers.
SETTING = {"layers": 4, "T": 100, "B": 64, "H": 512}
QUICK = {"layers": 2, "T": 6, "B": 4, "H": 32}


def drawn(layers, T, B, H):
    """A stack of LSTM layers with inputs of H numbers, and an input.

    Parameters
    ----------
    layers, T, B, H : int

    Returns
    -------
    stack : list of rnnlib.LSTM
        In float32.
    xs : array, shape (T, B, H)
    """
    rng = np.random.default_rng(0)
    stack = [rnnlib.LSTM(H, H, rng=rng, dtype=np.float32) for _ in range(layers)]
    return stack, rng.standard_normal((T, B, H)).astype(np.float32)


def given(stack):
    """The weights as a ladder is given them, in the layout that cuDNN and torch have.

    Parameters
    ----------
    stack : list of rnnlib.LSTM

    Returns
    -------
    weights : list of tuple of arrays
        For each layer W_x (4H, D), W_h (4H, H) and b (4H,).
    """
    layouts = [{name: np.ascontiguousarray(p.T) for name, p in layer.params.items()} for layer in stack]
    return [(p["W_x"], p["W_h"], p["b"]) for p in layouts]


def operations(layers, T, B, H, D=None):
    r"""Additions and multiplications of a forward pass.

    .. math:: q = 4 T B H (2 D + 2 H + 1)

    for one layer with D inputs. A pre-activation takes D + H multiplications and as many additions, the bias and the
    sum of the two products among them, and there are 4H for each step and sequence. A unit then takes 4: three products
    and a sum. The values of σ and tanh are not counted.

    Parameters
    ----------
    layers, T, B, H : int
    D : int, optional
        Inputs of the first layer; H when left out, as those of the others.

    Returns
    -------
    count : int
    """
    return sum(8 * T * B * H * (inputs + H) + 4 * T * B * H for inputs in [D or H] + [H] * (layers - 1))


def table(names, times, count, peak):
    """The rungs of a ladder, each beside the one before.

    Parameters
    ----------
    names : list of str
    times : array, shape (rounds, rungs)
        In seconds; in a round the rungs took turns.
    count : int
        Operations of a forward pass.
    peak : float
        GFLOP/s of the best product of large square matrices.

    Returns
    -------
    rungs : list of dict
        ``name``, ``milliseconds`` (the median), ``best``, ``GFLOP/s`` and ``share of peak`` by the median, and
        ``times the one before``: how many times as fast the rung is as the one before in the same round, in the lower
        quartile, the median and the upper quartile.
    """
    rungs = []
    for k, name in enumerate(names):
        rate = count / float(np.median(times[:, k])) / 1e9
        faster = times[:, max(k - 1, 0)] / times[:, k]
        rungs.append(
            {
                "name": name,
                "milliseconds": float(np.median(times[:, k])) * 1e3,
                "best": float(times[:, k].min()) * 1e3,
                "GFLOP/s": rate,
                "share of peak": rate / peak,
                "times the one before": [float(q) for q in np.quantile(faster, (0.25, 0.5, 0.75))],
            }
        )
    return rungs


def printed(title, rungs):
    """Show the rungs.

    Parameters
    ----------
    title : str
    rungs : list of dict
        From `table`.

    Returns
    -------
    None
    """
    print(title)
    for rung in rungs:
        before = rung["times the one before"][1]
        shown = (
            f"{rung['milliseconds']:9.1f} ms {rung['GFLOP/s']:8.0f} GFLOP/s {rung['share of peak']:6.1%} of the peak"
        )
        print(f"  {rung['name']:36}{shown}  × {before:.2f}", flush=True)


def code(paths):
    """A fingerprint of the code that was measured: another one says that a result is older than the code.

    Parameters
    ----------
    paths : list of str
        From the root. In a Python file, comments, docstrings and blank lines do not count.

    Returns
    -------
    fingerprint : str
    """
    text = "\n".join(_measured((ROOT / path).read_text(encoding="utf-8"), path) for path in paths)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _measured(text, path):
    """The lines of a file that say what is computed."""
    lines = text.splitlines()
    if not path.endswith(".py"):
        return "\n".join(lines)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            first, last = node.body[0].lineno - 1, node.body[0].end_lineno
            lines[first:last] = [""] * (last - first)
    return "\n".join(line for line in lines if line.strip() and not line.strip().startswith("#"))


def read(path, measured, target):
    """A result that is of the code as it is now.

    Parameters
    ----------
    path : pathlib.Path
    measured : list of str
        The code's files, as for `code`.
    target : str
        The command that measures again.

    Returns
    -------
    result : dict

    Raises
    ------
    FileNotFoundError
        When there is none.
    ValueError
        When it is older than the code.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is missing; `{target}` measures and writes it")
    result = json.loads(path.read_text(encoding="utf-8"))
    if result["code"] != code(measured):
        raise ValueError(f"{path.name} is older than the code in {', '.join(measured)}; `{target}` measures again")
    return result


def now():
    """When a result was measured.

    Returns
    -------
    date : str
        UTC, to the minute.
    """
    return datetime.now(UTC).isoformat(timespec="minutes")
