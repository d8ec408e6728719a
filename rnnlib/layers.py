"""What a layer is, and the layers that any network is made of: parameters with a forward and a backward pass.

Every layer has ``params`` and ``grads``, dicts with the same keys; ``forward(xs, state0, lengths)`` gives the outputs
and the state to go on from; ``backward(dys, dstate)`` fills ``grads`` and gives the gradients by the input and by the
initial state. Time comes first. The recurrent layers are in `rnnlib.recurrent`, one for each cell.
"""

import numpy as np

from rnnlib import bptt
from rnnlib.init import draw
from rnnlib.validation import check_array, check_dtype, check_forward_was_called, check_sizes


class Layer:
    """What all layers share. A subclass sets `params` and defines `forward` and `backward`."""

    params: dict[str, np.ndarray]
    grads: dict[str, np.ndarray]

    def count_parameters(self):
        """Number of trainable numbers in the layer.

        Returns
        -------
        count : int
        """
        return sum(p.size for p in self.params.values())


class Recurrent(Layer):
    r"""A cell unrolled over a sequence: what `rnnlib.RNN`, `LSTM`, `GRU` and the others have in common.

    A subclass says which cell it is, in ``cell_type``.

    Parameters
    ----------
    input_size : int
        D.
    hidden_size : int
        H.
    rng : numpy.random.Generator
        Draws the initial parameters.
    dtype : numpy dtype
        float64 or float32, of parameters, inputs and states alike.
    init : str
        How the parameters are drawn: ``"uniform"`` from :math:`\pm 1/\sqrt{H}`, as torch's recurrent layers,
        ``"glorot"`` or ``"orthogonal"``; see `rnnlib.init.draw`.
    biases : dict, optional
        Initial biases by block, such as ``{"f": 1.0}`` for the forget gate; see `rnnlib.init.draw`.
    **options : object
        The cell's own, by keyword.

    Raises
    ------
    ValueError
        When a size, the dtype, the recipe, a bias or an option is wrong; the message names it.
    """

    cell_type: type

    def __init__(self, input_size, hidden_size, *, rng, dtype=np.float64, init="uniform", biases=None, **options):
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        check_dtype(dtype)
        self.input_size, self.hidden_size, self.dtype = input_size, hidden_size, np.dtype(dtype)
        self.options = options
        self.cell = self.cell_type(**options)
        self.params = draw(self.cell, input_size, hidden_size, rng=rng, dtype=dtype, recipe=init, biases=biases)
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self._tape = None

    def forward(self, xs, state0=None, lengths=None):
        """Run over a sequence.

        Parameters
        ----------
        xs : array, shape (T, B, D)
            The input.
        state0 : array, shape (B, H), or a tuple of them, optional
            The initial state: h, or for a cell with several states, as in its `states`, such as ``(h, c)``; zero when
            left out.
        lengths : array of integers, shape (B,), optional
            How many steps of each sequence count; all when left out. What comes after is padding: it changes neither
            the state nor a gradient, and the outputs there are 0.

        Returns
        -------
        hs : array, shape (T, B, H)
            The hidden states.
        state : array, shape (B, H), or a tuple of them
            The state after each sequence's last step, to go on from, in the form of `state0`.

        Raises
        ------
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong; the message names it.
        """
        check_array("xs", xs, {"T": None, "B": None, "D": self.input_size}, self.dtype)
        if state0 is None:
            zeros = tuple(np.zeros((xs.shape[1], self.hidden_size), self.dtype) for _ in self.cell.states)
            state0 = self._from_tuple(zeros)
        hs, state, self._tape = bptt.forward(self.cell, self.params, xs, self._to_tuple(state0), lengths)
        return hs, self._from_tuple(state)

    def backward(self, dhs, dstate=None, window=None, every=1):
        """Backpropagation through time for the last `forward`; fills `grads`.

        Parameters
        ----------
        dhs : array, shape (T, B, H)
            Gradient of the loss by each hidden state, by way of that step's output alone.
        dstate : array, shape (B, H), or a tuple of them, optional
            Gradient by the state that `forward` returned, in its form; zero when left out.
        window, every : int, optional
            Truncation, as in `rnnlib.bptt.backward`; full BPTT when left out.

        Returns
        -------
        dxs : array, shape (T, B, D)
            Gradient by the input.
        dstate0 : array, shape (B, H), or a tuple of them
            Gradient by the initial state, in its form.

        Raises
        ------
        RuntimeError
            When there was no `forward` before.
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong.
        """
        check_forward_was_called(self._tape)
        dstate = None if dstate is None else self._to_tuple(dstate)
        dxs, dstate0, self.grads = bptt.backward(self.cell, self._tape, dhs, dstate, window, every)
        return dxs, self._from_tuple(dstate0)

    def _to_tuple(self, state):
        return (state,) if len(self.cell.states) == 1 else state

    def _from_tuple(self, state):
        return state[0] if len(self.cell.states) == 1 else state


class Dense(Layer):
    r"""Affine layer, the same at every time step: the readout from the hidden state.

    .. math:: o_t = h_t W_y + b_y

    The initial weights and biases are drawn uniformly from :math:`\pm 1/\sqrt{H}`, as `torch.nn.Linear` draws them.

    Parameters
    ----------
    input_size : int
        H.
    output_size : int
        K.
    rng : numpy.random.Generator
        Draws the initial parameters.
    dtype : numpy dtype
        float64 or float32, of parameters and inputs alike.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, equation 10.10.
    """

    def __init__(self, input_size, output_size, *, rng, dtype=np.float64):
        check_sizes(input_size=input_size, output_size=output_size)
        check_dtype(dtype)
        self.input_size, self.output_size, self.dtype = input_size, output_size, np.dtype(dtype)
        bound = input_size**-0.5
        shapes = {"W_y": (input_size, output_size), "b_y": (output_size,)}
        self.params = {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self._hs = None

    def forward(self, hs, state0=None, lengths=None):
        """Apply the layer to every time step.

        Parameters
        ----------
        hs : array, shape (T, B, H)
            The input.
        state0 : None
            Stands for the state that this layer does not have.
        lengths : array of integers, shape (B,), optional
            Of no effect: every step is computed by itself, padding too.

        Returns
        -------
        ys : array, shape (T, B, K)
            The outputs.
        state : None

        Raises
        ------
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong; the message names it.
        """
        check_array("hs", hs, {"T": None, "B": None, "H": self.input_size}, self.dtype)
        if state0 is not None:
            raise ValueError(f"state0 is a {type(state0).__name__}; it should be None, since Dense keeps no state")
        self._hs = hs
        return hs @ self.params["W_y"] + self.params["b_y"], None

    def backward(self, dys, dstate=None):
        """Gradients for the last `forward`; fills `grads`.

        Parameters
        ----------
        dys : array, shape (T, B, K)
            Gradient of the loss by the outputs.
        dstate : None
            Stands for the state that this layer does not have.

        Returns
        -------
        dhs : array, shape (T, B, H)
            Gradient by the input.
        dstate0 : None

        Raises
        ------
        RuntimeError
            When there was no `forward` before.
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong.
        """
        check_forward_was_called(self._hs)
        T, B, H = self._hs.shape
        check_array("dys", dys, {"T": T, "B": B, "K": self.output_size}, self.dtype)
        if dstate is not None:
            raise ValueError(f"dstate is a {type(dstate).__name__}; it should be None, since Dense keeps no state")
        rows = dys.reshape(T * B, self.output_size)
        self.grads = {"W_y": self._hs.reshape(T * B, H).T @ rows, "b_y": rows.sum(axis=0)}
        return dys @ self.params["W_y"].T, None
