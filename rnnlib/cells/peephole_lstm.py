"""Long short-term memory with peepholes, and what becomes of it when a part is taken away."""

import numpy as np

from rnnlib.activations import named, sigmoid, sigmoid_backward
from rnnlib.cells.cell import Cell

#: The eight variants of Greff et al. 2016, by their names there.
VARIANTS = {
    "NIG": {"input_gate": False},
    "NFG": {"forget_gate": False},
    "NOG": {"output_gate": False},
    "NIAF": {"input_activation": "identity"},
    "NOAF": {"output_activation": "identity"},
    "CIFG": {"coupled": True},
    "NP": {"peepholes": False},
    "FGR": {"full_gate_recurrence": True},
}


class PeepholeLSTM(Cell):
    r"""The LSTM whose gates also see the memory, unit by unit, and the variants of it that Greff et al. compare.

    .. math::

        i_t &= \sigma(x_t W_{xi} + h_{t-1} W_{hi} + p_i \odot c_{t-1} + b_i) \\
        f_t &= \sigma(x_t W_{xf} + h_{t-1} W_{hf} + p_f \odot c_{t-1} + b_f) \\
        g_t &= \tanh(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        o_t &= \sigma(x_t W_{xo} + h_{t-1} W_{ho} + p_o \odot c_t + b_o) \\
        h_t &= o_t \odot \tanh(c_t)

    with every line of shape (B, H). The four blocks stand side by side in this order, i, f, g, o: :math:`W_x` is
    (D, 4H), :math:`W_h` (H, 4H), :math:`b` (4H,); the peepholes :math:`p_i`, :math:`p_f` and :math:`p_o` are (H,). The
    output gate sees the new memory. The variants change a line each (`VARIANTS` has them by name):

    .. math::

        \text{NIG, NFG, NOG} \qquad & i_t = 1, \quad f_t = 1, \quad o_t = 1 \\
        \text{NIAF, NOAF} \qquad & g_t = x_t W_{xg} + h_{t-1} W_{hg} + b_g, \quad h_t = o_t \odot c_t \\
        \text{CIFG} \qquad & f_t = 1 - i_t \\
        \text{NP} \qquad & p_i = p_f = p_o = 0 \\
        \text{FGR} \qquad & [i_{t-1}, f_{t-1}, o_{t-1}] \, W_g
            \text{ is added to the pre-activations of } i_t, f_t, o_t

    A gate that is not there has no block and no peephole. With full gate recurrence the gates are states too, after h
    and c, and :math:`W_g` is (3H, 3H), its rows and columns in the order i, f, o.

    Parameters
    ----------
    input_gate, forget_gate, output_gate : bool
        Whether the gate is there.
    input_activation, output_activation : str
        What squashes g, and c on its way out: ``"tanh"``, ``"identity"``, or the logistic functions of the first
        papers, ``"centred2"`` from -2 to 2 and ``"centred1"`` from -1 to 1.
    coupled : bool
        Whether the input gate says what is forgotten.
    peepholes : bool
        Whether the gates see the memory.
    full_gate_recurrence : bool
        Whether the gates see the gates of the step before.

    Raises
    ------
    ValueError
        When an activation is none of these, or `coupled` or `full_gate_recurrence` lacks a gate that it needs.

    Source
    ------
    Gers, Schraudolph and Schmidhuber 2002, where the output gate sees the new memory; Graves 2012. The variants: Greff,
    Srivastava, Koutník, Steunebrink and Schmidhuber 2016, whose vanilla LSTM this is. With ``peepholes=False`` and the
    activations ``"centred2"`` and ``"centred1"`` it is the cell of Gers, Schmidhuber and Cummins 2000, and without the
    forget gate then that of Hochreiter and Schmidhuber 1997. The sources differ:

    - The activations of Gers, Schraudolph and Schmidhuber 2002 are, as others report them, identities, those of Graves
      and of Greff et al. tanh.
    - Coupled gates have the input gate's weights, f = 1 - i, in Greff et al. 2016. TensorFlow's cell of that name has
      the forget gate's, i = 1 - f: the same cell with the sign of those weights turned.
    - A peephole is a vector in all of these. RecurrentLayers.jl documents a matrix, and gates that see the memory in
      place of h, not beside it.
    """

    def __init__(
        self,
        input_gate=True,
        forget_gate=True,
        output_gate=True,
        input_activation="tanh",
        output_activation="tanh",
        coupled=False,
        peepholes=True,
        full_gate_recurrence=False,
    ):
        if coupled and not (input_gate and forget_gate):
            raise ValueError("coupled is True; it needs the input gate and the forget gate that it couples")
        if full_gate_recurrence and (coupled or not (input_gate and forget_gate and output_gate)):
            raise ValueError("full_gate_recurrence is True; it needs all three gates, uncoupled")
        choices = ["tanh", "identity", "centred1", "centred2"]
        self.squash_in, self.squash_in_backward = named("input_activation", input_activation, choices)
        self.squash_out, self.squash_out_backward = named("output_activation", output_activation, choices)
        there = {"i": input_gate, "f": forget_gate and not coupled, "g": True, "o": output_gate}
        self.blocks = tuple(block for block in "ifgo" if there[block])
        self.seeing = tuple(gate for gate in "ifo" if there[gate] and peepholes)
        self.coupled, self.full_gate_recurrence = coupled, full_gate_recurrence
        self.states = ("h", "c", "i", "f", "o") if full_gate_recurrence else ("h", "c")

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
        shapes = super().shapes(D, H) | {f"p_{gate}": (H,) for gate in self.seeing}
        return shapes | ({"W_g": (3 * H, 3 * H)} if self.full_gate_recurrence else {})

    def step(self, a_x, state_prev, products):
        r"""One time step.

        Parameters
        ----------
        a_x : array, shape (B, G·H) with G blocks
            :math:`x_t W_x + b`.
        state_prev : tuple of arrays, each of shape (B, H)
            ``(h_prev, c_prev)``, with full gate recurrence also the gates before.
        products : rnnlib.bptt.Products
            Takes the products with the weights.

        Returns
        -------
        state : tuple of arrays, each of shape (B, H)
            ``(h, c)``, with full gate recurrence also the gates.
        saved : tuple of arrays, each of shape (B, H)
            What `step_backward` needs: i, f, g, o, c_prev and the squashed c.
        """
        h_prev, c_prev, *gates_prev = state_prev
        a = a_x + products.linear("W_h", h_prev)
        a = dict(zip(self.blocks, np.split(a, len(self.blocks), axis=1), strict=True))
        if gates_prev:
            of_gates = products.linear("W_g", np.concatenate(gates_prev, axis=1))
            for gate, a_g in zip("ifo", np.split(of_gates, 3, axis=1), strict=True):
                a[gate] = a[gate] + a_g
        i = self._gate("i", a, c_prev, products)
        f = 1 - i if self.coupled else self._gate("f", a, c_prev, products)
        g = self.squash_in(a["g"])
        c = f * c_prev + i * g
        o = self._gate("o", a, c, products)
        u = self.squash_out(c)
        h = o * u
        return (h, c, i, f, o)[: len(self.states)], (i, f, g, o, c_prev, u)

    def step_backward(self, dstate, saved, products):
        """Gradients of one step.

        Parameters
        ----------
        dstate : tuple of arrays, each of shape (B, H)
            ``(dh, dc)``, with full gate recurrence also the gradients by the gates: all that reaches them from outside
            this step.
        saved : tuple of arrays, each of shape (B, H)
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
        dh, dc, di_later, df_later, do_later = *dstate, *[0.0] * (5 - len(dstate))
        i, f, g, o, c_prev, u = saved
        da = {}
        do, du = dh * u + do_later, dh * o
        dc = dc + self.squash_out_backward(du, u)
        dc = dc + self._gate_backward("o", do, o, da, products)
        df, dc_prev = dc * c_prev + df_later, dc * f
        di, dg = dc * g + di_later, dc * i
        da["g"] = self.squash_in_backward(dg, g)
        if self.coupled:
            di = di - df
        else:
            dc_prev = dc_prev + self._gate_backward("f", df, f, da, products)
        dc_prev = dc_prev + self._gate_backward("i", di, i, da, products)
        dgates_prev = []
        if self.full_gate_recurrence:
            of_gates = np.concatenate([da[gate] for gate in "ifo"], axis=1)
            dgates_prev = np.split(products.linear_backward("W_g", of_gates), 3, axis=1)
        da = np.concatenate([da[block] for block in self.blocks], axis=1)
        return da, (products.linear_backward("W_h", da), dc_prev, *dgates_prev)

    def _gate(self, gate, a, c, products):
        """A gate from its pre-activation and the memory that it sees; 1 where there is none."""
        if gate not in a:
            return np.ones_like(c)
        return sigmoid(a[gate] + products.scale(f"p_{gate}", c) if gate in self.seeing else a[gate])

    def _gate_backward(self, gate, ds, s, da, products):
        """Puts the gradient by a gate's pre-activation into `da`; gives that by the memory that the gate saw."""
        if gate not in self.blocks:
            return 0.0
        da[gate] = sigmoid_backward(ds, s)
        return products.scale_backward(f"p_{gate}", da[gate]) if gate in self.seeing else 0.0
