"""What a layer is, and the layers that any network is made of: parameters with a forward and a backward pass.

Every layer has ``params`` and ``grads``, dicts with the same keys; ``forward(xs, state0, lengths)`` gives the outputs
and the state to go on from; ``backward(dys, dstate, window, every)`` fills ``grads`` and gives the gradients by the
input and by the initial state, truncated where there is a window. Time comes first. With ``lengths``, what comes after
a sequence's last step is padding: it changes neither a state nor a gradient, and the outputs there are 0. The recurrent
layers are in `rnnlib.recurrent`, one for each cell.

What is given to ``forward`` may be changed afterwards, and so may what it returns: ``backward`` has copies. The
parameters it reads again. Between the two they should stay as they are: a gradient with parameters that were changed in
place, as an optimiser does, belongs to neither (torch raises an error there).
"""

import inspect
from collections.abc import MutableMapping

import numpy as np

from rnnlib import bptt, fast
from rnnlib.activations import named
from rnnlib.init import draw
from rnnlib.validation import (
    check_array,
    check_dtype,
    check_forward_was_called,
    check_generator,
    check_lengths,
    check_sizes,
    check_targets,
)


class Layer:
    """What all layers share. A subclass sets the attributes and defines `forward` and `backward`.

    ``arguments`` holds what the layer was made with, without the Generator: enough to make one of its shape again.
    ``one_way`` is False where an output depends on later inputs.
    """

    params: MutableMapping[str, np.ndarray]
    grads: MutableMapping[str, np.ndarray]
    arguments: dict[str, object]
    one_way = True

    def count_parameters(self):
        """Number of trainable numbers in the layer.

        Returns
        -------
        count : int
        """
        return sum(p.size for p in self.params.values())


class Joined(MutableMapping):
    """Dicts seen as one: each entry under its dict's name and a dot. What is assigned goes into the dict itself.

    Parameters
    ----------
    dicts : dict of str to dict
    """

    def __init__(self, dicts):
        self._dicts = dicts

    def __getitem__(self, name):
        dictionary, key = self._find(name)
        return dictionary[key]

    def __setitem__(self, name, value):
        dictionary, key = self._find(name)
        dictionary[key] = value

    def __delitem__(self, name):
        raise TypeError(f"{name} cannot be taken out; the layers need it")

    def __iter__(self):
        return (f"{part}.{key}" for part, dictionary in self._dicts.items() for key in dictionary)

    def __len__(self):
        return sum(map(len, self._dicts.values()))

    def __repr__(self):
        return repr(dict(self))

    def _find(self, name):
        part, _, key = str(name).partition(".")
        if key not in self._dicts.get(part, ()):
            raise KeyError(f"{name!r}; there are {', '.join(self)}")
        return self._dicts[part], key


class Composite(Layer):
    """Layers that act as one: their parameters stand side by side, each under its layer's name and a dot.

    A subclass sets ``parts``, a dict of name to layer. The arrays in `params` are the layers' own: what changes them in
    place, as an optimiser does, or assigns others, changes the layers.
    """

    parts: dict[str, Layer]

    @property
    def params(self):
        """All parameters (mapping of str to array)."""
        return Joined({part: layer.params for part, layer in self.parts.items()})

    @property
    def grads(self):
        """The gradients of the last `backward`, under the keys of `params` (mapping of str to array)."""
        return Joined({part: layer.grads for part, layer in self.parts.items()})

    @property
    def one_way(self):
        """Whether every layer is (bool)."""
        return all(layer.one_way for layer in self.parts.values())


class Recurrent(Layer):
    r"""A cell unrolled over a sequence: what `rnnlib.RNN`, `LSTM`, `GRU` and the others have in common.

    A subclass says which cell it is, in ``cell_type``. Sequences of two steps and more take `rnnlib.fast` where it has
    the cell, and `rnnlib.bptt` where it has not, or where the layer's attribute ``plain`` is set to True.

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
    TypeError, ValueError
        When a size, the dtype, the Generator, the recipe, a bias or an option is wrong; the message names it.
    """

    cell_type: type

    def __init__(self, input_size, hidden_size, *, rng, dtype=np.float64, init="uniform", biases=None, **options):
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        check_dtype(dtype)
        check_generator(rng)
        known = inspect.signature(self.cell_type).parameters
        for name in options:
            if name not in known:
                raise TypeError(f"{name} is no option of {type(self).__name__}; it has {', '.join(known) or 'none'}")
        self.input_size, self.hidden_size, self.dtype = input_size, hidden_size, np.dtype(dtype)
        self.output_size = hidden_size
        self.options = options
        self.arguments = {"input_size": input_size, "hidden_size": hidden_size, "dtype": str(self.dtype), **options}
        self.cell = self.cell_type(**options)
        self.params = draw(self.cell, input_size, hidden_size, rng=rng, dtype=dtype, recipe=init, biases=biases)
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self.plain, self._tape = False, None

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
        arguments = self.cell, self.params, xs, self._to_tuple(state0), lengths
        old, self._tape = self._tape, None
        if fast.applies(self.cell) and len(xs) > 1 and not self.plain:
            hs, state, self._tape = fast.forward(*arguments, old)
        else:
            hs, state, self._tape = bptt.forward(*arguments)
        return hs, self._from_tuple(state)

    def backward(self, dhs, dstate=None, window=None, every=1):
        """Backpropagation through time for the last `forward`; fills `grads`.

        The parameters are read again, so they should still be those of `forward`.

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
        engine = fast if isinstance(self._tape, fast.Tape) else bptt
        dxs, dstate0, self.grads = engine.backward(self.cell, self._tape, dhs, dstate, window, every)
        return dxs, self._from_tuple(dstate0)

    def _to_tuple(self, state):
        return (state,) if len(self.cell.states) == 1 else state

    def _from_tuple(self, state):
        return state[0] if len(self.cell.states) == 1 else state


class Dense(Layer):
    r"""Affine layer with or without a nonlinearity, the same at every time step: the readout from the hidden state.

    .. math:: o_t = \varphi(h_t W_y + b_y)

    :math:`\varphi` is the identity unless `activation` names another. The initial weights and biases are drawn
    uniformly from :math:`\pm 1/\sqrt{H}`, as `torch.nn.Linear` draws them.

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
    activation : str, optional
        ``"tanh"`` or ``"relu"``; none when left out. ``[layer, Dense(H, M, activation="tanh"), Dense(M, K)]`` is a
        recurrent layer with a deep output.

    Raises
    ------
    TypeError, ValueError
        When a size, the dtype, the activation or the Generator is wrong; the message names it.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, equation 10.10; with a nonlinearity between two such layers, the deep output
    of Pascanu, Gulcehre, Cho and Bengio 2014.
    """

    def __init__(self, input_size, output_size, *, rng, dtype=np.float64, activation=None):
        check_sizes(input_size=input_size, output_size=output_size)
        check_dtype(dtype)
        self.input_size, self.output_size, self.dtype = input_size, output_size, np.dtype(dtype)
        self.activation = activation
        if activation is not None:
            self._function, self._function_backward = named("activation", activation, ["tanh", "relu"])
        check_generator(rng)
        self.arguments = {"input_size": input_size, "output_size": output_size, "dtype": str(self.dtype)}
        self.arguments["activation"] = activation
        bound = input_size**-0.5
        shapes = {"W_y": (input_size, output_size), "b_y": (output_size,)}
        self.params = {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self._saved = None

    def forward(self, hs, state0=None, lengths=None):
        """Apply the layer to every time step.

        Parameters
        ----------
        hs : array, shape (T, B, H)
            The input.
        state0 : None
            Stands for the state that this layer does not have.
        lengths : array of integers, shape (B,), optional
            How many steps of each sequence count; all when left out. The outputs after them are 0.

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
        _check_no_state("state0", state0, self)
        alive = _alive(lengths, *hs.shape[:2])
        ys = hs @ self.params["W_y"] + self.params["b_y"]
        if alive is not None:
            ys *= alive
        if self.activation is None:
            self._saved = hs.copy(), None, alive
            return ys, None
        ys = self._function(ys)
        self._saved = hs.copy(), ys.copy(), alive  # the caller may change both
        return ys, None

    def backward(self, dys, dstate=None, window=None, every=1):
        """Gradients for the last `forward`; fills `grads`.

        Parameters
        ----------
        dys : array, shape (T, B, K)
            Gradient of the loss by the outputs; of no effect where padding was.
        dstate : None
            Stands for the state that this layer does not have.
        window, every : int, optional
            Stand for the truncation of a recurrent layer; without effect, since nothing goes back in time here.

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
        check_forward_was_called(self._saved)
        hs, ys, alive = self._saved
        T, B, H = hs.shape
        check_array("dys", dys, {"T": T, "B": B, "K": self.output_size}, self.dtype)
        _check_no_state("dstate", dstate, self)
        da = dys if self.activation is None else self._function_backward(dys, ys)
        if alive is not None:
            da = da * alive
        rows = da.reshape(T * B, self.output_size)
        self.grads = {"W_y": hs.reshape(T * B, H).T @ rows, "b_y": rows.sum(axis=0)}
        return da @ self.params["W_y"].T, None


class Embedding(Layer):
    r"""A vector for each word: the layer that lets any cell read words.

    .. math:: x_t = (W_e)_{k_t}

    the row of :math:`W_e`, (V, E), that belongs to the word :math:`k_t`; the same as the product of a one-hot row and
    :math:`W_e`, without taking it. A word's gradients add up over all places where it stands.

    The initial vectors are drawn from the standard normal distribution, as `torch.nn.Embedding` draws them.

    Parameters
    ----------
    vocabulary_size : int
        V, the number of words.
    embedding_size : int
        E.
    rng : numpy.random.Generator
        Draws the initial vectors.
    dtype : numpy dtype
        float64 or float32, of the vectors.

    Raises
    ------
    TypeError, ValueError
        When a size, the dtype or the Generator is wrong; the message names it.

    Source
    ------
    Bengio, Ducharme, Vincent and Jauvin 2003, where it is the matrix C.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import GRU, Dense, Embedding, Network
    >>> rng = np.random.default_rng(0)
    >>> network = Network([Embedding(20, 4, rng=rng), GRU(4, 8, rng=rng), Dense(8, 20, rng=rng)])
    >>> logits, states = network.forward(np.array([[3], [19], [3]]))
    >>> logits.shape
    (3, 1, 20)
    """

    def __init__(self, vocabulary_size, embedding_size, *, rng, dtype=np.float64):
        check_sizes(vocabulary_size=vocabulary_size, embedding_size=embedding_size)
        check_dtype(dtype)
        check_generator(rng)
        self.input_size, self.output_size, self.dtype = vocabulary_size, embedding_size, np.dtype(dtype)
        self.arguments = {"vocabulary_size": vocabulary_size, "embedding_size": embedding_size}
        self.arguments["dtype"] = str(self.dtype)
        self.params = {"W_e": rng.standard_normal((vocabulary_size, embedding_size)).astype(dtype)}
        self.grads = {"W_e": np.zeros_like(self.params["W_e"])}
        self._saved = None

    def forward(self, tokens, state0=None, lengths=None):
        """Look the words up.

        Parameters
        ----------
        tokens : array of integers, shape (T, B)
            The words, each from 0 to V - 1; any of them where there is padding.
        state0 : None
            Stands for the state that this layer does not have.
        lengths : array of integers, shape (B,), optional
            How many steps of each sequence count; all when left out. The outputs after them are 0.

        Returns
        -------
        xs : array, shape (T, B, E)
            The words' vectors.
        state : None

        Raises
        ------
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong; the message names it.
        """
        if np.ndim(tokens) != 2 or np.size(tokens) == 0:
            raise ValueError(f"tokens has shape {np.shape(tokens)}; it should be (T, B), both at least 1")
        check_targets("tokens", tokens, np.shape(tokens), classes=self.input_size)
        _check_no_state("state0", state0, self)
        alive = _alive(lengths, *tokens.shape)
        self._saved = tokens.copy(), alive
        xs = self.params["W_e"][tokens]
        return (xs if alive is None else xs * alive), None

    def backward(self, dxs, dstate=None, window=None, every=1):
        """Gradients for the last `forward`; fills `grads`.

        Parameters
        ----------
        dxs : array, shape (T, B, E)
            Gradient of the loss by the outputs; of no effect where padding was.
        dstate : None
            Stands for the state that this layer does not have.
        window, every : int, optional
            Stand for the truncation of a recurrent layer; without effect, since nothing goes back in time here.

        Returns
        -------
        dtokens : None
            There is no gradient by a word's number.
        dstate0 : None

        Raises
        ------
        RuntimeError
            When there was no `forward` before.
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong.
        """
        check_forward_was_called(self._saved)
        tokens, alive = self._saved
        T, B = tokens.shape
        check_array("dxs", dxs, {"T": T, "B": B, "E": self.output_size}, self.dtype)
        _check_no_state("dstate", dstate, self)
        dW_e = np.zeros_like(self.params["W_e"])
        np.add.at(dW_e, tokens, dxs if alive is None else dxs * alive)  # unlike +=, adds for each repetition
        self.grads = {"W_e": dW_e}
        return None, None


class Bidirectional(Composite):
    r"""Two recurrent layers over the same sequence, one from each end, their outputs side by side.

    .. math::

        \overrightarrow{s}_t &= \mathrm{forward}(x_t, \overrightarrow{s}_{t-1}), \qquad t = 1 \ldots T \\
        \overleftarrow{s}_t &= \mathrm{backward}(x_t, \overleftarrow{s}_{t+1}), \qquad t = T \ldots 1 \\
        y_t &= [\overrightarrow{h}_t, \overleftarrow{h}_t]

    T is each sequence's own length: the backward layer begins with its last step, not with padding. An output depends
    on the whole sequence, so that a bidirectional layer needs all of it before it gives the first.

    A state is a tuple of the forward layer's, after the last step, and the backward layer's, after the first. Several
    bidirectional layers in a `Network` are the deep form.

    Parameters
    ----------
    forward_layer, backward_layer : Recurrent
        Two layers of the same input size and dtype; their hidden sizes, H₁ and H₂, may differ. Their parameters are
        found under names such as ``forward.W_x`` and ``backward.W_x``.

    Raises
    ------
    TypeError, ValueError
        When one is no recurrent layer, both are the same object, or their input sizes or dtypes differ.

    Source
    ------
    Schuster and Paliwal 1997; deep: Graves, Mohamed and Hinton 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import LSTM, Bidirectional
    >>> rng = np.random.default_rng(0)
    >>> layer = Bidirectional(LSTM(3, 4, rng=rng), LSTM(3, 4, rng=rng))
    >>> ys, (forward_state, backward_state) = layer.forward(rng.standard_normal((5, 2, 3)), lengths=np.array([5, 2]))
    >>> ys.shape, ys[2:, 1].any()
    ((5, 2, 8), np.False_)
    """

    one_way = False

    def __init__(self, forward_layer, backward_layer):
        for name, layer in (("forward_layer", forward_layer), ("backward_layer", backward_layer)):
            if not isinstance(layer, Recurrent):
                raise TypeError(f"{name} is a {type(layer).__name__}; it should be a recurrent layer such as LSTM")
        if forward_layer is backward_layer:
            raise ValueError("backward_layer is forward_layer; it should be a layer of its own")
        for what in ("input_size", "dtype"):
            one, other = getattr(forward_layer, what), getattr(backward_layer, what)
            if one != other:
                raise ValueError(f"backward_layer has {what} {other}; it should be {one}, as forward_layer's")
        self.parts = {"forward": forward_layer, "backward": backward_layer}
        self.arguments = {"forward_layer": forward_layer, "backward_layer": backward_layer}
        self.input_size, self.dtype = forward_layer.input_size, forward_layer.dtype
        self.output_size = forward_layer.output_size + backward_layer.output_size
        self._order = None

    def forward(self, xs, state0=None, lengths=None):
        """Run over a sequence from both ends.

        Parameters
        ----------
        xs : array, shape (T, B, D)
            The input.
        state0 : tuple of two, optional
            The states in which the forward layer begins (before the first step) and the backward layer (after the
            last), each in its form; zero when left out.
        lengths : array of integers, shape (B,), optional
            How many steps of each sequence count; all when left out. The outputs after them are 0.

        Returns
        -------
        ys : array, shape (T, B, H₁ + H₂)
            The hidden states of both.
        state : tuple of two
            The states in which the two ended.

        Raises
        ------
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong; the message names it.
        """
        state0_f, state0_b = (None, None) if state0 is None else _pair("state0", state0)
        hs_f, state_f = self.parts["forward"].forward(xs, state0_f, lengths)
        T, B, _ = xs.shape
        t, ends = np.arange(T)[:, None], np.full(B, T) if lengths is None else lengths.astype(np.int64)
        order = np.where(t < ends, ends - 1 - t, t), np.arange(B)  # padding stays in place, so this undoes itself
        hs_b, state_b = self.parts["backward"].forward(xs[order], state0_b, lengths)
        self._order = order
        return np.concatenate([hs_f, hs_b[order]], axis=2), (state_f, state_b)

    def backward(self, dys, dstate=None, window=None, every=1):
        """Backpropagation through time, both ways, for the last `forward`; fills the layers' `grads`.

        Parameters
        ----------
        dys : array, shape (T, B, H₁ + H₂)
            Gradient of the loss by the outputs; of no effect where padding was.
        dstate : tuple of two, optional
            Gradients by the states that `forward` returned, in their form; zero when left out.
        window, every : int, optional
            Truncation, as in `rnnlib.bptt.backward`, of each layer by its own steps; full BPTT when left out.

        Returns
        -------
        dxs : array, shape (T, B, D)
            Gradient by the input.
        dstate0 : tuple of two
            Gradients by the initial states.

        Raises
        ------
        RuntimeError
            When there was no `forward` before.
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong.
        """
        check_forward_was_called(self._order)
        order, (T, B) = self._order, self._order[0].shape
        check_array("dys", dys, {"T": T, "B": B, "H1 + H2": self.output_size}, self.dtype)
        dstate_f, dstate_b = (None, None) if dstate is None else _pair("dstate", dstate)
        dhs_f, dhs_b = np.split(dys, [self.parts["forward"].output_size], axis=2)
        dxs_f, dstate0_f = self.parts["forward"].backward(dhs_f, dstate_f, window, every)
        dxs_b, dstate0_b = self.parts["backward"].backward(dhs_b[order], dstate_b, window, every)
        return dxs_f + dxs_b[order], (dstate0_f, dstate0_b)


def _alive(lengths, T, B):
    """Whether a step is part of the sequence or padding, (T, B, 1); None when there is no padding."""
    if lengths is None:
        return None
    check_lengths(lengths, B, T)
    return (np.arange(T)[:, None] < lengths)[:, :, None]


def _check_no_state(name, state, layer):
    if state is not None:
        kind = type(layer).__name__
        raise ValueError(f"{name} is a {type(state).__name__}; it should be None, since {kind} keeps no state")


def _pair(name, state):
    if not isinstance(state, tuple) or len(state) != 2:
        what = f"tuple of {len(state)}" if isinstance(state, tuple) else type(state).__name__
        raise TypeError(f"{name} is a {what}; it should be a tuple of two: the forward and the backward layer's")
    return state
