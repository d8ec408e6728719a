"""A network is layers in a list."""

import numpy as np

from rnnlib.activations import softmax
from rnnlib.validation import check_sizes, check_targets


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

    def forward(self, xs, states=None, lengths=None):
        """Run over a sequence.

        Parameters
        ----------
        xs : array, shape (T, B, D)
            The input.
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
        if states is None:
            states = [None] * len(self.layers)
        if len(states) != len(self.layers):
            raise ValueError(f"states has {len(states)} entries; it should have {len(self.layers)}, one a layer")
        after = []
        for layer, state0 in zip(self.layers, states, strict=True):
            xs, state = layer.forward(xs, state0, lengths)
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
        check_sizes(steps=steps)
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
