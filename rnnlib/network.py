"""A network is layers in a list."""

import numpy as np

from rnnlib.activations import softmax
from rnnlib.layers import Composite, Embedding, Layer
from rnnlib.validation import check_generator, check_number, check_sizes, check_targets


class Network(Composite):
    """Layers in a list, each fed by the one before.

    Its `params` and `grads` have keys such as ``0.W_x``, the number being the layer's place. A network is a layer, and
    may stand in another.

    Parameters
    ----------
    layers : sequence of Layer
        From the input to the output; their sizes must fit and their dtypes agree.

    Raises
    ------
    TypeError
        When something in the list is no layer, or one that does not turn a sequence into a sequence, as an `Imaginet`.
    ValueError
        When there is no layer, one stands in the list twice, the dtypes of two differ, or a layer does not fit to the
        one before.

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
        kinds = [type(layer).__name__ for layer in self.layers]
        for i, layer in enumerate(self.layers):
            if not isinstance(layer, Layer) or not hasattr(layer, "input_size"):
                raise TypeError(f"layers[{i}] is a {kinds[i]}; it should be a layer such as LSTM or Dense")
        dtypes = {str(layer.dtype) for layer in self.layers}
        if len(dtypes) > 1:
            raise ValueError(f"layers have dtypes {', '.join(sorted(dtypes))}; they should all have the same")
        seen = set()
        for i, layer in enumerate(self.layers):
            inside = {id(one) for one in _all_in(layer)}
            if inside & seen:
                raise ValueError(f"layers[{i}] ({kinds[i]}) stands in the list twice; each should be its own object")
            seen |= inside
        for i in range(1, len(self.layers)):
            before, layer = self.layers[i - 1], self.layers[i]
            if _reads_words(layer):
                raise ValueError(f"layers[{i}] ({kinds[i]}) reads words; it should be the first")
            if before.output_size != layer.input_size:
                raise ValueError(
                    f"layers[{i}] ({kinds[i]}) has input_size {layer.input_size}; it should be {before.output_size}, "
                    f"the output_size of layers[{i - 1}] ({kinds[i - 1]})"
                )
        self.arguments = {"layers": self.layers}
        self.input_size, self.output_size = self.layers[0].input_size, self.layers[-1].output_size
        self.dtype = self.layers[0].dtype

    @property
    def parts(self):
        """The layers by their place: ``"0"``, ``"1"`` … (dict of Layer)."""
        return {str(i): layer for i, layer in enumerate(self.layers)}

    def forward(self, xs, states=None, lengths=None):
        """Run over a sequence.

        Parameters
        ----------
        xs : array, shape (T, B, D), or of integers, shape (T, B)
            The input: vectors, or words where the first layer is an `Embedding`.
        states : list, optional
            One initial state a layer, as a `forward` before returned them; all zero when left out.
        lengths : array of integers, shape (B,), optional
            How many steps of each sequence count; all when left out. Every layer is told.

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
        after = []
        for layer, state0 in zip(self.layers, self._one_a_layer("states", states), strict=True):
            xs, state = layer.forward(xs, state0, lengths)
            after.append(state)
        return xs, after

    def backward(self, dys, dstates=None, window=None, every=1):
        """Backpropagation through layers and time for the last `forward`; fills the layers' `grads`.

        With a `window`, each layer truncates the gradient as `rnnlib.bptt.backward` does. Where k divides T,
        ``window=k, every=k`` is training on pieces of k steps with the state carried on, in one pass. With a `window`
        above `every`, a gradient may go back through `window` steps in each recurrent layer on its way.

        Parameters
        ----------
        dys : array, shape (T, B, K)
            Gradient of the loss by the output.
        dstates : list, optional
            Gradients by the states that `forward` returned, in their form; zero where it, or an entry, is None.
        window, every : int, optional
            Truncation; full BPTT when left out.

        Returns
        -------
        dxs : array, shape (T, B, D), or None
            Gradient by the input; words have none.
        dstates0 : list
            Gradients by the initial states, one a layer.

        Raises
        ------
        RuntimeError, TypeError, ValueError
            As the layers' own.
        """
        dstates0 = []
        for layer, dstate in reversed(list(zip(self.layers, self._one_a_layer("dstates", dstates), strict=True))):
            dys, dstate0 = layer.backward(dys, dstate, window, every)
            dstates0.insert(0, dstate0)
        return dys, dstates0

    def generate(self, first, steps, *, rng, temperature=1.0):
        r"""Let the network write: draw a token, feed it back, and so on.

        .. math:: k_t \sim \mathrm{softmax}(o_t / \tau), \qquad x_{t+1} = \text{one-hot}(k_t)

        Where the first layer is an `Embedding`, it reads :math:`k_t` itself.

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
            When `first` is no array of tokens, `steps` less than 1, `temperature` not above 0 or `rng` no Generator, or
            when the network cannot write: a layer is bidirectional, or its outputs are not as many as its inputs.
        """
        for i, layer in enumerate(self.layers):
            if not layer.one_way:
                raise ValueError(
                    f"layers[{i}] is a {type(layer).__name__}; to generate, every layer should do without later inputs"
                )
        if self.output_size != self.input_size:
            raise ValueError(
                f"the network's output_size is {self.output_size}; to generate, it should be its input_size, "
                f"{self.input_size}, since each drawn token is fed back"
            )
        if not check_number("temperature", temperature) > 0:
            raise ValueError(f"temperature is {temperature}; it should be above 0")
        check_sizes(steps=steps)
        if np.ndim(first) != 1 or np.size(first) == 0:
            raise ValueError(f"first has shape {np.shape(first)}; it should be (n,) with n at least 1")
        check_targets("first", first, np.shape(first), classes=self.input_size)
        check_generator(rng)
        logits, states = self.forward(self._as_input(first))
        tokens = np.empty(steps, dtype=np.int64)
        for t in range(steps):
            p = softmax(logits[-1, 0].astype(np.float64) / temperature)
            tokens[t] = rng.choice(len(p), p=p)
            if t + 1 < steps:
                logits, states = self.forward(self._as_input(tokens[t : t + 1]), states)
        return tokens

    def _one_a_layer(self, name, states):
        """The states, or their gradients, that an argument holds: None for each layer where it is None."""
        if states is None:
            return [None] * len(self.layers)
        if not isinstance(states, list | tuple):
            raise TypeError(f"{name} is a {type(states).__name__}; it should be a list with one entry a layer")
        if len(states) != len(self.layers):
            raise ValueError(f"{name} has {len(states)} entries; it should have {len(self.layers)}, one a layer")
        return states

    def _as_input(self, tokens):
        """Tokens (n,) as a batch of one sequence that the first layer reads."""
        if _reads_words(self):
            return tokens[:, None]
        return np.eye(self.input_size, dtype=self.dtype)[tokens][:, None]


def _all_in(layer):
    """A layer and every layer that it is made of."""
    yield layer
    for part in getattr(layer, "parts", {}).values():
        yield from _all_in(part)


def _reads_words(layer):
    """Whether a layer's input is words: an `Embedding`, or a network that begins with one."""
    return _reads_words(layer.layers[0]) if isinstance(layer, Network) else isinstance(layer, Embedding)
