r"""The same as `rnnlib.bptt`, faster, for the tanh RNN, the LSTM and the GRU with the reset after the product.

Layers come here by themselves where `applies` says so; ``layer.plain = True`` keeps a layer on the plain path. The
steps are computed by `rnnlib.fast.in_numpy`, or by the same functions in C, `rnnlib.fast.in_c`, where installing rnnlib
found a C compiler; ``rnnlib.fast.kernels`` is the one of these two modules in use. With the environment variable
``RNNLIB_FUSED=0`` rnnlib is installed without the C functions, or runs without them. They take one thread. With
``rnnlib.fast.in_c.threads = n`` they take n; numpy should then have one of its own (``OPENBLAS_NUM_THREADS=1``), or its
threads, which go on turning for a while after each product, stand in the way.

What makes it fast, or small:

- A step writes into arrays that are there before the loop begins, and a layer uses them again at its next call. Gates
  take the place of their pre-activations. What else the backward pass needs, it computes again.
- The backward pass goes through time in pieces, and takes a piece's products for the weights' gradients at once: the
  gradients by the pre-activations of all steps are never in memory together.
- In numpy, the input's products are one for all steps.
- In C, the matrices lie in panels that are read from first to last, and what is read is used for several rows of the
  batch: few rows, as in a step, do not keep numpy's BLAS busy.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from rnnlib import bptt
from rnnlib.activations import tanh
from rnnlib.cells import GRU, LSTM, Elman
from rnnlib.fast import in_c, in_numpy
from rnnlib.validation import check_array, check_lengths

#: The module that computes the steps: `in_c` or `in_numpy`.
#:
#: :meta hide-value:
kernels = in_c if in_c.is_there() else in_numpy

#: Rows of the batch, over all steps of it, in a piece of time.
PIECE = 512

#: How many columns of a weight's gradient are added at a time, so that their product takes little memory of its own.
COLUMNS = 512


class Tape(NamedTuple):
    """What the forward pass leaves for the backward pass.

    Parameters
    ----------
    params : dict of arrays
        The cell's.
    lengths : array of integers, shape (B,), or None
        As given to `forward`.
    arrays : dict of arrays
        By the names of `rnnlib.fast.in_numpy`: the input, what the steps filled in, and a place for da.
    """

    params: dict[str, np.ndarray]
    lengths: np.ndarray | None
    arrays: dict[str, np.ndarray]


def applies(cell):
    """Whether this module has a cell.

    Parameters
    ----------
    cell : rnnlib.cells.Cell

    Returns
    -------
    applies : bool
    """
    if type(cell) is Elman:
        return cell.phi is tanh
    if type(cell) is GRU:
        return (cell.reset, cell.update) == ("after", "keep")
    return type(cell) is LSTM


def forward(cell, params, xs, state0, lengths=None, old=None):
    """Run a cell over a sequence, as `rnnlib.bptt.forward` does.

    Parameters
    ----------
    cell : rnnlib.cells.Cell
        One that `applies`.
    params, xs, state0, lengths : see `rnnlib.bptt.forward`
    old : Tape, optional
        One that is not needed any more. Its arrays are used again if their shapes are right: memory that is new to the
        process costs up to a tenth of the time.

    Returns
    -------
    hs : array, shape (T, B, H)
    state : tuple of arrays, each of shape (B, H)
    tape : Tape
        For `backward`.

    Raises
    ------
    TypeError, ValueError
        As `rnnlib.bptt.forward`.
    """
    D, H, dtype = bptt.check_params(cell, params)
    check_array("xs", xs, {"T": None, "B": None, "D": D}, dtype)
    T, B, _ = xs.shape
    bptt.check_state("state0", cell, state0, B, H, dtype)
    if lengths is not None:
        check_lengths(lengths, B, T)
        lengths = lengths.copy()

    arrays = _arrays(cell, T, B, D, H, dtype, old)
    arrays["xs"][...] = xs  # the caller may change it before the backward pass
    states = tuple(arrays[name] for name in cell.states)
    for s, s0 in zip(states, state0, strict=True):
        s[0] = s0
    b_h = None
    if type(cell) is GRU:  # inside the reset
        b_h = np.concatenate([np.zeros(2 * H, dtype), params.get("b_h", np.zeros(H, dtype))])
    x = kernels.prepare(params["W_x"], params["b"]), kernels.prepare(params["W_h"], b_h), arrays["xs"]
    if type(cell) is Elman:
        kernels.rnn_forward(*x, arrays["a"], *states)
    elif type(cell) is LSTM:
        kernels.lstm_forward(*x, arrays["a"], *states)
    else:
        kernels.gru_forward(*x, arrays["a"], *states, arrays["m"])

    hs, last = states[0][1:].copy(), T
    if lengths is not None:
        hs[_padding(T, lengths)] = 0
        last = lengths
    return hs, tuple(s[last, np.arange(B)] for s in states), Tape(params, lengths, arrays)


def backward(cell, tape, dhs, dstate=None, window=None, every=1):
    """Backpropagation through time, as `rnnlib.bptt.backward` does it.

    A truncated gradient is left to the plain path, which runs forward once more for it.

    Parameters
    ----------
    cell : rnnlib.cells.Cell
        As given to `forward`.
    tape : Tape
        What `forward` returned.
    dhs, dstate, window, every : see `rnnlib.bptt.backward`

    Returns
    -------
    dxs : array, shape (T, B, D)
    dstate0 : tuple of arrays, each of shape (B, H)
    grads : dict of arrays

    Raises
    ------
    TypeError, ValueError
        As `rnnlib.bptt.backward`.
    """
    params, lengths, arrays = tape
    xs = arrays["xs"]
    if window is not None or every != 1:
        _, _, plain = bptt.forward(cell, params, xs, tuple(arrays[name][0] for name in cell.states), lengths)
        return bptt.backward(cell, plain, dhs, dstate, window, every)
    a, h = arrays["a"], arrays["h"]
    (T, B, _), H, dtype = a.shape, h.shape[2], h.dtype
    check_array("dhs", dhs, {"T": T, "B": B, "H": H}, dtype)
    if dstate is not None:
        bptt.check_state("dstate", cell, dstate, B, H, dtype)
    dhs, ends = np.ascontiguousarray(dhs), np.full(B, T)
    if lengths is not None:
        dhs, ends = dhs.copy(), lengths
        dhs[_padding(T, lengths)] = 0

    W_x, W_h = params["W_x"], kernels.prepare(params["W_h"].T)
    of_x = of_h = slice(None)
    if type(cell) is GRU:  # of the four blocks of da, n, r, z and m, three are the input's and three the state's
        W_x, of_x, of_h = np.roll(W_x, H, axis=1), slice(0, 3 * H), slice(H, 4 * H)
    dxs, dW_x, dW_h = np.empty(xs.shape, dtype), np.zeros(W_x.shape, dtype), np.zeros(params["W_h"].shape, dtype)
    W_x, db = kernels.prepare(W_x.T), 0
    dnow = tuple(np.zeros((B, H), dtype) for _ in cell.states)
    for start, stop in _pieces(T, len(arrays["da"]), ends):
        if dstate is not None:
            for d, dlast in zip(dnow, dstate, strict=True):
                d[ends == stop] += dlast[ends == stop]
        now, now_and_before = slice(start, stop), slice(start, stop + 1)
        da = arrays["da"][: stop - start]
        begin, end = (W_x, W_h, dxs[now], a[now]), (dhs[now], da, *dnow)
        if type(cell) is Elman:
            kernels.rnn_backward(*begin, *end)
        elif type(cell) is LSTM:
            kernels.lstm_backward(*begin, arrays["c"][now_and_before], *end)
        else:
            kernels.gru_backward(*begin, h[now_and_before], arrays["m"][now], *end)
        da = _rows(da)
        products = [(dW_x, _rows(xs[now]), da[:, of_x]), (dW_h, _rows(h[now]), da[:, of_h])]
        parts = [(*p, slice(k, k + COLUMNS)) for p in products for k in range(0, p[0].shape[1], COLUMNS)]
        in_c.share_out(_add_product, *zip(*parts, strict=True))
        db = db + da.sum(axis=0)
    if type(cell) is not GRU:
        return dxs, dnow, {"W_x": dW_x, "W_h": dW_h, "b": db}
    grads = {"W_x": np.roll(dW_x, -H, axis=1), "W_h": dW_h, "b": np.roll(db[: 3 * H], -H)}
    return dxs, dnow, grads | ({"b_h": db[3 * H :]} if cell.recurrent_bias else {})


def _arrays(cell, T, B, D, H, dtype, old):
    """Where the input is copied to and the steps write: the old tape's arrays, or new ones."""
    G = len(cell.blocks)
    width = 4 * H if type(cell) is GRU else G * H
    piece = min(T, max(1, PIECE // B))
    shapes = {"xs": (T, B, D), "a": (T, B, G * H), "da": (piece, B, width)}
    shapes |= {name: (T + 1, B, H) for name in cell.states}
    if type(cell) is GRU:
        shapes["m"] = (T, B, H)
    wanted = {name: (shape, dtype) for name, shape in shapes.items()}
    if isinstance(old, Tape) and {name: (a.shape, a.dtype) for name, a in old.arrays.items()} == wanted:
        return old.arrays
    arrays = {name: np.empty(shape, dtype) for name, shape in shapes.items()}
    if type(cell) is Elman:
        arrays["a"] = arrays["h"][1:]  # h takes the place of its pre-activation
    return arrays


def _pieces(T, piece, ends):
    """Pieces of time, last first, cut where a sequence ends too."""
    borders = sorted({*range(0, T, piece), T, *ends.tolist()})
    return reversed(list(pairwise(borders)))


def _add_product(dW, v, da, columns):
    dW[:, columns] += v.T @ da[:, columns]


def _rows(a):
    return a.reshape(-1, a.shape[-1])


def _padding(T, lengths):
    return np.arange(T)[:, None] >= lengths
