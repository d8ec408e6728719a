"""The functions of `rnnlib.fast.in_numpy` in C, from kernels.c, where installing rnnlib built them."""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import numpy as np

#: Threads among which a step's rows and the columns of the weights' gradients are shared out.
threads = 1

LINE = 64  # bytes of a cache line, as in kernels.c


def _load(registers):
    """The libraries for registers of a kind, by dtype; None where they were not built or this processor has none."""
    libraries = {}
    for dtype, real in {"float32": "float", "float64": "double"}.items():
        with suppress(OSError):  # not there, or built for another system
            library = ctypes.CDLL(str(Path(__file__).with_name(f"kernels.{real}.{registers}.so")))
            if library.runs_here():
                libraries[np.dtype(dtype)] = library
    return libraries if len(libraries) == 2 else None


_libraries, registers = None, None
if os.environ.get("RNNLIB_FUSED") != "0":
    for registers in ("avx512", "avx2", "any"):
        if _libraries := _load(registers):
            break


def is_there():
    """Whether the C functions were built for this processor and are not switched off.

    Returns
    -------
    is_there : bool
    """
    return _libraries is not None


def prepare(W, b=None):
    """A matrix in the form in which a step takes its product.

    Parameters
    ----------
    W : array, shape (K, N)
    b : array, shape (N,), optional
        Added to the product; zero when left out.

    Returns
    -------
    panels : array, shape (P, K + 1, N / P)
        Columns side by side, as many as a cache line has place for: b, then the rows of W. Zeros fill up the last.
    """
    (K, N), width = W.shape, LINE // W.itemsize
    count = -(-N // width)
    memory = np.zeros((count * (K + 1) + 1) * width, W.dtype)
    start = -memory.ctypes.data % LINE // W.itemsize
    panels = memory[start : start + count * (K + 1) * width].reshape(count, K + 1, width)
    for k in range(count):
        part = W[:, k * width : (k + 1) * width]
        panels[k, 1:, : part.shape[1]] = part
        if b is not None:
            panels[k, 0, : part.shape[1]] = b[k * width : (k + 1) * width]
    return panels


def _run(name, scratch, W_x, W_h, *arrays):
    """Call a function for all rows of the batch, with `scratch` times H columns for its products."""
    function = getattr(_libraries[W_h.dtype], name)
    (T, B, D), H = arrays[0].shape, arrays[-1].shape[-1]

    def run(start, stop):
        p = np.empty((stop - start, scratch * H), W_h.dtype)
        addresses = [array.ctypes.data + start * array.strides[-2] for array in arrays]
        pointers = map(ctypes.c_void_p, [W_x.ctypes.data, W_h.ctypes.data, *addresses, p.ctypes.data])
        function(*map(ctypes.c_long, [T, B, stop - start, D, H]), *pointers)

    borders = np.linspace(0, B, min(threads, B) + 1).astype(int).tolist()
    share_out(run, borders[:-1], borders[1:])


def share_out(function, *arguments):
    """Call a function for each set of arguments, in as many threads as `threads` says.

    Parameters
    ----------
    function : function
        Spends its time outside Python, as numpy's products do.
    arguments : lists, all of one length
        As for map.

    Returns
    -------
    None
    """
    list(map(function, *arguments) if threads == 1 else _pool(os.getpid(), threads).map(function, *arguments))


@cache
def _pool(process, threads):
    """Threads that wait for work; of this process, since they do not come along when it is forked."""
    return ThreadPoolExecutor(threads)


rnn_forward = partial(_run, "rnn_forward", 1)
rnn_backward = partial(_run, "rnn_backward", 0)
lstm_forward = partial(_run, "lstm_forward", 4)
lstm_backward = partial(_run, "lstm_backward", 0)
gru_forward = partial(_run, "gru_forward", 3)
gru_backward = partial(_run, "gru_backward", 1)
