"""The first long short-term memory."""

import numpy as np

from rnnlib.activations import (
    centred1,
    centred1_backward,
    centred2,
    centred2_backward,
    sigmoid,
    sigmoid_backward,
)
from rnnlib.cells.cell import Cell


class LSTM1997(Cell):
    r"""The cell whose memory c only ever adds up: it cannot forget.

    .. math::

        i_t &= \sigma(x_t W_{xi} + h_{t-1} W_{hi} + b_i) \\
        g_t &= 4 \sigma(x_t W_{xg} + h_{t-1} W_{hg} + b_g) - 2 \\
        o_t &= \sigma(x_t W_{xo} + h_{t-1} W_{ho} + b_o) \\
        c_t &= c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot (2 \sigma(c_t) - 1)

    with every line of shape (B, H). The three blocks stand side by side in this order, i, g, o: :math:`W_x` is
    (D, 3H), :math:`W_h` (H, 3H), :math:`b` (3H,). g goes from -2 to 2, what leaves the memory from -1 to 1.

    The paper's gradient is truncated: what reaches the pre-activations changes the weights, but does not go back
    through :math:`h_{t-1} W_h`; only the memory carries the error back in time, unchanged,

    .. math:: \mathrm{d}h_{t-1} = 0, \qquad \mathrm{d}c_{t-1} = \mathrm{d}c_t .

    Parameters
    ----------
    truncated : bool
        Whether the gradient is the paper's, or the full one.

    Source
    ------
    Hochreiter and Schmidhuber 1997. A unit here is a memory block of one cell. Implementations differ: some have tanh
    in place of both squashing functions, and some take the full gradient.
    """

    blocks = ("i", "g", "o")
    states = ("h", "c")

    def __init__(self, truncated=False):
        self.truncated = truncated

    def pointwise(self, a_x, a_h, state_prev):
        """One step, after the two products.

        Parameters
        ----------
        a_x, a_h : array, shape (B, 3H)
            The input's and the state's part of the pre-activations.
        state_prev : tuple of two arrays, shape (B, H)
            ``(h_prev, c_prev)``; the equations need h_prev through `a_h` alone.

        Returns
        -------
        state : tuple of two arrays, shape (B, H)
            ``(h, c)``.
        saved : tuple of four arrays, shape (B, H)
            What `pointwise_backward` needs: i, g, o and the squashed c.
        """
        _, c_prev = state_prev
        a_i, a_g, a_o = np.split(a_x + a_h, 3, axis=1)
        i = sigmoid(a_i)
        g = centred2(a_g)
        o = sigmoid(a_o)
        c = c_prev + i * g
        u = centred1(c)
        h = o * u
        return (h, c), (i, g, o, u)

    def pointwise_backward(self, dstate, saved):
        """Gradients of one step, back to the two products and the memory before.

        Parameters
        ----------
        dstate : tuple of two arrays, shape (B, H)
            ``(dh, dc)``, all that reaches h and c from outside this step.
        saved : tuple of four arrays, shape (B, H)
            From `pointwise`.

        Returns
        -------
        da_x, da_h : array, shape (B, 3H)
            Gradients by `a_x` and `a_h`.
        dstate_prev : tuple of a number and an array of shape (B, H)
            Gradient by the state before that does not pass through `a_h`: none for h, all of it for c.
        """
        dh, dc = dstate
        i, g, o, u = saved
        do, du = dh * u, dh * o
        dc = dc + centred1_backward(du, u)
        di, dg = dc * g, dc * i
        da = np.concatenate([sigmoid_backward(di, i), centred2_backward(dg, g), sigmoid_backward(do, o)], axis=1)
        return da, da, (0.0, dc)

    def step_backward(self, dstate, saved, products):
        """Gradients of one step, full or truncated.

        Parameters
        ----------
        dstate : tuple of two arrays, shape (B, H)
            ``(dh, dc)``, all that reaches h and c from outside this step.
        saved : tuple of four arrays, shape (B, H)
            From `step`.
        products : rnnlib.bptt.Products
            Takes the products and keeps the weights' gradients.

        Returns
        -------
        da_x : array, shape (B, 3H)
            Gradient by `a_x`.
        dstate_prev : tuple of two arrays, shape (B, H)
            Gradient by ``(h_prev, c_prev)``.
        """
        da_x, (dh_prev, dc_prev) = super().step_backward(dstate, saved, products)
        return da_x, (np.zeros_like(dh_prev) if self.truncated else dh_prev, dc_prev)
