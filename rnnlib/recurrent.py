"""The recurrent layers: each a cell of `rnnlib.cells`, unrolled over a sequence."""

from rnnlib import cells
from rnnlib.layers import Recurrent


class RNN(Recurrent):
    r"""Simple recurrent network: the `rnnlib.cells.elman.Elman` cell unrolled over a sequence.

    .. math:: h_t = \tanh(x_t W_x + h_{t-1} W_h + b)

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.
    nonlinearity : str
        ``"tanh"``, or ``"relu"`` for the rectifier in its place.

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

    cell_type = cells.Elman


class LSTM(Recurrent):
    r"""Long short-term memory with a forget gate: the `rnnlib.cells.lstm.LSTM` cell unrolled over a sequence.

    .. math:: c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t)

    A state is a tuple ``(h, c)``.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.

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

    cell_type = cells.LSTM


class GRU(Recurrent):
    r"""Gated recurrent unit: the `rnnlib.cells.gru.GRU` cell unrolled over a sequence.

    .. math:: h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.

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

    cell_type = cells.GRU
