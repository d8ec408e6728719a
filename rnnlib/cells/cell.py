"""What every cell has in common."""


class Cell:
    r"""A cell: the equations of one time step, forward and backward.

    Where the weights act on x and h alone, as in most cells, a cell is two pointwise functions, and this class takes
    the product between them:

    .. math::

        a^x_t &= x_t W_x + b \\
        a^h_t &= h_{t-1} W_h \\
        s_t &= \mathrm{pointwise}(a^x_t, a^h_t, s_{t-1})

    A cell with a further product, of a gate or of a state other than h, defines `step` and `step_backward` itself and
    takes each product through ``products``, a `rnnlib.bptt.Products`; one that uses x otherwise defines `inputs` and
    `inputs_backward` too.

    ``blocks`` names the blocks of H columns that stand side by side in ``b``, and in every other bias that ``biases``
    names; ``states`` names the arrays that a step hands to the next, each (B, H); ``output`` is the place among them of
    what the layer gives out.
    """

    blocks: tuple[str, ...]
    biases: tuple[str, ...] = ("b",)
    states: tuple[str, ...] = ("h",)
    output = 0

    def shapes(self, D, H):
        """The parameters, in the order in which they are drawn.

        Parameters
        ----------
        D, H : int
            Input size and number of hidden units.

        Returns
        -------
        shapes : dict of str to tuple of int
            With at least ``W_x`` (D, ...) and ``W_h`` (H, ...).
        """
        width = len(self.blocks) * H
        return {"W_x": (D, width), "W_h": (H, width), "b": (width,)}

    def inputs(self, xs, products):
        """The part of a step that needs no state, for all steps at once.

        Parameters
        ----------
        xs : array, shape (T, B, D)
            The input.
        products : rnnlib.bptt.Products
            Takes the products with the weights.

        Returns
        -------
        a_x : array, shape (T, B, G·H) with G blocks
            Here :math:`x_t W_x + b`.
        """
        return products.linear("W_x", xs, "b")

    def inputs_backward(self, da_x, products):
        """Gradient by the input.

        Parameters
        ----------
        da_x : array, shape (T, B, G·H)
            Gradient by what `inputs` returned.
        products : rnnlib.bptt.Products
            Takes the products and keeps the weights' gradients.

        Returns
        -------
        dxs : array, shape (T, B, D)
        """
        return products.linear_backward("W_x", da_x)

    def step(self, a_x, state_prev, products):
        """One time step.

        Parameters
        ----------
        a_x : array, shape (B, G·H)
            This step's part of what `inputs` returned.
        state_prev : tuple of arrays, each of shape (B, H)
            The state before.
        products : rnnlib.bptt.Products
            Takes the products with the weights.

        Returns
        -------
        state : tuple of arrays, each of shape (B, H)
            The state after.
        saved : object
            What `step_backward` needs.
        """
        a_h = products.linear("W_h", state_prev[0])
        return self.pointwise(a_x, a_h, state_prev)

    def step_backward(self, dstate, saved, products):
        """Gradients of one step.

        Parameters
        ----------
        dstate : tuple of arrays, each of shape (B, H)
            All that reaches the state after: from this step's output and from the step after.
        saved : object
            From `step`.
        products : rnnlib.bptt.Products
            Takes the products and keeps the weights' gradients.

        Returns
        -------
        da_x : array, shape (B, G·H)
            Gradient by `a_x`.
        dstate_prev : tuple of arrays, each of shape (B, H)
            Gradient by the state before.
        """
        da_x, da_h, (dh_prev, *others) = self.pointwise_backward(dstate, saved)
        return da_x, (dh_prev + products.linear_backward("W_h", da_h), *others)
