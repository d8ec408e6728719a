"""The most memory that one training step takes, measured in a process of its own.

    python -m benchmarks.memory rnnlib LSTM float32 100 64 256 256

prints bytes. The process first makes the layer and its data and runs a step of another, tiny layer, so that libraries
are loaded and their buffers made; then it lets the system forget the highest memory so far, runs the step once, and
takes the difference between the highest memory during the step and the memory before it. What counts is what the system
really gave to the process, whoever asked for it: numpy, torch, or a product's work space. Linux alone can do this.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TINY = (2, 3, 4, 5)


def peak(side, kind, dtype, shape):
    """The highest memory of a step above what there was before.

    Parameters
    ----------
    side : str
        ``"rnnlib"`` or ``"torch"``.
    kind, dtype, shape : see `benchmarks.sides.rnnlib_step`

    Returns
    -------
    peak : int
        Bytes.
    """
    command = [sys.executable, "-m", "benchmarks.memory", side, kind, dtype, *map(str, shape)]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def measure(side, kind, dtype, shape):
    """What `peak` says, measured in this process.

    Parameters
    ----------
    side, kind, dtype, shape : see `peak`

    Returns
    -------
    peak : int
        Bytes.
    """
    import torch
    from threadpoolctl import threadpool_limits

    from benchmarks import sides

    torch.set_num_threads(1)
    make = {"rnnlib": sides.rnnlib_step, "torch": sides.torch_step}[side]
    with threadpool_limits(1):
        step = make(kind, dtype, shape)
        make(kind, dtype, TINY)()
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
        kept = step()
        highest = _status("VmHWM")
        del kept
    return highest - before


def _status(entry):
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(entry))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(measure(*sys.argv[1:4], tuple(map(int, sys.argv[4:]))))
