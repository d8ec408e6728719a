"""The three cells that a search over ten thousand found best."""

import numpy as np

from rnnlib.activations import sigmoid, sigmoid_backward, tanh, tanh_backward
from rnnlib.cells.cell import Cell


class Mutant(Cell):
    r"""What MUT1, MUT2 and MUT3 have in common: gates r and z, a candidate n, and an update that renews,

    .. math:: h_t = z_t \odot n_t + (1 - z_t) \odot h_{t-1} .

    In MUT1 and MUT2 the input stands bare in one line, which asks for as many inputs as units. Where D is not H it is
    projected first:

    .. math:: \tilde x_t = x_t \quad (D = H), \qquad \tilde x_t = x_t W_{xp} \quad (D \ne H).

    The projection is not in the paper; its block p is the last of :math:`W_x`. A subclass says which blocks its
    matrices have; the bias, (3H,), has all of r, z and n.

    Source
    ------
    Jozefowicz, Zaremba and Sutskever 2015. Here z renews, unlike the GRU's z in the same paper. Implementations agree
    on that and differ in the bare x: RecurrentArchitectures asks for D = H; Sloika pads x with zeros or projects it,
    and has the z of MUT2 read it so; RecurrentLayers.jl has a product in its place, also where D is H.
    """

    blocks = ("r", "z", "n")
    x_blocks: tuple[str, ...]
    h_blocks: tuple[str, ...]

    def shapes(self, D, H):
        """The parameters, in the order in which they are drawn.

        Parameters
        ----------
        D, H : int
            Input size and number of hidden units.

        Returns
        -------
        shapes : dict of str to tuple of int
            ``W_x`` has the blocks of `x_blocks` and, where the input would stand bare but D is not H, the projection.
        """
        projected = len(self.x_blocks) < 3 and D != H
        return {
            "W_x": (D, (len(self.x_blocks) + projected) * H),
            "W_h": (H, len(self.h_blocks) * H),
            "b": (3 * H,),
        }

    def inputs(self, xs, products):
        """What x contributes to r, z and n, for all steps at once; the biases come later.

        Parameters
        ----------
        xs : array, shape (T, B, D)
            The input.
        products : rnnlib.bptt.Products
            Takes the products with the weights.

        Returns
        -------
        a_x : array, shape (T, B, 3H)
            Products with :math:`W_x`, and the bare or projected input where there is none.
        """
        H = len(products.params["W_h"])
        a = products.linear("W_x", xs)
        parts = dict(zip((*self.x_blocks, "p"), np.split(a, a.shape[-1] // H, axis=-1), strict=False))
        bare = parts.get("p", xs)
        return np.concatenate([parts.get(block, bare) for block in self.blocks], axis=-1)

    def inputs_backward(self, da_x, products):
        """Gradient by the input.

        Parameters
        ----------
        da_x : array, shape (T, B, 3H)
            Gradient by what `inputs` returned.
        products : rnnlib.bptt.Products
            Takes the products and keeps the weights' gradients.

        Returns
        -------
        dxs : array, shape (T, B, D)
        """
        H = len(products.params["W_h"])
        parts = dict(zip(self.blocks, np.split(da_x, 3, axis=-1), strict=True))
        da = [parts.pop(block) for block in self.x_blocks]
        if products.params["W_x"].shape[1] > len(da) * H:  # what is left is the projected input's, if any
            return products.linear_backward("W_x", np.concatenate([*da, *parts.values()], axis=-1))
        return sum(parts.values(), start=products.linear_backward("W_x", np.concatenate(da, axis=-1)))

    def step(self, a_x, state_prev, products):
        """One time step.

        Parameters
        ----------
        a_x : array, shape (B, 3H)
            This step's part of what `inputs` returned.
        state_prev : tuple of one array, shape (B, H)
            ``(h_prev,)``.
        products : rnnlib.bptt.Products
            Takes the products with the weights.

        Returns
        -------
        state : tuple of one array, shape (B, H)
            ``(h,)``.
        saved : tuple of arrays, shape (B, H)
            What `step_backward` needs: r, z, n, h_prev, and the squashed values that MUT1 and MUT3 have.
        """
        (h_prev,) = state_prev
        x_r, x_z, x_n = np.split(a_x, 3, axis=1)
        x_n, h_z = self._squash(x_n, h_prev)
        a_r, a_z, a_n = np.split(products.shift("b", np.concatenate([x_r, x_z, x_n], axis=1)), 3, axis=1)
        r = sigmoid(a_r + self._product("r", h_prev, products))
        z = sigmoid(a_z + self._product("z", h_z, products))
        n = tanh(a_n + self._product("n", r * h_prev, products))
        h = z * n + (1 - z) * h_prev
        return (h,), (r, z, n, h_prev, x_n, h_z)

    def step_backward(self, dstate, saved, products):
        """Gradients of one step.

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
        r, z, n, h_prev, x_n, h_z = saved
        dz, dn, dh_prev = dh * (n - h_prev), dh * z, dh * (1 - z)
        da_n = tanh_backward(dn, n)
        drh = self._product_backward("n", da_n, products)
        dr, dh_prev = drh * h_prev, dh_prev + drh * r
        da_z = sigmoid_backward(dz, z)
        dh_z = self._product_backward("z", da_z, products)
        da_r = sigmoid_backward(dr, r)
        dh_prev = dh_prev + self._product_backward("r", da_r, products)
        products.shift_backward("b", np.concatenate([da_r, da_z, da_n], axis=1))
        dx_n, dh_z = self._squash_backward(da_n, dh_z, x_n, h_z)
        return np.concatenate([da_r, da_z, dx_n], axis=1), (dh_prev + dh_z,)

    def _squash(self, x_n, h_prev):
        """What becomes of x on its way to n, and of h on its way to z."""
        return x_n, h_prev

    def _squash_backward(self, dx_n, dh_z, x_n, h_z):
        return dx_n, dh_z

    def _product(self, block, v, products):
        return products.linear("W_h", v, columns=self._columns(block, v)) if block in self.h_blocks else 0.0

    def _product_backward(self, block, da, products):
        return products.linear_backward("W_h", da, columns=self._columns(block, da)) if block in self.h_blocks else 0.0

    def _columns(self, block, v):
        k, H = self.h_blocks.index(block), v.shape[1]
        return k * H, (k + 1) * H


class MUT1(Mutant):
    r"""The cell whose update gate reads the input alone.

    .. math::

        z_t &= \sigma(x_t W_{xz} + b_z) \\
        r_t &= \sigma(x_t W_{xr} + h_{t-1} W_{hr} + b_r) \\
        n_t &= \tanh\bigl((r_t \odot h_{t-1}) W_{hn} + \tanh(\tilde x_t) + b_n\bigr) \\
        h_t &= z_t \odot n_t + (1 - z_t) \odot h_{t-1}

    with every line of shape (B, H). :math:`W_x` has the blocks r, z and, where D is not H, p, the projection of
    :math:`\tilde x_t = x_t W_{xp}`; :math:`W_h` the blocks r, n; :math:`b` the blocks r, z, n.

    Source
    ------
    Jozefowicz, Zaremba and Sutskever 2015, MUT1.
    """

    x_blocks = ("r", "z")
    h_blocks = ("r", "n")

    def _squash(self, x_n, h_prev):
        return tanh(x_n), h_prev

    def _squash_backward(self, dx_n, dh_z, x_n, h_z):
        return tanh_backward(dx_n, x_n), dh_z


class MUT2(Mutant):
    r"""The cell whose reset gate reads the input bare.

    .. math::

        z_t &= \sigma(x_t W_{xz} + h_{t-1} W_{hz} + b_z) \\
        r_t &= \sigma(\tilde x_t + h_{t-1} W_{hr} + b_r) \\
        n_t &= \tanh\bigl((r_t \odot h_{t-1}) W_{hn} + x_t W_{xn} + b_n\bigr) \\
        h_t &= z_t \odot n_t + (1 - z_t) \odot h_{t-1}

    with every line of shape (B, H). :math:`W_x` has the blocks z, n and, where D is not H, p, the projection of
    :math:`\tilde x_t = x_t W_{xp}`; :math:`W_h` and :math:`b` have the blocks r, z, n.

    Source
    ------
    Jozefowicz, Zaremba and Sutskever 2015, MUT2.
    """

    x_blocks = ("z", "n")
    h_blocks = ("r", "z", "n")


class MUT3(Mutant):
    r"""The GRU whose update gate sees the state squashed.

    .. math::

        z_t &= \sigma(x_t W_{xz} + \tanh(h_{t-1}) W_{hz} + b_z) \\
        r_t &= \sigma(x_t W_{xr} + h_{t-1} W_{hr} + b_r) \\
        n_t &= \tanh\bigl((r_t \odot h_{t-1}) W_{hn} + x_t W_{xn} + b_n\bigr) \\
        h_t &= z_t \odot n_t + (1 - z_t) \odot h_{t-1}

    with every line of shape (B, H), and the blocks r, z, n in :math:`W_x`, (D, 3H), :math:`W_h`, (H, 3H), and
    :math:`b`, (3H,).

    Source
    ------
    Jozefowicz, Zaremba and Sutskever 2015, MUT3.
    """

    x_blocks = ("r", "z", "n")
    h_blocks = ("r", "z", "n")

    def _squash(self, x_n, h_prev):
        return x_n, tanh(h_prev)

    def _squash_backward(self, dx_n, dh_z, x_n, h_z):
        return dx_n, tanh_backward(dh_z, h_z)
