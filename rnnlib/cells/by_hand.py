"""A cell whose step somebody wrote by hand, as a function of all its weights."""

from rnnlib.cells.cell import Cell


class ByHand(Cell):
    """Two functions in place of a cell's equations; the weights' gradients come from them too.

    The step is called as ``step(x, *state_prev, *weights)`` with the weights in the order of the cell's `shapes`. It
    gives back the state and a cache, ``(h, cache)`` or ``(h, c, cache)``, and the backward step is called as
    ``step_backward(*dstate, cache, W_x, W_h)``. Where the step gives back the state alone, as an array, the backward
    step is called as ``step_backward(dh, x, h_prev, h, W_x, W_h)``. It gives back ``dx``, the gradients by the state
    before, and those by the weights, in the order of the step's arguments.

    Parameters
    ----------
    cell : Cell
        Says what the parameters and states are.
    step, step_backward : function
    """

    def __init__(self, cell, step, step_backward):
        self.cell, self._step, self._step_backward = cell, step, step_backward
        self.blocks, self.biases, self.states, self.output = cell.blocks, cell.biases, cell.states, cell.output

    def shapes(self, D, H):
        """The parameters of the cell in whose place this one stands.

        Parameters
        ----------
        D, H : int
            Input size and number of hidden units.

        Returns
        -------
        shapes : dict of str to tuple of int
        """
        return self.cell.shapes(D, H)

    def inputs(self, xs, products):
        """The input as it is: the step takes its products itself.

        Parameters
        ----------
        xs : array, shape (T, B, D)
        products : rnnlib.bptt.Products
            Of no use here.

        Returns
        -------
        a_x : array, shape (T, B, D)
        """
        return xs

    def inputs_backward(self, da_x, products):
        """The gradient as it is.

        Parameters
        ----------
        da_x : array, shape (T, B, D)
        products : rnnlib.bptt.Products
            Of no use here.

        Returns
        -------
        dxs : array, shape (T, B, D)
        """
        return da_x

    def step(self, a_x, state_prev, products):
        """One step, by the function.

        Parameters
        ----------
        a_x : array, shape (B, D)
            The input.
        state_prev : tuple of arrays, each of shape (B, H)
            The state before.
        products : rnnlib.bptt.Products
            Has the weights.

        Returns
        -------
        state : tuple of arrays, each of shape (B, H)
            The state after.
        saved : tuple
            What stands between `dstate` and the weights in the backward function's arguments.
        """
        result = self._step(a_x, *state_prev, *products.params.values())
        if not isinstance(result, tuple | list):
            return (result,), (a_x, state_prev[0], result)
        *state, cache = result
        return tuple(state), (cache,)

    def step_backward(self, dstate, saved, products):
        """The gradients of one step, by the function.

        Parameters
        ----------
        dstate : tuple of arrays, each of shape (B, H)
            All that reaches the state after.
        saved : tuple
            From `step`.
        products : rnnlib.bptt.Products
            Keeps the weights' gradients.

        Returns
        -------
        dx : array, shape (B, D)
            Gradient by the input.
        dstate_prev : tuple of arrays, each of shape (B, H)
            Gradient by the state before.
        """
        params = products.params
        dx, *rest = self._step_backward(*dstate, *saved, params["W_x"], params["W_h"])
        n = len(self.states)
        for name, gradient in zip(params, rest[n:], strict=True):
            products.keep(name, gradient)
        return dx, tuple(rest[:n])
