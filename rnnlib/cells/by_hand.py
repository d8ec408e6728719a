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
        """The parameters of the cell in whose place this one stands; see `Cell.shapes`."""
        return self.cell.shapes(D, H)

    def inputs(self, xs, products):
        """The input as it is: the step takes its product; see `Cell.inputs`."""
        return xs

    def inputs_backward(self, da_x, products):
        """The gradient as it is; see `Cell.inputs_backward`."""
        return da_x

    def step(self, a_x, state_prev, products):
        """One step, by the function; see `Cell.step`."""
        result = self._step(a_x, *state_prev, *products.params.values())
        if not isinstance(result, tuple | list):
            return (result,), (a_x, state_prev[0], result)
        *state, cache = result
        return tuple(state), (cache,)

    def step_backward(self, dstate, saved, products):
        """The gradients of one step, by the function; see `Cell.step_backward`."""
        params = products.params
        dx, *rest = self._step_backward(*dstate, *saved, params["W_x"], params["W_h"])
        n = len(self.states)
        for name, gradient in zip(params, rest[n:], strict=True):
            products.keep(name, gradient)
        return dx, tuple(rest[:n])
