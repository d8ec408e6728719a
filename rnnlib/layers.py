"""Layers and networks: parameters with a forward and a backward pass, time first.

Every layer has ``params`` and ``grads``, dicts with the same keys; ``forward(xs, state0)`` gives the outputs and the
state to go on from; ``backward(dys)`` fills ``grads`` and gives the gradient by the input.
"""

import numpy as np

from rnnlib import bptt, cells
from rnnlib.activations import softmax
from rnnlib.validation import check_array, check_targets


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
    r"""A cell unrolled over a sequence: what `RNN`, `LSTM` and `GRU` have in common.

    The initial weights and biases are drawn uniformly from :math:`\pm 1/\sqrt{H}`, as torch's recurrent layers draw
    them. A subclass says which cell it is.

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
    """

    cell: object

    def __init__(self, input_size, hidden_size, *, rng, dtype=np.float64):
        _check_sizes(input_size=input_size, hidden_size=hidden_size)
        _check_dtype(dtype)
        self.input_size, self.hidden_size, self.dtype = input_size, hidden_size, np.dtype(dtype)
        bound = hidden_size**-0.5
        width = self.cell.gates * hidden_size
        shapes = {"W_x": (input_size, width), "W_h": (hidden_size, width), "b": (width,)}
        self.params = {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self._tape = None

    def forward(self, xs, state0=None):
        """Run over a sequence.

        Parameters
        ----------
        xs : array, shape (T, B, D)
            The input.
        state0 : array, shape (B, H), or a tuple of them, optional
            The initial state: h, or for a cell with a memory ``(h, c)``; zero when left out.

        Returns
        -------
        hs : array, shape (T, B, H)
            The hidden states.
        state : array, shape (B, H), or a tuple of them
            The state after the last step, to go on from, in the form of `state0`.

        Raises
        ------
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong; the message names it.
        """
        check_array("xs", xs, {"T": None, "B": None, "D": self.input_size}, self.dtype)
        if state0 is None:
            zeros = tuple(np.zeros((xs.shape[1], self.hidden_size), self.dtype) for _ in self.cell.states)
            state0 = self._from_tuple(zeros)
        hs, state, self._tape = bptt.forward(self.cell, self.params, xs, self._to_tuple(state0))
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
        _check_forward_was_called(self._tape)
        dstate = None if dstate is None else self._to_tuple(dstate)
        dxs, dstate0, self.grads = bptt.backward(self.cell, self.params, self._tape, dhs, dstate, window, every)
        return dxs, self._from_tuple(dstate0)

    def _to_tuple(self, state):
        return (state,) if len(self.cell.states) == 1 else state

    def _from_tuple(self, state):
        return state[0] if len(self.cell.states) == 1 else state


class RNN(Recurrent):
    r"""Simple recurrent network: the `rnnlib.cells.elman.Elman` cell unrolled over a sequence.

    .. math:: h_t = \tanh(x_t W_x + h_{t-1} W_h + b)

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator
        Draws the initial parameters, as `Recurrent` says.
    dtype : numpy dtype
        float64 or float32.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import RNN
    >>> rng = np.random.default_rng(0)
    >>> layer = RNN(3, 4, rng=rng)
    >>> hs, h = layer.forward(rng.standard_normal((5, 2, 3)))
    >>> hs.shape, h.shape
    ((5, 2, 4), (2, 4))
    >>> dxs, dh0 = layer.backward(np.ones_like(hs))
    >>> dxs.shape, dh0.shape, layer.grads["W_h"].shape
    ((5, 2, 3), (2, 4), (4, 4))
    """

    cell = cells.Elman()


class LSTM(Recurrent):
    r"""Long short-term memory with a forget gate: the `rnnlib.cells.lstm.LSTM` cell unrolled over a sequence.

    .. math:: c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t)

    A state is a tuple ``(h, c)``.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator
        Draws the initial parameters, as `Recurrent` says.
    dtype : numpy dtype
        float64 or float32.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import LSTM
    >>> rng = np.random.default_rng(0)
    >>> layer = LSTM(3, 4, rng=rng)
    >>> hs, (h, c) = layer.forward(rng.standard_normal((5, 2, 3)))
    >>> hs.shape, c.shape, layer.params["W_h"].shape
    ((5, 2, 4), (2, 4), (4, 16))
    """

    cell = cells.LSTM()


class GRU(Recurrent):
    r"""Gated recurrent unit: the `rnnlib.cells.gru.GRU` cell unrolled over a sequence.

    .. math:: h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator
        Draws the initial parameters, as `Recurrent` says.
    dtype : numpy dtype
        float64 or float32.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import GRU
    >>> rng = np.random.default_rng(0)
    >>> layer = GRU(3, 4, rng=rng)
    >>> hs, h = layer.forward(rng.standard_normal((5, 2, 3)))
    >>> hs.shape, h.shape, layer.params["W_h"].shape
    ((5, 2, 4), (2, 4), (4, 12))
    """

    cell = cells.GRU()


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
        _check_sizes(input_size=input_size, output_size=output_size)
        _check_dtype(dtype)
        self.input_size, self.output_size, self.dtype = input_size, output_size, np.dtype(dtype)
        bound = input_size**-0.5
        shapes = {"W_y": (input_size, output_size), "b_y": (output_size,)}
        self.params = {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self._hs = None

    def forward(self, hs, state0=None):
        """Apply the layer to every time step.

        Parameters
        ----------
        hs : array, shape (T, B, H)
            The input.
        state0 : None
            Stands for the state that this layer does not have.

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
        _check_forward_was_called(self._hs)
        T, B, H = self._hs.shape
        check_array("dys", dys, {"T": T, "B": B, "K": self.output_size}, self.dtype)
        if dstate is not None:
            raise ValueError(f"dstate is a {type(dstate).__name__}; it should be None, since Dense keeps no state")
        rows = dys.reshape(T * B, self.output_size)
        self.grads = {"W_y": self._hs.reshape(T * B, H).T @ rows, "b_y": rows.sum(axis=0)}
        return dys @ self.params["W_y"].T, None


class Network:
    """Layers in a list, each fed by the one before.

    Parameters
    ----------
    layers : sequence of Layer
        From the input to the output; their sizes must fit and their dtypes agree.

    Raises
    ------
    ValueError
        When there is no layer, or the dtypes of two differ.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import RNN, Dense, Network
    >>> rng = np.random.default_rng(0)
    >>> network = Network([RNN(5, 8, rng=rng), Dense(8, 5, rng=rng)])
    >>> logits, states = network.forward(np.eye(5)[[[0], [3]]])
    >>> logits.shape
    (2, 1, 5)
    """

    def __init__(self, layers):
        self.layers = list(layers)
        if not self.layers:
            raise ValueError("layers is empty; it should hold at least one layer")
        dtypes = {str(layer.dtype) for layer in self.layers}
        if len(dtypes) > 1:
            raise ValueError(f"layers have dtypes {', '.join(sorted(dtypes))}; they should all have the same")

    @property
    def params(self):
        """All parameters under keys such as ``0.W_x``, the number being the layer's place (dict of arrays)."""
        return {f"{i}.{name}": p for i, layer in enumerate(self.layers) for name, p in layer.params.items()}

    @property
    def grads(self):
        """The gradients of the last `backward`, under the keys of `params` (dict of arrays)."""
        return {f"{i}.{name}": g for i, layer in enumerate(self.layers) for name, g in layer.grads.items()}

    def count_parameters(self):
        """Number of trainable numbers in the network.

        Returns
        -------
        count : int
        """
        return sum(layer.count_parameters() for layer in self.layers)

    def forward(self, xs, states=None):
        """Run over a sequence.

        Parameters
        ----------
        xs : array, shape (T, B, D)
            The input.
        states : list, optional
            One initial state a layer, as a `forward` before returned them; all zero when left out.

        Returns
        -------
        ys : array, shape (T, B, K)
            The last layer's output.
        states : list
            One state a layer, to go on from.

        Raises
        ------
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong; the message names it.
        """
        if states is None:
            states = [None] * len(self.layers)
        if len(states) != len(self.layers):
            raise ValueError(f"states has {len(states)} entries; it should have {len(self.layers)}, one a layer")
        after = []
        for layer, state0 in zip(self.layers, states, strict=True):
            xs, state = layer.forward(xs, state0)
            after.append(state)
        return xs, after

    def backward(self, dys):
        """Backpropagation through layers and time for the last `forward`; fills the layers' `grads`.

        Parameters
        ----------
        dys : array, shape (T, B, K)
            Gradient of the loss by the output.

        Returns
        -------
        dxs : array, shape (T, B, D)
            Gradient by the input.

        Raises
        ------
        RuntimeError, TypeError, ValueError
            As the layers' own.
        """
        for layer in reversed(self.layers):
            dys, _ = layer.backward(dys)
        return dys

    def generate(self, first, steps, *, rng, temperature=1.0):
        r"""Let the network write: draw a token, feed it back, and so on.

        .. math:: k_t \sim \mathrm{softmax}(o_t / \tau), \qquad x_{t+1} = \text{one-hot}(k_t)

        Parameters
        ----------
        first : array of integers, shape (n,)
            Tokens that are read before the first is drawn, at least one.
        steps : int
            How many tokens to draw, at least 1.
        rng : numpy.random.Generator
            Draws them.
        temperature : float
            τ, above 0: below 1 favours likely tokens, above 1 evens them out.

        Returns
        -------
        tokens : array of integers, shape (steps,)

        Raises
        ------
        TypeError, ValueError
            When `first` is no array of tokens, `steps` less than 1 or `temperature` not above 0.
        """
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature}; it should be above 0")
        _check_sizes(steps=steps)
        K = self.layers[0].input_size
        if np.ndim(first) != 1 or np.size(first) == 0:
            raise ValueError(f"first has shape {np.shape(first)}; it should be (n,) with n at least 1")
        check_targets("first", first, np.shape(first), classes=K)
        one_hot = np.eye(K, dtype=self.layers[0].dtype)
        logits, states = self.forward(one_hot[first][:, None])
        tokens = np.empty(steps, dtype=np.int64)
        for t in range(steps):
            p = softmax(logits[-1, 0].astype(np.float64) / temperature)
            tokens[t] = rng.choice(len(p), p=p)
            if t + 1 < steps:
                logits, states = self.forward(one_hot[tokens[t]][None, None], states)
        return tokens


def _check_sizes(**sizes):
    for name, size in sizes.items():
        if not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"{name} is {size!r}; it should be an integer of at least 1")


def _check_dtype(dtype):
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype is {np.dtype(dtype)}; it should be float32 or float64")


def _check_forward_was_called(saved):
    if saved is None:
        raise RuntimeError("backward was called before forward; run forward first, on the input to learn from")
