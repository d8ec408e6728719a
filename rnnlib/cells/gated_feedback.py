"""The gated feedback recurrent network."""

import numpy as np

from rnnlib.activations import sigmoid, sigmoid_backward
from rnnlib.cells.cell import Cell
from rnnlib.cells.elman import Elman
from rnnlib.cells.gru import GRU
from rnnlib.cells.lstm import LSTM
from rnnlib.validation import check_sizes

#: What a layer may be: its cell, and the block that is its candidate.
KINDS = {"tanh": (Elman, "h"), "lstm": (LSTM, "g"), "gru": (GRU, "n")}


class GatedFeedback(Cell):
    r"""Several recurrent layers as one cell: every layer's old state feeds every layer, through a gate for each pair.

    Layer j reads :math:`v^1_t = x_t` or, above the first, :math:`v^j_t = h^{j-1}_t`. The global reset gate from layer i
    to layer j is one number for each row, and what comes back to layer j is a sum over all layers:

    .. math::

        h^*_{t-1} &= [h^1_{t-1}, \ldots, h^L_{t-1}] \\
        g^{i \to j}_t &= \sigma(v^j_t w^{i \to j} + h^*_{t-1} u^{i \to j}) \\
        s^j_t &= \sum_{i=1}^{L} g^{i \to j}_t \, (h^i_{t-1} U^{i \to j})

    The sum takes the place of the layer's own recurrent product in its candidate; its own gates read
    :math:`v^j_t` and :math:`h^j_{t-1}` as ever:

    .. math::

        \text{tanh} \qquad h^j_t &= \tanh(v^j_t W^j + b^j + s^j_t) \\
        \text{LSTM} \qquad g^j_t &= \tanh(v^j_t W^j_g + b^j_g + s^j_t) \\
        \text{GRU} \qquad n^j_t &= \tanh(v^j_t W^j_n + b^j_n + r^j_t \odot s^j_t)

    and the rest is as in `Elman`, `LSTM` and `GRU`. :math:`h^j_t` and :math:`s^j_t` are (B, H), :math:`g^{i \to j}_t`
    (B, 1), :math:`h^*_{t-1}` (B, L·H), :math:`U^{i \to j}` (H, H).

    With G blocks a layer, the parameters of layer j are these, with j in the name (``W_x2``) but for the first:

    - ``W_x`` (D, G·H), above the first layer (H, G·H), and ``b`` (G·H,), as the layer's kind has them;
    - ``W_h`` (H, (G - 1 + L)·H), what acts on :math:`h^j_{t-1}`: the layer's own blocks without the candidate's, then
      :math:`U^{j \to 1}, \ldots, U^{j \to L}`;
    - ``W_gx`` (D, L), above the first layer (H, L): :math:`w^{1 \to j}, \ldots, w^{L \to j}` side by side.

    All layers have in common ``W_gh`` (L·H, L·L), with :math:`u^{i \to j}` in column (j - 1)·L + i - 1.

    Parameters
    ----------
    layers : int
        L.
    over : str
        What a layer is: ``"tanh"``, ``"lstm"`` or ``"gru"``.

    Raises
    ------
    ValueError
        When `layers` is not an integer of at least 1, or `over` is none of these.

    Source
    ------
    Chung, Gulcehre, Cho and Bengio 2015. Implementations of it differ. Here a global gate is one number (elsewhere also
    one a unit) without a bias (elsewhere also with one), and sees the input of the layer that it leads to: x, or the
    layer below. The output is that of the topmost layer. The z of the GRU keeps, as in `GRU`; elsewhere it also renews,
    as in Chung et al. 2014.
    """

    def __init__(self, layers=2, over="tanh"):
        check_sizes(layers=layers)
        if over not in KINDS:
            raise ValueError(f"over is {over!r}; it should be {' or '.join(repr(kind) for kind in KINDS)}")
        kind, candidate = KINDS[over]
        self.layers, self.part = layers, kind()
        self.blocks = self.part.blocks
        self.candidate = self.blocks.index(candidate)
        self.states = tuple(f"{s}{j}" for s in self.part.states for j in range(1, layers + 1))
        self.output = layers - 1
        self.suffixes = ["", *(str(j) for j in range(2, layers + 1))]
        self.biases = tuple(f"b{j}" for j in self.suffixes)

    def shapes(self, D, H):
        """The parameters, in the order in which they are drawn.

        Parameters
        ----------
        D, H : int
            Input size and number of hidden units of each layer.

        Returns
        -------
        shapes : dict of str to tuple of int
        """
        L, G, shapes = self.layers, len(self.blocks), {}
        for j in self.suffixes:
            N = H if j else D
            shapes |= {f"W_x{j}": (N, G * H), f"W_h{j}": (H, (G - 1 + L) * H), f"b{j}": (G * H,), f"W_gx{j}": (N, L)}
        return shapes | {"W_gh": (L * H, L * L)}

    def inputs(self, xs, products, suffix=""):
        """What a layer, and the gates into it, take from the layer's input, side by side.

        Parameters
        ----------
        xs : array, shape (T, B, D)
            The input; above the first layer one step of the layer below, (B, H).
        products : rnnlib.bptt.Products
            Takes the products with the weights.
        suffix : str
            What the names of the layer's parameters end in: nothing for the first layer.

        Returns
        -------
        a_x : array, shape (T, B, G·H + L), or (B, G·H + L)
        """
        own, gates = products.linear(f"W_x{suffix}", xs, f"b{suffix}"), products.linear(f"W_gx{suffix}", xs)
        return np.concatenate([own, gates], axis=-1)

    def inputs_backward(self, da_x, products, suffix=""):
        """Gradient by a layer's input.

        Parameters
        ----------
        da_x : array, the shape of what `inputs` returned
            Gradient by it.
        products : rnnlib.bptt.Products
            Takes the products and keeps the weights' gradients.
        suffix : str
            As in `inputs`.

        Returns
        -------
        dxs : array, the shape of the input
        """
        own, gates = da_x[..., : -self.layers], da_x[..., -self.layers :]
        return products.linear_backward(f"W_gx{suffix}", gates) + products.linear_backward(f"W_x{suffix}", own)

    def step(self, a_x, state_prev, products):
        r"""One time step of all layers, the first one first.

        Parameters
        ----------
        a_x : array, shape (B, G·H + L)
            This step's part of what `inputs` returned.
        state_prev : tuple of arrays, each of shape (B, H)
            The layers' h before, then for the LSTM their c.
        products : rnnlib.bptt.Products
            Takes the products with the weights.

        Returns
        -------
        state : tuple of arrays, each of shape (B, H)
            In the order of `state_prev`.
        saved : array of shape (B, G - 1 + L, L, H), and list of L tuples
            What `step_backward` needs: the products with ``W_h``, by block and by the layer that they come from; and of
            each layer the gates into it, (B, L), and what its kind of cell saved.
        """
        L, G, hs_prev = self.layers, len(self.blocks), state_prev[: self.layers]
        B, H = hs_prev[0].shape
        a_h = [products.linear(f"W_h{suffix}", h) for suffix, h in zip(self.suffixes, hs_prev, strict=True)]
        a_h = np.stack([a.reshape(B, G - 1 + L, H) for a in a_h], axis=2)
        a_g = products.linear("W_gh", np.concatenate(hs_prev, axis=1)).reshape(B, L, L)

        state, saved = [], []
        for j, suffix in enumerate(self.suffixes):
            if j > 0:
                a_x = self.inputs(state[-1][0], products, suffix)
            g = sigmoid(a_x[:, -L:] + a_g[:, j])
            s = np.einsum("bi,bih->bh", g, a_h[:, G - 1 + j])
            with_s = np.insert(a_h[:, : G - 1, j], self.candidate, s, axis=1).reshape(B, G * H)
            state_j, saved_j = self.part.pointwise(a_x[:, :-L], with_s, state_prev[j::L])
            state.append(state_j)
            saved.append((g, saved_j))
        return tuple(array for same in zip(*state, strict=True) for array in same), (a_h, saved)

    def step_backward(self, dstate, saved, products):
        """Gradients of one step, last layer first.

        Parameters
        ----------
        dstate : tuple of arrays, each of shape (B, H)
            All that reaches the states after from outside this step.
        saved : array and list of L tuples
            From `step`.
        products : rnnlib.bptt.Products
            Takes the products and keeps the weights' gradients.

        Returns
        -------
        da_x : array, shape (B, G·H + L)
            Gradient by `a_x`.
        dstate_prev : tuple of arrays, each of shape (B, H)
            Gradient by the states before.
        """
        a_h, saved = saved
        L, G, (B, _, _, H) = self.layers, len(self.blocks), a_h.shape
        da_h, da_g, dstate_prev, dh_above = np.empty_like(a_h), np.empty((B, L, L), a_h.dtype), [()] * L, 0
        for j in reversed(range(L)):
            g, saved_j = saved[j]
            dh, *dc = dstate[j::L]
            da_x, with_ds, dstate_prev[j] = self.part.pointwise_backward((dh + dh_above, *dc), saved_j)
            with_ds = with_ds.reshape(B, G, H)
            ds, da_h[:, : G - 1, j] = with_ds[:, self.candidate], np.delete(with_ds, self.candidate, axis=1)
            dg = np.einsum("bh,bih->bi", ds, a_h[:, G - 1 + j])
            da_h[:, G - 1 + j] = np.einsum("bi,bh->bih", g, ds)
            da_g[:, j] = sigmoid_backward(dg, g)
            da_x = np.concatenate([da_x, da_g[:, j]], axis=1)
            if j > 0:
                dh_above = self.inputs_backward(da_x, products, self.suffixes[j])

        dhs_prev = np.split(products.linear_backward("W_gh", da_g.reshape(B, L * L)), L, axis=1)
        for i, suffix in enumerate(self.suffixes):
            dhs_prev[i] = dhs_prev[i] + products.linear_backward(f"W_h{suffix}", da_h[:, :, i].reshape(B, -1))
            dhs_prev[i] += dstate_prev[i][0]
        return da_x, (*dhs_prev, *(dc for _, *rest in dstate_prev for dc in rest))
