"""The recurrent network with several layers between one state and the next."""

from rnnlib.activations import tanh, tanh_backward
from rnnlib.cells.cell import Cell
from rnnlib.validation import check_sizes


class DeepTransitionRNN(Cell):
    r"""The cell of DT-RNN and DT(S)-RNN: the old state becomes the new one through L layers.

    .. math::

        u^1_t &= \tanh(x_t W_x + h_{t-1} W_h + b) \\
        u^l_t &= \tanh(u^{l-1}_t W_l + b_l) \qquad 1 < l < L \\
        h_t &= \tanh(u^{L-1}_t W_L + b_L + h_{t-1} W_s)

    with :math:`u^l_t` and :math:`h_t` (B, H), :math:`W_x` (D, H), all other matrices (H, H) and all biases (H,). The
    last term is the shortcut, the S in DT(S); a DT-RNN has none. With `rnnlib.Dense` layers on top, the first of them
    with an activation, it is a DOT(S)-RNN.

    Parameters
    ----------
    depth : int
        L, at least 2; with one layer it would be the simple recurrent network.
    shortcut : bool
        Whether the old state also goes directly to the last layer.

    Raises
    ------
    ValueError
        When `depth` is not an integer of at least 2.

    Source
    ------
    Pascanu, Gulcehre, Cho and Bengio 2014, DT-RNN and DT(S)-RNN; all layers here are of one size and use tanh. The
    authors' own program, GroundHog, has variants in which the input enters at the last layer or at every one instead
    of the first, and its shortcuts go to every layer but the first. With depth 2, where the first layer is the only
    other one, they go where this one goes.
    """

    blocks = ("h",)

    def __init__(self, depth=2, shortcut=True):
        check_sizes(depth=depth)
        if depth < 2:
            raise ValueError(f"depth is {depth}; it should be at least 2 (a transition of one layer is the RNN's)")
        self.depth, self.shortcut = depth, shortcut

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
        shapes = super().shapes(D, H)
        for layer in range(2, self.depth + 1):
            shapes |= {f"W_{layer}": (H, H), f"b_{layer}": (H,)}
        return shapes | ({"W_s": (H, H)} if self.shortcut else {})

    def step(self, a_x, state_prev, products):
        """One time step.

        Parameters
        ----------
        a_x : array, shape (B, H)
            :math:`x_t W_x + b`.
        state_prev : tuple of one array, shape (B, H)
            ``(h_prev,)``.
        products : rnnlib.bptt.Products
            Takes the products with the weights.

        Returns
        -------
        state : tuple of one array, shape (B, H)
            ``(h,)``.
        saved : list of L arrays, shape (B, H)
            What `step_backward` needs: what each layer gave, h last.
        """
        (h_prev,) = state_prev
        us = [tanh(a_x + products.linear("W_h", h_prev))]
        for layer in range(2, self.depth + 1):
            a = products.linear(f"W_{layer}", us[-1], f"b_{layer}")
            if layer == self.depth and self.shortcut:
                a = a + products.linear("W_s", h_prev)
            us.append(tanh(a))
        return (us[-1],), us

    def step_backward(self, dstate, saved, products):
        """Gradients of one step.

        Parameters
        ----------
        dstate : tuple of one array, shape (B, H)
            ``(dh,)``, all that reaches h.
        saved : list of L arrays, shape (B, H)
            From `step`.
        products : rnnlib.bptt.Products
            Takes the products and keeps the weights' gradients.

        Returns
        -------
        da_x : array, shape (B, H)
            Gradient by `a_x`.
        dstate_prev : tuple of one array, shape (B, H)
            Gradient by h_prev.
        """
        (du,), us, dh_prev = dstate, saved, 0
        for layer in range(self.depth, 1, -1):
            da = tanh_backward(du, us[layer - 1])
            if layer == self.depth and self.shortcut:
                dh_prev = products.linear_backward("W_s", da)
            du = products.linear_backward(f"W_{layer}", da)
        da_x = tanh_backward(du, us[0])
        return da_x, (dh_prev + products.linear_backward("W_h", da_x),)
