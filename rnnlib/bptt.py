r"""The engine: unrolls any cell over a sequence and brings the gradients back through time.

A cell (see `rnnlib.cells`) says what happens between the products of a step. This module owns the rest: the loop, the
order of the gradients, sequences of unequal length, truncation, and the products. What a product's weight needs is kept
step by step, so that its gradient is one product for all steps,

.. math::

    a_t = v_t W + b \quad\Rightarrow\quad
    \mathrm{d}v_t = \mathrm{d}a_t \, W^\top, \qquad
    \mathrm{d}W = \sum_t v_t^\top \, \mathrm{d}a_t, \qquad
    \mathrm{d}b = \sum_t \mathrm{d}a_t .
"""

from typing import Any, NamedTuple

import numpy as np

from rnnlib.validation import check_array, check_lengths, check_sizes


class Products:
    """Takes the products of a cell's weights, forward and backward, and adds up the weights' gradients.

    Within a step, a matrix (or a range of its columns) and a vector are used once: what each was used with is kept
    under its name. `t` is the step at hand, None for all steps at once.

    Parameters
    ----------
    params : dict of arrays
        The cell's parameters.

    Raises
    ------
    ValueError
        When one is used a second time.
    """

    def __init__(self, params):
        self.params, self.t = params, None
        self._vs, self._das, self._biases, self._given = {}, {}, {}, {}

    def linear(self, W, v, b=None, columns=None):
        r"""The product of a matrix, :math:`v W` or :math:`v W + b`.

        Parameters
        ----------
        W : str
            Name of the matrix, (N, M).
        v : array, shape (..., N)
        b : str, optional
            Name of a bias, (M,).
        columns : tuple of two int, optional
            Start and stop of the columns that take part, of W and b alike; all when left out.

        Returns
        -------
        a : array, shape (..., M), or as many columns as take part
        """
        self._remember(W, columns, v)
        self._biases[W, columns] = b
        part = slice(*columns) if columns else slice(None)
        a = v @ self.params[W][:, part]
        return a if b is None else a + self.params[b][part]

    def linear_backward(self, W, da, columns=None):
        r"""Gradient through `linear` by its v, :math:`\mathrm{d}a \, W^\top`; the gradients by W and b are kept.

        Parameters
        ----------
        W : str
            Name of the matrix, (N, M).
        da : array, shape (..., M), or as many columns as take part
        columns : tuple of two int, optional
            As in `linear`.

        Returns
        -------
        dv : array, shape (..., N)
        """
        self._keep(W, columns, da)
        part = slice(*columns) if columns else slice(None)
        return da @ self.params[W][:, part].T

    def scale(self, p, v):
        r"""The elementwise product of a vector, :math:`p \odot v`: what a peephole is.

        Parameters
        ----------
        p : str
            Name of the vector, (M,).
        v : array, shape (..., M)

        Returns
        -------
        a : array, the shape of v
        """
        self._remember(p, None, v)
        return v * self.params[p]

    def scale_backward(self, p, da):
        r"""Gradient through `scale` by its v, :math:`p \odot \mathrm{d}a`; the gradient by p is kept.

        Parameters
        ----------
        p : str
            Name of the vector, (M,).
        da : array, shape (..., M)

        Returns
        -------
        dv : array, the shape of da
        """
        self._keep(p, None, da)
        return da * self.params[p]

    def shift(self, b, a):
        """A bias that is added by itself, a + b.

        Parameters
        ----------
        b : str
            Name of the vector, (M,).
        a : array, shape (..., M)

        Returns
        -------
        a : array, the shape of a
        """
        self._remember(b, None, 1.0)
        return a + self.params[b]

    def shift_backward(self, b, da):
        """Gradient through `shift` by its a, which is da itself; the gradient by b is kept.

        Parameters
        ----------
        b : str
            Name of the vector, (M,).
        da : array, shape (..., M)

        Returns
        -------
        da : array
        """
        self._keep(b, None, da)
        return da

    def keep(self, name, gradient):
        """Add to a parameter's gradient what was found without one of the methods above.

        Parameters
        ----------
        name : str
        gradient : array, the shape of the parameter
        """
        self._given[name] = self._given.get(name, 0) + gradient

    def grads(self):
        """The gradients by the parameters, of all backward steps since the last call.

        Returns
        -------
        grads : dict of arrays
            Under the keys of `params`.
        """
        grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        for name, columns in dict.fromkeys(key[:2] for key in self._das):
            steps = [key for key in self._das if key[:2] == (name, columns)]
            if self.params[name].ndim == 1:
                grads[name] += sum(_rows(self._vs[key] * self._das[key]).sum(axis=0) for key in steps)
                continue
            vs, das = (np.concatenate([_rows(kept[key]) for key in steps]) for kept in (self._vs, self._das))
            part = slice(*columns) if columns else slice(None)
            grads[name][:, part] += vs.T @ das
            bias = self._biases[name, columns]
            if bias:
                grads[bias][part] += das.sum(axis=0)
        for name, gradient in self._given.items():
            grads[name] += gradient
        self._das, self._given = {}, {}
        return grads

    def _remember(self, name, columns, v):
        key = name, columns, self.t
        if key in self._vs:
            part = f"columns {columns[0]} to {columns[1]} of {name}" if columns else name
            when = "for all steps" if self.t is None else f"in step {self.t}"
            raise ValueError(f"{part} is used twice {when}; it should be used once, or its gradient is that of one use")
        self._vs[key] = v

    def _keep(self, name, columns, da):
        key = name, columns, self.t
        self._das[key] = self._das[key] + da if key in self._das else da


class Tape(NamedTuple):
    """What the forward pass leaves for the backward pass.

    Parameters
    ----------
    products : Products
        With what each weight was multiplied with.
    saved : list of T entries
        What the cell's `step` saved at each step.
    shapes : tuple
        Of the cell's a_x for all steps, and of hs.
    alive : array of bool, shape (T, B, 1), or None
        Whether a step is part of the sequence or padding; None when there is no padding.
    """

    products: Products
    saved: list[Any]
    shapes: tuple
    alive: np.ndarray | None


def forward(cell, params, xs, state0, lengths=None):
    r"""Run a cell over a sequence.

    .. math:: a^x = \mathrm{inputs}(x), \qquad s_t = \mathrm{step}(a^x_t, s_{t-1}), \qquad t = 1 \ldots T

    The input's product is taken for all steps at once; only the state's has to wait for the step before.

    Parameters
    ----------
    cell : rnnlib.cells.Cell
        Its equations.
    params : dict
        Under the names and with the shapes that ``cell.shapes(D, H)`` gives, all of one dtype.
    xs : array, shape (T, B, D)
        The input, time first.
    state0 : tuple of arrays, each of shape (B, H)
        The initial state, in the order of ``cell.states``.
    lengths : array of integers, shape (B,), optional
        How many steps of each sequence count, 1 to T; all when left out. What comes after is padding: it changes
        neither the state nor a gradient, and the outputs there are 0.

    Returns
    -------
    hs : array, shape (T, B, H)
        The outputs: the hidden states.
    state : tuple of arrays, each of shape (B, H)
        The state after each sequence's last step.
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
    D, H, dtype = check_params(cell, params)
    check_array("xs", xs, {"T": None, "B": None, "D": D}, dtype)
    T, B, _ = xs.shape
    check_state("state0", cell, state0, B, H, dtype)
    alive = None
    if lengths is not None:
        check_lengths(lengths, B, T)
        alive = (np.arange(T)[:, None] < lengths)[:, :, None]

    products = Products(params)
    a_x = cell.inputs(xs.copy(), products)  # products keeps it for the backward pass; the caller may change xs
    hs = np.empty((T, B, H), dtype)
    state, saved = tuple(s.copy() for s in state0), []
    for t in range(T):
        products.t = t
        after, for_backward = cell.step(a_x[t], state, products)
        hs[t] = after[cell.output]
        saved.append(for_backward)
        if alive is not None:
            hs[t] *= alive[t]
            after = tuple(np.where(alive[t], new, old) for new, old in zip(after, state, strict=True))
        state = after
    state = tuple(s.copy() for s in state)  # the caller may change it; a cell may have saved it
    return hs, state, Tape(products, saved, (a_x.shape, hs.shape), alive)


def backward(cell, tape, dhs, dstate=None, window=None, every=1):
    r"""Backpropagation through time: bring the gradients of a sequence back, last step first.

    At each step the gradient by the state has two sources, this step's output and the step after:

    .. math:: \mathrm{d}h_t = \frac{\partial L}{\partial h_t}\Big|_{\text{output}} + \mathrm{d}a^h_{t+1} W_h^\top

    With a `window`, the gradient is truncated: after each `every` steps, the gradients of those steps' outputs go
    back through `window` steps and no further. ``window=k, every=1`` lets each output reach back through exactly k
    steps; ``window=k, every=k`` cuts the sequence into pieces of k, as training with a carried state does, at the
    cost of one pass; where k does not divide T, what is left at the end still goes back k steps. In a padded batch the
    pieces are those of the longest sequence.

    The parameters are read again on the way back, so they should be those of the forward pass. What `forward` was given
    besides, the input among it, was copied and may have changed.

    Parameters
    ----------
    cell : rnnlib.cells.Cell
        As given to `forward`.
    tape : Tape
        What `forward` returned.
    dhs : array, shape (T, B, H)
        Gradient of the loss by each output, by way of that step's output alone; of no effect where padding was.
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
    products, saved, (shape_a, (T, B, H)), alive = tape
    dtype = products.params["W_h"].dtype
    check_array("dhs", dhs, {"T": T, "B": B, "H": H}, dtype)
    if dstate is not None:
        check_state("dstate", cell, dstate, B, H, dtype)
    lasts = T if alive is None else alive.sum(axis=0)
    nothing = tuple(np.zeros((B, H), dtype) for _ in cell.states)
    da_x, dstate0 = np.zeros(shape_a, dtype), nothing
    for stop, outputs_from, end in _passes(T, window, every):
        dafter = nothing
        if dstate is not None:  # to the rows that end within the steps whose outputs count
            dafter = tuple(np.where((outputs_from < lasts) & (lasts <= end), d, 0) for d in dstate)
        for t in reversed(range(stop, end)):
            products.t = t
            dnow = list(dafter)
            if t >= outputs_from:
                dnow[cell.output] = dnow[cell.output] + dhs[t]
            if alive is not None:
                dnow = [np.where(alive[t], d, 0) for d in dnow]
            da_x_t, dbefore = cell.step_backward(tuple(dnow), saved[t], products)
            if alive is not None:
                dbefore = tuple(np.where(alive[t], new, old) for new, old in zip(dbefore, dafter, strict=True))
            da_x[t] += da_x_t
            dafter = dbefore
        if stop == 0:
            dstate0 = tuple(total + new for total, new in zip(dstate0, dafter, strict=True))
    products.t = None
    return cell.inputs_backward(da_x, products), dstate0, products.grads()


def _passes(T, window, every):
    """Where each truncated pass stops, from where on its outputs count, and where it begins (its end in time)."""
    check_sizes(every=every)
    if window is None:
        return [(0, 0, T)]
    check_sizes(window=window)
    if window < every:
        raise ValueError(f"window is {window}; it should be at least every = {every}, or outputs would be left out")
    ends = [*range(every, T, every), T]
    return [(max(0, end - window), start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def check_params(cell, params):
    """Raise unless the parameters are those of the cell.

    Parameters
    ----------
    cell : rnnlib.cells.Cell
        Its `shapes` say what there should be.
    params : dict of arrays
        ``W_x`` and ``W_h`` give D, H and the dtype by which the others are judged.

    Returns
    -------
    D, H : int
        Input size and number of hidden units.
    dtype : numpy dtype

    Raises
    ------
    TypeError, ValueError
        When a parameter is missing or not the cell's, is no array, or has a wrong shape, dtype or entry.
    """
    for name in ("W_x", "W_h"):
        if name not in params:
            raise ValueError(f"params has the keys {sorted(params)}; {name} should be among them")
        check_array(name, params[name], {"rows": None, "columns": None})
    D, H, dtype = len(params["W_x"]), len(params["W_h"]), params["W_x"].dtype
    shapes = cell.shapes(D, H)
    if params.keys() != shapes.keys():
        raise ValueError(f"params has the keys {sorted(params)}; they should be {sorted(shapes)}")
    for name, shape in shapes.items():
        check_array(name, params[name], shape, dtype)
    return D, H, dtype


def check_state(name, cell, state, B, H, dtype):
    """Raise unless `state` is a tuple with one (B, H) array for each of the cell's states.

    Parameters
    ----------
    name : str
        The argument's name, as the caller knows it.
    cell : rnnlib.cells.Cell
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


def _rows(a):
    return a.reshape(-1, a.shape[-1])
