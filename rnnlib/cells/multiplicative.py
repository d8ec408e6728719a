"""The multiplicative recurrent network."""

import numpy as np

from rnnlib.activations import tanh, tanh_backward
from rnnlib.cells.cell import Cell
from rnnlib.validation import check_sizes


class MultiplicativeRNN(Cell):
    r"""The cell whose recurrent matrix is chosen by the input, through factors that the input switches.

    .. math::

        f_t &= (x_t W_{xf}) \odot (h_{t-1} W_h) \\
        h_t &= \tanh(f_t W_f + x_t W_x + b)

    with :math:`f_t` (B, F), :math:`h_t` (B, H), :math:`W_x` (D, H), :math:`W_h` (H, F), :math:`b` (H,), :math:`W_{xf}`
    (D, F), :math:`W_f` (F, H). For one row x the two lines are those of a simple recurrent network with the recurrent
    matrix :math:`W_h \, \mathrm{diag}(x W_{xf}) \, W_f` in place of one matrix for all inputs.

    Parameters
    ----------
    factors : int, optional
        F, the number of factors; H when left out.

    Raises
    ------
    ValueError
        When `factors` is not an integer of at least 1.

    Source
    ------
    Sutskever, Martens and Hinton 2011, the multiplicative RNN: column vectors there, with :math:`W_{fx}` for
    :math:`W_{xf}^\top`, :math:`W_{fh}` for :math:`W_h^\top`, :math:`W_{hf}` for :math:`W_f^\top`. Implementations
    differ in the bias b, which some leave out; it stands here where the simple network has it.
    """

    blocks = ("h",)

    def __init__(self, factors=None):
        if factors is not None:
            check_sizes(factors=factors)
        self.factors = factors

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
        F = self.factors or H
        return {"W_x": (D, H), "W_h": (H, F), "b": (H,), "W_xf": (D, F), "W_f": (F, H)}

    def inputs(self, xs, products):
        """The two parts of a step that need no state, side by side.

        Parameters
        ----------
        xs : array, shape (T, B, D)
            The input.
        products : rnnlib.bptt.Products
            Takes the products with the weights.

        Returns
        -------
        a_x : array, shape (T, B, H + F)
            :math:`x_t W_x + b` and :math:`x_t W_{xf}`.
        """
        return np.concatenate([products.linear("W_x", xs, "b"), products.linear("W_xf", xs)], axis=-1)

    def inputs_backward(self, da_x, products):
        """Gradient by the input.

        Parameters
        ----------
        da_x : array, shape (T, B, H + F)
            Gradient by what `inputs` returned.
        products : rnnlib.bptt.Products
            Takes the products and keeps the weights' gradients.

        Returns
        -------
        dxs : array, shape (T, B, D)
        """
        H = len(products.params["W_h"])
        return products.linear_backward("W_xf", da_x[..., H:]) + products.linear_backward("W_x", da_x[..., :H])

    def step(self, a_x, state_prev, products):
        """One time step.

        Parameters
        ----------
        a_x : array, shape (B, H + F)
            This step's part of what `inputs` returned.
        state_prev : tuple of one array, shape (B, H)
            ``(h_prev,)``.
        products : rnnlib.bptt.Products
            Takes the products with the weights.

        Returns
        -------
        state : tuple of one array, shape (B, H)
            ``(h,)``.
        saved : tuple of three arrays
            What `step_backward` needs: the factors of f, each (B, F), and h.
        """
        (h_prev,) = state_prev
        a_h, x_f = np.split(a_x, [h_prev.shape[1]], axis=1)
        h_f = products.linear("W_h", h_prev)
        f = x_f * h_f
        h = tanh(products.linear("W_f", f) + a_h)
        return (h,), (x_f, h_f, h)

    def step_backward(self, dstate, saved, products):
        """Gradients of one step.

        Parameters
        ----------
        dstate : tuple of one array, shape (B, H)
            ``(dh,)``, all that reaches h.
        saved : tuple of three arrays
            From `step`.
        products : rnnlib.bptt.Products
            Takes the products and keeps the weights' gradients.

        Returns
        -------
        da_x : array, shape (B, H + F)
            Gradient by `a_x`.
        dstate_prev : tuple of one array, shape (B, H)
            Gradient by h_prev.
        """
        (dh,), (x_f, h_f, h) = dstate, saved
        da_h = tanh_backward(dh, h)
        df = products.linear_backward("W_f", da_h)
        dx_f, dh_f = df * h_f, df * x_f
        dh_prev = products.linear_backward("W_h", dh_f)
        return np.concatenate([da_h, dx_f], axis=1), (dh_prev,)
