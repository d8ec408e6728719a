"""Long short-term memory."""

import numpy as np

from rnnlib.activations import sigmoid, sigmoid_backward, tanh, tanh_backward
from rnnlib.cells.cell import Cell


class LSTM(Cell):
    r"""The cell with a memory c, and three gates that say what goes in, what stays and what comes out.

    .. math::

        i_t &= \sigma(x_t W_{xi} + h_{t-1} W_{hi} + b_i) \\
        f_t &= \sigma(x_t W_{xf} + h_{t-1} W_{hf} + b_f) \\
        g_t &= \tanh(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        o_t &= \sigma(x_t W_{xo} + h_{t-1} W_{ho} + b_o) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot \tanh(c_t)

    with every line of shape (B, H). The four blocks stand side by side in this order, i, f, g, o: :math:`W_x` is
    (D, 4H), :math:`W_h` (H, 4H), :math:`b` (4H,). The engine takes the two products; `a_x` is
    :math:`x_t W_x + b` and `a_h` is :math:`h_{t-1} W_h`, both (B, 4H).

    Source
    ------
    Gers, Schmidhuber and Cummins 2000, who added the forget gate f to the cell of Hochreiter and Schmidhuber 1997;
    without peepholes and with the order of the blocks as `torch.nn.LSTM` has them.
    """

    blocks = ("i", "f", "g", "o")
    states = ("h", "c")

    def pointwise(self, a_x, a_h, state_prev):
        """One step, after the two products.

        Parameters
        ----------
        a_x, a_h : array, shape (B, 4H)
            The input's and the state's part of the pre-activations.
        state_prev : tuple of two arrays, shape (B, H)
            ``(h_prev, c_prev)``; the equations need h_prev through `a_h` alone.

        Returns
        -------
        state : tuple of two arrays, shape (B, H)
            ``(h, c)``.
        saved : tuple of six arrays, shape (B, H)
            What `pointwise_backward` needs: i, f, g, o, c_prev and tanh(c).
        """
        _, c_prev = state_prev
        a_i, a_f, a_g, a_o = np.split(a_x + a_h, 4, axis=1)
        i = sigmoid(a_i)
        f = sigmoid(a_f)
        g = tanh(a_g)
        o = sigmoid(a_o)
        c = f * c_prev + i * g
        tanh_c = tanh(c)
        h = o * tanh_c
        return (h, c), (i, f, g, o, c_prev, tanh_c)

    def pointwise_backward(self, dstate, saved):
        """Gradients of one step, back to the two products and the memory before.

        Parameters
        ----------
        dstate : tuple of two arrays, shape (B, H)
            ``(dh, dc)``, all that reaches h and c from outside this step.
        saved : tuple of six arrays, shape (B, H)
            From `pointwise`.

        Returns
        -------
        da_x, da_h : array, shape (B, 4H)
            Gradients by `a_x` and `a_h`.
        dstate_prev : tuple of a number and an array of shape (B, H)
            Gradient by the state before that does not pass through `a_h`: none for h, the forget gate's for c.
        """
        dh, dc = dstate
        i, f, g, o, c_prev, tanh_c = saved
        do = dh * tanh_c
        dc = dc + tanh_backward(dh * o, tanh_c)
        df, dc_prev = dc * c_prev, dc * f
        di, dg = dc * g, dc * i
        da = np.concatenate(
            [sigmoid_backward(di, i), sigmoid_backward(df, f), tanh_backward(dg, g), sigmoid_backward(do, o)], axis=1
        )
        return da, da, (0.0, dc_prev)
