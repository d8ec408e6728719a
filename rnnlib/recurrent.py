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


class MultiplicativeRNN(Recurrent):
    r"""Multiplicative recurrent network: the `rnnlib.cells.multiplicative.MultiplicativeRNN` cell over a sequence.

    .. math:: f_t = (x_t W_{xf}) \odot (h_{t-1} W_h), \qquad h_t = \tanh(f_t W_f + x_t W_x + b)

    A state is one array, h.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.
    factors : int, optional
        F, the number of factors; H when left out.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import MultiplicativeRNN
    >>> rng = np.random.default_rng(0)
    >>> layer = MultiplicativeRNN(3, 4, rng=rng, factors=6)
    >>> hs, h = layer.forward(rng.standard_normal((5, 2, 3)))
    >>> hs.shape, layer.params["W_h"].shape, layer.params["W_f"].shape
    ((5, 2, 4), (4, 6), (6, 4))
    """

    cell_type = cells.MultiplicativeRNN


class DeepTransitionRNN(Recurrent):
    r"""Recurrent network with a deep transition, with or without shortcut: DT-RNN and DT(S)-RNN.

    It is the `rnnlib.cells.deep_transition.DeepTransitionRNN` cell unrolled over a sequence. With depth 2:

    .. math:: u_t = \tanh(x_t W_x + h_{t-1} W_h + b), \qquad h_t = \tanh(u_t W_2 + b_2 + h_{t-1} W_s)

    A state is one array, h.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.
    depth : int
        Layers from one state to the next, at least 2.
    shortcut : bool
        Whether the old state also goes directly to the last of them, by :math:`W_s`.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import DeepTransitionRNN
    >>> rng = np.random.default_rng(0)
    >>> layer = DeepTransitionRNN(3, 4, rng=rng, depth=3)
    >>> hs, h = layer.forward(rng.standard_normal((5, 2, 3)))
    >>> hs.shape, sorted(layer.params)
    ((5, 2, 4), ['W_2', 'W_3', 'W_h', 'W_s', 'W_x', 'b', 'b_2', 'b_3'])
    """

    cell_type = cells.DeepTransitionRNN


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


class LSTM1997(Recurrent):
    r"""The first LSTM, without a forget gate: the `rnnlib.cells.lstm1997.LSTM1997` cell unrolled over a sequence.

    .. math:: c_t = c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot (2 \sigma(c_t) - 1)

    A state is a tuple ``(h, c)``.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.
    truncated : bool
        Whether `backward` gives the paper's gradient, in which only the memory carries the error back in time; the full
        one when left out.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import LSTM1997
    >>> rng = np.random.default_rng(0)
    >>> layer = LSTM1997(3, 4, rng=rng, truncated=True)
    >>> hs, (h, c) = layer.forward(rng.standard_normal((5, 2, 3)))
    >>> dxs, (dh0, dc0) = layer.backward(np.ones_like(hs))
    >>> bool((dh0 == 0).all()), layer.params["W_h"].shape
    (True, (4, 12))
    """

    cell_type = cells.LSTM1997


class PeepholeLSTM(Recurrent):
    r"""LSTM with peepholes, and its variants: the `rnnlib.cells.peephole_lstm.PeepholeLSTM` cell over a sequence.

    .. math:: c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t)

    with gates that see the memory. A state is a tuple ``(h, c)``, with full gate recurrence ``(h, c, i, f, o)``.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.
    input_gate, forget_gate, output_gate : bool
        Whether the gate is there; it is, when left out.
    input_activation, output_activation : str
        What squashes the candidate, and the memory on its way out: ``"tanh"`` when left out, ``"identity"``,
        ``"centred1"`` or ``"centred2"``.
    coupled, peepholes, full_gate_recurrence : bool
        Whether the forget gate is one minus the input gate (no), the gates see the memory (yes), and the gates before
        (no).

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import PeepholeLSTM
    >>> from rnnlib.cells.peephole_lstm import VARIANTS
    >>> sorted(VARIANTS)
    ['CIFG', 'FGR', 'NFG', 'NIAF', 'NIG', 'NOAF', 'NOG', 'NP']
    >>> layer = PeepholeLSTM(3, 4, rng=np.random.default_rng(0), **VARIANTS["CIFG"])
    >>> {name: p.shape for name, p in layer.params.items()}
    {'W_x': (3, 12), 'W_h': (4, 12), 'b': (12,), 'p_i': (4,), 'p_o': (4,)}
    """

    cell_type = cells.PeepholeLSTM


class GRU(Recurrent):
    r"""Gated recurrent unit: the `rnnlib.cells.gru.GRU` cell unrolled over a sequence.

    .. math:: h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}

    A state is one array, h.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.
    reset : str
        Whether the reset gate acts ``"after"`` the candidate's product with the old state, as in torch, or ``"before"``
        it, as in the papers.
    update : str
        Whether z = 1 lets the cell ``"keep"`` its old state or ``"renew"`` it, as in Chung et al. 2014.
    recurrent_bias : bool
        Whether a second bias :math:`b_h` stands inside the reset, as in torch; only with ``reset="after"``.

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


class MUT1(Recurrent):
    r"""Jozefowicz et al.'s MUT1: the `rnnlib.cells.mut.MUT1` cell unrolled over a sequence.

    .. math:: z_t = \sigma(x_t W_{xz} + b_z), \qquad n_t = \tanh((r_t \odot h_{t-1}) W_{hn} + \tanh(\tilde x_t) + b_n)

    and :math:`h_t = z_t \odot n_t + (1 - z_t) \odot h_{t-1}`.
    Where D is not H, the bare input :math:`\tilde x_t` is projected first, by a last block of ``W_x``.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import MUT1
    >>> rng = np.random.default_rng(0)
    >>> layer, projected = MUT1(4, 4, rng=rng), MUT1(3, 4, rng=rng)
    >>> layer.params["W_x"].shape, projected.params["W_x"].shape
    ((4, 8), (3, 12))
    """

    cell_type = cells.MUT1


class MUT2(Recurrent):
    r"""Jozefowicz et al.'s MUT2: the `rnnlib.cells.mut.MUT2` cell unrolled over a sequence.

    .. math:: r_t = \sigma(\tilde x_t + h_{t-1} W_{hr} + b_r)

    and :math:`h_t = z_t \odot n_t + (1 - z_t) \odot h_{t-1}`.
    Where D is not H, the bare input :math:`\tilde x_t` is projected first, by a last block of ``W_x``.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import MUT2
    >>> rng = np.random.default_rng(0)
    >>> layer, projected = MUT2(4, 4, rng=rng), MUT2(3, 4, rng=rng)
    >>> layer.params["W_x"].shape, projected.params["W_x"].shape
    ((4, 8), (3, 12))
    """

    cell_type = cells.MUT2


class MUT3(Recurrent):
    r"""Jozefowicz et al.'s MUT3: the `rnnlib.cells.mut.MUT3` cell unrolled over a sequence.

    .. math:: z_t = \sigma(x_t W_{xz} + \tanh(h_{t-1}) W_{hz} + b_z)

    and :math:`h_t = z_t \odot n_t + (1 - z_t) \odot h_{t-1}`.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import MUT3
    >>> rng = np.random.default_rng(0)
    >>> layer, projected = MUT3(4, 4, rng=rng), MUT3(3, 4, rng=rng)
    >>> layer.params["W_x"].shape, projected.params["W_x"].shape
    ((4, 12), (3, 12))
    """

    cell_type = cells.MUT3


class GatedFeedback(Recurrent):
    r"""Gated feedback network: the `rnnlib.cells.gated_feedback.GatedFeedback` cell, several layers, over a sequence.

    .. math:: s^j_t = \sum_{i=1}^{L} g^{i \to j}_t \, (h^i_{t-1} U^{i \to j}), \qquad
        g^{i \to j}_t = \sigma(h^{j-1}_t w^{i \to j} + h^*_{t-1} u^{i \to j}), \qquad h^0_t = x_t

    where :math:`s^j_t` is the recurrent part of the candidate of layer j. The output is that of the last layer. A state
    is a tuple of every layer's h, as in ``(h1, h2)``, for the LSTM followed by every layer's c, ``(h1, h2, c1, c2)``;
    it is one array, h, where there is no other.

    Parameters
    ----------
    input_size, hidden_size : int
        D, and H of each layer.
    rng, dtype, init, biases : see `rnnlib.layers.Recurrent`
        How the parameters are drawn; the biases are those of every layer.
    layers : int
        L.
    over : str
        What a layer is: ``"tanh"``, ``"lstm"`` or ``"gru"``.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import GatedFeedback
    >>> rng = np.random.default_rng(0)
    >>> layer = GatedFeedback(3, 4, rng=rng, over="lstm")
    >>> hs, (h1, h2, c1, c2) = layer.forward(rng.standard_normal((5, 2, 3)))
    >>> hs.shape, bool((hs[-1] == h2).all()), layer.params["W_h2"].shape, layer.params["W_gh"].shape
    ((5, 2, 4), True, (4, 20), (8, 4))
    """

    cell_type = cells.GatedFeedback


def by_hand(layer, step, step_backward):
    """Let a layer run on two functions in place of its cell: those that a student wrote.

    The engine unrolls them as it does its own cells: full and truncated BPTT, padding, stacking, training.

    Parameters
    ----------
    layer : Recurrent
        Changed in place: `RNN`, `LSTM`, `GRU` or another; its parameters stay.
    step, step_backward : function
        Called as `rnnlib.cells.by_hand.ByHand` says, which is how the exercises ask for them: ``lstm_step`` and
        ``lstm_step_backward``.

    Returns
    -------
    layer : Recurrent
        The same.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import RNN, by_hand
    >>> def step(x, h_prev, W_x, W_h, b):
    ...     return np.tanh(x @ W_x + h_prev @ W_h + b)
    >>> def step_backward(dh, x, h_prev, h, W_x, W_h):
    ...     da = dh * (1 - h**2)
    ...     return da @ W_x.T, da @ W_h.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)
    >>> layer = by_hand(RNN(3, 4, rng=np.random.default_rng(0)), step, step_backward)
    >>> hs, h = layer.forward(np.ones((5, 2, 3)))
    >>> dxs, dh0 = layer.backward(np.ones_like(hs))
    >>> dxs.shape, layer.grads["W_h"].shape
    ((5, 2, 3), (4, 4))
    """
    layer.cell = cells.ByHand(layer.cell, step, step_backward)
    return layer
