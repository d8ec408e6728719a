"""Gated recurrent unit."""

import numpy as np

from rnnlib.activations import sigmoid, sigmoid_backward, tanh, tanh_backward
from rnnlib.cells.cell import Cell


class GRU(Cell):
    r"""The cell whose state is a mixture of its old value and a candidate.

    .. math::

        r_t &= \sigma(x_t W_{xr} + h_{t-1} W_{hr} + b_r) \\
        z_t &= \sigma(x_t W_{xz} + h_{t-1} W_{hz} + b_z) \\
        n_t &= \tanh\bigl(x_t W_{xn} + b_n + r_t \odot (h_{t-1} W_{hn})\bigr) \\
        h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}

    with every line of shape (B, H). The three blocks stand side by side in this order, r, z, n: :math:`W_x` is
    (D, 3H), :math:`W_h` (H, 3H), :math:`b` (3H,). Where z is 1 the old state is kept. The options change one line each:

    .. math::

        \text{reset before} \qquad n_t &= \tanh\bigl(x_t W_{xn} + b_n + (r_t \odot h_{t-1}) W_{hn}\bigr) \\
        \text{recurrent bias} \qquad n_t &= \tanh\bigl(x_t W_{xn} + b_n + r_t \odot (h_{t-1} W_{hn} + b_h)\bigr) \\
        \text{renew} \qquad h_t &= z_t \odot n_t + (1 - z_t) \odot h_{t-1}

    where :math:`b_h` is (H,).

    Parameters
    ----------
    reset : str
        Whether the reset gate acts ``"after"`` the product with :math:`W_{hn}` or ``"before"`` it.
    update : str
        What z = 1 does: ``"keep"`` the old state, or ``"renew"`` it.
    recurrent_bias : bool
        Whether there is a second bias, inside the reset; only with ``reset="after"``, since before the product it
        would be one with :math:`b_n`.

    Raises
    ------
    ValueError
        When `reset` or `update` is no such word, or `recurrent_bias` is asked for with ``reset="before"``.

    Source
    ------
    Cho et al. 2014 (reset before, keep). The sources differ:

    - z keeps in Cho et al. 2014, Jozefowicz, Zaremba and Sutskever 2015, torch, Keras, cuDNN and ONNX; it renews in
      Chung et al. 2014 and in Chainer, which follows them.
    - The reset comes before the product in Chung et al. 2014, Jozefowicz et al. 2015 and the later versions of Cho et
      al. 2014 (the first version on arXiv has it after); it comes after in torch and cuDNN. Keras has both
      (``reset_after``, on by default), and so has ONNX (``linear_before_reset``, off by default).
    - A bias inside the reset stands in torch, cuDNN, Keras and ONNX wherever the reset comes after.
    """

    blocks = ("r", "z", "n")

    def __init__(self, reset="after", update="keep", recurrent_bias=False):
        if reset not in ("after", "before"):
            raise ValueError(f"reset is {reset!r}; it should be 'after' or 'before'")
        if update not in ("keep", "renew"):
            raise ValueError(f"update is {update!r}; it should be 'keep' or 'renew'")
        if recurrent_bias and reset == "before":
            raise ValueError(
                "recurrent_bias is True; it should be False where reset is 'before', which has no place for it"
            )
        self.reset, self.update, self.recurrent_bias = reset, update, recurrent_bias

    def shapes(self, D, H):
        """The parameters, in the order in which they are drawn.

        Parameters
        ----------
        D, H : int
            Input size and number of hidden units.

        Returns
        -------
        shapes : dict of str to tuple of int
        """
        return super().shapes(D, H) | ({"b_h": (H,)} if self.recurrent_bias else {})

    def pointwise(self, a_x, a_h, state_prev):
        """One step, after the two products, with the options left at their defaults.

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
        """Gradients of one step of `pointwise`, back to the two products and the state before.

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

    def step(self, a_x, state_prev, products):
        """One time step, with any options.

        Parameters
        ----------
        a_x : array, shape (B, 3H)
            :math:`x_t W_x + b`.
        state_prev : tuple of one array, shape (B, H)
            ``(h_prev,)``.
        products : rnnlib.bptt.Products
            Takes the products with the weights.

        Returns
        -------
        state : tuple of one array, shape (B, H)
            ``(h,)``.
        saved : tuple of arrays, shape (B, H)
            What `step_backward` needs.
        """
        (h_prev,) = state_prev
        H = h_prev.shape[1]
        a_x = self._turn_z(a_x, H)
        if self.reset == "after":
            a_h = self._turn_z(products.linear("W_h", h_prev), H)
            if self.recurrent_bias:
                a_h[:, 2 * H :] = products.shift("b_h", a_h[:, 2 * H :])
            return self.pointwise(a_x, a_h, state_prev)
        x_r, x_z, x_n = np.split(a_x, 3, axis=1)
        h_r, h_z = np.split(self._turn_z(products.linear("W_h", h_prev, columns=(0, 2 * H)), H), 2, axis=1)
        r = sigmoid(x_r + h_r)
        z = sigmoid(x_z + h_z)
        n = tanh(x_n + products.linear("W_h", r * h_prev, columns=(2 * H, 3 * H)))
        h = (1 - z) * n + z * h_prev
        return (h,), (r, z, n, h_prev)

    def step_backward(self, dstate, saved, products):
        """Gradients of one step, with any options.

        Parameters
        ----------
        dstate : tuple of one array, shape (B, H)
            ``(dh,)``, all that reaches h.
        saved : tuple of arrays, shape (B, H)
            From `step`.
        products : rnnlib.bptt.Products
            Takes the products and keeps the weights' gradients.

        Returns
        -------
        da_x : array, shape (B, 3H)
            Gradient by `a_x`.
        dstate_prev : tuple of one array, shape (B, H)
            Gradient by h_prev.
        """
        (dh,) = dstate
        H = dh.shape[1]
        if self.reset == "after":
            da_x, da_h, (dh_prev,) = self.pointwise_backward(dstate, saved)
            if self.recurrent_bias:
                products.shift_backward("b_h", da_h[:, 2 * H :])
            return self._turn_z(da_x, H), (dh_prev + products.linear_backward("W_h", self._turn_z(da_h, H)),)
        r, z, n, h_prev = saved
        dz, dn, dh_prev = dh * (h_prev - n), dh * (1 - z), dh * z
        da_n = tanh_backward(dn, n)
        drh = products.linear_backward("W_h", da_n, columns=(2 * H, 3 * H))
        dr, dh_prev = drh * h_prev, dh_prev + drh * r
        da_z = sigmoid_backward(dz, z)
        da_r = sigmoid_backward(dr, r)
        da_x = self._turn_z(np.concatenate([da_r, da_z, da_n], axis=1), H)
        return da_x, (dh_prev + products.linear_backward("W_h", da_x[:, : 2 * H], columns=(0, 2 * H)),)

    def _turn_z(self, a, H):
        """Pre-activations or their gradient, z's with its sign turned where z renews: keeping by σ(-a) is that."""
        if self.update == "keep":
            return a
        return np.concatenate([a[:, :H], -a[:, H : 2 * H], a[:, 2 * H :]], axis=1)
