"""The simple recurrent network."""

from rnnlib.activations import named
from rnnlib.cells.cell import Cell


class Elman(Cell):
    r"""The cell of the simple (Elman) recurrent network.

    .. math::

        a_t &= x_t W_x + h_{t-1} W_h + b \\
        h_t &= \phi(a_t)

    with :math:`\phi` the hyperbolic tangent or the rectifier :math:`\max(0, a_t)`, :math:`x_t` (B, D), :math:`h_t` and
    :math:`a_t` (B, H), :math:`W_x` (D, H), :math:`W_h` (H, H), :math:`b` (H,).
    The engine takes the two products; `a_x` is :math:`x_t W_x + b` and `a_h` is :math:`h_{t-1} W_h`.

    Parameters
    ----------
    nonlinearity : str
        ``"tanh"`` or ``"relu"``.

    Raises
    ------
    ValueError
        When `nonlinearity` is neither.

    Source
    ------
    Elman 1990; Goodfellow, Bengio and Courville 2016, equations 10.8 and 10.9 (column vectors there, with U for
    :math:`W_x^\top` and W for :math:`W_h^\top`).
    """

    blocks = ("h",)

    def __init__(self, nonlinearity="tanh"):
        self.phi, self.phi_backward = named("nonlinearity", nonlinearity, ["tanh", "relu"])

    def pointwise(self, a_x, a_h, state_prev):
        """One step, after the two products.

        Parameters
        ----------
        a_x, a_h : array, shape (B, H)
            The input's and the state's part of the pre-activation.
        state_prev : tuple of one array, shape (B, H)
            ``(h_prev,)``; the equations need it through `a_h` alone.

        Returns
        -------
        state : tuple of one array, shape (B, H)
            ``(h,)``.
        saved : array, shape (B, H)
            What `pointwise_backward` needs: h.
        """
        h = self.phi(a_x + a_h)
        return (h,), h

    def pointwise_backward(self, dstate, saved):
        """Gradients of one step, back to the two products.

        Parameters
        ----------
        dstate : tuple of one array, shape (B, H)
            ``(dh,)``, all that reaches h: from this step's output and from the step after.
        saved : array, shape (B, H)
            From `pointwise`.

        Returns
        -------
        da_x, da_h : array, shape (B, H)
            Gradients by `a_x` and `a_h`.
        dstate_prev : tuple of one number
            Gradient by the state before that does not pass through `a_h`: none here.
        """
        (dh,), h = dstate, saved
        da = self.phi_backward(dh, h)
        return da, da, (0.0,)
