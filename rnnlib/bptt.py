r"""The engine: unrolls any cell over a sequence and brings the gradients back through time.

A cell (see `rnnlib.cells`) says what happens between the two products of a step. This module owns the rest: the loop,
the order of the gradients, their accumulation, and the products that are taken once for all steps,

.. math::

    \mathrm{d}W_x = \sum_t x_t^\top \, \mathrm{d}a^x_t, \qquad
    \mathrm{d}W_h = \sum_t h_{t-1}^\top \, \mathrm{d}a^h_t, \qquad
    \mathrm{d}b = \sum_t \mathrm{d}a^x_t, \qquad
    \mathrm{d}x_t = \mathrm{d}a^x_t \, W_x^\top .
"""

from typing import Any, NamedTuple

import numpy as np

from rnnlib.validation import check_array


class Tape(NamedTuple):
    """What the forward pass leaves for the backward pass.

    Parameters
    ----------
    xs : array, shape (T, B, D)
        The input.
    h_prevs : array, shape (T, B, H)
        The hidden state before each step.
    saved : list of T entries
        What the cell's `pointwise` saved at each step.
    """

    xs: np.ndarray
    h_prevs: np.ndarray
    saved: list[Any]


def forward(cell, params, xs, state0):
    r"""Run a cell over a sequence.

    .. math:: a^x_t = x_t W_x + b, \qquad a^h_t = h_{t-1} W_h, \qquad
        s_t = \mathrm{pointwise}(a^x_t, a^h_t, s_{t-1}), \qquad t = 1 \ldots T

    The input's product is taken for all steps at once; only the state's has to wait for the step before.

    Parameters
    ----------
    cell : object
        With `gates` G, `states`, `pointwise` and `pointwise_backward`, as `rnnlib.cells.elman.Elman` has.
    params : dict
        ``W_x`` (D, G·H), ``W_h`` (H, G·H) and ``b`` (G·H,), all of one dtype.
    xs : array, shape (T, B, D)
        The input, time first.
    state0 : tuple of arrays, each of shape (B, H)
        The initial state, h first.

    Returns
    -------
    hs : array, shape (T, B, H)
        The hidden states.
    state : tuple of arrays, each of shape (B, H)
        The state after the last step.
    tape : Tape
        For `backward`.

    Raises
    ------
    TypeError, ValueError
        When an argument is not an array, or its shape, dtype or an entry (NaN, infinity) is wrong.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 10.2; Werbos 1990.
    """
    W_x, W_h, b = params["W_x"], params["W_h"], params["b"]
    check_array("W_x", W_x, {"D": None, "G·H": None})
    D, H, dtype = W_x.shape[0], W_x.shape[1] // cell.gates, W_x.dtype
    check_array("W_h", W_h, {"H": H, "G·H": cell.gates * H}, dtype)
    check_array("b", b, {"G·H": cell.gates * H}, dtype)
    check_array("xs", xs, {"T": None, "B": None, "D": D}, dtype)
    T, B, _ = xs.shape
    check_state("state0", cell, state0, B, H, dtype)

    a_x = xs @ W_x + b
    h_prevs = np.empty((T + 1, B, H), dtype)  # the states before each step, and the last
    h_prevs[0] = state0[0]
    state, saved = tuple(state0), []
    for t in range(T):
        a_h = h_prevs[t] @ W_h
        state, for_backward = cell.pointwise(a_x[t], a_h, state)
        h_prevs[t + 1] = state[0]
        saved.append(for_backward)
    return h_prevs[1:].copy(), state, Tape(xs, h_prevs[:-1], saved)


def backward(cell, params, tape, dhs, dstate=None, window=None, every=1):
    r"""Backpropagation through time: bring the gradients of a sequence back, last step first.

    At each step the gradient by the state has two sources, this step's output and the step after:

    .. math:: \mathrm{d}h_t = \frac{\partial L}{\partial h_t}\Big|_{\text{output}} + \mathrm{d}a^h_{t+1} W_h^\top

    With a `window`, the gradient is truncated: after each `every` steps, the gradients of those steps' outputs go
    back through `window` steps and no further. ``window=k, every=1`` lets each output reach back through exactly k
    steps; ``window=k, every=k`` cuts the sequence into pieces of k, as training with a carried state does, at the
    cost of one pass.

    Parameters
    ----------
    cell, params : object, dict
        As given to `forward`.
    tape : Tape
        What `forward` returned.
    dhs : array, shape (T, B, H)
        Gradient of the loss by each hidden state, by way of that step's output alone.
    dstate : tuple of arrays, each of shape (B, H), optional
        Gradient by the state after the last step, zero when left out.
    window : int, optional
        Steps that a gradient goes back through, at least `every`. Without it, all: full BPTT.
    every : int
        Steps between two truncated passes; of no effect without `window`.

    Returns
    -------
    dxs : array, shape (T, B, D)
        Gradient by the input.
    dstate0 : tuple of arrays, each of shape (B, H)
        Gradient by the initial state.
    grads : dict
        Gradients by the parameters, under the keys of `params`.

    Raises
    ------
    TypeError, ValueError
        When an argument is not an array, its shape, dtype or an entry is wrong, or `window` is smaller than `every`.

    Source
    ------
    Werbos 1990; Goodfellow, Bengio and Courville 2016, section 10.2.2. Truncated: Williams and Peng 1990, BPTT(h; h')
    with h = `window`, h' = `every`.
    """
    W_x, W_h = params["W_x"], params["W_h"]
    T, B, H = tape.h_prevs.shape
    dtype = W_x.dtype
    check_array("dhs", dhs, {"T": T, "B": B, "H": H}, dtype)
    if dstate is not None:
        check_state("dstate", cell, dstate, B, H, dtype)
    if every < 1:
        raise ValueError(f"every is {every}; it should be at least 1")
    if window is None:
        passes = [(0, 0, T)]
    elif window < every:
        raise ValueError(f"window is {window}; it should be at least every = {every}, or outputs would be left out")
    else:
        ends = [*range(every, T, every), T]
        starts = [0, *ends[:-1]]
        passes = [(max(0, end - window), start, end) for start, end in zip(starts, ends, strict=True)]

    da_x = np.zeros((T, B, W_x.shape[1]), dtype)
    da_h = np.zeros((T, B, W_h.shape[1]), dtype)
    nothing = tuple(np.zeros((B, H), dtype) for _ in cell.states)
    dstate0 = nothing
    for stop, outputs_from, end in passes:
        dlater = dstate if end == T and dstate is not None else nothing
        for t in reversed(range(stop, end)):
            dh = dlater[0] + dhs[t] if t >= outputs_from else dlater[0]
            da_x_t, da_h_t, direct = cell.pointwise_backward((dh, *dlater[1:]), tape.saved[t])
            da_x[t] += da_x_t
            da_h[t] += da_h_t
            dlater = (direct[0] + da_h_t @ W_h.T, *direct[1:])
        if stop == 0:
            dstate0 = tuple(total + new for total, new in zip(dstate0, dlater, strict=True))

    rows_x, rows_h = da_x.reshape(T * B, -1), da_h.reshape(T * B, -1)
    grads = {
        "W_x": tape.xs.reshape(T * B, -1).T @ rows_x,
        "W_h": tape.h_prevs.reshape(T * B, -1).T @ rows_h,
        "b": rows_x.sum(axis=0),
    }
    return da_x @ W_x.T, dstate0, grads


def check_state(name, cell, state, B, H, dtype):
    """Raise unless `state` is a tuple with one (B, H) array for each of the cell's states.

    Parameters
    ----------
    name : str
        The argument's name, as the caller knows it.
    cell : object
        Its `states` name the arrays.
    state : object
        What the caller passed.
    B, H : int
        Batch size and number of hidden units.
    dtype : numpy dtype
        The dtype wanted.

    Raises
    ------
    TypeError, ValueError
        When it is something else.
    """
    if not isinstance(state, tuple) or len(state) != len(cell.states):
        what = f"tuple of {len(state)}" if isinstance(state, tuple) else type(state).__name__
        wanted = f"({cell.states[0]},)" if len(cell.states) == 1 else f"({', '.join(cell.states)})"
        raise TypeError(f"{name} is a {what}; it should be a tuple of {len(cell.states)}: {wanted}")
    for letter, array in zip(cell.states, state, strict=True):
        check_array(f"{letter} of {name}", array, {"B": B, "H": H}, dtype)
