"""Gated recurrent unit."""

import numpy as np

from rnnlib.activations import sigmoid, sigmoid_backward, tanh, tanh_backward
from rnnlib.cells.cell import Cell


class GRU(Cell):
    r"""The cell whose state is a mixture of its old value and a candidate, with the reset after the product.

    .. math::

        r_t &= \sigma(x_t W_{xr} + h_{t-1} W_{hr} + b_r) \\
        z_t &= \sigma(x_t W_{xz} + h_{t-1} W_{hz} + b_z) \\
        n_t &= \tanh\bigl(x_t W_{xn} + b_n + r_t \odot (h_{t-1} W_{hn})\bigr) \\
        h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}

    with every line of shape (B, H). The three blocks stand side by side in this order, r, z, n: :math:`W_x` is
    (D, 3H), :math:`W_h` (H, 3H), :math:`b` (3H,). Where z is 1 the old state is kept.

    Source
    ------
    Cho et al. 2014, with the update gate's meaning of Jozefowicz, Zaremba and Sutskever 2015 (z keeps; in Chung et al.
    2014 it renews), and the reset after the product as `torch.nn.GRU` has it. torch adds a bias inside the reset
    product; this cell has none there.
    """

    blocks = ("r", "z", "n")

    def pointwise(self, a_x, a_h, state_prev):
        """One step, after the two products.

        Parameters
        ----------
        a_x, a_h : array, shape (B, 3H)
            The input's and the state's part of the pre-activations.
        state_prev : tuple of one array, shape (B, H)
            ``(h_prev,)``.

        Returns
        -------
        state : tuple of one array, shape (B, H)
            ``(h,)``.
        saved : tuple of five arrays, shape (B, H)
            What `pointwise_backward` needs: r, z, n, the candidate's part of `a_h`, and h_prev.
        """
        (h_prev,) = state_prev
        x_r, x_z, x_n = np.split(a_x, 3, axis=1)
        h_r, h_z, h_n = np.split(a_h, 3, axis=1)
        r = sigmoid(x_r + h_r)
        z = sigmoid(x_z + h_z)
        n = tanh(x_n + r * h_n)
        h = (1 - z) * n + z * h_prev
        return (h,), (r, z, n, h_n, h_prev)

    def pointwise_backward(self, dstate, saved):
        """Gradients of one step, back to the two products and the state before.

        Parameters
        ----------
        dstate : tuple of one array, shape (B, H)
            ``(dh,)``, all that reaches h.
        saved : tuple of five arrays, shape (B, H)
            From `pointwise`.

        Returns
        -------
        da_x, da_h : array, shape (B, 3H)
            Gradients by `a_x` and `a_h`; they differ in the candidate's block, by the factor r.
        dstate_prev : tuple of one array, shape (B, H)
            Gradient by h_prev that does not pass through `a_h`: what the update gate keeps.
        """
        (dh,) = dstate
        r, z, n, h_n, h_prev = saved
        dz, dn, dh_prev = dh * (h_prev - n), dh * (1 - z), dh * z
        da_n = tanh_backward(dn, n)
        dr, dh_n = da_n * h_n, da_n * r
        da_z = sigmoid_backward(dz, z)
        da_r = sigmoid_backward(dr, r)
        return np.concatenate([da_r, da_z, da_n], axis=1), np.concatenate([da_r, da_z, dh_n], axis=1), (dh_prev,)
